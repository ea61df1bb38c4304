import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { fixedType, rangeOf } from '../fixed/fixedType.js';
import { nextFloat, roundTo } from '../fixed/floatSteps.js';
import { toNumber } from '../fixed/integer.js';
import type { ForestParams, Tree } from '../layers/forest.js';
import { withoutMissing } from '../layers/forest.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import type { GraphInput, ModelGraph, ModelNode } from '../model/graph.js';

/** How NaN arrives in firmware. */
export type MissingMode = 'none' | 'flag' | 'code';

/**
 * The mode that was asked for, else `flag` for a model that learned where to send missing values, else `none`; `settled`
 * for a graph that says it itself, being the model.json of an output folder.
 */
export function missingMode(graph: ModelGraph, asked: MissingMode | undefined): MissingMode | 'settled' {
  if (graph.inputs.some((input) => input.flagsOf !== undefined || input.missingCode !== undefined)) return 'settled';
  // Hardware integers are never missing.
  if (asked === undefined && graph.inputs.some((input) => input.objects !== undefined)) return 'none';
  return asked ?? (graph.nodes.some((node) => node.kind === 'forest' && (node.params as ForestParams).learnedMissing === true) ? 'flag' : 'none');
}

/** The inputs whose values only forests read, behind layers that move elements: they may be NaN. */
export function missableInputs(graph: ModelGraph, catalogue: Pick<LayerCatalogue, 'structural'>): ReadonlySet<string> {
  const found = graph.inputs.filter((input) => {
    const { carried, others } = followers(graph, input.name, catalogue);
    return others.length === 0 && graph.nodes.some((node) => node.kind === 'forest' && carried.has(node.inputs[0] as string));
  });
  return new Set(found.map((input) => input.name));
}

/** The tensors that hold an input's elements, and the layers that do something else with them. */
function followers(graph: ModelGraph, input: string, catalogue: Pick<LayerCatalogue, 'structural'>): { readonly carried: ReadonlySet<string>; readonly others: readonly string[] } {
  const carried = new Set([input]);
  const others: string[] = [];
  for (const node of graph.nodes) {
    if (!node.inputs.some((name) => carried.has(name))) continue;
    if (catalogue.structural(node.kind) && node.inputs.length === 1) carried.add(node.output);
    else if (node.kind !== 'forest') others.push(node.name);
  }
  for (const output of graph.outputs) if (carried.has(output.tensor)) others.push(output.name);
  return { carried, others };
}

/** Forests that never see a missing value. */
export function ignoreMissing(graph: ModelGraph): ModelGraph {
  return withForests(graph, (node) => ({ ...node, params: withoutMissing(node.params as ForestParams) }));
}

function withForests(graph: ModelGraph, change: (node: ModelNode) => ModelNode): ModelGraph {
  return { ...graph, nodes: graph.nodes.map((node) => (node.kind === 'forest' && (node.params as ForestParams).missing === undefined ? change(node) : node)) };
}

/**
 * One more input `<input>_missing` of one bit a feature for every input that forests read; the layers between are
 * doubled for it.
 *
 * @throws CompileError (`unsupported`): a layer that is no forest reads the input too
 */
export function flagMissing(graph: ModelGraph, catalogue: Pick<LayerCatalogue, 'structural'>): ModelGraph {
  const inputs: GraphInput[] = [];
  const flags = new Map<string, string>();
  for (const input of graph.inputs) {
    inputs.push(input);
    if (!readsForest(graph, input, catalogue)) continue;
    const name = `${input.name}_missing`;
    inputs.push({ name, shape: input.shape, type: fixedType(false, 1, 1), flagsOf: input.name });
    flags.set(input.name, name);
  }
  if (flags.size === 0) throw noForest(graph, 'flag');
  const nodes = graph.nodes.flatMap((node): readonly ModelNode[] => {
    const own = flags.get(node.inputs[0] as string);
    if (own === undefined) return [node];
    if (node.kind === 'forest') return [{ ...node, inputs: [...node.inputs, own], params: { ...(node.params as ForestParams), missing: 'flag' } }];
    const twin = `${node.output}_missing`;
    flags.set(node.output, twin);
    return [node, { ...node, name: `${node.name}_missing`, inputs: [own], output: twin }];
  });
  return { ...graph, inputs, nodes };
}

