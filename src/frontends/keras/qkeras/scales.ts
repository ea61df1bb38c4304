import { CompileError } from '../../../errors.js';
import type { Tensor } from '../../../model/tensor.js';
import { sizeOf } from '../../../model/tensor.js';
import { EPSILON, f32, nearestPowerOfTwo } from './float32.js';

/** Which elements share a scale: QKeras' `scale_axis` and `elements_per_scale`. */
export interface Grouping {
  readonly count: number;
  /** For each element (C order) its group. */
  readonly of: Int32Array;
}

/** `scale_axis`, `elements_per_scale` and the limits of exponents; null where not given. */
export interface GroupingOptions {
  readonly scale_axis: number | readonly number[] | null;
  readonly elements_per_scale?: number | readonly number[] | null;
}

/**
 * The groups of a weight tensor. Without `scale_axis` one a channel, the last axis; a vector is one group an element
 * (`vector: 'element'`, the least-squares scales) or one in all (`'whole'`, the greatest magnitudes of quantized_bits).
 */
export function groupsOf(shape: readonly number[], options: GroupingOptions, vector: 'element' | 'whole', where: readonly string[]): Grouping {
  const rank = shape.length;
  if (rank <= 1) return vector === 'whole' ? oneGroup(shape) : { count: sizeOf(shape), of: Int32Array.from({ length: sizeOf(shape) }, (_, i) => i) };
  const kept = [options.scale_axis ?? rank - 1].flat();
  const sizes = [options.elements_per_scale ?? 1].flat();
  const axes = kept.map((axis) => axis);
  if (axes.some((axis) => axis < 0 || axis >= rank) || (sizes.length !== 1 && sizes.length !== axes.length)) {
    throw invalid(where, `scale_axis ${JSON.stringify(options.scale_axis)} with elements_per_scale ${JSON.stringify(options.elements_per_scale)} does not fit ${rank} axes`);
  }
  const each = axes.map((_, i) => sizes[sizes.length === 1 ? 0 : i] as number);
  const wrong = axes.find((axis, i) => (shape[axis] as number) % (each[i] as number) !== 0);
  if (wrong !== undefined) throw invalid(where, `elements_per_scale ${JSON.stringify(options.elements_per_scale)} does not divide axis ${wrong} of ${shape[wrong]} elements`);
  return assignGroups(shape, axes, each);
}

function oneGroup(shape: readonly number[]): Grouping {
  return { count: 1, of: new Int32Array(sizeOf(shape)) };
}

function assignGroups(shape: readonly number[], axes: readonly number[], each: readonly number[]): Grouping {
  const of = new Int32Array(sizeOf(shape));
  const counts = axes.map((axis, i) => (shape[axis] as number) / (each[i] as number));
  for (let e = 0; e < of.length; e++) {
    let group = 0;
    axes.forEach((axis, i) => {
      const step = shape.slice(axis + 1).reduce((product, n) => product * n, 1);
      const index = Math.floor(e / step) % (shape[axis] as number);
      group = group * (counts[i] as number) + Math.floor(index / (each[i] as number));
    });
    of[e] = group;
  }
  return { count: counts.reduce((product, n) => product * n, 1), of };
}

/** The greatest value of `measure` in each group. */
export function greatest(x: Tensor, groups: Grouping, measure: (x: number) => number): Float64Array {
  const most = new Float64Array(groups.count).fill(-Infinity);
  x.data.forEach((v, e) => {
    const group = groups.of[e] as number;
    most[group] = Math.max(most[group] as number, measure(v));
  });
  return most;
}

/** Limits of power-of-two scales. */
export interface ScaleLimits {
  readonly min_po2_exponent?: number | null;
  readonly max_po2_exponent?: number | null;
}

/**
 * QKeras' least-squares scale of each group, Σxq / Σq², in float32 (`_get_least_squares_scale`). Sums run over the
 * elements in order, as TensorFlow's column reductions do.
 */
export function leastSquares(x: Tensor, q: Float64Array, groups: Grouping, alpha: 'auto' | 'auto_po2', limits: ScaleLimits): Float64Array {
  const qx = new Float64Array(groups.count);
  const qq = new Float64Array(groups.count);
  const n = new Float64Array(groups.count);
  q.forEach((value, e) => {
    const group = groups.of[e] as number;
    qx[group] = f32((qx[group] as number) + f32((x.data[e] as number) * value));
    qq[group] = f32((qq[group] as number) + f32(value * value));
    n[group] = (n[group] as number) + 1;
  });
  return qx.map((sum, group) => {
    const count = n[group] as number;
    const scale = f32(f32(sum / count) / f32(f32((qq[group] as number) / count) + EPSILON));
    if (alpha === 'auto') return scale;
    const low = limits.min_po2_exponent ?? null;
    const high = limits.max_po2_exponent ?? null;
    const power = nearestPowerOfTwo(scale);
    return Math.min(Math.max(power, low === null ? 0 : 2 ** low), high === null ? Infinity : 2 ** high);
  });
}

function invalid(where: readonly string[], what: string): CompileError {
  return new CompileError('input', { code: 'quantiser', where, what: `${what}.`, mend: 'Correct the quantiser in the model.' });
}
