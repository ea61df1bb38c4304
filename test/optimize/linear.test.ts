import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import { Op } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { fromBigInt } from '../../src/fixed/integer.js';
import { linear } from '../../src/optimize/cmvm.js';
import { depthOf } from '../../src/optimize/depth.js';

function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

function matrix(nIn: number, nOut: number, bits: number, seed: number): number[] {
  const next = random(seed);
  return Array.from({ length: nIn * nOut }, () => Math.floor(next() * 2 ** bits) - 2 ** (bits - 1));
}

function build(nIn: number, nOut: number, weight: readonly number[], bias: readonly number[] | undefined, depthSlack = 1) {
  const builder = new CircuitBuilder('cmvm', { depthSlack });
  const inputs = builder.addInput({ name: 'x', shape: [nIn], types: [fixedType(true, 8, 8)] });
  const y = linear.multiplyMatrix(builder, inputs, weight, nOut, bias);
  builder.addOutput('y', [nOut], y);
  return { circuit: builder.finish(), depth: Math.max(...Array.from(y, (op) => depthOf(builder, op))) };
}

function adders(circuit: { kind: Uint8Array }): number {
  return circuit.kind.reduce((count, kind) => count + (kind === Op.add || kind === Op.sub ? 1 : 0), 0);
}

describe('constant matrix-vector products', () => {
  it.each([
    [4, 3, 4, 0], [16, 16, 8, 1], [1, 5, 8, 2], [7, 1, 6, 0],
  ])('%d × %d, %d bits, slack %d: equals the plain sum of products', (nIn, nOut, bits, slack) => {
    const weight = matrix(nIn, nOut, bits, nIn + nOut);
    const bias = Array.from({ length: nOut }, (_, j) => j * 0.25 - 1);
    const { circuit } = build(nIn, nOut, weight, bias, slack);
    const next = random(7);
    for (let event = 0; event < 50; event++) {
      const x = Array.from({ length: nIn }, () => (event === 0 ? -128 : event === 1 ? 127 : Math.floor(next() * 256) - 128));
      const type = circuit.outputs[0]!.types[0]!;
      const raw = evaluateCircuit(circuit, [x])[0]!;
      for (let j = 0; j < nOut; j++) {
        let sum = bias[j]!;
        for (let i = 0; i < nIn; i++) sum += x[i]! * weight[i * nOut + j]!;
        expect(Number(raw[j]) * 2 ** (type.integer - type.width)).toBe(sum);
      }
    }
  });

  it('shares subexpressions and keeps the depth within the fewest levels plus the slack', () => {
    const weight = matrix(16, 16, 8, 1);
    const plain = weight.reduce((n, w) => n + Math.abs(w).toString(2).replaceAll('0', '').length, 0);
    const tight = build(16, 16, weight, undefined, 0);
    const loose = build(16, 16, weight, undefined, 2);
    expect(tight.depth).toBeLessThanOrEqual(6);
    expect(loose.depth).toBeLessThanOrEqual(8);
    expect(adders(loose.circuit)).toBeLessThanOrEqual(adders(tight.circuit));
    expect(adders(loose.circuit)).toBeLessThan(0.5 * plain);
  });

  it('factors a float scale that a whole column shares', () => {
    const scale = Math.fround(0.0123456);
    const weight = [3, -5, 7, 2].map((w) => w * scale);
    const { circuit } = build(4, 1, weight, undefined);
    const plain = build(4, 1, weight.map((w, i) => w * (1 + i * 2 ** -20)), undefined);
    expect(adders(circuit)).toBeLessThan(adders(plain.circuit));
    const type = circuit.outputs[0]!.types[0]!;
    const raw = evaluateCircuit(circuit, [[10, 20, -30, 40]])[0]![0]!;
    expect(Number(raw) * 2 ** (type.integer - type.width)).toBe((30 - 100 - 210 + 80) * scale);
  });
});

