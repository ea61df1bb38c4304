import type { Circuit, Table } from '../../circuit/circuit.js';
import { kindOf, loOf, Op } from '../../circuit/circuit.js';
import type { CastPlan, Lane } from '../../emulator/castPlan.js';
import { modularConstant } from '../../emulator/castPlan.js';
import { castPlanOf, compareLane, extremumOf, indexLane } from '../../emulator/lanes.js';
import { invariant } from '../../errors.js';
import type { CppPlan, Segment, SlotLane } from './plan.js';
import { slotLane } from './plan.js';

/** The member of Block that holds the slots of a lane. */
export const SLOTS: Readonly<Record<SlotLane, string>> = { 16: 'h', 32: 'w', 64: 'd' };

/** What a function is made of: its lines and the tables it reads. */
export interface SegmentCode {
  readonly lines: readonly string[];
  readonly tables: readonly TableUse[];
}

/** A table in entries of a lane. */
export interface TableUse {
  readonly table: number;
  readonly lane: Lane;
}

export function tableName({ table, lane }: TableUse): string {
  return `table_${table}_${lane}`;
}

/** An integer literal of a lane; `n` modulo 2^lane as two's complement. */
export function literal(n: bigint, lane: Lane): string {
  const value = BigInt.asIntN(lane, n);
  // Of its own type, so that a choice between two of them is not one of ints.
  if (lane === 16) return `i16(${value})`;
  if (value === -(1n << BigInt(lane - 1))) return lane === 32 ? '(-2147483647 - 1)' : '(-9223372036854775807ll - 1)';
  return lane === 32 ? String(value) : `${value}ll`;
}

/** `b.h[3][e]` */
export function slotText(plan: CppPlan, root: number): string {
  const slot = plan.slot[root] as number;
  invariant(slot >= 0, `op ${root} is read before it is computed`);
  return `b.${SLOTS[slotLane(plan.lanes, root)]}[${slot}][e]`;
}

/**
 * The body of a segment. Every value is a local `n<op>` of its lane (`bool` for truth values); arithmetic is modular:
 * 16-bit lanes compute in int, which holds every intermediate, wider ones in unsigned integers.
 */
export function segmentCode(plan: CppPlan, segment: Segment): SegmentCode {
  return segment.kind === 'vector' ? new VectorWriter(plan).run(segment.ops) : lookupCode(plan, segment.ops);
}

class VectorWriter {
  private readonly circuit: Circuit;
  private readonly lines: string[] = [];
  private readonly known = new Set<number>();

  constructor(private readonly plan: CppPlan) {
    this.circuit = plan.fast;
  }

  run(ops: readonly number[]): SegmentCode {
    for (const op of ops) {
      const lane = this.plan.lanes.lane[op] as Lane;
      const isMask = this.plan.lanes.isMask[op] === 1;
      const value = isMask ? this.truth(op) : this.value(op, lane);
      this.lines.push(isMask ? `const bool n${op} = ${value};` : `const i${lane} n${op} = i${lane}(${value});`);
      this.known.add(op);
      if ((this.plan.slot[op] as number) >= 0) this.lines.push(`${slotText(this.plan, op)} = n${op};`);
    }
    return { lines: ['for (int e = 0; e < N; ++e) {', ...withoutUnread(this.lines).map((line) => `  ${line}`), '}'], tables: [] };
  }

  /** The local of a computed op, loaded where this function has not done so yet. */
  private local(root: number): string {
    if (!this.known.has(root)) {
      this.known.add(root);
      const slot = slotText(this.plan, root);
      const isMask = this.plan.lanes.isMask[root] === 1;
      this.lines.push(isMask ? `const bool n${root} = ${slot} != 0;` : `const i${this.plan.lanes.lane[root]} n${root} = ${slot};`);
    }
    return `n${root}`;
  }

  /** n · 2^left of an operand in a lane. */
  private read(op: number, lane: Lane, left: number): string {
    const { lanes } = this.plan;
    if (lanes.isConst[op] === 1 || left >= lane) return literal(left >= lane ? 0n : modularConstant(loOf(this.circuit, op), left, lane), lane);
    const root = lanes.root[op] as number;
    const own = this.local(root);
    const same = lanes.isMask[root] === 0 && lanes.lane[root] === lane ? own : `i${lane}(${own})`;
    if (left === 0) return same;
    return lane === 16 ? `i16(${same} * ${2 ** left})` : `i${lane}(u${lane}(${same}) << ${left})`;
  }

  private truthOf(op: number): string {
    const { lanes } = this.plan;
    if (lanes.isConst[op] === 1) return loOf(this.circuit, op) === 0 ? 'false' : 'true';
    const root = lanes.root[op] as number;
    return lanes.isMask[root] === 1 ? this.local(root) : `(${this.local(root)} != 0)`;
  }

