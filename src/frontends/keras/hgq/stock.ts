import type { TensorRef } from '../../network.js';
import type { JsonObject } from '../json.js';
import type { KerasContext, KerasLayer } from '../layer.js';
import type { LayerWeights } from '../weights.js';

/** The layer of Keras that a quantised one is, with quantised tensors in place of its variables and inputs. */
export function stockLayer(className: string, { name, config }: Pick<KerasLayer, 'name' | 'config'>, weights: LayerWeights, inputs: readonly TensorRef[], context: KerasContext, changes: JsonObject = {}): TensorRef {
  const serialised = { class_name: className, config: { ...config.fields, ...changes, name } };
  const [y] = context.callLayer(serialised, name, weights, inputs);
  return y ?? context.fail('input', name, 'outputs', 'gives nothing.');
}

/** Functions of keras.activations without exact values, by their names in graphs. */
const FLOAT32_FUNCTIONS = {
  elu: 'elu', exponential: 'exp', gelu: 'gelu', log_sigmoid: 'logSigmoid', mish: 'mish', selu: 'selu', sigmoid: 'sigmoid',
  silu: 'silu', softplus: 'softplus', softsign: 'softsign', swish: 'silu', tanh: 'tanh',
} as const;

/** A layer's own activation; the library evaluates it in float32, and a quantiser behind it rounds what that gives. */
export function ownActivation({ name, config }: Pick<KerasLayer, 'name' | 'config'>, x: TensorRef, context: KerasContext): TensorRef {
  const specification = config.json('activation');
  if (typeof specification !== 'string' || !Object.hasOwn(FLOAT32_FUNCTIONS, specification)) return context.activation(specification, x, name);
  const own = FLOAT32_FUNCTIONS[specification as keyof typeof FLOAT32_FUNCTIONS];
  return context.add('activation', { function: own, float32: true }, [x], `${name}_${specification}`);
}

/** A weighted layer of Keras and its activation. */
export function activated(className: string, layer: Pick<KerasLayer, 'name' | 'config'>, weights: LayerWeights, input: TensorRef, context: KerasContext): TensorRef {
  return ownActivation(layer, stockLayer(className, layer, weights, [input], context, { activation: null }), context);
}
