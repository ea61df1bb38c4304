import type { Tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import { describeLayer } from '../description.js';
import type { HandlerTable, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';

/** `kernel [nIn, nOut]` over the last axis. */
export function denseOf(context: KerasContext, x: TensorRef, kernel: Tensor, bias: Tensor | null, name: string): TensorRef {
  return context.add('dense', { weight: kernel, bias }, [x], name);
}

/** Kernel and, with `use_bias`, bias of a layer. */
export function kernelAndBias({ config, weights }: KerasLayer, kernel = 'kernel'): { readonly kernel: Tensor; readonly bias: Tensor | null } {
  const [first, bias] = weights.variables(config.boolean('use_bias', true) ? [kernel, 'bias'] : [kernel]);
  return { kernel: first as Tensor, bias: bias ?? null };
}

const dense = unary((layer, x, context) => {
  const { kernel, bias } = kernelAndBias(layer);
  const y = denseOf(context, x, kernel, bias, layer.name);
  return context.activation(layer.config.json('activation'), y, layer.name);
});

/** The identity: dropout, noise, augmentation and regularisers do nothing at inference. */
const nothing = unary((_layer, x) => x);

/** Its kernel was divided by its norm while it was trained: what is stored is what it computes with. */
const spectralNormalization: LayerHandler = ({ config, name, weights }, { inputs }, context) => {
  const inner = config.json('layer');
  return context.callLayer(inner, name, weights.part('layer', describeLayer(inner, config.where).name), inputs);
};

/** A layer that is nothing but an activation keeps its own name. */
const activation = unary((layer, x, context) => context.activation(layer.config.json('activation'), x, layer.name, true));

export const coreLayers: HandlerTable = {
  Activation: activation,
  ActivityRegularization: nothing,
  AlphaDropout: nothing,
  Dense: dense,
  Dropout: nothing,
  GaussianDropout: nothing,
  GaussianNoise: nothing,
  Identity: nothing,
  RandomBrightness: nothing,
  RandomColorDegeneration: nothing,
  RandomColorJitter: nothing,
  RandomContrast: nothing,
  RandomElasticTransform: nothing,
  RandomErasing: nothing,
  RandomFlip: nothing,
  RandomGaussianBlur: nothing,
  RandomGrayscale: nothing,
  RandomHue: nothing,
  RandomInvert: nothing,
  RandomPerspective: nothing,
  RandomPosterization: nothing,
  RandomRotation: nothing,
  RandomSaturation: nothing,
  RandomSharpness: nothing,
  RandomShear: nothing,
  RandomTranslation: nothing,
  RandomZoom: nothing,
  SpatialDropout1D: nothing,
  SpatialDropout2D: nothing,
  SpatialDropout3D: nothing,
  SpectralNormalization: spectralNormalization,
};
