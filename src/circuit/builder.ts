import { CompileError, invariant } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { formatFixedType, rangeOf, typeOfInterval } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { dyadicOf, shift, trailingZeros } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import { hull, intersect, onGrid } from '../fixed/interval.js';
import type { Circuit, OpKind, Origin, OutputPort, Port, Table } from './circuit.js';
import { Op } from './circuit.js';
import { inferOp } from './infer.js';

/** How long optimize/ may look for smaller adder graphs: greedy starts a matrix, and attempts to better them, an adder. */
export interface SearchWish {
  readonly starts: number;
  readonly attempts: number;
  /** Most attempts of a matrix times its adders, which is what they take in time; no limit if not given. */
  readonly work?: number;
  /** Whether adders of three operands will be made: two that are joined cost less than apart. */
  readonly ternary?: boolean;
}

export interface BuilderOptions {
  /** Equal ops become one; on if not given. */
  readonly share?: boolean;
  /** See `CircuitBuilder.depthSlack`; 1 if not given. */
  readonly depthSlack?: number;
  /** See `CircuitBuilder.search`; one start, no attempts if not given. */
  readonly search?: SearchWish;
  /** See `CircuitBuilder.quick`; off if not given. */
  readonly quick?: boolean;
  /** The most operations; 20 million if not given, which fit in a few GiB. */
  readonly maxOps?: number;
}

/**
 * Grows a circuit op by op. Equal ops are one op when `share` is on (value numbering by a hash of kind, operands and
 * parameter). Intervals are inferred as ops are added, so every op's range is known to whoever adds the next.
 */
export class CircuitBuilder {
  readonly name: string;
  /** Adder levels that a sum may take beyond the fewest possible, to be smaller: a wish that optimize/ reads. */
  readonly depthSlack: number;
  readonly search: SearchWish;
  /** The circuit is only wanted for a rough cost: optimize/ searches for nothing. */
  readonly quick: boolean;
  private readonly maxOps: number;
  private readonly share: boolean;
  private count = 0;
  private kinds = new Uint8Array(1024);
  private as = new Int32Array(1024);
  private bs = new Int32Array(1024);
  private cs = new Int32Array(1024);
  private params = new Int32Array(1024);
  private exps = new Int32Array(1024);
  private los = new Float64Array(1024);
  private his = new Float64Array(1024);
  private opOrigins = new Int32Array(1024);
  private elements = new Int32Array(1024);
  private readonly wide = new Map<number, { lo: Int; hi: Int }>();
  private readonly origins: Origin[] = [];
  private readonly originIds = new Map<string, number>();
  readonly types: FixedType[] = [];
  private readonly typeIds = new Map<string, number>();
  readonly tables: Table[] = [];
  private readonly tableIds = new Map<string, number>();
  /** Ids of type and table objects seen before: spares writing them out to find them again. */
  private readonly seen = new WeakMap<FixedType | Table, number>();
  private readonly constants = new Map<string, number>();
  private readonly inputs: Port[] = [];
  private readonly outputs: OutputPort[] = [];
  private slots = new Int32Array(4096).fill(-1);
  private originId = -1;
  private elementId = -1;

  constructor(name: string, options: BuilderOptions = {}) {
    this.name = name;
    this.share = options.share ?? true;
    this.depthSlack = options.depthSlack ?? 1;
    this.search = options.search ?? { starts: 1, attempts: 0 };
    this.quick = options.quick ?? false;
    this.maxOps = options.maxOps ?? 20_000_000;
  }

  get size(): number {
    return this.count;
  }

  /** Ops added from now on belong to this layer (and element, −1 for none). */
  setOrigin(origin: Origin | undefined, element = -1): void {
    this.elementId = element;
    if (origin === undefined) {
      this.originId = -1;
      return;
    }
    const last = this.originId >= 0 ? this.origins[this.originId] : undefined;
    if (last !== undefined && last.layer === origin.layer && last.kind === origin.kind) return;
    const key = JSON.stringify([origin.layer, origin.kind]);
    this.originId = this.originIds.get(key) ?? this.origins.push(origin) - 1;
    this.originIds.set(key, this.originId);
  }

