import { broadcastShapes, sizeOf } from '../../../model/tensor.js';
import { allocate, foldBroadcast, foldPick, foldReshape, foldUnary } from '../fold.js';
import { isIntegerType } from '../tensors.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, OperatorNode, VariableValue } from '../values.js';
import { constant, constantInput, fail, formatShape, integerList, leadOf, normalAxis, requiredInput, scalarOf, shapeOf, variableInput } from '../values.js';
import type { GraphBuilder } from '../builder.js';

/** The shape a Reshape asks for; a batch length written into it becomes 1. */
function reshapeTarget(node: OperatorNode, from: readonly number[], target: readonly number[], batch: number | undefined): readonly number[] {
  const allowZero = node.attributes.int('allowzero', 0) === 1;
  const size = sizeOf(from);
  const resolve = (wanted: readonly number[]): readonly number[] | undefined => {
    const copied = wanted.map((n, i) => (n === 0 && !allowZero ? (from[i] ?? 0) : n));
    const open = copied.filter((n) => n === -1).length;
    if (open > 1 || copied.some((n) => !Number.isSafeInteger(n) || n < -1)) return undefined;
    const rest = copied.reduce((product, n) => (n === -1 ? product : product * n), 1);
    if (open === 0) return rest === size ? copied : undefined;
    return rest > 0 && size % rest === 0 ? copied.map((n) => (n === -1 ? size / rest : n)) : undefined;
  };
  const first = target[0] ?? 0;
  if (batch !== undefined && batch > 1 && first > 0 && first % batch === 0) {
    const mended = resolve([first / batch, ...target.slice(1)]);
    if (mended !== undefined) return mended;
  }
  return resolve(target) ?? fail(node, 'input', 'shape-mismatch', `cannot bring ${formatShape(from)} (${size} elements, batch of one) to ${formatShape(target)}.`);
}

/** A reshape of a constant or a variable to a shape computed from its own. */
function reshaping(shapeFor: (node: OperatorNode, from: readonly number[], builder: GraphBuilder, isConstant: boolean) => readonly number[], least = 1): Operator {
  return {
    least,
    fold: (node, inputs, builder) => {
      const x = inputs[0] as ConstantValue;
      return [foldReshape(node, x, shapeFor(node, x.shape, builder, true))];
    },
    run: (node, builder) => {
      const x = variableInput(node, 0);
      return [builder.reshape(node, x, shapeFor(node, x.shape, builder, false))];
    },
  };
}

const reshape = reshaping((node, from, builder, isConstant) => {
  const target = integerList(node, node.inputs.length > 1 ? 1 : -1, 'shape');
  if (target === undefined) return fail(node, 'input', 'missing-input', 'has no target shape.');
  return reshapeTarget(node, from, target, isConstant ? undefined : builder.declaredBatch);
});

const flatten = reshaping((node, from) => {
  const axis = node.attributes.int('axis', 1);
  const split = axis < 0 ? axis + from.length : axis;
  if (!Number.isInteger(split) || split < 0 || split > from.length) return fail(node, 'input', 'bad-axis', `axis ${axis} is outside a tensor of rank ${from.length}.`);
  return [sizeOf(from.slice(0, split)), sizeOf(from.slice(split))];
});

/** Without axes, every axis of length 1 goes, but never the batch. */
const squeeze = reshaping((node, from, _, isConstant) => {
  const given = integerList(node, node.inputs.length > 1 ? 1 : -1, 'axes');
  if (given === undefined) return from.filter((n, axis) => n !== 1 || (axis === 0 && !isConstant));
  const axes = given.map((axis) => normalAxis(node, axis, from.length));
  const bad = axes.find((axis) => from[axis] !== 1);
  if (bad !== undefined) fail(node, 'input', 'bad-axis', `axis ${bad} of ${formatShape(from)} has length ${from[bad]}, not 1.`);
  return from.filter((_n, axis) => !axes.includes(axis));
});

