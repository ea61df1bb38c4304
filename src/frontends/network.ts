import { CompileError } from '../errors.js';
import type { LayerKind, LayerParams } from '../layers/registry.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import type { GraphInput, GraphOutput, LayerPrecision, ModelGraph, ModelNode } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';
import { sizeOf } from '../model/tensor.js';

/** A tensor while a graph grows: the name of an input, a constant or a layer's output. */
export interface TensorRef {
  readonly tensor: string;
  /** With the batch axis, 1; a constant has its own shape. */
  readonly shape: readonly number[];
}

/** Adds one layer named after `name` (made unique) and gives its output. */
export type AddLayer = <K extends LayerKind>(kind: K, params: LayerParams[K], inputs: readonly TensorRef[], name: string) => TensorRef;

/** Where layers go: all that code shared between formats needs to know of a graph under construction. */
export interface LayerSink {
  readonly add: AddLayer;
  readonly constant: (name: string, value: Tensor) => TensorRef;
}

/** The most elements one tensor of activations may have: 2^24, far past any device. */
const MAX_ACTIVATION_ELEMENTS = 2 ** 24;

/** The most layers one model may have, recurrences unrolled. */
const MAX_LAYERS = 200_000;

/** Grows a ModelGraph layer by layer, for formats that have no graph builder of their own. */
export class NetworkBuilder implements LayerSink {
  private readonly inputs: GraphInput[] = [];
  private readonly nodes: ModelNode[] = [];
  private readonly constants = new Map<string, Tensor>();
  private readonly names = new Set<string>();
  private readonly counts = new Map<string, number>();

  constructor(
    readonly catalogue: LayerCatalogue,
    /** For messages. */
    readonly fileName: string,
  ) {}

  /** A graph input; `shape` with the batch axis, 1. */
  input(name: string, shape: readonly number[], options: Pick<GraphInput, 'type' | 'integer'> = {}): TensorRef {
    const tensor = this.unique(name);
    this.inputs.push({ name: tensor, shape, ...options });
    return { tensor, shape };
  }

  /**
   * Adds a layer, with its types where the format itself says them.
   *
   * @throws CompileError (`input`) where the layer says that the shapes do not fit, (`unsupported`) past any device's size
   */
  add<K extends LayerKind>(kind: K, params: LayerParams[K], inputs: readonly TensorRef[], name: string, precision?: LayerPrecision): TensorRef {
    const shape = this.catalogue.shape(kind, params, inputs.map((input) => input.shape));
    if (typeof shape === 'string') throw this.error('input', 'shape-mismatch', name, `${shape}.`);
    const size = sizeOf(shape);
    if (size === 0) throw this.error('input', 'empty-tensor', name, `its output [${shape.join(', ')}] is empty.`);
    if (size > MAX_ACTIVATION_ELEMENTS) {
      throw this.error('unsupported', 'too-large', name, `its output [${shape.join(', ')}] has ${size} elements; at most ${MAX_ACTIVATION_ELEMENTS} are supported.`);
    }
    if (this.nodes.length >= MAX_LAYERS) throw this.error('unsupported', 'too-large', name, `the model has more than ${MAX_LAYERS} layers, recurrences unrolled.`, 'Shorten the sequence.');
    const own = this.unique(name);
    this.nodes.push({ name: own, kind, params, inputs: inputs.map((input) => input.tensor), output: own, shape, ...(precision !== undefined && { precision }) });
    return { tensor: own, shape };
  }

  /** A tensor of known values that layers read as an input. */
  constant(name: string, value: Tensor): TensorRef {
    const tensor = this.unique(name);
    this.constants.set(tensor, value);
    return { tensor, shape: value.shape };
  }

  /** The graph, once every output is there. Layers that no output depends on are left out. */
  finish(facts: { readonly name: string; readonly format: string; readonly outputs: readonly { readonly name: string; readonly of: TensorRef }[]; readonly parameters: number }): ModelGraph {
    const outputs: GraphOutput[] = facts.outputs.map(({ name, of }) => ({ name, tensor: of.tensor, shape: of.shape }));
    const needed = new Set(outputs.map((output) => output.tensor));
    const nodes: ModelNode[] = [];
    for (const node of this.nodes.toReversed()) {
      if (!needed.has(node.output)) continue;
      nodes.push(node);
      for (const name of node.inputs) needed.add(name);
    }
    nodes.reverse();
    const constants = new Map([...this.constants].filter(([name]) => needed.has(name)));
    return { name: facts.name, format: facts.format, inputs: this.inputs, outputs, constants, nodes, parameters: facts.parameters };
  }

  error(kind: 'input' | 'unsupported', code: string, layer: string, what: string, mend?: string): CompileError {
    return new CompileError(kind, { code, where: [this.fileName, layer], what, ...(mend === undefined ? {} : { mend }) });
  }

  private unique(name: string): string {
    let fresh = name;
    for (let i = this.counts.get(name) ?? 2; this.names.has(fresh); i++) {
      fresh = `${name}_${i}`;
      this.counts.set(name, i + 1);
    }
    this.names.add(fresh);
    return fresh;
  }
}
