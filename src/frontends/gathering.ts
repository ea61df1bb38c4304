import { sizeOf } from '../model/tensor.js';
import type { LayerSink, TensorRef } from './network.js';

/**
 * What libraries call gathering, with indices that depend on the model's inputs, made of select layers. Tensors have the batch
 * in front; what is picked is picked within one event.
 */

/** Element by element along an axis (torch's gather, ONNX GatherElements): the index has the data's rank and at most its lengths on the other axes. */
export function takeElements(sink: LayerSink, data: TensorRef, indices: TensorRef, axis: number, name: string): TensorRef {
  const rank = data.shape.length;
  const used = cutTo(sink, data, indices.shape, axis, `${name}/part`);
  const last = [...Array.from({ length: rank }, (_, k) => k).filter((k) => k !== axis), axis];
  const back = Array.from({ length: rank }, (_, k) => last.indexOf(k));
  const picked = sink.add('select', { axis: rank - 1, batchAxes: rank - 1 }, [turned(sink, used, last, `${name}/data`), turned(sink, indices, last, `${name}/indices`)], axis === rank - 1 ? name : `${name}/picked`);
  return turned(sink, picked, back, name);
}

/** The leading part of the data on every axis but one. */
function cutTo(sink: LayerSink, data: TensorRef, shape: readonly number[], axis: number, name: string): TensorRef {
  const axes = data.shape.flatMap((n, k) => (k !== axis && (shape[k] as number) < n ? [k] : []));
  if (axes.length === 0) return data;
  return sink.add('slice', { axes, starts: axes.map(() => 0), ends: axes.map((k) => shape[k] as number), steps: axes.map(() => 1) }, [data], name);
}

function turned(sink: LayerSink, x: TensorRef, perm: readonly number[], name: string): TensorRef {
  return perm.every((from, k) => from === k) ? x : sink.add('transpose', { perm }, [x], name);
}

/** Whole slices of one axis: `[…data in front, …indices without their batch, …data behind]`. */
export function takeSlices(sink: LayerSink, data: TensorRef, indices: TensorRef, axis: number, name: string): TensorRef {
  return sink.add('select', { axis, batchAxes: 1 }, [data, indices], name);
}

/**
 * Slices at tuples of indices, one for each of several axes side by side from `first` on: `[…data in front, …indices, …data
 * behind]`. Axes of length 1, the batch among them, take no part, whatever their index is.
 */
export function takeTuples(sink: LayerSink, data: TensorRef, indices: readonly TensorRef[], first: number, name: string): TensorRef {
  const lengths = indices.map((_, k) => data.shape[first + k] as number);
  let flat: TensorRef | undefined;
  lengths.forEach((length, k) => {
    if (length === 1) return;
    const own = indices[k] as TensorRef;
    if (flat === undefined) {
      flat = own;
      return;
    }
    const factor = sink.constant(`${name}/length${k}`, { shape: [], data: Float64Array.of(length), quantised: true });
    const scaled = sink.add('elementwise', { operation: 'mul' }, [flat, factor], `${name}/row${k}`);
    flat = sink.add('elementwise', { operation: 'add' }, [scaled, own], `${name}/index${k}`);
  });
  const behind = data.shape.slice(first + indices.length);
  const front = first === 0 ? [1] : data.shape.slice(0, first);
  const merged = sink.add('reshape', { shape: [...front, sizeOf(lengths), ...behind] }, [data], `${name}/merged`);
  return takeSlices(sink, merged, flat ?? (indices[0] as TensorRef), front.length, name);
}
