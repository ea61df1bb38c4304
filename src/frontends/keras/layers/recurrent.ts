import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import type { LayerFunction } from '../../recurrent.js';
import { stackTime, unrollGru, unrollLstm, unrollSimpleRnn } from '../../recurrent.js';
import type { TensorRef } from '../../network.js';
import { describeLayer } from '../description.js';
import type { Json } from '../json.js';
import { ConfigReader, isObject } from '../json.js';
import type { HandlerTable, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { quantisedCell } from '../qkeras/recurrent.js';
import type { Recurrence, Unroll } from './cells.js';
import { activationOf, statesOf, unrollCells } from './cells.js';
import { unrollConvLstm } from './convLstm.js';
import { chain } from './support.js';

function cellWeights({ config, weights }: KerasLayer, cellName: string): { readonly kernel: Tensor; readonly recurrentKernel: Tensor; readonly bias: Tensor | null } {
  const names = config.boolean('use_bias', true) ? ['kernel', 'recurrent_kernel', 'bias'] : ['kernel', 'recurrent_kernel'];
  const [kernel, recurrentKernel, bias] = weights.part('cell', cellName).variables(names) as [Tensor, Tensor, Tensor?];
  return { kernel, recurrentKernel, bias: bias ?? null };
}

/** Checks what all cells share and gives their common options. */
function options(layer: KerasLayer, x: TensorRef, reverse: boolean, gates: number, cell: string, context: KerasContext): { readonly name: string; readonly x: TensorRef; readonly kernel: Tensor; readonly recurrentKernel: Tensor; readonly bias: Tensor | null; readonly activation: LayerFunction; readonly reverse: boolean; readonly quantiseCarry?: LayerFunction } {
  const { config, name } = layer;
  const units = config.int('units');
  const { kernel, recurrentKernel, bias } = cellWeights(layer, cell);
  if (x.shape.length !== 3) context.fail('input', name, 'bad-rank', `has an input [${x.shape.join(', ')}]; batch, time and features are needed.`);
  const fits = (value: Tensor, rows: number): boolean => value.shape.length === 2 && value.shape[0] === rows && value.shape[1] === gates * units;
  if (!fits(kernel, x.shape[2] as number) || !fits(recurrentKernel, units)) {
    context.fail('input', name, 'bad-weights', `has kernels [${kernel.shape.join(', ')}] and [${recurrentKernel.shape.join(', ')}] for ${x.shape[2]} features and ${units} units.`);
  }
  return { name, x, kernel, recurrentKernel, bias, activation: activationOf(layer, 'activation', context, 'tanh'), reverse, ...(layer.quantiseCarry && { quantiseCarry: layer.quantiseCarry }) };
}

function checkBias(layer: KerasLayer, bias: Tensor | null, size: number, context: KerasContext): Tensor | null {
  if (bias !== null && bias.data.length !== size) context.fail('input', layer.name, 'bad-weights', `has a bias [${bias.shape.join(', ')}]; ${size} values are needed.`);
  return bias;
}

const simpleRnn: Unroll = (layer, x, [initialState], reverse, context) => {
  const own = options(layer, x, reverse, 1, 'simple_rnn_cell', context);
  return unrollSimpleRnn(context, { ...own, bias: checkBias(layer, own.bias, layer.config.int('units'), context), initialState });
};

const lstm: Unroll = (layer, x, [initialState, initialCell], reverse, context) => {
  const own = options(layer, x, reverse, 4, 'lstm_cell', context);
  const recurrentActivation = activationOf(layer, 'recurrent_activation', context, 'sigmoid');
  return unrollLstm(context, { ...own, bias: checkBias(layer, own.bias, 4 * layer.config.int('units'), context), recurrentActivation, initialState, initialCell });
};

const gru: Unroll = (layer, x, [initialState], reverse, context) => {
  const own = options(layer, x, reverse, 3, 'gru_cell', context);
  const resetAfter = layer.config.boolean('reset_after', false);
  const width = 3 * layer.config.int('units');
  const whole = checkBias(layer, own.bias, (resetAfter ? 2 : 1) * width, context);
  const row = (index: number): Tensor | null => (whole === null ? null : tensor([width], whole.data.subarray(index * width, (index + 1) * width)));
  const recurrentActivation = activationOf(layer, 'recurrent_activation', context, 'sigmoid');
  return unrollGru(context, { ...own, bias: row(0), recurrentBias: resetAfter ? row(1) : null, resetAfter, recurrentActivation, initialState });
};

/** A cell of QKeras: the stock one with quantised weights, activations and state. */
const quantised = (unroll: Unroll): Unroll => (layer, x, initial, reverse, context) => unroll(quantisedCell(layer, context), x, initial, reverse, context);

const CELLS: Readonly<Record<string, Unroll>> = {
  ConvLSTM1D: unrollConvLstm(1), ConvLSTM2D: unrollConvLstm(2), ConvLSTM3D: unrollConvLstm(3), GRU: gru, LSTM: lstm, QGRU: quantised(gru), QLSTM: quantised(lstm), QSimpleRNN: quantised(simpleRnn),
  RNN: unrollCells((kind) => ({ GRU: gru, LSTM: lstm, SimpleRNN: simpleRnn })[kind]), SimpleRNN: simpleRnn,
};

/** The recurrence of a serialised layer class, where it is one. */
function unrollOf(className: string): Unroll | undefined {
  return Object.hasOwn(CELLS, className) ? CELLS[className] : undefined;
}

function checkStateless({ config, name }: KerasLayer, context: KerasContext): void {
  if (config.boolean('stateful', false)) context.fail('unsupported', name, 'stateful', 'keeps its state from batch to batch.', 'A trigger sees one event at a time: build it with stateful=False.');
  if (config.boolean('time_major', false)) context.fail('unsupported', name, 'time-major', 'has time as its first axis.', 'Build it with time_major=False.');
}

function recurrent(unroll: Unroll): LayerHandler {
  return (layer, call, context) => {
    checkStateless(layer, context);
    const [x, ...initial] = call.inputs;
    if (x === undefined) return context.fail('input', layer.name, 'inputs', 'has no input.');
    const run = unroll(layer, x, initial, layer.config.boolean('go_backwards', false), context);
    const main = layer.config.boolean('return_sequences', false) ? stackTime(context, run.states, layer.name) : run.last;
    return layer.config.boolean('return_state', false) ? [main, ...statesOf(run)] : [main];
  };
}

const bidirectional: LayerHandler = (layer, call, context) => {
  const { config, name, weights } = layer;
  const inner = describeLayer(config.json('layer'), config.where);
  const unroll = unrollOf(inner.plainClass);
  if (unroll === undefined) return context.fail('unsupported', name, 'bidirectional', `runs a ${inner.className.slice(0, 60)} both ways; ${Object.keys(CELLS).join(', ')} are supported.`);
  const backward = isObject(config.json('backward_layer')) ? describeLayer(config.json('backward_layer'), config.where) : undefined;
  const backwards = inner.config.boolean('go_backwards', false);
  const sides = [
    { label: 'forward', own: inner, part: weights.part('forward_layer', 'forward_', inner.name), reverse: backwards },
    { label: 'backward', own: backward ?? inner, part: weights.part('backward_layer', 'backward_', backward?.name ?? ''), reverse: backward?.config.boolean('go_backwards', !backwards) ?? !backwards },
  ];
  const [x, ...initial] = call.inputs;
  if (x === undefined) return context.fail('input', name, 'inputs', 'has no input.');
  const runs = sides.map(({ label, own, part, reverse }, i) => {
    const one: KerasLayer = { className: own.className, name: `${name}/${label}`, config: new ConfigReader(own.config.fields, [...config.where, label]), weights: part };
    checkStateless(one, context);
    const half = initial.length / 2;
    return (unrollOf(own.plainClass) ?? unroll)(one, x, initial.slice(i * half, (i + 1) * half), reverse, context);
  }) as [Recurrence, Recurrence];
  const sequences = inner.config.boolean('return_sequences', false);
  // What ran from the end to the front is put back in the order of time.
  const [first, second] = runs.map((run, i) => (sequences ? stackTime(context, i === 1 ? run.states.toReversed() : run.states, `${name}/${i === 0 ? 'forward' : 'backward'}`) : run.last)) as [TensorRef, TensorRef];
  const main = merged(first, second, layer, context);
  return inner.config.boolean('return_state', false) ? [...main, ...runs.flatMap(statesOf)] : main;
};

function merged(first: TensorRef, second: TensorRef, { config, name }: KerasLayer, context: KerasContext): readonly TensorRef[] {
  const mode: Json = Object.hasOwn(config.fields, 'merge_mode') ? config.json('merge_mode') : 'concat';
  switch (mode) {
    case null:
      return [first, second];
    case 'concat':
      return [context.add('concat', { axis: first.shape.length - 1 }, [first, second], name)];
    case 'sum':
      return [chain(context, 'add', [first, second], name)];
    case 'mul':
      return [chain(context, 'mul', [first, second], name)];
    case 'ave':
      return [chain(context, 'average', [first, second], name)];
    default:
      return config.bad('merge_mode', "'concat', 'sum', 'mul', 'ave' or null");
  }
}

/** Layers that treat the last axis alike wherever it is: time needs no unrolling. */
const LAST_AXIS_ONLY: readonly string[] = ['Dense', 'Activation', 'ReLU', 'LeakyReLU', 'ELU', 'Softmax', 'Dropout', 'Rescaling'];

const timeDistributed: LayerHandler = (layer, call, context) => {
  const { config, name, weights } = layer;
  const inner = config.json('layer');
  const { plainClass, name: innerName } = describeLayer(inner, config.where);
  const part = weights.part('layer', innerName);
  const [x] = call.inputs;
  if (x === undefined || call.inputs.length > 1) return context.fail('unsupported', name, 'inputs', `has ${call.inputs.length} inputs; 1 is supported.`);
  if (x.shape.length < 3) return context.fail('input', name, 'bad-rank', `has an input [${x.shape.join(', ')}] without time.`);
  if (LAST_AXIS_ONLY.includes(plainClass)) return context.callLayer(inner, name, part, [x]);
  const steps = Array.from({ length: x.shape[1] as number }, (_, t) => {
    const step = context.add('gather', { axis: 1, indices: tensor([], [t], true) }, [x], `${name}/t${t}/x`);
    return context.callLayer(inner, `${name}/t${t}`, part, [step])[0] as TensorRef;
  });
  return [stackTime(context, steps, name)];
};

export const recurrentLayers: HandlerTable = {
  Bidirectional: bidirectional,
  ConvLSTM1D: recurrent(unrollConvLstm(1)),
  ConvLSTM2D: recurrent(unrollConvLstm(2)),
  ConvLSTM3D: recurrent(unrollConvLstm(3)),
  GRU: recurrent(gru),
  LSTM: recurrent(lstm),
  QBidirectional: bidirectional,
  QGRU: recurrent(quantised(gru)),
  QLSTM: recurrent(quantised(lstm)),
  QSimpleRNN: recurrent(quantised(simpleRnn)),
  RNN: recurrent(CELLS['RNN'] as Unroll),
  SimpleRNN: recurrent(simpleRnn),
  TimeDistributed: timeDistributed,
};
