import { sizeOf } from '../../../model/tensor.js';
import type { GraphBuilder } from '../builder.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, OperatorNode, VariableValue } from '../values.js';
import { constantInput, fail, formatShape, leadOf, normalAxis, optionalConstant, variableInput } from '../values.js';
import { emitBinary } from './arithmetic.js';

/** (x − mean) / sqrt(mean((x − mean)²) + epsilon) over axes as ONNX sees them, then scale and bias. */
function emitNormalised(node: OperatorNode, builder: GraphBuilder, x: VariableValue, axes: readonly number[], { scale, bias, centred }: Affine, name?: string): VariableValue {
  const lead = leadOf(x.shape);
  if (lead === 0 && axes.includes(0)) return fail(node, 'unsupported', 'batch-reduction', 'normalises over the batch.');
  const params = {
    axes: axes.map((axis) => axis + lead),
    epsilon: node.attributes.float('epsilon', Math.fround(1e-5)),
    scale: scale === undefined || scale.data.every((n) => n === 1) ? null : builder.parameter(node, scale, 'scale'),
    bias: bias === undefined || bias.data.every((n) => n === 0) ? null : builder.parameter(node, bias, 'bias'),
    ...(centred ? {} : { center: false }),
  };
  return builder.emit(node, 'layerNormalization', params, [x], { shape: x.shape, ...(name === undefined ? {} : { name }) });
}

interface Affine {
  readonly scale?: ConstantValue | undefined;
  readonly bias?: ConstantValue | undefined;
  /** Whether the mean is taken off first. */
  readonly centred: boolean;
}

/** Over the axes from `axis` on, with scale and bias of their shape. */
function layerNormalization(centred: boolean): Operator {
  return {
    least: 2,
    run: (node, builder) => {
      const x = variableInput(node, 0);
      const first = normalAxis(node, node.attributes.int('axis', -1), x.shape.length);
      const axes = x.shape.map((_, axis) => axis).slice(first);
      return [emitNormalised(node, builder, x, axes, { scale: constantInput(node, 1, 'scale'), bias: centred ? optionalConstant(node, 2, 'bias') : undefined, centred })];
    },
  };
}

/** Numbers of one a channel, or one a group, for every element of `[1, groups, elements]`. */
function alongGroups(value: ConstantValue, shape: readonly number[], groups: number): ConstantValue {
  const size = sizeOf(shape);
  const per = size / value.data.length;
  return { ...value, shape: [groups, size / groups], data: Float64Array.from({ length: size }, (_, i) => value.data[Math.floor(i / per)] as number) };
}

/** Channels in groups, each normalised over its channels and all spatial axes. */
function groupNormalization(groupsOf: (node: OperatorNode, channels: number) => number): Operator {
  return {
    least: 3,
    run: (node, builder) => {
      const x = variableInput(node, 0);
      const channels = x.shape[1] ?? 0;
      const groups = groupsOf(node, channels);
      const counts = [1, 2].map((i) => constantInput(node, i, i === 1 ? 'scale' : 'bias').data.length);
      if (counts.some((n) => n !== channels && n !== groups)) fail(node, 'input', 'shape-mismatch', `has ${counts.join(' and ')} scales and biases for ${channels} channels.`);
      if (x.shape.length < 2 || !(groups >= 1) || channels % groups !== 0) fail(node, 'input', 'shape-mismatch', `normalises ${groups} groups of ${formatShape(x.shape)}.`);
      const grouped = builder.reshape(node, x, [1, groups, sizeOf(x.shape) / groups], `${node.name}/groups`);
      const [scale, bias] = [1, 2].map((i) => alongGroups(constantInput(node, i, i === 1 ? 'scale' : 'bias'), x.shape, groups)) as [ConstantValue, ConstantValue];
      const y = emitNormalised(node, builder, grouped, [2], { scale, bias, centred: true });
      return [builder.reshape(node, y, x.shape, `${node.name}/shape`)];
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
