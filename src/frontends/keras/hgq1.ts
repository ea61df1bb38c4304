import { CompileError } from '../../errors.js';
import type { LayerParams } from '../../layers/registry.js';
import type { Tensor } from '../../model/tensor.js';
import { tensor } from '../../model/tensor.js';
import type { ConfigReader } from './json.js';
import type { HandlerTable } from './layer.js';
import { unary } from './layer.js';

type Params = LayerParams['fixedQuant'];

const ROUNDINGS: readonly Params['rounding'][] = ['TRN', 'TRN_ZERO', 'RND', 'RND_ZERO', 'RND_MIN_INF', 'RND_INF', 'RND_CONV'];
const OVERFLOWS: readonly Params['overflow'][] = ['SAT', 'SAT_ZERO', 'SAT_SYM', 'WRAP'];

function modeOf<T extends string>(config: ConfigReader, field: string, known: readonly T[], fallback: string): T {
  const mode = config.string(field, fallback);
  const found = known.find((candidate) => candidate === mode);
  if (found !== undefined) return found;
  throw new CompileError('unsupported', { code: 'quantiser-mode', where: [...config.where, field], what: `is '${mode.slice(0, 40)}', which is not supported.`, mend: `Supported are ${known.join(', ')}.` });
}

/**
 * A fixed-point type an element, as int8: `bits` and `integers` count the sign bit; no bits at all give 0. At inference
 * that is all the proxy does: its `overrides` are hints for hls4ml.
 */
const fixedPointQuantizer = unary((layer, x, context) => {
  const { config } = layer;
  const [negative, bits, integers] = layer.weights.variables(['keep_negative', 'bits', 'integers']) as [Tensor, Tensor, Tensor];
  if (negative.data.length !== bits.data.length || bits.data.length !== integers.data.length) {
    throw new CompileError('input', { code: 'weight-shape', where: config.where, what: `has ${negative.data.length} signs, ${bits.data.length} widths and ${integers.data.length} integer widths; they must be as many.`, mend: 'Save the model again.' });
  }
  const signed = bits.data.map((b, e) => (b > 0 ? (negative.data[e] as number) : 0));
  const params: Params = {
    signed: tensor(bits.shape, signed, true),
    integerBits: tensor(bits.shape, bits.data.map((b, e) => (b > 0 ? (integers.data[e] as number) - (signed[e] as number) : 0)), true),
    fractionBits: tensor(bits.shape, bits.data.map((b, e) => (b > 0 ? b - (integers.data[e] as number) : 0)), true),
    rounding: modeOf(config, 'RND', ROUNDINGS, 'TRN'),
    overflow: modeOf(config, 'SAT', OVERFLOWS, 'WRAP'),
  };
  return context.add('fixedQuant', params, [x], layer.name);
});

/** The most entries of a table. */
const MAX_TABLE_BITS = 16;

/** A function of one value as the table of its results: the argument, rounded to its grid, counts modulo the table. */
const unaryLut = unary((layer, x, context) => {
  const { config } = layer;
  const [table] = layer.weights.variables(['table']) as [Tensor];
  const kif = config.json('kif_in');
  const whole = Array.isArray(kif) && kif.length === 3 && kif.every((n) => Number.isInteger(n) && Math.abs(n as number) <= 64) ? (kif as [number, number, number]) : config.bad('kif_in', 'three whole numbers');
  const [k, i, f] = whole;
  const width = k + i + f;
  if ((k !== 0 && k !== 1) || width < 1 || width > MAX_TABLE_BITS || table.data.length !== 2 ** width) {
    throw new CompileError('input', { code: 'weight-shape', where: config.where, what: `has a table of ${table.data.length} entries for arguments of ${width} bits.`, mend: `A table has 2^(k + i + f) entries, at most 2^${MAX_TABLE_BITS}.` });
  }
  const one = (value: number): Tensor => tensor([], [value], true);
  const argument = context.add('fixedQuant', { signed: one(k), integerBits: one(i), fractionBits: one(f), rounding: 'RND_CONV', overflow: 'WRAP' }, [x], `${layer.name}/argument`);
  const half = k === 1 ? table.data.length / 2 : 0;
  const values = table.data.map((_, n) => table.data[(n + table.data.length - half) % table.data.length] as number);
  return context.add('lut', { tables: [{ exp: -f, first: -half, values: tensor([values.length], values, true) }], index: one(0) }, [argument], layer.name);
});

/** The layers that HGQ v1 adds to stock Keras in a proxy model. */
export const hgq1Layers: HandlerTable = { FixedPointQuantizer: fixedPointQuantizer, UnaryLUT: unaryLut };
