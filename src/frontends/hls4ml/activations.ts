import type { FixedType } from '../../fixed/fixedType.js';
import { castValue, fixedType } from '../../fixed/fixedType.js';
import type { ActivationParams } from '../../layers/activation.js';
import type { LayerPrecision } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import { sizeOf, tensor } from '../../model/tensor.js';
import type { TensorRef } from '../network.js';
import type { Handler, LayerCall } from './project.js';

/** The widest input that a table of all its values is read for. */
const MOST_TABLE_BITS = 16;

/** Functions of one value: `f<data, res, config>(data, res)`. */
export function activation(params: ActivationParams, range?: number): Handler {
  return (at) => {
    const { project, call, name } = at;
    const table = project.configType(at, 'table_t');
    const tableSize = project.optionalNumber(at, 'table_size');
    const precision = project.precision(at, call.types[1], { ...(table !== undefined && { table }), ...(tableSize !== undefined && { tableSize }), ...(range !== undefined && { tableRange: range }) });
    return project.net.add('activation', params, [at.inputs[0] as TensorRef], name, precision);
  };
}

/** `f<data, param, res, config>(data, number, res)`, before version 1.0 without the parameter's type. */
export function parametric(fn: 'leakyRelu' | 'elu' | 'thresholdedRelu'): Handler {
  return (at) => {
    const { project, call, name } = at;
    const alpha = Number(call.args[1]);
    if (!Number.isFinite(alpha)) return project.fail('input', name, 'bad-field', `its parameter '${call.args[1] ?? ''}' is no number.`);
    const [param, result] = call.types.length > 3 ? [call.types[1], call.types[2]] : [undefined, call.types[1]];
    const table = project.configType(at, 'table_t');
    const tableSize = project.optionalNumber(at, 'table_size');
    const extra = { ...(param !== undefined && { param: project.type(param, name) }), ...(table !== undefined && { table }), ...(tableSize !== undefined && { tableSize }) };
    return project.net.add('activation', { function: fn, alpha }, [at.inputs[0] as TensorRef], name, project.precision(at, result, extra));
  };
}

/** `relu_max<data, res, MAX, config>`: also relu1 and relu6 of older versions. */
export function reluUpTo(fixed: number | undefined): Handler {
  return (at) => {
    const { project, call, name } = at;
    const max = fixed ?? project.definitions.number(call.types[2] ?? '') ?? project.fail('input', name, 'bad-field', `its limit '${call.types[2] ?? ''}' is no number.`);
    return project.net.add('clip', { min: 0, max }, [at.inputs[0] as TensorRef], name, project.precision(at, call.types[1]));
  };
}

export const softmax: Handler = (at) => {
  const { project, call, name } = at;
  const extra: { -readonly [K in keyof LayerPrecision]?: LayerPrecision[K] } = {};
  const [expTable, invTable, invInput, table] = [project.configType(at, 'exp_table_t'), project.configType(at, 'inv_table_t'), project.configType(at, 'inv_inp_t'), project.configType(at, 'table_t')];
  if (expTable !== undefined) extra.expTable = expTable;
  if (invTable !== undefined) extra.invTable = invTable;
  if (invInput !== undefined) extra.invInput = invInput;
  if (table !== undefined) extra.table = table;
  extra.tableSize = project.optionalNumber(at, 'inv_table_size', 'exp_table_size', 'table_size') ?? 1024;
  const implementation = project.word(at, 'implementation');
  if (implementation !== undefined && implementation !== 'latency' && implementation !== 'stable' && implementation !== 'legacy' && implementation !== 'argmax') {
    return project.fail('unsupported', name, 'softmax', `its implementation is ${implementation}.`);
  }
  extra.softmax = implementation ?? 'legacy';
  const x = at.inputs[0] as TensorRef;
  const slice = project.optionalNumber(at, 'n_slice') ?? sizeOf(x.shape);
  const inner = project.optionalNumber(at, 'n_inner') ?? 1;
  const outer = sizeOf(x.shape) / slice / inner;
  const shaped = outer === 1 && inner === 1 ? x : project.shaped(x, [outer, slice, inner], name);
  return project.net.add('softmax', { axis: shaped === x ? x.shape.length - 1 : 2 }, [shaped], name, project.precision(at, call.types[1], extra));
};

/** A constant of the config struct as C++ casts it to the type that the struct declares for it. */
function typedConstant(at: LayerCall, field: string): { readonly value: number; readonly type: FixedType } {
  const { project, config, name } = at;
  const type = project.configType(at, field) ?? project.fail('input', name, 'missing-field', `its config struct has no ${field}.`, 'Give the project folder as hls4ml wrote it.');
  const written = Number(config.fields.get(field));
  if (!Number.isFinite(written)) return project.fail('input', name, 'bad-field', `its ${field} '${config.fields.get(field) ?? ''}' is no number.`);
  return { value: castValue(written, type), type };
}

/** slope · x + shift between 0 and 1, exact, then cast to `result`. */
function clippedLine(at: LayerCall, name: string, result: string | undefined): TensorRef {
  const { project } = at;
  const [slope, shift] = [typedConstant(at, 'slope'), typedConstant(at, 'shift')];
  const params = { function: 'hardSigmoid' as const, alpha: slope.value, beta: shift.value };
  return project.net.add('activation', params, [at.inputs[0] as TensorRef], name, project.precision(at, result, { param: slope.type, bias: shift.type }));
}

