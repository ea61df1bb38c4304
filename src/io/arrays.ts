import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { castInteger } from '../fixed/fixedType.js';
import { dyadicOf, fromNumber } from '../fixed/integer.js';
import { readCsv } from './csv.js';
import { formatShape, isNpy, readNpy } from './npy.js';
import { NPZ_LIMITS, readNpz } from './npz.js';
import type { ZipLimits } from './zip.js';
import { isZip } from './zip.js';

/** An array of a file: values in C order; the first axis is the event. The name is empty where the file gives none. */
export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** What `matchArrays` needs to know of a tensor at the edge of a circuit; `Port` of the circuit is one. */
export interface ArrayPort {
  readonly name: string;
  /** Without the event axis. */
  readonly shape: readonly number[];
  /** NaN may occur: it stays, or becomes the port's code for it, which no number then gets. */
  readonly missing?: 'kept' | { readonly code: number; readonly type: FixedType };
  /** The port whose elements that are NaN these bits mark; made from its array where the file has none of this name. */
  readonly flagsOf?: string;
}

/** The arrays of the ports in their order, `[event, element]`, and what the user should hear about how they were found. */
export interface MatchedArrays {
  readonly inputs: readonly Float64Array[];
  readonly count: number;
  readonly warnings: readonly string[];
}

/**
 * Reads `.npy`, `.npz` or `.csv`, recognised by content; `fileName` is for messages only.
 * Throws CompileError for anything else, and for what is truncated, damaged or larger than the limits.
 */
export function readArrays(bytes: Uint8Array, fileName: string, limits: ZipLimits = NPZ_LIMITS): NamedArray[] {
  const where = [fileName];
  if (bytes.length === 0) throw bad(where, 'array-empty', 'the file is empty.');
  if (isNpy(bytes)) return [readNpy(bytes, where)];
  if (isZip(bytes)) return readNpz(bytes, where, limits);
  if (bytes.length > 2 ** 28) throw bad(where, 'array-size', `the text has ${bytes.length} bytes; at most ${2 ** 28} are read.`, 'Save the array as .npy.');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unrecognised(where);
  }
  if (text.includes('\0')) throw unrecognised(where);
  return [readCsv(text, where)];
}

/**
 * Finds each port's array: by name, else by position with a warning. Values per event must be as many as the port has;
 * they are taken in C order. All arrays must have the same number of events, and finite values only but for NaN where
 * ports know missing values: flags of them are derived, codes put in.
 */
export function matchArrays(arrays: readonly NamedArray[], ports: readonly ArrayPort[], fileName: string): MatchedArrays {
  const names = new Set(arrays.map((array) => array.name));
  const derived = ports.filter((port) => port.flagsOf !== undefined && !names.has(port.name));
  const matched = matchGiven(arrays, ports.filter((port) => !derived.includes(port)), fileName, new Set(derived.map((port) => port.flagsOf)));
  const flags = new Map(derived.map((port) => [port, Float64Array.from(matched.byPort.get(port.flagsOf ?? '') ?? [], (value) => (Number.isNaN(value) ? 1 : 0))]));
  const inputs = ports.map((port) => flags.get(port) ?? withCode(matched.byPort.get(port.name) as Float64Array, port, ports.some((other) => other.flagsOf === port.name)));
  return { inputs, count: matched.count, warnings: matched.warnings };
}

/** NaN as the port has it: its code, 0 beside a flag, else as it is; numbers that would read as the code get its neighbour. */
function withCode(data: Float64Array, { missing }: ArrayPort, flagged: boolean): Float64Array {
  if (flagged) return data.map((value) => (Number.isNaN(value) ? 0 : value));
  if (missing === undefined || missing === 'kept') return data;
  const { code, type } = missing;
  const step = 2 ** (type.integer - type.width);
  const neighbour = type.signed ? code + step : code - step;
  const reserved = fromNumber(code / step);
  const isReserved = (value: number): boolean => {
    const { n, exp } = dyadicOf(value);
    return castInteger(n, exp, type) === reserved;
  };
  return data.map((value) => (Number.isNaN(value) ? code : isReserved(value) ? neighbour : value));
}

