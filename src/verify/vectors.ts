import type { Circuit, Port } from '../circuit/circuit.js';
import { elementCount, hiOf, kindOf, loOf, Op, typeOfElement } from '../circuit/circuit.js';
import type { Raw, RawEvent } from './dut.js';
import { seededRandom } from './random.js';

/** The events of a verification, in this order: the user's, corners, random. */
export interface Vectors {
  readonly events: readonly RawEvent[];
  readonly user: number;
  readonly corner: number;
  readonly random: number;
}

export interface VectorOptions {
  /** The user's events, as raw integers. */
  readonly user?: readonly RawEvent[];
  /** At most this many corner events; 256 without it. */
  readonly maxCorners?: number;
  /** Random events; without it 256, or up to 2048 for small circuits, where they cost nothing. */
  readonly random?: number;
  readonly seed?: number;
}

interface Range {
  readonly lo: Raw;
  readonly hi: Raw;
}

/**
 * The user's events; corners (all zero, all lowest, all highest, both alternations, each element alone at its lowest and
 * highest with the others at zero, then with the others at the opposite end); random ones over the full range.
 * Every value lies in the interval of its input op: nothing is sent that the circuit was promised not to see.
 */
export function makeVectors(circuit: Circuit, options: VectorOptions = {}): Vectors {
  const ranges = inputRanges(circuit);
  const user = options.user ?? [];
  const corners = cornerEvents(ranges, options.maxCorners ?? 256);
  const random = randomEvents(ranges, options.random ?? randomCount(circuit.size), options.seed ?? 1);
  return { events: [...user, ...corners, ...random], user: user.length, corner: corners.length, random: random.length };
}

function randomCount(operations: number): number {
  return Math.max(256, Math.min(2048, Math.floor(1_000_000 / Math.max(1, operations))));
}

/** What each input element can be, as `[port][element]`: its op's interval, or its type where no op reads it. */
export function inputRanges(circuit: Circuit): Range[][] {
  const ranges = circuit.inputs.map(typeRanges);
  for (let op = 0; op < circuit.size; op++) {
    if (kindOf(circuit, op) !== Op.input) continue;
    const port = ranges[circuit.a[op] as number] as Range[];
    port[circuit.b[op] as number] = { lo: loOf(circuit, op), hi: hiOf(circuit, op) };
  }
  return ranges;
}

function typeRanges(port: Port): Range[] {
  return Array.from({ length: elementCount(port) }, (_, i) => {
    const { width, signed } = typeOfElement(port, i);
    const bits = BigInt(signed ? width - 1 : width);
    return { lo: signed ? canonical(-(1n << bits)) : 0, hi: canonical((1n << bits) - 1n) };
  });
}

function canonical(n: bigint): Raw {
  return n <= BigInt(Number.MAX_SAFE_INTEGER) && n >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(n) : n;
}

/** The value of the range nearest to zero. */
function rest(range: Range): Raw {
  return range.lo > 0 ? range.lo : range.hi < 0 ? range.hi : 0;
}

function cornerEvents(ranges: readonly (readonly Range[])[], most: number): RawEvent[] {
  const fill = (pick: (range: Range, index: number) => Raw): RawEvent => {
    let index = 0;
    return ranges.map((port) => port.map((range) => pick(range, index++)));
  };
  const lowest = (range: Range): Raw => range.lo;
  const highest = (range: Range): Raw => range.hi;
  const events = [
    fill(rest),
    fill(lowest),
    fill(highest),
    fill((range, i) => (i % 2 === 0 ? range.lo : range.hi)),
    fill((range, i) => (i % 2 === 0 ? range.hi : range.lo)),
  ];
  const elements = ranges.reduce((sum, port) => sum + port.length, 0);
  const alone: readonly (readonly [(range: Range) => Raw, (range: Range) => Raw])[] = [
    [highest, rest], [lowest, rest], [highest, lowest], [lowest, highest],
  ];
  for (const [one, others] of alone) {
    // Where not all fit, elements spread evenly over the inputs.
    const step = Math.max(1, Math.ceil((elements * alone.length) / Math.max(1, most - 5)));
    for (let e = 0; e < elements; e += step) events.push(fill((range, i) => (i === e ? one(range) : others(range))));
  }
  return events.slice(0, most);
}

function randomEvents(ranges: readonly (readonly Range[])[], count: number, seed: number): RawEvent[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => ranges.map((port) => port.map((range) => randomIn(range, random))));
}

function randomIn({ lo, hi }: Range, random: (n: number) => number): Raw {
  if (typeof lo === 'number' && typeof hi === 'number' && hi - lo < 2 ** 31) return lo + random(hi - lo + 1);
  const span = BigInt(hi) - BigInt(lo) + 1n;
  // 64 bits more than needed make the bias of the remainder immaterial.
  let bits = 0n;
  for (let size = span << 64n; size > 0n; size >>= 32n) bits = (bits << 32n) | BigInt(random(4294967296));
  return canonical(BigInt(lo) + (bits % span));
}
