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
