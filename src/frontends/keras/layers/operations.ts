import type { LayerParams } from '../../../layers/registry.js';
import { sizeOf, tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { Json } from '../json.js';
import { ConfigReader, isIntegers, isObject, shown } from '../json.js';
import type { Argument, HandlerTable, KerasCall, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { activationTable } from './activations.js';
import { targetShape } from './shapes.js';
import { axesOf, axisOf, reshape, transpose } from './support.js';

/** Arguments by position; a call of one list has its items. */
function positional({ args }: KerasCall): readonly Argument[] {
  const [only] = args;
  return only !== undefined && args.length === 1 && only.kind === 'list' ? only.items : args;
}

/** An argument as an operand of a layer: a tensor, a constant array, or a number. */
function operand(layer: KerasLayer, argument: Argument | undefined, context: KerasContext, label: string): TensorRef {
  if (argument?.kind === 'tensor') return argument.tensor;
  if (argument?.kind === 'constant') return context.constant(`${layer.name}/${label}`, argument.value);
  if (argument?.kind === 'json' && typeof argument.value === 'number' && Number.isFinite(argument.value)) return context.constant(`${layer.name}/${label}`, tensor([1], [argument.value]));
  return context.fail('unsupported', layer.name, 'operand', `has the operand ${argument?.kind === 'json' ? shown(argument.value) : (argument?.kind ?? 'none')}; a tensor or a number is needed.`);
}

function first(layer: KerasLayer, call: KerasCall, context: KerasContext): TensorRef {
  const x = call.inputs[0];
  return x ?? context.fail('input', layer.name, 'inputs', 'has no input.');
}

function binary(operation: LayerParams['elementwise']['operation']): LayerHandler {
  return (layer, call, context) => {
    const given = positional(call);
    const b = given[1] ?? call.kwargs['x2'] ?? call.kwargs['y'];
    return [context.add('elementwise', { operation }, [operand(layer, given[0], context, 'a'), operand(layer, b, context, 'b')], layer.name)];
  };
}

const one = (build: (layer: KerasLayer, x: TensorRef, context: KerasContext) => TensorRef): LayerHandler => (layer, call, context) => [build(layer, first(layer, call, context), context)];

const func = (name: LayerParams['activation']['function']): LayerHandler => one((layer, x, context) => context.add('activation', { function: name }, [x], layer.name));

const activation = (name: string): LayerHandler => one((layer, x, context) => (activationTable[name] as (typeof activationTable)[string])(layer.config, x, layer.name, context));

const negative = one((layer, x, context) => context.add('elementwise', { operation: 'mul' }, [x, context.constant(`${layer.name}/minus`, tensor([1], [-1], true))], layer.name));

function reduction(operation: LayerParams['reduce']['operation']): LayerHandler {
  return one((layer, x, context) => {
    if (!layer.config.has('axis')) return context.fail('unsupported', layer.name, 'batch-reduced', 'reduces over all axes, events included.', 'Name the axes: axis=(1, …).');
    return context.add('reduce', { operation, axes: axesOf(layer.config, 'axis', x.shape.length, []), keepDims: layer.config.boolean('keepdims', false) }, [x], layer.name);
  });
}

const clip = one((layer, x, context) => context.add('clip', { min: layer.config.number('x_min'), max: layer.config.number('x_max') }, [x], layer.name));

const matmul: LayerHandler = (layer, call, context) => {
  const given = positional(call);
  return [context.add('matmul', {}, [operand(layer, given[0], context, 'a'), operand(layer, given[1] ?? call.kwargs['x2'], context, 'b')], layer.name)];
};

const transposed = one((layer, x, context) => {
  const perm = layer.config.integers('axes') ?? [];
  if (perm[0] !== 0 || perm.length !== x.shape.length || new Set(perm).size !== perm.length) context.fail('unsupported', layer.name, 'batch-moved', `permutes the axes as ${shown(layer.config.json('axes'))}; the batch must stay in front.`);
  return transpose(context, x, perm, layer.name);
});

const swapped = one((layer, x, context) => {
  const [a, b] = [axisOf(layer.config, 'axis1', x.shape.length, 1), axisOf(layer.config, 'axis2', x.shape.length, 2)];
  return transpose(context, x, x.shape.map((_, k) => (k === a ? b : k === b ? a : k)), layer.name);
});

const reshaped = one((layer, x, context) => {
  const target = layer.config.json('newshape');
  const [batch, ...rest] = Array.isArray(target) ? (target as readonly Json[]) : [];
  const shape = isIntegers(rest) ? targetShape(rest, sizeOf(x.shape)) : undefined;
  if (shape === undefined || (batch !== -1 && batch !== 1 && batch !== null)) return layer.config.bad('newshape', 'a shape of as many elements, with −1 for the batch in front');
  return reshape(context, x, [1, ...shape], layer.name);
});

const expanded = one((layer, x, context) => {
  const axes = (layer.config.integers('axis') ?? []).map((axis) => (axis < 0 ? axis + x.shape.length + 1 : axis));
  const [axis] = axes;
  if (axis === undefined || axes.length !== 1 || axis < 1 || axis > x.shape.length) return layer.config.bad('axis', `an axis from 1 to ${x.shape.length}`);
  return reshape(context, x, x.shape.toSpliced(axis, 0, 1), layer.name);
});

const squeezed = one((layer, x, context) => {
  const ones = x.shape.map((_, axis) => axis).filter((axis) => axis > 0 && x.shape[axis] === 1);
  const axes = layer.config.has('axis') ? axesOf(layer.config, 'axis', x.shape.length, []) : ones;
  if (axes.some((axis) => x.shape[axis] !== 1)) layer.config.bad('axis', 'axes of length 1');
  return reshape(context, x, x.shape.filter((_, axis) => !axes.includes(axis)), layer.name);
});

const flipped = one((layer, x, context) => {
  const axis = axisOf(layer.config, 'axis', x.shape.length, 0);
  const size = x.shape[axis] as number;
  return context.add('slice', { axes: [axis], starts: [size - 1], ends: [-1], steps: [-1] }, [x], layer.name);
});

const concatenated: LayerHandler = (layer, call, context) => {
  const inputs = positional(call).map((argument, i) => operand(layer, argument, context, `part${i}`));
  const [head] = inputs;
  if (head === undefined) return context.fail('input', layer.name, 'inputs', 'has no input.');
  return [context.add('concat', { axis: axisOf(layer.config, 'axis', head.shape.length, 0) }, inputs, layer.name)];
};

const stacked: LayerHandler = (layer, call, context) => {
  const inputs = positional(call).map((argument, i) => operand(layer, argument, context, `part${i}`));
  const [head] = inputs;
  if (head === undefined) return context.fail('input', layer.name, 'inputs', 'has no input.');
  const axis = axisOf(layer.config, 'axis', head.shape.length + 1, 0);
  const rows = inputs.map((x, i) => reshape(context, x, x.shape.toSpliced(axis, 0, 1), `${layer.name}/row${i}`));
  return rows.length === 1 ? rows : [context.add('concat', { axis }, rows, layer.name)];
};

/** `x[key]` with slices, numbers, `...` and new axes. */
const item: LayerHandler = (layer, call, context) => {
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

const cast = one((layer, x, context) => (/^u?int/.test(layer.config.string('dtype', 'float32')) ? context.add('toInteger', {}, [x], layer.name) : x));

const power: LayerHandler = (layer, call, context) => {
  const exponent = positional(call)[1] ?? call.kwargs['x2'];
  const x = first(layer, call, context);
  if (exponent?.kind === 'json' && exponent.value === 2) return [context.add('activation', { function: 'square' }, [x], layer.name)];
  return context.fail('unsupported', layer.name, 'power', `raises to ${exponent?.kind === 'json' ? shown(exponent.value) : 'a variable power'}; 2 is supported.`);
};

/** What a functional model holds of keras.ops. */
const operations: HandlerTable = {
  Abs: func('abs'), Absolute: func('abs'), Add: binary('add'), Arccos: func('acos'), Arcsin: func('asin'), Arctan: func('atan'), Cast: cast, Ceil: func('ceil'), Celu: activation('celu'),
  Clip: clip, Concatenate: concatenated, Cos: func('cos'), Cosh: func('cosh'), Divide: binary('div'), Elu: activation('elu'), Erf: func('erf'), Exp: func('exp'), ExpandDims: expanded,
  Expm1: func('expm1'), Flip: flipped, Floor: func('floor'), Gelu: activation('gelu'), GetItem: item, HardSigmoid: activation('hard_sigmoid'), HardSilu: activation('hard_silu'), HardTanh: activation('hard_tanh'),
  LeakyRelu: activation('leaky_relu'), Log: func('log'), Log10: func('log10'), Log1p: func('log1p'), Log2: func('log2'), LogSigmoid: activation('log_sigmoid'), LogSoftmax: activation('log_softmax'),
  Matmul: matmul, Max: reduction('max'), Maximum: binary('max'), Mean: reduction('mean'), Min: reduction('min'), Minimum: binary('min'), Mish: activation('mish'), Multiply: binary('mul'),
  Negative: negative, Power: power, Reciprocal: func('reciprocal'), Relu: func('relu'), Relu6: activation('relu6'), Reshape: reshaped, Rsqrt: func('rsqrt'), Selu: activation('selu'),
  Sigmoid: func('sigmoid'), Sign: func('sign'), Silu: activation('silu'), Sin: func('sin'), Sinh: func('sinh'), Softmax: activation('softmax'), Softplus: func('softplus'), Softsign: func('softsign'),
  Sqrt: func('sqrt'), Square: func('square'), Squeeze: squeezed, Stack: stacked, Subtract: binary('sub'), Sum: reduction('sum'), Swapaxes: swapped, Tan: func('tan'), Tanh: func('tanh'),
  Transpose: transposed, TrueDivide: binary('div'),
};

/** What Keras 2 calls them, in layers TFOpLambda and SlicingOpLambda. */
const TENSORFLOW: Readonly<Record<string, string>> = {
  '__operators__.add': 'Add', '__operators__.getitem': 'GetItem', abs: 'Abs', cast: 'Cast', concat: 'Concatenate', exp: 'Exp', expand_dims: 'ExpandDims',
  'linalg.matmul': 'Matmul', 'math.abs': 'Abs', 'math.add': 'Add', 'math.divide': 'Divide', 'math.exp': 'Exp', 'math.log': 'Log', 'math.maximum': 'Maximum', 'math.minimum': 'Minimum',
  'math.multiply': 'Multiply', 'math.negative': 'Negative', 'math.reduce_max': 'Max', 'math.reduce_mean': 'Mean', 'math.reduce_min': 'Min', 'math.reduce_sum': 'Sum',
  'math.sigmoid': 'Sigmoid', 'math.sqrt': 'Sqrt', 'math.square': 'Square', 'math.subtract': 'Subtract', 'math.tanh': 'Tanh', 'math.truediv': 'TrueDivide', 'nn.relu': 'Relu',
  'nn.relu6': 'Relu6', 'nn.sigmoid': 'Sigmoid', 'nn.softmax': 'Softmax', 'nn.tanh': 'Tanh', reshape: 'Reshape', squeeze: 'Squeeze', stack: 'Stack',
};

/** A TensorFlow function: its keyword arguments are what the operation's configuration is in Keras 3. */
const tensorflow: LayerHandler = (layer, call, context) => {
  const name = layer.config.string('function');
  const handler = Object.hasOwn(TENSORFLOW, name) ? operations[TENSORFLOW[name] as string] : undefined;
  if (handler === undefined) return context.fail('unsupported', layer.name, 'unknown-layer', `is the TensorFlow function ${name.slice(0, 60)}, which is not supported.`, 'Build the same from layers.');
  const plain = Object.entries(call.kwargs).flatMap(([key, argument]): [string, Json][] => {
    const value = plainOf(argument);
    return value === undefined ? [] : [[RENAMED[key] ?? key, value]];
  });
  return handler({ ...layer, config: new ConfigReader(Object.fromEntries(plain), layer.config.where) }, call, context);
};

const RENAMED: Readonly<Record<string, string>> = { shape: 'newshape', perm: 'axes' };

/** JSON of an argument that holds no tensors. */
function plainOf(argument: Argument): Json | undefined {
  if (argument.kind === 'json') return argument.value;
  if (argument.kind !== 'list') return undefined;
  const items = argument.items.map(plainOf);
  return items.every((value) => value !== undefined) ? (items as Json[]) : undefined;
}

export const operationLayers: HandlerTable = {
  ...Object.fromEntries(Object.entries(operations).map(([name, handler]) => [`ops>${name}`, handler])),
  SlicingOpLambda: tensorflow,
  TFOpLambda: tensorflow,
};
