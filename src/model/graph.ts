import type { FixedType } from '../fixed/fixedType.js';
import type { Tensor } from './tensor.js';

/**
 * The tensor-level model that every frontend gives and `lower` reads.
 *
 * Shapes carry the batch as their first axis, always 1: one event. Nodes are in topological order; every name in
 * `inputs` is a graph input, a constant or an output of an earlier node. Nothing here knows about cost, devices or files.
 */
export interface ModelGraph {
  readonly name: string;
  /** `onnx`, `qonnx`, `xgboost-json`, `trigforge-model`, … */
  readonly format: string;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly GraphOutput[];
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly ModelNode[];
  /** Number of trained parameters. */
  readonly parameters: number;
}

export interface GraphInput {
  readonly name: string;
  /** With the batch axis, 1. */
  readonly shape: readonly number[];
  /**
   * The type of the wire, once known: from `--input-type`, a precision file, or the model's own input quantiser.
   * A frontend leaves it out unless the format itself says it.
   */
  readonly type?: FixedType;
  /** The type of each element, in C order, where the model quantises them differently; `type` then holds all their values. */
  readonly elementTypes?: readonly FixedType[];
  /** The file declares integers (an embedding index). */
  readonly integer?: boolean;
  /** Not of the model: one bit for each element of that input, 1 where its value is missing (NaN). */
  readonly flagsOf?: string;
  /** The value that stands for a missing one (NaN). */
  readonly missingCode?: number;
  /** Of an I/O schema: the input is hardware integers, and this tensor what the model itself takes as its input of that name. */
  readonly scaled?: string;
  /** What the elements are called. */
  readonly objects?: readonly PortObject[];
}

/** Elements of a tensor in a row: `count` times the fields, or once where there is no count. */
export interface PortObject {
  readonly name: string;
  readonly count?: number;
  readonly fields: readonly PortField[];
}

/** An element of an object, and what one unit of its integer is in physical units. */
export interface PortField {
  readonly name: string;
  readonly lsb?: number;
  readonly unit?: string;
}

/** What turns an output's score into the library's prediction, left out of the graph: function(scale · score). */
export interface OutputLink {
  readonly function: 'sigmoid' | 'softmax' | 'exp' | 'identity';
  /** 1 by default. */
  readonly scale?: number;
}

export interface GraphOutput {
  /** The name the user sees. */
  readonly name: string;
  /** The tensor it is. */
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly link?: OutputLink;
  /** What the elements are called. */
  readonly objects?: readonly PortObject[];
}

/** Types of one layer in hls4ml's terms; what is absent is exact. `HLS4ML-SEMANTICS`: docs/precision.md */
export interface LayerPrecision {
  readonly result?: FixedType;
  readonly weight?: FixedType;
  readonly bias?: FixedType;
  readonly accum?: FixedType;
  readonly scale?: FixedType;
  readonly table?: FixedType;
  readonly tableSize?: number;
  /** Half-range of the table's input: 4 for tanh, 8 otherwise. */
  readonly tableRange?: number;
  readonly embeddings?: FixedType;
  readonly param?: FixedType;
  readonly expTable?: FixedType;
  readonly invTable?: FixedType;
  readonly invInput?: FixedType;
  readonly softmax?: 'latency' | 'stable' | 'legacy' | 'argmax';
  readonly strategy?: 'latency' | 'resource' | 'distributed_arithmetic';
  readonly reuseFactor?: number;
  /** Who fixed it: the user's file or our own automatic choice. */
  readonly source: 'config' | 'auto';
}

/**
 * One layer. `kind` names the file in layers/ that knows what `params` are; nothing outside layers/ and frontends/
 * looks into them.
 */
export interface ModelNode<Params = unknown> {
  readonly name: string;
  readonly kind: string;
  readonly params: Params;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Shape of the output, with the batch axis, 1. */
  readonly shape: readonly number[];
  readonly precision?: LayerPrecision;
}
