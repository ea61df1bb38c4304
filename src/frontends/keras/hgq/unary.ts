import type { TensorRef } from '../../network.js';
import { ConfigReader } from '../json.js';
import type { HandlerTable, KerasContext, KerasLayer } from '../layer.js';
import { unary } from '../layer.js';
import { quantise, quantiserOf } from './datalane.js';
import type { Float32Function } from './float32.js';
import { float32Function } from './float32.js';
import type { Quantiser, Widths } from './quantiser.js';
import { behindCast, castLayer, quantiseNumber, widthsOf } from './quantiser.js';
import { elementTables } from './tables.js';

/** A function between two quantisers, either of which may be missing. */
interface Between {
  readonly input: Quantiser | undefined;
  readonly output: Quantiser | undefined;
  readonly value: Float32Function;
  readonly name: string;
}

/** One table an element: output quantiser of the function of what the input quantiser gives. */
export function functionBetween({ input, output, value, name }: Between, x: TensorRef, context: KerasContext): TensorRef {
  if (input === undefined) return context.fail('unsupported', name, 'function-input', 'is a function of values that no quantiser limits.', 'Enable its input quantiser (enable_iq).');
  const cast = castLayer(input, x, `${name}_iq`, context);
  const outputs = output === undefined ? undefined : widthsOf(output, x.shape);
  const tables = elementTables(
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
  return tables ?? context.fail('unsupported', name, 'wide-table', 'is a function of more than 16 bits, or needs more than 8 million table entries.', 'Give its input quantiser fewer bits.');
}

/** The function that a layer's configuration states. */
function functionOf(layer: KerasLayer, context: KerasContext): Float32Function {
  const specification = layer.config.json('activation');
  const value = float32Function(specification, (fields) => new ConfigReader(fields, [...layer.config.where, 'activation']));
  return value ?? context.fail('unsupported', layer.name, 'unknown-function', `evaluates ${JSON.stringify(specification)?.slice(0, 120)}, which is no function of one value that is known.`, 'Use a function of keras.activations.');
}

/** f(x) between the layer's quantisers; by arithmetic where it has no input quantiser. */
function lookedUp(layer: KerasLayer, x: TensorRef, value: Float32Function, context: KerasContext): TensorRef {
  const { config, name } = layer;
  const input = config.boolean('enable_iq', true) ? quantiserOf(layer, 'iq', context) : undefined;
  const output = config.boolean('enable_oq', true) ? quantiserOf(layer, 'oq', context) : undefined;
  if (input === undefined) return quantise(output, context.activation(config.json('activation'), x, name, true), `${name}_oq`, context);
  return functionBetween({ input, output, value, name }, x, context);
}

const functionLayer = unary((layer, x, context) => lookedUp(layer, x, functionOf(layer, context), context));

/** f(x · scale + bias), both trained. */
const affineFunctionLayer = unary((layer, x, context) => {
  const fround = Math.fround;
  const [scale, bias] = layer.weights.variables(['scale', 'bias']).map((variable) => variable.data[0] as number) as [number, number];
  if (!layer.config.boolean('enable_iq', true)) return context.fail('unsupported', layer.name, 'function-input', 'is a function of values that no quantiser limits.', 'Enable its input quantiser (enable_iq).');
  const f = functionOf(layer, context);
  return lookedUp(layer, x, (v) => f(fround(fround(v * scale) + bias)), context);
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
