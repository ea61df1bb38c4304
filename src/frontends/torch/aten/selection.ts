import { broadcastShapes, sizeOf } from '../../../model/tensor.js';
import { emitTuples } from '../../onnx/operators/selection.js';
import type { ConstantValue, Operand, Value, VariableValue } from '../../onnx/values.js';
import { constant, shapeOf } from '../../onnx/values.js';
import type { AtenOperator, AtenTable, Call } from '../call.js';
import { integers } from '../operators.js';

/** x[:, i, j, :]: the indexed axes, side by side, become one that is picked from. */
function index(call: Call): Value {
  const x = call.tensor('self');
  const given = call.tensors('indices');
  const axes = given.flatMap((value, axis) => (value === undefined ? [] : [axis]));
  const [first = 0] = axes;
  const picks = axes.map((axis) => given[axis] as Value);
  if (axes.some((axis, i) => axis !== first + i)) return call.fail('unsupported', 'index-axes', `indexes axes [${axes.join(', ')}]; axes side by side are supported.`);
  if (axes.length === 1) return call.op('Gather', [x, picks[0]], { axis: first });
  if (x.kind === 'variable' && picks.some((pick) => pick.kind === 'variable')) return variableTuples(call, x, picks as Operand[], first);
  if (picks.some((pick) => pick.kind !== 'constant')) return call.fail('unsupported', 'variable-index', 'indexes a constant by several tensors that depend on the model\'s inputs.');
  const constants = picks as ConstantValue[];
  const shape = shapeOf(x);
  const lengths = axes.map((axis) => shape[axis] as number);
  let flat: Value = constant('', [], [0], { integer: true });
  constants.forEach((pick, i) => {
    const length = lengths[i] as number;
    const whole = { ...pick, data: pick.data.map((n) => (n < 0 ? n + length : n)), integer: true };
    flat = call.op('Add', [call.op('Mul', [flat, constant('', [], [length], { integer: true })], {}, 'index'), whole], {}, 'index');
  });
  const merged = call.reshape(x, [...shape.slice(0, first), sizeOf(lengths), ...shape.slice(first + axes.length)], 'merged');
  return call.op('Gather', [merged, flat], { axis: first });
}

/** Indices of several axes, some of them variable, broadcast against each other. */
function variableTuples(call: Call, x: VariableValue, picks: readonly Operand[], first: number): Value {
  const shape = picks.reduce<readonly number[]>((all, { shape: own }) => broadcastShapes(all, own) ?? call.fail('input', 'shape-mismatch', 'its indices do not broadcast.'), []);
  const node = call.operators.node('Gather', [], {}, call.name);
  return emitTuples(node, call.operators.builder, x, picks, first, [...x.shape.slice(0, first), ...shape, ...x.shape.slice(first + picks.length)]);
}

/** One side of the diagonal. */
function triangle(upper: 0 | 1): AtenOperator {
  return (call) => call.op('Trilu', [call.tensor('self'), constant('', [], [call.integer('diagonal', 0)], { integer: true })], { upper });
}

/** Elements (i, i + offset) of two axes, which go last. */
function diagonal(call: Call): Value {
  const x = call.tensor('self');
  const shape = shapeOf(x);
  const [a, b] = [call.axis('dim1', shape.length, 0), call.axis('dim2', shape.length, 1)];
  const offset = call.integer('offset', 0);
  const rest = shape.map((_, axis) => axis).filter((axis) => axis !== a && axis !== b);
  const turned = call.op('Transpose', [x], { perm: [...rest, a, b] }, 'turned');
  const [rows, columns] = [shape[a] as number, shape[b] as number];
  const front = rest.map((axis) => shape[axis] as number);
  const length = Math.max(0, offset >= 0 ? Math.min(rows, columns - offset) : Math.min(rows + offset, columns));
  const first = offset >= 0 ? offset : -offset * columns;
  const flat = call.reshape(turned, [...front, rows * columns], 'flat');
  return call.op('Gather', [flat, integers(Array.from({ length }, (_, i) => first + i * (columns + 1)))], { axis: front.length });
}

/** `x[…, start:end:step] = src`, as a choice of rows of both. */
function sliceScatter(call: Call): Value {
  const x = call.tensor('self');
  const shape = shapeOf(x);
  const axis = call.axis('dim', shape.length, 0);
  const size = shape[axis] as number;
  const clamp = (n: number): number => Math.min(size, Math.max(0, n < 0 ? n + size : n));
  const [start, end] = [clamp(call.has('start') ? call.integer('start') : 0), clamp(call.has('end') ? call.integer('end') : size)];
  return scattered(call, x, call.tensor('src'), axis, start, end, call.integer('step', 1));
}

