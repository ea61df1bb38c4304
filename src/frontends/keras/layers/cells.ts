import type { TensorRef } from '../../network.js';
import type { LayerFunction } from '../../recurrent.js';
import { stackTime } from '../../recurrent.js';
import type { LayerDescription } from '../description.js';
import { describeLayer } from '../description.js';
import type { Json } from '../json.js';
import type { KerasContext, KerasLayer } from '../layer.js';
import type { LayerWeights } from '../weights.js';
import { snakeCase } from '../weights.js';

/** One recurrence, unrolled. */
export interface Recurrence {
  /** In the order of processing. */
  readonly states: readonly TensorRef[];
  readonly last: TensorRef;
  /** Of an LSTM. */
  readonly cell?: TensorRef;
  /** The last states of every cell, where cells are stacked. */
  readonly carried?: readonly TensorRef[];
}

export type Unroll = (layer: KerasLayer, x: TensorRef, initial: readonly TensorRef[], reverse: boolean, context: KerasContext) => Recurrence;

/** What a recurrence carries from step to step, as Keras lists it. */
export function statesOf({ last, cell, carried }: Recurrence): readonly TensorRef[] {
  return carried ?? (cell === undefined ? [last] : [last, cell]);
}

/** An activation that a cell's configuration names. */
export function activationOf(layer: KerasLayer, field: string, context: KerasContext, fallback: string): LayerFunction {
  const specification = layer.config.has(field) || Object.hasOwn(layer.config.fields, field) ? layer.config.json(field) : fallback;
  return (x, name) => context.activation(specification, x, name, true);
}

/** The cells of an `RNN`, each with the weights that are its own. */
function cellsOf(layer: KerasLayer, context: KerasContext): { readonly cell: LayerDescription; readonly weights: LayerWeights }[] {
  const { config, weights } = layer;
  const outer = describeLayer(config.json('cell'), config.where);
  if (outer.plainClass !== 'StackedRNNCells') return [{ cell: outer, weights }];
  const list = outer.config.json('cells');
  if (!Array.isArray(list) || list.length === 0) return context.fail('input', layer.name, 'bad-cells', 'has a stack of no cells.');
  const stack = weights.part('cell', outer.name).part('cells', outer.name);
  const counts = new Map<string, number>();
  return (list as readonly Json[]).map((serialised) => {
    const cell = describeLayer(serialised, outer.config.where);
    const stem = snakeCase(cell.plainClass);
    const count = counts.get(stem) ?? 0;
    counts.set(stem, count + 1);
    const own = stack.part(count === 0 ? stem : `${stem}_${count}`, cell.name);
    // What asks a layer for its cell's weights finds them here.
    return { cell, weights: { ...emptyOf(own), part: () => own } };
  });
}

function emptyOf(weights: LayerWeights): LayerWeights {
  return { variables: (names) => weights.variables(names), count: weights.count, part: (attribute, ...names) => weights.part(attribute, ...names), partNames: [], layers: (ids) => weights.layers(ids) };
}

/** How many states a cell carries. */
const STATES: Readonly<Record<string, number>> = { GRU: 1, LSTM: 2, SimpleRNN: 1 };

/** A stack of cells is one recurrence behind another: the first alone sees the order of time. */
export function unrollCells(unrollOf: (className: string) => Unroll | undefined): Unroll {
  return (layer, x, initial, reverse, context) => {
    const cells = cellsOf(layer, context);
    const carried: TensorRef[] = [];
    let sequence = x;
    let run: Recurrence | undefined;
    let given = 0;
    cells.forEach(({ cell, weights }, i) => {
      const kind = cell.plainClass.replace(/Cell$/, '');
      const unroll = unrollOf(kind);
      if (unroll === undefined || kind === cell.plainClass) return context.fail('unsupported', layer.name, 'cell', `runs a ${cell.className.slice(0, 60)}; ${Object.keys(STATES).map((name) => `${name}Cell`).join(', ')} are supported.`);
      const name = cells.length === 1 ? layer.name : `${layer.name}/${cell.name}`;
      const own: KerasLayer = { className: cell.className, name, config: cell.config, weights };
      const count = initial.length === 0 ? 0 : (STATES[kind] ?? 1);
      run = unroll(own, sequence, initial.slice(given, given + count), reverse && i === 0, context);
      given += count;
      carried.push(...statesOf(run));
      if (i < cells.length - 1) sequence = stackTime(context, run.states, `${name}/sequence`);
      return undefined;
    });
    return { ...(run as unknown as Recurrence), carried };
  };
}
