import type { z } from 'zod';
import type { CircuitBuilder } from '../circuit/builder.js';
import type { FixedType } from '../fixed/fixedType.js';
import type { LayerPrecision } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';
import type { PrecisionRules } from './precisionRules.js';
import type { ProductPlan } from './products.js';
import type { Bounds, TensorRange } from './ranges.js';

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

/** How far plain float parameters are rounded, where nothing types them. */
export interface Rounding {
  /** Significant bits of a weight. */
  readonly weightBits: number;
  /** `--score-type`: the type of a forest's leaves and score. */
  readonly scoreType: FixedType | undefined;
  /** The grid of the layer's first input, if it has one. */
  readonly inputExp: number | undefined;
  /** How far the output may be off where only bounded functions (tanh, sigmoid) read it, whatever its range. */
  readonly mostError?: number;
}

/** Parameters after rounding, and what was done to them. */
export interface RoundedParams<Params> {
  readonly params: Params;
  /** For the report; empty where nothing was rounded. */
  readonly statements: readonly string[];
  /** Whether the model has them as plain numbers, of no quantiser's grid. */
  readonly plain: boolean;
}

/**
 * How many bits a result gets that nothing else types: `table`: a function with values in [−1, 1]; `function`: any other
 * function made as a table; `single`: the resolution of results; `double`: twice that, for sums and products of variables, whose proven range is far above what
 * they usually are.
 */
export type ResultResolution = 'table' | 'function' | 'single' | 'double';

/**
 * Everything about one kind of layer, in one file. `Params` is plain data (JSON plus Tensors). What is optional has a
 * default that suits layers which only pick, move or compare values.
 */
export interface LayerDefinition<Params> {
  readonly kind: string;
  /** What the parameters must look like when they come from a file. */
  readonly params: z.ZodType<Params>;
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

  /** Bounds of the exact output. By default what `evaluate` gives at the lower and at the upper ends: the layer rises with its inputs. */
  readonly bounds?: (params: Params, inputs: readonly TensorRange[]) => Bounds;
  /** The grid 2^exp of the exact output, undefined if there is none. By default the finest of the inputs'. */
  readonly grid?: (params: Params, inputs: readonly TensorRange[]) => number | undefined;

  /**
   * What a precision file can type, and hls4ml's inference. By default a result, which is the model's default where the
   * file says `auto`. `none`: a file has no say, as in the model's own quantisers. Layers that move elements default to none.
   */
  readonly precision?: PrecisionRules<Params> | 'none';

  /** Present in the model's own quantisers: the type whose cast it is, if there is one. */
  readonly quantiser?: (params: Params) => FixedType | undefined;
  /** `double` by default. */
  readonly resolution?: (params: Params) => ResultResolution;
  /** A function that changes by no more than about twice what its first input changes by. */
  readonly gentle?: (params: Params) => boolean;
  /** Commutes with multiplication by a positive number, as picking, adding and averaging elements do. By default what `structural` says. */
  readonly homogeneous?: (params: Params) => boolean;
  /** Multiplies by `params.weight` and adds `params.bias`: the axes of their output channels in the weight and in the output. */
  readonly weighted?: (params: Params, outputRank: number) => { readonly weightAxis: number; readonly outputAxis: number } | undefined;
  /** The same layer as products of inputs and weights. */
  readonly products?: (params: Params, input: readonly number[]) => ProductPlan;
  /** Costs no more on an exact input than on a rounded one, and leaves less of it (relu, clip): rounding waits for its result. */
  readonly cuts?: (params: Params) => boolean;
  /** Rounds plain float parameters, but for the bias. By default there are none. */
  readonly roundParameters?: (params: Params, rounding: Rounding) => RoundedParams<Params>;
  /** Rounds a plain bias to the grid 2^exp, which follows from the output's range. By default there is none. */
  readonly roundBias?: (params: Params, exp: number) => RoundedParams<Params>;
  /**
   * What a constant at this input stands for, where plain floats are to be rounded: a factor keeps its own significant
   * bits, terms share a grid. By default it stays as it is.
   */
  readonly constantRole?: (params: Params, position: number) => 'factor' | 'term' | undefined;
}
