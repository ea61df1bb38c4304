import { CompileError } from '../../errors.js';
import type { LayerDescription } from './description.js';
import type { Json } from './json.js';
import { isIntegers, isObject, shown } from './json.js';

/** Which tensor: output `tensor` of call `node` of `layer`. */
export interface History {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
}

/** An argument whose tensors are still references. */
export type Reference =
  | { readonly kind: 'history'; readonly of: History }
  | { readonly kind: 'list'; readonly items: readonly Reference[] }
  | { readonly kind: 'json'; readonly value: Json };

/** One call in a functional model. */
export interface NodeDescription {
  readonly args: readonly Reference[];
  readonly kwargs: Readonly<Record<string, Reference>>;
}

const MAX_DEPTH = 32;

/** The calls of a layer: Keras 3 writes `{ args, kwargs }`, Keras 2 lists of `[layer, node, tensor, kwargs]`. */
export function nodesOf(layer: LayerDescription, layerNames: ReadonlySet<string>): NodeDescription[] {
  const nodes = layer.inboundNodes;
  if (nodes === null) return [];
  if (!Array.isArray(nodes)) throw bad(layer, nodes);
  return (nodes as readonly Json[]).map((node) => (isObject(node) ? nodeOfKeras3(layer, node) : nodeOfKeras2(layer, node, layerNames)));
}

function bad(layer: LayerDescription, found: Json | undefined): CompileError {
  return new CompileError('input', { code: 'bad-node', where: [...layer.config.where, 'inbound_nodes'], what: `holds ${shown(found)}, which is no call of a layer.` });
}

function nodeOfKeras3(layer: LayerDescription, node: { readonly [key: string]: Json }): NodeDescription {
  const { args, kwargs } = node;
  if (!Array.isArray(args) || (kwargs !== undefined && !isObject(kwargs))) throw bad(layer, node);
  return {
    args: (args as readonly Json[]).map((arg) => referenceOf(layer, arg, 0)),
    kwargs: Object.fromEntries(Object.entries(kwargs ?? {}).map(([key, arg]) => [key, referenceOf(layer, arg, 0)])),
  };
}

function referenceOf(layer: LayerDescription, value: Json, depth: number): Reference {
  if (depth > MAX_DEPTH) throw bad(layer, 'arguments nested more than 32 deep');
  if (Array.isArray(value)) return { kind: 'list', items: (value as readonly Json[]).map((item) => referenceOf(layer, item, depth + 1)) };
  if (!isObject(value)) return { kind: 'json', value };
  if (value['class_name'] === '__keras_tensor__') {
    const config = value['config'];
    const of = isObject(config) ? historyOf(config['keras_history']) : undefined;
    if (of === undefined) throw bad(layer, value);
    return { kind: 'history', of };
  }
  if (value['class_name'] === '__tuple__' && Array.isArray(value['items'])) return referenceOf(layer, value['items'] as Json, depth);
  return { kind: 'json', value };
}

function historyOf(value: Json | undefined): History | undefined {
  if (!Array.isArray(value)) return undefined;
  const [layer, node, tensor] = value as readonly Json[];
  return typeof layer === 'string' && isIntegers([node, tensor]) && (node as number) >= 0 && (tensor as number) >= 0 ? { layer, node: node as number, tensor: tensor as number } : undefined;
}

/** Keras 2: every tensor of the first argument brings the keyword arguments of the call. */
function nodeOfKeras2(layer: LayerDescription, node: Json, layerNames: ReadonlySet<string>): NodeDescription {
  if (!Array.isArray(node)) throw bad(layer, node);
  const list = (historyOf((node as readonly Json[]).slice(0, 3)) === undefined ? node : [node]) as readonly Json[];
  const items: Reference[] = [];
  let kwargs: Readonly<Record<string, Reference>> = {};
  for (const entry of list) {
    if (!Array.isArray(entry)) throw bad(layer, entry);
    const [name, , value, named] = entry as readonly Json[];
    const of = historyOf(entry as Json);
    if (name === '_CONSTANT_VALUE') items.push({ kind: 'json', value: value ?? null });
    else if (of === undefined) throw bad(layer, entry as Json);
    else items.push({ kind: 'history', of });
    if (isObject(named)) kwargs = { ...kwargs, ...Object.fromEntries(Object.entries(named).map(([key, arg]) => [key, keywordOfKeras2(layer, arg, layerNames, 0)])) };
  }
  return { args: items.length === 1 ? items : [{ kind: 'list', items }], kwargs };
}

/** In keyword arguments of Keras 2 a list `[layer, node, tensor]` is a tensor. */
function keywordOfKeras2(layer: LayerDescription, value: Json, layerNames: ReadonlySet<string>, depth: number): Reference {
  if (depth > MAX_DEPTH) throw bad(layer, 'arguments nested more than 32 deep');
  if (!Array.isArray(value)) return { kind: 'json', value };
  const of = historyOf(value as Json);
  if (of !== undefined && layerNames.has(of.layer) && (value as readonly Json[]).length <= 4) return { kind: 'history', of };
  if ((value as readonly Json[])[0] === '_CONSTANT_VALUE') return { kind: 'json', value: (value as readonly Json[])[2] ?? null };
  return { kind: 'list', items: (value as readonly Json[]).map((item) => keywordOfKeras2(layer, item, layerNames, depth + 1)) };
}

/** Every reference of arguments, in order. */
export function historiesOf(references: Iterable<Reference>): History[] {
  const found: History[] = [];
  for (const reference of references) {
    if (reference.kind === 'history') found.push(reference.of);
    else if (reference.kind === 'list') found.push(...historiesOf(reference.items));
  }
  return found;
}

/** `input_layers` or `output_layers`: one tensor, a list or a dictionary of them. A dictionary names them. */
export function endsOf(model: LayerDescription, field: string): { readonly name: string | undefined; readonly of: History }[] {
  const ends: { name: string | undefined; of: History }[] = [];
  const walk = (value: Json, name: string | undefined, depth: number): void => {
    const of = historyOf(value);
    if (of !== undefined) ends.push({ name, of });
    else if (depth < MAX_DEPTH && Array.isArray(value)) for (const item of value as readonly Json[]) walk(item, name, depth + 1);
    else if (depth < MAX_DEPTH && isObject(value)) for (const [key, item] of Object.entries(value)) walk(item, key, depth + 1);
    else model.config.bad(field, 'references [layer, node, tensor]');
  };
  walk(model.config.json(field), undefined, 0);
  if (ends.length === 0) model.config.bad(field, 'at least one reference [layer, node, tensor]');
  return ends;
}
