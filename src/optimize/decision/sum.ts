import type { CircuitBuilder } from '../../circuit/builder.js';
import type { Int } from '../../fixed/integer.js';
import { add, max, min, sub } from '../../fixed/integer.js';
import type { Code } from './code.js';
import { concatenate } from './code.js';

/** Codes whose sum is one table, and the least and the greatest entry. */
interface Bin {
  readonly bits: readonly number[];
  readonly values: readonly Int[];
  readonly range: Int;
}

/** Address bits that fit one 6-input LUT beside the bit of an accumulator; beside two of them. */
const BESIDE_ONE = 5;
const BESIDE_TWO = 2;
/** Address bits of which two tables fit one LUT: such pairs begin accumulators. */
const HALF = 3;

/** Tables that one accumulator takes in, one after another, before it is added to others, by slack of depth. */
const CHAIN_LENGTHS: readonly number[] = [3, 5, 8, 12];

/**
 * The sum of the values of codes and a constant, on the grid 2^exp. An adder takes a table of up to five address bits
 * in the same LUT as its carry bit, so trees are added to accumulators one table after another; small codes share a
 * table; accumulators meet three at a time, or two and a table of two address bits, which one carry chain can add, those
 * first that are there first.
 */
export function sumCodes(builder: CircuitBuilder, codes: readonly Code[], constant: Int, exp: number): number {
  let offset = constant;
  const bins: Bin[] = [];
  for (const code of codes) {
    const bin = binOf(code.bits, code.values);
    offset = add(offset, bin.least);
    if (bin.range !== 0) bins.push(bin);
  }
  if (bins.length === 0) return builder.constant(offset, exp);
  const length = CHAIN_LENGTHS[Math.min(builder.depthSlack, CHAIN_LENGTHS.length - 1)] as number;
  const { chains, spare } = arrange(bins, length);
  return new Summation(builder, exp, offset).run(chains, spare);
}

function binOf(bits: readonly number[], values: readonly Int[]): Bin & { readonly least: Int } {
  const least = values.reduce((a, b) => min(a, b));
  const most = values.reduce((a, b) => max(a, b));
  return { bits, values: values.map((value) => sub(value, least)), range: sub(most, least), least };
}

function joined(a: Bin, b: Bin): Bin {
  const wide = a.bits.length;
  const mask = (1 << wide) - 1;
  const values = Array.from({ length: 1 << (wide + b.bits.length) }, (_, address) => add(a.values[address & mask] as Int, b.values[address >> wide] as Int));
  return { bits: [...a.bits, ...b.bits], values, range: add(a.range, b.range) };
}

/** First fit, widest first: bins whose codes together have at most `room` bits. */
function pack(bins: readonly Bin[], room: number): Bin[] {
  const packed: Bin[] = [];
  for (const bin of [...bins].sort((x, y) => y.bits.length - x.bits.length || compareRange(x, y))) {
    const at = packed.findIndex((other) => other.bits.length + bin.bits.length <= room);
    if (at < 0) packed.push(bin);
    else packed[at] = joined(packed[at] as Bin, bin);
  }
  return packed;
}

function compareRange(x: Bin, y: Bin): number {
  return x.range < y.range ? -1 : x.range > y.range ? 1 : 0;
}

/** Which tables each accumulator takes, narrow ones first, and the smallest, left for where accumulators meet. */
function arrange(given: readonly Bin[], length: number): { readonly chains: readonly (readonly Bin[])[]; readonly spare: readonly Bin[] } {
  const bins = pack(given, BESIDE_ONE).sort(compareRange);
  const small = bins.filter((bin) => bin.bits.length <= HALF);
  const large = bins.filter((bin) => bin.bits.length > HALF);
  let count = 1;
  // Two small tables begin an accumulator as one table of six address bits; a table costs its own bits where it is added to
  // an accumulator, however wide that is, so there are no more accumulators than depth asks for.
  let pairs = 0;
  for (; ; count++) {
    pairs = Math.min(count, Math.floor(small.length / 2));
    if (large.length + small.length - pairs <= count * length || count >= bins.length) break;
  }
  const starts = Array.from({ length: pairs }, (_, i) => joined(small[2 * i] as Bin, small[2 * i + 1] as Bin));
  const odd = small.slice(2 * pairs);
  const spare = odd.filter((bin) => bin.bits.length <= BESIDE_TWO).slice(0, count - 1);
  const rest = [...large, ...odd.filter((bin) => !spare.includes(bin))].sort(compareRange);
  const chains: Bin[][] = starts.map((bin) => [bin]);
  while (chains.length < Math.min(count, starts.length + rest.length)) chains.push([]);
  let turn = starts.length % Math.max(1, chains.length);
  for (const bin of rest) {
    (chains[turn] as Bin[]).push(bin);
    turn = (turn + 1) % chains.length;
  }
  return chains.length === 0 ? { chains: [spare], spare: [] } : { chains, spare };
}

/** A partial sum and how many additions, one after another, led to it. */
interface Sum {
  readonly op: number;
  readonly level: number;
}

class Summation {
  private offset: Int;

  constructor(
    private readonly builder: CircuitBuilder,
    private readonly exp: number,
    offset: Int,
  ) {
    this.offset = offset;
  }

  run(chains: readonly (readonly Bin[])[], spare: readonly Bin[]): number {
    const tables = [...spare];
    // The constant joins the table that is added last: before that, sums start at 0 and stay narrow.
    const last = chains.length - 1;
    let sums = chains.map((chain, i) => {
      const holdsOffset = i === last && (tables.length === 0 || chains.length === 1);
      const op = chain.reduce<number | undefined>((sum, bin, k) => {
        const table = this.table(bin, holdsOffset && k === chain.length - 1);
        return sum === undefined ? table : this.builder.add(sum, table);
      }, undefined) as number;
      return { op, level: chain.length };
    });
    while (sums.length > 1) {
      sums.sort((x, y) => x.level - y.level || this.highest(x.op) - this.highest(y.op) || x.op - y.op);
      const [a, b, c] = sums as [Sum, Sum, Sum | undefined];
      const pair = this.builder.add(a.op, b.op);
      const table = tables.shift();
      const level = Math.max(a.level, b.level, table === undefined ? (c?.level ?? 0) : 0) + 1;
      if (table !== undefined) sums = [...sums.slice(2), { op: this.builder.add(pair, this.table(table, tables.length === 0)), level }];
      else if (c !== undefined) sums = [...sums.slice(3), { op: this.builder.add(pair, c.op), level }];
      else sums = [{ op: pair, level }];
    }
    return (sums[0] as Sum).op;
  }

  private highest(op: number): number {
    return Number(this.builder.intervalOf(op).hi);
  }

  private table(bin: Bin, withOffset: boolean): number {
    const address = concatenate(this.builder, bin.bits);
    const values = withOffset ? bin.values.map((value) => add(value, this.offset)) : bin.values;
    return this.builder.lookup(address, { exp: this.exp, indexExp: 0, base: 0, values });
  }
}
