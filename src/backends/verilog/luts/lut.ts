import type { Net } from './nets.js';

/** A function of up to six nets: bit i of `truth` is the output where the inputs spell i, input 0 lowest. */
export interface Lut {
  readonly output: Net;
  readonly inputs: readonly Net[];
  readonly truth: bigint;
  /** Functions that share a site must be of one level, or what one reads could depend on the other. */
  readonly level?: number;
  /** Its output feeds a wide multiplexer, so that it needs a site of its own. */
  readonly alone?: boolean;
}

/** The truth table of a function over distinct inputs. */
export function truthOf(inputs: number, value: (assignment: readonly (0 | 1)[]) => number): bigint {
  let truth = 0n;
  const assignment = new Array<0 | 1>(inputs).fill(0);
  for (let index = 0; index < 1 << inputs; index++) {
    for (let i = 0; i < inputs; i++) assignment[i] = ((index >> i) & 1) as 0 | 1;
    if (value(assignment) !== 0) truth |= 1n << BigInt(index);
  }
  return truth;
}

/** The same function without inputs that do not matter. */
export function reduced(lut: Lut): Lut {
  let { inputs, truth } = lut;
  for (let i = inputs.length - 1; i >= 0; i--) {
    const half = cofactor(truth, inputs.length, i, 0);
    if (half !== cofactor(truth, inputs.length, i, 1)) continue;
    truth = half;
    inputs = inputs.filter((_, k) => k !== i);
  }
  return { ...lut, inputs, truth };
}

function cofactor(truth: bigint, inputs: number, which: number, value: 0 | 1): bigint {
  let result = 0n;
  for (let index = 0; index < 1 << (inputs - 1); index++) {
    const low = index & ((1 << which) - 1);
    const full = ((index >> which) << (which + 1)) | (value << which) | low;
    if (((truth >> BigInt(full)) & 1n) === 1n) result |= 1n << BigInt(index);
  }
  return result;
}

/** `truth` over `inputs` as a table over `places`, which contain them; 32 or 64 entries. */
export function extended(lut: Pick<Lut, 'inputs' | 'truth'>, places: readonly Net[], bits: number): bigint {
  const at = lut.inputs.map((net) => places.findIndex((place) => place.key === net.key));
  let table = 0n;
  for (let index = 0; index < 1 << bits; index++) {
    const own = at.reduce((sum, place, i) => sum | (((index >> place) & 1) << i), 0);
    if (((lut.truth >> BigInt(own)) & 1n) === 1n) table |= 1n << BigInt(index);
  }
  return table;
}

/** One site: a LUT, or two that together read at most five nets. */
export interface Site {
  readonly first: Lut;
  readonly second?: Lut;
  readonly places: readonly Net[];
}

/** The site of one function, or of two that fit it. */
export function siteOf(first: Lut, second?: Lut): Site {
  return second === undefined ? { first, places: first.inputs } : { first, second, places: unionOf(first, second) };
}

/** Inputs that two functions of one site may have together. */
const SHARED_INPUTS = 5;
/** Neighbours looked at when a partner is sought. */
const MOST_CANDIDATES = 400;

/**
 * Puts LUTs in pairs where their inputs fit one site: those with the most inputs first, each with the partner that adds
 * the fewest and leaves the least room unused.
 */
export function pairLuts(luts: readonly Lut[]): Site[] {
  const order = luts.map((_, i) => i).sort((x, y) => inputsOf(luts, y) - inputsOf(luts, x) || x - y);
  const readers = new Map<string, number[]>();
  const free = new Set<number>();
  for (const i of order) {
    const lut = luts[i] as Lut;
    if (lut.alone === true || lut.inputs.length > SHARED_INPUTS) continue;
    free.add(i);
    for (const net of lut.inputs) (readers.get(net.key) ?? setAndGet(readers, net.key)).push(i);
  }
  const sites: Site[] = [];
  for (const i of order) {
    const first = luts[i] as Lut;
    if (first.alone === true || first.inputs.length > SHARED_INPUTS) {
      sites.push(siteOf(first));
      continue;
    }
    if (!free.delete(i)) continue;
    const partner = bestPartner(luts, i, free, readers);
    if (partner === undefined) sites.push(siteOf(first));
    else {
      free.delete(partner);
      sites.push(siteOf(first, luts[partner]));
    }
  }
  return sites;
}

function setAndGet(map: Map<string, number[]>, key: string): number[] {
  const list: number[] = [];
  map.set(key, list);
  return list;
}

function inputsOf(luts: readonly Lut[], i: number): number {
  return (luts[i] as Lut).inputs.length;
}

function unionOf(a: Lut, b: Lut): Net[] {
  const places = [...a.inputs];
  for (const net of b.inputs) if (!places.some((other) => other.key === net.key)) places.push(net);
  return places;
}

function bestPartner(luts: readonly Lut[], own: number, free: ReadonlySet<number>, readers: ReadonlyMap<string, readonly number[]>): number | undefined {
  const lut = luts[own] as Lut;
  let best: number | undefined;
  let bestScore = -Infinity;
  const consider = (candidate: number): void => {
    const other = luts[candidate] as Lut;
    if (other.level !== lut.level) return;
    const together = unionOf(lut, other).length;
    if (together > SHARED_INPUTS) return;
    // A partner that reads much is harder to place elsewhere.
    const score = other.inputs.length * 8 - together;
    if (score > bestScore || (score === bestScore && candidate < (best ?? Infinity))) {
      best = candidate;
      bestScore = score;
    }
  };
  let seen = 0;
  for (const net of lut.inputs) {
    for (const candidate of readers.get(net.key) ?? []) {
      if (!free.has(candidate)) continue;
      consider(candidate);
      if (++seen > MOST_CANDIDATES) return best;
    }
  }
  if (best !== undefined || lut.inputs.length >= SHARED_INPUTS) return best;
  // Nothing shared: any small enough function fits beside it.
  for (const candidate of free) {
    consider(candidate);
    if (++seen > MOST_CANDIDATES) break;
  }
  return best;
}
