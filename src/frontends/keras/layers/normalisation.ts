import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import { float32Normalisation, recordStage } from '../float32Stage.js';
import type { ConfigReader, Json } from '../json.js';
import type { HandlerTable, KerasContext } from '../layer.js';
import { unary } from '../layer.js';
import { axesOf, axisOf, mapped, reshape, withConstant, withNumber } from './support.js';

const batchNormalization = unary(({ config, weights, name }, x, context) => {
  const axis = axisOf(config, 'axis', x.shape.length, -1);
  const names = [...(config.boolean('scale', true) ? ['gamma'] : []), ...(config.boolean('center', true) ? ['beta'] : []), 'moving_mean', 'moving_variance'];
  const values = new Map(weights.variables(names).map((value, i) => [names[i] as string, value]));
  const channels = x.shape[axis] as number;
  const part = (field: string, fallback: number): Float64Array => {
    const value = values.get(field)?.data ?? new Float64Array(channels).fill(fallback);
    return value.length === channels ? value : context.fail('input', name, 'bad-weights', `has ${value.length} values of ${field} for ${channels} channels.`);
  };
  const [gamma, beta, mean, variance] = [part('gamma', 1), part('beta', 0), part('moving_mean', 0), part('moving_variance', 1)];
  const epsilon = config.number('epsilon', 1e-3);
  const scale = gamma.map((g, i) => g / Math.sqrt((variance[i] as number) + epsilon));
  const output = affine(context, x, axis, scale, beta.map((b, i) => b - (mean[i] as number) * (scale[i] as number)), name);
  const fused = context.kerasVersion === 2 && x.shape.length === 4;
  return recordStage(output, { input: x, axis, channels: float32Normalisation({ gamma, beta, mean, variance, epsilon }, fused) });
});

/** x · scale + bias along one axis. */
function affine(context: KerasContext, x: TensorRef, axis: number, scale: ArrayLike<number>, bias: ArrayLike<number>, name: string): TensorRef {
  if (Array.from(scale).some((n) => !Number.isFinite(n)) || Array.from(bias).some((n) => !Number.isFinite(n))) {
    context.fail('input', name, 'not-finite', 'gives infinite factors: a variance of 0 or below with no epsilon.');
  }
  return context.add('batchNormalization', { scale: tensor([scale.length], scale), bias: tensor([bias.length], bias), axis }, [x], name);
}

/** Mean and variance over some axes, then a scale and a shift for each of their elements. */
const layerNormalization = unary(({ config, weights, name }, x, context) => {
  const axes = axesOf(config, 'axis', x.shape.length, [-1]);
  const isRms = config.boolean('rms_scaling', false);
  const names = [...(isRms || config.boolean('scale', true) ? ['gamma'] : []), ...(config.boolean('center', true) && !isRms ? ['beta'] : [])];
  const values = new Map(weights.variables(names).map((value, i) => [names[i] as string, value]));
  const centred = isRms ? x : context.add('elementwise', { operation: 'sub' }, [x, mean(context, x, axes, `${name}/mean`)], `${name}/centred`);
  const variance = isRms ? variances(context, x, axes, `${name}/variance`) : mean(context, squared(context, centred, `${name}/squares`), axes, `${name}/variance`);
  const safe = withNumber(context, 'add', variance, config.number('epsilon', 1e-3), `${name}/safe`);
  const scale = context.add('activation', { function: 'rsqrt' }, [safe], `${name}/scale`);
  let y = context.add('elementwise', { operation: 'mul' }, [centred, scale], values.size === 0 ? name : `${name}/normalised`);
  const gamma = values.get('gamma');
  const beta = values.get('beta');
  if (gamma !== undefined) y = withConstant(context, 'mul', y, spreadOver(context, gamma, x, axes, name), beta === undefined ? name : `${name}/scaled`);
  if (beta !== undefined) y = withConstant(context, 'add', y, spreadOver(context, beta, x, axes, name), name);
  return y;
});

/** Keras' rms_scaling keeps the variance about the mean, though nothing is subtracted. */
function variances(context: KerasContext, x: TensorRef, axes: readonly number[], name: string): TensorRef {
  const centred = context.add('elementwise', { operation: 'sub' }, [x, mean(context, x, axes, `${name}/mean`)], `${name}/centred`);
  return mean(context, squared(context, centred, `${name}/squares`), axes, name);
}

const rmsNormalization = unary(({ config, weights, name }, x, context) => {
  const axes = axesOf(config, 'axis', x.shape.length, [-1]);
  const [scale] = weights.variables(['scale']) as [Tensor];
  const safe = withNumber(context, 'add', mean(context, squared(context, x, `${name}/squares`), axes, `${name}/mean`), config.number('epsilon', 1e-6), `${name}/safe`);
  const factor = context.add('activation', { function: 'rsqrt' }, [safe], `${name}/scale`);
  const y = context.add('elementwise', { operation: 'mul' }, [x, factor], `${name}/normalised`);
  return withConstant(context, 'mul', y, spreadOver(context, scale, x, axes, name), name);
});

function mean(context: KerasContext, x: TensorRef, axes: readonly number[], name: string): TensorRef {
  return context.add('reduce', { operation: 'mean', axes, keepDims: true }, [x], name);
}

function squared(context: KerasContext, x: TensorRef, name: string): TensorRef {
  return context.add('elementwise', { operation: 'mul' }, [x, x], name);
}

/** Parameters of some axes in the input's rank. */
function spreadOver(context: KerasContext, value: Tensor, x: TensorRef, axes: readonly number[], name: string): Tensor {
  const shape = x.shape.map((n, axis) => (axes.includes(axis) ? n : 1));
  if (value.data.length !== shape.reduce((product, n) => product * n, 1)) context.fail('input', name, 'bad-weights', `has ${value.data.length} parameters for the shape [${shape.join(', ')}].`);
  return { ...value, shape };
}

