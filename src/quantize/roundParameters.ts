import type { FixedType } from '../fixed/fixedType.js';
import { bitLength, dyadicOf } from '../fixed/integer.js';
import type { BatchNormalizationParams } from '../layers/batchNormalization.js';
import type { ActivationParams } from '../layers/activation.js';
import type { ConvParams } from '../layers/conv.js';
import type { DenseParams } from '../layers/dense.js';
import type { EmbeddingParams } from '../layers/embedding.js';
import type { ForestParams } from '../layers/forest.js';
import { castFloat } from '../layers/constants.js';
import { fractionBits } from '../fixed/fixedType.js';
import { toNumber } from '../fixed/integer.js';
import type { ModelNode } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';
import { forestBounds, gridOf, leavesOf } from './ranges.js';

/** Parameters that need at most this many bits on their own grid are kept as they are. */
export const KEPT_BITS = 16;

/** A node with rounded parameters, and what was done to them. */
export interface RoundedNode {
  readonly node: ModelNode;
  /** For the report; empty where nothing was rounded. */
  readonly statements: readonly string[];
  /** Whether parameters were rounded, or are plain numbers on a grid of their own. */
  readonly plain: boolean;
}

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
function roundGroups(tensor: Tensor, bits: number, groups: number, groupOf: (index: number) => number): { readonly tensor: Tensor; readonly statement: string } {
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

function keeps(tensor: Tensor): boolean {
  return tensor.quantised === true || isOnSmallGrid(tensor.data);
}

/** A tensor on the grid 2^exp. */
function onGrid(tensor: Tensor, exp: number): Tensor {
  return { shape: tensor.shape, data: tensor.data.map((value) => roundToGrid(value, exp)), quantised: true };
}

/**
 * Rounds a layer's plain float parameters to nearest even: weights to `bits` significant bits of each output channel's
 * greatest magnitude, embeddings of the table's. Biases wait for `roundBias`: their grid follows from the output's range.
 */
export function roundParameters(node: ModelNode, bits: number, scoreType: FixedType | undefined): RoundedNode {
  switch (node.kind) {
    case 'dense':
    case 'conv': {
      const params = node.params as DenseParams | ConvParams;
      const plain = params.weight.quantised !== true || (params.bias !== null && params.bias.quantised !== true);
      if (keeps(params.weight)) return { node, statements: [], plain };
      const channels = (node.kind === 'dense' ? params.weight.shape[1] : params.weight.shape[0]) ?? 1;
      const each = params.weight.data.length / channels;
      const channelOf = (i: number): number => (node.kind === 'dense' ? i % channels : Math.floor(i / each));
      const { tensor, statement } = roundGroups(params.weight, bits, channels, channelOf);
      return { node: { ...node, params: { ...params, weight: tensor } }, statements: [`weights to ${statement}`], plain };
    }
    case 'batchNormalization': {
      const params = node.params as BatchNormalizationParams;
      const plain = params.scale.quantised !== true || params.bias.quantised !== true;
      if (keeps(params.scale)) return { node, statements: [], plain };
      const { tensor, statement } = roundGroups(params.scale, bits, params.scale.data.length, (i) => i);
      return { node: { ...node, params: { ...params, scale: tensor } }, statements: [`scales to ${statement}`], plain };
    }
    case 'embedding': {
      const { table } = node.params as EmbeddingParams;
      if (keeps(table)) return { node, statements: [], plain: table.quantised !== true };
      const { tensor, statement } = roundGroups(table, bits, 1, () => 0);
      return { node: { ...node, params: { table: tensor } }, statements: [`embeddings to ${statement}`], plain: true };
    }
    case 'activation':
      return roundSlope(node, bits);
    case 'forest':
      return roundLeaves(node, bits, scoreType);
    default:
      return { node, statements: [], plain: false };
  }
}

/** Slope and shift of leakyRelu and hardSigmoid; the other functions become tables and need no rounding of theirs. */
function roundSlope(node: ModelNode, bits: number): RoundedNode {
  const params = node.params as ActivationParams;
  const isLeaky = params.function === 'leakyRelu';
  if (!isLeaky && params.function !== 'hardSigmoid') return { node, statements: [], plain: false };
  const values = isLeaky ? [params.alpha ?? 0.01] : [params.alpha ?? 0.2, params.beta ?? 0.5];
  if (values.every((value) => isOnSmallGrid([value]))) return { node, statements: [], plain: false };
  const [alpha, beta] = values.map((value) => roundToGrid(value, gridFor(value, bits) ?? 0));
  const rounded: ActivationParams = { function: params.function, alpha: alpha as number, ...(beta === undefined ? {} : { beta }) };
  return { node: { ...node, params: rounded }, statements: [`slope ${values[0]} to ${alpha} (${bits} significant bits)`], plain: true };
}

/** Biases of dense, convolution and batch normalisation on the grid 2^exp, where they are plain and finer. */
export function roundBias(node: ModelNode, exp: number): RoundedNode {
  const params = node.params as { readonly bias?: Tensor | null };
  const isAffine = node.kind === 'dense' || node.kind === 'conv' || node.kind === 'batchNormalization';
  const bias = isAffine ? params.bias : undefined;
  if (bias === undefined || bias === null || bias.quantised === true || gridOf(bias.data) >= exp) return { node, statements: [], plain: false };
  return { node: { ...node, params: { ...params, bias: onGrid(bias, exp) } }, statements: [`bias to 2^${exp}`], plain: true };
}

/**
 * Leaves and base of a forest: under `scoreType`, else on a grid so fine that all roundings together stay within
 * 2^−bits of the score's range.
 */
function roundLeaves(node: ModelNode, bits: number, scoreType: FixedType | undefined): RoundedNode {
  const params = node.params as ForestParams;
  const values = [...params.base, ...params.trees.flatMap(leavesOf)];
  if (scoreType === undefined && isOnSmallGrid(values)) return { node, statements: [], plain: true };
  const terms = 1 + Math.max(0, ...params.base.map((_, k) => params.trees.filter((tree) => tree.output === k).length));
  const { low, high } = forestBounds(params);
  const span = low.reduce((most, v, k) => Math.max(most, (high[k] as number) - v), 0);
  const exp = scoreType === undefined ? Math.floor(Math.log2((2 * (span > 0 ? span : 1)) / terms)) - bits : -fractionBits(scoreType);
  const leafType: FixedType | undefined = scoreType === undefined ? undefined : { ...scoreType, rounding: 'RND_CONV', overflow: 'SAT' };
  const round = (value: number): number => (leafType === undefined ? roundToGrid(value, exp) : toNumber(castFloat(value, leafType), exp));
  const trees = params.trees.map((tree) => ({ ...tree, value: tree.value.map((v, i) => ((tree.feature[i] as number) < 0 ? round(v) : v)) }));
  const bound = terms * 2 ** (exp - 1);
  return {
    node: { ...node, params: { ...params, trees, base: params.base.map(round) } },
    statements: [`leaves and base to 2^${exp}: the score is within ±${Number(bound.toPrecision(3))} of the float model's`],
    plain: true,
  };
}
