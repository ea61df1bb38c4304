import { bitLength, dyadicOf } from '../fixed/integer.js';
import type { Tensor } from '../model/tensor.js';
import type { RoundedParams } from './definition.js';
import { gridOf } from './ranges.js';

/** Parameters that need at most this many bits on their own grid are kept as they are. */
export const KEPT_BITS = 16;

/** What a layer says that rounds nothing. */
export const UNROUNDED = { statements: [], plain: false } as const;

/** round(value / 2^exp) · 2^exp, ties to even. */
export function roundToGrid(value: number, exp: number): number {
  const scaled = value * 2 ** -exp;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return (up ? floor + 1 : floor) * 2 ** exp;
}

/** Whether all values lie on one grid of at most `KEPT_BITS` bits. */
export function isOnSmallGrid(values: ArrayLike<number>): boolean {
  const exp = gridOf(values);
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i] as number));
  return most < 2 ** (exp + KEPT_BITS);
}

/** The exponent of the grid on which `most` has `bits` significant bits; undefined for 0. */
export function gridFor(most: number, bits: number): number | undefined {
  if (most === 0) return undefined;
  const { n, exp } = dyadicOf(most);
  return exp + bitLength(n) - bits;
}

/** The parameter on a grid of `bits` significant bits of the greatest magnitude of each group (channel). */
export function roundGroups(tensor: Tensor, bits: number, groups: number, groupOf: (index: number) => number): { readonly tensor: Tensor; readonly statement: string } {
  const most = new Float64Array(groups);
  tensor.data.forEach((value, i) => (most[groupOf(i)] = Math.max(most[groupOf(i)] as number, Math.abs(value))));
  const grids = Array.from(most, (value) => gridFor(value, bits));
  const data = tensor.data.map((value, i) => {
    const exp = grids[groupOf(i)];
    return exp === undefined ? 0 : roundToGrid(value, exp);
  });
  const used = grids.filter((exp) => exp !== undefined);
  const [finest, coarsest] = [Math.min(...used), Math.max(...used)];
  const steps = used.length === 0 ? 'all zero' : finest === coarsest ? `2^${finest}` : `2^${finest} to 2^${coarsest}`;
  return { tensor: { shape: tensor.shape, data, quantised: true }, statement: `${steps} (${bits} significant bits${groups > 1 ? ' per channel' : ''})` };
}

/** Whether a parameter stays as it is: a quantiser's values, or few bits. */
export function keeps(tensor: Tensor): boolean {
  return tensor.quantised === true || isOnSmallGrid(tensor.data);
}

/** A bias on the grid 2^exp, where it is plain and finer. */
export function roundBiasField<Params extends { readonly bias: Tensor | null }>(params: Params, exp: number): RoundedParams<Params> {
  const { bias } = params;
  if (bias === null || bias.quantised === true || gridOf(bias.data) >= exp) return { params, ...UNROUNDED };
  const rounded: Tensor = { shape: bias.shape, data: bias.data.map((value) => roundToGrid(value, exp)), quantised: true };
  return { params: { ...params, bias: rounded }, statements: [`bias to 2^${exp}`], plain: true };
}
