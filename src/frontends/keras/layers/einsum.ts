import type { Tensor } from '../../../model/tensor.js';
import { sizeOf, tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { HandlerTable, KerasContext } from '../layer.js';
import { unary } from '../layer.js';
import { permuted, reshape, reshaped, transpose, withConstant } from './support.js';

/** The letters of an equation `x,kernel->y`, its ellipsis written out for an input of this rank. */
interface Equation {
  readonly input: string;
  readonly kernel: string;
  readonly output: string;
}

function parseEquation(text: string, rank: number): Equation | undefined {
  const match = /^([a-zA-Z.]+),([a-zA-Z.]+)->([a-zA-Z.]+)$/.exec(text.replace(/\s/g, ''));
  if (match === null) return undefined;
  const free = [...'ZYXWVUTSRQPONM'].filter((letter) => !text.includes(letter));
  const dots = free.slice(0, Math.max(0, rank - (match[1] as string).replace('...', '').length)).join('');
  const [input, kernel, output] = match.slice(1).map((part) => part.replace('...', dots)) as [string, string, string];
  const isPlain = [input, kernel, output].every((part) => /^[a-zA-Z]*$/.test(part) && new Set(part).size === part.length);
  const isKnown = [...output].every((letter) => input.includes(letter) || kernel.includes(letter));
  return isPlain && isKnown && input.length === rank ? { input, kernel, output } : undefined;
}

/**
 * A constant kernel contracted with a tensor: what is summed over goes last and becomes the inputs of a dense layer. Letters
 * that input, kernel and output share give a kernel for each of their values: one dense layer of blocks.
 */
export function einsumDenseOf(context: KerasContext, x: TensorRef, kernel: Tensor, bias: { readonly value: Tensor; readonly axes: string } | undefined, equation: string, name: string): TensorRef {
  const parsed = parseEquation(equation, x.shape.length);
  if (parsed === undefined || parsed.kernel.length !== kernel.shape.length) return context.fail('unsupported', name, 'einsum', `has the equation '${equation.slice(0, 80)}', which is not supported for an input [${x.shape.join(', ')}].`);
  const { input, output } = parsed;
  const sizes = new Map<string, number>();
  const note = (letters: string, shape: readonly number[]): void => {
    [...letters].forEach((letter, i) => {
      if ((sizes.get(letter) ?? shape[i]) !== shape[i]) context.fail('input', name, 'bad-weights', `has a kernel [${kernel.shape.join(', ')}] that does not fit the input [${x.shape.join(', ')}] in '${equation}'.`);
      sizes.set(letter, shape[i] as number);
    });
  };
  note(input, x.shape);
  note(parsed.kernel, kernel.shape);
  const shapeOf = (letters: readonly string[]): number[] => letters.map((letter) => sizes.get(letter) as number);
  const inKernel = (letter: string): boolean => parsed.kernel.includes(letter);
  const blocks = [...input].filter((letter) => inKernel(letter) && output.includes(letter));
  const summed = [...input].filter((letter) => inKernel(letter) && !output.includes(letter));
  const rows = [...input].filter((letter) => !inKernel(letter) && output.includes(letter));
  const gone = [...input].filter((letter) => !inKernel(letter) && !output.includes(letter));
  const made = [...parsed.kernel].filter((letter) => !input.includes(letter) && output.includes(letter));
  if (rows[0] !== input[0] || output[0] !== input[0] || blocks.length + summed.length + made.length !== parsed.kernel.length) {
    return context.fail('unsupported', name, 'einsum', `has the equation '${equation.slice(0, 80)}'; the batch must stay in front, and every letter of the kernel be used.`);
  }
  const flat = (letters: readonly string[]): number => sizeOf(shapeOf(letters));
  const reduced = gone.length === 0 ? x : context.add('reduce', { operation: 'sum', axes: gone.map((letter) => input.indexOf(letter)), keepDims: true }, [x], `${name}/sum`);
  const order = [...rows, ...gone, ...blocks, ...summed];
  const ordered = transpose(context, reduced, order.map((letter) => input.indexOf(letter)), `${name}/order`);
  const matrixIn = reshape(context, ordered, [...shapeOf(rows), flat(blocks) * flat(summed)], `${name}/rows`);
  const weight = blockDiagonal(reshaped(permuted(kernel, [...blocks, ...summed, ...made].map((letter) => parsed.kernel.indexOf(letter))), [flat(blocks), flat(summed), flat(made)]));
  const product = context.add('dense', { weight, bias: null }, [matrixIn], bias === undefined ? name : `${name}/product`);
  const now = [...rows, ...blocks, ...made];
  const apart = reshape(context, product, shapeOf(now), `${name}/shape`);
  const y = transpose(context, apart, [...output].map((letter) => now.indexOf(letter)), `${name}/output`);
  if (bias === undefined) return y;
  const biasShape = [...output].map((letter) => (bias.axes.includes(letter) ? (sizes.get(letter) as number) : 1));
  if (sizeOf(biasShape) !== bias.value.data.length) return context.fail('input', name, 'bad-weights', `has ${bias.value.data.length} biases for the axes '${bias.axes}'.`);
  return withConstant(context, 'add', y, reshaped(bias.value, biasShape), name);
}

/** `[blocks, in, out]` as one matrix of blocks along its diagonal. */
function blockDiagonal(kernel: Tensor): Tensor {
  const [blocks, nIn, nOut] = kernel.shape as readonly [number, number, number];
  if (blocks === 1) return reshaped(kernel, [nIn, nOut]);
  const data = new Float64Array(blocks * nIn * blocks * nOut);
  for (let b = 0; b < blocks; b++) {
    for (let i = 0; i < nIn; i++) for (let j = 0; j < nOut; j++) data[(b * nIn + i) * blocks * nOut + b * nOut + j] = kernel.data[(b * nIn + i) * nOut + j] as number;
  }
  return tensor([blocks * nIn, blocks * nOut], data, kernel.quantised === true);
}

const einsumDense = unary(({ config, weights, name }, x, context) => {
  const axes = config.has('bias_axes') ? config.string('bias_axes') : undefined;
  const [kernel, value] = weights.variables(axes === undefined ? ['kernel'] : ['kernel', 'bias']) as [Tensor, Tensor?];
  const y = einsumDenseOf(context, x, kernel, axes === undefined || value === undefined ? undefined : { value, axes }, config.string('equation'), name);
  return context.activation(config.json('activation'), y, name);
});

export const einsumLayers: HandlerTable = { EinsumDense: einsumDense };
