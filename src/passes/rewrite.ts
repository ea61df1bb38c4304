import { CircuitBuilder } from '../circuit/builder.js';
import type { Circuit, OpKind, Table } from '../circuit/circuit.js';
import { intervalOf, kindOf, loOf, Op, OPERAND_COUNT } from '../circuit/circuit.js';
import type { FixedType } from '../fixed/fixedType.js';

/** An op about to be copied: its operands are ops of the new circuit already, rewritten themselves. */
export interface OpToRewrite {
  readonly builder: CircuitBuilder;
  readonly kind: OpKind;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** Shift of add, sub, shift; 0 else. */
  readonly shift: number;
  readonly type: FixedType | undefined;
  readonly table: Table | undefined;
  /** Its number in the old circuit. */
  readonly op: number;
}

/** The op of the new circuit with the same value, or undefined to copy. */
export type Rewrite = (op: OpToRewrite) => number | undefined;

export interface RewriteOptions {
  /** Equal ops become one. */
  readonly share?: boolean;
  /** Ops to leave out; nothing that is kept may read them. Inputs stay in any case: ports are part of the interface. */
  readonly drop?: (op: number) => boolean;
}

/**
 * Builds a circuit anew, op by op, with the rewrite of each op in its place. Origins stay with the ops, inputs and
 * output ports stay as they are, and so does what is known of a range: a new op has the same value as the old one.
 */
export function rewriteCircuit(circuit: Circuit, rewrite: Rewrite, options: RewriteOptions = {}): Circuit {
  const builder = new CircuitBuilder(circuit.name, { share: options.share ?? false });
  for (const port of circuit.inputs) builder.declareInput(port);
  const renamed = new Int32Array(circuit.size).fill(-1);
  for (let op = 0; op < circuit.size; op++) {
    const kind = kindOf(circuit, op);
    if (kind !== Op.input && options.drop?.(op) === true) continue;
    builder.setOrigin(circuit.origins[circuit.origin[op] as number], circuit.element[op] as number);
    renamed[op] = copyOrRewrite(circuit, op, kind, builder, renamed, rewrite);
    builder.claim(renamed[op] as number, intervalOf(circuit, op));
  }
  for (const port of circuit.outputs) {
    builder.addOutput(port.name, port.shape, port.ops.map((op) => renamed[op] as number), port.types);
  }
  return builder.finish();
}

function copyOrRewrite(circuit: Circuit, op: number, kind: OpKind, builder: CircuitBuilder, renamed: Int32Array, rewrite: Rewrite): number {
  if (kind === Op.input) return builder.inputElement(circuit.a[op] as number, circuit.b[op] as number, intervalOf(circuit, op));
  if (kind === Op.const) return builder.constant(loOf(circuit, op), circuit.exp[op] as number);
  const operands = OPERAND_COUNT[kind] as number;
  const param = circuit.param[op] as number;
  const todo: OpToRewrite = {
    builder,
    kind,
    a: renamed[circuit.a[op] as number] as number,
    b: operands > 1 ? (renamed[circuit.b[op] as number] as number) : -1,
    c: operands > 2 ? (renamed[circuit.c[op] as number] as number) : -1,
    shift: kind === Op.add || kind === Op.sub || kind === Op.shift ? param : 0,
    type: kind === Op.cast ? circuit.types[param] : undefined,
    table: kind === Op.lookup ? circuit.tables[param] : undefined,
    op,
  };
  return rewrite(todo) ?? copyOp(todo);
}

/** The op as it is, in the new circuit. */
export function copyOp({ builder, kind, a, b, c, shift, type, table }: OpToRewrite): number {
  if (type !== undefined) return builder.cast(a, type);
  if (table !== undefined) return builder.lookup(a, table);
  return builder.op(kind, a, b, c, shift);
}

/** Whether an op of the new circuit is the constant n · 2^exp; any exp if none is given. */
export function isConstant(builder: CircuitBuilder, op: number, n: number, exp?: number): boolean {
  if (builder.kindOf(op) !== Op.const) return false;
  const interval = builder.intervalOf(op);
  return interval.lo === n && (exp === undefined || interval.exp === exp);
}
