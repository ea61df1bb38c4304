import type { ActivationParams } from '../layers/activation.js';
import type { GraphOutput, ModelGraph } from '../model/graph.js';
import type { FlippedDecisions } from '../report/compare.js';
import type { Emulated, Events } from './emulate.js';
import { emulateFolder } from './emulate.js';
import type { CompiledFolder } from './folder.js';
import { folderGraph } from './folder.js';
import { eventArrays, hasEvents, layoutOf, patternEvents } from './folderEvents.js';
import { lastLayer } from './precision.js';
import { keptCount } from '../quantize/search/metrics.js';

export interface FlipOptions {
  /** Events to decide on; the newer folder's own where there are none. */
  readonly inputs?: Events;
  /** Where single scores decide; by default what the last layer says, else the one below. */
  readonly threshold?: number;
}

/** How one output decides, in words, and the decision by event. */
interface Decision {
  readonly rule: string;
  readonly of: (values: Float64Array, event: number) => number;
}

/**
 * Events on which two compiled models decide differently, run through both emulators; a sentence where they cannot be
 * compared.
 *
 * @throws CompileError (`input`): arrays that do not fit, folders that are mixed
 */
export function flippedDecisions(before: CompiledFolder, after: CompiledFolder, { inputs, threshold }: FlipOptions): FlippedDecisions | string {
  const differing = [portsThatDiffer(before.circuit.inputs, after.circuit.inputs, 'inputs'), portsThatDiffer(before.circuit.outputs, after.circuit.outputs, 'outputs')].find((text) => text !== undefined);
  if (differing !== undefined) return `${differing}, so not compared`;
  if (inputs === undefined && !hasEvents(after)) return 'no events: pass --inputs';
  const events = inputs ?? eventArrays(after, patternEvents(after, layoutOf(after).maps));
  const [was, is] = [emulateFolder(before, events), emulateFolder(after, events)];
  return { events: is.count, ...countFlips(was, is, decisionsOf(folderGraph(after, 'model.json'), was, threshold)) };
}

type Ports = readonly { readonly name: string; readonly shape: readonly number[] }[];

function portsThatDiffer(before: Ports, after: Ports, what: string): string | undefined {
  const text = (ports: Ports): string => ports.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).toSorted().join(', ');
  return text(before) === text(after) ? undefined : `${what} are ${text(before)} before, ${text(after)} after`;
}

/** One rule an output, in the order of `emulated`. */
function decisionsOf(model: ModelGraph, { results, count }: Emulated, threshold: number | undefined): Decision[] {
  return results.map(({ name, data }) => {
    const width = data.length / count;
    if (width > 1) return { rule: `greatest of ${name}`, of: (values, event) => greatest(values.subarray(event * width, (event + 1) * width)) };
    const output = model.outputs.find((known) => known.name === name);
    const limit = threshold ?? naturalThreshold(model, output);
    if (limit === 'itself') return { rule: name, of: (values, event) => values[event] as number };
    const value = limit ?? workingPoint(data);
    const share = limit === undefined ? `, as ${data.filter((score) => score > value).length} of them did before` : '';
    return { rule: `${name} > ${value}${share}`, of: (values, event) => Number((values[event] as number) > value) };
  });
}

/** Where the last layer puts the limit between two classes; `itself` if the output is a class or a decision. */
function naturalThreshold(model: ModelGraph, output: GraphOutput | undefined): number | 'itself' | undefined {
  const last = output === undefined ? undefined : lastLayer(model, output);
  if (last?.kind === 'argmax' || (last?.kind === 'forest' && last.name.endsWith('/decision'))) return 'itself';
  if (last?.kind === 'forest') return 0;
  if (last?.kind !== 'activation') return undefined;
  const { function: name } = last.params as ActivationParams;
  return name === 'sigmoid' ? 0.5 : name === 'tanh' ? 0 : undefined;
}

/** Of scores that name no working point: the value that a trigger's rate of events exceeds. */
function workingPoint(scores: Float64Array): number {
  return scores.toSorted()[Math.max(0, scores.length - 1 - keptCount(scores.length))] as number;
}

function greatest(values: Float64Array): number {
  return values.reduce((best, value, i) => (value > (values[best] as number) ? i : best), 0);
}

function countFlips(before: Emulated, after: Emulated, decisions: readonly Decision[]): Omit<FlippedDecisions, 'events'> {
  const pairs = before.results.map((was, p) => ({ was: was.data, is: after.results.find(({ name }) => name === was.name)?.data as Float64Array, decision: decisions[p] as Decision }));
  let [flipped, differing] = [0, 0];
  for (let event = 0; event < before.count; event++) {
    if (pairs.some(({ was, is, decision }) => decision.of(was, event) !== decision.of(is, event))) flipped++;
    if (pairs.some(({ was, is }) => rowsDiffer(was, is, event, was.length / before.count))) differing++;
  }
  return { flipped, differing, rule: decisions.map(({ rule }) => rule).join('; ') };
}

function rowsDiffer(a: Float64Array, b: Float64Array, event: number, width: number): boolean {
  for (let i = event * width; i < (event + 1) * width; i++) if (a[i] !== b[i]) return true;
  return false;
}
