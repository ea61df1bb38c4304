import { expect, test } from 'vitest';
import { shortfalls } from '../../src/report/budget.js';
import type { ReportDraft } from '../../src/report/schema.js';
import { verdictLine } from '../../src/report/verdict.js';
import { bareReport, sampleDraft, sampleReport, unmetReport } from './sample.js';

const verdict = (changes: Partial<ReportDraft>): string => verdictLine(sampleReport(changes));
const { budget, timing, latency, verification, resources } = sampleDraft;
const done = verification as NonNullable<typeof verification>;

test('met', () => {
  expect(verdictLine(sampleReport())).toBe(
    'MET  50 ns at 320 MHz: 9 cycles = 28.1 ns (estimated 2.9 ns critical path), 4 812 LUT, 1 930 FF (estimated), bit-exact on 1 604 vectors (Verilator)',
  );
  expect(sampleReport().verdict).toBe(verdictLine(sampleReport()));
});

test('not met says by how much', () => {
  expect(verdictLine(unmetReport())).toBe(
    'NOT MET  50 ns at 320 MHz: 19 cycles = 59.4 ns (estimated 3.4 ns critical path), 3 cycles (9.4 ns) over the 16 allowed and critical path 0.27 ns over the 3.125 ns period, 4 812 LUT, 1 930 FF (estimated), bit-exact on 1 604 vectors (Verilator)',
  );
});

test('not met by a hair never prints two equal numbers', () => {
  const line = verdict({ timing: { ...timing, criticalPathNs: 3.1261 } });
  expect(line).toContain('NOT MET');
  expect(line).toContain('estimated 3.126 ns critical path');
  expect(line).toContain('critical path 0.0011 ns over the 3.125 ns period');
});

test('a budget in ns without cycles is compared in ns; equality is met', () => {
  const ns = { clockMHz: 320, latencyNs: 28.125 };
  expect(sampleReport({ budget: ns }).budget.met).toBe(true);
  expect(verdict({ budget: { ...ns, latencyNs: 28.1 } })).toMatch(/^NOT MET {2}28\.1 ns at 320 MHz: 9 cycles = 28\.13 ns .* 0\.025 ns over the 28\.1 ns allowed/);
});

test('single precision delays do not break a period they fill', () => {
  expect(sampleReport({ timing: { ...timing, criticalPathNs: Math.fround(3.12500024) } }).budget.met).toBe(true);
});

test('a locked latency must be that many cycles exactly', () => {
  const locked = { ...budget, locked: true, stated: '=16 cycles at 320 MHz' };
  expect(verdict({ budget: locked })).toContain('7 cycles (21.9 ns) short of the 16 locked');
  expect(sampleReport({ budget: { ...locked, latencyCycles: 9 } }).budget.met).toBe(true);
  const flat = { budget: locked, layers: [], pipeline: [], latency: { ...latency, cycles: 0, ns: 0, combinational: true } };
  expect(verdict(flat)).toContain('16 cycles (50 ns) short of the 16 locked');
});

test('area over the device or the option is not met, synthesis counts before estimates', () => {
  expect(verdict({ budget: { ...budget, maxLut: 4000 } })).toContain('812 LUT over the 4 000 allowed');
  expect(shortfalls(sampleReport({ device: { part: 'tiny', capacity: { ff: 1929 } } }))).toMatchObject([{ quantity: 'ff', found: 1930, allowed: 1929, source: 'estimated' }]);
  const synthesised = { ...resources, synthesised: { flow: 'yosys-xilinx', lut: 3999, ff: 1900 } };
  expect(verdict({ budget: { ...budget, maxLut: 4000 }, resources: synthesised })).toMatch(/^MET.*3 999 LUT, 1 900 FF \(yosys-xilinx\)/);
});

test('unverified, and verified in the emulator only, say so', () => {
  expect(verdictLine(bareReport())).toBe('MET  320 MHz: 9 cycles = 28.1 ns (estimated 2.9 ns critical path), 4 812 LUT, 1 930 FF (estimated), not verified, overflow not excluded');
  const { simulator: _, ...emulated } = done;
  expect(verdict({ verification: emulated })).toContain('emulator exact on 1 604 vectors, Verilog not simulated');
  expect(verdict({ verification: { ...done, vectors: 0 } })).toMatch(/not verified$/);
});

test('a mismatch outranks a budget that is met', () => {
  expect(verdict({ verification: { ...done, mismatches: 3 } })).toMatch(/^MISMATCH {2}50 ns .* 3 of 1 604 vectors differ \(Verilator\)$/);
});

test('combinational: the whole path against the latency', () => {
  const flat = { layers: [], pipeline: [], latency: { ...latency, cycles: 0, ns: 0, combinational: true } };
  const slow = { ...flat, budget: { clockMHz: 40, latencyNs: 25, latencyCycles: 0, stated: '25 ns at 40 MHz' } };
  expect(verdict({ ...slow, timing: { ...timing, criticalPathNs: 18.42 } })).toBe(
    'MET  25 ns at 40 MHz: combinational (estimated 18.4 ns critical path), 4 812 LUT, 1 930 FF (estimated), bit-exact on 1 604 vectors (Verilator)',
  );
  expect(verdict({ ...slow, timing: { ...timing, criticalPathNs: 27 } })).toContain('NOT MET  25 ns at 40 MHz: combinational (estimated 27 ns critical path), critical path 2 ns over the 25 ns allowed');
});

test('wrapping types are named', () => {
  const wraps = ['a', 'b', 'c', 'd'].map((layer) => ({ layer, type: 'fixed<8,4>' }));
  expect(verdict({ overflow: { provenSafe: false, wraps: wraps.slice(0, 2) } })).toMatch(/, can wrap around in a, b$/);
  expect(verdict({ overflow: { provenSafe: false, wraps } })).toMatch(/, can wrap around in a, b and 2 more layers$/);
});
