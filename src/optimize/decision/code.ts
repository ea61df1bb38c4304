import type { CircuitBuilder } from '../../circuit/builder.js';
import type { Int } from '../../fixed/integer.js';
import type { Decision } from './decision.js';

/** Which leaf a decision ends at, as few bits, and the value of each code: the value is `values[Σ bits[i] · 2^i]`. */
export interface Code {
  /** 0/1 ops, address bit 0 first. */
  readonly bits: readonly number[];
  /** `2^bits.length` entries. */
  readonly values: readonly Int[];
}

/** Widest code: a table of 8 address bits is four 6-input LUTs and free multiplexers. */
const MOST_BITS = 8;
/** Codes of this many bits and more are also tried re-encoded by the distinct values behind them. */
const COMPRESSED_FROM = 4;

/** One bit of a code: an op, or a choice between bits by an earlier bit of the same code. */
type Bit = { readonly kind: 'op'; readonly op: number; readonly muxes: 0 } | { readonly kind: 'choice'; readonly select: number; readonly whenTrue: Bit; readonly whenFalse: Bit; readonly muxes: number };

/** A way to encode a decision: bits, their cost in LUTs, and how an address is read. */
interface Plan {
  readonly bits: readonly Bit[];
  readonly cost: number;
  readonly values: () => readonly Int[];
  /** Ops of `bits` that still have to be made: tables over the bits of a wider plan, numbered from −1 down. */
  readonly before?: Recoded;
  readonly parts: readonly Plan[];
}

interface Recoded {
  readonly plan: Plan;
  /** Placeholder of the first new bit; the next is one less. */
  readonly first: number;
  /** New code of each address of the wider plan. */
  readonly codes: readonly number[];
}

/**
 * Encodes decisions. A code of a decision is its key, then the bits of the codes of its branches: bit i of one branch
 * and bit i of the other can share a place, a multiplexer by the key, or keep places of their own. All ways are kept
 * that are narrower or cheaper than others; a nested choice takes as its selectors the bits of the code that are there
 * already, so that four-to-one choices fit one 6-input LUT.
 */
export class Encoder {
  private readonly plans = new Map<number, readonly Plan[]>();
  private readonly made = new Map<Plan, readonly number[]>();
  private placeholders = 0;
  private readonly resolved = new Map<number, number>();

  constructor(private readonly builder: CircuitBuilder) {}

  /** The cheapest code of at most `width` bits, else the narrowest; undefined where none has MOST_BITS bits or fewer. */
  encode(decision: Decision, width: number): Code | undefined {
    const plans = this.plansOf(decision);
    const fitting = plans.filter((plan) => plan.bits.length <= width);
    const chosen = cheapest(fitting) ?? narrowest(plans);
    return chosen === undefined ? undefined : { bits: this.build(chosen), values: chosen.values() };
  }

  private plansOf(decision: Decision): readonly Plan[] {
    const known = this.plans.get(decision.id);
    if (known !== undefined) return known;
    const plans = decision.kind === 'leaf' ? [leafPlan(decision.value)] : this.combine(decision.key, this.plansOf(decision.whenTrue), this.plansOf(decision.whenFalse));
    this.plans.set(decision.id, plans);
    return plans;
  }

  private combine(key: number, whenTrue: readonly Plan[], whenFalse: readonly Plan[]): readonly Plan[] {
    const best = new Map<number, { readonly cost: number; readonly make: () => Plan }>();
    const offer = (width: number, cost: number, make: () => Plan): void => {
      const known = best.get(width);
      if (known === undefined || cost < known.cost) best.set(width, { cost, make });
    };
    for (const t of whenTrue) {
      for (const f of whenFalse) {
        const [wt, wf] = [t.bits.length, f.bits.length];
        for (let shared = Math.min(wt, wf); shared >= 0; shared--) {
          const width = 1 + wt + wf - shared;
          if (width > MOST_BITS) break;
          offer(width, sharedCost(t, f, shared), () => joined(key, t, f, shared));
        }
      }
    }
    const plans = [...best.values()].map(({ make }) => make());
    for (const plan of [...plans]) {
      if (plan.bits.length < COMPRESSED_FROM) continue;
      const smaller = this.recode(plan);
      if (smaller !== undefined) plans.push(smaller);
    }
    return undominated(plans);
  }

  /** The same decision with a code of its distinct values, each bit a table of the old code. */
  private recode(plan: Plan): Plan | undefined {
    const values = plan.values();
    const distinct = [...new Set(values)];
    const width = Math.ceil(Math.log2(distinct.length));
    if (width >= plan.bits.length) return undefined;
    const codeOf = new Map(distinct.map((value, code) => [value, code]));
    const first = --this.placeholders;
    this.placeholders -= width - 1;
    const table = Array.from({ length: 1 << width }, (_, code) => distinct[Math.min(code, distinct.length - 1)] as Int);
    const cost = plan.cost + width * 2 ** Math.max(0, plan.bits.length - 6);
    return {
      bits: Array.from({ length: width }, (_, i) => ({ kind: 'op', op: first - i, muxes: 0 })),
      cost,
      values: () => table,
      before: { plan, first, codes: values.map((value) => codeOf.get(value) as number) },
      parts: [],
    };
  }

