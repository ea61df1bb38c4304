import { sizeOf } from '../../../model/tensor.js';
import type { GraphBuilder } from '../builder.js';
import { foldBinary, foldMatmul, foldReshape, foldTranspose } from '../fold.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, Operand, OperatorNode, VariableValue } from '../values.js';
import { constant, fail, formatShape, leadOf, modelShape, operandInput, optionalConstant, requiredInput, variableInput } from '../values.js';
import { emitBinary } from './arithmetic.js';
import { einsum } from './einsum.js';

/** x · weight with the weight as `[nIn, nOut]`. */
function emitDense(node: OperatorNode, builder: GraphBuilder, x: VariableValue, weight: ConstantValue, bias: ConstantValue | null, name?: string): VariableValue {
  const params = {
    weight: builder.parameter(node, weight, 'weight'),
    bias: bias === null ? null : builder.parameter(node, bias, 'bias'),
  };
  return builder.emit(node, 'dense', params, [x], name === undefined ? {} : { name });
}

/** constant · x = (xᵀ · constantᵀ)ᵀ over the last two axes. */
function emitConstantTimes(node: OperatorNode, builder: GraphBuilder, a: ConstantValue, x: VariableValue): VariableValue {
  if (a.shape.length !== 2 || x.shape.length < 2) return fail(node, 'unsupported', 'constant-matmul', `multiplies a constant ${formatShape(a.shape)} by ${formatShape(x.shape)}; a constant matrix from the left is supported.`);
  const swapped = emitSwap(node, builder, x, `${node.name}/transpose`);
  const product = emitDense(node, builder, swapped, foldTranspose(node, builder, a, [1, 0]), null);
  return emitSwap(node, builder, product, `${node.name}/back`);
}

/** Swaps the last two axes. */
function emitSwap(node: OperatorNode, builder: GraphBuilder, x: VariableValue, name: string): VariableValue {
  const rank = x.shape.length;
  const perm = x.shape.map((_, axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis));
  const shape = perm.map((axis) => x.shape[axis] as number);
  if (rank === 2 && (x.shape[0] === 1 || x.shape[1] === 1)) return builder.reshape(node, x, shape, name);
  const lead = leadOf(x.shape);
  return builder.emit(node, 'transpose', { perm: lead === 1 ? [0, ...perm.map((axis) => axis + 1)] : perm }, [x], { name, shape });
}

/** A matrix on the right multiplies every row of the left. */
function foldProduct(node: OperatorNode, builder: GraphBuilder, a: ConstantValue, b: ConstantValue): ConstantValue {
  const width = a.shape[a.shape.length - 1] ?? 1;
  if (b.shape.length !== 2 || a.shape.length === 2) return foldMatmul(node, builder, a, b);
  const product = foldMatmul(node, builder, { ...a, shape: [a.data.length / width, width] }, b);
  return foldReshape(node, product, [...a.shape.slice(0, -1), b.shape[1] as number]);
}

const matmul: Operator = {
  least: 2,
  fold: (node, inputs, builder) => [foldProduct(node, builder, inputs[0] as ConstantValue, inputs[1] as ConstantValue)],
  run: (node, builder) => {
    const a = operandInput(node, 0);
    const b = operandInput(node, 1);
    if (a.kind === 'constant') return [emitConstantTimes(node, builder, a, variableInput(node, 1))];
    if (b.kind === 'variable') return [builder.emit(node, 'matmul', {}, [a, b], { shape: matmulShape(node, a, b) })];
    const matrixRank = b.shape.length;
    if (matrixRank === 1) {
      const product = emitDense(node, builder, a, foldReshape(node, b, [b.data.length, 1]), null);
      return [builder.reshape(node, product, a.shape.slice(0, -1), `${node.name}/shape`)];
    }
    const size = sizeOf(b.shape.slice(-2));
    if (b.data.some((n, i) => i >= size && !Object.is(n + 0, (b.data[i % size] as number) + 0))) return fail(node, 'unsupported', 'batched-weight', `multiplies by a constant ${formatShape(b.shape)}; one matrix for all rows is supported.`);
    return [emitDense(node, builder, a, { ...b, shape: b.shape.slice(-2), data: b.data.subarray(0, size) }, null)];
  },
};

