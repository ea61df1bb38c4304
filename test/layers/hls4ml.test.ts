import { describe, expect, it } from 'vitest';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { fixedType, fractionBits, OVERFLOWS, ROUNDINGS } from '../../src/fixed/fixedType.js';
import type { LayerPrecision } from '../../src/model/graph.js';
import type { Tensor } from '../../src/model/tensor.js';
import { tensor } from '../../src/model/tensor.js';
import { Random } from '../helpers/random.js';
import type { OneLayer } from './helpers.js';
import { graphOf, lowerGraph, randomOf, randomRaw, run, type } from './helpers.js';
import type { Rational } from './hls4ml.js';
import {
  averageOutput, cast, denseOutput, dyadic, exponentialOutput, isLess, ofFloat, plus, rational, same, softmaxLatency, softmaxLegacy,
  softmaxStable, tableOutput, times, ZERO,
} from './hls4ml.js';

const random = new Random(0x415);

/** A type of about `bits` bits with random modes. */
function randomType(bits: number, modes = true): FixedType {
  const width = Math.max(2, bits + random.int(-2, 2));
  const rounding = modes && random.chance(0.5) ? random.pick(ROUNDINGS) : 'TRN';
  const overflow = modes && random.chance(0.5) ? random.pick(OVERFLOWS) : 'WRAP';
  return fixedType(random.chance(0.7), width, random.int(1, width), rounding, overflow);
}

const show = (v: Rational): string => `${v.num}/${v.den}`;

/** Compares a circuit with the firmware's arithmetic on random events. */
function expectFirmware(layer: OneLayer, firmware: (inputs: readonly (readonly Rational[])[]) => readonly Rational[], events = 12): void {
  const circuit = lowerGraph(graphOf(layer));
  const types = circuit.inputs.map((port) => port.types[0] as FixedType);
  for (let event = 0; event < events; event++) {
    const raw = randomRaw(random, layer.operands);
    const expected = firmware(raw.map((port, i) => port.map((n) => dyadic(n, -fractionBits(types[i] as FixedType)))));
    const got = run(circuit, raw).map(({ n, exp }) => dyadic(n, exp));
    expect(got.length).toBe(expected.length);
    const wrong = got.findIndex((value, e) => !same(value, expected[e] as Rational));
    const context = wrong < 0 ? '' : `element ${wrong}: ${show(got[wrong] as Rational)} for ${show(expected[wrong] as Rational)}, inputs ${raw.join(' | ')}, ${JSON.stringify(layer.precision)}`;
    expect(context).toBe('');
  }
}

/** Constants on the grid of a type. */
function onGrid(shape: readonly number[], of: FixedType): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(shape, Array.from({ length: size }, () => (random.chance(0.15) ? 0 : Number(randomOf(random, of)) * 2 ** -fractionBits(of))));
}

const values = (t: Tensor): Rational[] => [...t.data].map(ofFloat);

function randomDensePrecision(): LayerPrecision & { readonly accum: FixedType; readonly result: FixedType; readonly weight: FixedType } {
  return { source: 'config', weight: randomType(5, false), accum: randomType(8), result: randomType(7) };
}

