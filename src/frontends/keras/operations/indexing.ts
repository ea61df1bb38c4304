import type { TensorRef } from '../../network.js';
import { isObject, shown } from '../json.js';
import type { Argument, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { reshape } from '../layers/support.js';
import { first } from './operands.js';

/** `x[key]` with slices, numbers, `...` and new axes. */
export const item: LayerHandler = (layer, call, context) => {
  const x = first(layer, call, context);
  const stated = call.args[1] ?? call.kwargs['slice_spec'] ?? call.kwargs['key'];
  const keys = stated === undefined ? [] : stated.kind === 'list' ? stated.items.map(asSlice) : [asSlice(stated)];
  return [indexed(layer, x, keys, context)];
};

/** Keras 2 writes a slice as a dictionary. */
function asSlice(argument: Argument): Argument {
  if (argument.kind !== 'json' || !isObject(argument.value) || !('start' in argument.value)) return argument;
  const fields = argument.value;
  const part = (field: string): number | null => (typeof fields[field] === 'number' ? (fields[field] as number) : null);
  return { kind: 'slice', start: part('start'), stop: part('stop'), step: part('step') };
}

function indexed(layer: KerasLayer, x: TensorRef, keys: readonly Argument[], context: KerasContext): TensorRef {
  const isNew = (key: Argument): boolean => key.kind === 'json' && key.value === null;
  const used = keys.filter((key) => key.kind !== 'ellipsis' && !isNew(key)).length;
  const all: Argument = { kind: 'slice', start: null, stop: null, step: null };
  const rest = new Array<Argument>(Math.max(0, x.shape.length - used)).fill(all);
  const at = keys.findIndex((key) => key.kind === 'ellipsis');
  const complete = at < 0 ? [...keys, ...rest] : keys.toSpliced(at, 1, ...rest);
  const slices = { axes: [] as number[], starts: [] as number[], ends: [] as number[], steps: [] as number[] };
  const shape: number[] = [];
  let axis = 0;
  for (const key of complete) {
    if (isNew(key)) {
      shape.push(1);
      continue;
    }
    const size = x.shape[axis];
    const bounds = size === undefined ? undefined : boundsOf(key, size);
    if (bounds === undefined || (axis === 0 && (bounds.isNumber || bounds.start !== 0 || bounds.step !== 1))) {
      return context.fail('unsupported', layer.name, 'index', `picks ${shown(keys)} of [${x.shape.join(', ')}]; slices, whole numbers, ... and new axes behind the batch are supported.`);
    }
    if (axis > 0 && (bounds.start !== 0 || bounds.end !== size || bounds.step !== 1)) {
      slices.axes.push(axis);
      slices.starts.push(bounds.start);
      slices.ends.push(bounds.end);
      slices.steps.push(bounds.step);
    }
    if (!bounds.isNumber) shape.push(axis === 0 ? 1 : Math.max(0, Math.ceil((bounds.end - bounds.start) / bounds.step)));
    axis += 1;
  }
  const part = slices.axes.length === 0 ? x : context.add('slice', slices, [x], layer.name);
  return reshape(context, part, shape, `${layer.name}/shape`);
}

/** One key on an axis of `size`, as Python counts. */
function boundsOf(key: Argument, size: number): { readonly start: number; readonly end: number; readonly step: number; readonly isNumber: boolean } | undefined {
  if (key.kind === 'json' && typeof key.value === 'number' && Number.isInteger(key.value)) {
    const start = key.value < 0 ? key.value + size : key.value;
    return start < 0 || start >= size ? undefined : { start, end: start + 1, step: 1, isNumber: true };
  }
  if (key.kind !== 'slice') return undefined;
  const step = key.step ?? 1;
  if (!Number.isInteger(step) || step === 0) return undefined;
  const clamp = (n: number, low: number, high: number): number => Math.min(high, Math.max(low, n < 0 ? n + size : n));
  const start = key.start === null ? (step > 0 ? 0 : size - 1) : clamp(key.start, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
  const end = key.stop === null ? (step > 0 ? size : -1) : clamp(key.stop, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
  return { start, end, step, isNumber: false };
}
