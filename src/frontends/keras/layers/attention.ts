import type { Tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { HandlerTable, KerasCall, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { cut, reshape, transpose, withConstant, withNumber } from './support.js';

/** Scores of every query `[…, q, d]` with every key `[…, k, d]`: `[…, q, k]`. */
type Score = (query: TensorRef, key: TensorRef, name: string) => TensorRef;

/** The values weighted by softmax(scores), every query with all keys or, causally, with those that are not behind it. */
export function attend(context: KerasContext, { query, key, value, causal }: Operands, score: Score, name: string): TensorRef {
  const whole = (q: TensorRef, k: TensorRef, v: TensorRef, label: string, own: string): TensorRef => {
    const weights = context.add('softmax', { axis: q.shape.length - 1 }, [score(q, k, label)], `${label}/softmax`);
    return context.add('matmul', {}, [weights, v], own);
  };
  if (!causal) return whole(query, key, value, name, `${name}/context`);
  const time = query.shape.length - 2;
  const [queries, keys] = [query.shape[time] as number, key.shape[time] as number];
  const rows = Array.from({ length: queries }, (_, t) => {
    const seen = Math.min(t + 1, keys);
    const part = (x: TensorRef, from: number, to: number, label: string): TensorRef => cut(context, x, time, from, to, `${name}/t${t}/${label}`);
    return whole(part(query, t, t + 1, 'query'), part(key, 0, seen, 'keys'), part(value, 0, seen, 'values'), `${name}/t${t}`, `${name}/t${t}/context`);
  });
  return rows.length === 1 ? (rows[0] as TensorRef) : context.add('concat', { axis: time }, rows, `${name}/context`);
}

/** q · kᵀ over the last two axes. */
export function dotScore(context: KerasContext): Score {
  return (query, key, name) => {
    const rank = key.shape.length;
    const turned = transpose(context, key, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2], `${name}/keys`);
    return context.add('matmul', {}, [query, turned], `${name}/scores`);
  };
}

/** Σ factor · tanh(scale · (q + k)): the score of Bahdanau et al. 2014; `after` scales the sum. */
function additiveScore(context: KerasContext, scale: number, factors: Tensor | undefined, after: number): Score {
  return (query, key, name) => {
    const [, queries, width] = query.shape as [number, number, number];
    const keys = key.shape[1] as number;
    const sum = context.add('elementwise', { operation: 'add' }, [reshape(context, query, [1, queries, 1, width], `${name}/rows`), reshape(context, key, [1, 1, keys, width], `${name}/columns`)], `${name}/sums`);
    const scaled = scale === 1 ? sum : withNumber(context, 'mul', sum, scale, `${name}/scaled_sums`);
    const bent = context.add('activation', { function: 'tanh' }, [scaled], `${name}/tanh`);
    const weighed = factors === undefined ? bent : withConstant(context, 'mul', bent, factors, `${name}/weighed`);
    const scores = context.add('reduce', { operation: 'sum', axes: [3], keepDims: false }, [weighed], after === 1 ? `${name}/scores` : `${name}/total`);
    return after === 1 ? scores : withNumber(context, 'mul', scores, after, `${name}/scores`);
  };
}

/** Query, value and key of one call; the key is the value where there is none. */
interface Operands {
  readonly query: TensorRef;
  readonly value: TensorRef;
  readonly key: TensorRef;
  readonly causal: boolean;
}

function operandsOf({ name }: KerasLayer, call: KerasCall, context: KerasContext): Operands {
  const unsupported = (what: string, mend?: string): never => context.fail('unsupported', name, 'attention', what, mend);
  const [query, value, key = value] = call.inputs;
  if (query === undefined || value === undefined || key === undefined) return context.fail('input', name, 'inputs', 'needs a query and a value.');
  for (const field of ['attention_mask', 'mask', 'query_mask', 'value_mask', 'key_mask', 'return_attention_scores']) {
    const given = call.kwargs[field];
    if (given !== undefined && !(given.kind === 'json' && (given.value === null || given.value === false))) unsupported(`is called with ${field}, which is not supported.`);
  }
  if ([query, value, key].some((x) => x.shape.length !== 3)) unsupported('attends over inputs that have not exactly a time and a feature axis.', 'Reshape them to [time, features].');
  const mask = call.kwargs['use_causal_mask'];
  return { query, value, key, causal: mask?.kind === 'json' && mask.value === true };
}

/** How many heads there are of queries and, each for as many of them, of keys and values, and their sizes. */
interface Heads {
  readonly queries: number;
  readonly keys: number;
  readonly size: number;
  readonly valueSize: number;
}

/** Projections of every operand, attention in each head, and the projection of what all of them give. */
function headed(layer: KerasLayer, call: KerasCall, { queries, keys, size, valueSize }: Heads, context: KerasContext): readonly TensorRef[] {
  const { config, name, weights } = layer;
  const operands = operandsOf(layer, call, context);
  const unsupported = (what: string): never => context.fail('unsupported', name, 'attention', what);
  if (config.boolean('use_gate', false)) unsupported('uses a gate, which is not supported.');
  if (config.has('sliding_window')) unsupported('attends in a sliding window, which is not supported.');
  if (keys < 1 || queries % keys !== 0) return context.fail('input', name, 'bad-heads', `shares ${keys} heads of keys among ${queries} of queries.`);
  const names = config.boolean('use_bias', true) ? ['kernel', 'bias'] : ['kernel'];
  const project = (x: TensorRef, part: string, legacy: string, heads: number, width: number, factor: number): TensorRef => {
    const [kernel, bias] = weights.part(part, legacy).variables(names) as [Tensor, Tensor?];
    const features = x.shape[2] as number;
    if (kernel.data.length !== features * heads * width) context.fail('input', name, 'bad-weights', `has a kernel [${kernel.shape.join(', ')}] of its ${legacy}; [${features}, ${heads}, ${width}] is needed.`);
    const scaled = (value: Tensor, shape: readonly number[]): Tensor => ({ ...value, shape, data: value.data.map((n) => n * factor) });
    const y = context.add('dense', { weight: scaled(kernel, [features, heads * width]), bias: bias === undefined ? null : scaled(bias, [heads * width]) }, [x], `${name}/${legacy}`);
    const own = transpose(context, reshape(context, y, [1, x.shape[1] as number, heads, width], `${name}/${legacy}_heads`), [0, 2, 1, 3], `${name}/${legacy}_first`);
    if (heads === queries) return own;
    const indices = Float64Array.from({ length: queries }, (_, head) => Math.floor((head * heads) / queries));
    return context.add('gather', { axis: 1, indices: { shape: [queries], data: indices, quantised: true } }, [own], `${name}/${legacy}_shared`);
  };
  const own = {
    ...operands,
    query: project(operands.query, 'query_dense', 'query', queries, size, 1 / Math.sqrt(size)),
    key: project(operands.key, 'key_dense', 'key', keys, size, 1),
    value: project(operands.value, 'value_dense', 'value', keys, valueSize, 1),
  };
  const mixed = transpose(context, attend(context, own, dotScore(context), name), [0, 2, 1, 3], `${name}/context_last`);
  const joined = reshape(context, mixed, [1, operands.query.shape[1] as number, queries * valueSize], `${name}/joined`);
  const [kernel, bias] = weights.part('output_dense', 'attention_output').variables(names) as [Tensor, Tensor?];
  const width = kernel.data.length / (queries * valueSize);
  return [context.add('dense', { weight: { ...kernel, shape: [queries * valueSize, width] }, bias: bias === undefined ? null : { ...bias, shape: [width] } }, [joined], name)];
}

const multiHeadAttention: LayerHandler = (layer, call, context) => {
  const { config, name } = layer;
  const axes = config.integers('attention_axes');
  if (axes !== undefined && (axes.length !== 1 || (axes[0] !== 1 && axes[0] !== -2))) context.fail('unsupported', name, 'attention', `attends over the axes [${axes.join(', ')}]; time, [1], is supported.`);
  const [heads, size] = [config.int('num_heads'), config.int('key_dim')];
  return headed(layer, call, { queries: heads, keys: heads, size, valueSize: config.int('value_dim', size) }, context);
};

const groupQueryAttention: LayerHandler = (layer, call, context) => {
  const { config } = layer;
  const size = config.int('head_dim');
  return headed(layer, call, { queries: config.int('num_query_heads'), keys: config.int('num_key_value_heads'), size, valueSize: size }, context);
};

/** Keras' `Attention`: dot products (Luong et al. 2015) or tanh of sums, with learned factors where it has them. */
const attention: LayerHandler = (layer, call, context) => {
  const { config, name, weights } = layer;
  const operands = operandsOf(layer, call, context);
  const isConcat = config.string('score_mode', 'dot') === 'concat';
  if (!isConcat && config.string('score_mode', 'dot') !== 'dot') return config.bad('score_mode', "'dot' or 'concat'");
  const names = [...(config.boolean('use_scale', false) ? ['scale'] : []), ...(isConcat ? ['concat_score_weight'] : [])];
  const values = new Map(weights.variables(names).map((value, i) => [names[i] as string, value.data[0] as number]));
  const factor = values.get('scale') ?? 1;
  if (isConcat) return [attend(context, operands, additiveScore(context, factor, undefined, values.get('concat_score_weight') ?? 1), name)];
  const query = factor === 1 ? operands.query : withNumber(context, 'mul', operands.query, factor, `${name}/scaled`);
  return [attend(context, { ...operands, query }, dotScore(context), name)];
};

const additiveAttention: LayerHandler = (layer, call, context) => {
  const factors = layer.config.boolean('use_scale', true) ? (layer.weights.variables(['scale'])[0] as Tensor) : undefined;
  return [attend(context, operandsOf(layer, call, context), additiveScore(context, 1, factors, 1), layer.name)];
};

export const attentionLayers: HandlerTable = {
  AdditiveAttention: additiveAttention,
  Attention: attention,
  GroupQueryAttention: groupQueryAttention,
  GroupedQueryAttention: groupQueryAttention,
  MultiHeadAttention: multiHeadAttention,
};
