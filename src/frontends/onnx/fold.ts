import { broadcastIndices, broadcastShapes, sizeOf, stridesOf } from '../../model/tensor.js';
import type { GraphBuilder } from './builder.js';
import type { ConstantValue, OperatorNode } from './values.js';
import { constant, fail, formatShape } from './values.js';

/**
 * Arithmetic on constants: what the exporter left to the runtime and hardware must not see. Float results are rounded to
 * float32 as the runtime rounds them, except behind quantisers, whose values (integer · scale) stay exact.
 */

type Binary = (a: number, b: number) => number;

/** Element by element with numpy broadcasting. */
export function foldBinary(node: OperatorNode, builder: GraphBuilder, a: ConstantValue, b: ConstantValue, f: Binary, integer = a.integer && b.integer): ConstantValue {
  const shape = broadcastShapes(a.shape, b.shape);
  if (shape === undefined) return fail(node, 'input', 'shape-mismatch', `shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} do not broadcast.`);
  const data = allocate(node, builder, shape);
  const ia = broadcastIndices(a.shape, shape);
  const ib = broadcastIndices(b.shape, shape);
  const rounded = integer || a.quantised || b.quantised ? (value: number): number => value : Math.fround;
  for (let i = 0; i < data.length; i++) data[i] = rounded(f(a.data[ia[i] as number] as number, b.data[ib[i] as number] as number));
  return constant(node.outputs[0] ?? '', shape, data, { integer });
}

export function foldUnary(node: OperatorNode, builder: GraphBuilder, a: ConstantValue, f: (a: number) => number, integer = a.integer): ConstantValue {
  builder.tensors.reserve(a.data.length, node.name);
  const rounded = integer || a.quantised ? f : (value: number): number => Math.fround(f(value));
  return constant(node.outputs[0] ?? '', a.shape, a.data.map(rounded), { integer });
}

/** Space for a constant of a shape, counted against the model's limit first. */
export function allocate(node: OperatorNode, builder: GraphBuilder, shape: readonly number[]): Float64Array {
  if (shape.some((n) => !Number.isSafeInteger(n) || n < 0)) fail(node, 'input', 'bad-shape', `shape ${formatShape(shape)} is impossible.`);
  const size = sizeOf(shape);
  builder.tensors.reserve(size, node.name);
  return new Float64Array(size);
}

/** The same values in another shape. */
export function foldReshape(node: OperatorNode, a: ConstantValue, shape: readonly number[]): ConstantValue {
  if (sizeOf(shape) !== a.data.length) fail(node, 'input', 'shape-mismatch', `cannot bring ${formatShape(a.shape)} to ${formatShape(shape)}.`);
  return { ...a, name: node.outputs[0] ?? a.name, shape };
}

/** Output element i is input element source(position of i). */
export function foldPick(
  node: OperatorNode,
  builder: GraphBuilder,
  a: ConstantValue,
  shape: readonly number[],
  source: (position: readonly number[]) => number,
): ConstantValue {
  const data = allocate(node, builder, shape);
  const position = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    data[i] = a.data[source(position)] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position[axis] = (position[axis] as number) + 1;
      if ((position[axis] as number) < (shape[axis] as number)) break;
      position[axis] = 0;
    }
  }
  return constant(node.outputs[0] ?? a.name, shape, data, { integer: a.integer, quantised: a.quantised });
}

export function foldTranspose(node: OperatorNode, builder: GraphBuilder, a: ConstantValue, perm: readonly number[]): ConstantValue {
  const strides = stridesOf(a.shape);
  const steps = perm.map((axis) => strides[axis] as number);
  const shape = perm.map((axis) => a.shape[axis] as number);
  return foldPick(node, builder, a, shape, (p) => p.reduce((sum, n, i) => sum + n * (steps[i] as number), 0));
}

/** Rows `indices` (any shape, already inside) of one axis. */
export function foldGather(node: OperatorNode, builder: GraphBuilder, a: ConstantValue, indices: ConstantValue, axis: number): ConstantValue {
  const length = a.shape[axis] as number;
  const strides = stridesOf(a.shape);
  const inner = stridesOf(indices.shape);
  const rank = indices.shape.length;
  const shape = [...a.shape.slice(0, axis), ...indices.shape, ...a.shape.slice(axis + 1)];
  return foldPick(node, builder, a, shape, (p) => {
    let which = 0;
    for (let i = 0; i < rank; i++) which += (p[axis + i] as number) * (inner[i] as number);
    const index = indices.data[which] as number;
    const row = index < 0 ? index + length : index;
    if (!(row >= 0 && row < length)) fail(node, 'input', 'bad-index', `index ${index} is outside an axis of length ${length}.`);
    let offset = row * (strides[axis] as number);
    for (let i = 0; i < axis; i++) offset += (p[i] as number) * (strides[i] as number);
    for (let i = axis + rank; i < shape.length; i++) offset += (p[i] as number) * (strides[i - rank + 1] as number);
    return offset;
  });
}

