import type { FixedType } from '../../fixed/fixedType.js';
import type { FunctionName } from '../../layers/functions.js';
import type { Tensor } from '../../model/tensor.js';
import { tensor } from '../../model/tensor.js';
import type { TensorRef } from '../network.js';
import { stackTime } from '../recurrent.js';
import type { Config } from './cpp.js';
import type { Handler, LayerCall, LayerFunction } from './project.js';
import { weighted } from './project.js';

/** The names of a direction's weight arrays in the code. */
interface WeightNames {
  readonly kernel: string | undefined;
  readonly recurrent: string | undefined;
  readonly bias: string | undefined;
  readonly recurrentBias: string | undefined;
}

/** What a cell keeps from step to step, `[1, units]` each; of an LSTM its cell too. */
interface State {
  readonly h: TensorRef;
  readonly c?: TensorRef;
}

/** One step: the input `[1, nIn]` and the state before it. */
type Step = (x: TensorRef, state: State, name: string) => State;

/** The half-range of hls4ml's tables of the functions that cells have. */
const FUNCTIONS: Readonly<Record<string, { readonly function: FunctionName; readonly range?: number }>> = {
  relu: { function: 'relu' },
  sigmoid: { function: 'sigmoid', range: 8 },
  tanh: { function: 'tanh', range: 4 },
};

/** The matrices, functions and types of one direction of a recurrence, from its config struct. */
class Cell {
  readonly units: number;
  private readonly accum: FixedType;

  constructor(
    private readonly at: LayerCall,
    private readonly config: Config,
    private readonly weights: WeightNames,
    /** Of the state. */
    private readonly result: FixedType,
  ) {
    this.units = at.project.number({ ...at, config }, 'n_state');
    if (this.units < 1) at.project.fail('input', at.name, 'bad-field', 'its n_state is 0.');
    this.accum = at.project.neededType({ ...at, config }, 'accum_t');
  }

  /** The state that every event begins with. */
  zero(name: string): State {
    const h = this.at.project.net.constant(name, tensor([1, this.units], new Float64Array(this.units), true));
    return { h, c: h };
  }

  lstm(): Step {
    return (x, { h, c }, name) => {
      const sums = this.add(this.dense(x, 'input', 4, `${name}/dense_x`), this.dense(h, 'state', 4, `${name}/dense_h`), this.accum, `${name}/gates`);
      const gate = (index: number, label: string): TensorRef => this.gate(this.part(sums, index, `${name}/${label}`), `${name}/${label}_gate`);
      const candidate = this.activate(this.part(sums, 2, `${name}/candidate`), this.accum, `${name}/candidate_value`);
      const added = this.product(candidate, gate(0, 'input'), undefined, `${name}/added`);
      const kept = this.product(c as TensorRef, gate(1, 'forget'), undefined, `${name}/kept`);
      const cell = this.add(added, kept, this.result, `${name}/cell`);
      const shown = this.activate(cell, this.accum, `${name}/cell_value`);
      return { h: this.product(gate(3, 'output'), shown, this.result, `${name}/state`), c: cell };
    };
  }

  /** The reset gate multiplies the state behind its matrix; torch has the reset gate in front of the update gate. */
  gru(torchOrder: boolean): Step {
    const [update, reset] = torchOrder ? [1, 0] : [0, 1];
    return (x, { h }, name) => {
      const fromInput = this.dense(x, 'input', 3, `${name}/dense_x`);
      const fromState = this.dense(h, 'state', 3, `${name}/dense_h`);
      const gate = (index: number, label: string): TensorRef => {
        const sum = this.add(this.part(fromInput, index, `${name}/${label}_x`), this.part(fromState, index, `${name}/${label}_h`), this.accum, `${name}/${label}`);
        return this.gate(sum, `${name}/${label}_gate`);
      };
      const z = gate(update, 'update');
      const gated = this.product(gate(reset, 'reset'), this.part(fromState, 2, `${name}/candidate_h`), this.accum, `${name}/gated`);
      const sum = this.add(this.part(fromInput, 2, `${name}/candidate_x`), gated, this.accum, `${name}/candidate`);
      const candidate = this.activate(sum, this.accum, `${name}/candidate_value`);
      const added = this.product(candidate, this.at.project.affine(z, -1, 1, `${name}/open`, undefined), undefined, `${name}/added`);
      return { h: this.add(added, this.product(h, z, undefined, `${name}/kept`), this.result, `${name}/state`) };
    };
  }

  private dense(x: TensorRef, of: 'input' | 'state', gates: number, name: string): TensorRef {
    const { at, config, weights } = this;
    const { project } = at;
    const [array, biasArray, inner] = of === 'input' ? [weights.kernel, weights.bias, 'mult_config1'] : [weights.recurrent, weights.recurrentBias, 'mult_config2'];
    const own = { ...at, config: project.innerConfig({ ...at, config }, inner) };
    const weight = project.weightsLast(own, array, [x.shape.at(-1) as number, gates * this.units]);
    const bias: Tensor = project.weights(biasArray, [gates * this.units], at.name);
    return project.net.add('dense', { weight, bias }, [x], name, { ...project.precision(own, undefined), result: this.accum });
  }

  private part(x: TensorRef, index: number, name: string): TensorRef {
    const [start, end] = [index * this.units, (index + 1) * this.units];
    return this.at.project.net.add('slice', { axes: [1], starts: [start], ends: [end], steps: [1] }, [x], name);
  }