  private left(operand: number, op: number): number {
    return (this.circuit.exp[operand] as number) - (this.circuit.exp[op] as number);
  }

  /** An op with a truth value. */
  private truth(op: number): string {
    const { circuit } = this;
    const kind = kindOf(circuit, op);
    const a = circuit.a[op] as number;
    const b = circuit.b[op] as number;
    if (kind === Op.lt || kind === Op.eq) {
      const lane = compareLane(circuit, this.plan.lanes, op) as Lane;
      const exp = Math.min(circuit.exp[a] as number, circuit.exp[b] as number);
      return `${this.read(a, lane, (circuit.exp[a] as number) - exp)} ${kind === Op.lt ? '<' : '=='} ${this.read(b, lane, (circuit.exp[b] as number) - exp)}`;
    }
    if (kind === Op.mux) {
      const condition = this.truthOf(a);
      return `(${condition} & ${this.truthOf(b)}) | (!${condition} & ${this.truthOf(circuit.c[op] as number)})`;
    }
    return `${this.truthOf(a)} ${symbolOf(kind)} ${this.truthOf(b)}`;
  }

  private value(op: number, lane: Lane): string {
    const { circuit } = this;
    const kind = kindOf(circuit, op);
    const a = circuit.a[op] as number;
    const b = circuit.b[op] as number;
    switch (kind) {
      case Op.add:
      case Op.sub:
        return this.modular(lane, this.read(a, lane, this.left(a, op)), kind === Op.add ? '+' : '-', this.read(b, lane, this.left(b, op) + (circuit.param[op] as number)));
      case Op.mul:
        return this.product(lane, a, b);
      case Op.mux:
        return this.choice(op, lane);
      case Op.and:
      case Op.or:
      case Op.xor:
        return `${this.read(a, lane, this.left(a, op))} ${symbolOf(kind)} ${this.read(b, lane, this.left(b, op))}`;
      case Op.cast: {
        const cast = castPlanOf(circuit, op, lane);
        invariant(cast !== undefined, `cast ${op} has no lane`);
        return this.castText(op, this.read(a, cast.lane, cast.left), cast);
      }
      default:
        return invariant(false, `op ${op} makes no vector of integers`) as never;
    }
  }

  private modular(lane: Lane, x: string, symbol: string, y: string): string {
    return lane === 16 ? `${x} ${symbol} ${y}` : `u${lane}(${x}) ${symbol} u${lane}(${y})`;
  }

  private product(lane: Lane, a: number, b: number): string {
    const half = lane / 2;
    const isShort = (operand: number): boolean => {
      const { lanes } = this.plan;
      const root = lanes.root[operand] as number;
      return lanes.isConst[operand] === 1 ? (lanes.full[operand] as number) <= half : (lanes.full[root] as number) <= half && (lanes.lane[root] as number) <= half;
    };
    // Factors of half the lane: the compiler knows a product of such.
    if (lane > 16 && isShort(a) && isShort(b)) return `${this.read(a, lane, 0)} * ${this.read(b, lane, 0)}`;
    return this.modular(lane, this.read(a, lane, 0), '*', this.read(b, lane, 0));
  }

  private choice(op: number, lane: Lane): string {
    const { circuit } = this;
    const condition = circuit.a[op] as number;
    const branch = (operand: number): string => this.read(operand, lane, this.left(operand, op));
    const b = circuit.b[op] as number;
    const c = circuit.c[op] as number;
    if (this.plan.lanes.isConst[condition] === 1) return branch(loOf(circuit, condition) !== 0 ? b : c);
    const extremum = extremumOf(circuit, this.plan.lanes, op, lane);
    if (extremum === undefined) return `${this.truthOf(condition)} ? ${branch(b)} : ${branch(c)}`;
    const [x, y] = [branch(b), branch(c)];
    return `${x} ${extremum === 'min' ? '<' : '>'} ${y} ? ${x} : ${y}`;
  }

  /** A helper local of a cast. */
  private helper(op: number, suffix: string, lane: Lane, value: string): string {
    const name = `n${op}${suffix}`;
    this.lines.push(`const i${lane} ${name} = i${lane}(${value});`);
    return name;
  }

