import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import { stackTime } from '../../recurrent.js';
import type { HandlerTable, KerasCall, KerasContext, KerasLayer } from '../layer.js';
import { quantise, quantiserOf } from './datalane.js';
import type { Quantiser } from './quantiser.js';
import { quantiseTensor } from './quantiser.js';

/** One step of a cell: input `[1, nIn]` and state (undefined: zero) to the next state, `[1, units]`. */
type Step = (x: TensorRef, h: TensorRef | undefined, name: string) => TensorRef;

/** A recurrent cell of HGQ2 with quantised kernels, and how its layer runs it. */
interface CellParts {
  readonly layer: KerasLayer;
  readonly context: KerasContext;
  readonly units: number;
  readonly kernel: Tensor;
  readonly recurrentKernel: Tensor;
  readonly bias: Tensor | null;
  readonly quantiser: (attribute: string) => Quantiser | undefined;
}

function cellOf(layer: KerasLayer, context: KerasContext): CellParts {
  const { config, name, weights } = layer;
  const cell = weights.part('cell');
  const names = config.boolean('use_bias', true) ? ['kernel', 'recurrent_kernel', 'bias'] : ['kernel', 'recurrent_kernel'];
  const [kernel, recurrentKernel, bias] = cell.variables(names) as [Tensor, Tensor, Tensor | undefined];
  const quantiser = (attribute: string): Quantiser | undefined => quantiserOf(layer, attribute, context, cell.part(attribute));
  return {
    layer, context, quantiser,
    units: config.int('units'),
    kernel: quantiseTensor(quantiser('kq'), kernel, name, context),
    recurrentKernel: quantiseTensor(quantiser('rkq'), recurrentKernel, name, context),
    bias: bias === undefined ? null : quantiseTensor(quantiser('bq'), bias, name, context),
  };
}

/** Unrolls the steps over `[1, T, nIn]` and gives what the layer's options ask for. */
function unroll({ layer, context, units }: CellParts, call: KerasCall, step: Step): readonly TensorRef[] {
  const { config, name } = layer;
  const [x, ...others] = call.inputs;
  if (x === undefined || x.shape.length !== 3) return context.fail('input', name, 'inputs', 'needs one input of [steps, features].');
  if (others.length > 0) context.fail('unsupported', name, 'initial-state', 'is called with an initial state, which is not supported.', 'Let it begin at zero.');
  if (config.boolean('stateful', false)) context.fail('unsupported', name, 'stateful', 'keeps its state from event to event, which is not supported.', 'Build it with stateful=False.');
  const length = x.shape[1] as number;
  const states: TensorRef[] = [];
  let h: TensorRef | undefined;
  for (let k = 0; k < length; k++) {
    const t = config.boolean('go_backwards', false) ? length - 1 - k : k;
    const own = context.add('gather', { axis: 1, indices: tensor([], [t], true) }, [x], `${name}/t${t}/x`);
    h = step(own, h, `${name}/t${t}`);
    states.push(h);
  }
  const last = h as TensorRef;
  if (last.shape.at(-1) !== units) context.fail('input', name, 'units', `states ${units} units and its kernels give ${last.shape.at(-1)}.`);
  const output = config.boolean('return_sequences', false) ? stackTime(context, states, `${name}/sequence`) : last;
  return config.boolean('return_state', false) ? [output, last] : [output];
}

/** A constant as a tensor of the graph. */
function constant(values: Tensor, name: string, context: KerasContext): TensorRef {
  return context.constant(name, { ...values, shape: [1, ...values.shape], quantised: true });
}

function simpleRnn(layer: KerasLayer, call: KerasCall, context: KerasContext): readonly TensorRef[] {
  const cell = cellOf(layer, context);
  const { kernel, recurrentKernel, bias } = cell;
  const [input, behind] = [cell.quantiser('iq'), cell.quantiser('paq')];
  const state = layer.config.boolean('enable_sq', false) ? cell.quantiser('sq') : undefined;
  return unroll(cell, call, (x, h, name) => {
    const own = context.add('dense', { weight: kernel, bias }, [quantise(input, x, `${name}/iq`, context)], `${name}/dense_x`);
    const sum = h === undefined ? own : context.add('elementwise', { operation: 'add' }, [own, context.add('dense', { weight: recurrentKernel, bias: null }, [quantise(state, h, `${name}/sq`, context)], `${name}/dense_h`)], `${name}/sum`);
    return context.activation(layer.config.json('activation'), quantise(behind, sum, `${name}/paq`, context), `${name}/state`);
  });
}

