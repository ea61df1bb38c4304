import type { Problem } from '../errors.js';
import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { formatFixedType, MAX_WIDTH, OVERFLOWS, rangeOf, ROUNDINGS } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { shift, widthOf } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import { isWithin } from '../fixed/interval.js';
import type { Circuit, OpKind, Port, Table } from './circuit.js';
import { elementCount, intervalOf, kindOf, Op, OP_NAMES, OPERAND_COUNT, opName, typeOfElement } from './circuit.js';
import type { OpSource } from './infer.js';
import { inferOp } from './infer.js';

/** The widest op, in bits, and the farthest exponent: bounds on what a hostile circuit can make anybody compute. */
export const MAX_OP_WIDTH = 16384;
export const MAX_EXPONENT = 65536;

/** The most elements of a port. */
const MAX_ELEMENTS = 2 ** 24;

const MAX_PROBLEMS = 20;

/**
 * Checks every invariant of a circuit, in time linear in its ops: operands are earlier ops, kinds and parameters legal,
 * intervals no wider than what `inferOp` gives for them, table indices inside their tables, mux conditions 0 or 1,
 * inputs inside their ports' types and each element there once, outputs representable in their ports' types.
 * An interval that is tighter than inferred is taken as proven by whoever claimed it.
 *
 * @throws CompileError of kind `internal` with op number, origin and the facts that contradict each other.
 */
export function verifyCircuit(circuit: Circuit): void {
  const problems = circuitProblems(circuit);
  if (problems.length > 0) throw new CompileError('internal', problems);
}

/** What `verifyCircuit` finds (the first 20), as data. */
export function circuitProblems(circuit: Circuit): readonly Problem[] {
  const problems = frameProblems(circuit);
  if (problems.length > 0) return problems;
  const source = sourceOf(circuit);
  for (let op = 0; op < circuit.size && problems.length < MAX_PROBLEMS; op++) {
    const what = operandProblem(circuit, source, op) ?? intervalProblem(circuit, source, op);
    if (what !== undefined) {
      problems.push({ code: 'bad-op', where: whereOf(circuit, op), what });
      // Later ops are judged by this one's interval.
      break;
    }
  }
  if (problems.length === 0) checkInputsOnce(circuit, problems);
  if (problems.length === 0) checkOutputs(circuit, problems);
  return problems;
}

/** What is wrong with types, tables and ports. */
export function frameProblems(circuit: Circuit): Problem[] {
  const problems: Problem[] = [];
  checkTypes(circuit, problems);
  checkTables(circuit, problems);
  checkPorts(circuit, problems);
  return problems;
}

/** What stands in the way of inferring an op's interval, given that the ops before it are right. */
export function operandProblem(circuit: Circuit, source: OpSource, op: number): string | undefined {
  return shapeProblem(circuit, op) ?? rangeProblem(circuit, source, op);
}

/** A finished circuit as inference reads it. */
export function sourceOf(circuit: Circuit): OpSource {
  return {
    kindOf: (op) => kindOf(circuit, op),
    operand: (op, which) => (which === 0 ? circuit.a : which === 1 ? circuit.b : circuit.c)[op] as number,
    intervalOf: (op) => intervalOf(circuit, op),
    types: circuit.types,
    tables: circuit.tables,
  };
}

/** Circuit, layer and op, as errors name it. */
export function whereOf(circuit: Circuit, op: number): readonly string[] {
  const origin = circuit.origins[circuit.origin[op] as number];
  const element = circuit.element[op] as number;
  const kind = circuit.kind[op] as number;
  const layer = origin === undefined ? [] : [element >= 0 ? `${origin.layer}[${element}]` : origin.layer];
  return [circuit.name, ...layer, `op ${op} (${kind < OP_NAMES.length ? opName(kind as OpKind) : `kind ${kind}`})`];
}

/** `[lo, hi]·2^exp`; bounds too long to print by their number of bits. */
export function formatInterval(x: Interval): string {
  const bound = (n: Int): string => (typeof n === 'bigint' && widthOf(n, n) > 128 ? `${n < 0 ? '-' : ''}(${widthOf(n, n)} bits)` : String(n));
  return `[${bound(x.lo)}, ${bound(x.hi)}]·2^${x.exp}`;
}

