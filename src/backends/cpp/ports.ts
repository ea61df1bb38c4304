import type { Circuit, OutputPort, Port } from '../../circuit/circuit.js';
import { elementCount, hiOf, kindOf, loOf, Op, typeOfElement } from '../../circuit/circuit.js';
import { invariant } from '../../errors.js';
import type { FixedType } from '../../fixed/fixedType.js';
import { fractionBits, rangeOf, sameType } from '../../fixed/fixedType.js';
import { fromBigInt, toNumber } from '../../fixed/integer.js';
import type { CppPlan, SlotLane } from './plan.js';
import { slotLane } from './plan.js';
import { constantText, wideText } from './slow.js';
import { literal, SLOTS } from './vector.js';

/** 64-bit words of an element in raw arrays: 1, but for types beyond 64 bits. */
export function rawWords(port: Port): number {
  return Math.ceil(port.types.reduce((most, type) => Math.max(most, type.width), 1) / 64);
}

/** Input ops that are wide themselves, with their place in the block. */
export function wideInputsOf(circuit: Circuit, plan: CppPlan): ReadonlyMap<number, number> {
  return new Map(plan.slow.filter((op) => kindOf(circuit, op) === Op.input).map((op, i) => [op, i]));
}

/** Elements of a port, in a row, that one loop can handle. */
interface Run<What> {
  readonly from: number;
  count: number;
  readonly what: What;
}

/** Groups elements into runs; `follows` says whether an element goes on where the one before it ended. */
function runsOf<What>(elements: number, describe: (i: number) => What | undefined, follows: (first: What, next: What, distance: number) => boolean): Run<What>[] {
  const runs: Run<What>[] = [];
  for (let i = 0; i < elements; i++) {
    const what = describe(i);
    if (what === undefined) continue;
    const last = runs[runs.length - 1];
    if (last !== undefined && last.from + last.count === i && follows(last.what, what, last.count)) last.count++;
    else runs.push({ from: i, count: 1, what });
  }
  return runs;
}

interface InputSlot {
  readonly type: FixedType;
  readonly lane: SlotLane;
  readonly slot: number;
  /** Bounds of the op's interval that raw integers of the type may pass; undefined for none. */
  readonly lo: bigint | undefined;
  readonly hi: bigint | undefined;
}

/** `load_<p>` and `load_raw_<p>`: N events of a port into the block. False where a value is not finite. */
export function inputFunctions(circuit: Circuit, plan: CppPlan, wideInputs: ReadonlyMap<number, number>, p: number): string[] {
  const port = circuit.inputs[p] as Port;
  const elements = elementCount(port);
  const words = rawWords(port);
  const opOf = new Int32Array(elements).fill(-1);
  for (let op = 0; op < circuit.size; op++) if (kindOf(circuit, op) === Op.input && circuit.a[op] === p) opOf[circuit.b[op] as number] = op;
  const runs = runsOf(elements, (i) => inputSlot(circuit, plan, port, opOf[i] as number, i), (first, next, distance) =>
    sameType(first.type, next.type) && first.lane === next.lane && first.slot + distance === next.slot && first.lo === next.lo && first.hi === next.hi);
  const floats: string[] = [];
  const again: string[] = [];
  const raws: string[] = [];
  const clamps: string[] = [];
  const rawClamps: string[] = [];
  for (const { from, count, what } of runs) {
    const fixed = fixedText(what.type);
    const lanes = `b.${SLOTS[what.lane]}[${what.slot} + i]`;
    const loop = `for (int i = 0; i < ${count}; ++i)`;
    const isFast = what.type.width <= 64 && Math.abs(fractionBits(what.type)) <= 100;
    if (isFast) {
      floats.push(`${loop} flags |= ${fixed}::convert(x + ${from} + i, ${elements}, ${lanes});`);
    } else floats.push('flags = ~u64(0);');
    again.push(`${loop} if (!${fixed}::slow(x + ${from} + i, ${elements}, ${lanes})) return false;`);
    raws.push(`${loop} ${fixed}::raw(x + ${words} * (${from} + i), ${elements * words}, ${lanes});`);
    if (what.lo !== undefined || what.hi !== undefined) {
      const bounds = literalBounds(what);
      rawClamps.push(`${loop} clamp<i${what.lane}>(${lanes}, ${bounds.lo}, ${bounds.hi});`);
      if (!isSymmetricCast(what)) clamps.push(rawClamps[rawClamps.length - 1] as string);
    }
  }
  const wides = wideLines(circuit, port, opOf, wideInputs);
  return [
    `bool load_${p}(const double* x, Block& b) {`,
    ...(runs.length > 0 ? ['  u64 flags = 0;', ...floats.map((line) => `  ${line}`), '  if ((flags >> 52) != 0) {', ...again.map((line) => `    ${line}`), '  }'] : []),
    ...wides.floats.map((line) => `  ${line}`),
    ...clamps.map((line) => `  ${line}`),
    ...(runs.length + wides.floats.length === 0 ? ['  (void)x;', '  (void)b;'] : []),
    '  return true;',
    '}',
    '',
    `bool load_${p}(const i64* x, Block& b) {`,
    ...[...raws, ...wides.raws, ...rawClamps].map((line) => `  ${line}`),
    ...(runs.length + wides.floats.length === 0 ? ['  (void)x;', '  (void)b;'] : []),
    '  return true;',
    '}',
    '',
  ];
}