describe('dense', () => {
  it('is the chain of casts, for any types and modes', () => {
    for (let trial = 0; trial < 120; trial++) {
      const [nIn, nOut] = [random.int(1, 7), random.int(1, 3)];
      const precision = randomDensePrecision();
      const weight = onGrid([nIn, nOut], precision.weight);
      const bias = random.chance(0.7) ? onGrid([nOut], randomType(7, false)) : null;
      const reuse = random.pick([1, 1, 2, 3]);
      const full: LayerPrecision = reuse === 1 ? precision : { ...precision, strategy: 'resource', reuseFactor: reuse };
      const layer: OneLayer = { kind: 'dense', params: { weight, bias }, operands: [{ shape: [1, nIn], type: randomType(6) }], precision: full };
      const w = values(weight);
      // −2 under int<2> weights is a product of its own; tested below.
      if (precision.weight.signed && precision.weight.width === 2 && precision.weight.integer === 2) continue;
      if (precision.weight.width === 1) continue;
      expectFirmware(layer, ([x]) =>
        Array.from({ length: nOut }, (_, j) => {
          const column = Array.from({ length: nIn }, (__, i) => w[i * nOut + j] as Rational);
          return denseOutput(x as Rational[], column, bias === null ? ZERO : ofFloat(bias.data[j] as number), precision.accum, precision.result, Math.min(reuse, nIn));
        }),
      );
    }
  });

  it('saturates where the order of the sum decides', () => {
    const accum = type('fixed<6,6,TRN,SAT>');
    const weight = tensor([3, 1], [1, 1, -1]);
    const layer: OneLayer = {
      kind: 'dense',
      params: { weight, bias: null },
      operands: [{ shape: [1, 3], type: type('fixed<6,6>') }],
      precision: { source: 'config', accum, result: accum },
    };
    const circuit = lowerGraph(graphOf(layer));
    expect(run(circuit, [[31n, 31n, 31n]])).toEqual([{ n: 0n, exp: 0 }]);
    const resource = lowerGraph(graphOf({ ...layer, precision: { source: 'config', accum, result: accum, strategy: 'resource', reuseFactor: 2 } }));
    expect(run(resource, [[31n, 31n, 31n]])).toEqual([{ n: 31n, exp: 0 }]);
  });

  it('saturates a product although the sum it joins would fit', () => {
    const accum = type('fixed<6,6,TRN,SAT>');
    const layer: OneLayer = {
      kind: 'dense',
      params: { weight: tensor([1, 1], [2]), bias: tensor([1], [-20]) },
      operands: [{ shape: [1, 1], type: type('ufixed<5,5>') }],
      precision: { source: 'config', accum, result: accum },
    };
    expect(run(lowerGraph(graphOf(layer)), [[20n]])).toEqual([{ n: 11n, exp: 0 }]);
  });

  it('sums exactly with distributed arithmetic', () => {
    const precision: LayerPrecision = { source: 'config', accum: type('fixed<4,4>'), result: type('fixed<6,4,RND,SAT>'), strategy: 'distributed_arithmetic' };
    const weight = tensor([3, 1], [0.75, -1.25, 0.5]);
    expectFirmware({ kind: 'dense', params: { weight, bias: null }, operands: [{ shape: [1, 3], type: type('fixed<6,3>') }], precision }, ([x]) => [
      cast((x as Rational[]).reduce((acc, v, i) => plus(acc, times(v, ofFloat(weight.data[i] as number))), ZERO), precision.result as FixedType),
    ]);
  });

  it('takes −2 as 1 with ternary weights, and refuses one-bit weights', () => {
    const weight = tensor([4, 1], [-2, -1, 0, 1]);
    const precision: LayerPrecision = { source: 'config', weight: type('int<2>'), accum: type('int<12>'), result: type('int<12>') };
    const layer: OneLayer = { kind: 'dense', params: { weight, bias: null }, operands: [{ shape: [1, 4], type: type('int<5>') }], precision };
    expect(run(lowerGraph(graphOf(layer)), [[3n, 5n, 7n, 11n]])).toEqual([{ n: 9n, exp: 0 }]);
    expect(() => lowerGraph(graphOf({ ...layer, precision: { ...precision, weight: type('uint<1>') } }))).toThrow(/one-bit integer weights/);
  });

  it('prints weights in decimal before it casts them', () => {
    // 0.3 has no exact form: '0.300' floors to 2/8; −0.0624 prints as '-0.062', floors to −1/8; 0.9999 prints '1.000'.
    const weight = tensor([3, 1], [0.3, -0.0624, 0.9999]);
    const precision: LayerPrecision = { source: 'config', weight: type('fixed<6,3>'), accum: type('fixed<16,8>'), result: type('fixed<16,8>') };
    const layer: OneLayer = { kind: 'dense', params: { weight, bias: null }, operands: [{ shape: [1, 3], type: type('int<4>') }], precision };
    const circuit = lowerGraph(graphOf(layer));
    expect(run(circuit, [[1n, 0n, 0n]])[0]?.n).toBe(2n * 32n);
    expect(run(circuit, [[0n, 1n, 0n]])[0]?.n).toBe(-32n);
    expect(run(circuit, [[0n, 0n, 1n]])[0]?.n).toBe(256n);
  });
});

