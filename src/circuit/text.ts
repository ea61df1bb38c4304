import { formatFixedType, rangeOf } from '../fixed/fixedType.js';
import type { Interval } from '../fixed/interval.js';
import type { Circuit, OpKind, OutputPort, Port } from './circuit.js';
import { intervalOf, kindOf, loOf, Op, OP_NAMES, OPERAND_COUNT, typeOfElement } from './circuit.js';
import { inferOp } from './infer.js';
import { CIRCUIT_TEXT_VERSION } from './parse.js';
import { sourceOf } from './verify.js';

/*
 * The text form of a circuit, one fact a line:
 *
 *   trigforge-circuit 1
 *   name "jets"
 *   origin "dense_1" "dense"                     layer, kind; numbered from 0 in order, as are types and tables
 *   type ap_fixed<16,6>
 *   table exp -3 index-exp 0 base 0 : 1 2 3
 *   input "x" [2,2] ap_ufixed<8,8>               one type, or one an element
 *   ops 9
 *   %0 = input 0 0                               port, element
 *   %1 = const 5 -3                              5 · 2^−3
 *   %2 = add %0 %1 << -2 @0:3                    origin 0, element 3 (`@0`: no element, `@:3`: no origin)
 *   %3 = mul %0 %0 in 0 81 -2                    a range narrower than the operands give: lo, hi, exp
 *   %4 = cast %3 t0
 *   %5 = lookup %4 table0
 *   output "y" [1] ap_fixed<16,6> : %4
 *   end
 */

export { circuitFromText } from './parse.js';

/** The circuit as text that `circuitFromText` reads back to the same circuit, array for array. Deterministic. */
export function circuitToText(circuit: Circuit): string {
  const lines: string[] = [`trigforge-circuit ${CIRCUIT_TEXT_VERSION}`, `name ${JSON.stringify(circuit.name)}`];
  for (const origin of circuit.origins) lines.push(`origin ${JSON.stringify(origin.layer)} ${JSON.stringify(origin.kind)}`);
  for (const type of circuit.types) lines.push(`type ${formatFixedType(type)}`);
  for (const table of circuit.tables) lines.push(`table exp ${table.exp} index-exp ${table.indexExp} base ${table.base} : ${table.values.join(' ')}`);
  for (const port of circuit.inputs) lines.push(`input ${portText(port)}`);
  lines.push(`ops ${circuit.size}`);
  const source = sourceOf(circuit);
  for (let op = 0; op < circuit.size; op++) lines.push(opText(circuit, op) + rangeText(circuit, op, source) + originText(circuit, op));
  for (const port of circuit.outputs) lines.push(`output ${portText(port)} : ${Array.from(port.ops, (op) => `%${op}`).join(' ')}`);
  lines.push('end', '');
  return lines.join('\n');
}

function portText(port: Port | OutputPort): string {
  return `${JSON.stringify(port.name)} [${port.shape.join(',')}] ${port.types.map(formatFixedType).join(' ')}`;
}

function opText(circuit: Circuit, op: number): string {
  const kind = kindOf(circuit, op);
  const [a, b, c, param] = [circuit.a[op], circuit.b[op], circuit.c[op], circuit.param[op]] as const;
  const head = `%${op} = ${OP_NAMES[kind]}`;
  if (kind === Op.input) return `${head} ${a} ${b}`;
  if (kind === Op.const) return `${head} ${loOf(circuit, op)} ${circuit.exp[op]}`;
  const operands = [a, b, c].slice(0, OPERAND_COUNT[kind]).map((x) => ` %${x}`).join('');
  return head + operands + parameterText(kind, param as number);
}

function parameterText(kind: OpKind, param: number): string {
  if (kind === Op.cast) return ` t${param}`;
  if (kind === Op.lookup) return ` table${param}`;
  if (kind === Op.shift) return ` << ${param}`;
  return param === 0 ? '' : ` << ${param}`;
}

function rangeText(circuit: Circuit, op: number, source: ReturnType<typeof sourceOf>): string {
  const kind = kindOf(circuit, op);
  if (kind === Op.const) return '';
  const own = intervalOf(circuit, op);
  const a = circuit.a[op] as number;
  const expected =
    kind === Op.input
      ? rangeOf(typeOfElement(circuit.inputs[a] as Port, circuit.b[op] as number))
      : inferOp(source, kind, a, circuit.b[op] as number, circuit.c[op] as number, circuit.param[op] as number);
  return sameInterval(own, expected) ? '' : ` in ${own.lo} ${own.hi} ${own.exp}`;
}

function originText(circuit: Circuit, op: number): string {
  const origin = circuit.origin[op] as number;
  const element = circuit.element[op] as number;
  if (origin < 0 && element < 0) return '';
  return ` @${origin < 0 ? '' : origin}${element < 0 ? '' : `:${element}`}`;
}

function sameInterval(x: Interval, y: Interval): boolean {
  return x.exp === y.exp && x.lo === y.lo && x.hi === y.hi;
}
