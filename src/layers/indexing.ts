import type { Tensor } from '../model/tensor.js';
import { broadcastIndices, broadcastShapes, sizeOf, stridesOf } from '../model/tensor.js';

/**
 * Index arithmetic of tensors, done once for a layer and used by both its float meaning and its lowering: each function
 * gives flat C-order indices of inputs per element of the output.
 */

/** Cell of a window that lies in the zero padding, and one beyond even that (ceil mode). */
export const PADDING = -1;
export const BEYOND = -2;

/** Sliding windows over the spatial axes. */
export interface Windows {
  /** Spatial output shape. */
  readonly shape: readonly number[];
  readonly positions: number;
  readonly taps: number;
  /** `[positions, taps]`: flat spatial input index, PADDING or BEYOND. */
  readonly cells: Int32Array;
}

/** What a window is made of; pads are the begin of every axis, then the end of every axis. */
export interface WindowParams {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly ceilMode?: boolean;
}

/** The spatial output shape of a sliding window, or a sentence that says what does not fit. */
export function windowShape(spatial: readonly number[], kernel: readonly number[], params: WindowParams): number[] | string {
  const rank = spatial.length;
  const { strides, dilations, pads } = params;
  if (kernel.length !== rank) return `the kernel has ${kernel.length} axes, the input ${rank} spatial axes`;
  if (strides.length !== rank || dilations.length !== rank || pads.length !== 2 * rank) {
    return `strides, dilations and pads must have ${rank}, ${rank} and ${2 * rank} entries; found ${strides.length}, ${dilations.length} and ${pads.length}`;
  }
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const stride = strides[axis] as number;
    const dilation = dilations[axis] as number;
    const size = kernel[axis] as number;
    const before = pads[axis] as number;
    const after = pads[rank + axis] as number;
    if (!(stride >= 1 && dilation >= 1 && size >= 1)) return `kernel ${size}, stride ${stride} and dilation ${dilation} must be at least 1`;
    if (!(before >= 0 && after >= 0)) return `pads ${before} and ${after} must not be negative`;
    const free = (spatial[axis] as number) + before + after - ((size - 1) * dilation + 1);
    if (free < 0) return `a kernel of ${(size - 1) * dilation + 1} does not fit an axis of ${(spatial[axis] as number) + before + after} with its padding`;
    let count = (params.ceilMode === true ? Math.ceil(free / stride) : Math.floor(free / stride)) + 1;
    // A window must begin inside the input or the padding before it.
    if (params.ceilMode === true && (count - 1) * stride >= (spatial[axis] as number) + before) count -= 1;
    shape.push(count);
  }
  return shape;
}

/** Every window's cells; `shape` from `windowShape`. */
export function windowsOf(spatial: readonly number[], kernel: readonly number[], params: WindowParams, shape: readonly number[]): Windows {
  const positions = sizeOf(shape);
  const taps = sizeOf(kernel);
  const strides = stridesOf(spatial);
  const cells = new Int32Array(positions * taps);
  const position = new Counter(shape);
  for (let p = 0; p < positions; p++, position.next()) {
    const tap = new Counter(kernel);
    for (let t = 0; t < taps; t++, tap.next()) {
      let index = 0;
      let status = 0;
      for (let axis = 0; axis < spatial.length; axis++) {
        const size = spatial[axis] as number;
        const at = position.at(axis) * (params.strides[axis] as number) + tap.at(axis) * (params.dilations[axis] as number) - (params.pads[axis] as number);
        if (at >= size + (params.pads[spatial.length + axis] as number)) status = BEYOND;
        else if ((at < 0 || at >= size) && status === 0) status = PADDING;
        index += at * (strides[axis] as number);
      }
      cells[p * taps + t] = status === 0 ? index : status;
    }
  }
  return { shape, positions, taps, cells };
}

/** Counts through the positions of a shape in C order. */
class Counter {
  private readonly shape: readonly number[];
  private readonly position: number[];

  constructor(shape: readonly number[]) {
    this.shape = shape;
    this.position = shape.map(() => 0);
  }

  at(axis: number): number {
    return this.position[axis] as number;
  }

  next(): void {
    for (let axis = this.shape.length - 1; axis >= 0; axis--) {
      const value = this.at(axis) + 1;
      this.position[axis] = value === this.shape[axis] ? 0 : value;
      if (value !== this.shape[axis]) return;
    }
  }
}

/**
 * A view of a tensor by strides: element e of `shape` is at offset + Σ position · strides. Transposes, slices, windows
 * of reductions are all such views.
 */
export function stridedIndices(shape: readonly number[], strides: readonly number[], offset = 0): Int32Array {
  const indices = new Int32Array(sizeOf(shape));
  const position = shape.map(() => 0);
  let at = offset;
  for (let e = 0; e < indices.length; e++) {
    indices[e] = at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const value = (position[axis] as number) + 1;
      at += strides[axis] as number;
      if (value < (shape[axis] as number)) {
        position[axis] = value;
        break;
      }
      at -= value * (strides[axis] as number);
      position[axis] = 0;
    }
  }
  return indices;
}

