import type { ActivationParams } from '../../layers/activation.js';
import type { CellKind, CellWeights, Recurrence } from '../onnx/operators/recurrent.js';
import { emitRecurrence, gateMatrix, gateVector, sumOfVectors } from '../onnx/operators/recurrent.js';
import type { ConstantValue, OperatorNode, Value, VariableValue } from '../onnx/values.js';
import type { Call } from './call.js';

/** Where Keras' gates stand in torch's order: LSTM i,f,g,o; GRU r,z,n. */
const GATE_ORDER: Readonly<Record<CellKind, readonly number[]>> = { LSTM: [0, 1, 2, 3], GRU: [1, 0, 2], RNN: [0] };

/** One recurrent module, all its layers and directions. */
interface RecurrentModule {
  readonly kind: CellKind;
  readonly activation: 'Tanh' | 'Relu';
  /** In torch's order: weight_ih, weight_hh and, with biases, bias_ih, bias_hh, a direction after the other. */
  readonly parameters: readonly ConstantValue[];
  readonly hasBias: boolean;
  readonly layers: number;
  readonly bidirectional: boolean;
  readonly batchFirst: boolean;
}

function activationsOf({ kind, activation }: RecurrentModule): Recurrence['activations'] {
  const sigmoid: ActivationParams = { function: 'sigmoid' };
  const tanh: ActivationParams = { function: 'tanh' };
  const own: ActivationParams = { function: activation === 'Relu' ? 'relu' : 'tanh' };
  return kind === 'RNN' ? [own, own, own] : [sigmoid, tanh, tanh];
}

function weightsOf(call: Call, node: OperatorNode, module: RecurrentModule, index: number, width: number): CellWeights {
  const per = module.hasBias ? 4 : 2;
  const order = GATE_ORDER[module.kind];
  const own = module.parameters.slice(index * per, (index + 1) * per);
  const [ih, hh, biasIh, biasHh] = own as [ConstantValue?, ConstantValue?, ConstantValue?, ConstantValue?];
  const units = hh?.shape[1] ?? 0;
  const rows = order.length * units;
  const fits = own.length === per && ih?.shape[0] === rows && ih.shape[1] === width && hh?.shape[0] === rows;
  if (!fits || ih === undefined || hh === undefined) return call.fail('unsupported', 'recurrent-weights', `its weights [${ih?.shape.join(', ')}] and [${hh?.shape.join(', ')}] do not fit ${width} features; projections (proj_size) are not supported.`);
  const { builder } = call.operators;
  const bias = gateVector(node, biasIh, 0, order, units);
  const recurrentBias = gateVector(node, biasHh, 0, order, units);
  const resetAfter = module.kind === 'GRU';
  return {
    kernel: gateMatrix(builder, node, ih, 0, order, units, width),
    recurrentKernel: gateMatrix(builder, node, hh, 0, order, units, units),
    bias: resetAfter ? bias : sumOfVectors(bias, recurrentBias),
    recurrentBias: resetAfter ? recurrentBias : null,
  };
}

/** Initial states must be zero: torch makes them so where none are given. */
function checkZero(call: Call, state: Value | undefined): void {
  if (state === undefined || (state.kind === 'constant' && state.data.every((n) => n === 0))) return;
  call.fail('unsupported', 'initial-state', 'starts from a state that is not zero.', 'Leave the initial state out.');
}

/** Layers upon layers over `[1, T, nIn]`: the last layer's sequence `[1, T, directions · units]` and all last states. */
function unroll(call: Call, node: OperatorNode, given: VariableValue, module: RecurrentModule): { readonly sequence: VariableValue; readonly last: readonly VariableValue[]; readonly cells: readonly VariableValue[] } {
  const { builder } = call.operators;
  const directions = module.bidirectional ? 2 : 1;
  const last: VariableValue[] = [];
  const cells: VariableValue[] = [];
  let x = given;
  for (let layer = 0; layer < module.layers; layer++) {
    const results = Array.from({ length: directions }, (_, d) => {
      const label = [...(module.layers > 1 ? [`layer${layer}`] : []), ...(directions > 1 ? [d === 0 ? 'forward' : 'backward'] : [])];
      const weights = weightsOf(call, node, module, layer * directions + d, x.shape[2] as number);
      return emitRecurrence(node, builder, x, {
        kind: module.kind, weights, activations: activationsOf(module), resetAfter: module.kind === 'GRU', reverse: d === 1, initialState: undefined, initialCell: undefined,
      }, [node.name, ...label].join('/'));
    });
    for (const result of results) {
      last.push(result.last);
      if (result.cell !== undefined) cells.push(result.cell);
    }
    const sequences = results.map((result) => result.sequence);
    x = sequences.length === 1 ? (sequences[0] as VariableValue) : builder.emit(node, 'concat', { axis: 2 }, sequences, { name: `${node.name}/directions${layer}` });
  }
  return { sequence: x, last, cells };
}

/** Sequence, last states and, of an LSTM, last cells, as torch shapes them. */
export function emitRecurrent(call: Call, input: Value, module: RecurrentModule): readonly Value[] {
  const { builder } = call.operators;
  call.mustVary(input);
  const node = call.operators.node(module.kind, [input], {}, call.name);
  const given = input as VariableValue;
  const [first, second, width] = given.shape as [number, number, number];
  const length = module.batchFirst ? second : first;
  if (given.shape.length !== 3 || (module.batchFirst ? first : second) !== 1) return call.fail('unsupported', 'batch-moved', `its input has shape [${given.shape.join(', ')}]; a batch of one, time and features are needed.`);
  const { sequence, last, cells } = unroll(call, node, builder.reshape(node, given, [1, length, width], `${node.name}/batch_first`), module);
  const outputWidth = sequence.shape[2] as number;
  const shaped = builder.reshape(node, sequence, module.batchFirst ? [1, length, outputWidth] : [length, 1, outputWidth], `${node.name}/output`);
  const stacked = (parts: readonly VariableValue[], label: string): VariableValue => {
    const units = (parts[0] as VariableValue).shape[1] as number;
    const whole = parts.length === 1 ? (parts[0] as VariableValue) : builder.emit(node, 'concat', { axis: 1 }, parts, { name: `${node.name}/${label}` });
    return builder.reshape(node, whole, [parts.length, 1, units], `${node.name}/${label}_shape`);
  };
  return [shaped, stacked(last, 'last'), ...(cells.length > 0 ? [stacked(cells, 'cell')] : [])];
}

/** aten.lstm.input, gru.input, rnn_tanh.input, rnn_relu.input. */
export function emitRecurrentModule(call: Call, kind: CellKind, activation: 'Tanh' | 'Relu' = 'Tanh'): readonly Value[] {
  const states = kind === 'LSTM' ? call.tensors('hx') : [call.optional('hx')];
  states.forEach((state) => checkZero(call, state));
  const parameters = call.tensors('params').map((value) => (value?.kind === 'constant' ? value : call.fail('unsupported', 'variable-parameter', 'has weights that depend on the model\'s inputs.')));
  return emitRecurrent(call, call.tensor('input'), {
    kind, activation, parameters, hasBias: call.flag('has_biases', true), layers: call.integer('num_layers', 1), bidirectional: call.flag('bidirectional', false), batchFirst: call.flag('batch_first', false),
  });
}
