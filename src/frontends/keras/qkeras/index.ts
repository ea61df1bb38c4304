import type { ActivationTable, HandlerTable, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';
import { convolutionLayers } from '../layers/convolution.js';
import { coreLayers } from '../layers/core.js';
import { qkerasActivations as activations, ownSpecification } from './activations.js';
import { qAdaptiveActivation } from './adaptive.js';
import { foldedLayer, qBatchNormalization } from './batchNormalization.js';
import { qAveragePooling2D, qGlobalAveragePooling2D } from './pooling.js';
import { quantisedLayer } from './quantisedLayers.js';

/** QKeras' quantisers, wherever an activation may stand. */
export const qkerasActivations: ActivationTable = activations;

const bias = { bias: 'bias_quantizer' };
const kernel = { kernels: { kernel: 'kernel_quantizer' }, others: bias };
const depthwise = { kernels: { depthwise_kernel: 'depthwise_quantizer' }, others: bias };
const separable = { kernels: { depthwise_kernel: 'depthwise_quantizer', pointwise_kernel: 'pointwise_quantizer' }, others: bias };

const stock = { ...coreLayers, ...convolutionLayers } as Readonly<Record<'Dense' | 'Conv1D' | 'Conv2D' | 'Conv2DTranspose' | 'DepthwiseConv2D' | 'SeparableConv1D' | 'SeparableConv2D', LayerHandler>>;

/** Layers of QKeras 0.9.0, its master and qkeras-v3; recurrent ones are with the stock cells. */
export const qkerasLayers: HandlerTable = {
  QActivation: unary((layer, x, context) => context.activation(ownSpecification(layer.config.json('activation')), x, layer.name, true)),
  QAdaptiveActivation: qAdaptiveActivation,
  QAveragePooling2D: qAveragePooling2D,
  QBatchNormalization: qBatchNormalization,
  QConv1D: quantisedLayer(stock.Conv1D, kernel),
  QConv2D: quantisedLayer(stock.Conv2D, kernel),
  QConv2DBatchnorm: foldedLayer(stock.Conv2D, 'kernel', kernel),
  QConv2DTranspose: quantisedLayer(stock.Conv2DTranspose, kernel),
  QDense: quantisedLayer(stock.Dense, kernel),
  QDenseBatchnorm: foldedLayer(stock.Dense, 'kernel', kernel),
  QDepthwiseConv2D: quantisedLayer(stock.DepthwiseConv2D, depthwise),
  QDepthwiseConv2DBatchnorm: foldedLayer(stock.DepthwiseConv2D, 'depthwise_kernel', depthwise),
  QGlobalAveragePooling2D: qGlobalAveragePooling2D,
  QSeparableConv1D: quantisedLayer(stock.SeparableConv1D, separable),
  QSeparableConv2D: quantisedLayer(stock.SeparableConv2D, separable),
};