describe('conv', () => {
  it('is dense at every position: kernel row, kernel column, channel', () => {
    for (let trial = 0; trial < 25; trial++) {
      const precision = { ...randomDensePrecision(), weight: type('fixed<5,2>') };
      const weight = onGrid([2, 2, 2, 3], precision.weight);
      const bias = onGrid([2], precision.weight);
      const params = { weight, bias, strides: [1, 2], dilations: [1, 1], pads: [1, 0, 0, 1], groups: 1 };
      const w = values(weight);
      expectFirmware({ kind: 'conv', params, operands: [{ shape: [1, 2, 3, 4], type: randomType(6) }], precision }, ([x]) => {
        const out: Rational[] = [];
        for (let f = 0; f < 2; f++) {
          for (let row = 0; row < 3; row++) {
            for (let column = 0; column < 2; column++) {
              const xs: Rational[] = [];
              const ws: Rational[] = [];
              for (let i = 0; i < 2; i++) {
                for (let j = 0; j < 3; j++) {
                  for (let c = 0; c < 2; c++) {
                    const [r, k] = [row + i - 1, 2 * column + j];
                    xs.push(r < 0 || r >= 3 || k >= 4 ? ZERO : (x?.[(c * 3 + r) * 4 + k] as Rational));
                    ws.push(w[((f * 2 + c) * 2 + i) * 3 + j] as Rational);
                  }
                }
              }
              out.push(denseOutput(xs, ws, ofFloat(bias.data[f] as number), precision.accum, precision.result));
            }
          }
        }
        return out;
      }, 4);
    }
  });
});

describe('activations', () => {
  const half = (f: (v: Rational, result: FixedType) => Rational, params: object, extra: Partial<LayerPrecision> = {}) => {
    for (let trial = 0; trial < 40; trial++) {
      const result = randomType(7);
      const precision: LayerPrecision = { source: 'config', result, ...extra };
      expectFirmware({ kind: 'activation', params, operands: [{ shape: [1, 5], type: randomType(8) }], precision }, ([x]) => (x as Rational[]).map((v) => f(v, result)));
    }
  };
  const clipUnit = (v: Rational): Rational => (isLess(v, ZERO) ? ZERO : isLess(rational(1), v) ? rational(1) : v);

  it('linear and relu', () => {
    half((v, result) => cast(v, result), { function: 'linear' });
    half((v, result) => (isLess(ZERO, v) ? cast(v, result) : ZERO), { function: 'relu' });
  });

  it('leaky relu: 0.3 in its minimal type is 153/512', () => {
    half((v, result) => (isLess(ZERO, v) ? cast(v, result) : cast(times(rational(153, 512), v), result)), { function: 'leakyRelu', alpha: 0.3 });
    half((v, result) => (isLess(ZERO, v) ? cast(v, result) : cast(times(rational(1, 4), v), result)), { function: 'leakyRelu', alpha: 0.3 }, { param: type('ufixed<2,0>') });
  });

  it('hard sigmoid: slope floored to ufixed<16,0>', () => {
    const slope = rational(BigInt(Math.floor(0.2 * 65536)), 65536);
    half((v, result) => cast(clipUnit(plus(times(slope, v), rational(1, 2))), result), { function: 'hardSigmoid' });
  });

  it('tables', () => {
    const functions = {
      sigmoid: (v: number) => 1 / (1 + Math.exp(-v)),
      tanh: Math.tanh,
      softplus: (v: number) => Math.log1p(Math.exp(-Math.abs(v))) + Math.max(v, 0),
      softsign: (v: number) => v / (1 + Math.abs(v)),
    };
    for (const [name, f] of Object.entries(functions)) {
      for (let trial = 0; trial < 12; trial++) {
        const [result, table] = [randomType(8), randomType(9)];
        const size = random.pick([32, 64, 256, 96]);
        const range = random.pick([4, 8]);
        const precision: LayerPrecision = { source: 'config', result, table, tableSize: size, tableRange: range };
        expectFirmware({ kind: 'activation', params: { function: name }, operands: [{ shape: [1, 6], type: randomType(10) }], precision }, ([x]) =>
          (x as Rational[]).map((v) => tableOutput(v, f, size, range, table, result)),
        );
      }
    }
  });

  it('elu and selu', () => {
    for (let trial = 0; trial < 25; trial++) {
      const [result, table] = [randomType(8), randomType(9)];
      const precision: LayerPrecision = { source: 'config', result, table, tableSize: 128, param: type('fixed<8,3>') };
      const operands = [{ shape: [1, 6], type: randomType(9) }];
      expectFirmware({ kind: 'activation', params: { function: 'elu', alpha: 0.75 }, operands, precision }, ([x]) =>
        (x as Rational[]).map((v) => cast(isLess(v, ZERO) ? times(rational(3, 4), exponentialOutput(v, 1, 128, table)) : v, result)),
      );
      const lambda = rational(BigInt(Math.floor(1.0507009873554805 * 32768)), 32768);
      const scale = 1.0507009873554804934 * 1.6732632423543772848;
      expectFirmware({ kind: 'activation', params: { function: 'selu' }, operands, precision }, ([x]) =>
        (x as Rational[]).map((v) => cast(isLess(v, ZERO) ? exponentialOutput(v, scale, 128, table) : times(lambda, v), result)),
      );
    }
  });
});

