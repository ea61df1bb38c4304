import { sizeOf, stridesOf } from '../../../model/tensor.js';
import { takeElements, takeTuples } from '../../gathering.js';
import type { TensorRef } from '../../network.js';
import type { GraphBuilder } from '../builder.js';
import { foldGather, foldPick, foldReshape } from '../fold.js';
import { handing } from '../handing.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, Operand, OperatorNode, Value, VariableValue } from '../values.js';
import { constant, constantInput, fail, formatShape, leadOf, modelShape, normalAxis, operandInput, requiredInput, scalarOf, variableInput } from '../values.js';

/** Constant indices pick slices; a constant table under variable indices is an embedding; variables of variables are chosen. */
const gather: Operator = {
  least: 2,
  fold: (node, inputs, builder) => {
    const [x, indices] = inputs as [ConstantValue, ConstantValue];
    return [foldGather(node, builder, x, indices, normalAxis(node, node.attributes.int('axis', 0), x.shape.length))];
  },
  run: (node, builder) => {
    const data = requiredInput(node, 0);
    const indices = requiredInput(node, 1);
    if (data.kind === 'constant' && indices.kind === 'variable') return [emitEmbedding(node, builder, data, indices)];
    if (data.kind === 'variable' && indices.kind === 'variable') return [selectSlices(node, builder, data, indices, normalAxis(node, node.attributes.int('axis', 0), data.shape.length))];
    if (data.kind !== 'variable' || indices.kind !== 'constant') return fail(node, 'unsupported', 'constant-input', 'has neither data nor indices from the model\'s inputs that could be read.');
    return [emitGather(node, builder, data, indices, normalAxis(node, node.attributes.int('axis', 0), data.shape.length))];
  },
};

function emitEmbedding(node: OperatorNode, builder: GraphBuilder, table: ConstantValue, indices: VariableValue): VariableValue {
  const axis = normalAxis(node, node.attributes.int('axis', 0), table.shape.length);
  if (axis !== 0) fail(node, 'unsupported', 'embedding-axis', `looks a table up along axis ${axis}; axis 0 is supported.`);
  return builder.emit(node, 'embedding', { table: builder.parameter(node, table, 'table') }, [indices], { shape: [...indices.shape, ...table.shape.slice(1)] });
}

function emitGather(node: OperatorNode, builder: GraphBuilder, x: VariableValue, indices: ConstantValue, axis: number): VariableValue {
  const length = x.shape[axis] as number;
  const bad = indices.data.find((n) => !Number.isInteger(n) || n < -length || n >= length);
  if (bad !== undefined) fail(node, 'input', 'bad-index', `index ${bad} is outside axis ${axis} of ${formatShape(x.shape)}.`);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  if (length === 1 && sizeOf(indices.shape) === 1) return builder.reshape(node, x, shape);
  const lead = leadOf(x.shape);
  if (axis === 0 && lead === 0) return fail(node, 'unsupported', 'batch-gather', 'picks several times from axis 0, which is the batch.');
  const params = { axis: axis + lead, indices: { shape: indices.shape, data: indices.data.map((n) => (n < 0 ? n + length : n)), quantised: true } };
  return builder.emit(node, 'gather', params, [x], { shape, integer: x.integer });
}

/** Slices of a variable at indices that are variable too. */
function selectSlices(node: OperatorNode, builder: GraphBuilder, x: VariableValue, indices: VariableValue, axis: number): VariableValue {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  // Of an axis of one element there is nothing to choose: every index means it.
  const lead = leadOf(x.shape);
  if (axis + lead === 0) return fail(node, 'unsupported', 'batch-gather', 'picks from axis 0, which is the batch.');
  return builder.emit(node, 'select', { axis: axis + lead, batchAxes: 1 }, [x, indices], { shape, integer: x.integer });
}

/** Element by element along an axis. */
const gatherElements: Operator = {
  least: 2,
  fold: (node, inputs, builder) => {
    const [x, indices] = inputs as [ConstantValue, ConstantValue];
    const axis = normalAxis(node, node.attributes.int('axis', 0), x.shape.length);
    const strides = x.shape.map((_, k) => sizeOf(x.shape.slice(k + 1)));
    const own = indices.shape.map((_, k) => sizeOf(indices.shape.slice(k + 1)));
    return [foldPick(node, builder, x, indices.shape, (p) => {
      const stated = indices.data[p.reduce((sum, n, k) => sum + n * (own[k] as number), 0)] as number;
      const length = x.shape[axis] as number;
      const index = stated < 0 ? stated + length : stated;
      if (!(index >= 0 && index < length)) fail(node, 'input', 'bad-index', `index ${stated} is outside axis ${axis} of ${formatShape(x.shape)}.`);
      return p.reduce((sum, n, k) => sum + (k === axis ? index : n) * (strides[k] as number), 0);
    })];
  },
  run: (node, builder) => {
    const [x, indices] = [operandInput(node, 0), operandInput(node, 1)];
    const axis = normalAxis(node, node.attributes.int('axis', 0), x.shape.length);
    const lead = leadOf(x.shape);
    if (axis + lead === 0) return fail(node, 'unsupported', 'batch-gather', 'picks along axis 0, which is the batch.');
    if (indices.shape.length !== x.shape.length || indices.shape.some((n, k) => k !== axis && n > (x.shape[k] as number)) || leadOf(indices.shape) !== lead) {
      return fail(node, 'input', 'shape-mismatch', `an index ${formatShape(indices.shape)} does not fit ${formatShape(x.shape)} along axis ${axis}.`);
    }
    const { sink, give, take } = handing(node, builder);
    return [take(takeElements(sink, give(x, 'data'), give(indices, 'indices'), axis + lead, node.name), indices.shape, x.integer)];
  },
};

