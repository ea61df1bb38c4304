import type { FixedType } from '../fixed/fixedType.js';
import { fixedType, fractionBits, rangeOf, sameType, typeOfInterval } from '../fixed/fixedType.js';
import { hull } from '../fixed/interval.js';
import type { FixedQuantParams } from '../layers/fixedQuant.js';
import { elementTypes } from '../layers/fixedQuant.js';
import { definitionOf } from '../layers/registry.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import type { GraphInput, ModelGraph, ModelNode } from '../model/graph.js';
import { sizeOf } from '../model/tensor.js';
import type { WireType } from './wire.js';

/** A tensor that holds elements of the input and nothing else: which, −1 for none. */
interface Moved {
  readonly shape: readonly number[];
  readonly from: Int32Array;
}

/** The wire of an element that nothing depends on. */
const UNUSED = fixedType(false, 1, 1);

/**
 * The wire that the model's own quantisers say: everything reads the input through them (behind layers that only move
 * elements), and casting to the wire's type first changes nothing that any of them gives. Undefined where there is no
 * quantiser, or no such type.
 */
export function wireOfModel(graph: ModelGraph, input: GraphInput, catalogue: Pick<LayerCatalogue, 'structural' | 'evaluate'>): WireType | undefined {
  const read = typesReading(graph, input, catalogue);
  if (read === undefined) return undefined;
  const joint = read.map((types) => (types === undefined ? undefined : jointType(types)));
  if (joint.includes('none')) return undefined;
  const live = joint.filter((type) => type !== undefined && type !== 'none');
  const first = live[0] ?? UNUSED;
  // An element that nothing reads gets what the others have; one that all quantise to nothing gets one bit.
  const elements = joint.map((type, e): FixedType => (type === undefined || type === 'none' ? (read[e] === undefined ? first : UNUSED) : type));
  if (elements.every((type) => sameType(type, first))) return { type: first };
  return { type: typeOfInterval(elements.map(rangeOf).reduce(hull)), elementTypes: elements };
}

/** For each element of the input the types of all quantisers that read it; undefined in all where something else does. */
function typesReading(graph: ModelGraph, input: GraphInput, catalogue: Pick<LayerCatalogue, 'structural' | 'evaluate'>): readonly (FixedType[] | undefined)[] | undefined {
  const outputs = new Set(graph.outputs.map((output) => output.tensor));
  if (outputs.has(input.name)) return undefined;
  const count = sizeOf(input.shape);
  const carried = new Map<string, Moved>([[input.name, { shape: input.shape, from: Int32Array.from({ length: count }, (_, e) => e) }]]);
  const read = new Array<FixedType[] | undefined>(count).fill(undefined);
  let isRead = false;
  for (const node of graph.nodes) {
    const source = carried.get(node.inputs.find((name) => carried.has(name)) ?? '');
    if (source === undefined) continue;
    const types = quantiserTypes(node, source.shape);
    if (types !== undefined) {
      isRead = true;
      source.from.forEach((from, e) => {
        if (from >= 0) read[from] = [...(read[from] ?? []), ...[types[e] ?? []].flat()];
      });
    } else if (catalogue.structural(node.kind) && !outputs.has(node.output)) {
      carried.set(node.output, { shape: node.shape, from: movedIndices(graph, node, carried, catalogue) });
    } else {
      return undefined;
    }
  }
  return isRead ? read : undefined;
}

/** The type of each element of what a quantiser reads (undefined: it makes it 0); undefined for what is no such cast. */
function quantiserTypes(node: ModelNode, shape: readonly number[]): readonly (FixedType | undefined)[] | undefined {
  if (node.kind === 'fixedQuant') {
    const params = node.params as FixedQuantParams;
    return (params.divisor ?? 1) === 1 ? elementTypes(params, shape) : undefined;
  }
  const type = definitionOf(node.kind).quantiser?.(node.params);
  return type === undefined ? undefined : new Array<FixedType>(sizeOf(shape)).fill(type);
}

/** Which element of the input each element of a moved tensor is: found by moving numbers twice; −1 for what is filled in. */
function movedIndices(graph: ModelGraph, node: ModelNode, carried: ReadonlyMap<string, Moved>, catalogue: Pick<LayerCatalogue, 'evaluate'>): Int32Array {
  const moved = (lift: number): Float64Array => {
    const inputs = node.inputs.map((name) => {
      const source = carried.get(name);
      if (source !== undefined) return { shape: source.shape, data: Float64Array.from(source.from, (from) => (from < 0 ? -1 : from + lift)) };
      const constant = graph.constants.get(name);
      const other = constant ?? graph.inputs.find((input) => input.name === name) ?? graph.nodes.find((own) => own.output === name);
      return { shape: other?.shape ?? [], data: new Float64Array(sizeOf(other?.shape ?? [])).fill(-1) };
    });
    return catalogue.evaluate(node.kind, node.params, inputs).data;
  };
  const [plain, lifted] = [moved(0), moved(0.5)];
  return Int32Array.from(plain, (at, e) => (lifted[e] === at + 0.5 ? at : -1));
}

/**
 * One type whose cast may come before the casts to all these types without changing any of them; undefined for none of
 * them, `none` where there is no such type.
 *
 * Equal grids and modes keep their rounding. Otherwise truncation decides rounding down, and one bit more rounding half
 * up. Wrapping is arithmetic modulo powers of two, the greatest of which keeps all others; clipping wide leaves clipping
 * narrow as it is.
 */
function jointType(types: readonly FixedType[]): FixedType | 'none' | undefined {
  const [first, ...others] = types;
  if (first === undefined || others.every((type) => sameType(type, first))) return first;
  const isKept = others.every((type) => fractionBits(type) === fractionBits(first) && type.rounding === first.rounding);
  if (!isKept && types.some((type) => type.rounding !== 'TRN' && type.rounding !== 'RND')) return 'none';
  const rounding = isKept ? first.rounding : 'TRN';
  const fraction = Math.max(...types.map((type) => fractionBits(type) + (!isKept && type.rounding === 'RND' ? 1 : 0)));
  const signed = types.some((type) => type.signed);
  if (types.every((type) => type.overflow === 'WRAP')) {
    const integer = Math.max(...types.map((type) => type.integer));
    return fixedType(signed, integer + fraction, integer, rounding, 'WRAP');
  }
  if (!types.every((type) => type.overflow === 'SAT' || type.overflow === 'SAT_SYM')) return 'none';
  const integer = Math.max(...types.map((type) => type.integer - (type.signed ? 1 : 0))) + (signed ? 1 : 0);
  return fixedType(signed, integer + fraction, integer, rounding, 'SAT');
}
