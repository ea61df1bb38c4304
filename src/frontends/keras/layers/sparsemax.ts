import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { KerasContext } from '../layer.js';
import { alongLast, cut } from './support.js';

/**
 * Sparsemax as Keras 3 evaluates it on every backend, max(x − τ, 0). With z₁ ≥ z₂ ≥ … the values in order and Sₖ the sum of the
 * first k, the K values with k · zₖ > Sₖ − 1 are its support. Keras has τ = (S₁ + … + S_K − 1) / K there, where the paper
 * (Martins and Astudillo 2016) has (S_K − 1) / K; a model is trained with what Keras does.
 */
export function sparsemax(context: KerasContext, x: TensorRef, axis: number, name: string): TensorRef {
  const size = x.shape[axis] as number;
  return alongLast(context, x, axis, name, (last) => {
    const at = last.shape.length - 1;
    const sorted = context.add('sort', { axis: at, descending: true }, [last], `${name}/sorted`);
    const linear = (label: string, factor: (from: number, k: number) => number, bias: (k: number) => number): TensorRef =>
      context.add('dense', { weight: matrix(size, factor), bias: tensor([size], Array.from({ length: size }, (_, k) => bias(k + 1))) }, [sorted], `${name}/${label}`);
    const margins = linear('margins', (from, k) => (from === k ? k : 0) - (from <= k ? 1 : 0), () => 1);
    const isIn = context.add('compare', { operation: 'gt' }, [margins, context.constant(`${name}/zero`, tensor([], [0], true))], `${name}/support`);
    const thresholds = linear('thresholds', (from, k) => Math.max(0, k - from + 1) / k, (k) => -1 / k);
    let chosen = cut(context, thresholds, at, 0, 1, `${name}/threshold1`);
    for (let k = 1; k < size; k++) chosen = context.add('where', {}, [cut(context, isIn, at, k, k + 1, `${name}/in${k + 1}`), cut(context, thresholds, at, k, k + 1, `${name}/threshold${k + 1}`), chosen], `${name}/chosen${k + 1}`);
    return context.add('activation', { function: 'relu' }, [context.add('elementwise', { operation: 'sub' }, [last, chosen], `${name}/above`)], `${name}/positive`);
  });
}

/** `[size, size]`, both counted from 1. */
function matrix(size: number, factor: (from: number, to: number) => number): Tensor {
  return tensor([size, size], Array.from({ length: size * size }, (_, i) => factor(Math.floor(i / size) + 1, (i % size) + 1)));
}