function selectScatter(call: Call): Value {
  const x = call.tensor('self');
  const axis = call.axis('dim', shapeOf(x).length);
  const stated = call.integer('index');
  const index = stated < 0 ? stated + (shapeOf(x)[axis] as number) : stated;
  const row = call.op('Unsqueeze', [call.tensor('src'), integers([axis])], {}, 'row');
  return scattered(call, x, row, axis, index, index + 1, 1);
}

function scattered(call: Call, x: Value, source: Value, axis: number, start: number, end: number, step: number): Value {
  const size = shapeOf(x)[axis] as number;
  if (start === 0 && end === size && step === 1) return source;
  const joined = call.op('Concat', [x, source], { axis }, 'both');
  const from = (i: number): number => (i >= start && i < end && (i - start) % step === 0 ? size + (i - start) / step : i);
  return call.op('Gather', [joined, integers(Array.from({ length: size }, (_, i) => from(i)))], { axis });
}

/** Each element several times. */
function repeatInterleave(call: Call): Value {
  const x = call.tensor('self');
  const axis = call.axis('dim', shapeOf(x).length);
  const repeats = call.integer('repeats');
  return call.op('Gather', [x, integers(Array.from({ length: (shapeOf(x)[axis] as number) * repeats }, (_, i) => Math.floor(i / repeats)))], { axis });
}

/** numpy's take_along_axis: data and indices broadcast on all other axes. */
function takeAlong(call: Call): Value {
  const [x, indices] = [call.tensor('self'), call.tensor('indices')];
  const axis = call.axis('dim', shapeOf(x).length);
  const broadcast = (of: Value, other: Value, part: string): Value => {
    const shape = shapeOf(of).map((n, k) => (k === axis ? n : Math.max(n, shapeOf(other)[k] as number)));
    return shape.every((n, k) => n === shapeOf(of)[k]) ? of : call.op('Expand', [of, integers(shape)], {}, part);
  };
  return call.op('GatherElements', [broadcast(x, indices, 'data'), broadcast(indices, x, 'indices')], { axis });
}

/** Values put at constant indices of the first axes. */
function indexPut(call: Call): Value {
  const x = call.tensor('self');
  const picks = call.tensors('indices');
  if (call.flag('accumulate', false) || picks.length !== 1 || picks[0]?.kind !== 'constant') return call.fail('unsupported', 'variable-index', 'puts values at other than constant indices of the first axis.');
  const shape = shapeOf(x);
  const rows = picks[0].shape;
  const values = call.op('Expand', [call.tensor('values'), integers([...rows, ...shape.slice(1)])], {}, 'values');
  return call.op('ScatterND', [x, { ...picks[0], shape: [...rows, 1] }, values]);
}

/** How many boundaries are below (with `right` at most) each value. */
function bucketize(call: Call): Value {
  const x = call.tensor('self');
  const bounds = call.constant('boundaries');
  if (bounds === undefined) return call.fail('input', 'missing-input', 'its boundaries are missing.');
  const rank = shapeOf(x).length;
  const apart = call.op('Unsqueeze', [x, integers([rank])], {}, 'apart');
  const above = call.op(call.flag('right', false) ? 'GreaterOrEqual' : 'Greater', [apart, { ...bounds, quantised: true }], {}, 'above');
  return call.op('ReduceSum', [above, integers([rank])], { keepdims: 0 });
}

/** What picks by index, or puts something in its place. */
export const selectionOperators: AtenTable = {
  copy: (call) => (call.shape('src').join() === call.shape('self').join() ? call.tensor('src') : call.op('Expand', [call.tensor('src'), integers(call.shape('self'))])),
  bucketize,
  diagonal,
  gather: (call) => call.op('GatherElements', [call.tensor('self'), call.tensor('index')], { axis: call.integer('dim') }),
  index,
  index_select: (call) => call.op('Gather', [call.tensor('self'), call.tensor('index')], { axis: call.integer('dim') }),
  index_put: indexPut,
  one_hot: (call) => call.op('OneHot', [call.tensor('self'), constant('', [], [call.integer('num_classes')], { integer: true }), integers([0, 1])], { axis: -1 }),
  repeat_interleave: repeatInterleave,
  select_scatter: selectScatter,
  slice_scatter: sliceScatter,
  take_along_dim: takeAlong,
  tril: triangle(0),
  triu: triangle(1),
};
