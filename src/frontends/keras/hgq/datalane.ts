import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { KerasContext, KerasLayer } from '../layer.js';
import type { LayerWeights } from '../weights.js';
import { behindCast, castLayer, readQuantiser } from './quantiser.js';
import type { Quantiser } from './quantiser.js';
import { elementTables } from './tables.js';

/** A tensor through a quantiser; as it is without one. */
export function quantise(quantiser: Quantiser | undefined, x: TensorRef, name: string, context: KerasContext): TensorRef {
  if (quantiser === undefined) return x;
  const cast = castLayer(quantiser, x, name, context);
  const { scaler, affine: [factor, shift] } = quantiser;
  if (scaler === 1 && factor === 1 && shift === 0) return cast;
  if (isExact(quantiser)) {
    const scaled = context.add('elementwise', { operation: 'mul' }, [cast, context.constant(`${name}_factor`, tensor([], [scaler * factor], true))], `${name}_scaled`);
    return shift === 0 ? scaled : context.add('elementwise', { operation: 'add' }, [scaled, context.constant(`${name}_shift`, tensor([], [shift], true))], `${name}_shifted`);
  }
  const mapped = elementTables(quantiser, cast, () => ({ key: '', value: (v) => behindCast(quantiser, v) }), `${name}_map`, context);
  if (mapped !== undefined) return mapped;
  return context.fail('unsupported', name, 'wide-map', 'has a scaler or an affine map on more bits than a table can have.', 'Use a scaler that is a power of two, or fewer bits.');
}

/** Whether scaler and affine map are shifts and a sum that float32 holds. */
function isExact({ integerBits, fractionBits, scaler, affine: [factor, shift] }: Quantiser): boolean {
  const exponents = [Math.log2(Math.abs(scaler)), Math.log2(Math.abs(factor))];
  if (!exponents.every(Number.isInteger)) return false;
  const by = (exponents[0] as number) + (exponents[1] as number);
  const grid = Math.min(...fractionBits.data.map((f) => -f)) + by;
  const top = Math.max(...integerBits.data, ...fractionBits.data.map((f) => -f)) + by;
  const reach = 2 ** top + Math.abs(shift);
  return Number.isInteger(shift / 2 ** Math.max(grid, -100)) && reach <= 2 ** (grid + 24);
}

/** The quantiser `iq` of a layer from its field `iq_conf`. */
export function quantiserOf({ name, config, weights }: KerasLayer, attribute: string, context: KerasContext, part: LayerWeights = weights.part(attribute)): Quantiser | undefined {
  const field = `${attribute}_conf`;
  return readQuantiser(config.json(field), { layer: name, field, weights: part }, context);
}

/** What a layer computes with: its input through its input quantiser, if that is on. */
export function quantisedInput(layer: KerasLayer, x: TensorRef, context: KerasContext): TensorRef {
  if (!layer.config.boolean('enable_iq', true)) return x;
  return quantise(quantiserOf(layer, 'iq', context), x, `${layer.name}_iq`, context);
}

/** What a layer gives: its result through its output quantiser, if that is on. */
export function quantisedOutput(layer: KerasLayer, y: TensorRef, context: KerasContext): TensorRef {
  if (!layer.config.boolean('enable_oq', false)) return y;
  return quantise(quantiserOf(layer, 'oq', context), y, `${layer.name}_oq`, context);
}
