import { CompileError } from '../../errors.js';
import type { ForestParams, Tree } from '../../layers/forest.js';
import type { LayerKind, LayerParams } from '../../layers/registry.js';
import type { ModelGraph, OutputLink } from '../../model/graph.js';
import type { FrontendContext, ModelSource } from '../frontend.js';
import { modelName } from '../frontend.js';

/** Throws the error of one field of a model file. */
export type Fail = (kind: 'input' | 'unsupported', code: string, field: string, what: string, mend?: string) => never;

export function failIn(source: ModelSource): Fail {
  return (kind, code, field, what, mend) => {
    throw new CompileError(kind, { code, where: [source.name, field], what, ...(mend === undefined ? {} : { mend }) });
  };
}

/** The most features or outputs of a forest. */
export const MAX_FOREST_EDGE = 65536;

/** The whole graph of a model that is one layer: from `features` to its output. */
export interface SingleLayer<K extends LayerKind> {
  readonly format: string;
  readonly kind: K;
  readonly params: LayerParams[K];
  readonly nFeatures: number;
  readonly nOutputs: number;
  readonly parameters: number;
  /** What the output's values become a probability or prediction by. */
  readonly link?: OutputLink;
}

/** One layer from `features` to `margin`. Throws what the layer says against its parameters. */
export function singleLayerGraph<K extends LayerKind>(source: ModelSource, context: FrontendContext, layer: SingleLayer<K>): ModelGraph {
  const shape = context.catalogue.shape(layer.kind, layer.params, [[1, layer.nFeatures]]);
  if (typeof shape === 'string') throw new CompileError('input', { code: 'bad-tree', where: [source.name], what: `${shape}.` });
  return {
    name: modelName(source),
    format: layer.format,
    inputs: [{ name: 'features', shape: [1, layer.nFeatures] }],
    outputs: [{ name: 'margin', tensor: 'margin', shape: [1, layer.nOutputs], ...(layer.link && { link: layer.link }) }],
    constants: new Map(),
    nodes: [{ name: 'margin', kind: layer.kind, params: layer.params, inputs: ['features'], output: 'margin', shape }],
    parameters: layer.parameters,
  };
}

/** A forest from `features` to `margin`. */
export function forestGraph(source: ModelSource, context: FrontendContext, format: string, params: ForestParams, link?: OutputLink): ModelGraph {
  const { nFeatures, nOutputs, trees } = params;
  const parameters = trees.reduce((sum, tree) => sum + tree.feature.length, 0);
  return singleLayerGraph(source, context, { format, kind: 'forest', params, nFeatures, nOutputs, parameters, ...(link && { link }) });
}

/**
 * Whether splits were trained on missing values. Without such in training every split gets the same default (which one
 * depends on the library), or the one that 0 would take.
 */
export function missingIsLearned(trees: readonly Tree[], comparison: ForestParams['comparison']): boolean {
  const seen = new Set<boolean>();
  let likeZero = true;
  for (const { feature, value, edges, missingTrue } of trees) {
    if (missingTrue === undefined) continue;
    feature.forEach((index, node) => {
      if (index < 0 || (edges?.[node] ?? null) !== null) return;
      const threshold = value[node] as number;
      seen.add(missingTrue[node] as boolean);
      if (missingTrue[node] !== (comparison === 'lt' ? 0 < threshold : 0 <= threshold)) likeZero = false;
    });
  }
  return seen.size > 1 && !likeZero;
}

/** Bounds of a node whose condition fails for these categories, each meaning [c, c + 1): ascending, neighbours merged. */
export function categoryBounds(categories: Iterable<number>): readonly number[] {
  const bounds: number[] = [];
  for (const category of [...new Set(categories)].sort((a, b) => a - b)) {
    if (bounds.at(-1) === category) bounds[bounds.length - 1] = category + 1;
    else bounds.push(category, category + 1);
  }
  return bounds;
}

/**
 * Bounds of a condition that is constant from each point to the next: those where it changes. Below the first point it
 * must be the condition's start, true (else swap the children).
 */
export function boundsWhere(points: readonly number[], holds: (x: number) => boolean): readonly number[] {
  let state = true;
  return [...new Set(points)].sort((a, b) => a - b).filter((point) => {
    const changes = holds(point) !== state;
    if (changes) state = !state;
    return changes;
  });
}
