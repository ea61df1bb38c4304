import { describe, expect, test } from 'vitest';
import { ciSummary } from '../../src/report/ciSummary.js';
import { compareReports } from '../../src/report/compare.js';
import type { Gate } from '../../src/report/gates.js';
import { checkGates, GATES } from '../../src/report/gates.js';
import type { Report, ReportDraft } from '../../src/report/schema.js';
import { bareReport, sampleDraft, sampleReport, unmetReport } from './sample.js';

const limits = { maxGrowth: 0.1, maxDrop: 0.005 };
const { resources, model, budget, latency } = sampleDraft;
const gateOf = (name: Gate['name'], report: Report, baseline = sampleReport()): Gate => checkGates(baseline, report, limits).find((gate) => gate.name === name)!;
const estimated = (lut: number, ff = 1930): Partial<ReportDraft> => ({ resources: { ...resources, estimated: { lut, ff, dsp: 0, bram: 0 } } });
const judged = (fixed: number, more: Partial<NonNullable<Report['accuracy']>> = {}): Partial<ReportDraft> => ({ accuracy: { metric: 'auc', float: 0.91, fixed, loss: 0, ...more } });

test('a build is as good as itself, gate by gate', () => {
  expect(checkGates(sampleReport(), sampleReport(), limits).map(({ name, outcome }) => [name, outcome])).toEqual(GATES.map((name) => [name, 'passed']));
});

describe('each gate fails for its own reason alone', () => {
  const port = model.inputs[0]!;
  const cases: readonly (readonly [Gate['name'], Partial<ReportDraft>, RegExp])[] = [
    ['latency', { latency: { ...latency, cycles: 10, ns: 31.25 } }, /^10 cycles, the baseline has 9: compile with --latency '=9 cycles' to keep it$/],
    ['latency', { latency: { ...latency, cycles: 8, ns: 25 }, layers: [] }, /^8 cycles, the baseline has 9/],
    ['interface', { model: { ...model, inputs: [{ ...port, type: 'fixed<16,11>' }] } }, /^input objects: fixed<16,11>, the baseline has fixed<18,13>$/],
    ['interface', { model: { ...model, outputs: [] } }, /^output score: gone, the baseline has 1$/],
    ['area', estimated(5294), /^5 294 LUT, 5 293 allowed \(the baseline's 4 812 and 10%\); estimated$/],
    ['area', estimated(4812, 2124), /^2 124 FF, 2 123 allowed/],
    ['area', { device: { part: 'xc7z020' } }, /^made for xc7z020, the baseline for xcvu13p: areas cannot be compared$/],
    ['accuracy', judged(0.908), /^auc 0\.908, the baseline has 0\.9131: 0\.0051, 0\.005 allowed$/],
    ['accuracy', judged(0.9131, { loss: 0.02, maxLoss: 0.01 }), /^quantisation loses 2% of auc, 1% allowed$/],
    ['accuracy', judged(0.9131, { metric: 'accuracy' }), /^judged by accuracy, the baseline by auc: compile with --metric auc$/],
  ];
  test.each(cases)('%s', (name, changes, text) => {
    const failed = checkGates(sampleReport(), sampleReport(changes), limits).filter(({ outcome }) => outcome === 'failed');
    expect(failed).toEqual([{ name, outcome: 'failed', text: expect.stringMatching(text) }]);
  });

  test('what stays inside its limits passes', () => {
    expect(gateOf('area', sampleReport(estimated(5293, 2123))).outcome).toBe('passed');
    expect(gateOf('accuracy', sampleReport(judged(0.9081))).outcome).toBe('passed');
    expect(gateOf('accuracy', sampleReport(judged(0.99))).outcome).toBe('passed');
  });
});

test('budget: the own one and the baseline’s', () => {
  expect(gateOf('budget', unmetReport()).outcome).toBe('failed');
  const lax = sampleReport({ budget: { ...budget, latencyNs: 500, latencyCycles: 160 }, latency: { ...latency, cycles: 17, ns: 53.125 } });
  expect(lax.budget.met).toBe(true);
  expect(gateOf('budget', lax)).toMatchObject({ outcome: 'failed', text: '1 cycle (3.1 ns) over the 16 allowed' });
  const locked = sampleReport({ budget: { ...budget, latencyCycles: 9, locked: true } });
  expect(gateOf('budget', sampleReport({ latency: { ...latency, cycles: 8, ns: 25 }, layers: [] }), locked)).toMatchObject({ outcome: 'failed', text: '1 cycle (3.1 ns) short of the 9 locked' });
  const slow = sampleReport({ budget: { ...budget, clockMHz: 160 }, latency: { ...latency, ns: 56.25 } });
  expect(gateOf('budget', slow).text).toContain('compiled for 160 MHz, the baseline for 320 MHz');
});

test('area: synthesised figures are compared with those of the same flow only', () => {
  const with_ = (flow: string, lut: number, estimate: number): Report => sampleReport({ resources: { estimated: { lut: estimate, ff: 0, dsp: 0, bram: 0 }, synthesised: { flow, lut, ff: 0 } } });
  expect(gateOf('area', with_('yosys-xilinx', 120, 1), with_('yosys-xilinx', 100, 1))).toMatchObject({ outcome: 'failed', text: expect.stringMatching(/^120 LUT.*; yosys-xilinx$/) });
  expect(gateOf('area', with_('yosys-xilinx', 100, 99), with_('yosys-xilinx', 100, 1)).outcome).toBe('passed');
  expect(gateOf('area', with_('ecp5', 1000, 1), with_('yosys-xilinx', 100, 1))).toMatchObject({ outcome: 'passed', text: expect.stringContaining('estimated') });
});

test('accuracy: an error may not grow, and silence is no proof', () => {
  const mse = (fixed: number): Report => sampleReport({ accuracy: { metric: 'mse', float: 0, fixed, loss: 0 } });
  expect(gateOf('accuracy', mse(0.02), mse(0.01))).toMatchObject({ outcome: 'failed', text: 'mse 0.02, the baseline has 0.01: 100% more, 0.5% allowed' });
  expect(gateOf('accuracy', mse(0.005), mse(0.01)).outcome).toBe('passed');
  expect(gateOf('accuracy', mse(1e-9), mse(0)).outcome).toBe('failed');
  expect(gateOf('accuracy', bareReport()).outcome).toBe('failed');
  expect(gateOf('accuracy', bareReport(), bareReport()).outcome).toBe('skipped');
});

test('the summary shows texts as they are, whatever is in them', () => {
  const text = ciSummary({
    top: 'a|b', verdict: 'MET', comparison: compareReports(sampleReport(), unmetReport()),
    cases: [{ group: 'gates', name: 'area', outcome: 'failed', text: '<script> `x` | [y](z) \u202e' }, { group: 'gates', name: 'budget', outcome: 'allowed', text: 'late' }],
  });
  expect(text).toMatch(/^## a&#124;b: 1 of 2 failed\n/);
  expect(text).toContain('| ❌ | area | &#60;script&#62; &#96;x&#96; &#124; &#91;y&#93;(z) &#92;u202e |');
  expect(text).toContain('| latency | latency | 9 cycles | 19 cycles | +10 (+111.1%) | worse |');
  for (const line of text.split('\n').filter((row) => row.startsWith('| latency'))) expect(line.match(/\|/g)).toHaveLength(7);
});
