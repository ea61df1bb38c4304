import type { Problem } from '../errors.js';
import { CompileError, didYouMean } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import type { GraphInput, ModelGraph, ModelNode } from '../model/graph.js';
import { foldBatchNormalizations } from './foldBatchNormalization.js';
import { classNames, HLS4ML_CLASSES, precisionRulesOf } from './layerVariables.js';
import { LayerLookup } from './lookup.js';
import type { PrecisionConfig } from './precisionConfig.js';
import { quantiseElementwiseConstants } from './elementwiseConstants.js';
import type { Neighbours } from './resolveNode.js';
import { resolveNode } from './resolveNode.js';
import type { WireType } from './wire.js';
import { quantiseInput, withInputTypes } from './wire.js';

/**
 * Gives every layer the types that hls4ml 1.3 would give it under this config (docs/precision.md): looked up by
 * layer, class and model; fixed defaults; `auto` inferred along the graph. Batch normalisations that hls4ml would fold
 * into a dense or convolution layer are folded. Inputs get their layer's `result` as wire type, unless the wire has a
 * type already: then a cast follows it.
 *
 * @throws CompileError (`config`): unknown layer or class names, types that are missing or cannot be inferred; all at once
 */
export function applyPrecision(graph: ModelGraph, config: PrecisionConfig, catalogue: LayerCatalogue): ModelGraph {
  const problems: Problem[] = unknownNames(graph, config);
  const folded = foldBatchNormalizations(graph, (node) => lookupOf(node, shapesOf(graph), config, catalogue));
  const shapes = shapesOf(folded);
  const inputTypes = new Map<string, FixedType>();
  for (const input of folded.inputs) {
    const type = inputType(input, config, problems);
    if (type !== undefined) inputTypes.set(input.name, type);
  }
  const types = new Map<string, FixedType | undefined>(folded.inputs.map((input) => [input.scaled ?? input.name, inputTypes.get(input.name)]));
  const constants = new Map(folded.constants);
  const nodes: ModelNode[] = [];
  const neighbours = neighboursOf(folded, (node) => lookupOf(node, shapes, config, catalogue));
  for (const original of folded.nodes) {
    const lookup = lookupOf(original, shapes, config, catalogue);
    const node = quantiseElementwiseConstants(original, constants, lookup, problems);
    const resolved = resolveNode({ node, rules: precisionRulesOf(node), lookup, types, shapes, neighbours, constants, maximum: config.maximum, problems });
    types.set(node.output, resolved.type);
    nodes.push(resolved.precision === undefined ? node : { ...node, precision: resolved.precision });
  }
  if (problems.length > 0) throw new CompileError('config', problems);
  return typeInputs({ ...folded, constants, nodes }, inputTypes);
}

/** Wire types where there are none yet, casts behind the wires that have their own. */
function typeInputs(graph: ModelGraph, types: ReadonlyMap<string, FixedType>): ModelGraph {
  let result = graph;
  const wires = new Map<string, WireType>();
  for (const input of graph.inputs) {
    const type = types.get(input.name);
    if (type === undefined) continue;
    if (input.type === undefined) wires.set(input.name, { type });
    else result = quantiseInput(result, input, type);
  }
  return withInputTypes(result, wires);
}

function inputType(input: GraphInput, config: PrecisionConfig, problems: Problem[]): FixedType | undefined {
  const lookup = new LayerLookup(config, input.name, ['Input', 'InputLayer']);
  const setting = lookup.type('result');
  const type = setting === undefined || setting.type === 'auto' ? lookup.modelDefault() : setting.type;
  if (type === undefined && input.type === undefined) {
    problems.push({
      code: 'no-type',
      where: lookup.where('result'),
      what: setting === undefined ? 'the config gives this input no type.' : "this input's type is 'auto' and the model has no default type.",
      mend: 'Name its result type under LayerName, or give Model.Precision a default.',
    });
  }
  return type;
}

function lookupOf(node: ModelNode, shapes: ReadonlyMap<string, readonly number[]>, config: PrecisionConfig, catalogue: LayerCatalogue): LayerLookup {
  const inputs = node.inputs.map((name) => shapes.get(name) ?? []);
  return new LayerLookup(config, node.name, classNames(catalogue.hls4mlClass(node.kind, node.params, inputs)));
}

function neighboursOf(graph: ModelGraph, lookup: (node: ModelNode) => LayerLookup): Neighbours {
  const producers = new Map(graph.nodes.map((node) => [node.output, node]));
  const outputs = new Set(graph.outputs.map((output) => output.tensor));
  const readers = new Map<string, ModelNode[]>();
  for (const node of graph.nodes) {
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  return {
    producer: (tensor) => producers.get(tensor),
    soleReader: (tensor) => (outputs.has(tensor) || readers.get(tensor)?.length !== 1 ? undefined : readers.get(tensor)?.[0]),
    resultSetting: (node) => lookup(node).type('result'),
  };
}

/** Shape of every tensor. */
function shapesOf(graph: ModelGraph): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const input of graph.inputs) shapes.set(input.name, input.shape);
  for (const [name, constant] of graph.constants) shapes.set(name, constant.shape);
  for (const node of graph.nodes) shapes.set(node.output, node.shape);
  return shapes;
}

function unknownNames(graph: ModelGraph, config: PrecisionConfig): Problem[] {
  const layers = [...graph.inputs.map((input) => input.name), ...graph.nodes.map((node) => node.name)];
  const known = new Set(layers.map((name) => name.toLowerCase()));
  const classes = new Set<string>(HLS4ML_CLASSES.map((name) => name.toLowerCase()));
  const problems: Problem[] = [];
  for (const [key, { name, line }] of config.layerNames) {
    if (known.has(key)) continue;
    const where = [`${config.file}:${line}`, 'LayerName', name];
    problems.push({ code: 'unknown-layer', where, what: `the model has no layer '${name}'.`, mend: didYouMean(name, layers) });
  }
  for (const [key, { name, line }] of config.layerTypes) {
    if (classes.has(key)) continue;
    const where = [`${config.file}:${line}`, 'LayerType', name];
    problems.push({ code: 'unknown-layer-class', where, what: `hls4ml has no layer class '${name}'.`, mend: didYouMean(name, HLS4ML_CLASSES) });
  }
  return problems;
}
