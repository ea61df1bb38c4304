/**
 * A constant or evaluated tensor: values in C order, exact float64 (integers up to 2^53, any float32, any fixed-point
 * number of at most 53 significant bits).
 */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
  /**
   * True when the values come out of a quantiser of the model (folded by the frontend) or are structural (axes, integer
   * tables): they are taken as they are. False or absent: plain float parameters, which `quantize/` must give a type.
   */
  readonly quantised?: boolean;
}

export function tensor(shape: readonly number[], data: ArrayLike<number>, quantised = false): Tensor {
  return { shape, data: Float64Array.from(data), quantised };
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** C-order strides of a shape. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis] as number;
  }
  return strides;
}

/** Numpy's broadcast of two shapes, or undefined where they do not fit. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    shape.push(x === 1 ? y : x);
  }
  return shape;
}

/** For each element of `shape` (C order), the flat index of the element of `from` that broadcasts to it. */
export function broadcastIndices(from: readonly number[], shape: readonly number[]): Int32Array {
  const strides = stridesOf(from);
  const padded = shape.map((_, axis) => {
    const own = axis - (shape.length - from.length);
    return own < 0 || from[own] === 1 ? 0 : (strides[own] as number);
  });
  const indices = new Int32Array(sizeOf(shape));
  const position = new Array<number>(shape.length).fill(0);
  let offset = 0;
  for (let i = 0; i < indices.length; i++) {
    indices[i] = offset;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position[axis] = (position[axis] as number) + 1;
      offset += padded[axis] as number;
      if ((position[axis] as number) < (shape[axis] as number)) break;
      offset -= (padded[axis] as number) * (shape[axis] as number);
      position[axis] = 0;
    }
  }
  return indices;
}