function literalBounds({ type, lane, lo, hi }: InputSlot): { readonly lo: string; readonly hi: string } {
  const range = rangeOf(type);
  return { lo: literal(lo ?? BigInt(range.lo), lane), hi: literal(hi ?? BigInt(range.hi), lane) };
}

/** SAT_SYM keeps values off the lowest integer, but raw integers may be it. */
function isSymmetricCast({ type, lo, hi }: InputSlot): boolean {
  return type.overflow === 'SAT_SYM' && type.signed && hi === undefined && lo === -BigInt(rangeOf(type).hi);
}

function inputSlot(circuit: Circuit, plan: CppPlan, port: Port, op: number, element: number): InputSlot | undefined {
  if (op < 0 || (plan.slot[op] as number) < 0) return undefined;
  const type = typeOfElement(port, element);
  const lane = slotLane(plan.lanes, op);
  const range = rangeOf(type);
  // A lane with fewer bits than the value is read modulo its width: nothing there to bound.
  const isExact = (plan.lanes.full[op] as number) <= lane;
  const lo = isExact && loOf(circuit, op) > range.lo ? BigInt(loOf(circuit, op)) : undefined;
  const hi = isExact && hiOf(circuit, op) < range.hi ? BigInt(hiOf(circuit, op)) : undefined;
  return { type, lane, slot: plan.slot[op] as number, lo, hi };
}

function wideLines(circuit: Circuit, port: Port, opOf: Int32Array, wideInputs: ReadonlyMap<number, number>): { readonly floats: string[]; readonly raws: string[] } {
  const floats: string[] = [];
  const raws: string[] = [];
  const words = rawWords(port);
  opOf.forEach((op, i) => {
    const index = op < 0 ? undefined : wideInputs.get(op);
    if (index === undefined) return;
    const type = typeOfElement(port, i);
    const at = `x[std::size_t(e) * ${opOf.length} + ${i}]`;
    floats.push('for (int e = 0; e < N; ++e) {', `  if (!finite(${at})) return false;`,
      `  b.in[${index}][e] = exact(${at}, ${type.signed}, ${type.width}, ${fractionBits(type)}, ${type.rounding}, ${type.overflow});`, '}');
    raws.push(`for (int e = 0; e < N; ++e) b.in[${index}][e] = overflowed(from_words(reinterpret_cast<const u64*>(x) + (std::size_t(e) * ${opOf.length} + ${i}) * ${words}, ${words}), ${type.signed}, ${type.width}, WRAP);`);
  });
  return { floats, raws };
}

function fixedText(type: FixedType): string {
  return `Fixed<${type.signed}, ${type.width}, ${fractionBits(type)}, ${type.rounding}, ${type.overflow}>`;
}

/** Where an output element's integer comes from, and what takes it to the element's type. */
type OutputSource =
  | { readonly kind: 'lane'; readonly lane: SlotLane; readonly slot: number; readonly exp: number; readonly up: number }
  | { readonly kind: 'constant'; readonly n: bigint; readonly exp: number; readonly up: number }
  | { readonly kind: 'wide'; readonly index: number; readonly exp: number; readonly up: number };

/** Outputs that are computed in wide integers: their ops in the order of the block's `out`. */
export function wideOutputsOf(circuit: Circuit, plan: CppPlan): readonly number[] {
  const slow = new Set(plan.slow);
  return [...new Set(circuit.outputs.flatMap((port) => [...port.ops]))].filter((op) => slow.has(op));
}

