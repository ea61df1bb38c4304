import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import type { LayerSink, TensorRef } from './network.js';

/** A function of a tensor as layers: what an activation is to a recurrent cell. `name` is the layer to be made. */
export type LayerFunction = (x: TensorRef, name: string) => TensorRef;

/** What all cells share. Kernels are in Keras' layout; other formats bring theirs to it. */
export interface CellOptions {
  /** Of the whole recurrence: its layers are `<name>/t0/…`, `<name>/t1/…`. */
  readonly name: string;
  /** `[1, T, nIn]` */
  readonly x: TensorRef;
  /** `[nIn, gates · units]` */
  readonly kernel: Tensor;
  /** `[units, gates · units]` */
  readonly recurrentKernel: Tensor;
  /** Of candidate and output. */
  readonly activation: LayerFunction;
  /** From the last time step to the first. */
  readonly reverse?: boolean;
  /** `[1, units]`; zero by default. */
  readonly initialState?: TensorRef | undefined;
  /** Applied to each step's input before the kernel. */
  readonly quantiseInput?: LayerFunction;
  /** Applied to the state, and to an LSTM's cell, as a step begins: kernel and mixing see what it gives. */
  readonly quantiseCarry?: LayerFunction;
  /** Applied to the state before the recurrent kernel. */
  readonly quantiseState?: LayerFunction;
}

export interface SimpleRnnOptions extends CellOptions {
  /** `[units]` */
  readonly bias: Tensor | null;
}

export interface LstmOptions extends CellOptions {
  /** `[4 · units]`, gates in the order input, forget, candidate, output, as in the kernels. */
  readonly bias: Tensor | null;
  readonly recurrentActivation: LayerFunction;
  /** `[1, units]`; zero by default. */
  readonly initialCell?: TensorRef | undefined;
}

export interface GruOptions extends CellOptions {
  /** `[3 · units]`, gates in the order update, reset, candidate, as in the kernels. */
  readonly bias: Tensor | null;
  /** `[3 · units]`: added to the state's part; only with `resetAfter`. */
  readonly recurrentBias: Tensor | null;
  /** The reset gate multiplies the state behind the recurrent kernel (Keras' default, ONNX' linear_before_reset, torch) or in front of it. */
  readonly resetAfter: boolean;
  readonly recurrentActivation: LayerFunction;
}

/** The states, `[1, units]` each, in the order of processing. */
export interface Unrolled {
  readonly states: readonly TensorRef[];
  readonly last: TensorRef;
}

/** h ← activation(x·K + h·R + b) */
export function unrollSimpleRnn(sink: LayerSink, options: SimpleRnnOptions): Unrolled {
  const cell = new Cell(sink, options);
  return cell.run(options.initialState, (x, h, name) => options.activation(cell.affine(x, h, options.bias, `${name}/dense`), `${name}/state`));
}

/** c ← f·c + i·candidate, h ← o·activation(c) (Hochreiter, Schmidhuber 1997, with forget gate; Keras' `LSTMCell`). */
export function unrollLstm(sink: LayerSink, options: LstmOptions): Unrolled & { readonly cell: TensorRef } {
  const cell = new Cell(sink, options);
  let carry = options.initialCell;
  const unrolled = cell.run(options.initialState, (x, h, name) => {
    const gates = cell.affine(x, h, options.bias, `${name}/dense`);
    const gate = (index: number, label: string): TensorRef => cell.part(gates, index, `${name}/${label}`);
    const i = options.recurrentActivation(gate(0, 'input'), `${name}/input_gate`);
    const candidate = options.activation(gate(2, 'candidate'), `${name}/candidate_value`);
    const added = sink.add('elementwise', { operation: 'mul' }, [i, candidate], `${name}/added`);
    if (carry === undefined) {
      carry = added;
    } else {
      const f = options.recurrentActivation(gate(1, 'forget'), `${name}/forget_gate`);
      const kept = sink.add('elementwise', { operation: 'mul' }, [f, options.quantiseCarry?.(carry, `${name}/cell_q`) ?? carry], `${name}/kept`);
      carry = sink.add('elementwise', { operation: 'add' }, [kept, added], `${name}/cell`);
    }
    const o = options.recurrentActivation(gate(3, 'output'), `${name}/output_gate`);
    return sink.add('elementwise', { operation: 'mul' }, [o, options.activation(carry, `${name}/cell_value`)], `${name}/state`);
  });
  return { ...unrolled, cell: carry as TensorRef };
}