function matchGiven(arrays: readonly NamedArray[], ports: readonly ArrayPort[], fileName: string, flagged: ReadonlySet<string | undefined>): { readonly byPort: ReadonlyMap<string, Float64Array>; readonly count: number; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const chosen = choose(arrays, ports, fileName, warnings);
  const count = chosen[0]?.shape[0] ?? 0;
  chosen.forEach((array, i) => {
    const port = ports[i] as ArrayPort;
    const where = [fileName, ...(array.name === '' ? [] : [array.name])];
    const [events, ...rest] = array.shape;
    const perEvent = rest.reduce((product, n) => product * n, 1);
    const needed = port.shape.reduce((product, n) => product * n, 1);
    if (events === undefined || perEvent !== needed) {
      throw bad(where, 'array-shape', `shape ${formatShape(array.shape)} holds ${events === undefined ? 'no events' : `${perEvent} values an event`}; ${port.name} has shape ${formatShape(port.shape)}, ${needed} values an event.`, `The first axis is the event: give shape [${['n', ...port.shape].join(', ')}].`);
    }
    if (events !== count) throw bad(where, 'array-events', `has ${events} events, ${ports[0]?.name ?? ''} has ${count}.`);
    requireFinite(array.data, needed, where, port.missing !== undefined || flagged.has(port.name));
  });
  return { byPort: new Map(ports.map((port, i) => [port.name, (chosen[i] as NamedArray).data])), count, warnings };
}

function choose(arrays: readonly NamedArray[], ports: readonly ArrayPort[], fileName: string, warnings: string[]): NamedArray[] {
  const byName = new Map(arrays.map((array) => [array.name, array]));
  const named = ports.map((port) => byName.get(port.name));
  const missing = ports.filter((_, i) => named[i] === undefined);
  if (missing.length === 0) {
    const unused = arrays.filter((array) => !ports.some((port) => port.name === array.name));
    if (unused.length > 0) warnings.push(`${fileName}: not used: ${list(unused)}.`);
    return named as NamedArray[];
  }
  if (missing.length < ports.length) {
    throw bad([fileName], 'array-names', `no array for ${list(missing)}; the file has ${list(arrays)}.`, 'Name the arrays as the ports are named.');
  }
  if (arrays.length !== ports.length) {
    throw bad([fileName], 'array-count', `has ${arrays.length} arrays (${list(arrays)}), the ports are ${ports.length} (${list(ports)}).`, ports.length > 1 ? 'Save them in one .npz under the names of the ports.' : undefined);
  }
  if (arrays.some((array) => array.name !== '')) {
    warnings.push(`${fileName}: no name fits; taken by position: ${arrays.map((array, i) => `${array.name} as ${(ports[i] as ArrayPort).name}`).join(', ')}.`);
  }
  return [...arrays];
}

/** NaN and infinities have no fixed-point value; NaN may stand for a missing one. */
function requireFinite(data: Float64Array, perEvent: number, where: readonly string[], missing: boolean): void {
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (Number.isFinite(value) || (missing && Number.isNaN(value))) continue;
    throw bad(where, 'array-not-finite', `event ${Math.floor(i / perEvent)}, element ${i % perEvent} is ${value}.`, 'Every value must be a finite number.');
  }
}

function list(items: readonly { readonly name: string }[]): string {
  const names = items.slice(0, 8).map((item) => (item.name === '' ? '(unnamed)' : item.name));
  return items.length > 8 ? `${names.join(', ')} and ${items.length - 8} more` : names.join(', ');
}

function unrecognised(where: readonly string[]): CompileError {
  return bad(where, 'array-format', 'the file is neither .npy nor .npz nor text with numbers.');
}

function bad(where: readonly string[], code: string, what: string, mend?: string): CompileError {
  return new CompileError('input', mend === undefined ? { code, where, what } : { code, where, what, mend });
}
