import { sizeOf, stridesOf } from '../../../model/tensor.js';
import type { GraphBuilder } from '../builder.js';
import { allocate } from '../fold.js';
import type { Operator } from '../operator.js';
import type { ConstantValue, OperatorNode, VariableValue } from '../values.js';
import { constantInput, fail, formatShape, optionalConstant, variableInput } from '../values.js';

interface Transposed {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begin of every spatial axis, then end. */
  readonly pads: readonly number[];
  readonly outputPads: readonly number[];
}

function lists(node: OperatorNode, attribute: string, length: number, fallback: number): readonly number[] {
  const list = node.attributes.ints(attribute) ?? new Array<number>(length).fill(fallback);
  if (list.length !== length || list.some((n) => !Number.isSafeInteger(n) || Math.abs(n) > 65536 || (fallback === 1 && n < 1))) {
    fail(node, 'input', 'bad-attribute', `${attribute} is [${list.slice(0, 16).join(', ')}]; ${length} whole numbers are needed.`);
  }
  return list;
}

/** Attributes with `output_shape` and `auto_pad` resolved to pads (ONNX' rule). */
function readTransposed(node: OperatorNode, spatial: readonly number[], kernel: readonly number[]): Transposed {
  const rank = kernel.length;
  const base = { kernel, strides: lists(node, 'strides', rank, 1), dilations: lists(node, 'dilations', rank, 1), outputPads: lists(node, 'output_padding', rank, 0) };
  const mode = node.attributes.string('auto_pad', 'NOTSET');
  const wanted = node.attributes.ints('output_shape')?.slice(-rank);
  if (wanted === undefined && (mode === 'NOTSET' || mode === '')) return { ...base, pads: lists(node, 'pads', 2 * rank, 0) };
  if (wanted === undefined && mode === 'VALID') return { ...base, pads: new Array<number>(2 * rank).fill(0) };
  const totals = spatial.map((n, i) => {
    const stride = base.strides[i] as number;
    const out = wanted?.[i] ?? n * stride;
    return stride * (n - 1) + (base.outputPads[i] as number) + ((kernel[i] as number) - 1) * (base.dilations[i] as number) + 1 - out;
  });
  const upper = mode === 'SAME_UPPER';
  const begin = totals.map((total) => (upper ? Math.floor(total / 2) : total - Math.floor(total / 2)));
  return { ...base, pads: [...begin, ...totals.map((total, i) => total - (begin[i] as number))] };
}

/** Zeros between the elements of every spatial axis. */
function spread(node: OperatorNode, builder: GraphBuilder, x: VariableValue, strides: readonly number[]): VariableValue {
  let value = x;
  strides.forEach((stride, i) => {
    const axis = i + 2;
    const length = value.shape[axis] as number;
    if (stride === 1 || length === 1) return;
    const apart = [...value.shape.slice(0, axis + 1), 1, ...value.shape.slice(axis + 1)];
    const lifted = builder.reshape(node, value, apart, `${node.name}/apart${i}`);
    const pads = new Array<number>(2 * apart.length).fill(0);
    pads[apart.length + axis + 1] = stride - 1;
    const stuffed = builder.emit(node, 'pad', { pads, value: 0 }, [lifted], { name: `${node.name}/zeros${i}` });
    value = builder.reshape(node, stuffed, value.shape.map((n, a) => (a === axis ? n * stride : n)), `${node.name}/spread${i}`);
    // The zeros behind the last element are cut off with the pads below.
  });
  return value;
}

/** `[cIn, cOut / groups, …kernel]` as the weight of the convolution that does the same: `[cOut, cIn / groups, …mirrored kernel]`. */
function mirrored(node: OperatorNode, builder: GraphBuilder, weight: ConstantValue, groups: number): ConstantValue {
  const [cIn, perGroup, ...kernel] = weight.shape as readonly [number, number, ...number[]];
  const depth = cIn / groups;
  const shape = [perGroup * groups, depth, ...kernel];
  const data = allocate(node, builder, shape);
  const area = sizeOf(kernel);
  const steps = stridesOf(kernel);
  const mirror = Int32Array.from({ length: area }, (_, k) => kernel.reduce((at, n, axis) => at + (n - 1 - (Math.floor(k / (steps[axis] as number)) % n)) * (steps[axis] as number), 0));
  for (let filter = 0; filter < perGroup * groups; filter++) {
    const group = Math.floor(filter / perGroup);
    for (let c = 0; c < depth; c++) {
      const from = ((group * depth + c) * perGroup + (filter % perGroup)) * area;
      const to = (filter * depth + c) * area;
      for (let k = 0; k < area; k++) data[to + k] = weight.data[from + (mirror[k] as number)] as number;
    }
  }
  return { ...weight, shape, data };
}

/** A transposed convolution is a convolution, with the kernel mirrored, of the input with zeros between its elements. */
export const convTranspose: Operator = {
  least: 2,
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const weight = constantInput(node, 1, 'weight');
    const bias = optionalConstant(node, 2, 'bias');
    const groups = node.attributes.int('group', 1);
    const rank = weight.shape.length - 2;
    if (rank < 1 || x.shape.length !== rank + 2 || x.shape[0] !== 1) fail(node, 'input', 'bad-rank', `has a weight ${formatShape(weight.shape)} for an input ${formatShape(x.shape)}.`);
    if (!(groups >= 1) || x.shape[1] !== weight.shape[0] || (weight.shape[0] as number) % groups !== 0) fail(node, 'input', 'shape-mismatch', `its weight ${formatShape(weight.shape)} in ${groups} groups does not fit the input ${formatShape(x.shape)}.`);
    const { kernel, strides, dilations, pads, outputPads } = readTransposed(node, x.shape.slice(2), weight.shape.slice(2));
    const spreadOut = spread(node, builder, x, strides);
    const frame = new Array<number>(2 * x.shape.length).fill(0);
    for (let i = 0; i < rank; i++) {
      const reach = ((kernel[i] as number) - 1) * (dilations[i] as number);
      const behind = (spreadOut.shape[i + 2] as number) - ((x.shape[i + 2] as number) - 1) * (strides[i] as number) - 1;
      frame[i + 2] = reach - (pads[i] as number);
      frame[x.shape.length + i + 2] = reach - (pads[i + rank] as number) + (outputPads[i] as number) - behind;
    }
    const framed = frame.every((n) => n === 0) ? spreadOut : builder.emit(node, 'pad', { pads: frame, value: 0 }, [spreadOut], { name: `${node.name}/frame` });
    const params = {
      weight: builder.parameter(node, mirrored(node, builder, weight, groups), 'weight'),
      bias: bias === undefined ? null : builder.parameter(node, bias, 'bias'),
      strides: new Array<number>(rank).fill(1),
      dilations,
      pads: new Array<number>(2 * rank).fill(0),
      groups,
    };
    return [builder.emit(node, 'conv', params, [framed])];
  },
};