/** The columns of one range of gates. */
function columns(kernel: Tensor, from: number, to: number): Tensor {
  const [rows, width] = kernel.shape as readonly [number, number];
  const data = new Float64Array(rows * (to - from));
  for (let r = 0; r < rows; r++) data.set(kernel.data.subarray(r * width + from, r * width + to), r * (to - from));
  return tensor([rows, to - from], data, true);
}

function gru(layer: KerasLayer, call: KerasCall, context: KerasContext): readonly TensorRef[] {
  const { config } = layer;
  const cell = cellOf(layer, context);
  const { units, kernel, recurrentKernel, bias } = cell;
  const after = config.boolean('reset_after', true);
  const biases = bias === null ? [null, null] : after ? [rowOf(bias, 0), rowOf(bias, 1)] : [bias, null];
  const [inputBias, recurrentBias] = biases as [Tensor | null, Tensor | null];
  const quantisers = { input: config.boolean('enable_iq', true) ? cell.quantiser('iq') : undefined, state: cell.quantiser('sq'), gate: cell.quantiser('praq'), candidate: cell.quantiser('paq'), reset: cell.quantiser('rhq') };
  const one = context.constant(`${layer.name}/one`, tensor([], [1], true));
  const binary = (operation: 'add' | 'sub' | 'mul', a: TensorRef, b: TensorRef, name: string): TensorRef => context.add('elementwise', { operation }, [a, b], name);
  const gates = (x: TensorRef, from: number, to: number, name: string): TensorRef => context.add('slice', { axes: [1], starts: [from * units], ends: [to * units], steps: [1] }, [x], name);
  return unroll(cell, call, (x, h, name) => {
    const fromInput = context.add('dense', { weight: kernel, bias: inputBias }, [quantise(quantisers.input, x, `${name}/iq`, context)], `${name}/dense_x`);
    const previous = h === undefined ? undefined : quantise(quantisers.state, h, `${name}/sq`, context);
    const weight = after ? recurrentKernel : columns(recurrentKernel, 0, 2 * units);
    const inner = previous === undefined ? recurrentBias && constant(recurrentBias, `${name}/bias_h`, context) : context.add('dense', { weight, bias: recurrentBias }, [previous], `${name}/dense_h`);
    const own = gates(fromInput, 0, 2, `${name}/gates_x`);
    const sum = inner === null ? own : binary('add', own, gates(inner, 0, 2, `${name}/gates_h`), `${name}/gates`);
    const zr = quantise(quantisers.gate, context.activation(config.json('recurrent_activation'), sum, `${name}/gates`), `${name}/praq`, context);
    const [z, r] = [gates(zr, 0, 1, `${name}/update`), gates(zr, 1, 2, `${name}/reset`)];
    const parts: TensorRef[] = [gates(fromInput, 2, 3, `${name}/candidate_x`)];
    if (after && inner !== null) {
      parts.push(binary('mul', r, quantise(quantisers.reset, gates(inner, 2, 3, `${name}/candidate_h`), `${name}/rhq`, context), `${name}/reset_h`));
    } else if (!after && previous !== undefined) {
      const kept = quantise(quantisers.reset, binary('mul', r, previous, `${name}/reset_h`), `${name}/rhq`, context);
      parts.push(context.add('dense', { weight: columns(recurrentKernel, 2 * units, 3 * units), bias: null }, [kept], `${name}/candidate_h`));
    }
    const raw = parts.reduce((a, b) => binary('add', a, b, `${name}/candidate_sum`));
    const candidate = quantise(quantisers.candidate, context.activation(config.json('activation'), raw, `${name}/candidate`), `${name}/paq`, context);
    const added = binary('mul', binary('sub', one, z, `${name}/open`), candidate, `${name}/added`);
    return previous === undefined ? added : binary('add', binary('mul', z, previous, `${name}/kept`), added, `${name}/state`);
  });
}

function rowOf(bias: Tensor, row: number): Tensor {
  const width = bias.shape.at(-1) as number;
  return tensor([width], bias.data.subarray(row * width, (row + 1) * width), true);
}

export const recurrentLayers: HandlerTable = {
  'hgq>QGRU': gru,
  'hgq>QSimpleRNN': simpleRnn,
};