  private castText(op: number, operand: string, cast: CastPlan): string {
    const { lane, right, width } = cast;
    let x = right > 0 && cast.rounding !== 'TRN' ? this.helper(op, 'r', lane, this.withRounding(op, operand, cast)) : operand;
    if (cast.overflow === 'wrap') {
      if (!cast.signed) return `${right > 0 ? `(${x} >> ${right})` : x} & ${literal((1n << BigInt(width)) - 1n, lane)}`;
      const left = lane - width - right;
      if (left < 0) x = this.helper(op, 's', lane, `${x} >> ${right}`);
      const up = left < 0 ? lane - width : left;
      if (up > 0) x = this.helper(op, 'u', lane, lane === 16 ? `${x} * ${2 ** up}` : `u${lane}(${x}) << ${up}`);
      return `${x} >> ${lane - width}`;
    }
    if (right > 0) x = this.helper(op, 's', lane, `${x} >> ${right}`);
    if (cast.overflow === 'none') return x;
    const bound = (n: CastPlan['lo']): string => literal(BigInt(n ?? 0), lane);
    const zero = literal(0n, lane);
    const [below, above] = cast.overflow === 'clip' ? [bound(cast.lo), bound(cast.hi)] : [zero, zero];
    const outer = cast.lo !== undefined && cast.hi !== undefined && cast.overflow === 'clip' ? this.helper(op, 'c', lane, `${x} < ${bound(cast.lo)} ? ${below} : ${x}`) : x;
    if (cast.hi === undefined) return cast.lo === undefined ? x : `${x} < ${bound(cast.lo)} ? ${below} : ${x}`;
    if (cast.lo === undefined || outer !== x) return `${outer} > ${bound(cast.hi)} ? ${above} : ${outer}`;
    return `(${x} < ${bound(cast.lo)}) | (${x} > ${bound(cast.hi)}) ? ${zero} : ${x}`;
  }

  /** x + what makes the following floor the wanted rounding of x · 2^−right. */
  private withRounding(op: number, operand: string, { lane, right, rounding }: CastPlan): string {
    const half = 1n << BigInt(right - 1);
    const x = this.helper(op, 'x', lane, operand);
    const plus = (value: bigint): string => this.modular(lane, x, '+', literal(value, lane));
    const sign = `(${x} < 0)`;
    const and = (sum: string, symbol: '+' | '-', bit: string): string => (lane === 16 ? `${sum} ${symbol} ${bit}` : `${sum} ${symbol} u${lane}(${bit})`);
    switch (rounding) {
      case 'TRN':
        return x;
      case 'RND':
        return plus(half);
      case 'RND_MIN_INF':
        return plus(half - 1n);
      case 'TRN_ZERO':
        return this.modular(lane, x, '+', `(${x} < 0 ? ${literal((1n << BigInt(right)) - 1n, lane)} : 0)`);
      case 'RND_ZERO':
        return and(plus(half - 1n), '+', sign);
      case 'RND_INF':
        return and(plus(half), '-', sign);
      case 'RND_CONV':
        return and(plus(half - 1n), '+', `((${x} >> ${right}) & 1)`);
    }
  }
}

/** Without the locals that no later line reads: a condition whose choice became a minimum. */
function withoutUnread(lines: readonly string[]): string[] {
  const read = new Set<string>();
  const kept: string[] = [];
  for (let i = lines.length - 1; i >= 0; i--) {
    const line = lines[i] as string;
    const own = /^const \w+ (n\w+) =/.exec(line)?.[1];
    if (own !== undefined && !read.has(own)) continue;
    for (const [name] of line.slice(line.indexOf('=')).matchAll(/\bn\d+\w*/g)) read.add(name);
    kept.push(line);
  }
  return kept.reverse();
}

function symbolOf(kind: number): '&' | '|' | '^' {
  return kind === Op.and ? '&' : kind === Op.or ? '|' : '^';
}

/** One loop a table read: index and result are in slots. */
function lookupCode(plan: CppPlan, ops: readonly number[]): SegmentCode {
  const { fast: circuit, lanes } = plan;
  const tables: TableUse[] = [];
  const lines = ops.map((op) => {
    const use: TableUse = { table: circuit.param[op] as number, lane: lanes.lane[op] as Lane };
    tables.push(use);
    const table = circuit.tables[use.table] as Table;
    const a = circuit.a[op] as number;
    const index = slotText(plan, lanes.root[a] as number);
    const by = indexLane(table, use.lane, 16);
    return `for (int e = 0; e < N; ++e) ${slotText(plan, op)} = ${tableName(use)}[${indexText(index, (circuit.exp[a] as number) - table.indexExp, BigInt(table.base), by)}];`;
  });
  return { lines, tables };
}

/** index · 2^left − base modulo 2^by, which is its number of entry: the index may be held in no more bits than that. */
function indexText(index: string, left: number, base: bigint, by: Lane): string {
  const scaled = left === 0 ? '' : ` * ${2n ** BigInt(left)}`;
  const offset = BigInt.asUintN(by, base);
  if (by === 16) return `u16(i16(${index})${scaled} - ${offset})`;
  return `u${by}(u${by}(${index})${scaled} - ${offset}u)`;
}
