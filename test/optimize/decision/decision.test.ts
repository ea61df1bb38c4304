import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../../src/circuit/builder.js';
import { evaluateCircuit } from '../../../src/circuit/evaluate.js';
import { fixedType } from '../../../src/fixed/fixedType.js';
import { indexOfGreatest } from '../../../src/optimize/decision/argmax.js';
import { Encoder } from '../../../src/optimize/decision/code.js';
import type { Decision } from '../../../src/optimize/decision/decision.js';
import { DecisionStore } from '../../../src/optimize/decision/decision.js';
import { DecisionSum } from '../../../src/optimize/decision/decisionSum.js';
import { Random } from '../../helpers/random.js';

const KEYS = 9;

/** A random decision over the keys `ops`; leaf-wise ones are chains. */
function randomDecision(store: DecisionStore, random: Random, ops: readonly number[], depth: number, isChain: boolean): Decision {
  if (depth === 0 || random.chance(0.1)) return store.leaf(random.int(-9, 9));
  const key = random.pick(ops);
  const side = randomDecision(store, random, ops, isChain ? 0 : depth - 1, isChain);
  return store.split(() => key, side, randomDecision(store, random, ops, depth - 1, isChain));
}

function valueOf(decision: Decision, keys: readonly number[]): number {
  return decision.kind === 'leaf' ? Number(decision.value) : valueOf(keys[decision.key] === 1 ? decision.whenTrue : decision.whenFalse, keys);
}

const assignments = Array.from({ length: 1 << KEYS }, (_, index) => Array.from({ length: KEYS }, (_, i) => (index >> i) & 1));

describe('codes of decisions', () => {
  it.each([[2, false], [4, false], [6, false], [9, true]] as const)('depth %i, chain %s: address the right value for every key', (depth, isChain) => {
    for (let seed = 0; seed < 12; seed++) {
      const builder = new CircuitBuilder('code');
      const ops = [...builder.addInput({ name: 'k', shape: [KEYS], types: [fixedType(false, 1, 1)] })];
      const decision = randomDecision(new DecisionStore(), new Random(seed + depth), ops, depth, isChain);
      const code = new Encoder(builder).encode(decision, 5);
      if (code === undefined) throw new Error('no code');
      expect(code.values.length).toBe(2 ** code.bits.length);
      if (code.bits.length === 0) continue;
      builder.addOutput('bits', [code.bits.length], code.bits);
      const circuit = builder.finish();
      for (const keys of assignments) {
        const address = (evaluateCircuit(circuit, [keys])[0] ?? []).reduce<number>((sum, bit, i) => sum + Number(bit) * 2 ** i, 0);
        expect(code.values[address]).toBe(valueOf(decision, keys));
      }
    }
  });

  it('are no wider than asked where that is possible: a complete tree of depth 3 has 3 bits, of 2 multiplexers', () => {
    const builder = new CircuitBuilder('code');
    const ops = [...builder.addInput({ name: 'k', shape: [7], types: [fixedType(false, 1, 1)] })];
    const store = new DecisionStore();
    const full = (node: number, leaf: number, depth: number): Decision => (depth === 0 ? store.leaf(leaf) : store.split(() => ops[node] as number, full(2 * node + 1, 2 * leaf, depth - 1), full(2 * node + 2, 2 * leaf + 1, depth - 1)));
    const before = builder.size;
    expect(new Encoder(builder).encode(full(0, 0, 3), 5)?.bits.length).toBe(3);
    expect(builder.size - before).toBe(4);
  });
});

describe('sums of decisions', () => {
  it.each([0, 1, 2, 3])('are exact for every key, slack %i', (depthSlack) => {
    for (let seed = 0; seed < 6; seed++) {
      const builder = new CircuitBuilder('sum', { depthSlack });
      const ops = [...builder.addInput({ name: 'k', shape: [KEYS], types: [fixedType(false, 1, 1)] })];
      const store = new DecisionStore();
      const random = new Random(100 + seed);
      const decisions = Array.from({ length: 4 + 4 * seed }, () => randomDecision(store, random, ops, random.int(0, 5), random.chance(0.3)));
      const sum = new DecisionSum(builder, -2);
      decisions.forEach((decision) => sum.add(decision));
      builder.addOutput('y', [1], [sum.finish(-7)], [fixedType(true, 20, 18)]);
      const circuit = builder.finish();
      for (const keys of assignments) expect(evaluateCircuit(circuit, [keys])).toEqual([[decisions.reduce((total, decision) => total + valueOf(decision, keys), -7)]]);
    }
  });
});

describe('the index of the greatest', () => {
  const values = [[3, 3, 1, 3, -4], [-8, -8, -8, -8, -8], [0, 1, 7, 7, 7], [5, 4, 3, 2, 1], [1, 2, 3, 4, 5]];
  it.each([
    ['first', {}, (row: number[]) => row.indexOf(Math.max(...row))],
    ['last', { last: true }, (row: number[]) => row.lastIndexOf(Math.max(...row))],
    ['first least', { least: true }, (row: number[]) => row.indexOf(Math.min(...row))],
    ['last least', { least: true, last: true }, (row: number[]) => row.lastIndexOf(Math.min(...row))],
  ] as const)('is that of the %s of equal ones', (_name, options, wanted) => {
    const builder = new CircuitBuilder('argmax');
    const ops = builder.addInput({ name: 'x', shape: [5], types: [fixedType(true, 4, 4)] });
    builder.addOutput('y', [1], [indexOfGreatest(builder, [...ops], options)]);
    const circuit = builder.finish();
    for (const row of values) expect(evaluateCircuit(circuit, [row])).toEqual([[wanted(row)]]);
  });
});
