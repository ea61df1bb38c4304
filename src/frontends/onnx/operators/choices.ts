import type { CompareParams } from '../../../layers/compare.js';
import type { LogicParams } from '../../../layers/logic.js';
import { broadcastShapes, sizeOf } from '../../../model/tensor.js';
import type { GraphBuilder } from '../builder.js';
import { foldBinary, foldUnary, foldWhere } from '../fold.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, Operand, OperatorNode, VariableValue } from '../values.js';
import { constant, fail, formatShape, operandInput, variableInput } from '../values.js';

function broadcastOf(node: OperatorNode, ...operands: readonly Operand[]): readonly number[] {
  const shape = operands.reduce<readonly number[] | undefined>((all, { shape: own }) => (all === undefined ? undefined : broadcastShapes(all, own)), []);
  return shape ?? fail(node, 'input', 'shape-mismatch', `shapes ${operands.map((operand) => formatShape(operand.shape)).join(', ')} do not broadcast.`);
}

/** 1 where it holds, 0 where not. */
function comparison(operation: CompareParams['operation'], holds: (a: number, b: number) => boolean): Operator {
  return {
    least: 2,
    fold: (node, inputs, builder) => [foldBinary(node, builder, inputs[0] as ConstantValue, inputs[1] as ConstantValue, (a, b) => (holds(a, b) ? 1 : 0), true)],
    run: (node, builder) => {
      const [a, b] = [operandInput(node, 0), operandInput(node, 1)];
      // Whatever a circuit holds is finite: against an infinity 0 stands for any of it.
      const infinite = [a, b].find((operand) => operand.kind === 'constant' && operand.data.length > 0 && operand.data.every((n) => Math.abs(n) === Infinity && n === operand.data[0]));
      if (infinite?.kind === 'constant') {
        const limit = infinite.data[0] as number;
        const shape = broadcastOf(node, a, b);
        return [constant(node.outputs[0] ?? '', shape, new Float64Array(sizeOf(shape)).fill((infinite === a ? holds(limit, 0) : holds(0, limit)) ? 1 : 0), { integer: true })];
      }
      return [builder.emit(node, 'compare', { operation }, [a, b], { shape: broadcastOf(node, a, b), integer: true })];
    },
  };
}

function logic(operation: LogicParams['operation'], holds: (a: boolean, b: boolean) => boolean): Operator {
  return {
    least: 2,
    fold: (node, inputs, builder) => [foldBinary(node, builder, inputs[0] as ConstantValue, inputs[1] as ConstantValue, (a, b) => (holds(a !== 0, b !== 0) ? 1 : 0), true)],
    run: (node, builder) => {
      const [a, b] = [operandInput(node, 0), operandInput(node, 1)];
      return [builder.emit(node, 'logic', { operation }, [a, b], { shape: broadcastOf(node, a, b), integer: true })];
    },
  };
}

const not: Operator = {
  fold: (node, inputs, builder) => [foldUnary(node, builder, inputs[0] as ConstantValue, (n) => (n === 0 ? 1 : 0), true)],
  run: (node, builder) => {
    const x = variableInput(node, 0);
    return [builder.emit(node, 'logic', { operation: 'not' }, [x], { shape: x.shape, integer: true })];
  },
};

/** From here on softplus(x) = x to 2.1e-9. */
const SOFTPLUS_IS_LINEAR = 20;

/** Whether a choice is the x > 20 ? x : softplus(x) that torch writes: softplus itself. */
function isSoftplus(builder: GraphBuilder, condition: Operand, x: Operand, y: Operand): y is VariableValue {
  if (condition.kind !== 'variable' || x.kind !== 'variable' || y.kind !== 'variable') return false;
  const producer = (of: VariableValue): GraphBuilder['nodes'][number] | undefined => builder.nodes.find((node) => node.output === of.tensor);
  const [made, compared] = [producer(y), producer(condition)];
  if (made?.kind !== 'activation' || (made.params as { readonly function: string }).function !== 'softplus' || made.inputs[0] !== x.tensor) return false;
  const threshold = builder.constants.get(compared?.inputs[1] ?? '');
  return compared?.kind === 'compare' && (compared.params as CompareParams).operation === 'gt' && compared.inputs[0] === x.tensor && threshold !== undefined && threshold.data.every((n) => n >= SOFTPLUS_IS_LINEAR);
}

const where: Operator = {
  least: 3,
  fold: (node, inputs, builder) => {
    const [condition, a, b] = inputs as [ConstantValue, ConstantValue, ConstantValue];
    return [foldWhere(node, builder, condition, a, b)];
  },
  run: (node, builder) => {
    const [condition, x, y] = [0, 1, 2].map((i) => operandInput(node, i)) as [Operand, Operand, Operand];
    if (isSoftplus(builder, condition, x, y)) return [y];
    const shape = broadcastOf(node, condition, x, y);
    const known = condition.kind === 'constant' ? [x, y].find((_, i) => condition.data.every((n) => (n !== 0) === (i === 0))) : undefined;
    if (known?.kind === 'variable' && formatShape(known.shape) === formatShape(shape)) return [known];
    return [builder.emit(node, 'where', {}, [condition, x, y], { shape, integer: x.integer && y.integer })];
  },
};

/** Comparisons, logic, choices. */
export const choices: OperatorTable = {
  Greater: comparison('gt', (a, b) => a > b),
  GreaterOrEqual: comparison('ge', (a, b) => a >= b),
  Less: comparison('lt', (a, b) => a < b),
  LessOrEqual: comparison('le', (a, b) => a <= b),
  Equal: comparison('eq', (a, b) => a === b),
  And: logic('and', (a, b) => a && b),
  Or: logic('or', (a, b) => a || b),
  Xor: logic('xor', (a, b) => a !== b),
  Not: not,
  Where: where,
};
