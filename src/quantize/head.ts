import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import type { ActivationParams } from '../layers/activation.js';
import type { ForestParams } from '../layers/forest.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import type { GraphOutput, ModelGraph, ModelNode } from '../model/graph.js';

/** What firmware gives of the score: `--head`. */
type Head =
  | { readonly kind: 'score' | 'probability' | 'class' | 'decisionPort' }
  | { readonly kind: 'decision'; readonly threshold: number };

/** The head that the text of the option asks for. */
export function parseHead(text: string): Head {
  if (text === 'score' || text === 'probability' || text === 'class') return { kind: text };
  if (text === 'decision=port') return { kind: 'decisionPort' };
  const value = /^decision=([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)$/.exec(text)?.[1];
  if (value !== undefined && Number.isFinite(Number(value))) return { kind: 'decision', threshold: Number(value) };
  throw new CompileError('config', { code: 'bad-head', where: ['--head'], what: `'${text.slice(0, 60)}' is no head.`, mend: 'Write score, probability, class, decision=0.5 (any number), or decision=port.' });
}

/** A graph on its way to its head: what is left to do once its values have types. */
interface HeadedGraph {
  readonly graph: ModelGraph;
  /** The output is 1 where the score is above this. */
  readonly above?: number;
  /** The output is 1 where the score is above the input `threshold`. */
  readonly port?: true;
}

/**
 * The part of a head that comes before types are chosen: the link function for a probability; for a class or decision,
 * monotone functions at the end are dropped and the threshold taken through their inverse.
 *
 * @throws CompileError: more than one output, shapes that have no such head
 */
export function beginHead(graph: ModelGraph, head: Head, catalogue: Pick<LayerCatalogue, 'shape'>): HeadedGraph {
  if (head.kind === 'score') return { graph };
  const output = theOutput(graph);
  if (head.kind === 'probability') return { graph: withProbability(graph, output, catalogue) };
  const width = output.shape.reduce((product, n) => product * n, 1);
  if (head.kind === 'class' && width > 1) return { graph: withArgmax(graph, output, catalogue) };
  if (width !== 1) throw wrong(`a decision needs one score, and ${output.name} has ${width}.`, 'Pass --head class.');
  if (head.kind === 'decisionPort') return { graph, port: true };
  const { last, output: before } = withoutLast(graph, output);
  const threshold = head.kind === 'decision' ? head.threshold : classThreshold(graph, output, last);
  if (last === undefined) return { graph, above: threshold };
  return { graph: { ...graph, outputs: [before], nodes: graph.nodes.filter((node) => node !== last) }, above: last.params.function === 'tanh' ? atanh(threshold) : logit(threshold) };
}

function wrong(what: string, mend: string): CompileError {
  return new CompileError('config', { code: 'no-such-head', where: ['--head'], what, mend });
}

function theOutput(graph: ModelGraph): GraphOutput {
  const [output, ...others] = graph.outputs;
  if (output !== undefined && others.length === 0) return output;
  throw wrong(`${graph.name} has ${graph.outputs.length} outputs; a head needs one.`, 'Leave the option out.');
}

/** The sigmoid or tanh that makes the output and nothing else, if there is one. */
function withoutLast(graph: ModelGraph, output: GraphOutput): { readonly last: ModelNode<ActivationParams> | undefined; readonly output: GraphOutput } {
  const node = graph.nodes.find((made) => made.output === output.tensor);
  const params = node?.kind === 'activation' ? (node.params as ActivationParams) : undefined;
  const isMonotone = params?.function === 'sigmoid' || params?.function === 'tanh';
  if (node === undefined || !isMonotone || node.precision !== undefined || graph.nodes.some((other) => other.inputs.includes(node.output))) return { last: undefined, output };
  return { last: node as ModelNode<ActivationParams>, output: { ...output, tensor: node.inputs[0] as string } };
}

/** Where the more likely of two classes changes, on the output's own scale. */
function classThreshold(graph: ModelGraph, { link }: GraphOutput, last: ModelNode<ActivationParams> | undefined): number {
  if (last !== undefined) return last.params.function === 'sigmoid' ? 0.5 : 0;
  if (link?.function === 'sigmoid') return 0;
  if (link?.function === 'identity') return 0.5 / (link.scale ?? 1);
  throw wrong(`nothing says above which score ${graph.name} means the second class.`, 'Pass --head decision=THRESHOLD.');
}

/** Beyond all scores, where the function never reaches the threshold or always does. */
const BEYOND = 2 ** 100;

function atanh(threshold: number): number {
  return Math.abs(threshold) >= 1 ? Math.sign(threshold) * BEYOND : Math.atanh(threshold);
}

function logit(threshold: number): number {
  return threshold <= 0 ? -BEYOND : threshold >= 1 ? BEYOND : Math.log(threshold / (1 - threshold));
}

/** One more layer behind the output, which keeps its name. */
function append(graph: ModelGraph, output: GraphOutput, name: string, kind: string, params: unknown, catalogue: Pick<LayerCatalogue, 'shape'>, others: readonly string[] = []): { readonly graph: ModelGraph; readonly output: GraphOutput } {
  const shapes = [output.shape, ...others.map((other) => graph.inputs.find((input) => input.name === other)?.shape ?? graph.constants.get(other)?.shape ?? [])];
  const shape = catalogue.shape(kind, params, shapes);
  if (typeof shape === 'string') throw wrong(`${output.name} cannot become a ${name}: ${shape}.`, 'Leave the option out.');
  const tensor = `${output.name}/${name}`;
  const node: ModelNode = { name: tensor, kind, params, inputs: [output.tensor, ...others], output: tensor, shape };
  const made: GraphOutput = { name: output.name, tensor, shape };
  return { graph: { ...graph, nodes: [...graph.nodes, node], outputs: [made] }, output: made };
}

function withProbability(graph: ModelGraph, output: GraphOutput, catalogue: Pick<LayerCatalogue, 'shape'>): ModelGraph {
  const { link } = output;
  if (link === undefined) {
    if (graph.nodes.some((node) => node.kind === 'forest' && node.output === output.tensor && (node.params as ForestParams).nOutputs === 1)) throw wrong(`nothing says how the score of ${graph.name} becomes a probability.`, 'Pass --head score.');
    return graph;
  }
  const scale = link.scale ?? 1;
  const name = `${output.name}/scale`;
  const constants = new Map([...graph.constants, [name, { shape: [1], data: Float64Array.of(scale) }] as const]);
  const scaled = scale === 1 ? { graph, output } : append({ ...graph, constants }, output, 'scaled', 'elementwise', { operation: 'mul' }, catalogue, [name]);
  if (link.function === 'identity') return scaled.graph;
  const [kind, params] = link.function === 'softmax' ? ['softmax', { axis: output.shape.length - 1 }] as const : ['activation', { function: link.function }] as const;
  return append(scaled.graph, scaled.output, 'probability', kind, params, catalogue).graph;
}

/** The largest score's number; a softmax before it changes nothing and is dropped. */
function withArgmax(graph: ModelGraph, output: GraphOutput, catalogue: Pick<LayerCatalogue, 'shape'>): ModelGraph {
  const last = graph.nodes.find((node) => node.output === output.tensor);
  const isSoftmax = last?.kind === 'softmax' && last.precision === undefined && !graph.nodes.some((node) => node.inputs.includes(last.output));
  const before = isSoftmax ? { ...output, tensor: last.inputs[0] as string } : output;
  const nodes = isSoftmax ? graph.nodes.filter((node) => node !== last) : graph.nodes;
  return append({ ...graph, nodes, outputs: [before] }, before, 'class', 'argmax', { axis: output.shape.length - 1, keepDims: true, operation: 'max' }, catalogue).graph;
}

/**
 * The part of a head that comes when values have types, exact: one comparison of the score, with a number or with the
 * input `threshold` of the score's own type.
 */
export function finishHead({ graph, above, port }: HeadedGraph, scoreType: () => FixedType, catalogue: Pick<LayerCatalogue, 'shape'>): ModelGraph {
  if (port === true) {
    const output = theOutput(graph);
    const name = thresholdName(graph);
    const inputs = [...graph.inputs, { name, shape: output.shape, type: scoreType() }];
    const difference = append({ ...graph, inputs }, output, 'difference', 'elementwise', { operation: 'sub' }, catalogue, [name]);
    return compared(difference.graph, difference.output, 0, catalogue);
  }
  return above === undefined ? graph : compared(graph, theOutput(graph), above, catalogue);
}

/** The input that a threshold comes by. */
export function thresholdName(graph: ModelGraph): string {
  return graph.inputs.some((input) => input.name === 'threshold') ? 'decision_threshold' : 'threshold';
}

/** 1 where the score is above the threshold: a tree of one node on it. */
function compared(graph: ModelGraph, output: GraphOutput, threshold: number, catalogue: Pick<LayerCatalogue, 'shape'>): ModelGraph {
  const tree = { output: 0, feature: [0, -1, -1], value: [threshold, 0, 1], whenTrue: [1, -1, -1], whenFalse: [2, -1, -1] };
  const params: ForestParams = { nFeatures: 1, nOutputs: 1, comparison: 'le', trees: [tree], base: [0], features: 'float64', sums: 'float64' };
  return append(graph, output, 'decision', 'forest', params, catalogue).graph;
}
