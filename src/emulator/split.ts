import type { FixedType } from '../fixed/fixedType.js';
import { fixedType, fractionBits } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { shift } from '../fixed/integer.js';
import type { Circuit, OutputPort } from '../circuit/circuit.js';
import { elementCount, hiOf, kindOf, loOf, OPERAND_COUNT, typeOfElement } from '../circuit/circuit.js';
import type { Value } from '../circuit/semantics.js';
import { evaluateOp } from '../circuit/semantics.js';
import { signedBits } from './castPlan.js';
import type { Emulator } from './emulator.js';
import { laneableOps } from './lanes.js';
import { checkInputs, rawEvent, storeEvent } from './reference.js';

/** Events handed to the fast part at once. */
const BATCH = 64;

/** A circuit in two: what lanes can hold, with the values that the rest reads as its output, and the rest. */
export interface SplitCircuit {
  readonly fast: Circuit;
  /** Ops of the fast part's only output, in its order. */
  readonly frontier: Int32Array;
  /** Needed ops that are wider than lanes, or come after such, operands first. */
  readonly slow: Int32Array;
}

/** Splits off every op that some lane cannot hold and all that depend on them; undefined if nothing is left to be fast. */
export function splitCircuit(circuit: Circuit): SplitCircuit | undefined {
  const isSlow = new Uint8Array(circuit.size);
  const isLaneable = laneableOps(circuit);
  for (let op = 0; op < circuit.size; op++) {
    if (loOf(circuit, op) === hiOf(circuit, op)) continue;
    isSlow[op] = isLaneable[op] === 1 && operandsOf(circuit, op).every((operand) => isSlow[operand] === 0) ? 0 : 1;
  }
  const isNeeded = new Uint8Array(circuit.size);
  const isFrontier = new Uint8Array(circuit.size);
  for (const port of circuit.outputs) for (const op of port.ops) (isSlow[op] === 1 ? isNeeded : isFrontier)[op] = 1;
  for (let op = circuit.size - 1; op >= 0; op--) {
    if (isNeeded[op] === 0) continue;
    for (const operand of operandsOf(circuit, op)) (isSlow[operand] === 1 ? isNeeded : isFrontier)[operand] = 1;
  }
  const frontier = indicesOf(isFrontier);
  if (!frontier.some((op) => OPERAND_COUNT[kindOf(circuit, op)] !== 0)) return undefined;
  const types: FixedType[] = Array.from(frontier, (op) => {
    const width = signedBits(loOf(circuit, op), hiOf(circuit, op));
    return fixedType(true, width, width + (circuit.exp[op] as number));
  });
  const output: OutputPort = { name: 'frontier', shape: [frontier.length], types, ops: frontier };
  return { fast: { ...circuit, outputs: [output] }, frontier, slow: indicesOf(isNeeded) };
}

function indicesOf(flags: Uint8Array): Int32Array {
  return Int32Array.from([...flags.keys()].filter((i) => flags[i] === 1));
}

function operandsOf(circuit: Circuit, op: number): number[] {
  const operands = [circuit.a[op] as number, circuit.b[op] as number, circuit.c[op] as number];
  return operands.slice(0, OPERAND_COUNT[kindOf(circuit, op)]);
}

/** Runs the fast part in batches, the rest by the reference semantics, event by event. */
export function splitEmulator(circuit: Circuit, split: SplitCircuit, fast: Emulator): Emulator {
  const values: Value[] = new Array<Value>(circuit.size);
  const finish = (known: readonly Int[]): Int[][] => {
    split.frontier.forEach((op, i) => {
      values[op] = { n: known[i] as Int, exp: circuit.exp[op] as number };
    });
    for (const op of split.slow) values[op] = evaluate(circuit, values, op);
    return circuit.outputs.map((port) =>
      Array.from(port.ops, (op, i) => {
        const value = values[op] as Value;
        return shift(value.n, value.exp + fractionBits(typeOfElement(port, i)));
      }),
    );
  };
  const runRawBatch = (events: readonly (readonly (readonly Int[])[])[]): Int[][][] => fast.runRawBatch(events).map((outputs) => finish(outputs[0] as Int[]));
  return {
    run: (inputs, count) => {
      checkInputs(circuit, inputs, count);
      const outputs = circuit.outputs.map((port) => new Float64Array(count * elementCount(port)));
      for (let from = 0; from < count; from += BATCH) {
        const events = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => rawEvent(circuit, inputs, from + i));
        runRawBatch(events).forEach((event, i) => storeEvent(circuit, outputs, from + i, event));
      }
      return outputs;
    },
    runRaw: (inputs) => runRawBatch([inputs])[0] as Int[][],
    runRawBatch,
    engine: { kind: 'split', fast: fast.engine, slowOps: split.slow.length },
  };
}

function evaluate(circuit: Circuit, values: Value[], op: number): Value {
  const kind = kindOf(circuit, op);
  const exp = circuit.exp[op] as number;
  const param = circuit.param[op] as number;
  const [a, b, c] = operandsOf(circuit, op).map((operand) => {
    const isConst = loOf(circuit, operand) === hiOf(circuit, operand);
    return isConst ? { n: loOf(circuit, operand), exp: circuit.exp[operand] as number } : (values[operand] as Value);
  });
  const result = evaluateOp({ kind, shift: param, type: circuit.types[param], table: circuit.tables[param] }, a as Value, b, c);
  return result.exp === exp ? result : { n: shift(result.n, result.exp - exp), exp };
}
