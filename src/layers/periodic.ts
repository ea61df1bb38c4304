import type { CircuitBuilder } from '../circuit/builder.js';
import { CompileError } from '../errors.js';
import { fixedType } from '../fixed/fixedType.js';
import { dyadicOf, sub, toNumber } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import { negate, select, timesConstant } from './arithmetic.js';
import { staircaseTable } from './functionTable.js';
import type { RoundedFunction, Staircase } from './steps.js';

/** The most arguments for which the reduced table is checked. */
const MOST_ARGUMENTS = 2 ** 22;
/** Whole numbers that hold a phase and a value side by side in float64. */
const MOST_BITS = 52;
/** Bits of the phase beyond those of argument and value, tried from the least. */
const SPARE_BITS = [4, 7, 10];
/** Turns a radian. */
const TURNS = 1 / (2 * Math.PI);
const [TURN_STEPS, TURN_EXP] = [BigInt(dyadicOf(TURNS).n), dyadicOf(TURNS).exp];

/** How a phase of `bits` bits is read. */
interface Reduction {
  readonly bits: number;
  /** Whether one quarter of the turn is stored for all four. */
  readonly isFolded: boolean;
  readonly stairs: Staircase;
}

/** Whether a range has more arguments than a table of all of them bears. */
export function isWideRange({ lo, hi }: Interval): boolean {
  return Number(sub(hi, lo)) >= 2 ** 16;
}

/**
 * Sine or cosine of an argument of many turns: x / 2π modulo 1, cut to some bits, is the phase; a table gives the value, of one
 * quarter of the turn where the rounding is symmetric. The bits are so many that every argument there is has exactly the value
 * `f` gives it: all of them are tried. `exp` is the grid of the values, which are not yet saturated.
 *
 * Throws CompileError (`unsupported`), when built, for more than 4 194 304 arguments, or where no phase of bearable width tells them apart.
 */
export function periodicTable(kind: 'sin' | 'cos', f: RoundedFunction, exp: number, layer: string): (builder: CircuitBuilder, x: number) => number {
  const known = new Map<string, Reduction>();
  return (builder, x) => {
    const range = builder.intervalOf(x);
    const key = `${range.lo}:${range.hi}:${range.exp}`;
    const reduction = known.get(key) ?? reductionOf(kind, range, f, layer);
    known.set(key, reduction);
    return build(builder, x, kind, reduction, exp, layer);
  };
}

function build(builder: CircuitBuilder, x: number, kind: 'sin' | 'cos', { bits, isFolded, stairs }: Reduction, exp: number, layer: string): number {
  const turns = builder.cast(timesConstant(builder, x, TURNS), fixedType(false, bits, 0));
  const whole = builder.shift(turns, bits);
  const phase = kind === 'sin' ? whole : wrapped(builder, builder.add(whole, builder.constant(1, bits - 2)), bits);
  const table = (op: number): number => staircaseTable(stairs, { argument: 0, value: exp }, layer)(builder, op);
  if (!isFolded) return table(phase);
  const bit = (k: number): number => builder.shift(builder.cast(phase, fixedType(false, 1, k + 1)), -k);
  const quarter = wrapped(builder, phase, bits - 2);
  const back = builder.sub(builder.constant(2 ** (bits - 2) - 1), quarter);
  const value = table(select(builder, bit(bits - 2), back, quarter));
  return select(builder, bit(bits - 1), negate(builder, value), value);
}

function wrapped(builder: CircuitBuilder, x: number, bits: number): number {
  return builder.cast(x, fixedType(false, bits, bits));
}

/** The narrowest phase that tells all arguments apart whose values differ. */
function reductionOf(kind: 'sin' | 'cos', range: Interval, f: RoundedFunction, layer: string): Reduction {
  const count = Number(sub(range.hi, range.lo)) + 1;
  const fail = (what: string): never => {
    throw new CompileError('unsupported', { code: 'function-too-fine', where: [layer], what, mend: 'Give the layer a result of fewer bits, or its argument (a result type of the layer before it, in a --precision file).' });
  };
  if (count > MOST_ARGUMENTS) return fail(`the ${kind} of an argument of ${count} values; at most ${MOST_ARGUMENTS} are supported.`);
  const peaks = kind === 'sin' ? [Math.PI / 2, -Math.PI / 2] : [0, Math.PI];
  const most = Math.max(1, ...peaks.map((x) => Math.abs(Number(f.at(x)))));
  const valueBits = Math.ceil(Math.log2(2 * most + 3));
  const tooFine = `the ${kind} of an argument of ${count} values takes more than ${MOST_BITS - valueBits} bits of the turn.`;
  if (Math.ceil(Math.log2(count)) + 2 * valueBits + (SPARE_BITS[0] as number) > MOST_BITS) return fail(tooFine);
  const values = Float64Array.from({ length: count }, (_, k) => Number(f.at(toNumber(Number(range.lo) + k, range.exp))));
  for (const spare of SPARE_BITS) {
    const bits = Math.ceil(Math.log2(count)) + valueBits + spare;
    if (bits + valueBits > MOST_BITS) break;
    const phases = phasesOf(kind, range, count, bits);
    for (const isFolded of [true, false]) {
      const stairs = stairsOf(phases, values, bits, isFolded, most);
      if (stairs !== undefined) return { bits, isFolded, stairs };
    }
  }
  return fail(tooFine);
}

/** The phase of every argument as the circuit has it: exact whole numbers. */
function phasesOf(kind: 'sin' | 'cos', { lo, exp }: Interval, count: number, bits: number): Float64Array {
  const drop = -(TURN_EXP + exp) - bits;
  const first = BigInt(lo);
  const quarter = kind === 'sin' ? 0n : 1n << BigInt(bits - 2);
  const at = (n: bigint): number => Number(BigInt.asUintN(bits, (drop >= 0 ? (n * TURN_STEPS) >> BigInt(drop) : (n * TURN_STEPS) << BigInt(-drop)) + quarter));
  return Float64Array.from({ length: count }, (_, k) => at(first + BigInt(k)));
}

/** The staircase of value over phase (or quarter of the turn); undefined where there is none. */
function stairsOf(phases: Float64Array, values: Float64Array, bits: number, isFolded: boolean, most: number): Staircase | undefined {
  const [half, quarter] = [2 ** (bits - 1), 2 ** (bits - 2)];
  const base = 2 ** Math.ceil(Math.log2(2 * most + 3));
  const folded = (phase: number): number => {
    const inHalf = phase % half;
    return inHalf >= quarter ? half - 1 - inHalf : inHalf;
  };
  const pairs = phases.map((phase, k) => {
    const value = values[k] as number;
    return isFolded ? folded(phase) * base + (phase >= half ? -value : value) + most + 1 : phase * base + value + most + 1;
  }).sort();
  const [starts, found]: [number[], number[]] = [[], []];
  let last = -1;
  for (const pair of pairs) {
    const [phase, value] = [Math.floor(pair / base), (pair % base) - most - 1];
    if (value !== found.at(-1)) {
      // A quarter of a sine rises: where it does not, the rounding treats its sides differently.
      if (phase === last || (isFolded && value < (found.at(-1) ?? value))) return undefined;
      starts.push(starts.length === 0 ? 0 : phase);
      found.push(value);
    }
    last = phase;
  }
  return { starts, values: found, last: (isFolded ? quarter : 2 ** bits) - 1 };
}
