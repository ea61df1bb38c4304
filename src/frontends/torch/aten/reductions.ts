import type { Value } from '../../onnx/values.js';
import { constant, shapeOf } from '../../onnx/values.js';
import type { AtenOperator, AtenTable, Call } from '../call.js';
import { integers, scalar } from '../operators.js';

/** The axes of a reduction; none given are all. */
function axesOf(call: Call, x: Value): readonly number[] {
  const rank = shapeOf(x).length;
  const given = call.list('dim');
  return given === undefined || given.length === 0 ? Array.from({ length: rank }, (_, i) => i) : given.map((axis) => call.normal(axis, rank));
}

function reduced(call: Call, op: string, x: Value, part?: string): Value {
  return call.op(op, [x, integers(axesOf(call, x))], { keepdims: call.flag('keepdim', false) ? 1 : 0 }, part);
}

function reduction(op: string): AtenOperator {
  return (call) => reduced(call, op, call.tensor('self'));
}

/** Values and, if asked for, where they are. */
function extreme(op: 'Max' | 'Min'): AtenOperator {
  return (call) => {
    const x = call.tensor('self');
    const values = reduced(call, `Reduce${op}`, x);
    if (!call.has('dim') || !call.reads(1)) return values;
    return [values, located(call, `Arg${op}`, x, 'indices')];
  };
}

function located(call: Call, op: string, x: Value, part?: string): Value {
  return call.op(op, [x], { axis: call.integer('dim', -1), keepdims: call.flag('keepdim', false) ? 1 : 0 }, part);
}

function argument(op: 'ArgMax' | 'ArgMin'): AtenOperator {
  return (call) => {
    const x = call.tensor('self');
    if (call.has('dim')) return located(call, op, x);
    const flat = call.reshape(x, [1, shapeOf(x).reduce((a, b) => a * b, 1)], 'flat');
    return call.reshape(call.op(op, [flat], { axis: 1, keepdims: 0 }, 'index'), []);
  };
}

/** Σ (x − mean)² / (n − correction) */
function variance(call: Call): Value {
  const x = call.tensor('self');
  const axes = axesOf(call, x);
  const count = axes.reduce((product, axis) => product * (shapeOf(x)[axis] as number), 1);
  const correction = call.has('correction') ? call.number('correction') : call.flag('unbiased', true) ? 1 : 0;
  const mean = call.op('ReduceMean', [x, integers(axes)], { keepdims: 1 }, 'mean');
  const centred = call.op('Sub', [x, mean], {}, 'centred');
  const squares = call.op('Mul', [centred, centred], {}, 'squares');
  return call.op('Div', [reduced(call, 'ReduceSum', squares, 'sum'), scalar(count - correction)]);
}

/** √Σx², Σ|x| or the greatest |x|. */
function norm(call: Call): Value {
  const order = call.has('ord') ? call.number('ord') : call.has('p') ? call.number('p') : 2;
  const x = call.tensor(call.has('self') ? 'self' : 'x');
  if (order === 2) return reduced(call, 'ReduceL2', x);
  if (order === 1) return reduced(call, 'ReduceL1', x);
  if (order === Infinity) return reduced(call, 'ReduceMax', call.op('Abs', [x], {}, 'abs'));
  return call.fail('unsupported', 'norm', `of order ${order}; 1, 2 and infinity are supported.`);
}

/** Partial sums: a product with a triangle of ones. */
function cumulative(call: Call): Value {
  return call.op('CumSum', [call.tensor('self'), constant('', [], [call.integer('dim')], { integer: true })]);
}

function topK(call: Call): readonly Value[] {
  const attributes = { axis: call.integer('dim', -1), largest: call.flag('largest', true) ? 1 : 0 };
  return call.ops('TopK', [call.tensor('self'), integers([call.integer('k')])], attributes, 2);
}

/** A whole sort is the TopK of all. */
function sort(call: Call): readonly Value[] {
  const shape = call.shape('self');
  const axis = call.axis('dim', shape.length, -1);
  return call.ops('TopK', [call.tensor('self'), integers([shape[axis] as number])], { axis, largest: call.flag('descending', false) ? 1 : 0 }, 2);
}

