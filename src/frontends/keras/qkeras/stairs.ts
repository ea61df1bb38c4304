import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import { float32Of, GREATEST, rankOf } from './float32.js';
import type { ScalarFunction } from './scalar.js';

/** A step function: `values[n]` where n of the ascending thresholds are at most x. */
export interface Stairs {
  readonly thresholds: readonly number[];
  readonly values: readonly number[];
}

/**
 * The steps of a float32 function that is monotone between the `turns`: the first float32 of every step, found by halving,
 * so that each is exact. Undefined where there are more than `most`.
 */
export function stairsOf(f: ScalarFunction, turns: readonly number[], most: number): Stairs | undefined {
  const thresholds: number[] = [];
  const values = [f(-GREATEST) + 0];
  const ends = [-GREATEST, ...turns, GREATEST].map((x) => rankOf(Math.fround(x)));
  for (let segment = 1; segment < ends.length; segment++) {
    if (!walk(ends[segment - 1] as number, ends[segment] as number)) return undefined;
  }
  return { thresholds, values };

  /** Adds the steps above `low` up to `high`, in order; false once there are too many. */
  function walk(low: number, high: number): boolean {
    const value = f(float32Of(high));
    if (f(float32Of(low)) === value) return true;
    if (high === low + 1) {
      thresholds.push(float32Of(high));
      values.push(value + 0);
      return thresholds.length <= most;
    }
    const middle = Math.floor((low + high) / 2);
    return walk(low, middle) && walk(middle, high);
  }
}

/** Parameters of a `staircase` layer: one row for all, or one a channel; shorter rows repeat their last step. */
export function staircaseParams(rows: readonly Stairs[], axis: number): { readonly thresholds: Tensor; readonly values: Tensor; readonly axis: number } {
  const steps = Math.max(...rows.map((row) => row.thresholds.length));
  const filled = (values: readonly number[], length: number, fallback: number): number[] => [
    ...values,
    ...new Array<number>(length - values.length).fill(values[values.length - 1] ?? fallback),
  ];
  const thresholds = rows.flatMap((row) => filled(row.thresholds, steps, 0));
  const values = rows.flatMap((row) => filled(row.values, steps + 1, 0));
  return { thresholds: tensor([rows.length, steps], thresholds, true), values: tensor([rows.length, steps + 1], values, true), axis };
}
