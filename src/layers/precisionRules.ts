import type { FixedType } from '../fixed/fixedType.js';
import { fixedType } from '../fixed/fixedType.js';
import type { Tensor } from '../model/tensor.js';

/** The types a layer can have, by hls4ml's names. */
export const TYPE_VARIABLES = [
  'weight', 'bias', 'accum', 'result', 'scale', 'table', 'exp_table', 'inv_table', 'inv_inp', 'embeddings', 'param',
] as const;
export type TypeVariable = (typeof TYPE_VARIABLES)[number];

/** hls4ml's fixed default of tables. */
export const TABLE_TYPE: FixedType = fixedType(true, 18, 8);
/** hls4ml's fixed default of softmax's inner types. */
export const SOFTMAX_TYPE: FixedType = fixedType(true, 18, 8, 'RND', 'SAT');

/** What one inference of hls4ml's `auto` reads. */
export interface InferenceInput {
  /** Types of the node's inputs, in order. */
  readonly operands: readonly FixedType[];
  /** Type of a parameter, given or of its values; undefined where there is none. */
  readonly parameter: (name: 'weight' | 'scale' | 'bias') => FixedType | undefined;
  readonly inputShape: readonly number[];
}

/** The type that hls4ml 1.3 infers; undefined where it takes the model's default. */
export type InferenceRule<Params> = (params: Params, input: InferenceInput) => FixedType | undefined;

/** The types of one kind of layer, in hls4ml's terms (docs/precision.md). */
export interface PrecisionRules<Params> {
  /** Looked up by layer, class and model. */
  readonly looked: (params: Params) => readonly TypeVariable[];
  /** Have defaults of their own, which only layer keys (`table_t`, …) override. */
  readonly fixed?: (params: Params) => Partial<Record<TypeVariable, FixedType>>;
  /** The tensors that the parameter types are of; absent ones (a missing bias) need no type. */
  readonly parameters?: (params: Params) => Partial<Record<TypeVariable, Tensor | null>>;
  /** How `auto` is inferred; what is absent here falls back to the model's default. */
  readonly infer?: { readonly accum?: InferenceRule<Params>; readonly result?: InferenceRule<Params> };
  /** Inferred types that `Model.Precision.maximum` does not cap. */
  readonly uncapped?: (params: Params, variable: 'accum' | 'result') => boolean;
  /** A `param` type of `auto` is the input's, not the smallest of its value. */
  readonly isParamOfInputType?: (params: Params) => boolean;
  /** Strategy and reuse factor order its sums. */
  readonly hasStrategy?: true;
  /** `Implementation` chooses its arithmetic. */
  readonly hasImplementation?: true;
}

/** Nothing but a result, not inferred. */
export const RESULT_ONLY: PrecisionRules<unknown> = { looked: () => ['result'] };
