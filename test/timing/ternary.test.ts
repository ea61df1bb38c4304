import { describe, expect, it } from 'vitest';
import type { Circuit } from '../../src/circuit/circuit.js';
import { kindOf, Op } from '../../src/circuit/circuit.js';
import { demandedTop } from '../../src/circuit/demand.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { costOf } from '../../src/timing/cost.js';
import { deviceOf } from '../../src/timing/device.js';
import { pipelineCircuit } from '../../src/timing/pipeline.js';
import { lutsOf, ternaryAdders, ternaryCost, ternaryTerms } from '../../src/timing/ternary.js';
import { adderGraph } from '../bench/adderGraph.js';
import { adderTree } from '../helpers/adderTree.js';

const device = deviceOf('xcvu13p');

function adders(circuit: Circuit): number[] {
  return Array.from({ length: circuit.size }, (_, op) => op).filter((op) => [Op.add, Op.sub].includes(kindOf(circuit, op) as never));
}

/** LUTs if the given adders are part of the given others. */
function lutOf(circuit: Circuit, partOf: Int32Array): number {
  const { schedule } = pipelineCircuit(circuit, device, 40, { mode: 'exactly', cycles: 0 });
  return lutsOf({ ...schedule, partOf }, demandedTop(circuit)).reduce((sum, lut) => sum + lut, 0);
}

describe('three-operand adders', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('tree %d: no other choice of what joins what is smaller', (seed) => {
    const circuit = adderTree(seed, 9);
    const found = ternaryAdders(circuit, device, Infinity);
    const joined = adders(circuit).filter((op) => found[op]! >= 0);
    // Every pair there may be, one by one from what the search allows if only that one is there.
    const all = adders(circuit).flatMap((outer) => [circuit.a[outer]!, circuit.b[outer]!].map((operand) => {
      let at = operand;
      while (kindOf(circuit, at) === Op.shift) at = circuit.a[at]!;
      return [at, outer] as const;
    })).filter(([inner]) => adders(circuit).includes(inner) && !circuit.outputs[0]!.ops.includes(inner));
    let least = Infinity;
    for (let choice = 0; choice < 2 ** all.length; choice++) {
      const partOf = new Int32Array(circuit.size).fill(-1);
      const busy = new Set<number>();
      const pairs = all.filter((_, k) => ((choice >> k) & 1) === 1);
      if (pairs.some(([inner, outer]) => {
        const taken = busy.has(inner) || busy.has(outer);
        busy.add(inner).add(outer);
        partOf[inner] = outer;
        return taken;
      })) continue;
      least = Math.min(least, lutOf(circuit, partOf));
    }
    expect(joined.length).toBeGreaterThan(0);
    expect(lutOf(circuit, found)).toBeCloseTo(least, 9);
  });

  it('gives the terms with the signs and shifts of the nested sums', () => {
    for (let seed = 20; seed < 60; seed++) {
      const circuit = adderTree(seed, 7);
      const trace: (number | bigint)[] = [];
      evaluateCircuit(circuit, [Array.from({ length: 7 }, (_, i) => (i * 3 + seed) % 4)] as never, trace as never);
      const value = (op: number): number => Number(trace[op]) * 2 ** circuit.exp[op]!;
      ternaryAdders(circuit, device, Infinity).forEach((outer, inner) => {
        if (outer < 0) return;
        const terms = ternaryTerms(circuit, outer, inner);
        expect(terms.reduce((sum, { op, shift, negative }) => sum + (negative ? -1 : 1) * value(op) * 2 ** shift, 0)).toBe(value(outer));
        expect(terms.filter(({ negative }) => negative).length).toBeLessThan(3);
      });
    }
  });

  it('joins nothing that another op reads, that is slower than the room, or on a device of small LUTs', () => {
    const circuit = adderGraph(2000);
    const partOf = ternaryAdders(circuit, device, Infinity);
    const readers = new Map<number, number>();
    for (const op of adders(circuit)) for (const operand of [circuit.a[op]!, circuit.b[op]!]) readers.set(operand, (readers.get(operand) ?? 0) + 1);
    const joined = adders(circuit).filter((op) => partOf[op]! >= 0);
    expect(joined.length).toBeGreaterThan(300);
    for (const op of joined) expect(readers.get(op)).toBe(1);
    const slowest = Math.max(...joined.map((op) => ternaryCost(circuit, partOf[op]!, op, 40, device).delayNs));
    const room = 0.9 * slowest;
    ternaryAdders(circuit, device, room).forEach((outer, op) => {
      if (outer >= 0) expect(ternaryCost(circuit, outer, op, demandedTop(circuit)[outer]!, device).delayNs).toBeLessThanOrEqual(room);
    });
    expect(ternaryAdders(circuit, deviceOf('lfe5um5g-85f'), Infinity).every((outer) => outer < 0)).toBe(true);
  });

  it('stand in one stage, which keeps the period, and need no more stages than adders of two', () => {
    for (const clockMHz of [160, 320]) {
      const circuit = adderGraph(3000, 8, clockMHz);
      const apart = pipelineCircuit(circuit, device, clockMHz, { mode: 'shortest' });
      const { schedule, met, neededCycles } = pipelineCircuit(circuit, device, clockMHz, { mode: 'shortest' }, { ternary: true });
      expect(met).toBe(true);
      expect(neededCycles).toBeLessThanOrEqual(apart.neededCycles);
      expect(longestPathNs(schedule.circuit, schedule.stage, schedule.partOf!) + device.registerNs).toBeLessThanOrEqual(1000 / clockMHz + 1e-4);
      schedule.partOf!.forEach((outer, op) => {
        if (outer >= 0) expect(schedule.stage[op]).toBe(schedule.stage[outer]!);
      });
      const top = demandedTop(circuit);
      const sum = (luts: Float64Array): number => luts.reduce((total, lut) => total + lut, 0);
      expect(sum(lutsOf(schedule, top))).toBeLessThan(0.95 * sum(lutsOf(apart.schedule, top)));
    }
  });
});

/** Longest path within a stage, from the costs alone. */
function longestPathNs(circuit: Circuit, stage: Int32Array, partOf: Int32Array): number {
  const top = demandedTop(circuit);
  const parts = new Map([...partOf.entries()].filter(([, outer]) => outer >= 0).map(([inner, outer]) => [outer, inner]));
  const arrival = new Float64Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) {
    if (partOf[op]! >= 0) continue;
    const inner = parts.get(op);
    const kind = kindOf(circuit, op);
    const count = kind === Op.input || kind === Op.const ? 0 : kind === Op.shift || kind === Op.cast || kind === Op.lookup ? 1 : kind === Op.mux ? 3 : 2;
    const operands = inner === undefined ? [circuit.a[op]!, circuit.b[op]!, circuit.c[op]!].slice(0, count) : ternaryTerms(circuit, op, inner).map((term) => term.op);
    const ready = Math.max(0, ...operands.filter((operand) => stage[operand] === stage[op] && kindOf(circuit, operand) !== Op.const).map((operand) => arrival[operand]!));
    const { delayNs } = inner === undefined ? costOf(circuit, op, top[op]!, device) : ternaryCost(circuit, op, inner, top[op]!, device);
    arrival[op] = top[op] === 0 ? 0 : ready + delayNs;
  }
  return arrival.reduce((longest, ns) => Math.max(longest, ns), 0);
}
