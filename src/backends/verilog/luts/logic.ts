import type { Circuit, Table } from '../../../circuit/circuit.js';
import { expOf, intervalOf, kindOf, Op, OPERAND_COUNT } from '../../../circuit/circuit.js';
import { intervalWidth } from '../../../fixed/interval.js';
import type { BitSource } from '../bits.js';
import { addressWidth } from '../expressions.js';
import { Keys } from './keys.js';
import type { Net } from './nets.js';
import { isTransparent, netAt } from './nets.js';

/** What drives a net within its stage: a function of other nets. Absent for registers, inputs, sums and the rest. */
export interface LogicNode {
  readonly inputs: readonly Net[];
  readonly value: (inputs: readonly (0 | 1)[]) => number;
  /** A two-to-one choice: input 0 selects input 1 (when 1) or input 2. */
  readonly isChoice?: boolean;
  /** Place among the ops of its stage: whatever it reads has a lower one. */
  readonly level?: number;
}

/** Widest table that is made of LUTs and wide multiplexers. */
const WIDEST_TABLE = 8;
/** Most bits compared for equality in one LUT. */
const WIDEST_EQUAL = 6;

/** The logic of a scheduled circuit bit by bit: what each op's bit is a function of. */
export class Logic {
  private readonly known = new Map<string, LogicNode | undefined>();
  private readonly keys: Keys;
  private readonly levels: Int32Array;

  constructor(
    readonly net: BitSource,
    private readonly stage: Int32Array,
    private readonly includes: (op: number) => boolean,
  ) {
    this.levels = levelsOf(net.circuit, stage);
    this.keys = new Keys(net, this.levels);
  }

  /** How many ops of its stage an op stands on. */
  levelOf(op: number): number {
    return this.levels[op] as number;
  }

  get circuit(): Circuit {
    return this.net.circuit;
  }

  /** Ops made of LUTs bit by bit. */
  isLogic(op: number): boolean {
    const { circuit } = this;
    if (isTransparent(circuit, op) || !this.includes(op)) return false;
    switch (kindOf(circuit, op)) {
      case Op.mux:
      case Op.and:
      case Op.or:
      case Op.xor:
        return true;
      case Op.lookup:
        return addressWidth(circuit.tables[circuit.param[op] as number] as Table) <= WIDEST_TABLE;
      case Op.lt:
        return this.keys.isKey(op);
      case Op.eq:
        return this.comparedNets(op).length <= WIDEST_EQUAL;
      default:
        return false;
    }
  }

  /** What drives the net, as seen by readers of the same stage. */
  nodeOf(net: Net): LogicNode | undefined {
    if (this.known.has(net.key)) return this.known.get(net.key);
    const node = this.makeNode(net);
    this.known.set(net.key, node);
    return node;
  }

  stageOf(op: number): number {
    return this.stage[op] as number;
  }

  private makeNode(net: Net): LogicNode | undefined {
    if (net.kind === 'constant') return undefined;
    if (net.kind === 'helper') return this.keys.helper(net);
    const { op } = net;
    if (!this.isLogic(op)) return undefined;
    return this.nodeOfOp(op, expOf(this.circuit, op) + net.bit);
  }

  private nodeOfOp(op: number, position: number): LogicNode {
    const { circuit, net } = this;
    const a = circuit.a[op] as number;
    const b = circuit.b[op] as number;
    const kind = kindOf(circuit, op);
    switch (kind) {
      case Op.mux:
        return { inputs: [netAt(net, a, 0), netAt(net, b, position), netAt(net, circuit.c[op] as number, position)], value: ([s, x, y]) => (s === 1 ? (x as number) : (y as number)), isChoice: true };
      case Op.and:
        return { inputs: [netAt(net, a, position), netAt(net, b, position)], value: ([x, y]) => (x as number) & (y as number) };
      case Op.or:
        return { inputs: [netAt(net, a, position), netAt(net, b, position)], value: ([x, y]) => (x as number) | (y as number) };
      case Op.xor:
        return { inputs: [netAt(net, a, position), netAt(net, b, position)], value: ([x, y]) => (x as number) ^ (y as number) };
      case Op.lookup:
        return this.tableNode(op, position);
      case Op.eq:
        return this.equalNode(op);
      default:
        return this.keys.node(op, this.stageOf(op));
    }
  }

  private tableNode(op: number, position: number): LogicNode {
    const { circuit, net } = this;
    const table = circuit.tables[circuit.param[op] as number] as Table;
    const a = circuit.a[op] as number;
    const width = addressWidth(table);
    const inputs = Array.from({ length: width }, (_, i) => netAt(net, a, table.indexExp + i));
    const base = Number(table.base);
    const at = position - table.exp;
    return {
      inputs,
      value: (bits) => {
        const address = bits.reduce<number>((sum, bit, i) => sum + bit * 2 ** i, 0);
        const signed = base < 0 && address >= 2 ** (width - 1) ? address - 2 ** width : address;
        const entry = table.values[signed - base];
        return entry === undefined ? 0 : Number((BigInt(entry) >> BigInt(at)) & 1n);
      },
    };
  }

  private comparedNets(op: number): Net[] {
    const { circuit, net } = this;
    const [a, b] = [circuit.a[op] as number, circuit.b[op] as number];
    const [x, y] = [intervalOf(circuit, a), intervalOf(circuit, b)];
    const nets: Net[] = [];
    const top = Math.max(x.exp + intervalWidth(x), y.exp + intervalWidth(y)) + 1;
    for (let position = Math.min(x.exp, y.exp); position < top; position++) nets.push(netAt(net, a, position), netAt(net, b, position));
    return nets.filter((own, i) => own.kind !== 'constant' && nets.findIndex((other) => other.key === own.key) === i);
  }

  private equalNode(op: number): LogicNode {
    const { circuit, net } = this;
    const [a, b] = [circuit.a[op] as number, circuit.b[op] as number];
    const [x, y] = [intervalOf(circuit, a), intervalOf(circuit, b)];
    const inputs: Net[] = [];
    const top = Math.max(x.exp + intervalWidth(x), y.exp + intervalWidth(y)) + 1;
    for (let position = Math.min(x.exp, y.exp); position < top; position++) inputs.push(netAt(net, a, position), netAt(net, b, position));
    return { inputs, value: (bits) => (bits.every((bit, i) => i % 2 === 1 || bit === bits[i + 1]) ? 1 : 0) };
  }
}

function levelsOf(circuit: Circuit, stage: Int32Array): Int32Array {
  const levels = new Int32Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) {
    const operands = [circuit.a[op], circuit.b[op], circuit.c[op]].slice(0, OPERAND_COUNT[kindOf(circuit, op)]) as number[];
    for (const operand of operands) {
      const own = isTransparent(circuit, op) ? 0 : 1;
      if (stage[operand] === stage[op]) levels[op] = Math.max(levels[op] as number, (levels[operand] as number) + own);
      else levels[op] = Math.max(levels[op] as number, own);
    }
  }
  return levels;
}
