import type { PrecisionRules } from '../layers/precisionRules.js';
import { RESULT_ONLY } from '../layers/precisionRules.js';
import { definitionOf } from '../layers/registry.js';
import type { ModelNode } from '../model/graph.js';

/**
 * What a config can type in this node, or undefined where a config has no say: layers that only move elements, and the
 * model's own quantisers.
 */
export function precisionRulesOf(node: ModelNode): PrecisionRules<unknown> | undefined {
  const { precision, structural } = definitionOf(node.kind);
  if (precision === 'none') return undefined;
  return precision ?? (structural === true ? undefined : RESULT_ONLY);
}

/** hls4ml's class names by which `LayerType` may address a layer: the catalogue's, and the families it belongs to. */
export function classNames(className: string): string[] {
  const dimensions = /(\dD)$/.exec(className)?.[1] ?? '';
  if (/^Global(Average|Max)Pooling/.test(className)) return [className, `GlobalPooling${dimensions}`];
  if (/^(Average|Max)Pooling/.test(className)) return [className, `Pooling${dimensions}`];
  return [className];
}

/** The class names hls4ml has: a `LayerType` section may name one that this model lacks, not one that does not exist. */
export const HLS4ML_CLASSES = [
  'Activation', 'ApplyAlpha', 'AveragePooling1D', 'AveragePooling2D', 'BatchNormalization', 'BinaryDense', 'Bidirectional',
  'Clone', 'Concatenate', 'Constant', 'Conv1D', 'Conv2D', 'Dense', 'DepthwiseConv1D', 'DepthwiseConv2D', 'Dot', 'ELU',
  'EinsumDense', 'Einsum', 'Embedding', 'FixedPointQuantizer', 'GRU', 'GarNet', 'GlobalAveragePooling1D',
  'GlobalAveragePooling2D', 'GlobalMaxPooling1D', 'GlobalMaxPooling2D', 'GlobalPooling1D', 'GlobalPooling2D',
  'HardActivation', 'Input', 'InputLayer', 'LSTM', 'LayerNormalization', 'LeakyReLU', 'LinearLayer', 'MatMul',
  'MaxPooling1D', 'MaxPooling2D', 'Merge', 'MultiHeadAttention', 'PReLU', 'ParametrizedActivation', 'PointwiseConv1D',
  'PointwiseConv2D', 'Pooling1D', 'Pooling2D', 'QActivation', 'QConv1D', 'QConv2D', 'QDense', 'Quant', 'ReLU', 'Reduce',
  'Reshape', 'Resize', 'SeparableConv1D', 'SeparableConv2D', 'SimpleRNN', 'Softmax', 'TernaryDense', 'ThresholdedReLU',
  'Transpose', 'UnaryLUT', 'ZeroPadding1D', 'ZeroPadding2D',
] as const;
