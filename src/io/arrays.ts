import { CompileError } from '../errors.js';
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
 * they are taken in C order. All arrays must have the same number of events, and finite values only.
 */
export function matchArrays(arrays: readonly NamedArray[], ports: readonly ArrayPort[], fileName: string): MatchedArrays {
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
    requireFinite(array.data, needed, where);
  });
  return { inputs: chosen.map((array) => array.data), count, warnings };
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

/** NaN and infinities have no fixed-point value. */
function requireFinite(data: Float64Array, perEvent: number, where: readonly string[]): void {
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (Number.isFinite(value)) continue;
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
