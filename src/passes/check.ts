import type { Circuit } from '../circuit/circuit.js';
import { elementCount, hiOf, loOf, Op, opName, kindOf, typeOfElement } from '../circuit/circuit.js';
import { evaluateCircuit } from '../circuit/evaluate.js';
import { formatInterval, whereOf } from '../circuit/verify.js';
import { CompileError } from '../errors.js';
import { rangeOf } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { add, fromBigInt, sub } from '../fixed/integer.js';

/** Vectors and what the circuit made of them before any pass. */
export interface ReferenceRun {
  readonly vectors: readonly (readonly (readonly Int[])[])[];
  readonly outputs: readonly (readonly (readonly Int[])[])[];
}

/** Ops evaluated per circuit at most, about: what a check may cost whatever the size. */
const EVALUATION_BUDGET = 100_000;
const MOST_VECTORS = 16;

/** All lowest, all highest, nearest to 0, alternating ends, then random; fewer of them for large circuits, 4 at least. */
export function referenceRun(circuit: Circuit): ReferenceRun {
  const count = Math.max(4, Math.min(MOST_VECTORS, Math.floor(EVALUATION_BUDGET / Math.max(1, circuit.size))));
  const ranges = inputRanges(circuit);
  const random = generator(0x7219f0e1);
  const vectors: Int[][][] = [];
  for (let v = 0; v < count; v++) {
    vectors.push(ranges.map((port) => port.map(({ lo, hi }, i) => draw(v, i, lo, hi, random))));
  }
  return { vectors, outputs: vectors.map((vector) => evaluateCircuit(circuit, vector)) };
}

/** @throws CompileError of kind `internal` at the first output that differs or op that leaves its interval. */
export function requireSameOutputs(reference: ReferenceRun, circuit: Circuit): void {
  reference.vectors.forEach((vector, v) => {
    const trace: Int[] = [];
    const outputs = evaluateCircuit(circuit, vector, trace);
    requireIntervals(circuit, trace);
    circuit.outputs.forEach((port, p) => {
      const before = reference.outputs[v]?.[p] ?? [];
      outputs[p]?.forEach((n, i) => {
        if (n === before[i]) return;
        const what = `${port.name}[${i}] was ${before[i]} and is ${n} (raw) for the inputs ${clip(JSON.stringify(vector, (_, x: unknown) => (typeof x === 'bigint' ? String(x) : x)))}`;
        throw new CompileError('internal', { code: 'pass-changed-outputs', where: whereOf(circuit, port.ops[i] as number), what });
      });
    });
  });
}

function requireIntervals(circuit: Circuit, trace: readonly Int[]): void {
  for (let op = 0; op < circuit.size; op++) {
    const n = trace[op] as Int;
    if (n >= loOf(circuit, op) && n <= hiOf(circuit, op)) continue;
    const interval = formatInterval({ lo: loOf(circuit, op), hi: hiOf(circuit, op), exp: circuit.exp[op] as number });
    throw new CompileError('internal', { code: 'interval-left', where: whereOf(circuit, op), what: `${opName(kindOf(circuit, op))} gives ${n}, outside ${interval}` });
  }
}

function inputRanges(circuit: Circuit): readonly (readonly { readonly lo: Int; readonly hi: Int }[])[] {
  const ranges = circuit.inputs.map((port) =>
    Array.from({ length: elementCount(port) }, (_, i): { lo: Int; hi: Int } => rangeOf(typeOfElement(port, i))),
  );
  for (let op = 0; op < circuit.size; op++) {
    const port = circuit.kind[op] === Op.input ? ranges[circuit.a[op] as number] : undefined;
    if (port !== undefined) port[circuit.b[op] as number] = { lo: loOf(circuit, op), hi: hiOf(circuit, op) };
  }
  return ranges;
}

function draw(vector: number, element: number, lo: Int, hi: Int, random: () => number): Int {
  switch (vector) {
    case 0:
      return lo;
    case 1:
      return hi;
    case 2:
      return lo > 0 ? lo : hi < 0 ? hi : 0;
    case 3:
      return element % 2 === 0 ? lo : hi;
    default:
      return randomBetween(lo, hi, random);
  }
}

function randomBetween(lo: Int, hi: Int, random: () => number): Int {
  const span = BigInt(add(sub(hi, lo), 1));
  let n = 0n;
  // 32 bits more than the span has, so that no value is visibly favoured.
  for (let have = 1n; have < span << 32n; have <<= 32n) n = (n << 32n) | BigInt(random());
  return fromBigInt(BigInt(lo) + (n % span));
}

/** 32 uniform bits a call, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

function clip(text: string): string {
  return text.length > 400 ? `${text.slice(0, 397)}…` : text;
}