export const hardSigmoid: Handler = (at) => clippedLine(at, at.name, at.call.types[1]);

/** 2 · hard sigmoid − 1. */
export const hardTanh: Handler = (at) => {
  const { project, call, name } = at;
  const half = clippedLine(at, `${name}/hard_sigmoid`, undefined);
  return project.affine(half, 2, -1, name, project.type(call.types[1], name));
};

/** `prelu<data, param, res, config>(data, slopes, res)`. */
export const prelu: Handler = (at) => {
  const { project, call, name } = at;
  const x = at.inputs[0] as TensorRef;
  const slope = project.weights(call.args[1], [1, ...x.shape.slice(1)], name);
  return project.net.add('prelu', { slope }, [x], name, project.precision(at, call.types[2], { param: project.type(call.types[1], name) }));
};

/** The least value of the type's grid above `limit`. */
function nextAbove(limit: number, { width, integer }: FixedType): number {
  const step = 2 ** (integer - width);
  return (Math.floor(limit / step) + 1) * step;
}

/** Thresholds, one row for all or a row a channel of the last axis, and one value more than thresholds; cast to `result`. */
function steps(at: LayerCall, x: TensorRef, thresholds: Tensor, levels: readonly number[], result: FixedType): TensorRef {
  const { project, name } = at;
  const cast = levels.map((level) => castValue(level, result));
  const rows = thresholds.shape[0] as number;
  const values = tensor([rows, cast.length], Float64Array.from({ length: rows * cast.length }, (_, k) => cast[k % cast.length] as number), true);
  const stairs = project.net.add('staircase', { thresholds: { ...thresholds, quantised: true }, values, axis: x.shape.length - 1 }, [x], `${name}/steps`);
  return project.cast(stairs, result, name);
}

/** ±1 in the result's type, but 0 and 1 in one bit. */
export const binaryTanh: Handler = (at) => {
  const result = at.project.type(at.call.types[1], at.name);
  const isBit = !result.signed && result.width === 1 && result.integer === 1;
  return steps(at, at.inputs[0] as TensorRef, tensor([1, 1], [0]), isBit ? [0, 1] : [-1, 1], result);
};

/** −1, 0 and 1 by 2x, which is cast back to the input's type first. */
export const ternaryTanh: Handler = (at) => {
  const { project, call, name } = at;
  const type = project.type(call.types[0], name);
  const doubled = project.affine(at.inputs[0] as TensorRef, 2, 0, `${name}/doubled`, type);
  return steps(at, doubled, tensor([1, 2], [nextAbove(-1, type), nextAbove(1, type)]), [-1, 0, 1], project.type(call.types[1], name));
};

/** Batch normalisation and a sign in one: `x ≥ threshold` as a bit, or −1, 0, 1 between `lo` and `hi`. */
export function normalizeSign(levels: 2 | 3): Handler {
  return (at) => {
    const { project, call, name } = at;
    const type = project.type(call.types[0], name);
    const nIn = project.number(at, 'n_in');
    const filters = project.optionalNumber(at, 'n_filt') ?? -1;
    const channels = filters <= 0 ? nIn : filters;
    const stored = call.args.slice(2, 1 + levels).map((array) => project.weights(array, [channels], name).data.map((value) => castValue(value, type)));
    const [high, low] = stored as [Float64Array, Float64Array?];
    const x = project.shaped(at.inputs[0] as TensorRef, channels === nIn ? [nIn] : [nIn / channels, channels], name);
    if (low === undefined) return steps(at, x, tensor([channels, 1], high), [0, 1], fixedType(false, 1, 1));
    const pairs = Float64Array.from({ length: 2 * channels }, (_, k) => nextAbove((k % 2 === 0 ? low : high)[k >> 1] as number, type));
    return steps(at, x, tensor([channels, 2], pairs), [-1, 0, 1], fixedType(true, 2, 2));
  };
}

/** A table of every raw value of the input's type, read by its bits. */
export const unaryLut: Handler = (at) => {
  const { project, call, name } = at;
  const [from, table] = [project.type(call.types[0], name), project.configType(at, 'table_t')];
  if (from.width > MOST_TABLE_BITS) return project.fail('unsupported', name, 'table-size', `its table is read by ${from.width} bits; at most ${MOST_TABLE_BITS} are supported.`);
  const size = 2 ** from.width;
  const stored = project.weights(call.args[2], [size], name).data.map((value) => (table === undefined ? value : castValue(value, table)));
  const half = from.signed ? size / 2 : 0;
  const values = tensor([size], Float64Array.from({ length: size }, (_, k) => stored[(k + size - half) % size] as number), true);
  const tables = [{ exp: from.integer - from.width, first: -half, values }];
  const looked = project.net.add('lut', { tables, index: tensor([1], [0], true) }, [at.inputs[0] as TensorRef], `${name}/table`);
  return project.cast(looked, project.type(call.types[1], name), name);
};