function checkTypes(circuit: Circuit, problems: Problem[]): void {
  const all: readonly (readonly [string, readonly FixedType[]])[] = [
    ['types', circuit.types],
    ...circuit.inputs.map((port) => [port.name, port.types] as const),
    ...circuit.outputs.map((port) => [port.name, port.types] as const),
  ];
  for (const [where, types] of all) {
    types.forEach((type, i) => {
      const whole = Number.isInteger(type.width) && Number.isInteger(type.integer);
      const inRange = type.width >= 1 && type.width <= MAX_OP_WIDTH && Math.abs(type.integer) <= MAX_EXPONENT;
      if (!whole || !inRange || !ROUNDINGS.includes(type.rounding) || !OVERFLOWS.includes(type.overflow)) {
        add(problems, 'bad-type', [circuit.name, where, `type ${i}`], `${formatFixedType(type)} is no type: widths are 1 to ${MAX_OP_WIDTH} (${MAX_WIDTH} where users write them)`);
      }
    });
  }
}

function checkTables(circuit: Circuit, problems: Problem[]): void {
  circuit.tables.forEach((table, i) => {
    if (table.values.length === 0) add(problems, 'bad-table', [circuit.name, `table ${i}`], 'has no values');
    if (!exponentFits(table.exp) || !exponentFits(table.indexExp)) {
      add(problems, 'bad-table', [circuit.name, `table ${i}`], `exponents ${table.exp} and ${table.indexExp} must be whole numbers within ±${MAX_EXPONENT}`);
    }
  });
}

function checkPorts(circuit: Circuit, problems: Problem[]): void {
  for (const port of [...circuit.inputs, ...circuit.outputs]) {
    const elements = elementCount(port);
    if (!port.shape.every((n) => Number.isInteger(n) && n >= 1) || elements > MAX_ELEMENTS) {
      add(problems, 'bad-port', [circuit.name, port.name], `shape [${port.shape.join(', ')}]; dimensions are whole and at least 1, elements at most ${MAX_ELEMENTS}`);
      continue;
    }
    if (port.types.length !== 1 && port.types.length !== elements) {
      add(problems, 'bad-port', [circuit.name, port.name], `has ${port.types.length} types for ${elements} elements; one, or one an element`);
    }
  }
  for (const port of circuit.outputs) {
    if (port.ops.length !== elementCount(port)) {
      add(problems, 'bad-port', [circuit.name, port.name], `has ${port.ops.length} ops for ${elementCount(port)} elements`);
    }
    const outside = port.ops.find((op) => op < 0 || op >= circuit.size);
    if (outside !== undefined) add(problems, 'bad-port', [circuit.name, port.name], `reads op ${outside} of ${circuit.size}`);
  }
}

/** Kind, operands and parameter, without looking at intervals. */
function shapeProblem(circuit: Circuit, op: number): string | undefined {
  const kind = circuit.kind[op] as number;
  if (kind >= OP_NAMES.length) return `kind ${kind} is none of 0 … ${OP_NAMES.length - 1}`;
  const count = OPERAND_COUNT[kind] as number;
  const fields = [circuit.a[op], circuit.b[op], circuit.c[op]] as const;
  for (let i = 0; i < count; i++) {
    const operand = fields[i] as number;
    if (operand < 0 || operand >= op) return `operand ${i} is op ${operand}, which is not an earlier one`;
  }
  const param = circuit.param[op] as number;
  if (kind === Op.input) {
    const port = circuit.inputs[circuit.a[op] as number];
    if (port === undefined) return `port ${circuit.a[op]} of ${circuit.inputs.length}`;
    const element = circuit.b[op] as number;
    if (element < 0 || element >= elementCount(port)) return `element ${element} of ${elementCount(port)} of ${port.name}`;
  }
  if (kind === Op.cast && circuit.types[param] === undefined) return `type ${param} of ${circuit.types.length}`;
  if (kind === Op.lookup && circuit.tables[param] === undefined) return `table ${param} of ${circuit.tables.length}`;
  const shifts = kind === Op.add || kind === Op.sub || kind === Op.shift;
  if (shifts && !exponentFits(param)) return `shift by ${param}, more than ${MAX_EXPONENT}`;
  const origin = circuit.origin[op] as number;
  if (origin < -1 || origin >= circuit.origins.length) return `origin ${origin} of ${circuit.origins.length}`;
  const usedFields = kind === Op.input ? 2 : count;
  if (fields.some((field, i) => i >= usedFields && field !== -1)) return `operands ${fields.join(', ')}, of which it has ${count}: the others must be −1`;
  if (!shifts && kind !== Op.cast && kind !== Op.lookup && param !== 0) return `parameter ${param}, where it has none: must be 0`;
  return undefined;
}

