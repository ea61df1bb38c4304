import type { Tensor } from '../../../model/tensor.js';
import type { KerasContext, KerasLayer } from '../layer.js';
import type { LayerWeights } from '../weights.js';
import { applyQuantiser, ownSpecification, quantiserField, withFields } from './activations.js';
import { changedWeights, quantisedVariable } from './quantisedLayers.js';
import { scalarQuantiser } from './scalar.js';

const variables = {
  kernels: { kernel: 'kernel_quantizer', recurrent_kernel: 'recurrent_quantizer' },
  others: { bias: 'bias_quantizer' },
};

/** A recurrent layer of QKeras as the stock one: weights that quantise themselves, and a quantiser of the state. */
export function quantisedCell(layer: KerasLayer, context: KerasContext): KerasLayer {
  const { config, name } = layer;
  const quantise = (own: string, value: Tensor): Tensor => quantisedVariable(layer, variables, own, value);
  const weights: LayerWeights = {
    ...changedWeights(layer.weights, quantise),
    part: (attribute, ...legacyNames) => changedWeights(layer.weights.part(attribute, ...legacyNames.flatMap((legacy) => [`q${legacy}`, `q_${legacy}`, legacy])), quantise),
  };
  const activations = { activation: ownSpecification(config.json('activation')), recurrent_activation: ownSpecification(config.json('recurrent_activation')) };
  const state = quantiserField(config, 'state_quantizer');
  const own: KerasLayer = { ...layer, weights, config: withFields(config, activations) };
  if (state === undefined) return own;
  if ('alpha' in state && typeof state.alpha === 'string') context.fail('unsupported', name, 'batch-dependent-quantiser', 'quantises its state with a scale found anew in every batch.', 'Give the state quantiser a fixed alpha.');
  if (scalarQuantiser(state, 1)(0) !== 0) context.fail('unsupported', name, 'state-quantiser', `quantises its state with ${state.kind}, which does not keep the zero that it begins with.`, 'Use quantized_bits.');
  return { ...own, quantiseCarry: (x, label) => applyQuantiser(state, x, label, context, [...config.where, 'state_quantizer']) };
}