/** `store_<p>`: the first `count` events of the block as values, or as raw integers. */
export function outputFunctions(circuit: Circuit, plan: CppPlan, p: number): string[] {
  const port = circuit.outputs[p] as OutputPort;
  const elements = elementCount(port);
  const words = rawWords(port);
  const wides = new Map(wideOutputsOf(circuit, plan).map((op, i) => [op, i]));
  const runs = runsOf(elements, (i) => outputSource(circuit, plan, wides, port, i), (first, next, distance) =>
    first.kind === 'lane' && next.kind === 'lane' && first.lane === next.lane && first.exp === next.exp && first.up === next.up && first.slot + distance === next.slot);
  const floats: string[] = [];
  const raws: string[] = [];
  for (const { from, count, what } of runs) {
    const loops = count === 1 ? 'for (int i = 0, e = 0; e < count; ++e)' : `for (int i = 0; i < ${count}; ++i) for (int e = 0; e < count; ++e)`;
    const [y, raw] = [`y[std::size_t(e) * ${elements} + ${from} + i]`, `y + (std::size_t(e) * ${elements} + ${from} + i) * ${words}`];
    floats.push(`${loops} ${y} = ${valueText(what)};`);
    raws.push(words === 1 && what.kind !== 'wide' ? `${loops} ${y} = ${rawText(what)};` : `${loops} to_words(${wideRaw(what)}, ${raw}, ${words});`);
  }
  return [
    `void store_${p}(const Block& b, double* y, int count) {`, ...floats.map((line) => `  ${line}`), ...(runs.every((run) => run.what.kind === 'constant') ? ['  (void)b;'] : []), '}', '',
    `void store_${p}(const Block& b, i64* y, int count) {`, ...raws.map((line) => `  ${line}`), ...(runs.every((run) => run.what.kind === 'constant') ? ['  (void)b;'] : []), '}', '',
  ];
}

function outputSource(circuit: Circuit, plan: CppPlan, wides: ReadonlyMap<number, number>, port: OutputPort, element: number): OutputSource {
  const op = port.ops[element] as number;
  const exp = circuit.exp[op] as number;
  const up = exp + fractionBits(typeOfElement(port, element));
  if (loOf(circuit, op) === hiOf(circuit, op)) return { kind: 'constant', n: BigInt(loOf(circuit, op)), exp, up };
  const index = wides.get(op);
  if (index !== undefined) return { kind: 'wide', index, exp, up };
  const root = plan.lanes.root[op] as number;
  const slot = plan.slot[root] as number;
  invariant(slot >= 0, `output op ${op} is not kept`);
  return { kind: 'lane', lane: slotLane(plan.lanes, root), slot, exp, up };
}

function valueText(source: OutputSource): string {
  switch (source.kind) {
    case 'constant': {
      // With an exponent, it cannot be read as an integer.
      return toNumber(fromBigInt(source.n), source.exp).toExponential();
    }
    case 'lane':
      return `double(b.${SLOTS[source.lane]}[${source.slot} + i][e])${scale(source.exp)}`;
    case 'wide':
      return `to_double(b.out[${source.index}][e], ${source.exp})`;
  }
}

function scale(exp: number): string {
  return exp === 0 ? '' : ` * pow2(${exp})`;
}

function rawText(source: Exclude<OutputSource, { readonly kind: 'wide' }>): string {
  if (source.kind === 'constant') return literal(source.up >= 0 ? source.n << BigInt(source.up) : source.n >> BigInt(-source.up), 64);
  const own = laneText(source);
  return source.up === 0 ? own : source.up > 0 ? `i64(u64(${own}) << ${source.up})` : `${own} >> ${-source.up}`;
}

function laneText({ lane, slot }: Extract<OutputSource, { readonly kind: 'lane' }>): string {
  return `i64(b.${SLOTS[lane]}[${slot} + i][e])`;
}

function wideRaw(source: OutputSource): string {
  switch (source.kind) {
    case 'wide':
      return `scaled(b.out[${source.index}][e], ${source.up})`;
    case 'lane':
      return `scaled(wide(${laneText(source)}), ${source.up})`;
    case 'constant':
      return constantText(source.up >= 0 ? source.n << BigInt(source.up) : source.n >> BigInt(-source.up));
  }
}

/** What fills the block's `out` for one event. */
export function wideOutputLines(circuit: Circuit, plan: CppPlan, indices: ReadonlyMap<number, number>): string[] {
  return wideOutputsOf(circuit, plan).map((op, i) => `b.out[${i}][e] = ${wideText(circuit, plan, indices, op)};`);
}
