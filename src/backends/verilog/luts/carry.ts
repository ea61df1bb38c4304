import { expOf, intervalOf, kindOf, Op } from '../../../circuit/circuit.js';
import { intervalWidth } from '../../../fixed/interval.js';
import type { TernaryTerm } from '../../../timing/ternary.js';
import { ternaryTerms } from '../../../timing/ternary.js';
import type { Coverer } from './cover.js';
import { distinct } from './cover.js';
import type { Logic } from './logic.js';
import type { Lut, Site } from './lut.js';
import { siteOf } from './lut.js';
import type { Net } from './nets.js';
import { bitNet, helperNet, isTransparent, netAt, ONE, ZERO } from './nets.js';

/** A carry chain: sum and carry of each position; `sums[i]` and `carries[i]` name those that are wanted. */
export interface Chain {
  readonly carryIn: 0 | 1;
  readonly select: readonly Net[];
  readonly data: readonly Net[];
  readonly sums: readonly (Net | undefined)[];
  readonly carries: readonly (Net | undefined)[];
}

/** What an op becomes: LUTs, a chain, and bits that are other bits. */
export interface Arithmetic {
  /** LUTs of the chain; two functions where one site gives both the selection and what goes with it. */
  readonly sites: readonly Site[];
  readonly chain?: Chain;
  readonly aliases: readonly { readonly output: Net; readonly value: Net }[];
  readonly reads: readonly Net[];
}

/** An operand of a sum at a binary position. */
type Operand = (position: number) => Net;

const INPUTS = 6;
const TERNARY_INPUTS = 5;

/** Sums and comparisons of variables as carry chains that take small tables into their LUTs. */
export class ArithmeticMapper {
  private fresh = 0;

  constructor(
    private readonly logic: Logic,
    private readonly coverer: Coverer,
    private readonly hasOneReader: (op: number) => boolean,
    /** The adder that is part of another one. */
    private readonly parts: ReadonlyMap<number, number>,
  ) {}

  isArithmetic(op: number): boolean {
    const { circuit } = this.logic;
    const kind = kindOf(circuit, op);
    if (kind === Op.add || kind === Op.sub) return !isTransparent(circuit, op);
    return kind === Op.lt && !this.logic.isLogic(op);
  }

  map(op: number, width: number, stage: number): Arithmetic {
    const { circuit } = this.logic;
    if (kindOf(circuit, op) === Op.lt) return this.comparison(op);
    const inner = this.parts.get(op);
    if (inner !== undefined) return this.ternary(op, inner, width, stage);
    return kindOf(circuit, op) === Op.sub ? this.difference(op, width, stage) : this.binary(op, width, stage);
  }

  private operandsOf(op: number): readonly [Operand, Operand] {
    const { circuit, net } = this.logic;
    const s = circuit.param[op] as number;
    return [(position) => netAt(net, circuit.a[op] as number, position), (position) => netAt(net, circuit.b[op] as number, position - s)];
  }

  private helper(): Net {
    return { ...helperNet(0), key: `c${++this.fresh}` };
  }

  /** a + b: the operand that is there as a net is the carry's data; the other's table joins the LUT. */
  private binary(op: number, width: number, stage: number): Arithmetic {
    const exp = expOf(this.logic.circuit, op);
    const [first, second] = this.operandsOf(op);
    const [a, b] = this.looksThrough(first, exp, width, stage) && !this.looksThrough(second, exp, width, stage) ? [second, first] : [first, second];
    return this.chain(op, width, stage, a, b, false);
  }

  private difference(op: number, width: number, stage: number): Arithmetic {
    const [a, b] = this.operandsOf(op);
    return this.chain(op, width, stage, a, b, true);
  }

  private looksThrough(operand: Operand, exp: number, width: number, stage: number): boolean {
    for (let i = 0; i < width; i++) if (this.coverer.lookThrough(operand(exp + i), stage) !== undefined) return true;
    return false;
  }

  private chain(op: number, width: number, stage: number, a: Operand, b: Operand, subtracts: boolean): Arithmetic {
    const exp = expOf(this.logic.circuit, op);
    const parts = new Parts();
    let i = 0;
    // Below the first position where both have bits there is nothing to add.
    for (; i < width; i++) {
      const [x, y] = [a(exp + i), b(exp + i)];
      if (isZero(y) || (!subtracts && isZero(x))) parts.alias(bitNet(op, i), isZero(y) ? x : y);
      else break;
    }
    for (; i < width; i++) {
      const [x, y] = [a(exp + i), b(exp + i)];
      const select = this.coverer.leaves(distinct([x, y]), stage, INPUTS, (net) => net.key !== x.key && this.absorbs(net)) as readonly Net[];
      const own = this.select(parts, select, (value) => value(x) ^ value(y) ^ (subtracts ? 1 : 0), !subtracts && isZero(y) ? x : !subtracts && isZero(x) ? y : undefined);
      parts.position(own, x, bitNet(op, i));
    }
    return parts.finish(subtracts ? 1 : 0);
  }

  /** Tables fit beside an accumulator whoever else reads them; other logic only where nobody else does. */
  private absorbs(net: Net): boolean {
    if (net.kind !== 'bit') return false;
    return kindOf(this.logic.circuit, net.op) === Op.lookup || this.hasOneReader(net.op);
  }

  private select(parts: Parts, leaves: readonly Net[], value: (net: (net: Net) => 0 | 1) => number, plain: Net | undefined): Net {
    if (plain !== undefined && (leaves.length === 1 && leaves[0]?.key === plain.key)) return parts.reading(plain);
    return parts.lut(this.coverer.lut(this.helper(), leaves, value));
  }