  private add(a: TensorRef, b: TensorRef, result: FixedType, name: string): TensorRef {
    return this.at.project.net.add('elementwise', { operation: 'add' }, [a, b], name, { source: 'config', result });
  }

  private product(a: TensorRef, b: TensorRef, result: FixedType | undefined, name: string): TensorRef {
    return this.at.project.net.add('elementwise', { operation: 'mul' }, [a, b], name, { source: 'config', ...(result !== undefined && { result }) });
  }

  private gate(x: TensorRef, name: string): TensorRef {
    const struct = this.config.types.has('ACT_CONFIG_LSTM') ? 'ACT_CONFIG_LSTM' : 'ACT_CONFIG_GRU';
    return this.applied('activation_recr', struct, x, this.accum, name);
  }

  private activate(x: TensorRef, result: FixedType, name: string): TensorRef {
    return this.applied('activation', 'ACT_CONFIG_T', x, result, name);
  }

  /** The function that a `using` of the struct names, under the table that a struct of its own describes. */
  private applied(using: string, struct: string, x: TensorRef, result: FixedType, name: string): TensorRef {
    const { at, config } = this;
    const word = /(\w+)\s*</.exec(config.fields.get(using) ?? '')?.[1] ?? '';
    if (!Object.hasOwn(FUNCTIONS, word)) return at.project.fail('unsupported', at.name, 'activation', `its ${using} is '${word}'; ${Object.keys(FUNCTIONS).join(', ')} are supported.`);
    const { function: fn, range } = FUNCTIONS[word] as (typeof FUNCTIONS)[string];
    const own = { ...at, config: at.project.innerConfig({ ...at, config }, struct) };
    const table = at.project.configType(own, 'table_t');
    const tableSize = at.project.optionalNumber(own, 'table_size');
    const extra = { ...(table !== undefined && { table }), ...(tableSize !== undefined && { tableSize }), ...(range !== undefined && { tableRange: range }) };
    return at.project.net.add('activation', { function: fn }, [x], name, { source: 'config', result, ...extra });
  }
}

/** The states of all steps, in the order in which they are made. */
function run(at: LayerCall, step: Step, initial: State, x: TensorRef, reverse: boolean, name: string): TensorRef[] {
  const length = x.shape[1] as number;
  const states: TensorRef[] = [];
  let state = initial;
  for (let k = 0; k < length; k++) {
    const t = reverse ? length - 1 - k : k;
    const own = at.project.net.add('gather', { axis: 1, indices: tensor([], [t], true) }, [x], `${name}/t${t}/x`);
    state = step(own, state, `${name}/t${t}`);
    states.push(state.h);
  }
  return states;
}

function sequenceOf(at: LayerCall): TensorRef {
  const { project, name } = at;
  return project.shaped(at.inputs[0] as TensorRef, [project.number(at, 'n_sequence'), project.number(at, 'n_in')], name);
}

/** `lstm_stack<data, res, config>(data, res, w, wr, b, br)`; an LSTM's state and cell, or a GRU's state, may stand behind the data. */
export function recurrence(kind: 'lstm' | 'gru'): LayerFunction {
  const build: Handler = (at) => {
    const { project, call, name, config, inputs } = at;
    const states = inputs.length - 1;
    const [kernel, recurrent, bias, recurrentBias] = call.args.slice(2 + states);
    const cell = new Cell(at, config, { kernel, recurrent, bias, recurrentBias }, project.type(call.types[1 + states], name));
    const [h, c] = inputs.slice(1).map((given) => project.shaped(given, [cell.units], name));
    const step = kind === 'lstm' ? cell.lstm() : cell.gru(config.fields.get('pytorch_order') === 'true');
    const initial = h === undefined ? cell.zero(`${name}/zero`) : { h, ...(c !== undefined && { c }) };
    const made = run(at, step, initial, sequenceOf(at), false, name);
    return project.number(at, 'n_sequence_out') > 1 ? stackTime(project.net, made, name) : (made.at(-1) as TensorRef);
  };
  return { inputs: ({ types }) => types.length - 2, hasWeights: true, build };
}

/** `bidirectional_stack<data, res, config>(data, res, w, wr, b, br, w_b, wr_b, b_b, br_b)`: both states side by side. */
export const bidirectional: LayerFunction = weighted((at) => {
  const { project, call, name, config } = at;
  const sides = (['forward', 'backward'] as const).map((side, i) => {
    const [kernel, recurrent, bias, recurrentBias] = call.args.slice(2 + 4 * i, 6 + 4 * i);
    const own = project.innerConfig(at, `${side.toUpperCase()}_CONFIG`);
    const cell = new Cell(at, own, { kernel, recurrent, bias, recurrentBias }, project.type(call.types[1], name));
    const layer = config.fields.get(`RNNfunc_${side}`) ?? '';
    const step = /\bgru_class/.test(layer) ? cell.gru(own.fields.get('pytorch_order') === 'true') : cell.lstm();
    return run(at, step, cell.zero(`${name}/${side}/zero`), sequenceOf(at), i === 1, `${name}/${side}`);
  }) as [TensorRef[], TensorRef[]];
  const whole = project.number(at, 'n_sequence_out') > 1;
  const both = whole
    ? [stackTime(project.net, sides[0], `${name}/forward`), stackTime(project.net, sides[1].toReversed(), `${name}/backward`)]
    : sides.map((states) => states.at(-1) as TensorRef);
  return project.net.add('concat', { axis: whole ? 2 : 1 }, both, name);
});