/** numpy's shape of a product, so that a batch axis the layer adds in front is taken off again. */
function matmulShape(node: OperatorNode, a: VariableValue, b: VariableValue): readonly number[] {
  if (a.shape.length < 2 || b.shape.length < 2) return fail(node, 'unsupported', 'vector-product', `multiplies ${formatShape(a.shape)} by ${formatShape(b.shape)}; both must have two axes or more.`);
  const rank = Math.max(a.shape.length, b.shape.length);
  const batch: number[] = [];
  for (let i = rank; i > 2; i--) batch.push(Math.max(a.shape[a.shape.length - i] ?? 1, b.shape[b.shape.length - i] ?? 1));
  return [...batch, a.shape[a.shape.length - 2] as number, b.shape[b.shape.length - 1] as number];
}

/** y = alpha · A' · B' + beta · C with a constant B. */
const gemm: Operator = {
  least: 2,
  fold: (node, inputs, builder) => {
    const turned = (value: ConstantValue, attribute: string): ConstantValue => (node.attributes.int(attribute, 0) === 1 ? foldTranspose(node, builder, value, [1, 0]) : value);
    const [a, b, c] = inputs as [ConstantValue, ConstantValue, ConstantValue?];
    const product = scaled(node, builder, foldMatmul(node, builder, turned(a, 'transA'), turned(b, 'transB')), node.attributes.float('alpha', 1));
    return [c === undefined ? product : foldBinary(node, builder, product, scaled(node, builder, c, node.attributes.float('beta', 1)), (x, y) => x + y)];
  },
  run: (node, builder) => {
    const given = variableInput(node, 0);
    const second = requiredInput(node, 1);
    const alpha = node.attributes.float('alpha', 1);
    const beta = node.attributes.float('beta', 1);
    if (given.shape.length !== 2) fail(node, 'input', 'bad-rank', `its first input has shape ${formatShape(given.shape)}; a matrix is needed.`);
    const x = node.attributes.int('transA', 0) === 1 ? builder.reshape(node, given, transposedRow(node, given), `${node.name}/transA`) : given;
    if (second.kind !== 'constant') return fail(node, 'unsupported', 'variable-weight', 'its weight depends on the model\'s inputs; a constant is supported (or MatMul of two variables).');
    if (second.shape.length !== 2) fail(node, 'input', 'bad-rank', `its weight has shape ${formatShape(second.shape)}; a matrix is needed.`);
    const oriented = node.attributes.int('transB', 0) === 1 ? foldTranspose(node, builder, second, [1, 0]) : second;
    const weight = scaled(node, builder, oriented, alpha);
    const nOut = weight.shape[1] as number;
    const c = node.inputs[2] === undefined ? undefined : operandInput(node, 2);
    if (c === undefined || beta === 0) return [emitDense(node, builder, x, weight, null)];
    if (c.kind === 'constant') return [emitDense(node, builder, x, weight, scaled(node, builder, biasVector(node, c, nOut), beta))];
    const product = emitDense(node, builder, x, weight, null, `${node.name}/product`);
    const offset: Operand = beta === 1 ? c : emitBinary(node, builder, 'mul', c, constant(`${node.name}:beta`, [], [beta]), `${node.name}/beta`);
    return [emitBinary(node, builder, 'add', product, offset)];
  },
};

function transposedRow(node: OperatorNode, x: VariableValue): readonly number[] {
  const [m, n] = x.shape as [number, number];
  if (m !== 1 && n !== 1) fail(node, 'unsupported', 'transposed-input', `transposes its input ${formatShape(x.shape)}, which would move the batch axis.`);
  return [n, m];
}

