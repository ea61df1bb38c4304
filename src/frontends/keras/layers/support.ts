import type { LayerParams } from '../../../layers/registry.js';
import type { Tensor } from '../../../model/tensor.js';
import { sizeOf, stridesOf, tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { ConfigReader } from '../json.js';
import type { KerasContext } from '../layer.js';

type Operation = LayerParams['elementwise']['operation'];

/** Several tensors joined two by two. */
export function chain(context: KerasContext, operation: Operation, inputs: readonly TensorRef[], name: string): TensorRef {
  const [first, ...others] = inputs as readonly [TensorRef, ...TensorRef[]];
  return others.reduce((sum, input, i) => context.add('elementwise', { operation }, [sum, input], i === others.length - 1 ? name : `${name}/${i + 1}`), first);
}

/** A tensor and one number. */
export function withNumber(context: KerasContext, operation: Operation, x: TensorRef, value: number, name: string): TensorRef {
  return context.add('elementwise', { operation }, [x, context.constant(`${name}/constant`, tensor([1], [value]))], name);
}

/** A tensor and a constant one. */
export function withConstant(context: KerasContext, operation: Operation, x: TensorRef, value: Tensor, name: string): TensorRef {
  return context.add('elementwise', { operation }, [x, context.constant(`${name}/constant`, value)], name);
}

export function reshape(context: KerasContext, x: TensorRef, shape: readonly number[], name: string): TensorRef {
  return x.shape.length === shape.length && x.shape.every((n, i) => n === shape[i]) ? x : context.add('reshape', { shape }, [x], name);
}

export function transpose(context: KerasContext, x: TensorRef, perm: readonly number[], name: string): TensorRef {
  return perm.every((axis, i) => axis === i) ? x : context.add('transpose', { perm }, [x], name);
}

/** Something done along the last axis, of another one. */
export function alongLast(context: KerasContext, x: TensorRef, axis: number, name: string, make: (last: TensorRef) => TensorRef): TensorRef {
  const order = [...[...x.shape.keys()].filter((k) => k !== axis), axis];
  return transpose(context, make(transpose(context, x, order, `${name}/last`)), [...x.shape.keys()].map((k) => order.indexOf(k)), name);
}

/** `[start, end)` of one axis. */
export function cut(context: KerasContext, x: TensorRef, axis: number, start: number, end: number, name: string): TensorRef {
  if (start === 0 && end === x.shape[axis]) return x;
  return context.add('slice', { axes: [axis], starts: [start], ends: [end], steps: [1] }, [x], name);
}

/** An axis counted from the front; it may not be the batch. */
export function axisOf(config: ConfigReader, field: string, rank: number, fallback: number): number {
  const axis = config.json(field) ?? fallback;
  const one = Array.isArray(axis) && axis.length === 1 ? (axis as readonly unknown[])[0] : axis;
  const at = typeof one === 'number' && one < 0 ? one + rank : one;
  if (typeof at !== 'number' || !Number.isInteger(at) || at < 1 || at >= rank) return config.bad(field, `an axis from 1 to ${rank - 1}`);
  return at;
}

/** Axes counted from the front, ascending, without the batch. */
export function axesOf(config: ConfigReader, field: string, rank: number, fallback: readonly number[]): readonly number[] {
  const axes = (config.integers(field) ?? fallback).map((axis) => (axis < 0 ? axis + rank : axis)).toSorted((a, b) => a - b);
  if (axes.length === 0 || axes.some((axis, i) => axis < 1 || axis >= rank || axis === axes[i - 1])) return config.bad(field, `axes from 1 to ${rank - 1}`);
  return axes;
}

/** A weight with its axes permuted. */
export function permuted(value: Tensor, perm: readonly number[]): Tensor {
  const shape = perm.map((axis) => value.shape[axis] as number);
  const from = stridesOf(value.shape);
  const strides = perm.map((axis) => from[axis] as number);
  const own = stridesOf(shape);
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
    let at = 0;
    for (let axis = 0; axis < shape.length; axis++) at += (Math.floor(i / (own[axis] as number)) % (shape[axis] as number)) * (strides[axis] as number);
    return value.data[at] as number;
  });
  return { ...value, shape, data };
}

/** A weight of the same elements in another shape. */
export function reshaped(value: Tensor, shape: readonly number[]): Tensor {
  return { ...value, shape };
}

/** A weight with a function applied to every value. */
export function mapped(value: Tensor, change: (n: number, i: number) => number): Tensor {
  return { ...value, data: value.data.map(change) };
}

/** Whether a layer's data has its channels in front; Keras' default is last. */
export function isChannelsFirst(config: ConfigReader): boolean {
  const format = config.string('data_format', 'channels_last');
  if (format !== 'channels_last' && format !== 'channels_first') return config.bad('data_format', "'channels_last' or 'channels_first'");
  return format === 'channels_first';
}

/** Brings channels in front of the spatial axes. */
export function toFirst(context: KerasContext, x: TensorRef, first: boolean, name: string): TensorRef {
  const rank = x.shape.length;
  return first ? x : transpose(context, x, [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)], `${name}/channels_first`);
}

/** Back to where Keras has them. */
export function fromFirst(context: KerasContext, x: TensorRef, first: boolean, name: string): TensorRef {
  const rank = x.shape.length;
  return first ? x : transpose(context, x, [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1], `${name}/channels_last`);
}