/** Slices at tuples of indices, for as many axes side by side from `first` on: `[…in front, …indices, …behind]`. */
export function emitTuples(node: OperatorNode, builder: GraphBuilder, x: VariableValue, picks: readonly Operand[], first: number, shape: readonly number[]): VariableValue {
  const { sink, give, take } = handing(node, builder);
  const refs = picks.map((pick, k) => give(pick, `index${k}`));
  return take(takeTuples(sink, give(x, 'data'), refs, first + leadOf(x.shape), node.name), shape, x.integer);
}

/** Index tuples along the last axis; where they are constants of one entry it is a Gather. */
const gatherNd: Operator = {
  least: 2,
  run: (node, builder) => {
    const x = requiredInput(node, 0);
    const indices = operandInput(node, 1);
    const batched = node.attributes.int('batch_dims', 0);
    const tuple = indices.shape[indices.shape.length - 1] ?? 0;
    if (batched > 0 && (batched > 1 || shapeOfOperand(x)[0] !== 1)) return fail(node, 'unsupported', 'gather-nd', `shares ${batched} axes between data and indices; the batch alone is supported.`);
    if (tuple === 1 && batched === 0 && indices.kind === 'constant') {
      const flat = foldReshape(node, indices, indices.shape.slice(0, -1));
      if (x.kind === 'constant') return [foldGather(node, builder, x, flat, 0)];
      return [emitGather(node, builder, variableInput(node, 0), flat, 0)];
    }
    const front = indices.shape.slice(0, -1);
    if (x.kind === 'constant' && tuple === 1 && indices.kind === 'variable') return [emitEmbedding(node, builder, x, builder.reshape(node, indices, front, `${node.name}/index`))];
    const data = variableInput(node, 0);
    if (indices.kind === 'constant') return [emitGather(node, builder, mergedAxes(node, builder, data, batched, tuple), flatIndices(node, indices, data.shape.slice(batched, batched + tuple)), batched)];
    const picks = Array.from({ length: tuple }, (_, k) => {
      if (tuple === 1) return builder.reshape(node, indices, front, `${node.name}/index`);
      const axis = modelShape(indices.shape).length - 1;
      const part = builder.emit(node, 'slice', { axes: [axis], starts: [k], ends: [k + 1], steps: [1] }, [indices], { name: `${node.name}/part${k}`, integer: true });
      return builder.reshape(node, part, front, `${node.name}/index${k}`);
    });
    return [emitTuples(node, builder, data, picks, batched, [...front, ...data.shape.slice(batched + tuple)])];
  },
};

/** Some axes side by side as one. */
function mergedAxes(node: OperatorNode, builder: GraphBuilder, x: VariableValue, first: number, count: number): VariableValue {
  const shape = [...x.shape.slice(0, first), sizeOf(x.shape.slice(first, first + count)), ...x.shape.slice(first + count)];
  return builder.reshape(node, x, shape, `${node.name}/merged`);
}

/** Constant tuples as indices into the merged axes. */
function flatIndices(node: OperatorNode, indices: ConstantValue, lengths: readonly number[]): ConstantValue {
  const shape = indices.shape.slice(0, -1);
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) =>
    lengths.reduce((flat, length, k) => {
      const stated = indices.data[i * lengths.length + k] as number;
      const index = stated < 0 ? stated + length : stated;
      return index >= 0 && index < length ? flat * length + index : fail(node, 'input', 'bad-index', `index ${stated} is outside an axis of length ${length}.`);
    }, 0));
  return { ...indices, shape, data };
}

/** Some elements replaced, at places that are known: a choice among the elements of both. */
function emitReplaced(node: OperatorNode, builder: GraphBuilder, x: Operand, updates: Operand, from: (element: number) => number): VariableValue {
  const { sink, give, take } = handing(node, builder);
  const flat = (value: Operand, label: string): TensorRef => {
    const size = sizeOf(value.shape);
    return sink.add('reshape', { shape: [1, size] }, [give(value, label)], `${node.name}/${label}`);
  };
  const size = sizeOf(x.shape);
  const both = sink.add('concat', { axis: 1 }, [flat(x, 'data'), flat(updates, 'updates')], `${node.name}/both`);
  const places = Float64Array.from({ length: size }, (_, e) => (from(e) < 0 ? e : size + from(e)));
  const made = sink.add('gather', { axis: 1, indices: { shape: [size], data: places, quantised: true } }, [both], node.name);
  return take(made, x.shape, x.integer && updates.integer);
}

