import { CompileError } from '../errors.js';

/** An exact rational number; `d` > 0, lowest terms. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** A clock as the user gave it, without rounding. */
export interface Clock {
  readonly periodNs: Rational;
  readonly frequencyMHz: Rational;
}

/** A latency budget in whole cycles of the clock. */
export interface Latency {
  readonly cycles: number;
  /** `=`: exactly this many cycles, not at most. */
  readonly locked: boolean;
  /** The budget in ns: as given for times, cycles × period otherwise. */
  readonly budgetNs: Rational;
}

/** Frequencies accepted, in MHz: 1 kHz to 10 GHz. */
const SLOWEST_MHZ = rational(1n, 1000n);
const FASTEST_MHZ = rational(10_000n, 1n);
/** Most cycles accepted. */
export const MAX_CYCLES = 10_000;
/** The LHC's nominal bunch-crossing clock, in MHz, to which `N BX` counts whole ratios. */
const BUNCH_CLOCK_MHZ = 40n;

/** The units of trigger work in seconds or hertz, so that mathjs, slow to load, is asked only for others. */
const USUAL_UNITS: ReadonlyMap<string, Measure> = new Map([
  ...scaled('time', [['s', 0], ['ms', -3], ['us', -6], ['ns', -9], ['ps', -12]]),
  ...scaled('frequency', [['Hz', 0], ['kHz', 3], ['MHz', 6], ['GHz', 9]]),
]);

interface Measure {
  readonly kind: 'time' | 'frequency';
  /** In seconds or hertz. */
  readonly size: Rational;
}

function scaled(kind: Measure['kind'], units: readonly (readonly [string, number])[]): [string, Measure][] {
  return units.map(([unit, power]) => [unit, { kind, size: powerOfTen(power) }]);
}

