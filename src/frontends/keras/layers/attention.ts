import type { Tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { HandlerTable, KerasCall, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { reshape, transpose, withNumber } from './support.js';

/** Attention weights of every query: softmax(q · kᵀ) · v over the last two axes. */
function attend(context: KerasContext, query: TensorRef, key: TensorRef, value: TensorRef, name: string): TensorRef {
  const rank = key.shape.length;
  const turned = transpose(context, key, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2], `${name}/keys`);
  const scores = context.add('matmul', {}, [query, turned], `${name}/scores`);
  const weights = context.add('softmax', { axis: rank - 1 }, [scores], `${name}/softmax`);
  return context.add('matmul', {}, [weights, value], `${name}/context`);
}

const multiHeadAttention: LayerHandler = (layer, call, context) => {
  const { config, name, weights } = layer;
  const [query, value, key = value] = call.inputs;
  if (query === undefined || value === undefined || key === undefined) return context.fail('input', name, 'inputs', 'needs a query and a value.');
  checkAttention(layer, call, context);
  const [heads, size] = [config.int('num_heads'), config.int('key_dim')];
  const valueSize = config.int('value_dim', size);
  const project = (x: TensorRef, part: string, legacy: string, width: number, factor: number): TensorRef => {
    const [kernel, bias] = weights.part(part, legacy).variables(config.boolean('use_bias', true) ? ['kernel', 'bias'] : ['kernel']) as [Tensor, Tensor?];
    const features = x.shape[2] as number;
    if (kernel.data.length !== features * heads * width) context.fail('input', name, 'bad-weights', `has a kernel [${kernel.shape.join(', ')}] of its ${legacy}; [${features}, ${heads}, ${width}] is needed.`);
    const scaled = (value: Tensor, shape: readonly number[]): Tensor => ({ ...value, shape, data: value.data.map((n) => n * factor) });
    const y = context.add('dense', { weight: scaled(kernel, [features, heads * width]), bias: bias === undefined ? null : scaled(bias, [heads * width]) }, [x], `${name}/${legacy}`);
    return transpose(context, reshape(context, y, [1, x.shape[1] as number, heads, width], `${name}/${legacy}_heads`), [0, 2, 1, 3], `${name}/${legacy}_first`);
  };
  const own = attend(context, project(query, 'query_dense', 'query', size, 1 / Math.sqrt(size)), project(key, 'key_dense', 'key', size, 1), project(value, 'value_dense', 'value', valueSize, 1), name);
  const joined = reshape(context, transpose(context, own, [0, 2, 1, 3], `${name}/context_last`), [1, query.shape[1] as number, heads * valueSize], `${name}/joined`);
  const [kernel, bias] = weights.part('output_dense', 'attention_output').variables(config.boolean('use_bias', true) ? ['kernel', 'bias'] : ['kernel']) as [Tensor, Tensor?];
  const width = kernel.data.length / (heads * valueSize);
  return [context.add('dense', { weight: { ...kernel, shape: [heads * valueSize, width] }, bias: bias === undefined ? null : { ...bias, shape: [width] } }, [joined], name)];
};

function checkAttention({ config, name }: KerasLayer, call: KerasCall, context: KerasContext): void {
  const unsupported = (what: string, mend?: string): never => context.fail('unsupported', name, 'attention', what, mend);
  if (call.inputs.some((x) => x.shape.length !== 3)) unsupported('attends over inputs that have not exactly a time and a feature axis.', 'Reshape them to [time, features].');
  const axes = config.integers('attention_axes');
  if (axes !== undefined && (axes.length !== 1 || (axes[0] !== 1 && axes[0] !== -2))) unsupported(`attends over the axes [${axes.join(', ')}]; time, [1], is supported.`);
  const causal = call.kwargs['use_causal_mask'];
  if (causal?.kind === 'json' && causal.value === true) unsupported('uses a causal mask, which is not supported.');
  const mask = call.kwargs['attention_mask'];
  if (mask !== undefined && mask.kind !== 'json') unsupported('uses an attention mask, which is not supported.');
  if (config.boolean('use_gate', false)) unsupported('uses a gate, which is not supported.');
  if (config.has('sliding_window')) unsupported('attends in a sliding window, which is not supported.');
}

/** Keras' `Attention`: dot products, with a learned factor where it has one. */
const attention: LayerHandler = (layer, call, context) => {
  const { config, name, weights } = layer;
  const [query, value, key = value] = call.inputs;
  if (query === undefined || value === undefined || key === undefined) return context.fail('input', name, 'inputs', 'needs a query and a value.');
  if (config.string('score_mode', 'dot') !== 'dot') return context.fail('unsupported', name, 'attention', 'scores by concatenation; dot is supported.');
  const factor = config.boolean('use_scale', false) ? (weights.variables(['scale'])[0] as Tensor).data[0] as number : 1;
  return [attend(context, factor === 1 ? query : withNumber(context, 'mul', query, factor, `${name}/scaled`), key, value, name)];
};

export const attentionLayers: HandlerTable = {
  Attention: attention,
  MultiHeadAttention: multiHeadAttention,
};