/** Which update each element gets, −1 for none; later ones win. */
function placesOf(size: number, targets: readonly (readonly number[])[]): (element: number) => number {
  const found = new Int32Array(size).fill(-1);
  targets.forEach((list, update) => list.forEach((element) => (found[element] = update)));
  return (element) => found[element] as number;
}

function checkReplacing(node: OperatorNode): void {
  const reduction = node.attributes.string('reduction', 'none');
  if (reduction !== 'none') fail(node, 'unsupported', 'reduction', `combines values by '${reduction.slice(0, 20)}'; replacing is supported.`);
}

/** Slices replaced at constant index tuples. */
const scatterNd: Operator = {
  least: 3,
  run: (node, builder) => {
    checkReplacing(node);
    const [x, updates] = [operandInput(node, 0), operandInput(node, 2)];
    const indices = constantInput(node, 1, 'indices');
    const tuple = indices.shape[indices.shape.length - 1] ?? 0;
    const inner = sizeOf(x.shape.slice(tuple));
    const rows = flatIndices(node, indices, x.shape.slice(0, tuple));
    const targets = Array.from({ length: rows.data.length * inner }, (_, i) => [(rows.data[Math.floor(i / inner)] as number) * inner + (i % inner)]);
    if (targets.length !== sizeOf(updates.shape)) fail(node, 'input', 'shape-mismatch', `has ${sizeOf(updates.shape)} values for ${targets.length} elements.`);
    return [emitReplaced(node, builder, x, updates, placesOf(sizeOf(x.shape), targets))];
  },
};

/** Elements replaced at constant indices along an axis. */
const scatterElements: Operator = {
  least: 3,
  run: (node, builder) => {
    checkReplacing(node);
    const [x, updates] = [operandInput(node, 0), operandInput(node, 2)];
    const indices = constantInput(node, 1, 'indices');
    const axis = normalAxis(node, node.attributes.int('axis', 0), x.shape.length);
    const length = x.shape[axis] as number;
    if (indices.shape.length !== x.shape.length || formatShape(indices.shape) !== formatShape(updates.shape) || indices.shape.some((n, k) => k !== axis && n > (x.shape[k] as number))) {
      fail(node, 'input', 'shape-mismatch', `indices ${formatShape(indices.shape)} and values ${formatShape(updates.shape)} do not fit ${formatShape(x.shape)}.`);
    }
    const own = stridesOf(indices.shape);
    const strides = stridesOf(x.shape);
    const targets = Array.from(indices.data, (stated, i) => {
      const index = stated < 0 ? stated + length : stated;
      if (!(index >= 0 && index < length)) fail(node, 'input', 'bad-index', `index ${stated} is outside axis ${axis} of ${formatShape(x.shape)}.`);
      return [strides.reduce((sum, stride, k) => sum + stride * (k === axis ? index : Math.floor(i / (own[k] as number)) % (indices.shape[k] as number)), 0)];
    });
    return [emitReplaced(node, builder, x, updates, placesOf(sizeOf(x.shape), targets))];
  },
};

/** 1 (or another value) where an index is, along a new axis. */
const oneHot: Operator = {
  least: 3,
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const depth = scalarOf(node, constantInput(node, 1, 'depth'), 'depth');
    const [off = 0, on = 1] = constantInput(node, 2, 'values').data;
    const rank = x.shape.length + 1;
    const axis = normalAxis(node, node.attributes.int('axis', -1), rank);
    if (!Number.isInteger(depth) || depth < 1 || depth > 65536) fail(node, 'input', 'bad-attribute', `has the depth ${depth}.`);
    const apart = builder.reshape(node, x, x.shape.toSpliced(axis, 0, 1), `${node.name}/index`);
    const shape = apart.shape.map((n, k) => (k === axis ? depth : n));
    const classes = constant(`${node.name}:classes`, shape.map((_, k) => (k === axis ? depth : 1)), Array.from({ length: depth }, (_, i) => i), { integer: true, quantised: true });
    const hit = builder.emit(node, 'compare', { operation: 'eq' }, [apart, classes], { shape, integer: true });
    if (on === 1 && off === 0) return [hit];
    const values = [on, off].map((n, i) => constant(`${node.name}:value${i}`, [], [n], { quantised: true }));
    return [builder.emit(node, 'where', {}, [hit, ...values], { shape, name: `${node.name}/values` })];
  },
};

function shapeOfOperand(x: Value): readonly number[] {
  return x.kind === 'variable' || x.kind === 'constant' ? x.shape : [];
}

/** What picks, replaces and marks by index. */
export const selection: OperatorTable = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  OneHot: oneHot,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
};
