import type { TensorRef } from '../../network.js';
import type { HandlerTable, KerasLayer, LayerHandler } from '../layer.js';
import { activationTable } from '../layers/activations.js';
import { attend, dotScore } from '../layers/attention.js';
import { unitNormalized } from '../layers/normalisation.js';
import { poolingLayers } from '../layers/pooling.js';
import { axesOf, transpose, withNumber } from '../layers/support.js';
import { one, operand } from './operands.js';

const activation = (name: string): LayerHandler => one((layer, x, context) => (activationTable[name] as (typeof activationTable)[string])(layer.config, x, layer.name, context));

/** Names of keras.ops and of the same functions among activations. */
const ACTIVATIONS: Readonly<Record<string, string>> = {
  Celu: 'celu', Elu: 'elu', Gelu: 'gelu', Glu: 'glu', HardShrink: 'hard_shrink', HardSigmoid: 'hard_sigmoid', HardSilu: 'hard_silu', HardTanh: 'hard_tanh', LeakyRelu: 'leaky_relu', LogSigmoid: 'log_sigmoid',
  LogSoftmax: 'log_softmax', Mish: 'mish', Relu: 'relu', Relu6: 'relu6', Selu: 'selu', Sigmoid: 'sigmoid', Silu: 'silu', SoftShrink: 'soft_shrink', Softmax: 'softmax', Softplus: 'softplus', Softsign: 'softsign',
  SparsePlus: 'sparse_plus', SparseSigmoid: 'sparse_sigmoid', Sparsemax: 'sparsemax', Squareplus: 'squareplus', TanhShrink: 'tanh_shrink', Threshold: 'threshold',
};

/** The pooling layer of the input's rank. */
const pooled = (name: 'MaxPooling' | 'AveragePooling'): LayerHandler => (layer, call, context) => {
  const rank = (call.inputs[0]?.shape.length ?? 0) - 2;
  const handler = poolingLayers[`${name}${rank}D`];
  return handler === undefined ? context.fail('unsupported', layer.name, 'bad-rank', `pools an input of ${rank} spatial axes; 1 to 3 are supported.`) : handler(layer, call, context);
};

/** x / max(‖x‖, ε) over some axes. */
const normalized = one((layer, x, context) => {
  if (layer.config.number('order', 2) !== 2) layer.config.bad('order', '2');
  return unitNormalized(context, x, axesOf(layer.config, 'axis', x.shape.length, [-1]), layer.config.number('epsilon', 1e-7) ** 2, layer.name);
});

function argumentOf(layer: KerasLayer, call: Parameters<LayerHandler>[1], context: Parameters<LayerHandler>[2], at: number, field: string): TensorRef | undefined {
  const stated = call.args[at] ?? call.kwargs[field];
  return stated === undefined || (stated.kind === 'json' && stated.value === null) ? undefined : operand(layer, stated, context, field);
}

/** Attention of `[batch, time, heads, features]`. */
const dotProductAttention: LayerHandler = (layer, call, context) => {
  const { config, name } = layer;
  const [query, key, value] = ['query', 'key', 'value'].map((field, i) => argumentOf(layer, call, context, i, field));
  if (query?.shape.length !== 4 || key?.shape.length !== 4 || value?.shape.length !== 4) return context.fail('input', name, 'inputs', 'needs a query, a key and a value of [batch, time, heads, features].');
  for (const [field, at] of [['bias', 3], ['mask', 4]] as const) {
    if (argumentOf(layer, call, context, at, field) !== undefined) return context.fail('unsupported', name, 'attention', `uses a ${field}, which is not supported.`);
  }
  if (config.has('attn_logits_soft_cap')) return context.fail('unsupported', name, 'attention', 'uses a soft cap, which is not supported.');
  const stated = call.args[5] ?? call.kwargs['scale'];
  const scale = stated?.kind === 'json' && typeof stated.value === 'number' ? stated.value : 1 / Math.sqrt(query.shape[3] as number);
  const heads = (x: TensorRef, label: string): TensorRef => transpose(context, x, [0, 2, 1, 3], `${name}/${label}`);
  const operands = { query: withNumber(context, 'mul', heads(query, 'query'), scale, `${name}/scaled`), key: heads(key, 'key'), value: heads(value, 'value'), causal: config.boolean('is_causal', false) };
  const own = attend(context, operands, dotScore(context), name);
  return [transpose(context, own, [0, 2, 1, 3], `${name}/joined`)];
};

/** Operations of keras.ops.nn. */
export const neuralOperations: HandlerTable = {
  ...Object.fromEntries(Object.entries(ACTIVATIONS).map(([name, own]) => [name, activation(own)])),
  AveragePool: pooled('AveragePooling'),
  DotProductAttention: dotProductAttention,
  MaxPool: pooled('MaxPooling'),
  Normalize: normalized,
};