const unsqueeze = reshaping((node, from) => {
  const given = integerList(node, node.inputs.length > 1 ? 1 : -1, 'axes') ?? fail(node, 'input', 'missing-input', 'has no axes.');
  const rank = from.length + given.length;
  const axes = new Set(given.map((axis) => normalAxis(node, axis, rank)));
  if (axes.size !== given.length) fail(node, 'input', 'bad-axis', `axes [${given.join(', ')}] name one axis twice.`);
  const rest = [...from];
  return Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : (rest.shift() as number)));
});

/** The shape itself, as a constant: with the batch it is known. */
const shape: Operator = {
  run: (node) => {
    const dims = shapeOf(requiredInput(node, 0));
    const clampIndex = (n: number): number => Math.min(Math.max(n < 0 ? n + dims.length : n, 0), dims.length);
    const part = dims.slice(clampIndex(node.attributes.int('start', 0)), clampIndex(node.attributes.int('end', dims.length)));
    return [constant(node.outputs[0] ?? '', [part.length], part, { integer: true })];
  },
};

const size: Operator = { run: (node) => [constant(node.outputs[0] ?? '', [], [sizeOf(shapeOf(requiredInput(node, 0)))], { integer: true })] };

/** Ones on a diagonal, in a matrix of the input's shape. */
const eyeLike: Operator = {
  run: (node, builder) => {
    const [rows = 1, columns = 1] = shapeOf(requiredInput(node, 0));
    const shift = node.attributes.int('k', 0);
    builder.tensors.reserve(rows * columns, node.name);
    return [constant(node.outputs[0] ?? '', [rows, columns], Float64Array.from({ length: rows * columns }, (_, i) => ((i % columns) - Math.floor(i / columns) === shift ? 1 : 0)), { integer: true })];
  },
};

/** Casts to int32 and int64 drop the fraction toward zero; casts among floats are gone. */
const cast: Operator = {
  fold: (node, inputs, builder) => {
    const x = inputs[0] as ConstantValue;
    const to = node.attributes.int('to', 0);
    const integer = isIntegerType(to) ?? fail(node, 'unsupported', 'cast-type', `casts to element type ${to}.`);
    const f = to === 9 ? (n: number) => (n === 0 ? 0 : 1) : integer ? Math.trunc : to === 1 ? Math.fround : (n: number) => n;
    return [{ ...foldUnary(node, builder, x, f, integer), quantised: x.quantised, type: to }];
  },
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const to = node.attributes.int('to', 0);
    if (isIntegerType(to) === false) return [{ ...x, integer: false }];
    if (to === 9) return [builder.emit(node, 'compare', { operation: 'ne' }, [x, constant(`${node.name}:zero`, [], [0], { integer: true, quantised: true })], { shape: x.shape, integer: true })];
    if (to !== 6 && to !== 7) return fail(node, 'unsupported', 'cast-type', `casts a variable to element type ${to}; floats, int32, int64 and bool are supported.`);
    if (x.integer) return [x];
    return [builder.emit(node, 'toInteger', {}, [x], { shape: x.shape, integer: true })];
  },
};

const constantNode: Operator = {
  least: 0,
  run: (node, builder) => {
    const { attributes } = node;
    const name = node.outputs[0] ?? '';
    const tensor = attributes.tensor('value');
    if (tensor !== undefined) {
      const value = builder.tensors.read(tensor, node.name);
      return [constant(name, value.shape, value.data, { integer: value.integer, type: value.type })];
    }
    const floats = attributes.floats('value_floats');
    const ints = attributes.ints('value_ints');
    if (attributes.has('value_float')) return [constant(name, [], [attributes.float('value_float', 0)])];
    if (attributes.has('value_int')) return [constant(name, [], [attributes.int('value_int', 0)], { integer: true })];
    if (floats !== undefined) return [constant(name, [floats.length], floats)];
    if (ints !== undefined) return [constant(name, [ints.length], ints, { integer: true })];
    return fail(node, 'unsupported', 'constant-form', 'holds neither a tensor nor numbers.');
  },
};

const constantOfShape: Operator = {
  run: (node, builder) => {
    const dims = Array.from(constantInput(node, 0, 'shape').data);
    const tensor = node.attributes.tensor('value');
    const value = tensor === undefined ? undefined : builder.tensors.read(tensor, node.name);
    return [constant(node.outputs[0] ?? '', dims, allocate(node, builder, dims).fill(value?.data[0] ?? 0), { integer: value?.integer ?? false })];
  },
};

