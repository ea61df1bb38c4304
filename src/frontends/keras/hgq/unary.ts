import type { TensorRef } from '../../network.js';
import { ConfigReader } from '../json.js';
import type { HandlerTable, KerasContext, KerasLayer } from '../layer.js';
import { unary } from '../layer.js';
import { quantise, quantiserOf } from './datalane.js';
import type { Float32Function } from './float32.js';
import { float32Function } from './float32.js';
import type { Quantiser, Widths } from './quantiser.js';
import { behindCast, castLayer, checkBroadcast, quantiseNumber, widthsOf } from './quantiser.js';
import { ownActivation } from './stock.js';
import { elementTables, fitsTables } from './tables.js';

/** A function between two quantisers, either of which may be missing. */
interface Between {
  readonly input: Quantiser | undefined;
  readonly output: Quantiser | undefined;
  readonly value: Float32Function;
  readonly name: string;
}

/**
 * One table an element: output quantiser of the function of what the input quantiser gives. Where there is none, or it gives
 * too many values, the function is `wide`, a layer between the two quantisers, if it can be one.
 */
export function functionBetween(between: Between, x: TensorRef, context: KerasContext, wide?: (x: TensorRef) => TensorRef): TensorRef {
  const { input, output, name } = between;
  const found = input === undefined ? undefined : tabulated(between, input, x, context);
  if (found !== undefined) return found;
  if (wide !== undefined) return quantise(output, wide(quantise(input, x, `${name}_iq`, context)), `${name}_oq`, context);
  const what = input === undefined ? 'is a function of values that no quantiser limits.' : 'is a function of more than 16 bits, or needs more than 8 million table entries.';
  return context.fail('unsupported', name, 'function-input', what, 'Enable its input quantiser (enable_iq), with at most 16 bits.');
}

function tabulated({ output, value, name }: Between, input: Quantiser, x: TensorRef, context: KerasContext): TensorRef | undefined {
  if (!fitsTables(input)) return undefined;
  const cast = castLayer(input, x, `${name}_iq`, context);
  if (output !== undefined) checkBroadcast(output, x.shape, name, context);
  const outputs = output === undefined ? undefined : widthsOf(output, x.shape);
  return elementTables(
    input,
    cast,
    (e) => {
      const widths = outputs?.[e] as Widths | undefined;
      const whole = (v: number): number => value(behindCast(input, v));
      if (output === undefined || widths === undefined) return { key: '', value: whole };
      return { key: `${widths.k}:${widths.i}:${widths.f}`, value: (v) => quantiseNumber(output, widths, whole(v)) };
    },
    name,
    context,
  );
}

/** The function that a layer's configuration states. */
function functionOf(layer: KerasLayer, context: KerasContext): Float32Function {
  const specification = layer.config.json('activation');
  const value = float32Function(specification, (fields) => new ConfigReader(fields, [...layer.config.where, 'activation']));
  return value ?? context.fail('unsupported', layer.name, 'unknown-function', `evaluates ${JSON.stringify(specification)?.slice(0, 120)}, which is no function of one value that is known.`, 'Use a function of keras.activations.');
}

/** f(x) between the layer's quantisers. */
function lookedUp(layer: KerasLayer, x: TensorRef, context: KerasContext): TensorRef {
  const value = functionOf(layer, context);
  const { config, name } = layer;
  const input = config.boolean('enable_iq', true) ? quantiserOf(layer, 'iq', context) : undefined;
  const output = config.boolean('enable_oq', true) ? quantiserOf(layer, 'oq', context) : undefined;
  return functionBetween({ input, output, value, name }, x, context, (own) => ownActivation(layer, own, context));
}

const functionLayer = unary((layer, x, context) => lookedUp(layer, x, context));

/** f(x · scale + bias), both trained. */
const affineFunctionLayer = unary((layer, x, context) => {
  const fround = Math.fround;
  const [scale, bias] = layer.weights.variables(['scale', 'bias']).map((variable) => variable.data[0] as number) as [number, number];
  const f = functionOf(layer, context);
  const output = layer.config.boolean('enable_oq', true) ? quantiserOf(layer, 'oq', context) : undefined;
  return functionBetween({ input: layer.config.boolean('enable_iq', true) ? quantiserOf(layer, 'iq', context) : undefined, output, value: (v) => f(fround(fround(v * scale) + bias)), name: layer.name }, x, context);
});

/** A layer that is one quantiser. */
const quantizerLayer = unary((layer, x, context) => quantise(quantiserOfConfig(layer, context), x, layer.name, context));

function quantiserOfConfig(layer: KerasLayer, context: KerasContext): Quantiser | undefined {
  const own: KerasLayer = { ...layer, config: new ConfigReader({ q_conf: layer.config.json('config') }, layer.config.where) };
  return quantiserOf(own, 'q', context, layer.weights);
}

export const unaryLayers: HandlerTable = {
  'hgq>QUnaryFunctionLUT': functionLayer,
  'hgq>QAffinedUnaryFunctionLUT': affineFunctionLayer,
  'hgq>Quantizer': quantizerLayer,
};