/** h ← z·h + (1 − z)·candidate, as candidate + z·(h − candidate): one product (Cho et al. 2014; Keras' `GRUCell`). */
export function unrollGru(sink: LayerSink, options: GruOptions): Unrolled {
  const cell = new Cell(sink, options);
  const { recurrentActivation } = options;
  return cell.run(options.initialState, (x, h, name) => {
    const [fromInput, fromState] = options.resetAfter ? cell.separateGates(x, h, options, name) : cell.jointGates(x, h, options, name);
    const z = recurrentActivation(cell.sumOf(fromInput, fromState, 0, `${name}/update`), `${name}/update_gate`);
    const candidate = options.activation(cell.gruCandidate(fromInput, fromState, h, options, name), `${name}/candidate_value`);
    if (h === undefined) {
      const open = sink.add('elementwise', { operation: 'sub' }, [sink.constant(`${name}/one`, tensor([1], [1], true)), z], `${name}/open`);
      return sink.add('elementwise', { operation: 'mul' }, [open, candidate], `${name}/state`);
    }
    const change = sink.add('elementwise', { operation: 'sub' }, [h, candidate], `${name}/change`);
    const kept = sink.add('elementwise', { operation: 'mul' }, [z, change], `${name}/kept`);
    return sink.add('elementwise', { operation: 'add' }, [candidate, kept], `${name}/state`);
  });
}

/** `[1, T, units]` of T tensors `[1, units]`. */
export function stackTime(sink: LayerSink, states: readonly TensorRef[], name: string): TensorRef {
  const rows = states.map((state, t) => sink.add('reshape', { shape: [1, 1, ...state.shape.slice(1)] }, [state], `${name}/row${t}`));
  const [only, ...others] = rows;
  return only !== undefined && others.length === 0 ? only : sink.add('concat', { axis: 1 }, rows, name);
}

/** Gate `index` of what one side, input or state, gives to all gates, `[1, units]`; undefined where that is zero. */
type Gates = (index: number, name: string) => TensorRef | undefined;

const NO_GATES: Gates = () => undefined;

/** The steps of one recurrence. */
class Cell {
  private readonly units: number;

  constructor(
    private readonly sink: LayerSink,
    private readonly options: CellOptions,
  ) {
    this.units = options.recurrentKernel.shape[0] as number;
  }

  run(initial: TensorRef | undefined, step: (x: TensorRef, h: TensorRef | undefined, name: string) => TensorRef): Unrolled {
    const { x, name, reverse, quantiseInput, quantiseCarry } = this.options;
    const length = x.shape[1] as number;
    const states: TensorRef[] = [];
    let h = initial;
    for (let k = 0; k < length; k++) {
      const t = reverse === true ? length - 1 - k : k;
      const at = `${name}/t${t}`;
      const own = this.sink.add('gather', { axis: 1, indices: tensor([], [t], true) }, [x], `${at}/x`);
      const carried = h === undefined ? undefined : (quantiseCarry?.(h, `${at}/carry_q`) ?? h);
      h = step(quantiseInput?.(own, `${at}/x_q`) ?? own, carried, at);
      states.push(h);
    }
    return { states, last: h as TensorRef };
  }

  /** x·K + h·R + b */
  affine(x: TensorRef, h: TensorRef | undefined, bias: Tensor | null, name: string): TensorRef {
    return this.sumOfKernels(x, h, this.options.kernel, this.options.recurrentKernel, bias, name);
  }

  /** Both kernels as one matrix, so that their products share one sum. */
  private sumOfKernels(x: TensorRef, h: TensorRef | undefined, kernel: Tensor, recurrentKernel: Tensor, bias: Tensor | null, name: string): TensorRef {
    if (h === undefined) return this.sink.add('dense', { weight: kernel, bias }, [x], name);
    const joint = this.sink.add('concat', { axis: 1 }, [x, this.forKernel(h, name)], `${name}_inputs`);
    return this.sink.add('dense', { weight: this.joined(kernel, recurrentKernel), bias }, [joint], name);
  }

  /** Gate `index` of `[1, gates · units]`. */
  part(gates: TensorRef, index: number, name: string): TensorRef {
    const [start, end] = [index * this.units, (index + 1) * this.units];
    return this.sink.add('slice', { axes: [1], starts: [start], ends: [end], steps: [1] }, [gates], name);
  }