describe('matrices behind matrices', () => {
  const first = matrix(6, 4, 5, 21);
  const second = matrix(4, 6, 4, 22);

  function chain(depthSlack: number) {
    const builder = new CircuitBuilder('chain', { depthSlack });
    const x = builder.addInput({ name: 'x', shape: [6], types: [fixedType(true, 6, 6)] });
    const hidden = linear.multiplyMatrix(builder, x, first, 4, [1, -2, 0.5, 0]);
    const y = linear.multiplyMatrix(builder, hidden, second, 6, [0, 0, 3, 0, 0, -1]);
    builder.addOutput('y', [6], y);
    return { circuit: builder.finish(), depth: Math.max(...Array.from(y, (op) => depthOf(builder, op))), hidden: Math.max(...Array.from(hidden, (op) => depthOf(builder, op))) };
  }

  it('are multiplied into one where depth matters, with the same values', () => {
    const { circuit, depth, hidden } = chain(0);
    const alone = new CircuitBuilder('alone', { depthSlack: 0 });
    const inputs = alone.addInput({ name: 'x', shape: [4], types: [fixedType(true, 6, 6)] });
    const own = Math.max(...Array.from(linear.multiplyMatrix(alone, inputs, second, 6), (op) => depthOf(alone, op)));
    expect(depth).toBeLessThan(hidden + own);
    const type = circuit.outputs[0]!.types[0]!;
    const next = random(5);
    for (let event = 0; event < 40; event++) {
      const x = Array.from({ length: 6 }, () => (event === 0 ? -32 : event === 1 ? 31 : Math.floor(next() * 64) - 32));
      const h = [1, -2, 0.5, 0].map((b, j) => x.reduce((sum, v, i) => sum + v * first[i * 4 + j]!, b));
      const raw = evaluateCircuit(circuit, [x])[0]!;
      [0, 0, 3, 0, 0, -1].forEach((b, j) => {
        expect(Number(raw[j]) * 2 ** (type.integer - type.width)).toBe(h.reduce((sum, v, i) => sum + v * second[i * 6 + j]!, b));
      });
    }
  });

  it('are left alone where composed weights would not be exact', () => {
    const builder = new CircuitBuilder('inexact', { depthSlack: 0 });
    const x = builder.addInput({ name: 'x', shape: [2], types: [fixedType(true, 4, 4)] });
    const odd = 2 ** 40 + 1;
    const hidden = linear.multiplyMatrix(builder, x, [odd, 1, 1, odd], 2);
    const y = linear.multiplyMatrix(builder, hidden, [odd, 1], 1);
    builder.addOutput('y', [1], y);
    const circuit = builder.finish();
    const type = circuit.outputs[0]!.types[0]!;
    const raw = BigInt(evaluateCircuit(circuit, [[7, -3]])[0]![0]!) << BigInt(type.integer - type.width);
    const o = BigInt(odd);
    expect(raw).toBe((7n * o - 3n) * o + (7n - 3n * o));
  });
});

describe('products and quotients', () => {
  it.each([[true, 5, true, 4], [false, 5, true, 3], [false, 3, false, 4], [true, 1, true, 6]])(
    'multiplies two variables exhaustively (signed %s %d bits, signed %s %d bits)',
    (sx, wx, sy, wy) => {
      const builder = new CircuitBuilder('mul');
      const [x] = builder.addInput({ name: 'x', shape: [1], types: [fixedType(sx, wx, 2)] });
      const [y] = builder.addInput({ name: 'y', shape: [1], types: [fixedType(sy, wy, wy)] });
      builder.addOutput('p', [1], [linear.multiplyVariables(builder, x!, y!)], [fixedType(true, wx + wy + 1, 2 + wy + 1)]);
      builder.addOutput('s', [1], [linear.multiplyVariables(builder, x!, x!)], [fixedType(true, 2 * wx + 1, 5)]);
      const circuit = builder.finish();
      for (let a = sx ? -(2 ** (wx - 1)) : 0; a < (sx ? 2 ** (wx - 1) : 2 ** wx); a++) {
        for (let b = sy ? -(2 ** (wy - 1)) : 0; b < (sy ? 2 ** (wy - 1) : 2 ** wy); b++) {
          const [p, s] = evaluateCircuit(circuit, [[a], [b]]);
          expect([p![0], s![0]]).toEqual([a * b + 0, a * a]);
        }
      }
    },
  );

  it.each([1, 2, 3, 7, 10, 24, 100, 12345])('divides by %d and rounds down', (divisor) => {
    for (const [signed, exp] of [[true, 0], [false, -3], [true, 2]] as const) {
      const builder = new CircuitBuilder('div');
      const [x] = builder.addInput({ name: 'x', shape: [1], types: [fixedType(signed, 10, 9)] });
      const q = linear.divideFloor(builder, x!, divisor, exp);
      builder.addOutput('q', [1], [q], [fixedType(true, 24, 24 + exp)]);
      const circuit = builder.finish();
      for (let n = signed ? -512 : 0; n < (signed ? 512 : 1024); n++) {
        const expected: Int = Math.floor(n / 2 / divisor / 2 ** exp) + 0;
        expect(evaluateCircuit(circuit, [[n]])[0]![0]).toBe(expected);
      }
    }
  });

  it('divides wide values by large odd numbers, with a reciprocal beyond 53 bits', () => {
    const divisor = 1309169396498741;
    const builder = new CircuitBuilder('wide');
    const [x] = builder.addInput({ name: 'x', shape: [1], types: [fixedType(true, 70, 70)] });
    builder.addOutput('q', [1], [linear.divideFloor(builder, x!, divisor, 0)], [fixedType(true, 30, 30)]);
    const circuit = builder.finish();
    const d = BigInt(divisor);
    for (const n of [0n, 1n, -1n, d, d - 1n, -d, -d - 1n, (1n << 69n) - 1n, -(1n << 69n), 123456n * d + 5n, 400000n * d - 1n]) {
      const floor = n >= 0n || n % d === 0n ? n / d : n / d - 1n;
      expect(evaluateCircuit(circuit, [[fromBigInt(n)]])[0]![0]).toBe(Number(floor));
    }
  });
});
