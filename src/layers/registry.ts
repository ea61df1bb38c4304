import { CompileError } from '../errors.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import { activationLayer, type ActivationParams } from './activation.js';
import { batchNormalizationLayer, type BatchNormalizationParams } from './batchNormalization.js';
import { bipolarQuantLayer, type BipolarQuantParams } from './bipolarQuant.js';
import { clipLayer, type ClipParams } from './clip.js';
import { concatLayer, type ConcatParams } from './concat.js';
import { convLayer, type ConvParams } from './conv.js';
import type { LayerDefinition } from './definition.js';
import { denseLayer, type DenseParams } from './dense.js';
import { dotLayer, type DotParams } from './dot.js';
import { elementwiseLayer, type ElementwiseParams } from './elementwise.js';
import { embeddingLayer, type EmbeddingParams } from './embedding.js';
import { fixedQuantLayer, type FixedQuantParams } from './fixedQuant.js';
import { forestLayer, type ForestParams } from './forest.js';
import { gatherLayer, type GatherParams } from './gather.js';
import { matmulLayer, type MatmulParams } from './matmul.js';
import { padLayer, type PadParams } from './pad.js';
import { poolLayer, type PoolParams } from './pool.js';
import { quantLayer, type QuantParams } from './quant.js';
import { reduceLayer, type ReduceParams } from './reduce.js';
import { reshapeLayer, type ReshapeParams } from './reshape.js';
import { sliceLayer, type SliceParams } from './slice.js';
import { softmaxLayer, type SoftmaxParams } from './softmax.js';
import { toIntegerLayer, type ToIntegerParams } from './toInteger.js';
import { transposeLayer, type TransposeParams } from './transpose.js';
import { truncLayer, type TruncParams } from './trunc.js';

/** Every kind of layer and its parameters: the list that `layers` must match. */
export interface LayerParams {
  readonly activation: ActivationParams;
  readonly batchNormalization: BatchNormalizationParams;
  readonly bipolarQuant: BipolarQuantParams;
  readonly clip: ClipParams;
  readonly concat: ConcatParams;
  readonly conv: ConvParams;
  readonly dense: DenseParams;
  readonly dot: DotParams;
  readonly elementwise: ElementwiseParams;
  readonly embedding: EmbeddingParams;
  readonly fixedQuant: FixedQuantParams;
  readonly forest: ForestParams;
  readonly gather: GatherParams;
  readonly matmul: MatmulParams;
  readonly pad: PadParams;
  readonly pool: PoolParams;
  readonly quant: QuantParams;
  readonly reduce: ReduceParams;
  readonly reshape: ReshapeParams;
  readonly slice: SliceParams;
  readonly softmax: SoftmaxParams;
  readonly toInteger: ToIntegerParams;
  readonly transpose: TransposeParams;
  readonly trunc: TruncParams;
}

export type LayerKind = keyof LayerParams;

/** The definition of each kind; leaving one out does not compile. */
export const layers: { readonly [Kind in LayerKind]: LayerDefinition<LayerParams[Kind]> } = {
  activation: activationLayer,
  batchNormalization: batchNormalizationLayer,
  bipolarQuant: bipolarQuantLayer,
  clip: clipLayer,
  concat: concatLayer,
  conv: convLayer,
  dense: denseLayer,
  dot: dotLayer,
  elementwise: elementwiseLayer,
  embedding: embeddingLayer,
  fixedQuant: fixedQuantLayer,
  forest: forestLayer,
  gather: gatherLayer,
  matmul: matmulLayer,
  pad: padLayer,
  pool: poolLayer,
  quant: quantLayer,
  reduce: reduceLayer,
  reshape: reshapeLayer,
  slice: sliceLayer,
  softmax: softmaxLayer,
  toInteger: toIntegerLayer,
  transpose: transposeLayer,
  trunc: truncLayer,
};

/** The definition of a kind; `params` must be that kind's. Throws for a kind that does not exist. */
export function definitionOf(kind: string): LayerDefinition<unknown> {
  if (!Object.hasOwn(layers, kind)) {
    throw new CompileError('internal', { code: 'unknown-layer-kind', where: [], what: `no layer is of kind '${kind}'; there are ${Object.keys(layers).join(', ')}` });
  }
  // A node's params are of its kind by construction (frontends build both together), which the type cannot say.
  return layers[kind as LayerKind] as LayerDefinition<unknown>;
}

/** What frontends and the float reference are handed. */
export const catalogue: LayerCatalogue = {
  shape: (kind, params, inputs) => definitionOf(kind).shape(params, inputs),
  evaluate: (kind, params, inputs) => definitionOf(kind).evaluate(params, inputs),
  structural: (kind) => definitionOf(kind).structural === true,
  hls4mlClass: (kind, params, inputs) => definitionOf(kind).hls4mlClass(params, inputs),
};