/** x / |x| over some axes. */
export function unitNormalized(context: KerasContext, x: TensorRef, axes: readonly number[], least: number, name: string): TensorRef {
  const sum = context.add('reduce', { operation: 'sum', axes, keepDims: true }, [squared(context, x, `${name}/squares`)], `${name}/sum`);
  const safe = context.add('clip', { min: least, max: null }, [sum], `${name}/safe`);
  const scale = context.add('activation', { function: 'rsqrt' }, [safe], `${name}/scale`);
  return context.add('elementwise', { operation: 'mul' }, [x, scale], name);
}

/** Channels in groups, each normalised over its channels and all other axes of the event. */
const groupNormalization = unary(({ config, weights, name }, x, context) => {
  const axis = axisOf(config, 'axis', x.shape.length, -1);
  const channels = x.shape[axis] as number;
  const stated = config.int('groups', 32);
  const groups = stated === -1 ? channels : stated;
  if (!(groups >= 1) || channels % groups !== 0) return context.fail('input', name, 'bad-groups', `divides ${channels} channels into ${groups} groups.`);
  const names = [...(config.boolean('scale', true) ? ['gamma'] : []), ...(config.boolean('center', true) ? ['beta'] : [])];
  const values = new Map(weights.variables(names).map((value, i) => [names[i] as string, value]));
  const split = [...x.shape.slice(0, axis), groups, channels / groups, ...x.shape.slice(axis + 1)];
  const along = (field: string): Tensor | null => {
    const value = values.get(field);
    if (value === undefined) return null;
    if (value.data.length !== channels) return context.fail('input', name, 'bad-weights', `has ${value.data.length} values of ${field} for ${channels} channels.`);
    return { ...value, shape: split.map((n, i) => (i === axis || i === axis + 1 ? n : 1)) };
  };
  const params = { axes: split.map((_, i) => i).filter((i) => i > 0 && i !== axis), epsilon: config.number('epsilon', 1e-3), scale: along('gamma'), bias: along('beta') };
  const y = context.add('layerNormalization', params, [reshape(context, x, split, `${name}/groups`)], name);
  return reshape(context, y, x.shape, `${name}/shape`);
});

const unitNormalization = unary(({ config, name }, x, context) =>
  unitNormalized(context, x, axesOf(config, 'axis', x.shape.length, [-1]), context.kerasVersion === 3 ? 1e-24 : 1e-12, name));

/** Keras' own smallest standard deviation. */
const KERAS_EPSILON = 1e-7;

/** (x − mean) / √variance with statistics of the training data, from the configuration or adapted. */
const normalization = unary(({ config, weights, name }, x, context) => {
  const rank = x.shape.length;
  const axes = config.has('axis') && !(Array.isArray(config.json('axis')) && (config.integers('axis') ?? []).length === 0) ? axesOf(config, 'axis', rank, [-1]) : [];
  const stated = config.has('mean') && config.has('variance') ? [numbersOf(config, 'mean'), numbersOf(config, 'variance')] : weights.variables(['mean', 'variance']);
  const [average, variance] = stated as [Tensor, Tensor];
  const deviation = mapped(variance, (v) => Math.max(Math.sqrt(v), KERAS_EPSILON));
  const invert = config.boolean('invert', false);
  const shape = x.shape.map((n, axis) => (axes.includes(axis) ? n : 1));
  const count = shape.reduce((product, n) => product * n, 1);
  const at = (value: Tensor, i: number): number => value.data[value.data.length === 1 ? 0 : i] as number;
  if (![1, count].includes(average.data.length) || ![1, count].includes(variance.data.length)) context.fail('input', name, 'bad-weights', `has ${average.data.length} means for the shape [${shape.join(', ')}].`);
  const scale = Float64Array.from({ length: count }, (_, i) => (invert ? at(deviation, i) : 1 / at(deviation, i)));
  const bias = Float64Array.from({ length: count }, (_, i) => (invert ? at(average, i) : -at(average, i) / at(deviation, i)));
  if (axes.length === 1) return affine(context, x, axes[0] as number, scale, bias, name);
  const scaled = withConstant(context, 'mul', x, tensor(shape, scale), `${name}/scaled`);
  return withConstant(context, 'add', scaled, tensor(shape, bias), name);
});

/** A number or nested lists of them. */
function numbersOf(config: ConfigReader, field: string): Tensor {
  const flat = [config.json(field)].flat(8 as 1) as Json[];
  if (flat.length === 0 || !flat.every((n) => typeof n === 'number' && Number.isFinite(n))) return config.bad(field, 'a number or a list of numbers');
  return tensor([flat.length], flat as number[]);
}

const rescaling = unary(({ config, name }, x, context) => {
  const axis = x.shape.length - 1;
  const channels = x.shape[axis] as number;
  const along = (field: string, fallback: number): number[] => {
    const { data } = config.has(field) ? numbersOf(config, field) : tensor([1], [fallback]);
    if (data.length !== 1 && data.length !== channels) config.bad(field, `one number or ${channels}`);
    return Array.from({ length: channels }, (_, i) => data[data.length === 1 ? 0 : i] as number);
  };
  return affine(context, x, axis, along('scale', 1), along('offset', 0), name);
});

export const normalisationLayers: HandlerTable = {
  BatchNormalization: batchNormalization,
  BatchNormalizationV1: batchNormalization,
  BatchNormalizationV2: batchNormalization,
  GroupNormalization: groupNormalization,
  LayerNormalization: layerNormalization,
  Normalization: normalization,
  RMSNormalization: rmsNormalization,
  Rescaling: rescaling,
  UnitNormalization: unitNormalization,
};
