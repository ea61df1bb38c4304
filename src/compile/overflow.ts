import type { Circuit } from '../circuit/circuit.js';
import { intervalOf, kindOf, Op } from '../circuit/circuit.js';
import type { FixedType } from '../fixed/fixedType.js';
import { castOverflows, formatFixedType, rangeOf } from '../fixed/fixedType.js';
import { toNumber } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import { hull } from '../fixed/interval.js';
import type { ModelGraph } from '../model/graph.js';

/** A declared type that some value of a layer can leave, by interval bounds. */
export interface LayerOverflow {
  readonly layer: string;
  readonly type: string;
  readonly wraps: boolean;
  readonly proven: readonly [number, number];
  readonly holds: readonly [number, number];
  readonly elements: number;
}

/**
 * Casts of the unoptimised circuit into a type that the model or the precision file declares, where the interval says
 * that a value can be outside. Casts that lowering makes for itself (bits of an index, a modular sum) are no overflow.
 */
export function layerOverflows(circuit: Circuit, graph: ModelGraph): LayerOverflow[] {
  const declared = declaredTypes(graph);
  const found = new Map<string, { layer: string; type: FixedType; reach: Interval; elements: number }>();
  for (let op = 0; op < circuit.size; op++) {
    if (kindOf(circuit, op) !== Op.cast) continue;
    const type = circuit.types[circuit.param[op] as number] as FixedType;
    const layer = circuit.origins[circuit.origin[op] as number]?.layer ?? '';
    const text = formatFixedType(type);
    if (declared.get(layer)?.has(text) !== true) continue;
    const from = intervalOf(circuit, circuit.a[op] as number);
    if (!castOverflows(from, type)) continue;
    const key = `${layer}\n${text}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, { layer, type, reach: from, elements: 1 });
    else found.set(key, { ...known, reach: hull(known.reach, from), elements: known.elements + 1 });
  }
  return [...found.values()].map(({ layer, type, reach, elements }) => ({
    layer,
    type: formatFixedType(type),
    wraps: type.overflow === 'WRAP',
    proven: numbersOf(reach),
    holds: numbersOf(rangeOf(type)),
    elements,
  }));
}

/** Types that a layer's precision or quantiser names. */
function declaredTypes(graph: ModelGraph): ReadonlyMap<string, ReadonlySet<string>> {
  const declared = new Map<string, ReadonlySet<string>>();
  for (const { name, precision } of graph.nodes) {
    if (precision === undefined) continue;
    const types = [precision.result, precision.accum].filter((type) => type !== undefined);
    declared.set(name, new Set(types.map(formatFixedType)));
  }
  return declared;
}

export function numbersOf({ lo, hi, exp }: Interval): readonly [number, number] {
  return [toNumber(lo, exp), toNumber(hi, exp)];
}
