import type { SearchWish } from '../circuit/builder.js';
import { CircuitBuilder } from '../circuit/builder.js';
import type { Circuit } from '../circuit/circuit.js';
import type { Problem } from '../errors.js';
import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { castIsIdentity } from '../fixed/fixedType.js';
import type { Interval } from '../fixed/interval.js';
import { hull } from '../fixed/interval.js';
import type { GraphInput, GraphOutput, ModelGraph, ModelNode } from '../model/graph.js';
import { sizeOf } from '../model/tensor.js';
import type { LoweredTensor } from './definition.js';
import { formatShape } from './indexing.js';
import { definitionOf } from './registry.js';

export interface LowerOptions {
  /** Name of the circuit; the graph's by default. */
  readonly name?: string;
  /** What the elements of an input can be, where that is less than its type holds. */
  readonly intervals?: ReadonlyMap<string, readonly (Interval | undefined)[]>;
  /** More operations than this are an error rather than a machine out of memory. */
  readonly maxOps?: number;
  /** Adder levels that sums may take beyond the fewest possible, to be smaller. */
  readonly depthSlack?: number;
  /** How long adder graphs are searched for. */
  readonly search?: SearchWish;
  /** For a rough cost only: sums share nothing. */
  readonly quick?: boolean;
  /** Told of every layer as it is lowered. */
  readonly onLayer?: (layer: LoweredLayer) => void;
}

/** What a layer came to, before any optimisation. */
export interface LoweredLayer {
  readonly node: ModelNode;
  /** The declared type of the output, where one fixed it. */
  readonly type: FixedType | undefined;
  /** Every value that any element can have, proven. */
  readonly range: Interval;
}

/** Operations that fit comfortably in a few GiB. */
const MAX_OPS = 20_000_000;

/**
 * The circuit of a typed graph. Ports have the graph's shapes without their batch axis. With a node's `precision` its ops
 * are hls4ml's arithmetic bit for bit; without, exact.
 *
 * Throws CompileError: inputs without a type, layers that have no exact form and no type, shapes that do not fit; all found
 * are reported together.
 */
export function lowerGraph(graph: ModelGraph, options: LowerOptions = {}): Circuit {
  checkInputs(graph);
  const builder = new CircuitBuilder(options.name ?? graph.name, { ...(options.depthSlack !== undefined && { depthSlack: options.depthSlack }), ...(options.search !== undefined && { search: options.search }), quick: options.quick ?? false });
  const tensors = new Map<string, LoweredTensor>();
  for (const input of graph.inputs) tensors.set(input.name, lowerInput(builder, input, options.intervals?.get(input.name)));
  const errors: CompileError[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => tensors.get(name) ?? lowerConstant(builder, graph, name, tensors));
    // A node behind one that failed has nothing to say of its own.
    if (!inputs.every((input) => input !== undefined)) continue;
    try {
      const lowered = lowerNode(builder, node, inputs);
      tensors.set(node.output, lowered);
      options.onLayer?.({ node, type: lowered.type, range: rangeOfOps(builder, lowered.ops) });
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      errors.push(error);
    }
    checkSize(builder, node, options.maxOps ?? MAX_OPS);
  }
  throwAll(errors);
  builder.setOrigin(undefined);
  for (const output of graph.outputs) lowerOutput(builder, output, tensors.get(output.tensor) ?? lowerConstant(builder, graph, output.tensor, tensors));
  return builder.finish();
}

/** Hull of the intervals of all elements. */
function rangeOfOps(builder: CircuitBuilder, ops: Int32Array): Interval {
  let range = builder.intervalOf(ops[0] as number);
  for (const op of ops) range = hull(range, builder.intervalOf(op));
  return range;
}

function checkInputs(graph: ModelGraph): void {
  const untyped = graph.inputs.filter((input) => input.type === undefined);
  if (untyped.length === 0) return;
  throw new CompileError(
    'config',
    untyped.map((input) => ({
      code: 'missing-input-type',
      where: [input.name],
      what: 'the type of this input is not known.',
      mend: `Pass --input-type '${graph.inputs.length > 1 ? `${input.name}=` : ''}ap_fixed<16,6>' (with your own widths), or --data.`,
    })),
  );
}

/** The shape of one event. */
function eventShape(shape: readonly number[]): readonly number[] {
  return shape.slice(1);
}

function lowerInput(builder: CircuitBuilder, { name, shape, type, elementTypes }: GraphInput, intervals: readonly (Interval | undefined)[] | undefined): LoweredTensor {
  const wire = type as NonNullable<typeof type>;
  builder.setOrigin({ layer: name, kind: 'input' });
  const ops = builder.addInput({ name, shape: eventShape(shape), types: elementTypes ?? [wire] }, intervals);
  return elementTypes === undefined ? { shape, ops, type: wire } : { shape, ops };
}

function lowerConstant(builder: CircuitBuilder, graph: ModelGraph, name: string, tensors: Map<string, LoweredTensor>): LoweredTensor | undefined {
  const constant = graph.constants.get(name);
  if (constant === undefined) return undefined;
  builder.setOrigin({ layer: name, kind: 'constant' });
  const lowered = { shape: constant.shape, ops: Int32Array.from(constant.data, (value) => builder.constantOf(value)), constant };
  tensors.set(name, lowered);
  return lowered;
}

function lowerNode(builder: CircuitBuilder, node: ModelNode, inputs: readonly LoweredTensor[]): LoweredTensor {
  const definition = definitionOf(node.kind);
  const shape = definition.shape(node.params, inputs.map((input) => input.shape));
  if (typeof shape === 'string') throw new CompileError('input', { code: 'shape-mismatch', where: [node.name], what: `${shape}.` });
  builder.setOrigin({ layer: node.name, kind: node.kind });
  const lowered = definition.lower(node.params, inputs, { builder, layer: node.name, precision: node.precision });
  if (lowered.ops.length !== sizeOf(shape)) {
    throw new CompileError('internal', { code: 'lowered-size', where: [node.name], what: `${lowered.ops.length} elements lowered for shape ${formatShape(shape)}.` });
  }
  return lowered;
}

function checkSize(builder: CircuitBuilder, node: ModelNode, maxOps: number): void {
  if (builder.size <= maxOps) return;
  throw new CompileError('unsupported', {
    code: 'too-many-operations',
    where: [node.name],
    what: `the circuit has ${builder.size} operations up to this layer; at most ${maxOps} are supported.`,
    mend: 'Make the model smaller.',
  });
}

/** Reports all problems at once, under the first one's kind. */
function throwAll(errors: readonly CompileError[]): void {
  const first = errors[0];
  if (first === undefined) return;
  throw new CompileError(first.kind, errors.flatMap((error): readonly Problem[] => error.problems));
}

function lowerOutput(builder: CircuitBuilder, output: GraphOutput, tensor: LoweredTensor | undefined): void {
  if (tensor === undefined) {
    throw new CompileError('input', { code: 'missing-output', where: [output.name], what: `no layer gives the tensor '${output.tensor}'.` });
  }
  const { type, ops } = tensor;
  const fits = type !== undefined && ops.every((op) => castIsIdentity(builder.intervalOf(op), type));
  builder.addOutput(output.name, eventShape(output.shape), ops, fits ? [type] : undefined);
}
