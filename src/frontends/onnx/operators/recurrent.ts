import type { ActivationParams } from '../../../layers/activation.js';
import type { Tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { LayerFunction } from '../../recurrent.js';
import { stackTime, unrollGru, unrollLstm, unrollSimpleRnn } from '../../recurrent.js';
import type { GraphBuilder } from '../builder.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, OperatorNode, Value, VariableValue } from '../values.js';
import { constantInput, fail, formatShape, optionalConstant, variableInput } from '../values.js';

export type CellKind = 'LSTM' | 'GRU' | 'RNN';

/** Weights of one direction of one layer, in Keras' layout: what the shared unrolling takes. */
export interface CellWeights {
  /** `[nIn, gates · units]` */
  readonly kernel: Tensor;
  /** `[units, gates · units]` */
  readonly recurrentKernel: Tensor;
  /** `[gates · units]` */
  readonly bias: Tensor | null;
  /** GRU with the reset gate behind the kernel: the bias of the state's part. */
  readonly recurrentBias: Tensor | null;
}

/** One direction of one recurrent layer. */
export interface Recurrence {
  readonly kind: CellKind;
  readonly weights: CellWeights;
  /** Gate, candidate, output (RNN: the first only). */
  readonly activations: readonly [ActivationParams, ActivationParams, ActivationParams];
  readonly resetAfter: boolean;
  readonly reverse: boolean;
  readonly initialState: VariableValue | undefined;
  readonly initialCell: VariableValue | undefined;
}

interface RecurrenceResult {
  /** `[1, T, units]` */
  readonly sequence: VariableValue;
  /** `[1, units]`; a cell state for LSTM. */
  readonly last: VariableValue;
  readonly cell: VariableValue | undefined;
}

/** Unrolls one direction over `[1, T, nIn]`. */
export function emitRecurrence(node: OperatorNode, builder: GraphBuilder, x: VariableValue, recurrence: Recurrence, name: string): RecurrenceResult {
  const sink = builder.sink(node);
  const { kind, weights, reverse, activations, resetAfter } = recurrence;
  const [gate, candidate, output] = activations.map((params): LayerFunction => (of, layer) => sink.add('activation', params, [of], layer)) as [LayerFunction, LayerFunction, LayerFunction];
  const reference = (value: VariableValue | undefined): TensorRef | undefined => (value === undefined ? undefined : { tensor: value.tensor, shape: [1, weights.recurrentKernel.shape[0] as number] });
  const common = { ...weights, name, x: { tensor: x.tensor, shape: x.shape }, reverse, initialState: reference(recurrence.initialState) };
  const unrolled = ((): { readonly states: readonly TensorRef[]; readonly last: TensorRef; readonly cell?: TensorRef } => {
    switch (kind) {
      case 'LSTM':
        if (activations[1].function !== activations[2].function) return fail(node, 'unsupported', 'activation', 'has different activations for candidate and output; equal ones are supported.');
        return unrollLstm(sink, { ...common, activation: candidate, recurrentActivation: gate, initialCell: reference(recurrence.initialCell) });
      case 'GRU':
        return unrollGru(sink, { ...common, activation: candidate, recurrentActivation: gate, resetAfter });
      case 'RNN':
        return unrollSimpleRnn(sink, { ...common, activation: output });
    }
  })();
  const inTime = reverse ? unrolled.states.toReversed() : unrolled.states;
  const variable = (of: TensorRef): VariableValue => ({ kind: 'variable', tensor: of.tensor, shape: of.shape, integer: false });
  return { sequence: variable(stackTime(sink, inTime, `${name}/sequence`)), last: variable(unrolled.last), cell: unrolled.cell === undefined ? undefined : variable(unrolled.cell) };
}

/** Rows of gates `[gates · units, n]` in another order, transposed: `[n, gates · units]`. */
export function gateMatrix(builder: GraphBuilder, node: OperatorNode, rows: ConstantValue, offset: number, order: readonly number[], units: number, width: number): Tensor {
  const count = order.length * units;
  builder.tensors.reserve(count * width, node.name);
  const data = new Float64Array(count * width);
  order.forEach((source, gate) => {
    for (let u = 0; u < units; u++) {
      for (let i = 0; i < width; i++) data[i * count + gate * units + u] = rows.data[offset + (source * units + u) * width + i] as number;
    }
  });
  return finite(node, { shape: [width, count], data, quantised: rows.quantised }, 'weight');
}

/** A vector of gates in another order; zero where it is left out. */
export function gateVector(node: OperatorNode, vector: ConstantValue | undefined, offset: number, order: readonly number[], units: number): Tensor {
  const data = new Float64Array(order.length * units);
  if (vector !== undefined) order.forEach((source, gate) => data.set(vector.data.subarray(offset + source * units, offset + (source + 1) * units), gate * units));
  return finite(node, { shape: [data.length], data, quantised: vector?.quantised ?? true }, 'bias');
}

function finite(node: OperatorNode, value: Tensor, role: string): Tensor {
  const bad = value.data.find((n) => !Number.isFinite(n));
  return bad === undefined ? value : fail(node, 'input', 'not-finite', `its ${role} holds ${bad}.`, 'Retrain or repair the model: every parameter must be a finite number.');
}

export function sumOfVectors(a: Tensor, b: Tensor): Tensor {
  return { ...a, data: a.data.map((n, i) => n + (b.data[i] as number)), quantised: a.quantised === true && b.quantised === true };
}

/** Where Keras' gates stand in ONNX' order: LSTM i,o,f,c; GRU z,r,h. */
const GATE_ORDER: Readonly<Record<CellKind, readonly number[]>> = { LSTM: [0, 2, 3, 1], GRU: [0, 1, 2], RNN: [0] };

const ACTIVATIONS: Readonly<Record<string, (alpha: number | undefined, beta: number | undefined) => ActivationParams>> = {
  relu: () => ({ function: 'relu' }),
  tanh: () => ({ function: 'tanh' }),
  sigmoid: () => ({ function: 'sigmoid' }),
  softsign: () => ({ function: 'softsign' }),
  softplus: () => ({ function: 'softplus' }),
  leakyrelu: (alpha) => ({ function: 'leakyRelu', alpha: alpha ?? Math.fround(0.01) }),
  elu: (alpha) => ({ function: 'elu', alpha: alpha ?? 1 }),
  hardsigmoid: (alpha, beta) => ({ function: 'hardSigmoid', alpha: alpha ?? Math.fround(0.2), beta: beta ?? 0.5 }),
};

/** The three functions of one direction. */
function activationsOf(node: OperatorNode, kind: CellKind, direction: number): Recurrence['activations'] {
  const own = kind === 'LSTM' ? 3 : kind === 'GRU' ? 2 : 1;
  const fallback = kind === 'LSTM' ? ['Sigmoid', 'Tanh', 'Tanh'] : kind === 'GRU' ? ['Sigmoid', 'Tanh'] : ['Tanh'];
  const names = node.attributes.strings('activations');
  const list = names === undefined || names.length === 0 ? fallback : names.slice(direction * own, (direction + 1) * own);
  const found = list.map((name, i) => {
    const make = Object.hasOwn(ACTIVATIONS, name.toLowerCase()) ? ACTIVATIONS[name.toLowerCase()] : undefined;
    const index = direction * own + i;
    return make?.(node.attributes.floats('activation_alpha')?.[index], node.attributes.floats('activation_beta')?.[index]) ?? fail(node, 'unsupported', 'activation', `has the activation '${name.slice(0, 40)}'; ${Object.keys(ACTIVATIONS).join(', ')} are supported.`);
  });
  if (found.length !== own) return fail(node, 'input', 'bad-attribute', `names ${names?.length ?? 0} activations.`);
  const [a, b = a, c = b] = found as [ActivationParams, ActivationParams?, ActivationParams?];
  return [a as ActivationParams, b as ActivationParams, c as ActivationParams];
}

function isZero(value: ConstantValue): boolean {
  return value.data.every((n) => n === 0);
}

/** A state that is not zero, of one direction: `[directions, 1, units]` to `[1, units]`. */
function initialOf(node: OperatorNode, builder: GraphBuilder, index: number, direction: number, units: number): VariableValue | undefined {
  const value = node.inputs[index];
  if (value === undefined || (value.kind === 'constant' && isZero(value))) return undefined;
  const varying = value.kind === 'variable' ? value : fail(node, 'unsupported', 'initial-state', 'starts from a constant state that is not zero.', 'Export with a zero initial state.');
  if (varying.shape[0] === 1) return builder.reshape(node, varying, [1, units], `${node.name}/initial${direction}`);
  const params = { axis: 1, indices: { shape: [], data: Float64Array.of(direction), quantised: true } };
  const picked = builder.emit(node, 'gather', params, [varying], { name: `${node.name}/initial${direction}`, shape: [1, units] });
  return picked;
}

function checkPlain(node: OperatorNode, kind: CellKind, length: number): void {
  if (node.attributes.has('clip')) fail(node, 'unsupported', 'clip', 'clips inside its cells.');
  if (node.attributes.int('input_forget', 0) !== 0) fail(node, 'unsupported', 'input-forget', 'couples its input and forget gates.');
  const lengths = optionalConstant(node, 4, 'sequence lengths');
  if (lengths?.data.some((n) => n !== length) === true) fail(node, 'unsupported', 'sequence-lengths', `stops after ${lengths.data[0]} of ${length} steps.`);
  const peepholes = kind === 'LSTM' ? optionalConstant(node, 7, 'peepholes') : undefined;
  if (peepholes !== undefined && !isZero(peepholes)) fail(node, 'unsupported', 'peepholes', 'has peepholes.');
}

/** LSTM, GRU, RNN of ONNX, both layouts, all directions. */
function recurrent(kind: CellKind): Operator {
  return {
    least: 3,
    run: (node, builder) => {
      const given = variableInput(node, 0);
      const timeFirst = node.attributes.int('layout', 0) === 0;
      const [length, batch, width] = (timeFirst ? given.shape : [given.shape[1], given.shape[0], given.shape[2]]) as [number, number, number];
      if (given.shape.length !== 3 || batch !== 1) fail(node, 'input', 'bad-rank', `its input has shape ${formatShape(given.shape)}; time, a batch of one and features are needed.`);
      checkPlain(node, kind, length);
      const x = builder.reshape(node, given, [1, length, width], `${node.name}/batch_first`);
      const [w, r] = [constantInput(node, 1, 'weight'), constantInput(node, 2, 'recurrent weight')];
      const order = GATE_ORDER[kind];
      const units = r.shape[2] as number;
      const mode = node.attributes.string('direction', 'forward');
      const count = mode === 'bidirectional' ? 2 : 1;
      const fits = w.shape.length === 3 && r.shape.length === 3 && w.shape[0] === count && w.shape[1] === order.length * units && w.shape[2] === width && r.shape[1] === order.length * units;
      if (!fits) fail(node, 'input', 'shape-mismatch', `its weights ${formatShape(w.shape)} and ${formatShape(r.shape)} do not fit ${width} features, ${count} directions and ${order.length} gates.`);
      const results = Array.from({ length: count }, (_, d) => {
        const weights = weightsOf(node, builder, kind, { w, r, direction: d, units, width });
        return emitRecurrence(node, builder, x, {
          kind, weights, activations: activationsOf(node, kind, d), resetAfter: weights.recurrentBias !== null, reverse: mode === 'reverse' || d === 1,
          initialState: initialOf(node, builder, 5, d, units), initialCell: kind === 'LSTM' ? initialOf(node, builder, 6, d, units) : undefined,
        }, count === 1 ? node.name : `${node.name}/${d === 0 ? 'forward' : 'backward'}`);
      });
      return outputsOf(node, builder, results, { length, units, timeFirst });
    },
  };
}

interface Direction {
  readonly w: ConstantValue;
  readonly r: ConstantValue;
  readonly direction: number;
  readonly units: number;
  readonly width: number;
}

function weightsOf(node: OperatorNode, builder: GraphBuilder, kind: CellKind, { w, r, direction, units, width }: Direction): CellWeights {
  const order = GATE_ORDER[kind];
  const rows = order.length * units;
  const b = optionalConstant(node, 3, 'bias');
  if (b !== undefined && b.data.length < 2 * rows * (direction + 1)) fail(node, 'input', 'shape-mismatch', `its bias has shape ${formatShape(b.shape)}.`);
  const own = gateVector(node, b, direction * 2 * rows, order, units);
  const recurrentOwn = gateVector(node, b, direction * 2 * rows + rows, order, units);
  const resetAfter = kind === 'GRU' && node.attributes.int('linear_before_reset', 0) !== 0;
  return {
    kernel: gateMatrix(builder, node, w, direction * rows * width, order, units, width),
    recurrentKernel: gateMatrix(builder, node, r, direction * rows * units, order, units, units),
    bias: resetAfter ? own : sumOfVectors(own, recurrentOwn),
    recurrentBias: resetAfter ? recurrentOwn : null,
  };
}

/** Y `[T, directions, 1, units]`, Y_h and Y_c `[directions, 1, units]`; with layout 1 the batch comes first. */
function outputsOf(node: OperatorNode, builder: GraphBuilder, results: readonly RecurrenceResult[], { length, units, timeFirst }: { readonly length: number; readonly units: number; readonly timeFirst: boolean }): readonly Value[] {
  const count = results.length;
  const joined = (part: (result: RecurrenceResult) => VariableValue, shape: readonly number[], label: string): VariableValue => {
    const parts = results.map(part);
    const [first] = parts as [VariableValue];
    const whole = count === 1 ? first : builder.emit(node, 'concat', { axis: first.shape.length - 1 }, parts, { name: `${node.name}/${label}` });
    return builder.reshape(node, whole, shape, `${node.name}/${label}_shape`);
  };
  const sequence = joined((result) => result.sequence, timeFirst ? [length, count, 1, units] : [1, length, count, units], 'sequence');
  const state = timeFirst ? [count, 1, units] : [1, count, units];
  const last = joined((result) => result.last, state, 'last');
  const cell = results[0]?.cell === undefined ? [] : [joined((result) => result.cell as VariableValue, state, 'cell')];
  return [sequence, last, ...cell];
}

/** Recurrences, unrolled in time. */
export const recurrentOperators: OperatorTable = {
  LSTM: recurrent('LSTM'),
  GRU: recurrent('GRU'),
  RNN: recurrent('RNN'),
};