export function foldBroadcast(node: OperatorNode, builder: GraphBuilder, a: ConstantValue, shape: readonly number[]): ConstantValue {
  const data = allocate(node, builder, shape);
  const from = broadcastIndices(a.shape, shape);
  for (let i = 0; i < data.length; i++) data[i] = a.data[from[i] as number] as number;
  return constant(node.outputs[0] ?? a.name, shape, data, { integer: a.integer, quantised: a.quantised });
}

/** condition ? a : b with broadcasting of all three. */
export function foldWhere(node: OperatorNode, builder: GraphBuilder, condition: ConstantValue, a: ConstantValue, b: ConstantValue): ConstantValue {
  const both = broadcastShapes(a.shape, b.shape);
  const shape = both === undefined ? undefined : broadcastShapes(condition.shape, both);
  if (shape === undefined) return fail(node, 'input', 'shape-mismatch', `shapes ${[condition, a, b].map((v) => formatShape(v.shape)).join(', ')} do not broadcast.`);
  const [c, x, y] = [condition, a, b].map((value) => foldBroadcast(node, builder, value, shape)) as [ConstantValue, ConstantValue, ConstantValue];
  const data = x.data.map((value, i) => (c.data[i] !== 0 ? value : (y.data[i] as number)));
  return constant(node.outputs[0] ?? '', shape, data, { integer: a.integer, quantised: a.quantised && b.quantised });
}

export function foldConcat(node: OperatorNode, builder: GraphBuilder, parts: readonly ConstantValue[], axis: number): ConstantValue {
  const first = parts[0] as ConstantValue;
  for (const part of parts) {
    if (part.shape.length !== first.shape.length || part.shape.some((n, i) => i !== axis && n !== first.shape[i])) {
      fail(node, 'input', 'shape-mismatch', `${formatShape(first.shape)} and ${formatShape(part.shape)} do not join along axis ${axis}.`);
    }
  }
  const total = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
  const shape = first.shape.map((n, i) => (i === axis ? total : n));
  const data = allocate(node, builder, shape);
  const inner = sizeOf(first.shape.slice(axis + 1));
  const outer = sizeOf(first.shape.slice(0, axis));
  let offset = 0;
  for (let o = 0; o < outer; o++) {
    for (const part of parts) {
      const run = (part.shape[axis] as number) * inner;
      data.set(part.data.subarray(o * run, (o + 1) * run), offset);
      offset += run;
    }
  }
  return constant(node.outputs[0] ?? '', shape, data, { integer: parts.every((p) => p.integer), quantised: parts.every((p) => p.quantised) });
}

/** Sum, mean, … over axes. */
export function foldReduce(node: OperatorNode, builder: GraphBuilder, a: ConstantValue, axes: readonly number[], keepDims: boolean, start: number, f: Binary, finish: (total: number, count: number) => number): ConstantValue {
  const kept = a.shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
  const data = allocate(node, builder, kept).fill(start);
  builder.tensors.work(a.data.length, node.name);
  const strides = stridesOf(kept);
  const position = new Array<number>(a.shape.length).fill(0);
  for (const value of a.data) {
    const at = position.reduce((sum, n, axis) => sum + (axes.includes(axis) ? 0 : n * (strides[axis] as number)), 0);
    data[at] = f(data[at] as number, value);
    for (let axis = a.shape.length - 1; axis >= 0; axis--) {
      position[axis] = (position[axis] as number) + 1;
      if ((position[axis] as number) < (a.shape[axis] as number)) break;
      position[axis] = 0;
    }
  }
  const count = data.length === 0 ? 0 : a.data.length / data.length;
  const shape = keepDims ? kept : kept.filter((_, axis) => !axes.includes(axis));
  return constant(node.outputs[0] ?? '', shape, data.map((total) => finish(total, count)), { integer: a.integer });
}

/** numpy's matmul of two constant matrices. */
export function foldMatmul(node: OperatorNode, builder: GraphBuilder, a: ConstantValue, b: ConstantValue): ConstantValue {
  const [m, k] = a.shape;
  const [k2, n] = b.shape;
  if (a.shape.length !== 2 || b.shape.length !== 2 || k !== k2 || m === undefined || n === undefined || k === undefined) {
    return fail(node, 'unsupported', 'constant-matmul', `product of constants ${formatShape(a.shape)} and ${formatShape(b.shape)}; two matrices that fit are supported.`);
  }
  const data = allocate(node, builder, [m, n]);
  builder.tensors.work(m * n * k, node.name);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const x = a.data[i * k + l] as number;
      for (let j = 0; j < n; j++) data[i * n + j] = (data[i * n + j] as number) + x * (b.data[l * n + j] as number);
    }
  }
  return constant(node.outputs[0] ?? '', [m, n], data);
}
