import type { GraphBuilder } from '../builder.js';
import type { Operator, OperatorTable } from '../operator.js';
import { convTranspose } from './transposed.js';
import type { OperatorNode, VariableValue } from '../values.js';
import { constantInput, fail, formatShape, optionalConstant, variableInput } from '../values.js';

interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/** Strides, dilations and explicit pads of a sliding window, `auto_pad` resolved against the input's size. */
function windowOf(node: OperatorNode, x: VariableValue, kernel: readonly number[]): Window {
  const rank = kernel.length;
  if (x.shape.length !== rank + 2) fail(node, 'input', 'bad-rank', `has a kernel ${formatShape(kernel)} for an input ${formatShape(x.shape)}; batch, channels and ${rank} axes are needed.`);
  if (x.shape[0] !== 1) fail(node, 'unsupported', 'batch-moved', `its input ${formatShape(x.shape)} does not keep the batch as its first axis.`);
  const strides = listOf(node, 'strides', rank, 1);
  const dilations = listOf(node, 'dilations', rank, 1);
  const mode = node.attributes.string('auto_pad', 'NOTSET');
  switch (mode) {
    case 'NOTSET':
    case '':
      return { strides, dilations, pads: listOf(node, 'pads', 2 * rank, 0) };
    case 'VALID':
      return { strides, dilations, pads: new Array<number>(2 * rank).fill(0) };
    case 'SAME_UPPER':
    case 'SAME_LOWER': {
      const begin: number[] = [];
      const end: number[] = [];
      for (let i = 0; i < rank; i++) {
        const size = x.shape[i + 2] as number;
        const stride = strides[i] as number;
        const reach = ((kernel[i] as number) - 1) * (dilations[i] as number) + 1;
        const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
        const small = Math.floor(total / 2);
        begin.push(mode === 'SAME_UPPER' ? small : total - small);
        end.push(mode === 'SAME_UPPER' ? total - small : small);
      }
      return { strides, dilations, pads: [...begin, ...end] };
    }
    default:
      return fail(node, 'input', 'auto-pad', `auto_pad '${mode.slice(0, 40)}' is none of NOTSET, VALID, SAME_UPPER, SAME_LOWER.`);
  }
}

function listOf(node: OperatorNode, attribute: string, length: number, fallback: number): readonly number[] {
  const list = node.attributes.ints(attribute) ?? new Array<number>(length).fill(fallback);
  const least = attribute === 'pads' ? 0 : 1;
  if (list.length !== length || list.some((n) => !Number.isSafeInteger(n) || n < least || n > 65536)) {
    fail(node, 'input', 'bad-attribute', `${attribute} is [${list.slice(0, 16).join(', ')}]; ${length} whole numbers of at least ${least} are needed.`);
  }
  return list;
}

const conv: Operator = {
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const weight = constantInput(node, 1, 'weight');
    const bias = optionalConstant(node, 2, 'bias');
    if (weight.shape.length < 3 || weight.shape.length > 5) fail(node, 'unsupported', 'bad-rank', `its weight has shape ${formatShape(weight.shape)}; 1, 2 or 3 spatial axes are supported.`);
    const kernel = weight.shape.slice(2);
    const stated = node.attributes.ints('kernel_shape');
    if (stated !== undefined && (stated.length !== kernel.length || stated.some((n, i) => n !== kernel[i]))) {
      fail(node, 'input', 'bad-attribute', `kernel_shape ${formatShape(stated)} differs from its weight's ${formatShape(kernel)}.`);
    }
    const groups = node.attributes.int('group', 1);
    if (!Number.isSafeInteger(groups) || groups < 1) fail(node, 'input', 'bad-attribute', `group is ${groups}.`);
    const params = {
      weight: builder.parameter(node, weight, 'weight'),
      bias: bias === undefined ? null : builder.parameter(node, bias, 'bias'),
      groups,
      ...windowOf(node, x, kernel),
    };
    return [builder.emit(node, 'conv', params, [x])];
  },
};

function pool(mode: 'max' | 'average'): Operator {
  return {
    run: (node, builder) => {
      const x = variableInput(node, 0);
      const kernel = listOf(node, 'kernel_shape', Math.max(1, node.attributes.ints('kernel_shape')?.length ?? x.shape.length - 2), 0);
      if (node.outputs.length > 1 && node.outputs[1] !== '') fail(node, 'unsupported', 'pool-indices', 'its second output (indices of the maxima) is not supported.');
      const params = {
        mode,
        kernel,
        ...windowOf(node, x, kernel),
        countIncludePad: node.attributes.int('count_include_pad', 0) === 1,
        ceilMode: node.attributes.int('ceil_mode', 0) === 1,
      };
      return [builder.emit(node, 'pool', params, [x])];
    },
  };
}

/** Global pooling is a reduction over the spatial axes. */
function globalPool(operation: 'max' | 'mean'): Operator {
  return {
    run: (node: OperatorNode, builder: GraphBuilder) => {
      const x = variableInput(node, 0);
      if (x.shape.length < 3 || x.shape[0] !== 1) fail(node, 'input', 'bad-rank', `its input has shape ${formatShape(x.shape)}; batch, channels and at least one more axis are needed.`);
      const axes = x.shape.map((_, axis) => axis).slice(2);
      return [builder.emit(node, 'reduce', { operation, axes, keepDims: true }, [x])];
    },
  };
}

/** Convolution and pooling: channels first. */
export const windows: OperatorTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool('max'),
  AveragePool: pool('average'),
  GlobalMaxPool: globalPool('max'),
  GlobalAveragePool: globalPool('mean'),
};
