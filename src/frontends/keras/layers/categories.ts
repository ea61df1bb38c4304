import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { ConfigReader } from '../json.js';
import type { HandlerTable, KerasContext, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';
import { reshape } from './support.js';

/** How a whole number is written out as a vector. */
const MODES: readonly string[] = ['one_hot', 'multi_hot', 'count'];

const MOST_TOKENS = 65536;

/** 1 where the number is that of the element, along a new last axis. */
export function oneHot(context: KerasContext, x: TensorRef, count: number, name: string): TensorRef {
  const numbers = context.constant(`${name}/numbers`, tensor([count], Float64Array.from({ length: count }, (_, i) => i), true));
  return context.add('compare', { operation: 'eq' }, [reshape(context, x, [...x.shape, 1], `${name}/column`), numbers], name);
}

/** The number of bounds that are at most x; undefined where they do not ascend or are not finite. */
export function binned(context: KerasContext, x: TensorRef, bounds: Float64Array, name: string): TensorRef | undefined {
  if (bounds.length === 0 || bounds.some((value, i) => !Number.isFinite(value) || value < (bounds[i - 1] ?? -Infinity))) return undefined;
  const levels = Float64Array.from({ length: bounds.length + 1 }, (_, i) => i);
  const params = { thresholds: tensor([1, bounds.length], bounds, true), values: tensor([1, levels.length], levels, true), axis: x.shape.length - 1 };
  return context.add('staircase', params, [x], name);
}

/** One-hot; of several numbers any of them, or how many. */
function encoded(context: KerasContext, x: TensorRef, count: number, mode: string, name: string): TensorRef {
  const isOneHot = mode === 'one_hot';
  const column = isOneHot && x.shape.length > 1 && x.shape.at(-1) === 1 ? reshape(context, x, x.shape.slice(0, -1), `${name}/row`) : x;
  const bits = oneHot(context, column, count, isOneHot ? name : `${name}/one_hot`);
  if (isOneHot) return bits;
  return context.add('reduce', { operation: mode === 'count' ? 'sum' : 'max', axes: [bits.shape.length - 2], keepDims: false }, [bits], name);
}

function modeOf(config: ConfigReader, fallback: string, allowed: readonly string[]): string {
  const mode = config.string('output_mode', fallback);
  return allowed.includes(mode) ? mode : config.bad('output_mode', `one of ${allowed.join(', ')}`);
}

const categoryEncoding: LayerHandler = (layer, call, context) => {
  const { config, name } = layer;
  const [x, weights] = call.inputs;
  if (x === undefined || weights !== undefined) return context.fail('unsupported', name, 'inputs', `has ${call.inputs.length} inputs; 1, with no count_weights, is supported.`);
  const count = config.int('num_tokens');
  if (count < 1 || count > MOST_TOKENS) return config.bad('num_tokens', `a number from 1 to ${MOST_TOKENS}`);
  return [encoded(context, x, count, modeOf(config, 'multi_hot', MODES), name)];
};

/** The number of boundaries that are at most x. */
const discretization = unary(({ config, name }, x, context) => {
  const given = config.json('bin_boundaries');
  if (!Array.isArray(given) || given.length === 0) return context.fail('unsupported', name, 'boundaries', 'has no bin_boundaries in its configuration.', 'Build it with bin_boundaries, or adapt it before the model is saved.');
  const bounds = Float64Array.from(given as number[], Number);
  const mode = modeOf(config, 'int', ['int', ...MODES]);
  const bins = binned(context, x, bounds, mode === 'int' ? name : `${name}/bins`) ?? config.bad('bin_boundaries', 'finite numbers that ascend');
  return mode === 'int' ? bins : encoded(context, bins, bounds.length + 1, mode, name);
});

export const categoryLayers: HandlerTable = {
  CategoryEncoding: categoryEncoding,
  Discretization: discretization,
};
