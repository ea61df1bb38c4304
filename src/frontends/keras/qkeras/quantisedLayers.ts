import type { Tensor } from '../../../model/tensor.js';
import type { KerasLayer, LayerHandler } from '../layer.js';
import type { LayerWeights } from '../weights.js';
import { ownSpecification, quantiserField, withFields } from './activations.js';
import { quantiseWeights, trainableForm } from './weights.js';

/** For each variable the field that holds its quantiser; a kernel's turns automatic when its alpha is None. */
export interface QuantisedVariables {
  readonly kernels: Readonly<Record<string, string>>;
  readonly others: Readonly<Record<string, string>>;
}

/** Weights with some variables replaced by what `change` makes of them. */
export function changedWeights(weights: LayerWeights, change: (name: string, value: Tensor) => Tensor): LayerWeights {
  return {
    variables: (names) => weights.variables(names).map((value, i) => change(names[i] as string, value)),
    get count() {
      return weights.count;
    },
    part: (attribute, ...legacyNames) => weights.part(attribute, ...legacyNames),
    get partNames() {
      return weights.partNames;
    },
    layers: (ids) => weights.layers(ids),
  };
}

/** A variable as the layer's quantiser for it makes it. */
export function quantisedVariable({ config }: KerasLayer, { kernels, others }: QuantisedVariables, name: string, value: Tensor): Tensor {
  const field = kernels[name] ?? others[name];
  if (field === undefined) return value;
  const quantiser = quantiserField(config, field);
  return quantiseWeights(kernels[name] === undefined ? quantiser : trainableForm(quantiser), value, [...config.where, field]);
}

/**
 * A QKeras layer that is a stock one with quantised variables and, behind it, a quantised activation: the stock layer's
 * handler with weights that quantise themselves.
 */
export function quantisedLayer(stock: LayerHandler, variables: QuantisedVariables): LayerHandler {
  return (layer, call, context) => {
    const weights = changedWeights(layer.weights, (name, value) => quantisedVariable(layer, variables, name, value));
    const config = withFields(layer.config, { activation: null });
    const outputs = stock({ ...layer, config, weights }, call, context);
    return outputs.map((output) => context.activation(ownSpecification(layer.config.json('activation')), output, layer.name));
  };
}