/** Conditions and table indices: what an op demands of its operands' intervals. */
function rangeProblem(circuit: Circuit, source: OpSource, op: number): string | undefined {
  const kind = kindOf(circuit, op);
  const a = circuit.a[op] as number;
  if (kind === Op.mux) {
    const condition = source.intervalOf(a);
    if (!isWithin(condition, { lo: 0, hi: 1, exp: 0 })) return `its condition, op ${a}, is ${formatInterval(condition)}, not 0 or 1`;
  }
  if (kind === Op.lookup) {
    const what = indexProblem(source.intervalOf(a), circuit.tables[circuit.param[op] as number] as Table);
    if (what !== undefined) return `its index, op ${a}, ${what}`;
  }
  return undefined;
}

/** What is wrong with the interval of an op whose operands are right. */
export function intervalProblem(circuit: Circuit, source: OpSource, op: number): string | undefined {
  const isWide = Number.isNaN(circuit.lo[op]) || Number.isNaN(circuit.hi[op]);
  if (isWide && !circuit.wide.has(op)) return 'its bounds are missing';
  const own = intervalOf(circuit, op);
  if (own.lo > own.hi) return `its interval ${formatInterval(own)} is empty`;
  const isBig = typeof own.lo === 'bigint' || typeof own.hi === 'bigint';
  if (isBig && widthOf(own.lo, own.hi) > MAX_OP_WIDTH) return `is ${widthOf(own.lo, own.hi)} bits wide, more than ${MAX_OP_WIDTH}`;
  if (!exponentFits(own.exp)) return `exponent ${own.exp} is beyond ±${MAX_EXPONENT}`;
  const kind = kindOf(circuit, op);
  if (kind === Op.input) return inputProblem(circuit, op, own);
  if (kind === Op.const) return own.lo === own.hi ? undefined : `a constant with the interval ${formatInterval(own)}`;
  const inferred = inferOp(source, kind, circuit.a[op] as number, circuit.b[op] as number, circuit.c[op] as number, circuit.param[op] as number);
  const isSame = own.exp === inferred.exp && own.lo === inferred.lo && own.hi === inferred.hi;
  if (!isSame && !isWithin(own, inferred)) return `its interval ${formatInterval(own)} is not within ${formatInterval(inferred)}, which its operands give`;
  return undefined;
}

function inputProblem(circuit: Circuit, op: number, own: Interval): string | undefined {
  const port = circuit.inputs[circuit.a[op] as number] as Port;
  const element = circuit.b[op] as number;
  const type = typeOfElement(port, element);
  if (own.exp !== type.integer - type.width || !isWithin(own, rangeOf(type))) return `its interval ${formatInterval(own)} does not fit ${formatFixedType(type)} of ${port.name}`;
  return undefined;
}

function indexProblem(index: Interval, table: Table): string | undefined {
  if (index.exp < table.indexExp) return `is on the grid 2^${index.exp}, finer than the table's 2^${table.indexExp}`;
  const k = index.exp - table.indexExp;
  const inside = shift(index.lo, k) >= table.base && BigInt(shift(index.hi, k)) < BigInt(table.base) + BigInt(table.values.length);
  if (inside) return undefined;
  return `is ${formatInterval({ lo: shift(index.lo, k), hi: shift(index.hi, k), exp: table.indexExp })}, outside the table's ${table.values.length} entries from ${table.base}`;
}

function checkInputsOnce(circuit: Circuit, problems: Problem[]): void {
  const seen = new Set<string>();
  for (let op = 0; op < circuit.size && problems.length < MAX_PROBLEMS; op++) {
    if (circuit.kind[op] !== Op.input) continue;
    const key = `${circuit.a[op]}:${circuit.b[op]}`;
    if (seen.has(key)) add(problems, 'bad-op', whereOf(circuit, op), 'reads an input element that another op reads already');
    seen.add(key);
  }
}

function checkOutputs(circuit: Circuit, problems: Problem[]): void {
  for (const port of circuit.outputs) {
    port.ops.forEach((op, i) => {
      if (problems.length >= MAX_PROBLEMS) return;
      const type = typeOfElement(port, i);
      const interval = intervalOf(circuit, op);
      if (isWithin(interval, rangeOf(type))) return;
      add(problems, 'bad-port', [...whereOf(circuit, op), `${port.name}[${i}]`], `its interval ${formatInterval(interval)} is not representable in ${formatFixedType(type)}`);
    });
  }
}

function exponentFits(exp: number): boolean {
  return Number.isInteger(exp) && Math.abs(exp) <= MAX_EXPONENT;
}

function add(problems: Problem[], code: string, where: readonly string[], what: string): void {
  if (problems.length < MAX_PROBLEMS) problems.push({ code, where, what });
}
