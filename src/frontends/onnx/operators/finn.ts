import type { GraphBuilder } from '../builder.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, OperatorNode, Value, VariableValue } from '../values.js';
import { constant, constantInput, fail, formatShape, leadOf, requiredInput, shapeOf, variableInput } from '../values.js';
import { emitBinary } from './arithmetic.js';
import { matrix } from './matrix.js';
import { movement } from './movement.js';
import { windows } from './windows.js';

/** Steps: out_scale · (number of thresholds ≤ x) + out_bias, thresholds a channel or for all. */
const multiThreshold: Operator = {
  least: 2,
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const given = constantInput(node, 1, 'thresholds');
    const rank = x.shape.length;
    const layout = node.attributes.string('data_layout', 'NCHW');
    const axis = layout.endsWith('C') ? rank - 1 : Math.min(1, rank - 1);
    const [channels, count] = given.shape as [number, number];
    if (given.shape.length !== 2 || (channels !== 1 && channels !== x.shape[axis])) fail(node, 'input', 'shape-mismatch', `its thresholds ${formatShape(given.shape)} do not fit axis ${axis} of ${formatShape(x.shape)}.`);
    const rows = Array.from({ length: channels }, (_, c) => given.data.slice(c * count, (c + 1) * count).sort());
    const data = new Float64Array(channels * count);
    rows.forEach((row, c) => data.set(row, c * count));
    const [scale, bias] = [node.attributes.float('out_scale', 1), node.attributes.float('out_bias', 0)];
    const params = {
      thresholds: builder.parameter(node, constant('', [channels, count], data, { quantised: true }), 'thresholds'),
      values: builder.parameter(node, constant('', [1, count + 1], Float64Array.from({ length: count + 1 }, (_, n) => scale * n + bias), { quantised: true }), 'values'),
      axis: axis + leadOf(x.shape),
    };
    const values = { ...params.values, shape: [channels, count + 1], data: Float64Array.from({ length: channels * (count + 1) }, (_, i) => params.values.data[i % (count + 1)] as number) };
    return [builder.emit(node, 'staircase', { ...params, values }, [x], { shape: x.shape })];
  },
};

/** floor(Σ of the window / 2^shift), shift what the sum of ibits-wide values has more than obits. */
const quantAveragePool: Operator = {
  run: (node, builder) => {
    const x = channelsFirst(node, builder, variableInput(node, 0), node.attributes.string('data_layout', 'NCHW') === 'NHWC');
    const [kernel, stride] = [node.attributes.int('kernel', 1), node.attributes.int('stride', 1)];
    const channels = x.shape[1] ?? 0;
    if (x.shape.length !== 4 || !(kernel >= 1 && kernel <= 1024 && stride >= 1)) fail(node, 'input', 'bad-attribute', `pools ${formatShape(x.shape)} by ${kernel}, ${stride}.`);
    const width = Math.floor(Math.log2((2 ** node.attributes.int('ibits', 1) - 1) * kernel * kernel)) + 1;
    const shift = Math.max(0, width - node.attributes.int('obits', 1));
    const weight = { shape: [channels, 1, kernel, kernel], data: new Float64Array(channels * kernel * kernel).fill(1), quantised: true };
    const sum = builder.emit(node, 'conv', { weight, bias: null, strides: [stride, stride], dilations: [1, 1], pads: [0, 0, 0, 0], groups: channels }, [x], { name: `${node.name}/sum` });
    const scaled = emitBinary(node, builder, 'mul', sum, constant(`${node.name}:shift`, [], [2 ** -shift], { quantised: true }), `${node.name}/shifted`);
    const y = builder.emit(node, 'activation', { function: 'floor' }, [scaled], { shape: scaled.shape });
    return [channelsLast(node, builder, y, node.attributes.string('data_layout', 'NCHW') === 'NHWC')];
  },
};

function turned(node: OperatorNode, builder: GraphBuilder, x: Value, perm: readonly number[], name: string): Value {
  const operator = movement['Transpose'] as Operator;
  const own = { ...node, name: builder.uniqueNodeName(`${node.name}/${name}`, 'Transpose'), op: 'Transpose', inputs: [x], attributes: node.attributes.with('perm', perm) };
  const fold = x.kind === 'constant' ? operator.fold : undefined;
  const made = fold === undefined ? operator.run(own, builder) : fold(own, [x as ConstantValue], builder);
  return made[0] as Value;
}

function channelsFirst(node: OperatorNode, builder: GraphBuilder, x: VariableValue, isLast = true): VariableValue {
  const rank = x.shape.length;
  return isLast ? (turned(node, builder, x, [0, rank - 1, ...x.shape.map((_, i) => i).slice(1, -1)], 'channels_first') as VariableValue) : x;
}

function channelsLast(node: OperatorNode, builder: GraphBuilder, x: VariableValue, isLast = true): VariableValue {
  const rank = x.shape.length;
  return isLast ? (turned(node, builder, x, [0, ...x.shape.map((_, i) => i).slice(2), 1], 'channels_last') as VariableValue & { readonly shape: { readonly length: typeof rank } }) : x;
}

/** An operator on tensors with channels last; a convolution's weight has them last too. */
function lastChannels(operator: Operator): Operator {
  return {
    run: (node, builder) => {
      const x = channelsFirst(node, builder, variableInput(node, 0));
      const rest = node.inputs.slice(1).map((input, i) => {
        if (node.op !== 'Conv' || i !== 0) return input;
        const weight = requiredInput(node, 1);
        const rank = shapeOf(weight).length;
        return turned(node, builder, weight, [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, k) => k + 1)], 'weight');
      });
      const [y] = operator.run({ ...node, inputs: [x, ...rest] }, builder);
      if (y?.kind !== 'variable') return fail(node, 'unsupported', 'constant-input', 'has constants only.');
      return [channelsLast(node, builder, y)];
    },
  };
}

function unsupported(what: string): Operator {
  return { run: (node) => fail(node, 'unsupported', 'qonnx-operator', what) };
}

/** FINN's operators beside the quantisers. */
export const finn: OperatorTable = {
  MultiThreshold: multiThreshold,
  QuantAvgPool2d: quantAveragePool,
  FloatQuant: unsupported('rounds to a small floating-point format, which fixed-point circuits do not have.'),
  DebugMarker: { run: (node) => [requiredInput(node, 0)] },
};

/** QONNX' operators with channels last. */
export const channelsLastOperators: OperatorTable = {
  Conv: lastChannels(windows['Conv'] as Operator),
  MaxPool: lastChannels(windows['MaxPool'] as Operator),
  BatchNormalization: lastChannels(matrix['BatchNormalization'] as Operator),
};