  /** Gate `index` of both sides, summed; one of them gives something. */
  sumOf(a: Gates, b: Gates, index: number, name: string): TensorRef {
    const parts = [a(index, `${name}_x`), b(index, `${name}_h`)].filter((part) => part !== undefined);
    const [first, second] = parts as [TensorRef, TensorRef | undefined];
    return second === undefined ? first : this.sink.add('elementwise', { operation: 'add' }, [first, second], name);
  }

  /** The state's part stays apart: the reset gate multiplies it. */
  separateGates(x: TensorRef, h: TensorRef | undefined, { kernel, recurrentKernel, bias, recurrentBias }: GruOptions, name: string): readonly [Gates, Gates] {
    const fromInput = this.sink.add('dense', { weight: kernel, bias }, [x], `${name}/dense_x`);
    const parts: Gates = (index, label) => this.part(fromInput, index, label);
    if (h === undefined) return [parts, this.constantGates(recurrentBias)];
    const fromState = this.sink.add('dense', { weight: recurrentKernel, bias: recurrentBias }, [this.forKernel(h, name)], `${name}/dense_h`);
    return [parts, (index, label) => this.part(fromState, index, label)];
  }

  /** A zero state leaves the bias of its kernel. */
  private constantGates(bias: Tensor | null): Gates {
    if (bias === null) return NO_GATES;
    return (index, name) => {
      const data = bias.data.slice(index * this.units, (index + 1) * this.units);
      return data.every((value) => value === 0) ? undefined : this.sink.constant(name, { ...bias, shape: [1, this.units], data });
    };
  }

  /** Update and reset gate, and the candidate without the state, from one matrix. */
  jointGates(x: TensorRef, h: TensorRef | undefined, { kernel, recurrentKernel, bias }: GruOptions, name: string): readonly [Gates, Gates] {
    const gates = { ...recurrentKernel, data: recurrentKernel.data.map((value, k) => (k % (3 * this.units) < 2 * this.units ? value : 0)) };
    const whole = this.sumOfKernels(x, h, kernel, gates, bias, `${name}/dense`);
    return [(index, label) => this.part(whole, index, label), NO_GATES];
  }

  /** The candidate before its activation. */
  gruCandidate(fromInput: Gates, fromState: Gates, h: TensorRef | undefined, options: GruOptions, name: string): TensorRef {
    const own = fromInput(2, `${name}/candidate_x`) as TensorRef;
    const state = options.resetAfter ? fromState(2, `${name}/candidate_h`) : undefined;
    if (state === undefined && (options.resetAfter || h === undefined)) return own;
    const reset = options.recurrentActivation(this.sumOf(fromInput, fromState, 1, `${name}/reset`), `${name}/reset_gate`);
    const gated = state === undefined ? this.resetState(reset, h as TensorRef, options, name) : this.sink.add('elementwise', { operation: 'mul' }, [reset, state], `${name}/gated`);
    return this.sink.add('elementwise', { operation: 'add' }, [own, gated], `${name}/candidate`);
  }

  /** (r·h)·R of the candidate. */
  private resetState(reset: TensorRef, h: TensorRef, { recurrentKernel }: GruOptions, name: string): TensorRef {
    const { units } = this;
    const data = Float64Array.from({ length: units * units }, (_, k) => recurrentKernel.data[Math.floor(k / units) * 3 * units + 2 * units + (k % units)] as number);
    const kept = this.sink.add('elementwise', { operation: 'mul' }, [reset, this.forKernel(h, `${name}/reset`)], `${name}/reset_state`);
    return this.sink.add('dense', { weight: { ...recurrentKernel, shape: [units, units], data }, bias: null }, [kept], `${name}/dense_h`);
  }

  private forKernel(h: TensorRef, name: string): TensorRef {
    return this.options.quantiseState?.(h, `${name}/h_q`) ?? h;
  }

  /** Two kernels one above the other. */
  private joined(upper: Tensor, lower: Tensor): Tensor {
    const data = new Float64Array(upper.data.length + lower.data.length);
    data.set(upper.data);
    data.set(lower.data, upper.data.length);
    const quantised = upper.quantised === true && lower.quantised === true;
    return { shape: [(upper.shape[0] as number) + (lower.shape[0] as number), upper.shape[1] as number], data, quantised };
  }
}
