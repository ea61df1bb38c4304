import { CompileError } from '../errors.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import type { LayerDefinition } from './definition.js';
import * as kinds from './kinds.js';

type ParamsOf<Definition> = Definition extends LayerDefinition<infer Params> ? Params : never;

/** Every kind of layer and its parameters. */
export type LayerParams = { readonly [Kind in keyof typeof kinds]: ParamsOf<(typeof kinds)[Kind]> };

export type LayerKind = keyof LayerParams;

/** The definition of each kind. */
export const layers: { readonly [Kind in LayerKind]: LayerDefinition<LayerParams[Kind]> } = kinds;

/** The definition of a kind; `params` must be that kind's. Throws for a kind that does not exist. */
export function definitionOf(kind: string): LayerDefinition<unknown> {
  if (!Object.hasOwn(layers, kind)) {
    throw new CompileError('internal', { code: 'unknown-layer-kind', where: [], what: `no layer is of kind '${kind}'; there are ${Object.keys(layers).join(', ')}` });
  }
  // A node's params are of its kind by construction (frontends build both together), which the type cannot say.
  return layers[kind as LayerKind] as LayerDefinition<unknown>;
}

/** What frontends and the float reference are handed. */
export const catalogue: LayerCatalogue = {
  params: (kind) => (Object.hasOwn(layers, kind) ? definitionOf(kind).params : undefined),
  shape: (kind, params, inputs) => definitionOf(kind).shape(params, inputs),
  evaluate: (kind, params, inputs) => definitionOf(kind).evaluate(params, inputs),
  structural: (kind) => definitionOf(kind).structural === true,
  hls4mlClass: (kind, params, inputs) => definitionOf(kind).hls4mlClass(params, inputs),
};
