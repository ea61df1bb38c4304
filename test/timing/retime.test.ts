import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { kindOf, Op } from '../../src/circuit/circuit.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { ClosureProblem } from '../../src/timing/closure.js';
import { deviceOf } from '../../src/timing/device.js';
import type { Net } from '../../src/timing/net.js';
import { arrivals, forOperands, netOf, registerBits } from '../../src/timing/net.js';
import { pipelineCircuit } from '../../src/timing/pipeline.js';
import { asLateAsPossible, asSoonAsPossible } from '../../src/timing/stages.js';
import { retime } from '../../src/timing/retime.js';
import { ternaryAdders } from '../../src/timing/ternary.js';
import { Random } from '../helpers/random.js';
import { randomCircuit } from '../helpers/randomCircuit.js';

const device = deviceOf('xcvu13p');

/** Sums of differing widths with values that are used again much later, narrow casts among them. */
function adderCircuit(seed: number, ops: number): Circuit {
  const random = new Random(seed);
  const builder = new CircuitBuilder('adders');
  const values: number[] = Array.from(builder.addInput({ name: 'x', shape: [3], types: [fixedType(true, random.int(3, 9), 9)] }));
  for (let k = 0; k < ops; k++) {
    const recent = random.chance(0.7) ? values.slice(-3) : values;
    const sum = builder.add(random.pick(recent), random.pick(values), random.int(0, 2));
    values.push(random.chance(0.3) ? builder.cast(sum, fixedType(true, random.int(3, 6), 9, 'RND', 'SAT')) : sum);
  }
  builder.addOutput('y', [2], values.slice(-2));
  return builder.finish();
}

/** The fewest register bits of all placements, by trying every one. */
function fewestBits(net: Net, ranks: number, stageNs: number): number {
  const { circuit, source, isLive } = net;
  const ops = Array.from({ length: circuit.size }, (_, op) => op).filter((op) => source[op] === op && isLive[op] === 1 && kindOf(circuit, op) !== Op.input && kindOf(circuit, op) !== Op.const);
  const stage = new Int32Array(circuit.size);
  const latest = asLateAsPossible(net, ranks, stageNs);
  const arrival = new Float64Array(circuit.size);
  let best = Infinity;
  const place = (k: number): void => {
    if (k === ops.length) {
      best = Math.min(best, registerBits(net, stage, ranks));
      return;
    }
    const op = ops[k]!;
    let from = 0;
    forOperands(net, op, (operand) => (from = Math.max(from, stage[operand]!)));
    for (let at = from; at <= latest[op]!; at++) {
      stage[op] = at;
      let ready = 0;
      forOperands(net, op, (operand) => (ready = Math.max(ready, stage[operand] === at ? arrival[operand]! : 0)));
      arrival[op] = ready + net.delay[op]!;
      if (arrival[op]! <= stageNs + 1e-6 || ready === 0) place(k + 1);
    }
  };
  place(0);
  return best;
}

