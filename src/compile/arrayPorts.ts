import type { FixedType } from '../fixed/fixedType.js';
import type { ArrayPort } from '../io/arrays.js';
import { catalogue } from '../layers/registry.js';
import type { ModelGraph } from '../model/graph.js';
import { missableInputs } from '../quantize/missing.js';

/** The inputs of a graph as arrays are matched to them; NaN is kept where forests alone read it and nothing else is settled. */
export function arrayPorts(graph: ModelGraph): readonly ArrayPort[] {
  const missable = missableInputs(graph, catalogue);
  return graph.inputs.map((input) => ({
    name: input.name,
    shape: input.shape.slice(1),
    ...(missable.has(input.name) && input.type === undefined ? { missing: 'kept' } : {}),
    ...missingOf(input, input.type),
  }));
}

/** What of a port's description in a graph or report concerns missing values. */
export function missingOf(facts: { readonly flagsOf?: string | undefined; readonly missingCode?: number | undefined } | undefined, type: FixedType | undefined): Pick<ArrayPort, 'missing' | 'flagsOf'> {
  if (facts?.flagsOf !== undefined) return { flagsOf: facts.flagsOf };
  return facts?.missingCode === undefined || type === undefined ? {} : { missing: { code: facts.missingCode, type } };
}