/** n / d in lowest terms; d must not be 0. */
export function rational(n: bigint, d: bigint): Rational {
  const divisor = gcd(n < 0n ? -n : n, d < 0n ? -d : d) * (d < 0n ? -1n : 1n);
  return { n: n / divisor, d: d / divisor };
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

function powerOfTen(power: number): Rational {
  return power >= 0 ? { n: 10n ** BigInt(power), d: 1n } : { n: 1n, d: 10n ** BigInt(-power) };
}

function times(a: Rational, b: Rational): Rational {
  return rational(a.n * b.n, a.d * b.d);
}

function over(a: Rational, b: Rational): Rational {
  return rational(a.n * b.d, a.d * b.n);
}

function isLess(a: Rational, b: Rational): boolean {
  return a.n * b.d < b.n * a.d;
}

/** floor(a) for a ≥ 0. */
function floorOf(a: Rational): bigint {
  return a.n / a.d;
}

/** The float64 nearest to a rational of moderate size. */
export function toFloat({ n, d }: Rational): number {
  return Number(n) / Number(d);
}

/** A decimal number, `12`, `3.125`, `1e-3`, exactly; undefined for other text, and for more than 30 digits or |exponent| > 40. */
export function parseDecimal(text: string): Rational | undefined {
  const match = /^(-?)(\d{0,30})(?:\.(\d{0,30}))?(?:e([+-]?\d{1,3}))?$/i.exec(text);
  const [whole, fraction, power] = [match?.[2] ?? '', match?.[3] ?? '', Number(match?.[4] ?? 0)];
  if (match === null || whole + fraction === '' || Math.abs(power) > 120) return undefined;
  const digits = BigInt(whole + fraction) * (match[1] === '-' ? -1n : 1n);
  return times({ n: digits, d: 1n }, powerOfTen(power - fraction.length));
}

/**
 * `--clock`: a frequency (`320MHz`) or a period (`3.125ns`, `25 ns`), exactly.
 *
 * @throws CompileError (`config`)
 */
export async function parseClock(text: string): Promise<Clock> {
  const fail = (what: string): CompileError => unitError('--clock', text, what, 'Write a frequency or a period with its unit: 320MHz, 3.125ns.');
  const { value, unit } = splitQuantity(text, fail);
  if (unit === '') throw fail('has no unit.');
  const measure = await measureOf(unit);
  if (measure === undefined) throw fail(`'${unit}' is no unit of frequency or time.${caseHint(unit)}`);
  if (value.n <= 0n) throw fail('must be above zero.');
  const size = times(value, measure.size);
  const hertz = measure.kind === 'frequency' ? size : over({ n: 1n, d: 1n }, size);
  const frequencyMHz = times(hertz, powerOfTen(-6));
  if (isLess(frequencyMHz, SLOWEST_MHZ) || isLess(FASTEST_MHZ, frequencyMHz)) throw fail(`is outside 1 kHz to 10 GHz.${caseHint(unit)}`);
  return { frequencyMHz, periodNs: over({ n: 1000n, d: 1n }, frequencyMHz) };
}

/**
 * `--latency` in cycles of the clock: `50ns` (rounded down), `16 cycles`, `2 BX` (N × round(f / 40 MHz) cycles); a
 * leading `=` locks it. All in rationals: 50 ns at 320 MHz are 16 cycles.
 *
 * @throws CompileError (`config`)
 */
export async function parseLatency(text: string, clock: Clock): Promise<Latency> {
  const fail = (what: string): CompileError => unitError('--latency', text, what, "Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.");
  const locked = text.trim().startsWith('=');
  const { value, unit } = splitQuantity(locked ? text.trim().slice(1) : text, fail);
  if (unit === '') throw fail('has no unit.');
  if (value.n < 0n) throw fail('must not be negative.');
  if (/^cycles?$/i.test(unit)) {
    if (value.d !== 1n) throw fail('must be a whole number of cycles.');
    return latencyOf(value, locked, clock, fail);
  }
  if (/^bx$/i.test(unit)) {
    const ratio = floorOf(rational(2n * clock.frequencyMHz.n + BUNCH_CLOCK_MHZ * clock.frequencyMHz.d, 2n * BUNCH_CLOCK_MHZ * clock.frequencyMHz.d));
    if (ratio === 0n) throw fail(`the clock, ${toFloat(clock.frequencyMHz)} MHz, has less than one cycle a bunch crossing.`);
    return latencyOf(times(value, { n: ratio, d: 1n }), locked, clock, fail);
  }
  const measure = await measureOf(unit);
  if (measure === undefined) throw fail(`'${unit}' is no unit of time.${caseHint(unit)}`);
  if (measure.kind === 'frequency') throw fail(`'${unit}' is a unit of frequency, not of time.`);
  const budgetNs = times(times(value, measure.size), powerOfTen(9));
  return { ...latencyOf(over(budgetNs, clock.periodNs), locked, clock, fail), budgetNs };
}

function latencyOf(exactCycles: Rational, locked: boolean, clock: Clock, fail: (what: string) => CompileError): Latency {
  const cycles = floorOf(exactCycles);
  if (cycles > BigInt(MAX_CYCLES)) throw fail(`is more than ${MAX_CYCLES} cycles.`);
  return { cycles: Number(cycles), locked, budgetNs: times({ n: cycles, d: 1n }, clock.periodNs) };
}

/** Number and unit of `25 ns`; the unit is empty where there is none. */
function splitQuantity(text: string, fail: (what: string) => CompileError): { readonly value: Rational; readonly unit: string } {
  const match = /^\s*(-?[\d.]+(?:e[+-]?\d+)?)\s*(.*?)\s*$/is.exec(text);
  if (match === null) throw fail('has no number in front.');
  const value = parseDecimal(match[1] as string);
  if (value === undefined) throw fail(`'${match[1] as string}' is no number of a sensible size.`);
  return { value, unit: match[2] as string };
}

/** What a unit measures; undefined for units of other things and for none. */
async function measureOf(unit: string): Promise<Measure | undefined> {
  const usual = USUAL_UNITS.get(unit);
  if (usual !== undefined || !/^[a-zA-Zµμ]{1,24}$/.test(unit)) return usual;
  const { unit: createUnit } = await import('mathjs');
  try {
    const one = createUnit(1, unit.replace(/^[µμ]/, 'u'));
    const kind = one.equalBase(createUnit(1, 's')) ? 'time' : one.equalBase(createUnit(1, 'Hz')) ? 'frequency' : undefined;
    if (kind === undefined) return undefined;
    const size = parseDecimal(String(one.toNumber(kind === 'time' ? 's' : 'Hz')));
    return size === undefined || size.n <= 0n ? undefined : { kind, size };
  } catch {
    // mathjs throws for names it does not know.
    return undefined;
  }
}

function caseHint(unit: string): string {
  const other = [...USUAL_UNITS.keys(), 'BX'].find((name) => name.toLowerCase() === unit.toLowerCase() && name !== unit);
  return other === undefined ? '' : ` Did you mean ${other}?`;
}

function unitError(option: string, text: string, what: string, mend: string): CompileError {
  return new CompileError('config', { code: 'bad-unit', where: [option], what: `'${text}': ${what}`, mend });
}

/** `0.5%` or `0.005` as 0.005; undefined for anything else. */
export function parseShare(text: string): number | undefined {
  const [, digits, percent] = /^\s*(\d{1,6}(?:\.\d+)?)\s*(%?)\s*$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) / (percent === '%' ? 100 : 1);
}
