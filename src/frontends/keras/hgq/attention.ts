import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import { ConfigReader } from '../json.js';
import type { HandlerTable, KerasCall, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import type { LayerWeights } from '../weights.js';
import { quantise } from './datalane.js';
import { einsumDense } from './dense.js';
import { productOf } from './product.js';
import { readQuantiser } from './quantiser.js';
import { softmaxOf } from './softmax.js';
import { tableEinsumOf } from './tableLayers.js';

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Keras' projection of a tensor: `free` axes stay, the last `bound` ones are summed over, `outputs` new ones are made. */
export function projection(free: number, bound: number, outputs: number): { readonly equation: string; readonly biasAxes: string } {
  const input = LETTERS.slice(0, free + bound);
  const kept = LETTERS.slice(0, free);
  const summed = LETTERS.slice(free, free + bound);
  const made = LETTERS.slice(free + bound, free + bound + outputs);
  return { equation: `${input},${summed}${made}->${kept}${made}`, biasAxes: made };
}

/** Keras' attention over tensors `[batch, …, heads, depth]` of some rank: scores from key and query, then values by scores. */
export function attentionEquations(rank: number, axes: readonly number[]): { readonly scores: string; readonly combine: string } {
  const target = LETTERS.slice(0, rank);
  const batch = Array.from({ length: rank }, (_, i) => i).filter((i) => !axes.includes(i) && i !== rank - 1);
  let next = rank;
  const source = Array.from({ length: rank }, (_, i) => (batch.includes(i) || i === rank - 1 ? target[i] as string : LETTERS[next++] as string)).join('');
  const product = [...batch.map((i) => target[i] as string), ...axes.map((i) => target[i] as string), ...axes.map((i) => source[i] as string)].join('');
  return { scores: `${source},${target}->${product}`, combine: `${product},${source}->${target}` };
}

/** One projection of an attention layer, by multiplication or by tables. */
type Project = (part: string, equation: string, biasAxes: string, x: TensorRef, outputs: readonly number[], options: ProjectOptions) => TensorRef;

interface ProjectOptions {
  readonly useBias: boolean;
  readonly enableIq: boolean;
  readonly enableOq: boolean;
  /** Whose input quantiser it shares. */
  readonly iqWeights?: LayerWeights | undefined;
}

/** QEinsumDense for each projection, with the shared configurations `qkvo_…_conf`. */
function denseProject(layer: KerasLayer, context: KerasContext): Project {
  const { config } = layer;
  return (part, equation, biasAxes, x, outputs, { useBias, enableIq, enableOq, iqWeights }) => {
    const own = new ConfigReader({
      equation, output_shape: [...outputs], activation: null, bias_axes: useBias ? biasAxes : null, enable_iq: enableIq, enable_oq: enableOq,
      iq_conf: config.json('qkvo_iq_conf'), kq_conf: config.json('qkvo_kq_conf'), bq_conf: config.json('qkvo_bq_conf'), oq_conf: config.json('qkvo_oq_conf'),
    }, config.where);
    const weights = layer.weights.part(part);
    return einsumDense({ className: 'QEinsumDense', name: `${layer.name}/${part}`, config: own, weights }, x, context, iqWeights);
  };
}

/** QEinsumDenseT for each projection. */
function tableProject(layer: KerasLayer, context: KerasContext): Project {
  const { config } = layer;
  return (part, equation, biasAxes, x, outputs, { useBias, enableIq, enableOq }) => {
    const own = new ConfigReader({
      equation, output_shape: [...outputs], activation: null, bias_axes: useBias ? biasAxes : null, enable_iq: enableIq, enable_oq: enableOq,
      iq_conf: config.json('qkvo_iq_conf'), toq_conf: config.json('qkvo_toq_conf'), oq_conf: config.json('qkvo_oq_conf'),
      n_hl: config.json('n_hl'), d_hl: config.json('d_hl'), subnn_activation: config.json('subnn_activation'),
      batch_norm: config.json('batch_norm'), bn_center: config.json('bn_center'), bn_scale: config.json('bn_scale'), bn_epsilon: config.json('bn_epsilon'),
    }, config.where);
    return tableEinsumOf({ className: 'QEinsumDenseT', name: `${layer.name}/${part}`, config: own, weights: layer.weights.part(part) }, x, context);
  };
}

interface Operands {
  readonly query: TensorRef;
  readonly value: TensorRef;
  readonly key: TensorRef;
}

/** Query, value and key of a call, as Keras takes them: value and key default to what is before them. */
function operandsOf(layer: KerasLayer, call: KerasCall, context: KerasContext): Operands & { readonly causal: boolean } {
  const named = (name: string): TensorRef | undefined => {
    const argument = call.kwargs[name];
    return argument?.kind === 'tensor' ? argument.tensor : undefined;
  };
  for (const [name, argument] of Object.entries(call.kwargs)) {
    const isNothing = argument.kind === 'json' && (argument.value === null || argument.value === false);
    const isCausal = name === 'use_causal_mask' && argument.kind === 'json';
    if (['query', 'value', 'key', 'training'].includes(name) || isNothing || isCausal) continue;
    context.fail('unsupported', layer.name, 'attention-argument', `is called with ${name.slice(0, 60)}, which is not supported.`, 'Masks other than use_causal_mask and returned scores are not part of a circuit.');
  }
  const positional = call.args.flatMap((argument) => (argument.kind === 'tensor' ? [argument.tensor] : []));
  const query = named('query') ?? positional[0] ?? call.inputs[0];
  if (query === undefined) return context.fail('input', layer.name, 'inputs', 'has no query.');
  const value = named('value') ?? positional[1] ?? query;
  const key = named('key') ?? positional[2] ?? value;
  const mask = call.kwargs['use_causal_mask'];
  return { query, value, key, causal: mask?.kind === 'json' && mask.value === true };
}

/** 0 where a query may not see a key, which stands behind it. */
function causalMask(queries: number, keys: number): Tensor {
  return tensor([1, 1, queries, keys], Array.from({ length: queries * keys }, (_, e) => (Math.floor(e / keys) >= e % keys ? 1 : 0)), true);
}

function attend(layer: KerasLayer, { query, value, key }: Operands, causal: boolean, project: Project, context: KerasContext): TensorRef {
  const { config, name, weights } = layer;
  const [heads, keyDim] = [config.int('num_heads'), config.int('key_dim')];
  const valueDim = config.int('value_dim', keyDim);
  const useBias = config.boolean('use_bias', true);
  const enableIq = config.boolean('enable_iq', true);
  if (config.boolean('use_gate', false)) context.fail('unsupported', name, 'attention-gate', 'has a gate, which is not supported.', 'Build it with use_gate=False.');
  const fuse = config.string('fuse', 'none');
  const shared = fuse === 'none' || !enableIq ? undefined : sharedInputQuantiser(weights, fuse);
  const options = (bias: boolean, part: 'query' | 'key' | 'value'): ProjectOptions => ({
    useBias: bias, enableIq, enableOq: true, iqWeights: fuse === 'qkv' || (fuse === 'kv' && part !== 'query') ? shared : undefined,
  });
  const make = (part: 'query' | 'key' | 'value', x: TensorRef, depth: number, bias: boolean): TensorRef => {
    const { equation, biasAxes } = projection(x.shape.length - 1, 1, 2);
    return project(`${part}_dense`, equation, biasAxes, x, [...x.shape.slice(1, -1), heads, depth], options(bias, part));
  };
  const [q, k, v] = [make('query', query, keyDim, useBias), make('key', key, keyDim, false), make('value', value, valueDim, useBias)];
  const rank = query.shape.length + 1;
  const axes = config.integers('attention_axes') ?? Array.from({ length: rank - 3 }, (_, i) => i + 1);
  const { scores: scoreEquation, combine } = attentionEquations(rank, axes.map((axis) => (axis < 0 ? axis + query.shape.length : axis)));
  const scores = productOf(scoreEquation, k, q, `${name}/scores`, context);
  const mask = causal ? causalMaskOf(layer, scores, axes.length, context) : undefined;
  const weightsOf = attentionWeights(layer, scores, axes.length, keyDim, mask, context);
  const mixed = productOf(combine, weightsOf, v, `${name}/mixed`, context);
  const stated = config.json('output_shape');
  const outputs = stated === null ? [query.shape.at(-1) as number] : config.integers('output_shape') ?? [];
  const { equation, biasAxes } = projection(mixed.shape.length - 2, 2, outputs.length);
  const enableOq = config.boolean('enable_oq', false);
  const y = project('output_dense', equation, biasAxes, mixed, [...query.shape.slice(1, -1), ...outputs], { useBias, enableIq: true, enableOq });
  return enableOq ? quantise(readQuantiser(config.json('oq_conf'), { layer: name, field: 'oq_conf', weights: weights.part('oq') }, context), y, `${name}_oq`, context) : y;
}

/** Fused projections have one input quantiser, kept with whichever of them Keras saved first. */
function sharedInputQuantiser(weights: LayerWeights, fuse: string): LayerWeights {
  const owners = fuse === 'qkv' ? ['key_dense', 'query_dense', 'value_dense'] : ['key_dense', 'value_dense'];
  const owner = owners.find((part) => weights.part(part).part('iq').part('quantizer').count > 0) ?? 'value_dense';
  return weights.part(owner).part('iq');
}

function causalMaskOf({ name }: KerasLayer, scores: TensorRef, axes: number, context: KerasContext): Tensor {
  if (axes !== 1) return context.fail('unsupported', name, 'attention-mask', 'has a causal mask over several axes, which is not supported.');
  const [queries, keys] = scores.shape.slice(-2) as [number, number];
  return causalMask(queries, keys);
}

/** Softmax over the keys, scaled by 1 / √depth inside its exponential. */
function attentionWeights(layer: KerasLayer, scores: TensorRef, axes: number, keyDim: number, mask: Tensor | undefined, context: KerasContext): TensorRef {
  const { config, name, weights } = layer;
  const own = new ConfigReader({
    axes: Array.from({ length: axes }, (_, i) => scores.shape.length - axes + i),
    stable: config.json('stable_softmax'), input_scaler: 1 / Math.sqrt(keyDim), enable_iq: false, enable_oq: true,
    iq_conf: config.json('softmax_iq_conf'), oq_conf: config.json('softmax_oq_conf'), exp_iq_conf: config.json('softmax_exp_iq_conf'),
    exp_oq_conf: config.json('softmax_exp_oq_conf'), inv_iq_conf: config.json('softmax_inv_iq_conf'), inv_oq_conf: config.json('softmax_inv_oq_conf'),
  }, config.where);
  return softmaxOf({ className: 'QSoftmax', name: `${name}/softmax`, config: own, weights: weights.part('_softmax', 'softmax') }, scores, context, mask);
}

const multiHead: LayerHandler = (layer, call, context) => {
  const { causal, ...operands } = operandsOf(layer, call, context);
  return [attend(layer, operands, causal, denseProject(layer, context), context)];
};

const multiHeadTables: LayerHandler = (layer, call, context) => {
  const { causal, ...operands } = operandsOf(layer, call, context);
  return [attend(layer, operands, causal, tableProject(layer, context), context)];
};

/** Linformer: keys and values are first projected along the attention axes to a shorter sequence. */
function linformer(tables: boolean): LayerHandler {
  return (layer, call, context) => {
    const { config } = layer;
    const { causal, ...operands } = operandsOf(layer, call, context);
    if (causal) context.fail('input', layer.name, 'attention-mask', 'has a causal mask, which Linformer attention does not allow.');
    const project = tables ? tableProject(layer, context) : denseProject(layer, context);
    const byTables = config.string('lin_kv_proj_mode', 'dense') === 'dense_t';
    const shorten = byTables ? tableProject(layer, context) : denseProject(layer, context);
    const lengths = config.integers('lin_kv_proj_dim') ?? [];
    const rank = operands.key.shape.length;
    const axes = (config.integers('attention_axes') ?? Array.from({ length: rank - 2 }, (_, i) => i + 1)).map((axis) => (axis < 0 ? axis + rank : axis));
    const along = (part: string, x: TensorRef): TensorRef => {
      const input = LETTERS.slice(0, rank);
      const made = LETTERS.slice(rank, rank + axes.length);
      const output = [...input].map((letter, i) => (axes.includes(i) ? (made[axes.indexOf(i)] as string) : letter)).join('');
      const shape = x.shape.map((n, i) => (axes.includes(i) ? (lengths[axes.indexOf(i)] as number) : n));
      const equation = `${input},${axes.map((axis) => input[axis] as string).join('')}${made}->${output}`;
      const enableOq = byTables && config.boolean('enable_oq', false);
      return shorten(part, equation, '', x, shape.slice(1), { useBias: false, enableIq: byTables ? config.boolean('enable_iq', true) : true, enableOq });
    };
    if (lengths.length !== axes.length) context.fail('input', layer.name, 'attention-axes', `projects ${lengths.length} axes to fixed lengths and attends over ${axes.length}.`);
    const sharesProjection = config.boolean('share_kv_proj', false);
    const key = along('_lin_k_proj', operands.key);
    const value = sharesProjection ? along('_lin_k_proj', operands.value) : along('_lin_v_proj', operands.value);
    return [attend(layer, { query: operands.query, key, value }, false, project, context)];
  };
}

export const attentionLayers: HandlerTable = {
  'hgq>QMultiHeadAttention': multiHead,
  'hgq>QMultiHeadAttentionT': multiHeadTables,
  'hgq>QLinformerAttention': linformer(false),
  'hgq>QLinformerAttentionT': linformer(true),
};