/** 1 where any, or every, element is not 0. */
function quantified(op: 'ReduceMax' | 'ReduceMin'): AtenOperator {
  return (call) => {
    const equal = call.op('Equal', [call.tensor('self'), scalar(0)], {}, 'zero');
    return reduced(call, op, call.op('Not', [equal], {}, 'set'));
  };
}

/** Where a sort puts what. */
function argsort(call: Call): Value {
  return sort(call)[1] as Value;
}

/** The lower one of the two in the middle, as torch has it, and where it is. */
function median(call: Call): Value | readonly Value[] {
  if (!call.has('dim')) return call.fail('unsupported', 'batch-reduction', 'is of all elements; name an axis: median(x, dim=1).');
  const x = call.tensor('self');
  const axis = call.axis('dim', shapeOf(x).length);
  const middle = constant('', call.flag('keepdim', false) ? [1] : [], [Math.floor(((shapeOf(x)[axis] as number) - 1) / 2)], { integer: true });
  const pick = (sorted: Value, part: string): Value => call.op('Gather', [sorted, middle], { axis }, part);
  const [values, indices] = call.ops('TopK', [x, integers([shapeOf(x)[axis] as number])], { axis, largest: 0 }, 2) as [Value, Value];
  return call.reads(1) ? [pick(values, 'value'), pick(indices, 'index')] : pick(values, 'value');
}

/** Σ a · b / (max(|a|, ε) · max(|b|, ε)) */
function cosineSimilarity(call: Call): Value {
  const [a, b] = [call.tensor('x1'), call.tensor('x2')];
  const axes = integers([call.axis('dim', shapeOf(a).length, 1)]);
  const least = scalar(call.number('eps', 1e-8));
  const [left, right] = [a, b].map((x, i) => call.op('Max', [call.op('ReduceL2', [x, axes], { keepdims: 0 }, `length${i}`), least], {}, `safe${i}`)) as [Value, Value];
  const product = call.op('ReduceSum', [call.op('Mul', [a, b], {}, 'products'), axes], { keepdims: 0 }, 'dot');
  return call.op('Div', [product, call.op('Mul', [left, right], {}, 'lengths')]);
}

/** |a − b + ε| over the last axis. */
function pairwiseDistance(call: Call): Value {
  const p = call.number('p', 2);
  if (p !== 1 && p !== 2) return call.fail('unsupported', 'norm', `of order ${p}; 1 and 2 are supported.`);
  const difference = call.op('Add', [call.op('Sub', [call.tensor('x1'), call.tensor('x2')], {}, 'difference'), scalar(call.number('eps', 1e-6))], {}, 'shifted');
  return call.op(p === 1 ? 'ReduceL1' : 'ReduceL2', [difference, integers([shapeOf(difference).length - 1])], { keepdims: call.flag('keepdim', false) ? 1 : 0 });
}

/** A statistic and the mean. */
function withMean(spread: AtenOperator): AtenOperator {
  return (call) => [spread(call) as Value, reduced(call, 'ReduceMean', call.tensor('self'), 'average')];
}

const deviation: AtenOperator = (call) => call.op('Sqrt', [variance(call)], {}, 'root');

/** Reductions, extremes, orders. */
export const reductionOperators: AtenTable = {
  sum: reduction('ReduceSum'),
  mean: reduction('ReduceMean'),
  prod: reduction('ReduceProd'),
  amax: reduction('ReduceMax'),
  amin: reduction('ReduceMin'),
  max: extreme('Max'),
  min: extreme('Min'),
  argmax: argument('ArgMax'),
  argmin: argument('ArgMin'),
  logsumexp: reduction('ReduceLogSumExp'),
  var: variance,
  std: deviation,
  var_mean: withMean(variance),
  std_mean: withMean(deviation),
  any: quantified('ReduceMax'),
  all: quantified('ReduceMin'),
  aminmax: (call) => [reduced(call, 'ReduceMin', call.tensor('self'), 'least'), reduced(call, 'ReduceMax', call.tensor('self'), 'greatest')],
  median,
  cosine_similarity: cosineSimilarity,
  pairwise_distance: pairwiseDistance,
  argsort,
  linalg_vector_norm: norm,
  norm,
  cumsum: cumulative,
  topk: topK,
  sort,
};