describe('softmax', () => {
  const types = (input: FixedType) => ({
    input,
    exp: randomType(12),
    inv: randomType(random.pick([5, 12])),
    invInput: randomType(10),
    accum: randomType(12),
    result: randomType(8),
    size: random.pick([16, 64, 1024]),
  });

  it.each(['latency', 'stable'] as const)('%s', (softmax) => {
    for (let trial = 0; trial < 40; trial++) {
      const n = random.int(1, 6);
      const input = randomType(8, false);
      const t = types(input);
      const precision: LayerPrecision = { source: 'config', softmax, result: t.result, expTable: t.exp, invTable: t.inv, invInput: t.invInput, accum: t.accum, tableSize: t.size };
      const f = softmax === 'latency' ? softmaxLatency : softmaxStable;
      expectFirmware({ kind: 'softmax', params: { axis: -1 }, operands: [{ shape: [1, n], type: input }], precision }, ([x]) => f(x as Rational[], t), 6);
    }
  });

  it('legacy', () => {
    for (let trial = 0; trial < 15; trial++) {
      const [table, result] = [randomType(12), randomType(8)];
      const precision: LayerPrecision = { source: 'config', softmax: 'legacy', table, result, tableSize: 128 };
      expectFirmware({ kind: 'softmax', params: { axis: 1 }, operands: [{ shape: [1, 4], type: randomType(8, false) }], precision }, ([x]) => softmaxLegacy(x as Rational[], 128, table, result), 6);
    }
  });

  it('argmax: the first maximum', () => {
    const precision: LayerPrecision = { source: 'config', softmax: 'argmax', result: type('ufixed<2,1>') };
    expectFirmware({ kind: 'softmax', params: { axis: 1 }, operands: [{ shape: [1, 5], type: type('int<2>') }], precision }, ([x]) => {
      const list = x as Rational[];
      const best = list.reduce((top, v, i) => (isLess(list[top] as Rational, v) ? i : top), 0);
      return list.map((_, i) => rational(i === best ? 1 : 0));
    }, 60);
  });
});