function readsForest(graph: ModelGraph, input: GraphInput, catalogue: Pick<LayerCatalogue, 'structural'>): boolean {
  const { carried, others } = followers(graph, input.name, catalogue);
  const forest = graph.nodes.find((node) => node.kind === 'forest' && carried.has(node.inputs[0] as string));
  if (forest === undefined || others.length === 0) return forest !== undefined;
  throw new CompileError('unsupported', {
    code: 'missing-values', where: [graph.name, input.name],
    what: `may be missing for the forest ${forest.name}, but ${others[0] ?? ''} uses its value too.`,
    mend: 'Pass --missing none if it is never missing.',
  });
}

function noForest(graph: ModelGraph, mode: MissingMode): CompileError {
  return new CompileError('config', { code: 'missing-without-forest', where: ['--missing', mode], what: `${graph.name} has no decision forest at its inputs, and only forests know what to do with missing values.`, mend: 'Leave the option out.' });
}

/** The value of a type that stands for a missing one: the lowest of a signed type, the highest of an unsigned one. */
export function missingCode(type: FixedType): number {
  const { lo, hi, exp } = rangeOf(type);
  return toNumber(type.signed ? lo : hi, exp);
}

/**
 * Forests whose typed inputs mean "missing" by one reserved value: nodes that decide otherwise on it than on a missing
 * feature get it as bounds of its own.
 *
 * @throws CompileError (`unsupported`): types too wide for the library's floats to hold the code apart
 */
export function codeMissing(graph: ModelGraph, catalogue: Pick<LayerCatalogue, 'structural'>): ModelGraph {
  const codes = new Map<string, { readonly code: number; readonly next: number; readonly input: string }>();
  const inputs = graph.inputs.map((input): GraphInput => {
    if (input.type === undefined || !readsForest(graph, input, catalogue)) return input;
    if (input.elementTypes !== undefined) throw new CompileError('unsupported', { code: 'missing-code', where: [graph.name, input.name], what: 'its elements have types of their own; a code for missing values needs one type for all.', mend: 'Pass --input-type, or --missing flag.' });
    const code = missingCode(input.type);
    const next = code + 2 ** (input.type.integer - input.type.width);
    for (const tensor of followers(graph, input.name, catalogue).carried) codes.set(tensor, { code, next, input: input.name });
    return { ...input, missingCode: code };
  });
  if (codes.size === 0) throw noForest(graph, 'code');
  return {
    ...withForests(graph, (node) => {
      const own = codes.get(node.inputs[0] as string);
      if (own === undefined) return node;
      const params = node.params as ForestParams;
      const kind = params.features ?? 'float32';
      if (roundTo(own.code, kind) !== own.code || roundTo(own.next, kind) !== own.next) {
        throw new CompileError('unsupported', { code: 'missing-code', where: [graph.name, own.input], what: `its type is wider than the ${kind} in which the model compares, so that no value of it can be reserved.`, mend: 'Pass --missing flag, or a narrower --input-type.' });
      }
      return { ...node, params: withCode(params, own.code, own.next) };
    }),
    inputs,
  };
}

function withCode(params: ForestParams, code: number, next: number): ForestParams {
  const trees = params.trees.map((tree): Tree => {
    const edges = tree.feature.map((feature, node): readonly number[] | null => {
      const known = tree.edges?.[node] ?? null;
      if (feature < 0) return known;
      const threshold = tree.value[node] as number;
      // Nothing reaches past the greatest float: a split of NaN from all else has no bound.
      const bounds = (known ?? [params.comparison === 'lt' ? threshold : nextFloat(threshold, 'float64')]).filter(Number.isFinite);
      const holds = bounds.filter((bound) => bound <= code).length % 2 === 0;
      return holds === (tree.missingTrue?.[node] ?? false) ? known : toggled(bounds, [code, next]);
    });
    return { ...tree, ...(edges.some((bounds) => bounds !== null) ? { edges } : {}) };
  });
  return withoutMissing({ ...params, trees });
}

/** Bounds in one of two lists but not both: the condition is turned round between those of the second. */
function toggled(bounds: readonly number[], others: readonly number[]): readonly number[] {
  return [...bounds.filter((bound) => !others.includes(bound)), ...others.filter((bound) => !bounds.includes(bound))].sort((a, b) => a - b);
}
