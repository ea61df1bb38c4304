import { broadcastShapes } from '../../../model/tensor.js';
import type { ElementwiseParams } from '../../../layers/elementwise.js';
import { KNOWN_POWERS, power, remainder } from '../../pairs.js';
import type { GraphBuilder } from '../builder.js';
import { foldBinary, foldUnary } from '../fold.js';
import { handing } from '../handing.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, Operand, OperatorNode, VariableValue } from '../values.js';
import { constant, constantInput, fail, formatShape, operandInput, scalarOf, variableInput } from '../values.js';

type Operation = ElementwiseParams['operation'];

const FLOAT: Readonly<Record<Operation, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: Math.max,
  min: Math.min,
  average: (a, b) => (a + b) / 2,
};

/** Two inputs with broadcasting, at least one of them variable. */
export function emitBinary(node: OperatorNode, builder: GraphBuilder, operation: Operation, a: Operand, b: Operand, name?: string): VariableValue {
  const shape = broadcastShapes(a.shape, b.shape);
  if (shape === undefined) return fail(node, 'input', 'shape-mismatch', `shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} do not broadcast.`);
  const integer = a.integer && b.integer;
  if (operation === 'div') checkDivisor(node, b);
  const options = { shape, integer, ...(name === undefined ? {} : { name }) };
  if (operation === 'div' && integer) {
    const quotient = builder.emit(node, 'elementwise', { operation }, [a, b], { ...options, name: `${node.name}/quotient` });
    return builder.emit(node, 'toInteger', {}, [quotient], { integer: true });
  }
  return builder.emit(node, 'elementwise', { operation }, [a, b], options);
}

function checkDivisor(node: OperatorNode, b: Operand): void {
  if (b.kind === 'constant' && b.data.some((n) => n === 0)) fail(node, 'input', 'division-by-zero', 'divides by a constant that holds 0.');
}

function binary(operation: Operation): Operator {
  return {
    least: 2,
    fold: (node, inputs, builder) => {
      const [a, b] = inputs as [ConstantValue, ConstantValue];
      const f = FLOAT[operation];
      return [foldBinary(node, builder, a, b, operation === 'div' && a.integer && b.integer ? (x, y) => Math.trunc(x / y) : f)];
    },
    run: (node, builder) => [emitBinary(node, builder, operation, operandInput(node, 0), operandInput(node, 1))],
  };
}

/** Max, Min, Sum, Mean of any number of inputs: a chain whose last link has the node's name. */
function variadic(operation: 'max' | 'min' | 'add', mean = false): Operator {
  return {
    fold: (node, inputs, builder) => {
      const total = inputs.reduce((a, b) => foldBinary(node, builder, a, b, FLOAT[operation]));
      return [mean ? foldUnary(node, builder, total, (n) => n / inputs.length, false) : total];
    },
    run: (node, builder) => {
      const inputs = node.inputs.map((_, i) => operandInput(node, i));
      const [first] = inputs;
      if (first === undefined) return fail(node, 'input', 'missing-input', 'has no inputs.');
      if (inputs.length === 1) return [first];
      if (mean && inputs.length === 2) return [emitBinary(node, builder, 'average', first, inputs[1] as Operand)];
      let total: Operand = first;
      inputs.slice(1).forEach((input, i) => {
        const last = i === inputs.length - 2 && !mean;
        const both = total.kind === 'constant' && input.kind === 'constant';
        if (both) total = foldBinary(node, builder, total as ConstantValue, input as ConstantValue, FLOAT[operation]);
        else total = emitBinary(node, builder, operation, total, input, last ? undefined : `${node.name}/${i + 1}`);
      });
      if (!mean) return [total];
      return [emitBinary(node, builder, 'div', total, constant(`${node.name}:count`, [], [inputs.length], { quantised: true }))];
    },
  };
}


/** Whole powers as products, roots and reciprocals as functions, powers of a constant as an exponential. */
const pow: Operator = {
  least: 2,
  fold: (node, inputs, builder) => [foldBinary(node, builder, inputs[0] as ConstantValue, inputs[1] as ConstantValue, Math.pow, inputs[0]?.integer ?? false)],
  run: (node, builder) => {
    const base = operandInput(node, 0);
    if (base.kind === 'constant') {
      const logarithm = Math.log(scalarOf(node, base, 'base'));
      if (!Number.isFinite(logarithm)) fail(node, 'unsupported', 'base', 'raises a number of 0 or less to a variable power.');
      const exponent = emitBinary(node, builder, 'mul', variableInput(node, 1), constant(`${node.name}:log`, [], [logarithm]), `${node.name}/exponent`);
      return [builder.emit(node, 'activation', { function: 'exp' }, [exponent], { shape: exponent.shape })];
    }
    const exponent = scalarOf(node, constantInput(node, 1, 'exponent'), 'exponent');
    const { sink, give, take } = handing(node, builder);
    const raised = power(sink, give(base, 'base'), exponent, node.name);
    return raised === undefined ? fail(node, 'unsupported', 'exponent', `raises to the power ${exponent}; ${KNOWN_POWERS} are supported.`) : [take(raised, base.shape, false)];
  },
};

const neg: Operator = {
  fold: (node, inputs, builder) => [foldUnary(node, builder, inputs[0] as ConstantValue, (n) => 0 - n)],
  run: (node, builder) => {
    const x = variableInput(node, 0);
    return [emitBinary(node, builder, 'mul', x, constant(`${node.name}:minusOne`, [], [-1], { integer: x.integer, quantised: true }))];
  },
};

/** The remainder, of the divisor's sign, or with `fmod` of the dividend's. */
const mod: Operator = {
  least: 2,
  fold: (node, inputs, builder) => {
    const truncated = node.attributes.int('fmod', 0) === 1;
    return [foldBinary(node, builder, inputs[0] as ConstantValue, inputs[1] as ConstantValue, (a, b) => (truncated ? a % b : a - b * Math.floor(a / b)))];
  },
  run: (node, builder) => {
    const [a, b] = [operandInput(node, 0), operandInput(node, 1)];
    const shape = broadcastShapes(a.shape, b.shape) ?? fail(node, 'input', 'shape-mismatch', 'its operands do not broadcast.');
    const { sink, give, take } = handing(node, builder);
    return [take(remainder(sink, give(a, 'a'), give(b, 'b'), node.name, node.attributes.int('fmod', 0) === 1), shape, a.integer && b.integer)];
  },
};

/** Arithmetic, element by element. */
export const arithmetic: OperatorTable = {
  Add: binary('add'),
  Sub: binary('sub'),
  Mul: binary('mul'),
  Div: binary('div'),
  Max: variadic('max'),
  Min: variadic('min'),
  Sum: variadic('add'),
  Mean: variadic('add', true),
  Pow: pow,
  Neg: neg,
  Mod: mod,
};
