import type { Circuit, Table } from '../../circuit/circuit.js';
import { elementCount, hiOf, kindOf, loOf, Op, typeOfElement } from '../../circuit/circuit.js';
import { signedBits } from '../../emulator/castPlan.js';
import { invariant } from '../../errors.js';
import type { FixedType } from '../../fixed/fixedType.js';
import { operandsOf } from '../needed.js';
import type { CppPlan } from './plan.js';
import { slotText } from './vector.js';

/** Ops a function of wide arithmetic computes. */
const OPS_A_FUNCTION = 200;

/** Functions of ops that no lane holds: `void name(const Block& b, int e, Wide* v)`, one event a call. */
export interface SlowCode {
  readonly functions: readonly (readonly string[])[];
  readonly tables: readonly number[];
}

export function wideTableName(table: number): string {
  return `table_${table}_wide`;
}

/** Words that hold every value of the circuit's ops, aligned and shifted as their meaning asks, and any conversion. */
export function wideWords(circuit: Circuit): number {
  let bits = 64;
  const full = (op: number): number => signedBits(loOf(circuit, op), hiOf(circuit, op));
  for (let op = 0; op < circuit.size; op++) {
    const kind = kindOf(circuit, op);
    const exp = circuit.exp[op] as number;
    bits = Math.max(bits, full(op));
    for (const operand of operandsOf(circuit, op)) {
      const lowest = kind === Op.lt || kind === Op.eq ? Math.min(circuit.exp[circuit.a[op] as number] as number, circuit.exp[circuit.b[op] as number] as number) : exp;
      bits = Math.max(bits, full(operand) + Math.max(0, (circuit.exp[operand] as number) + Math.abs(circuit.param[op] as number) * (kind === Op.add || kind === Op.sub ? 1 : 0) - lowest));
    }
    if (kind === Op.cast) bits = Math.max(bits, (circuit.types[circuit.param[op] as number] as FixedType).width);
  }
  for (const port of [...circuit.inputs, ...circuit.outputs]) {
    // A float64 of 53 bits is shifted by at most one more than the width.
    for (let i = 0; i < Math.min(port.types.length, elementCount(port)); i++) bits = Math.max(bits, typeOfElement(port, i).width + 54);
  }
  return Math.ceil((bits + 3) / 64);
}

/** Where the slow value of an op is among those of an event. */
export function slowIndex(plan: CppPlan): ReadonlyMap<number, number> {
  return new Map(plan.slow.map((op, i) => [op, i]));
}

export function slowCode(circuit: Circuit, plan: CppPlan, wideInputs: ReadonlyMap<number, number>): SlowCode {
  const indices = slowIndex(plan);
  const tables = new Set<number>();
  const functions: string[][] = [];
  for (let from = 0; from < plan.slow.length; from += OPS_A_FUNCTION) {
    functions.push(plan.slow.slice(from, from + OPS_A_FUNCTION).map((op) => {
      if (kindOf(circuit, op) === Op.lookup) tables.add(circuit.param[op] as number);
      return `v[${indices.get(op)}] = ${valueText(circuit, plan, indices, wideInputs, op)};`;
    }));
  }
  return { functions, tables: [...tables] };
}

/** The words of a constant, in braces of an initialiser. */
export function wideWordsText(n: bigint, words: number): string {
  return Array.from({ length: words }, (_, i) => `${BigInt.asUintN(64, n >> BigInt(64 * i))}ull`).join(', ');
}

export function constantText(n: bigint): string {
  if (BigInt.asIntN(63, n) === n) return `wide(${n}ll)`;
  const words = Math.ceil((n.toString(2).length + 2) / 64);
  return `wide_constant<${wideWordsText(n, words)}>()`;
}

/** An op's integer as Wide: slow value, lane, or constant. */
export function wideText(circuit: Circuit, plan: CppPlan, indices: ReadonlyMap<number, number>, op: number): string {
  if (loOf(circuit, op) === hiOf(circuit, op)) return constantText(BigInt(loOf(circuit, op)));
  const index = indices.get(op);
  if (index !== undefined) return `v[${index}]`;
  return `wide(i64(${slotText(plan, plan.lanes.root[op] as number)}))`;
}

function valueText(circuit: Circuit, plan: CppPlan, indices: ReadonlyMap<number, number>, wideInputs: ReadonlyMap<number, number>, op: number): string {
  const kind = kindOf(circuit, op);
  const exp = circuit.exp[op] as number;
  const [a = -1, b = -1, c = -1] = operandsOf(circuit, op);
  const param = circuit.param[op] as number;
  const expOf = (operand: number): number => circuit.exp[operand] as number;
  const text = (operand: number, by: number): string => {
    const own = wideText(circuit, plan, indices, operand);
    return by === 0 ? own : `scaled(${own}, ${by})`;
  };
  const onGrid = (operand: number): string => text(operand, expOf(operand) - exp);
  switch (kind) {
    case Op.input:
      return `b.in[${wideInputs.get(op)}][e]`;
    case Op.add:
    case Op.sub:
      return `${onGrid(a)} ${kind === Op.add ? '+' : '-'} ${text(b, expOf(b) + param - exp)}`;
    case Op.mul: {
      const by = expOf(a) + expOf(b) - exp;
      const product = `${text(a, 0)} * ${text(b, 0)}`;
      return by === 0 ? product : `scaled(${product}, ${by})`;
    }
    case Op.shift:
      return text(a, expOf(a) + param - exp);
    case Op.lt:
    case Op.eq: {
      const grid = Math.min(expOf(a), expOf(b));
      return `scaled(wide(${text(a, expOf(a) - grid)} ${kind === Op.lt ? '<' : '=='} ${text(b, expOf(b) - grid)}), ${-exp})`;
    }
    case Op.mux:
      return `!(${text(a, 0)} == wide(0)) ? ${onGrid(b)} : ${onGrid(c)}`;
    case Op.and:
    case Op.or:
    case Op.xor:
      return `${onGrid(a)} ${kind === Op.and ? '&' : kind === Op.or ? '|' : '^'} ${onGrid(b)}`;
    case Op.lookup: {
      const table = circuit.tables[param] as Table;
      const entry = `from_words(${wideTableName(param)}[(${text(a, expOf(a) - table.indexExp)} - ${constantText(BigInt(table.base))}).w[0]], K)`;
      return table.exp === exp ? entry : `scaled(${entry}, ${table.exp - exp})`;
    }
    case Op.cast: {
      const type = circuit.types[param] as FixedType;
      const grid = type.integer - type.width;
      const cast = `cast(${text(a, 0)}, ${grid - expOf(a)}, ${type.rounding}, ${type.signed}, ${type.width}, ${type.overflow})`;
      return grid === exp ? cast : `scaled(${cast}, ${grid - exp})`;
    }
    case Op.const:
      return invariant(false, 'constants are read where they are needed') as never;
  }
}