describe('register-minimal retiming', () => {
  it.each(Array.from({ length: 60 }, (_, i) => i))('small circuit %d: no placement at all has fewer register bits', (seed) => {
    const net = netOf(adderCircuit(seed, 7), device);
    const stageNs = [1.1, 1.7, 2.4][seed % 3]!;
    const { stage, stages } = asSoonAsPossible(net, stageNs);
    const ranks = Math.min(5, stages + (seed % 2));
    if (ranks < stages) return;
    const before = registerBits(net, stage, ranks);
    retime(net, stage, ranks, stageNs);
    const after = registerBits(net, stage, ranks);
    expect(after).toBe(fewestBits(net, ranks, stageNs));
    expect(after).toBeLessThanOrEqual(before);
  });

  it('the small circuits are not all settled from the start', () => {
    const gains = Array.from({ length: 60 }, (_, seed) => {
      const net = netOf(adderCircuit(seed, 7), device);
      const { stage, stages } = asSoonAsPossible(net, 1.7);
      const before = registerBits(net, stage, stages + 1);
      retime(net, stage, stages + 1, 1.7);
      return before - registerBits(net, stage, stages + 1);
    });
    expect(gains.filter((gain) => gain > 0).length).toBeGreaterThan(40);
  });

  it('keeps operands first and every stage within the delay, on random circuits of every kind of op', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 1e6 }), fc.double({ min: 0.9, max: 6, noNaN: true }), fc.integer({ min: 0, max: 3 }), (seed, stageNs, extra) => {
      const random = randomCircuit(seed, { ops: 120, maxWidth: 24 });
      // Half of them with adders that are part of others.
      const net = netOf(random, device, seed % 2 === 0 ? ternaryAdders(random, device, stageNs) : undefined);
      const { circuit, delay } = net;
      const { stage, stages } = asSoonAsPossible(net, stageNs);
      const ranks = stages + extra;
      const before = registerBits(net, stage, ranks);
      retime(net, stage, ranks, stageNs);
      const arrival = arrivals(net, stage);
      for (let op = 0; op < circuit.size; op++) {
        expect(stage[op]).toBeGreaterThanOrEqual(0);
        expect(stage[op]).toBeLessThan(ranks);
        forOperands(net, op, (operand) => expect(stage[operand]).toBeLessThanOrEqual(stage[op]!));
        if (kindOf(circuit, op) === Op.input) expect(stage[op]).toBe(0);
        if ((net.partOf?.[op] ?? -1) >= 0) expect(stage[op]).toBe(stage[net.partOf![op]!]);
        if (delay[op]! > 0 && arrival[op]! > stageNs + 1e-6) expect(arrival[op]).toBe(delay[op]);
      }
      expect(registerBits(net, stage, ranks)).toBeLessThanOrEqual(before);
    }), { seed: 7, numRuns: 150 });
  });

  it('extra ranks go where the fewest bits are', () => {
    // Sixteen inputs meet in one bit, which is wide again at the output.
    const builder = new CircuitBuilder('waist');
    const inputs = builder.addInput({ name: 'x', shape: [16], types: [fixedType(true, 8, 8)] });
    const sum = inputs.reduce((a, b) => builder.add(a, b));
    const bit = builder.lt(sum, builder.constant(5));
    builder.addOutput('y', [2], [builder.mux(bit, inputs[0]!, inputs[1]!), bit]);
    const bits = (cycles: number): number => pipelineCircuit(builder.finish(), device, 40, { mode: 'exactly', cycles }).registerBits;
    // Each rank more: two inputs still needed and the bit is dearer than the two outputs.
    expect(bits(4) - bits(3)).toBe(8 + 1 + 1);
  });
});

describe('heaviest closed sets', () => {
  it('are those that trying all sets finds, also when requirements come later', () => {
    fc.assert(fc.property(
      fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 9 }),
      fc.array(fc.tuple(fc.nat(8), fc.nat(8)), { maxLength: 16 }),
      (weights, pairs) => {
        const n = weights.length;
        const requirements = pairs.map(([a, b]) => [a % n, b % n] as const);
        const problem = new ClosureProblem(Int32Array.from(weights));
        const half = Math.floor(requirements.length / 2);
        for (const [k, [a, b]] of requirements.entries()) {
          if (k === half) problem.solve();
          problem.require(a, b);
        }
        const { taken, weight } = problem.solve();
        let heaviest = 0;
        for (let set = 0; set < 2 ** n; set++) {
          if (requirements.some(([a, b]) => (set >> a) % 2 === 1 && (set >> b) % 2 === 0)) continue;
          heaviest = Math.max(heaviest, weights.reduce((sum, w, k) => sum + ((set >> k) % 2) * w, 0));
        }
        expect(weight).toBe(heaviest);
        expect(weights.reduce((sum, w, k) => sum + taken[k]! * w, 0)).toBe(heaviest);
        for (const [a, b] of requirements) if (taken[a] === 1) expect(taken[b]).toBe(1);
      },
    ), { seed: 3, numRuns: 300 });
  });
});
