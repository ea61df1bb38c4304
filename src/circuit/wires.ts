import { castOverflows } from '../fixed/fixedType.js';
import type { FixedType } from '../fixed/fixedType.js';
import type { Circuit } from './circuit.js';
import { intervalOf, kindOf, Op } from './circuit.js';

/**
 * Ops that cost no logic: they only pick or move bits of their operand. A shift; a cast that drops fraction bits by
 * truncation (or drops none) and either cannot overflow or wraps.
 */
export function isWire(circuit: Circuit, op: number): boolean {
  const kind = kindOf(circuit, op);
  if (kind === Op.shift) return true;
  if (kind !== Op.cast) return false;
  const type = circuit.types[circuit.param[op] as number] as FixedType;
  const from = intervalOf(circuit, circuit.a[op] as number);
  const rounds = type.rounding !== 'TRN' && from.exp < type.integer - type.width;
  return !rounds && (type.overflow === 'WRAP' || !castOverflows(from, type));
}

/** For each op the op whose bits it is made of: itself, or through wires the first op that is none. */
export function wireSources(circuit: Circuit): Int32Array {
  const source = new Int32Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) {
    source[op] = isWire(circuit, op) ? (source[circuit.a[op] as number] as number) : op;
  }
  return source;
}
