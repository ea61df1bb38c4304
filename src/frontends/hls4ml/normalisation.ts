import type { FixedType } from '../../fixed/fixedType.js';
import { castValue } from '../../fixed/fixedType.js';
import { sizeOf, tensor } from '../../model/tensor.js';
import type { TensorRef } from '../network.js';
import type { Handler, LayerCall } from './project.js';

/**
 * `layernormalize<data, res, config>(data, res, scale, bias)` over the last axis, as hls4ml's C++: sums, mean, differences,
 * their squares and the variance in `accum`; 1/√ of the variance from a table over [10^−e, 10^−e + 2^−r).
 */
export const layerNormalization: Handler = (at) => {
  const { project, call, name } = at;
  const x = at.inputs[0] as TensorRef;
  const nIn = project.number(at, 'n_in');
  const width = nIn / project.number(at, 'seq_len');
  if (nIn !== sizeOf(x.shape) || !Number.isInteger(width)) return project.fail('input', name, 'bad-field', `its n_in ${nIn} does not fit its input.`);
  const accum = project.neededType(at, 'accum_t');
  const rows = project.cast(project.shaped(x, [nIn / width, width], `${name}/rows`), accum, `${name}/x`);
  const mean = meanOf(at, rows, accum, `${name}/mean`);
  const difference = project.net.add('elementwise', { operation: 'sub' }, [rows, mean], `${name}/difference`, { source: 'config', result: accum });
  const square = project.net.add('elementwise', { operation: 'mul' }, [difference, difference], `${name}/square`, { source: 'config', result: accum });
  const variance = meanOf(at, square, accum, `${name}/variance`);
  const scaled = project.net.add('elementwise', { operation: 'mul' }, [difference, inverseRoot(at, variance)], `${name}/scaled`, { source: 'config' });
  const [scale, bias] = [project.weights(call.args[2], [width], name), project.weights(call.args[3], [width], name)];
  const scaleType = project.configType(at, 'scale_t');
  const types = project.precision(at, call.types[1], scaleType === undefined ? {} : { scale: scaleType });
  return project.net.add('batchNormalization', { scale, bias, axis: 2 }, [scaled], name, types);
};

/** The sum of the last axis, every step cast, times 1 / n of the same type. */
function meanOf({ project }: LayerCall, x: TensorRef, accum: FixedType, name: string): TensorRef {
  const width = x.shape.at(-1) as number;
  const ones = tensor([width, 1], new Float64Array(width).fill(1), true);
  const sum = project.net.add('dense', { weight: ones, bias: null }, [x], `${name}/sum`, { source: 'config', accum, result: accum });
  const one = (value: number) => tensor([1], [value], true);
  return project.net.add('batchNormalization', { scale: one(castValue(1 / width, accum)), bias: one(0), axis: 2 }, [sum], name, { source: 'config', result: accum });
}

/** The table of 1/√v, its arguments and entries in float32 as the C++ has them, read at trunc(v · N · 2^r). */
function inverseRoot(at: LayerCall, variance: TensorRef): TensorRef {
  const { project, name } = at;
  const [size, range, power] = [project.number(at, 'table_size'), project.number(at, 'table_range_power2'), project.number(at, 'epsilon_power_of_10')];
  const type = project.neededType(at, 'table_t');
  if (!Number.isInteger(Math.log2(size)) || size > MOST_ENTRIES || range > 30 || power > 30) {
    return project.fail('unsupported', name, 'table-size', `its table of ${size} entries over 2^−${range} is not supported.`, `Use a table_size that is a power of two, at most ${MOST_ENTRIES}.`);
  }
  const least = Math.fround(10 ** -power);
  const step = Math.fround(Math.fround(2 ** -range) / size);
  const entry = (i: number): number => castValue(1 / Math.fround(Math.sqrt(Math.fround(least + Math.fround(step * i)))), type);
  const values = tensor([size], Float64Array.from({ length: size }, (_, i) => entry(i)), true);
  const params = { tables: [{ exp: -range - Math.log2(size), first: 0, values }], index: tensor([1], [0], true) };
  return project.net.add('lut', params, [variance], `${name}/inverse_root`);
}

const MOST_ENTRIES = 65536;
