/** What is known of an input of an adder graph: its range in units of 2^exp, and the adder levels before it. */
export interface Source {
  readonly lo: number;
  readonly hi: number;
  readonly exp: number;
  readonly depth: number;
}

/** A positive constant, a multiple of 2^exp. */
export interface Constant {
  readonly value: number;
  readonly exp: number;
}

/** ± node · 2^shift */
export interface Reference {
  readonly node: number;
  readonly shift: number;
  readonly negative: boolean;
}

/**
 * The values of a graph's nodes as linear forms of its sources, in float64. They steer the search (ranges, equal
 * values); what is built from its result is exact on its own, so rounding here can cost LUTs but never bits.
 */
export class Values {
  /** Coefficients of each node, one a source. */
  readonly forms: Float64Array[] = [];
  /** Weight of the lowest bit that can be set, as a power of two. */
  readonly low: number[] = [];
  /** Position above the highest bit, the sign included. */
  readonly top: number[] = [];
  readonly signed: boolean[] = [];
  private readonly lo: Float64Array;
  private readonly hi: Float64Array;

  /** The nodes of the sources come first, then those of the positive constants. */
  constructor(sources: readonly Source[], constants: readonly Constant[]) {
    const n = sources.length + 1;
    const all = [...sources, { lo: 1, hi: 1, exp: 0, depth: 0 }];
    this.lo = Float64Array.from(all, ({ lo, exp }) => lo * 2 ** exp);
    this.hi = Float64Array.from(all, ({ hi, exp }) => hi * 2 ** exp);
    const node = (at: number, coefficient: number, low: number): void => {
      const form = new Float64Array(n);
      form[at] = coefficient;
      this.append(form, low);
    };
    sources.forEach(({ exp }, i) => node(i, 1, exp));
    for (const { value, exp } of constants) node(n - 1, value, exp);
  }

  get size(): number {
    return this.forms.length;
  }

  /** Adds the node x + y. */
  combine(x: Reference, y: Reference): number {
    const a = this.forms[x.node] as Float64Array;
    const b = this.forms[y.node] as Float64Array;
    const scaleA = factor(x);
    const scaleB = factor(y);
    const form = new Float64Array(a.length);
    for (let i = 0; i < form.length; i++) form[i] = scaleA * (a[i] as number) + scaleB * (b[i] as number);
    return this.append(form, Math.min((this.low[x.node] as number) + x.shift, (this.low[y.node] as number) + y.shift));
  }

  /** Forgets the nodes from `size` on. */
  truncate(size: number): void {
    for (const list of [this.forms, this.low, this.top, this.signed]) list.length = size;
  }

  /** Keeps these nodes, in this order. */
  keep(nodes: readonly number[]): void {
    const pick = <T>(list: T[]): void => void list.splice(0, list.length, ...nodes.map((node) => list[node] as T));
    pick(this.forms);
    pick(this.low);
    pick(this.top);
    pick(this.signed);
  }

  private append(form: Float64Array, low: number): number {
    let least = 0;
    let most = 0;
    for (let i = 0; i < form.length; i++) {
      const c = form[i] as number;
      if (c === 0) continue;
      least += c * ((c > 0 ? this.lo[i] : this.hi[i]) as number);
      most += c * ((c > 0 ? this.hi[i] : this.lo[i]) as number);
    }
    this.low.push(low);
    const unit = 2 ** low;
    this.top.push(Math.max(bitsAbove(most), least < 0 ? bitsAbove(-least - unit) : -Infinity, low) + (least < 0 ? 1 : 0));
    this.signed.push(least < 0);
    return this.forms.push(form) - 1;
  }
}

function factor({ shift, negative }: Reference): number {
  return negative ? -(2 ** shift) : 2 ** shift;
}

/** Position above the highest bit of a real number; −∞ for none. */
function bitsAbove(x: number): number {
  return x <= 0 ? -Infinity : Math.floor(Math.log2(x)) + 1;
}
