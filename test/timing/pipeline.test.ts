import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import { kindOf, Op, OPERAND_COUNT } from '../../src/circuit/circuit.js';
import { demandedTop } from '../../src/circuit/demand.js';
import { CompileError } from '../../src/errors.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { costOf } from '../../src/timing/cost.js';
import { deviceOf, PART_NAMES } from '../../src/timing/device.js';
import { crossings, pipelineCircuit } from '../../src/timing/pipeline.js';
import type { Schedule } from '../../src/timing/schedule.js';
import { randomCircuit } from '../helpers/randomCircuit.js';

/** Longest path of each stage, found anew from the costs, not from the scheduler's own bookkeeping. */
function longestPathNs(schedule: Schedule): number {
  const { circuit, stage, device } = schedule;
  const top = demandedTop(circuit);
  const arrival = new Float64Array(circuit.size);
  let longest = 0;
  for (let op = 0; op < circuit.size; op++) {
    const kind = kindOf(circuit, op);
    let ready = 0;
    for (const operand of [circuit.a[op]!, circuit.b[op]!, circuit.c[op]!].slice(0, OPERAND_COUNT[kind])) {
      if (kindOf(circuit, operand) !== Op.const && stage[operand] === stage[op]) ready = Math.max(ready, arrival[operand]!);
    }
    if (top[op] === 0) continue;
    arrival[op] = ready + costOf(circuit, op, top[op]!, device).delayNs;
    longest = Math.max(longest, arrival[op]!);
  }
  return longest;
}

const device = deviceOf('xcvu13p');

describe('pipelining', () => {
  it.each(Array.from({ length: 40 }, (_, i) => i))('random circuit %d: operands come first, no stage exceeds the period, unless one op alone does', (seed) => {
    const circuit = randomCircuit(seed, { ops: 150, maxWidth: 40 });
    const clockMHz = [40, 160, 320, 400][seed % 4]!;
    const { schedule, met } = pipelineCircuit(circuit, device, clockMHz, { mode: 'shortest' });
    for (let op = 0; op < circuit.size; op++) {
      for (const operand of [circuit.a[op]!, circuit.b[op]!, circuit.c[op]!].slice(0, OPERAND_COUNT[kindOf(circuit, op)])) {
        if (kindOf(circuit, operand) !== Op.const) expect(schedule.stage[operand]).toBeLessThanOrEqual(schedule.stage[op]!);
      }
      expect(schedule.stage[op]).toBeLessThan(schedule.latencyCycles);
    }
    const longest = longestPathNs(schedule) + device.registerNs;
    expect(schedule.criticalPathNs).toBeCloseTo(longest, 4);
    if (met) expect(longest).toBeLessThanOrEqual(1000 / clockMHz + 1e-4);
    else {
      const top = demandedTop(circuit);
      const slowest = Math.max(...Array.from({ length: circuit.size }, (_, op) => costOf(circuit, op, top[op]!, device).delayNs));
      expect(slowest + device.registerNs).toBeGreaterThan(1000 / clockMHz);
    }
  });

  it('takes fewer stages at a slower clock, and one at 40 MHz', () => {
    const circuit = randomCircuit(3, { ops: 60, maxWidth: 16 });
    const cycles = [600, 320, 40].map((clock) => pipelineCircuit(circuit, device, clock, { mode: 'shortest' }).schedule.latencyCycles);
    expect(cycles[0]).toBeGreaterThan(cycles[1]!);
    expect(cycles[1]).toBeGreaterThanOrEqual(cycles[2]!);
    const builder = new CircuitBuilder('one');
    const [a, b] = builder.addInput({ name: 'x', shape: [2], types: [fixedType(true, 8, 8)] });
    builder.addOutput('y', [1], [builder.add(builder.add(a!, b!), a!)]);
    expect(pipelineCircuit(builder.finish(), device, 40, { mode: 'shortest' }).schedule.latencyCycles).toBe(1);
  });

  it('locks the latency exactly, and says when it cannot', () => {
    const circuit = randomCircuit(5, { ops: 120, maxWidth: 24 });
    const shortest = pipelineCircuit(circuit, device, 320, { mode: 'shortest' });
    const needed = shortest.schedule.latencyCycles;
    for (const extra of [0, 1, 5]) {
      const locked = pipelineCircuit(circuit, device, 320, { mode: 'exactly', cycles: needed + extra });
      expect(locked.schedule.latencyCycles).toBe(needed + extra);
      expect(locked.met).toBe(shortest.met);
      if (locked.met) expect(locked.schedule.criticalPathNs).toBeLessThanOrEqual(3.125 + 1e-5);
      expect(longestPathNs(locked.schedule) + device.registerNs).toBeCloseTo(locked.schedule.criticalPathNs, 4);
    }
    const tight = pipelineCircuit(circuit, device, 320, { mode: 'exactly', cycles: 1 });
    expect(tight.schedule.latencyCycles).toBe(1);
    expect(tight.met).toBe(false);
    const over = pipelineCircuit(circuit, device, 320, { mode: 'atMost', cycles: 1 });
    expect([over.met, over.neededCycles]).toEqual([false, needed]);
  });

  it('is combinational on request and counts registers as the bits that cross', () => {
    const builder = new CircuitBuilder('regs');
    const [a, b] = builder.addInput({ name: 'x', shape: [2], types: [fixedType(true, 8, 8)] });
    const sum = builder.add(a!, b!);
    builder.addOutput('y', [1], [builder.cast(sum, fixedType(true, 6, 9))], [fixedType(true, 6, 9)]);
    const circuit = builder.finish();
    const none = pipelineCircuit(circuit, device, 40, { mode: 'atMost', cycles: 0 });
    expect([none.schedule.latencyCycles, none.registerBits]).toEqual([0, 0]);
    const one = pipelineCircuit(circuit, device, 40, { mode: 'shortest' });
    // Six bits of the sum (the cast drops three) and valid.
    expect(one.registerBits).toBe(7);
    expect(crossings(one.schedule)[sum]).toBe(1);
  });

  it('knows the parts that the interface names, with package suffixes, and no others', () => {
    expect(PART_NAMES).toEqual(expect.arrayContaining(['xcvu13p', 'xcvu9p', 'xcku115', 'xc7vx690t', 'xczu7ev', 'xc7z020', 'lfe5um5g-85f', 'generic-lut6', 'generic-lut4', 'asic']));
    expect(deviceOf('xc7vx690t-ffg1927-2').part).toBe('xc7vx690t');
    expect(() => deviceOf('xc9')).toThrow(CompileError);
  });
});
