import { describe, expect, it } from 'vitest';
import type { LutParams } from '../../src/layers/lut.js';
import { catalogue } from '../../src/layers/registry.js';
import { tensor } from '../../src/model/tensor.js';
import { floatOf, graphOf, lowerGraph, runFloat, type } from './helpers.js';

const row = (values: readonly number[]) => tensor([values.length], values, true);
const params: LutParams = {
  tables: [
    { exp: -1, first: -4, values: row([3, 1, -4, 1.5, -5, 9, -2.25, 6]) },
    { exp: 0, first: 0, values: row([0.5, -0.125]) },
  ],
  index: tensor([1, 3], [0, 1, 0]),
};

describe('lut', () => {
  it.each(['fixed<4,3>', 'fixed<6,4>', 'ufixed<3,5>', 'fixed<3,2>'])('gives each element its own table’s entry, for arguments of %s', (text) => {
    const of = type(text);
    const layer = { kind: 'lut', params, operands: [{ shape: [1, 3], type: of }] };
    const circuit = lowerGraph(graphOf(layer));
    const half = 2 ** (of.width - 1);
    for (let n = of.signed ? -half : 0; n < (of.signed ? half : 2 * half); n++) {
      const raw = [[n, n, n].map(BigInt)];
      const x = n * 2 ** (of.integer - of.width);
      const byHand = [...params.index.data].map((place) => {
        const { exp, first, values } = params.tables[place] as LutParams['tables'][number];
        const entries = values.data;
        const at = Math.floor(x / 2 ** exp) - first;
        return at < 0 ? entries[0] : at >= entries.length ? entries.at(-1) : entries[at];
      });
      expect(runFloat(circuit, raw), String(x)).toEqual(byHand);
      expect(floatOf(layer, raw), String(x)).toEqual(byHand);
    }
  });

  it('reads the table directly where the argument fits it', () => {
    const circuit = lowerGraph(graphOf({ kind: 'lut', params: { ...params, index: tensor([], [0]) }, operands: [{ shape: [1, 1], type: type('fixed<3,2>') }] }));
    // The input, a shift that nothing reads, and the table.
    expect(circuit.size).toBe(3);
  });

  it.each([
    [{ index: tensor([2], [0, 0]) }, /index \[2\] does not broadcast to \[1, 3\]/],
    [{ index: tensor([], [2]) }, /table 2 is none of the 2/],
    [{ tables: [{ exp: 0, first: 0, values: row([]) }], index: tensor([], [0]) }, /a table is empty/],
    [{ tables: [{ exp: 0.5, first: 0, values: row([1]) }], index: tensor([], [0]) }, /on no grid/],
    [{ tables: [{ exp: 0, first: 0, values: row([NaN]) }], index: tensor([], [0]) }, /not finite/],
  ])('refuses %j', (change, message) => {
    expect(catalogue.shape('lut', { ...params, ...change }, [[1, 3]])).toMatch(message);
  });
});