  /**
   * ± p ± q ± r: each position adds three bits in one site, whose second output, the majority, goes to the next position. Two
   * operands at most are subtracted: inverted, with a one for each, as the carry into the first position and as its majority.
   */
  private ternary(op: number, inner: number, width: number, stage: number): Arithmetic {
    const { circuit, net } = this.logic;
    const exp = expOf(circuit, op);
    const terms = ternaryTerms(circuit, op, inner);
    const bitAt = ({ op: own, shift }: TernaryTerm, i: number): Net => netAt(net, own, exp + i - shift);
    const subtracted = terms.filter(({ negative }) => negative).length;
    const parts = new Parts();
    let i = 0;
    // Below the first position where something is subtracted or two have bits there is nothing to add.
    for (; i < width; i++) {
      const there = terms.filter((term) => !isZero(bitAt(term, i)));
      if (there.length > 1 || there[0]?.negative === true) break;
      parts.alias(bitNet(op, i), there[0] === undefined ? ZERO : bitAt(there[0], i));
    }
    let majority: Net = subtracted > 1 ? ONE : ZERO;
    for (; i < width; i++) {
      const nets = terms.map((term) => bitAt(term, i));
      const before = majority;
      const leaves = this.coverer.leaves(distinct([...nets, before]), stage, TERNARY_INPUTS, (own) => this.absorbs(own)) as readonly Net[];
      const ones = (value: (own: Net) => 0 | 1): number => nets.reduce((sum, own, k) => sum + (value(own) ^ (terms[k]?.negative === true ? 1 : 0)), 0);
      const select = parts.lut(this.coverer.lut(this.helper(), leaves, (value) => (ones(value) ^ value(before)) & 1));
      if (i < width - 1) majority = parts.lut(this.coverer.lut(this.helper(), leaves, (value) => (ones(value) > 1 ? 1 : 0)));
      parts.position(select, before, bitNet(op, i));
    }
    return parts.finish(subtracted > 0 ? 1 : 0);
  }

  /** a < b of two variables, two bits a position: equal bits pass the carry on, others decide it. */
  private comparison(op: number): Arithmetic {
    const { circuit, net } = this.logic;
    const [a, b] = [circuit.a[op] as number, circuit.b[op] as number];
    const [x, y] = [intervalOf(circuit, a), intervalOf(circuit, b)];
    const signed = x.lo < 0 || y.lo < 0;
    const topOf = (interval: typeof x): number => interval.exp + intervalWidth(interval) + (signed && interval.lo >= 0 ? 1 : 0);
    const bottom = Math.min(x.exp, y.exp);
    const top = Math.max(topOf(x), topOf(y));
    const parts = new Parts();
    for (let low = bottom; low < top; low += 2) {
      const high = Math.min(low + 2, top);
      const places = Array.from({ length: high - low }, (_, i) => low + i);
      const left = places.map((position) => netAt(net, a, position));
      const right = places.map((position) => netAt(net, b, position));
      const flips = (i: number): number => (signed && low + i === top - 1 ? 1 : 0);
      const number = (nets: readonly Net[], value: (net: Net) => 0 | 1): number => nets.reduce((sum, own, i) => sum + (value(own) ^ flips(i)) * 2 ** i, 0);
      const leaves = distinct([...left, ...right]);
      const select = this.select(parts, leaves, (value) => (number(left, value) === number(right, value) ? 1 : 0), undefined);
      const data = this.select(parts, leaves, (value) => (number(left, value) < number(right, value) ? 1 : 0), undefined);
      parts.position(select, data, undefined);
    }
    return parts.finish(0, bitNet(op, 0));
  }
}

function isZero(net: Net): boolean {
  return net.kind === 'constant' && net.value === 0;
}

/** Collects what an op is made of. */
class Parts {
  private luts: Lut[] = [];
  /** What was made already: above the operands' signs the positions repeat. */
  private readonly made = new Map<string, Net>();
  private readonly sites: Site[] = [];
  private readonly reads: Net[] = [];
  private readonly aliases: { readonly output: Net; readonly value: Net }[] = [];
  private readonly selects: Net[] = [];
  private readonly data: Net[] = [];
  private readonly sums: (Net | undefined)[] = [];

  alias(output: Net, value: Net): void {
    this.aliases.push({ output, value: this.reading(value) });
  }

  reading(net: Net): Net {
    if (net.kind !== 'constant') this.reads.push(net);
    return net;
  }

  /** Adds a LUT to the position being built, unless it is a wire, a constant or there already; what it gives. */
  lut(lut: Lut): Net {
    const [only] = lut.inputs;
    if (only === undefined) return lut.truth === 0n ? ZERO : ONE;
    if (lut.inputs.length === 1 && lut.truth === 2n) return this.reading(only);
    const key = `${lut.inputs.map((net) => net.key).join(' ')} ${lut.truth}`;
    const same = this.made.get(key);
    if (same !== undefined) return same;
    this.made.set(key, lut.output);
    this.luts.push(lut);
    this.reads.push(...lut.inputs);
    return lut.output;
  }

  /** Ends a position: its LUTs, two at most, share a site. */
  position(select: Net, data: Net, sum: Net | undefined): void {
    this.closeSite();
    this.selects.push(select);
    this.data.push(this.reading(data));
    this.sums.push(sum);
  }

  private closeSite(): void {
    const [first, second] = this.luts;
    if (first !== undefined) this.sites.push(siteOf(first, second));
    this.luts = [];
  }

  finish(carryIn: 0 | 1, carry?: Net): Arithmetic {
    this.closeSite();
    const own = { sites: this.sites, aliases: this.aliases, reads: this.reads };
    if (this.selects.length === 0) return own;
    const carries = this.selects.map((_, i) => (i === this.selects.length - 1 ? carry : undefined));
    return { ...own, chain: { carryIn, select: this.selects, data: this.data, sums: this.sums, carries } };
  }
}
