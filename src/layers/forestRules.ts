import { z } from 'zod';
import type { FixedType } from '../fixed/fixedType.js';
import { castFloat, fractionBits } from '../fixed/fixedType.js';
import { toNumber } from '../fixed/integer.js';
import type { Rounding, RoundedParams } from './definition.js';
import type { ForestParams, Tree } from './forest.js';
import type { Bounds } from './ranges.js';
import { gridOf } from './ranges.js';
import { isOnSmallGrid, roundToGrid } from './rounding.js';

const floatKind = z.enum(['float32', 'float64']);

/** What a forest must look like when it comes from a file. */
export const forestSchema: z.ZodType<ForestParams> = z.strictObject({
  nFeatures: z.int().min(1),
  nOutputs: z.int().min(1),
  comparison: z.enum(['lt', 'le']),
  trees: z.array(
    z.strictObject({
      output: z.int().min(0),
      feature: z.array(z.int().min(-1)),
      value: z.array(z.number()),
      whenTrue: z.array(z.int()),
      whenFalse: z.array(z.int()),
      missingTrue: z.array(z.boolean()).exactOptional(),
      edges: z.array(z.array(z.number()).nullable()).exactOptional(),
    }),
  ),
  base: z.array(z.number()),
  features: floatKind.exactOptional(),
  sums: floatKind.exactOptional(),
  baseLast: z.boolean().exactOptional(),
  learnedMissing: z.boolean().exactOptional(),
  missing: z.literal('flag').exactOptional(),
});

/** The values of a tree's leaves. */
function leavesOf({ feature, value }: Tree): number[] {
  return value.filter((_, i) => (feature[i] as number) < 0);
}

/** Every tree gives its least or greatest leaf. */
export function forestBounds({ trees, base }: ForestParams): Bounds {
  const low = Float64Array.from(base);
  const high = Float64Array.from(base);
  for (const tree of trees) {
    const leaves = leavesOf(tree);
    low[tree.output] = (low[tree.output] as number) + leaves.reduce((m, v) => Math.min(m, v), Infinity);
    high[tree.output] = (high[tree.output] as number) + leaves.reduce((m, v) => Math.max(m, v), -Infinity);
  }
  return { low, high };
}

/** The grid of every score. */
export function forestGrid({ trees, base }: ForestParams): number {
  return Math.min(gridOf(base), ...trees.map((tree) => gridOf(leavesOf(tree))));
}

/**
 * Leaves and base of a forest: under `scoreType`, else on a grid so fine that all roundings together stay within
 * 2^−weightBits of the score's range, and within what bounded functions behind it can tell.
 */
export function roundForest(params: ForestParams, { weightBits, scoreType, mostError }: Rounding): RoundedParams<ForestParams> {
  const values = [...params.base, ...params.trees.flatMap(leavesOf)];
  if (scoreType === undefined && isOnSmallGrid(values)) return { params, statements: [], plain: true };
  const terms = 1 + Math.max(0, ...params.base.map((_, k) => params.trees.filter((tree) => tree.output === k).length));
  const { low, high } = forestBounds(params);
  const span = low.reduce((most, v, k) => Math.max(most, (high[k] as number) - v), 0);
  const exp = scoreType === undefined ? Math.floor(Math.log2((2 * Math.min((span > 0 ? span : 1) * 2 ** -weightBits, mostError ?? Infinity)) / terms)) : -fractionBits(scoreType);
  const leafType: FixedType | undefined = scoreType === undefined ? undefined : { ...scoreType, rounding: 'RND_CONV', overflow: 'SAT' };
  const round = (value: number): number => (leafType === undefined ? roundToGrid(value, exp) : toNumber(castFloat(value, leafType), exp));
  const trees = params.trees.map((tree) => ({ ...tree, value: tree.value.map((v, i) => ((tree.feature[i] as number) < 0 ? round(v) : v)) }));
  const bound = terms * 2 ** (exp - 1);
  return {
    params: { ...params, trees, base: params.base.map(round) },
    statements: [`leaves and base to 2^${exp}: the score is within ±${Number(bound.toPrecision(3))} of the float model's`],
    plain: true,
  };
}
