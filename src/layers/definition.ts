import type { CircuitBuilder } from '../circuit/builder.js';
import type { FixedType } from '../fixed/fixedType.js';
import type { LayerPrecision } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';

/** A tensor of circuit ops during lowering; shape with the batch axis, 1; ops in C order. */
export interface LoweredTensor {
  readonly shape: readonly number[];
  readonly ops: Int32Array;
  /** Known values when the tensor is a constant (ops are const ops then). */
  readonly constant?: Tensor;
  /** The declared type of every element, where a quantiser or a result type fixed it: outputs keep it as port type. */
  readonly type?: FixedType;
}

/** What a layer sees while it lowers itself. */
export interface LoweringContext {
  readonly builder: CircuitBuilder;
  /** The layer's name, for errors. */
  readonly layer: string;
  readonly precision: LayerPrecision | undefined;
}

/** Everything about one kind of layer, in one file. `Params` is plain data (JSON plus Tensors). */
export interface LayerDefinition<Params> {
  readonly kind: string;
  /** hls4ml's class names for LayerType configs, by params: `Dense`, `Conv1D`, `Activation`, … */
  readonly hls4mlClass: (params: Params, inputShapes: readonly (readonly number[])[]) => string;
  /**
   * Checks params against the input shapes and gives the output shape (batch axis included), or a sentence that says
   * what does not fit, found against allowed.
   */
  readonly shape: (params: Params, inputs: readonly (readonly number[])[]) => readonly number[] | string;
  /** The float meaning, in float64. */
  readonly evaluate: (params: Params, inputs: readonly Tensor[]) => Tensor;
  /** The circuit. With `context.precision`, hls4ml's arithmetic bit for bit; without, exact. */
  readonly lower: (params: Params, inputs: readonly LoweredTensor[], context: LoweringContext) => LoweredTensor;
  /**
   * True for layers that only move elements (reshape, transpose, concat without types, …): they need no types of their
   * own and pass their input's on.
   */
  readonly structural?: boolean;
}