  /** Ops of a plan's bits. */
  private build(plan: Plan): readonly number[] {
    const known = this.made.get(plan);
    if (known !== undefined) return known;
    for (const part of plan.parts) this.prepare(part);
    this.prepare(plan);
    const ops: number[] = [];
    for (const bit of plan.bits) ops.push(this.bitOp(bit, ops));
    this.made.set(plan, ops);
    return ops;
  }

  /** Makes the tables that a plan, or a part of it, stands on. */
  private prepare(plan: Plan): void {
    for (const part of plan.parts) this.prepare(part);
    const { before } = plan;
    if (before === undefined || this.resolved.has(before.first)) return;
    const address = concatenate(this.builder, this.build(before.plan));
    for (let i = 0; i < plan.bits.length; i++) {
      const values = before.codes.map((code) => (code >> i) & 1);
      this.resolved.set(before.first - i, this.builder.lookup(address, { exp: 0, indexExp: 0, base: 0, values }));
    }
  }

  private bitOp(bit: Bit, ops: readonly number[]): number {
    if (bit.kind === 'op') return bit.op < 0 ? (this.resolved.get(bit.op) as number) : bit.op;
    const whenTrue = this.bitOp(bit.whenTrue, ops);
    const whenFalse = this.bitOp(bit.whenFalse, ops);
    return this.builder.mux(ops[bit.select] as number, whenTrue, whenFalse);
  }
}

/** The number Σ bits[i] · 2^i: wires. */
export function concatenate(builder: CircuitBuilder, bits: readonly number[]): number {
  return bits.reduce((low, bit, i) => (i === 0 ? bit : builder.add(low, bit, i)), 0);
}

function leafPlan(value: Int): Plan {
  return { bits: [], cost: 0, values: () => [value], parts: [] };
}

/** LUTs of a bit with so many two-to-one choices: four-to-one is one LUT, eight-to-one two and a free multiplexer. */
function lutsOf(muxes: number): number {
  return muxes === 0 ? 0 : Math.ceil((muxes + 1) / 4);
}

function sharedCost(t: Plan, f: Plan, shared: number): number {
  let cost = t.cost + f.cost;
  for (let i = 0; i < shared; i++) {
    const [a, b] = [(t.bits[i] as Bit).muxes, (f.bits[i] as Bit).muxes];
    cost += lutsOf(a + b + 1) - lutsOf(a) - lutsOf(b);
  }
  return cost;
}

/** Bit 0 is the key; the first `shared` bits of both branches share places, those of `f` come before the rest of `t`. */
function joined(key: number, t: Plan, f: Plan, shared: number): Plan {
  const placeT = t.bits.map((_, i) => (i < shared ? 1 + i : f.bits.length + 1 + i - shared));
  const placeF = f.bits.map((_, i) => 1 + i);
  const bits: Bit[] = [{ kind: 'op', op: key, muxes: 0 }];
  t.bits.forEach((bit, i) => (bits[placeT[i] as number] = moved(bit, placeT)));
  f.bits.forEach((bit, i) => {
    const own = moved(bit, placeF);
    if (i >= shared) bits[placeF[i] as number] = own;
    else {
      const other = bits[placeF[i] as number] as Bit;
      bits[placeF[i] as number] = { kind: 'choice', select: 0, whenTrue: other, whenFalse: own, muxes: other.muxes + own.muxes + 1 };
    }
  });
  let table: readonly Int[] | undefined;
  const values = (): readonly Int[] => {
    if (table !== undefined) return table;
    const [vt, vf] = [t.values(), f.values()];
    table = Array.from({ length: 1 << bits.length }, (_, address) => {
      const [own, place] = (address & 1) === 1 ? [vt, placeT] : [vf, placeF];
      return own[place.reduce((index, at, i) => index | (((address >> at) & 1) << i), 0)] as Int;
    });
    return table;
  };
  return { bits, cost: sharedCost(t, f, shared), values, parts: [t, f] };
}

function moved(bit: Bit, places: readonly number[]): Bit {
  if (bit.kind === 'op') return bit;
  return { kind: 'choice', select: places[bit.select] as number, whenTrue: moved(bit.whenTrue, places), whenFalse: moved(bit.whenFalse, places), muxes: bit.muxes };
}

function undominated(plans: readonly Plan[]): readonly Plan[] {
  const sorted = [...plans].sort((x, y) => x.bits.length - y.bits.length || x.cost - y.cost);
  const kept: Plan[] = [];
  for (const plan of sorted) if (kept.every((other) => other.cost > plan.cost)) kept.push(plan);
  return kept;
}

function cheapest(plans: readonly Plan[]): Plan | undefined {
  return plans.reduce<Plan | undefined>((best, plan) => (best === undefined || plan.cost < best.cost ? plan : best), undefined);
}

function narrowest(plans: readonly Plan[]): Plan | undefined {
  return plans[0];
}
