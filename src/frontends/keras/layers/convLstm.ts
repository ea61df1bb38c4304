import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { KerasContext, KerasLayer } from '../layer.js';
import type { Recurrence, Unroll } from './cells.js';
import { activationOf } from './cells.js';
import type { WindowOptions } from './convolution.js';
import { convOf, windowOptions } from './convolution.js';
import { cut } from './support.js';

/** Kernels `[…k, cIn, 4 · filters]` of the input and `[…k, filters, 4 · filters]` of the state. */
interface Kernels {
  readonly kernel: Tensor;
  readonly recurrent: Tensor;
  readonly bias: Tensor | null;
}

function kernelsOf({ config, weights, name }: KerasLayer, rank: number, filters: number, context: KerasContext): Kernels {
  const names = config.boolean('use_bias', true) ? ['kernel', 'recurrent_kernel', 'bias'] : ['kernel', 'recurrent_kernel'];
  const [kernel, recurrent, bias] = weights.part('cell', `conv_lstm_cell`).variables(names) as [Tensor, Tensor, Tensor?];
  const fits = (value: Tensor): boolean => value.shape.length === rank + 2 && value.shape.at(-1) === 4 * filters;
  if (!fits(kernel) || !fits(recurrent) || recurrent.shape.at(-2) !== filters || (bias !== undefined && bias.data.length !== 4 * filters)) {
    context.fail('input', name, 'bad-weights', `has kernels [${kernel.shape.join(', ')}] and [${recurrent.shape.join(', ')}] for ${filters} filters.`);
  }
  return { kernel, recurrent, bias: bias ?? null };
}

/**
 * An LSTM whose products are convolutions (Shi et al. 2015, without peepholes; Keras' `ConvLSTM`): those of the input as
 * configured, those of the state with padding `same`.
 */
export function unrollConvLstm(rank: number): Unroll {
  return (layer, x, initial, reverse, context): Recurrence => {
    const { config, name } = layer;
    const filters = config.int('filters');
    const kernels = kernelsOf(layer, rank, filters, context);
    if (x.shape.length !== rank + 3) context.fail('input', name, 'bad-rank', `has an input [${x.shape.join(', ')}]; batch, time, ${rank} axes and channels are needed.`);
    const window = windowOptions(config, rank);
    const inner: WindowOptions = { ...window, strides: window.strides.map(() => 1), dilations: window.dilations.map(() => 1), padding: 'same' };
    const [activation, gateFunction] = [activationOf(layer, 'activation', context, 'tanh'), activationOf(layer, 'recurrent_activation', context, 'hard_sigmoid')];
    const channels = window.channelsFirst ? 1 : rank + 1;
    const product = (a: TensorRef, b: TensorRef, label: string): TensorRef => context.add('elementwise', { operation: 'mul' }, [a, b], label);
    const length = x.shape[1] as number;
    const states: TensorRef[] = [];
    let [h, c] = initial as readonly (TensorRef | undefined)[];
    for (let k = 0; k < length; k++) {
      const t = reverse ? length - 1 - k : k;
      const at = `${name}/t${t}`;
      const own = context.add('gather', { axis: 1, indices: tensor([], [t], true) }, [x], `${at}/x`);
      const fromInput = convOf(context, own, kernels.kernel, kernels.bias, window, 1, `${at}/conv_x`);
      const all = h === undefined ? fromInput : context.add('elementwise', { operation: 'add' }, [fromInput, convOf(context, h, kernels.recurrent, null, inner, 1, `${at}/conv_h`)], `${at}/gates`);
      const part = (index: number, label: string): TensorRef => cut(context, all, channels, index * filters, (index + 1) * filters, `${at}/${label}`);
      const gate = (index: number, label: string): TensorRef => gateFunction(part(index, label), `${at}/${label}_gate`);
      const added = product(gate(0, 'input'), activation(part(2, 'candidate'), `${at}/candidate_value`), `${at}/added`);
      c = c === undefined ? added : context.add('elementwise', { operation: 'add' }, [product(gate(1, 'forget'), c, `${at}/kept`), added], `${at}/cell`);
      h = product(gate(3, 'output'), activation(c, `${at}/cell_value`), `${at}/state`);
      states.push(h);
    }
    return { states, last: h as TensorRef, cell: c as TensorRef };
  };
}
