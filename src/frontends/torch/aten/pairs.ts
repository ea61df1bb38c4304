import { broadcastShapes } from '../../../model/tensor.js';
import { handing } from '../../onnx/handing.js';
import type { Operand, Value } from '../../onnx/values.js';
import type { LayerSink, TensorRef } from '../../network.js';
import { arctan2, distances, floorDivide, hypot, isClose, logAddExp, remainder } from '../../pairs.js';
import type { AtenOperator, AtenTable, Call } from '../call.js';

type Pair = (sink: LayerSink, a: TensorRef, b: TensorRef, name: string) => TensorRef;

/** A call made by code that formats share. */
function handed(call: Call, a: Value, b: Value, shape: readonly number[], make: Pair): Value {
  const operands = [a, b].map((value): Operand => (value.kind === 'variable' || value.kind === 'constant' ? value : call.fail('unsupported', 'operand', 'has an operand that is neither tensor nor number.')));
  if (operands.every((operand) => operand.kind === 'constant')) call.fail('unsupported', 'constant-input', 'has constants only.');
  const node = call.operators.node(call.target.split('.')[0] ?? '', [], {}, call.name);
  const { sink, give, take } = handing(node, call.operators.builder);
  return take(make(sink, give(operands[0] as Operand, 'a'), give(operands[1] as Operand, 'b'), node.name), shape, false);
}

/** An operator of `self` and `other`, broadcast. */
function pair(make: Pair): AtenOperator {
  return (call) => {
    const [a, b] = [call.tensor('self'), call.tensor('other')];
    const shape = broadcastShapes(call.shape('self'), call.shape('other')) ?? call.fail('input', 'shape-mismatch', 'its operands do not broadcast.');
    return handed(call, a, b, shape, make);
  };
}

/** Distances of all pairs of rows. */
function distance(call: Call): Value {
  const p = call.number('p', 2);
  if (p !== 1 && p !== 2) return call.fail('unsupported', 'norm', `of order ${p}; 1 and 2 are supported.`);
  const [a, b] = [call.tensor('x1'), call.tensor('x2')];
  const [left, right] = [call.shape('x1'), call.shape('x2')];
  return handed(call, a, b, [...left.slice(0, -1), right[right.length - 2] as number], (sink, x, y, name) => distances(sink, x, y, p, name));
}

const truncated: Pair = (sink, a, b, name) => remainder(sink, a, b, name, true);

/** Functions of two tensors. */
export const pairOperators: AtenTable = {
  atan2: pair(arctan2),
  hypot: pair(hypot),
  logaddexp: pair(logAddExp),
  remainder: pair(remainder),
  fmod: pair(truncated),
  floor_divide: pair(floorDivide),
  isclose: (call) => pair((sink, a, b, name) => isClose(sink, a, b, call.number('rtol', 1e-5), call.number('atol', 1e-8), name))(call),
  cdist: distance,
  _cdist_forward: distance,
};