  setElement(element: number): void {
    this.elementId = element;
  }

  /** Declares an input tensor and adds an op an element. `intervals` narrows what the inputs can be. */
  addInput(port: Port, intervals?: readonly (Interval | undefined)[]): Int32Array {
    const portId = this.inputs.push(port) - 1;
    const elements = port.shape.reduce((product, n) => product * n, 1);
    invariant(port.types.length === 1 || port.types.length === elements, `input ${port.name}: ${port.types.length} types for ${elements} elements`);
    const ops = new Int32Array(elements);
    for (let i = 0; i < elements; i++) {
      const type = (port.types.length === 1 ? port.types[0] : port.types[i]) as FixedType;
      const interval = intervals?.[i] ?? rangeOf(type);
      ops[i] = this.append(Op.input, portId, i, -1, 0, onGrid(interval, type.integer - type.width));
    }
    return ops;
  }

  /** Declares an input tensor without ops; for passes, which then copy the input ops one by one with `inputElement`. */
  declareInput(port: Port): void {
    this.inputs.push(port);
  }

  /** The op that reads one element of a declared input; its interval is on the grid of the element's type. */
  inputElement(portId: number, element: number, interval: Interval): number {
    return this.append(Op.input, portId, element, -1, 0, interval);
  }

  /** The constant n · 2^exp, brought to odd n; 0 to exp 0, or to `exp` if that is more. */
  constant(n: Int, exp = 0): number {
    const zeros = trailingZeros(n);
    const value = shift(n, -zeros);
    const grid = n === 0 ? Math.max(0, exp) : exp + zeros;
    const key = `${value}:${grid}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const op = this.append(Op.const, -1, -1, -1, 0, { lo: value, hi: value, exp: grid });
    this.constants.set(key, op);
    return op;
  }

  /** The constant that a finite float64 is, exactly. */
  constantOf(value: number): number {
    const { n, exp } = dyadicOf(value);
    return this.constant(n, exp);
  }

  /** a + b · 2^s */
  add(a: number, b: number, s = 0): number {
    return this.op(Op.add, a, b, -1, s);
  }

  /** a − b · 2^s */
  sub(a: number, b: number, s = 0): number {
    return this.op(Op.sub, a, b, -1, s);
  }

  mul(a: number, b: number): number {
    return this.op(Op.mul, Math.max(a, b), Math.min(a, b), -1, 0);
  }

  /** a · 2^s */
  shift(a: number, s: number): number {
    if (s === 0) return a;
    if (this.kinds[a] === Op.shift) return this.shift(this.as[a] as number, s + (this.params[a] as number));
    return this.op(Op.shift, a, -1, -1, s);
  }

  lt(a: number, b: number): number {
    return this.op(Op.lt, a, b, -1, 0);
  }

  eq(a: number, b: number): number {
    return this.op(Op.eq, Math.max(a, b), Math.min(a, b), -1, 0);
  }

  /** condition ≠ 0 ? whenTrue : whenFalse */
  mux(condition: number, whenTrue: number, whenFalse: number): number {
    return whenTrue === whenFalse ? whenTrue : this.op(Op.mux, condition, whenTrue, whenFalse, 0);
  }

  lookup(index: number, table: Table): number {
    return this.op(Op.lookup, index, -1, -1, this.tableId(table));
  }

  bitwise(kind: typeof Op.and | typeof Op.or | typeof Op.xor, a: number, b: number): number {
    return this.op(kind, Math.max(a, b), Math.min(a, b), -1, 0);
  }

  cast(a: number, type: FixedType): number {
    return this.op(Op.cast, a, -1, -1, this.typeId(type));
  }

  /** Declares an output tensor. Without types, each element gets the smallest common type of all elements. */
  addOutput(name: string, shape: readonly number[], ops: ArrayLike<number>, types?: readonly FixedType[]): void {
    const list = Int32Array.from(ops);
    let given = types;
    if (given === undefined) {
      let common = this.intervalOf(list[0] as number);
      for (const op of list) common = hull(common, this.intervalOf(op));
      given = [typeOfInterval(common)];
    }
    this.outputs.push({ name, shape, types: given, ops: list });
  }

  intervalOf(op: number): Interval {
    const lo = this.los[op] as number;
    const hi = this.his[op] as number;
    const exp = this.exps[op] as number;
    if (!Number.isNaN(lo) && !Number.isNaN(hi)) return { lo, hi, exp };
    const wide = this.wide.get(op) as { lo: Int; hi: Int };
    return { lo: wide.lo, hi: wide.hi, exp };
  }

  kindOf(op: number): OpKind {
    return this.kinds[op] as OpKind;
  }

  operand(op: number, which: 0 | 1 | 2): number {
    return (which === 0 ? this.as : which === 1 ? this.bs : this.cs)[op] as number;
  }

  paramOf(op: number): number {
    return this.params[op] as number;
  }

  typeOf(op: number): FixedType {
    return this.types[this.params[op] as number] as FixedType;
  }

  /** Adds any op but input and const; the passes use it to copy ops they do not touch. */
  op(kind: OpKind, a: number, b: number, c: number, param: number): number {
    if (this.share) {
      const slot = this.findSlot(kind, a, b, c, param);
      const known = this.slots[slot] as number;
      if (known >= 0) return known;
      const op = this.appendInferred(kind, a, b, c, param);
      const free = this.count * 2 > this.slots.length ? this.grow(kind, a, b, c, param) : slot;
      this.slots[free] = op;
      return op;
    }
    return this.appendInferred(kind, a, b, c, param);
  }

  /**
   * Says that the op just added lies in an interval that is known otherwise (a pass that copies an op knows the old
   * one). Ops added before the last are left as they are, since others may have been inferred from them.
   */
  claim(op: number, known: Interval): void {
    if (op !== this.count - 1) return;
    const own = this.intervalOf(op);
    if (known.exp === own.exp && known.lo === own.lo && known.hi === own.hi) return;
    const tight = intersect(own, known);
    if (tight.lo > tight.hi || (tight.exp === own.exp && tight.lo === own.lo && tight.hi === own.hi)) return;
    this.setInterval(op, tight);
  }

  typeId(type: FixedType): number {
    const known = this.seen.get(type);
    if (known !== undefined) return known;
    const key = formatFixedType(type);
    let id = this.typeIds.get(key);
    if (id === undefined) {
      id = this.types.push(type) - 1;
      this.typeIds.set(key, id);
    }
    this.seen.set(type, id);
    return id;
  }

  tableId(table: Table): number {
    const known = this.seen.get(table);
    if (known !== undefined) return known;
    const key = `${table.exp}:${table.indexExp}:${table.base}:${table.values.join(',')}`;
    let id = this.tableIds.get(key);
    if (id === undefined) {
      id = this.tables.push(table) - 1;
      this.tableIds.set(key, id);
    }
    this.seen.set(table, id);
    return id;
  }

  finish(): Circuit {
    const n = this.count;
    return {
      name: this.name,
      size: n,
      kind: this.kinds.slice(0, n),
      a: this.as.slice(0, n),
      b: this.bs.slice(0, n),
      c: this.cs.slice(0, n),
      param: this.params.slice(0, n),
      exp: this.exps.slice(0, n),
      lo: this.los.slice(0, n),
      hi: this.his.slice(0, n),
      wide: this.wide,
      origin: this.opOrigins.slice(0, n),
      element: this.elements.slice(0, n),
      origins: this.origins,
      types: this.types,
      tables: this.tables,
      inputs: this.inputs,
      outputs: this.outputs,
    };
  }

  private appendInferred(kind: OpKind, a: number, b: number, c: number, param: number): number {
    return this.append(kind, a, b, c, param, inferOp(this, kind, a, b, c, param));
  }

  private append(kind: OpKind, a: number, b: number, c: number, param: number, interval: Interval): number {
    if (this.count >= this.maxOps) this.refuseSize();
    if (this.count === this.kinds.length) this.growArrays();
    const op = this.count++;
    this.kinds[op] = kind;
    this.as[op] = a;
    this.bs[op] = b;
    this.cs[op] = c;
    this.params[op] = param;
    this.setInterval(op, interval);
    this.opOrigins[op] = this.originId;
    this.elements[op] = this.elementId;
    return op;
  }

  private setInterval(op: number, interval: Interval): void {
    this.exps[op] = interval.exp;
    if (typeof interval.lo === 'number' && typeof interval.hi === 'number') {
      this.los[op] = interval.lo;
      this.his[op] = interval.hi;
      this.wide.delete(op);
    } else {
      this.los[op] = NaN;
      this.his[op] = NaN;
      this.wide.set(op, { lo: interval.lo, hi: interval.hi });
    }
  }

  /** While a layer is built, not after it: one layer of a small file can ask for more than the machine has. */
  private refuseSize(): never {
    throw new CompileError('unsupported', {
      code: 'too-many-operations', where: [this.origins[this.originId]?.layer ?? this.name],
      what: `with this layer the circuit has more than ${this.maxOps} operations, the most that are supported.`, mend: 'Make the model smaller.',
    });
  }

  private growArrays(): void {
    const capacity = this.kinds.length * 2;
    const grown = <T extends Uint8Array | Int32Array | Float64Array>(from: T, to: T): T => {
      to.set(from as never);
      return to;
    };
    this.kinds = grown(this.kinds, new Uint8Array(capacity));
    this.as = grown(this.as, new Int32Array(capacity));
    this.bs = grown(this.bs, new Int32Array(capacity));
    this.cs = grown(this.cs, new Int32Array(capacity));
    this.params = grown(this.params, new Int32Array(capacity));
    this.exps = grown(this.exps, new Int32Array(capacity));
    this.los = grown(this.los, new Float64Array(capacity));
    this.his = grown(this.his, new Float64Array(capacity));
    this.opOrigins = grown(this.opOrigins, new Int32Array(capacity));
    this.elements = grown(this.elements, new Int32Array(capacity));
  }

  private findSlot(kind: number, a: number, b: number, c: number, param: number): number {
    const mask = this.slots.length - 1;
    let slot = hash(kind, a, b, c, param) & mask;
    for (;;) {
      const op = this.slots[slot] as number;
      if (op < 0) return slot;
      if (this.kinds[op] === kind && this.as[op] === a && this.bs[op] === b && this.cs[op] === c && this.params[op] === param) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Doubles the hash table and returns the free slot of the op just being added. */
  private grow(kind: number, a: number, b: number, c: number, param: number): number {
    const old = this.slots;
    this.slots = new Int32Array(old.length * 2).fill(-1);
    for (const op of old) {
      if (op < 0) continue;
      const slot = this.findSlot(this.kinds[op] as number, this.as[op] as number, this.bs[op] as number, this.cs[op] as number, this.params[op] as number);
      this.slots[slot] = op;
    }
    return this.findSlot(kind, a, b, c, param);
  }
}

function hash(kind: number, a: number, b: number, c: number, param: number): number {
  let h = Math.imul(kind + 1, 0x9e3779b1);
  h = Math.imul(h ^ a, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h ^ b, 0xc2b2ae35);
  h ^= h >>> 16;
  h = Math.imul(h ^ c, 0x27d4eb2f);
  h ^= h >>> 15;
  h = Math.imul(h ^ param, 0x165667b1);
  return (h ^ (h >>> 14)) >>> 0;
}
