import type { Tensor } from '../../model/tensor.js';
import type { LayerSink, TensorRef } from '../network.js';
import type { LayerFunction } from '../recurrent.js';
import type { ConfigReader, Json } from './json.js';
import type { LayerWeights } from './weights.js';

/** One layer of the file, about to be called. */
export interface KerasLayer {
  /** `Dense`; with its package where it has one, `hgq>QDense`; an operation of keras.ops is `ops>Add`. */
  readonly className: string;
  /** What its layers are called in the graph: its own name, in a submodel behind the submodel's: `encoder/dense_1`. */
  readonly name: string;
  readonly config: ConfigReader;
  readonly weights: LayerWeights;
  /** Applied to the state of a recurrent cell as a step begins. */
  readonly quantiseCarry?: LayerFunction;
}

/** An argument of a call: plain JSON, a tensor, or what Python has besides. */
export type Argument =
  | { readonly kind: 'tensor'; readonly tensor: TensorRef }
  | { readonly kind: 'constant'; readonly value: Tensor }
  | { readonly kind: 'list'; readonly items: readonly Argument[] }
  | { readonly kind: 'slice'; readonly start: number | null; readonly stop: number | null; readonly step: number | null }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'json'; readonly value: Json };

/** One call of a layer. Tensors have Keras' own shapes, channels last; the batch is 1. */
export interface KerasCall {
  /** Every tensor of the arguments, in order. */
  readonly inputs: readonly TensorRef[];
  readonly args: readonly Argument[];
  readonly kwargs: Readonly<Record<string, Argument>>;
}

/** What a handler may use: layers of the graph, and Keras' own around it. */
export interface KerasContext extends LayerSink {
  /** Whose defaults hold: `hard_sigmoid` differs. */
  readonly kerasVersion: 2 | 3;
  /**
   * An activation as the file states it: a name, a serialised function or layer, a quantiser; null and `linear` give `x`
   * itself. Its layer is `<name>_<activation>`, as hls4ml calls it, or with `ownName` `name` itself.
   */
  readonly activation: (specification: Json, x: TensorRef, name: string, ownName?: boolean) => TensorRef;
  /** Calls a layer that is part of another one's configuration. */
  readonly callLayer: (serialised: Json, name: string, weights: LayerWeights, inputs: readonly TensorRef[]) => readonly TensorRef[];
  /** Throws a CompileError about a layer of this file. */
  readonly fail: (kind: 'input' | 'unsupported', layer: string, code: string, what: string, mend?: string) => never;
}

/** One layer class: builds one call of it and gives its outputs. Throws CompileError. */
export type LayerHandler = (layer: KerasLayer, call: KerasCall, context: KerasContext) => readonly TensorRef[];

/** Layer classes by name, with or without their package. */
export type HandlerTable = Readonly<Record<string, LayerHandler>>;

/**
 * One activation or quantiser. `name` is the layer to be made. The configuration is the object's; of a text like
 * `quantized_relu(6, 0)` it has one field, `text`; of a plain name it is empty.
 */
export type ActivationHandler = (config: ConfigReader, x: TensorRef, name: string, context: KerasContext) => TensorRef;

export type ActivationTable = Readonly<Record<string, ActivationHandler>>;

/** A handler of one tensor in, one out. */
export function unary(build: (layer: KerasLayer, x: TensorRef, context: KerasContext) => TensorRef): LayerHandler {
  return (layer, call, context) => [build(layer, onlyInput(layer, call, context), context)];
}

function onlyInput(layer: KerasLayer, { inputs }: KerasCall, context: KerasContext): TensorRef {
  const [x, ...others] = inputs;
  if (x === undefined || others.length > 0) return context.fail('input', layer.name, 'inputs', `has ${inputs.length} inputs; 1 is needed.`);
  return x;
}
