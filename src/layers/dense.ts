import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import type { LayerMeaning } from './definition.js';
import { formatShape } from './indexing.js';

/** y[..., j] = Σ_i x[..., i] · weight[i, j] + bias[j] */
export interface DenseParams {
  /** `[nIn, nOut]` */
  readonly weight: Tensor;
  /** `[nOut]` */
  readonly bias: Tensor | null;
}

function denseShape({ weight, bias }: DenseParams, [input = []]: readonly (readonly number[])[]): readonly number[] | string {
  if (weight.shape.length !== 2) return `the weight must have two axes, found ${formatShape(weight.shape)}`;
  const [nIn, nOut] = weight.shape as readonly [number, number];
  if (input[input.length - 1] !== nIn) return `the weight ${formatShape(weight.shape)} takes ${nIn} inputs, found ${formatShape(input)}`;
  if (bias !== null && bias.data.length !== nOut) return `the bias must have ${nOut} elements, found ${bias.data.length}`;
  return [...input.slice(0, -1), nOut];
}

function evaluateDense({ weight, bias }: DenseParams, [x]: readonly Tensor[]): Tensor {
  const [nIn, nOut] = weight.shape as readonly [number, number];
  const input = x as Tensor;
  const rows = sizeOf(input.shape) / nIn;
  const data = new Float64Array(rows * nOut);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < nOut; j++) {
      let sum = bias?.data[j] ?? 0;
      for (let i = 0; i < nIn; i++) sum += (input.data[r * nIn + i] as number) * (weight.data[i * nOut + j] as number);
      data[r * nOut + j] = sum;
    }
  }
  return tensor([...input.shape.slice(0, -1), nOut], data);
}

/** Fully connected: input `[…, nIn]`, output `[…, nOut]`. */
export const denseLayer: LayerMeaning<DenseParams> = {
  kind: 'dense',
  hls4mlClass: () => 'Dense',
  shape: denseShape,
  evaluate: evaluateDense,
};
