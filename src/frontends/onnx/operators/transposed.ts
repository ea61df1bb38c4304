import type { Operator } from '../operator.js';
import type { OperatorNode } from '../values.js';
import { constantInput, fail, formatShape, optionalConstant, variableInput } from '../values.js';

interface Transposed {
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
  const base = { strides: lists(node, 'strides', rank, 1), dilations: lists(node, 'dilations', rank, 1), outputPads: lists(node, 'output_padding', rank, 0) };
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

/** Transposed convolution, channels first. */
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
    const params = { weight: builder.parameter(node, weight, 'weight'), bias: bias === undefined ? null : builder.parameter(node, bias, 'bias'), groups, ...readTransposed(node, x.shape.slice(2), weight.shape.slice(2)) };
    return [builder.emit(node, 'convTranspose', params, [x])];
  },
};
