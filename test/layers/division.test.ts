import { describe, expect, it } from 'vitest';
import { fixedType, ROUNDINGS } from '../../src/fixed/fixedType.js';
import { Random } from '../helpers/random.js';
import { cast, dyadic, rational, same } from './hls4ml.js';
import type { OneLayer } from './helpers.js';
import { floatOf, graphOf, lowerGraph, randomRaw, run, runFloat, type } from './helpers.js';
import { tensor } from '../../src/model/tensor.js';

const random = new Random(0xd1f);

describe('division of variables', () => {
  it.each(ROUNDINGS)('is the exact quotient, rounded once: %s', (rounding) => {
    for (let trial = 0; trial < 3; trial++) {
      const result = fixedType(true, 9 + random.int(0, 6), random.int(6, 9), rounding, random.pick(['WRAP', 'SAT']));
      const [a, b] = [type(random.pick(['fixed<6,3>', 'ufixed<5,5>', 'fixed<7,1>'])), type(random.pick(['fixed<5,3>', 'ufixed<4,2>', 'ufixed<5,-1>']))];
      const layer: OneLayer = { kind: 'elementwise', params: { operation: 'div' }, operands: [{ shape: [1, 1], type: a }, { shape: [1, 1], type: b }], precision: { source: 'auto', result } };
      const circuit = lowerGraph(graphOf(layer));
      const low = (of: typeof a): number => (of.signed ? -(2 ** (of.width - 1)) : 0);
      for (let n = low(a); n < low(a) + 2 ** a.width; n += random.int(1, 3)) {
        for (let d = low(b); d < low(b) + 2 ** b.width; d++) {
          const divisor = d === 0 ? 1 : d;
          const shift = a.integer - a.width - (b.integer - b.width);
          const quotient = rational(BigInt(Math.sign(divisor) * n) * 2n ** BigInt(Math.max(shift, 0)), BigInt(Math.abs(divisor)) * 2n ** BigInt(Math.max(-shift, 0)));
          const [got] = run(circuit, [[BigInt(n)], [BigInt(d)]]);
          expect(got && same(dyadic(got.n, got.exp), cast(quotient, result)), `${n} / ${d} into ${JSON.stringify(result)}`).toBe(true);
        }
      }
    }
  });
});

describe('layer normalisation', () => {
  it.each([[true, 5], [true, 16], [false, 6]])('centred %s, of %d values, is near the true one', (center, size) => {
    const result = type('fixed<16,5,RND,SAT>');
    const params = { axes: [-1], epsilon: 1e-3, scale: tensor([size], Array.from({ length: size }, (_, i) => 1 + i / 8)), bias: tensor([1], [0.25]), center };
    const layer: OneLayer = { kind: 'layerNormalization', params, operands: [{ shape: [1, size], type: type('fixed<10,4>') }], precision: { source: 'auto', result } };
    const circuit = lowerGraph(graphOf(layer));
    const tiny = [Array.from({ length: size }, (_, i) => BigInt(i === 0 ? 1 : 0))];
    const constant = [new Array<bigint>(size).fill(511n)];
    for (let event = 0; event < 150; event++) {
      const raw = event === 0 ? tiny : event === 1 ? constant : randomRaw(random, layer.operands);
      const wanted = floatOf(layer, raw);
      // Half a step of the result, and the stated relative error with its guard bits.
      runFloat(circuit, raw).forEach((y, i) => expect(Math.abs(y - (wanted[i] as number)), raw.join()).toBeLessThan(2 ** -12 * 1.4 + Math.abs(wanted[i] as number) * 2 ** -15));
    }
  });
});
