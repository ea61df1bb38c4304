import { tensor } from '../../../model/tensor.js';
import type { LayerSink, TensorRef } from '../../network.js';
import { shown } from '../json.js';
import type { Argument, KerasCall, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { axesOf } from '../layers/support.js';

/** Arguments by position; a call of one list has its items. */
export function positional({ args }: KerasCall): readonly Argument[] {
  const [only] = args;
  return only !== undefined && args.length === 1 && only.kind === 'list' ? only.items : args;
}

/** An argument as an operand of a layer: a tensor, a constant array, or a number. */
export function operand(layer: KerasLayer, argument: Argument | undefined, context: KerasContext, label: string): TensorRef {
  if (argument?.kind === 'tensor') return argument.tensor;
  if (argument?.kind === 'constant') return context.constant(`${layer.name}/${label}`, argument.value);
  if (argument?.kind === 'json' && typeof argument.value === 'number' && Number.isFinite(argument.value)) return context.constant(`${layer.name}/${label}`, tensor([1], [argument.value]));
  return context.fail('unsupported', layer.name, 'operand', `has the operand ${argument?.kind === 'json' ? shown(argument.value) : (argument?.kind ?? 'none')}; a tensor or a number is needed.`);
}

export function first(layer: KerasLayer, call: KerasCall, context: KerasContext): TensorRef {
  const x = call.inputs[0];
  return x ?? context.fail('input', layer.name, 'inputs', 'has no input.');
}

/** An operation of one tensor. */
export const one = (build: (layer: KerasLayer, x: TensorRef, context: KerasContext, call: KerasCall) => TensorRef): LayerHandler => (layer, call, context) => [build(layer, first(layer, call, context), context, call)];

/** Two arguments by position or by name, either of which may be a constant. */
export function twoOperands(layer: KerasLayer, call: KerasCall, context: KerasContext): readonly [TensorRef, TensorRef] {
  const given = positional(call);
  const [a, b] = [given[0] ?? call.kwargs['x1'] ?? call.kwargs['x'], given[1] ?? call.kwargs['x2'] ?? call.kwargs['y']];
  return [operand(layer, a, context, 'a'), operand(layer, b, context, 'b')];
}

/** An operation of two tensors, element by element. */
export function pair(make: (sink: LayerSink, a: TensorRef, b: TensorRef, name: string) => TensorRef): LayerHandler {
  return (layer, call, context) => [make(context, ...twoOperands(layer, call, context), layer.name)];
}

/** The axes of a reduction, which must be stated: all of them would be of all events. */
export function reducedAxes(layer: KerasLayer, x: TensorRef, context: KerasContext, field = 'axis'): readonly number[] {
  if (!layer.config.has(field)) return context.fail('unsupported', layer.name, 'batch-reduced', 'reduces over all axes, events included.', 'Name the axes: axis=(1, …).');
  return axesOf(layer.config, field, x.shape.length, []);
}

/** Slices of one axis at known places. */
export function picked(context: KerasContext, x: TensorRef, axis: number, places: readonly number[], name: string): TensorRef {
  return context.add('gather', { axis, indices: tensor([places.length], places, true) }, [x], name);
}

/** The most elements an operation may make of its input along one axis: more fit no device. */
const MOST_ELEMENTS = 2 ** 24;

/** Refuses what would be too large before it is made. */
export function checkSize(layer: KerasLayer, elements: number, context: KerasContext): void {
  if (!(elements <= MOST_ELEMENTS)) context.fail('unsupported', layer.name, 'too-large', `would make ${elements} elements; at most ${MOST_ELEMENTS} are supported.`);
}

/** A number that an operation works with. */
export function number(context: KerasContext, value: number, name: string): TensorRef {
  return context.constant(name, tensor([], [value], Number.isInteger(value)));
}