const range: Operator = {
  least: 3,
  run: (node, builder) => {
    const values = ['start', 'limit', 'delta'].map((role, i) => constantInput(node, i, role));
    const [start, limit, delta] = values.map((value, i) => scalarOf(node, value, `input ${i + 1}`)) as [number, number, number];
    if (delta === 0) fail(node, 'input', 'bad-range', 'has a step of 0.');
    const length = Math.max(0, Math.ceil((limit - start) / delta));
    const data = allocate(node, builder, [length]).map((_, i) => start + i * delta);
    return [constant(node.outputs[0] ?? '', [length], data, { integer: values.every((v) => v.integer) })];
  },
};

/** Repeats along the axes where `from` has length 1 and `to` more, or tiles, by picking elements again. */
function repeat(node: OperatorNode, builder: GraphBuilder, x: VariableValue, to: readonly number[]): VariableValue {
  const rank = to.length;
  const padded = [...new Array<number>(rank - x.shape.length).fill(1), ...x.shape];
  const axes = padded.flatMap((n, axis) => (n === to[axis] ? [] : [axis]));
  if (axes.length === 0) return rank === x.shape.length ? x : builder.reshape(node, x, to, `${node.name}/shape`);
  if (axes.includes(0) && leadOf(padded) === 0) fail(node, 'unsupported', 'batch-repeat', `repeats the batch axis: ${formatShape(x.shape)} to ${formatShape(to)}.`);
  let value = rank === x.shape.length ? x : builder.reshape(node, x, padded, `${node.name}/rank`);
  axes.forEach((axis, i) => {
    const own = padded[axis] as number;
    const length = to[axis] as number;
    builder.tensors.reserve(length, node.name);
    const indices = { shape: [length], data: Float64Array.from({ length }, (_, k) => k % own), quantised: true };
    const name = i === axes.length - 1 ? {} : { name: `${node.name}/axis${axis}` };
    value = builder.emit(node, 'gather', { axis: axis + leadOf(value.shape), indices }, [value], { ...name, integer: x.integer });
  });
  return value;
}

const expand: Operator = {
  least: 2,
  fold: (node, inputs, builder) => {
    const x = inputs[0] as ConstantValue;
    const to = broadcastShapes(x.shape, Array.from(inputs[1]?.data ?? []));
    return [foldBroadcast(node, builder, x, to ?? fail(node, 'input', 'shape-mismatch', `cannot expand ${formatShape(x.shape)}.`))];
  },
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const target = Array.from(constantInput(node, 1, 'shape').data);
    const { declaredBatch } = builder;
    const mended = declaredBatch !== undefined && target.length === x.shape.length && target[0] === declaredBatch ? [1, ...target.slice(1)] : target;
    const to = broadcastShapes(x.shape, mended);
    return [repeat(node, builder, x, to ?? fail(node, 'input', 'shape-mismatch', `cannot expand ${formatShape(x.shape)} to ${formatShape(target)}.`))];
  },
};

const tile: Operator = {
  least: 2,
  fold: (node, inputs, builder) => {
    const [x, counts] = inputs as [ConstantValue, ConstantValue];
    const to = x.shape.map((n, axis) => n * (counts.data[axis] ?? 1));
    const strides = x.shape.map((_, axis) => sizeOf(x.shape.slice(axis + 1)));
    return [foldPick(node, builder, x, to, (p) => p.reduce((sum, n, axis) => sum + (n % (x.shape[axis] as number)) * (strides[axis] as number), 0))];
  },
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const counts = constantInput(node, 1, 'repeats').data;
    if (counts.length !== x.shape.length) fail(node, 'input', 'shape-mismatch', `has ${counts.length} repeats for ${x.shape.length} axes.`);
    return [repeat(node, builder, x, x.shape.map((n, axis) => n * (counts[axis] as number)))];
  },
};

/** Shapes and what computes with them. */
export const shapes: OperatorTable = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Shape: shape,
  Size: size,
  Cast: cast,
  Constant: constantNode,
  ConstantOfShape: constantOfShape,
  Range: range,
  EyeLike: eyeLike,
  Expand: expand,
  Tile: tile,
};
