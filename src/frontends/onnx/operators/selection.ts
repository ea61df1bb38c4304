import { sizeOf } from '../../../model/tensor.js';
import { takeElements, takeTuples } from '../../gathering.js';
import type { GraphBuilder } from '../builder.js';
import { foldGather, foldPick, foldReshape } from '../fold.js';
import { handing } from '../handing.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, Operand, OperatorNode, Value, VariableValue } from '../values.js';
import { fail, formatShape, leadOf, modelShape, normalAxis, operandInput, requiredInput, variableInput } from '../values.js';

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
    if (indices.kind === 'constant') return fail(node, 'unsupported', 'gather-nd', `has constant index tuples ${formatShape(indices.shape)}; of constants, tuples of one index are supported.`);
    const data = variableInput(node, 0);
    const front = indices.shape.slice(0, -1);
    const picks = Array.from({ length: tuple }, (_, k) => {
      if (tuple === 1) return builder.reshape(node, indices, front, `${node.name}/index`);
      const axis = modelShape(indices.shape).length - 1;
      const part = builder.emit(node, 'slice', { axes: [axis], starts: [k], ends: [k + 1], steps: [1] }, [indices], { name: `${node.name}/part${k}`, integer: true });
      return builder.reshape(node, part, front, `${node.name}/index${k}`);
    });
    return [emitTuples(node, builder, data, picks, batched, [...front, ...data.shape.slice(batched + tuple)])];
  },
};

function shapeOfOperand(x: Value): readonly number[] {
  return x.kind === 'variable' || x.kind === 'constant' ? x.shape : [];
}

/** What picks by index. */
export const selection: OperatorTable = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
};