/** Times a factor; a power of two keeps quantised values on a grid of the same size. */
function scaled(node: OperatorNode, builder: GraphBuilder, value: ConstantValue, factor: number): ConstantValue {
  if (factor === 1) return value;
  const product = foldBinary(node, builder, value, constant('', [], [factor]), (a, b) => a * b, false);
  return { ...product, quantised: value.quantised && Number.isInteger(Math.log2(Math.abs(factor))) };
}

/** A bias of one value, `[n]` or `[1, n]` as `[n]`. */
function biasVector(node: OperatorNode, c: ConstantValue, nOut: number): ConstantValue {
  if (c.data.length === 1) return { ...c, shape: [nOut], data: new Float64Array(nOut).fill(c.data[0] as number) };
  if (c.data.length === nOut && c.shape[c.shape.length - 1] === nOut) return foldReshape(node, c, [nOut]);
  return fail(node, 'input', 'shape-mismatch', `its bias has shape ${formatShape(c.shape)} for ${nOut} outputs.`);
}

/** gamma · (x − mean) / sqrt(variance + epsilon) + beta, folded in float64. */
const batchNormalization: Operator = {
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const [gamma, beta, mean, variance] = ['scale', 'bias', 'mean', 'variance'].map((role, i) => {
      const value = optionalConstant(node, i + 1, role);
      return value ?? fail(node, 'input', 'missing-input', `its ${role} is missing.`);
    }) as [ConstantValue, ConstantValue, ConstantValue, ConstantValue];
    if (node.attributes.int('training_mode', 0) === 1) fail(node, 'unsupported', 'training-mode', 'is in training mode.', 'Export the model for inference.');
    const channels = gamma.data.length;
    const { source, axis } = channelAxis(node, builder, x, channels);
    if ([beta, mean, variance].some((value) => value.data.length !== channels)) fail(node, 'input', 'shape-mismatch', `scale, bias, mean and variance have ${[gamma, beta, mean, variance].map((v) => v.data.length).join(', ')} values.`);
    const epsilon = node.attributes.float('epsilon', 1e-5);
    const factor = gamma.data.map((g, i) => g / Math.sqrt((variance.data[i] as number) + epsilon));
    const offset = beta.data.map((b, i) => b - (mean.data[i] as number) * (factor[i] as number));
    const params = {
      scale: builder.parameter(node, constant('', [channels], factor), 'scale / sqrt(variance + epsilon)'),
      bias: builder.parameter(node, constant('', [channels], offset), 'bias'),
      axis: axis + leadOf(source.shape),
    };
    const y = builder.emit(node, 'batchNormalization', params, [source], { shape: source.shape });
    return [source === x ? y : builder.reshape(node, y, x.shape, `${node.name}/back`)];
  },
};

/**
 * Channels lie on axis 1. Old Keras converters wrap the node into transposes without a permutation, which turn
 * [1, n] into [n, 1]: not valid ONNX, but what they mean is plain, and such files are in use.
 */
function channelAxis(node: OperatorNode, builder: GraphBuilder, x: VariableValue, channels: number): { readonly source: VariableValue; readonly axis: number } {
  if (x.shape[1] === channels) return { source: x, axis: 1 };
  if (x.shape.length === 1 && x.shape[0] === channels) return { source: x, axis: 0 };
  if (x.shape.length === 2 && x.shape[0] === channels && x.shape[1] === 1) return { source: builder.reshape(node, x, [1, channels], `${node.name}/row`), axis: 1 };
  return fail(node, 'input', 'shape-mismatch', `normalises ${channels} channels, but axis 1 of its input ${formatShape(modelShape(x.shape))} has ${x.shape[1] ?? 0}.`);
}

/** Matrix products and normalisation. */
export const matrix: OperatorTable = {
  MatMul: matmul,
  Gemm: gemm,
  Einsum: einsum,
  BatchNormalization: batchNormalization,
};
