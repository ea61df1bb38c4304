import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { ConfigReader } from '../json.js';
import type { HandlerTable, KerasContext, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';
import { reshape } from './support.js';

/** How a whole number is written out as a vector. */
const MODES: readonly string[] = ['one_hot', 'multi_hot', 'count'];

const MOST_TOKENS = 65536;

/** 1 where the number is that of the element, along a new last axis; of several numbers any of them, or how many. */
function encoded(context: KerasContext, x: TensorRef, count: number, mode: string, name: string): TensorRef {
  const shape = x.shape.length > 1 && x.shape.at(-1) === 1 && mode === 'one_hot' ? x.shape.slice(0, -1) : x.shape;
  const numbers = context.constant(`${name}/numbers`, tensor([count], Float64Array.from({ length: count }, (_, i) => i), true));
  const isOneHot = mode === 'one_hot';
  const bits = context.add('compare', { operation: 'eq' }, [reshape(context, x, [...shape, 1], `${name}/column`), numbers], isOneHot ? name : `${name}/one_hot`);
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
  const thresholds = Float64Array.from(given as number[], Number);
  if (thresholds.some((value, i) => !Number.isFinite(value) || value < (thresholds[i - 1] ?? -Infinity))) return config.bad('bin_boundaries', 'finite numbers that ascend');
  const levels = Float64Array.from({ length: thresholds.length + 1 }, (_, i) => i);
  const mode = modeOf(config, 'int', ['int', ...MODES]);
  const params = { thresholds: tensor([1, thresholds.length], thresholds, true), values: tensor([1, levels.length], levels, true), axis: x.shape.length - 1 };
  const bins = context.add('staircase', params, [x], mode === 'int' ? name : `${name}/bins`);
  return mode === 'int' ? bins : encoded(context, bins, levels.length, mode, name);
});

export const categoryLayers: HandlerTable = {
  CategoryEncoding: categoryEncoding,
  Discretization: discretization,
};
