import type { FixedType } from '../fixed/fixedType.js';
import { fixedType } from '../fixed/fixedType.js';
import type { ActivationParams } from '../layers/activation.js';
import type { ModelNode } from '../model/graph.js';
import type { TypeVariable } from './precisionConfig.js';

/** hls4ml's fixed default of tables. */
const TABLE: FixedType = fixedType(true, 18, 8);
/** hls4ml's fixed default of softmax's inner types. */
const SOFTMAX: FixedType = fixedType(true, 18, 8, 'RND', 'SAT');

/** The types of one kind of layer, in hls4ml's terms. */
export interface LayerVariables {
  /** Looked up by layer, class and model. */
  readonly looked: readonly TypeVariable[];
  /** Have defaults of their own, which only layer keys (`table_t`, …) override. */
  readonly fixed: ReadonlyMap<TypeVariable, FixedType>;
}

const NONE: ReadonlyMap<TypeVariable, FixedType> = new Map();
const TABULATED: ReadonlySet<ActivationParams['function']> = new Set(['sigmoid', 'tanh', 'softplus', 'softsign', 'elu', 'selu']);
const PARAMETRIC: ReadonlySet<ActivationParams['function']> = new Set(['leakyRelu', 'elu']);

/**
 * What a config can type in this node, or undefined where a config has no say: layers that only move elements, and the
 * model's own quantisers.
 */
export function variablesOf(node: ModelNode, isStructural: boolean): LayerVariables | undefined {
  switch (node.kind) {
    case 'dense':
    case 'conv':
      return { looked: ['weight', 'bias', 'accum', 'result'], fixed: NONE };
    case 'batchNormalization':
      return { looked: ['scale', 'bias', 'result'], fixed: NONE };
    case 'activation': {
      const { function: name } = node.params as ActivationParams;
      return {
        looked: PARAMETRIC.has(name) ? ['param', 'result'] : ['result'],
        fixed: TABULATED.has(name) ? new Map([['table', TABLE]]) : NONE,
      };
    }
    case 'softmax':
      return {
        looked: ['result'],
        fixed: new Map([['table', TABLE], ['exp_table', SOFTMAX], ['inv_table', SOFTMAX], ['inv_inp', SOFTMAX], ['accum', SOFTMAX]]),
      };
    case 'pool':
    case 'reduce':
    case 'dot':
    case 'matmul':
      return { looked: ['accum', 'result'], fixed: NONE };
    case 'embedding':
      return { looked: ['embeddings', 'result'], fixed: NONE };
    case 'elementwise':
    case 'concat':
    case 'clip':
      return { looked: ['result'], fixed: NONE };
    case 'quant':
    case 'bipolarQuant':
    case 'trunc':
    case 'toInteger':
    case 'forest':
      return undefined;
    default:
      return isStructural ? undefined : { looked: ['result'], fixed: NONE };
  }
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
