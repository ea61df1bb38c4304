import { sizeOf } from '../../../model/tensor.js';
import type { GraphBuilder } from '../builder.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, OperatorNode, VariableValue } from '../values.js';
import { constant, constantInput, fail, formatShape, leadOf, normalAxis, optionalConstant, variableInput } from '../values.js';
import { emitBinary } from './arithmetic.js';

/** A mean over axes as ONNX sees them, kept as axes of one. */
function emitMean(node: OperatorNode, builder: GraphBuilder, x: VariableValue, axes: readonly number[], name: string): VariableValue {
  const lead = leadOf(x.shape);
  if (lead === 0 && axes.includes(0)) return fail(node, 'unsupported', 'batch-reduction', 'normalises over the batch.');
  return builder.emit(node, 'reduce', { operation: 'mean', axes: axes.map((axis) => axis + lead), keepDims: true }, [x], { name, shape: x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n)) });
}

/** (x − mean) / sqrt(mean((x − mean)²) + epsilon) over axes. */
function emitNormalised(node: OperatorNode, builder: GraphBuilder, x: VariableValue, axes: readonly number[], epsilon: number, centred: boolean): VariableValue {
  const name = (part: string): string => `${node.name}/${part}`;
  const difference = centred ? emitBinary(node, builder, 'sub', x, emitMean(node, builder, x, axes, name('mean')), name('centred')) : x;
  const squares = emitBinary(node, builder, 'mul', difference, difference, name('squares'));
  const variance = emitMean(node, builder, squares, axes, name('variance'));
  const lifted = emitBinary(node, builder, 'add', variance, constant(`${node.name}:epsilon`, [], [epsilon], { quantised: true }), name('lifted'));
  const inverse = builder.emit(node, 'activation', { function: 'rsqrt' }, [lifted], { name: name('inverse'), shape: lifted.shape });
  return emitBinary(node, builder, 'mul', difference, inverse, name('normalised'));
}

/** x · scale + bias, left out where they change nothing. */
function emitAffine(node: OperatorNode, builder: GraphBuilder, x: VariableValue, scale: ConstantValue | undefined, bias: ConstantValue | undefined): VariableValue {
  const scaled = scale === undefined || scale.data.every((n) => n === 1) ? x : emitBinary(node, builder, 'mul', x, scale, `${node.name}/scaled`);
  return bias === undefined || bias.data.every((n) => n === 0) ? scaled : emitBinary(node, builder, 'add', scaled, bias, `${node.name}/biased`);
}

/** Over the axes from `axis` on, with scale and bias of their shape. */
function layerNormalization(centred: boolean): Operator {
  return {
    least: 2,
    run: (node, builder) => {
      const x = variableInput(node, 0);
      const first = normalAxis(node, node.attributes.int('axis', -1), x.shape.length);
      const axes = x.shape.map((_, axis) => axis).slice(first);
      const y = emitNormalised(node, builder, x, axes, node.attributes.float('epsilon', Math.fround(1e-5)), centred);
      return [emitAffine(node, builder, y, constantInput(node, 1, 'scale'), centred ? optionalConstant(node, 2, 'bias') : undefined)];
    },
  };
}

/** Numbers of one a channel, or one a group, as they lie along axis 1 of x. */
function alongChannels(node: OperatorNode, value: ConstantValue, channels: number, rank: number): ConstantValue {
  const per = channels / value.data.length;
  if (!Number.isInteger(per)) fail(node, 'input', 'shape-mismatch', `has ${value.data.length} scales or biases for ${channels} channels.`);
  const data = Float64Array.from({ length: channels }, (_, c) => value.data[Math.floor(c / per)] as number);
  return { ...value, shape: [channels, ...new Array<number>(rank - 2).fill(1)], data };
}

/** Channels in groups, each normalised over its channels and all spatial axes. */
function groupNormalization(groupsOf: (node: OperatorNode, channels: number) => number): Operator {
  return {
    least: 3,
    run: (node, builder) => {
      const x = variableInput(node, 0);
      const channels = x.shape[1] ?? 0;
      const groups = groupsOf(node, channels);
      if (x.shape.length < 2 || !(groups >= 1) || channels % groups !== 0) fail(node, 'input', 'shape-mismatch', `normalises ${groups} groups of ${formatShape(x.shape)}.`);
      const grouped = builder.reshape(node, x, [1, groups, sizeOf(x.shape) / groups], `${node.name}/groups`);
      const y = emitNormalised(node, builder, grouped, [2], node.attributes.float('epsilon', Math.fround(1e-5)), true);
      const back = builder.reshape(node, y, x.shape, `${node.name}/shape`);
      const [scale, bias] = [1, 2].map((i) => alongChannels(node, constantInput(node, i, i === 1 ? 'scale' : 'bias'), channels, x.shape.length)) as [ConstantValue, ConstantValue];
      return [emitAffine(node, builder, back, scale, bias)];
    },
  };
}

/** x / (Σ|x|ᵖ)^(1/p) along an axis. */
const lpNormalization: Operator = {
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const axis = normalAxis(node, node.attributes.int('axis', -1), x.shape.length);
    if (node.attributes.int('p', 2) !== 2) fail(node, 'unsupported', 'norm', `divides by the norm of order ${node.attributes.int('p', 2)}; 2 is supported.`);
    const squares = emitBinary(node, builder, 'mul', x, x, `${node.name}/squares`);
    const total = builder.emit(node, 'reduce', { operation: 'sum', axes: [axis + leadOf(x.shape)], keepDims: true }, [squares], { name: `${node.name}/sum`, shape: x.shape.map((n, i) => (i === axis ? 1 : n)) });
    const inverse = builder.emit(node, 'activation', { function: 'rsqrt' }, [total], { name: `${node.name}/inverse`, shape: total.shape });
    return [emitBinary(node, builder, 'mul', x, inverse)];
  },
};

/** Normalisation by what each event itself gives. */
export const normalisations: OperatorTable = {
  LayerNormalization: layerNormalization(true),
  RMSNormalization: layerNormalization(false),
  GroupNormalization: groupNormalization((node) => node.attributes.int('num_groups', 1)),
  InstanceNormalization: groupNormalization((_, channels) => channels),
  LpNormalization: lpNormalization,
};
