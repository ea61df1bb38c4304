import { broadcastIndices, broadcastShapes, tensor } from '../model/tensor.js';
import type { Tensor } from '../model/tensor.js';
import { assertNever } from '../errors.js';
import type { LayerMeaning } from './definition.js';
import { formatShape } from './indexing.js';

/** Two inputs, numpy broadcasting; either may be a constant. `div` takes a constant divisor. `average` is (a + b) / 2. */
export interface ElementwiseParams {
  readonly operation: 'add' | 'sub' | 'mul' | 'div' | 'max' | 'min' | 'average';
}

function combine(operation: ElementwiseParams['operation'], a: number, b: number): number {
  switch (operation) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return a * b;
    case 'div':
      return a / b;
    case 'max':
      return Math.max(a, b);
    case 'min':
      return Math.min(a, b);
    case 'average':
      return (a + b) / 2;
    default:
      return assertNever(operation);
  }
}

/** One value of two, element by element. */
export const elementwiseLayer: LayerMeaning<ElementwiseParams> = {
  kind: 'elementwise',
  hls4mlClass: () => 'Merge',
  shape: (_, [a = [], b = []]) => broadcastShapes(a, b) ?? `shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast`,
  evaluate: ({ operation }, [a, b]) => {
    const [x, y] = [a as Tensor, b as Tensor];
    const shape = broadcastShapes(x.shape, y.shape) as number[];
    const left = broadcastIndices(x.shape, shape);
    const right = broadcastIndices(y.shape, shape);
    return tensor(shape, Float64Array.from(left, (i, e) => combine(operation, x.data[i] as number, y.data[right[e] as number] as number)));
  },
};