/** Groups of input elements that are reduced to one output element each. */
export interface Groups {
  readonly shape: readonly number[];
  readonly count: number;
  readonly size: number;
  /** `[count, size]` flat input indices, in C order of the reduced axes. */
  readonly members: Int32Array;
}

/** The groups of a reduction over `axes` (not negative). */
export function reductionGroups(input: readonly number[], axes: readonly number[], keepDims: boolean): Groups {
  const strides = stridesOf(input);
  const reduced = new Set(axes);
  const kept = input.map((_, axis) => axis).filter((axis) => !reduced.has(axis));
  const gone = input.map((_, axis) => axis).filter((axis) => reduced.has(axis));
  const pick = (list: readonly number[], of: readonly number[]): number[] => list.map((axis) => of[axis] as number);
  const starts = stridedIndices(pick(kept, input), pick(kept, strides));
  const steps = stridedIndices(pick(gone, input), pick(gone, strides));
  const members = new Int32Array(starts.length * steps.length);
  starts.forEach((start, g) => steps.forEach((step, k) => (members[g * steps.length + k] = start + step)));
  const shape = keepDims ? input.map((n, axis) => (reduced.has(axis) ? 1 : n)) : pick(kept, input);
  return { shape, count: starts.length, size: steps.length, members };
}

/** The pairs of elements that numpy's matmul multiplies. */
export interface Products {
  readonly shape: readonly number[];
  readonly count: number;
  readonly size: number;
  /** `[count, size]` flat indices into the first and the second operand. */
  readonly left: Int32Array;
  readonly right: Int32Array;
}

/** The output shape of numpy's matmul, or a sentence that says what does not fit. */
export function matmulShape(a: readonly number[], b: readonly number[]): number[] | string {
  if (a.length === 0 || b.length === 0) return 'matmul takes no scalars';
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const inner = left[left.length - 1] as number;
  const other = right[right.length - 2] as number;
  if (inner !== other) return `the inner axes differ: ${inner} against ${other}, of shapes [${a.join(', ')}] and [${b.join(', ')}]`;
  const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2));
  if (batch === undefined) return `the batch axes of [${a.join(', ')}] and [${b.join(', ')}] do not broadcast`;
  if (a.length > 1) batch.push(left[left.length - 2] as number);
  if (b.length > 1) batch.push(right[right.length - 1] as number);
  return batch;
}

/** Every pair that matmul multiplies, by output element; the shapes must fit (`matmulShape`). */
export function matmulProducts(a: readonly number[], b: readonly number[]): Products {
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const rows = left[left.length - 2] as number;
  const size = left[left.length - 1] as number;
  const columns = right[right.length - 1] as number;
  const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2)) as number[];
  const count = sizeOf(batch) * rows * columns;
  const full = [...batch, rows, columns, size];
  return {
    shape: matmulShape(a, b) as number[],
    count,
    size,
    left: stridedIndices(full, [...broadcastStrides(left.slice(0, -2), batch, rows * size), size, 0, 1]),
    right: stridedIndices(full, [...broadcastStrides(right.slice(0, -2), batch, size * columns), 0, 1, columns]),
  };
}

/** Strides, in units of `step`, that walk `from` as it broadcasts to `shape`. */
function broadcastStrides(from: readonly number[], shape: readonly number[], step: number): number[] {
  const own = stridesOf(from);
  return shape.map((_, axis) => {
    const at = axis - (shape.length - from.length);
    return at < 0 || from[at] === 1 ? 0 : (own[at] as number) * step;
  });
}

/** An axis counted from the end made one counted from the front; undefined if there is no such axis. */
export function normalAxis(axis: number, rank: number): number | undefined {
  const at = axis < 0 ? axis + rank : axis;
  return Number.isInteger(at) && at >= 0 && at < rank ? at : undefined;
}

/** `[1, 3, 5]` */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Whether a parameter broadcasts to a shape without widening it. */
export function broadcastsTo(from: readonly number[], shape: readonly number[]): boolean {
  const common = broadcastShapes(from, shape);
  return common !== undefined && common.length === shape.length && common.every((n, i) => n === shape[i]);
}

/** For each element its own entry of a parameter. */
export function entriesOf(parameter: Tensor, shape: readonly number[]): Float64Array {
  return Float64Array.from(broadcastIndices(parameter.shape, shape), (i) => parameter.data[i] as number);
}

/** Every position of a shape in C order. */
export function positionsOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>((all, n) => all.flatMap((position) => Array.from({ length: n }, (_, i) => [...position, i])), [[]]);
}