describe('pooling and reductions', () => {
  it('average: sums in the accumulator, quotient truncated toward zero', () => {
    for (let trial = 0; trial < 60; trial++) {
      const [accum, result] = [randomType(9), randomType(7)];
      const n = random.pick([2, 3, 4, 7, 10]);
      const precision: LayerPrecision = { source: 'config', accum, result };
      const operands = [{ shape: [1, 1, n], type: randomType(7) }];
      const firmware = ([x]: readonly (readonly Rational[])[]): Rational[] => [averageOutput(x as Rational[], n, accum, result)];
      const pool = { mode: 'average', kernel: [n], strides: [1], dilations: [1], pads: [0, 0], countIncludePad: false, ceilMode: false };
      expectFirmware({ kind: 'pool', params: pool, operands, precision }, firmware, 6);
      expectFirmware({ kind: 'reduce', params: { operation: 'mean', axes: [2], keepDims: false }, operands, precision }, firmware, 6);
    }
  });

  it('max: padding is the raw pattern 100…0', () => {
    const pool = { mode: 'max', kernel: [2], strides: [2], dilations: [1], pads: [1, 0], countIncludePad: false, ceilMode: false };
    for (const input of [type('fixed<5,2>'), type('ufixed<5,2>')]) {
      const precision: LayerPrecision = { source: 'config', accum: input, result: type('fixed<7,4>') };
      const padding = input.signed ? rational(-2) : rational(2);
      expectFirmware({ kind: 'pool', params: pool, operands: [{ shape: [1, 1, 3], type: input }], precision }, ([x]) => {
        const [a, b, c] = x as [Rational, Rational, Rational];
        return [isLess(a, padding) ? padding : a, isLess(b, c) ? c : b];
      });
    }
  });
});

describe('merges', () => {
  it('exact, then one cast', () => {
    for (let trial = 0; trial < 30; trial++) {
      const result = randomType(8);
      const operands = [{ shape: [1, 3], type: randomType(6) }, { shape: [1, 3], type: randomType(6) }];
      const precision: LayerPrecision = { source: 'config', result };
      expectFirmware({ kind: 'elementwise', params: { operation: 'mul' }, operands, precision }, ([a, b]) => (a as Rational[]).map((v, i) => cast(times(v, b?.[i] as Rational), result)), 5);
      expectFirmware({ kind: 'elementwise', params: { operation: 'average' }, operands, precision }, ([a, b]) => (a as Rational[]).map((v, i) => cast(times(plus(v, b?.[i] as Rational), rational(1, 2)), result)), 5);
      expectFirmware({ kind: 'concat', params: { axis: 1 }, operands, precision }, ([a, b]) => [...(a as Rational[]), ...(b as Rational[])].map((v) => cast(v, result)), 5);
    }
  });

  it('dot: every product and sum in the accumulator', () => {
    for (let trial = 0; trial < 40; trial++) {
      const [accum, result] = [randomType(9), randomType(7)];
      const operands = [{ shape: [1, 4], type: randomType(5) }, { shape: [1, 4], type: randomType(5) }];
      expectFirmware({ kind: 'dot', params: { axis: 1, keepDims: true }, operands, precision: { source: 'config', accum, result } }, ([a, b]) => [
        denseOutput(a as Rational[], b as Rational[], ZERO, accum, result),
      ], 5);
    }
  });

  it('batch normalization: one cast', () => {
    for (let trial = 0; trial < 30; trial++) {
      const [result, scaleType] = [randomType(8), randomType(6, false)];
      const [scale, bias] = [onGrid([2], scaleType), onGrid([2], scaleType)];
      const precision: LayerPrecision = { source: 'config', scale: scaleType, bias: scaleType, result };
      expectFirmware({ kind: 'batchNormalization', params: { scale, bias, axis: 1 }, operands: [{ shape: [1, 2, 2], type: randomType(7) }], precision }, ([x]) =>
        (x as Rational[]).map((v, e) => {
          const c = Math.floor(e / 2);
          return cast(plus(times(v, ofFloat(scale.data[c] as number)), ofFloat(bias.data[c] as number)), result);
        }), 5);
    }
  });

  it('embedding: a row, cast', () => {
    const [embeddings, result] = [type('fixed<6,2>'), type('fixed<4,2,RND,SAT>')];
    const table = tensor([4, 2], [0.3, 1, -1.9, 0.0625, 1.5, -0.5, 0.01, 1.99]);
    expectFirmware({ kind: 'embedding', params: { table }, operands: [{ shape: [1, 3], type: type('uint<2>') }], precision: { source: 'config', embeddings, result } }, ([x]) =>
      (x as Rational[]).flatMap((v) => [0, 1].map((k) => cast(cast(ofFloat(Number((table.data[Number(v.num / v.den) * 2 + k] as number).toFixed(4))), embeddings), result))),
    );
  });
});
