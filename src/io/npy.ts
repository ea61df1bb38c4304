import { CompileError } from '../errors.js';
import type { NamedArray } from './arrays.js';

/** The longest header accepted, in bytes; numpy itself refuses to read more than 10 000. */
const MAX_HEADER_BYTES = 65536;
/** The most axes accepted; numpy's own limit was 32 until version 2. */
const MAX_AXES = 64;

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

interface Header {
  readonly descr: string;
  readonly isFortran: boolean;
  readonly shape: readonly number[];
  readonly dataOffset: number;
}

/**
 * Reads a `.npy` file (NumPy enhancement proposal 1, format versions 1 to 3): any bool, integer or float dtype, both
 * byte orders, C and Fortran order. Integers that float64 cannot hold are an error, never rounded.
 */
export function readNpy(bytes: Uint8Array, where: readonly string[], name = ''): NamedArray {
  const header = readHeader(bytes, where);
  const reader = elementReader(header.descr, where);
  const count = countOf(header.shape, reader.size, where);
  const needed = count * reader.size;
  const present = bytes.length - header.dataOffset;
  if (present !== needed) {
    throw bad(where, 'array-length', `shape ${formatShape(header.shape)} of ${header.descr} needs ${needed} bytes of data, the file has ${present}.`, 'Save the array again; the file is cut short or damaged.');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + header.dataOffset, needed);
  const data = new Float64Array(count);
  reader.read(view, data, where);
  return { name, shape: header.shape, data: header.isFortran ? fromFortran(data, header.shape) : data };
}

/** A `.npy` file of little-endian float64 in C order, format version 1. */
export function writeNpy(shape: readonly number[], data: Float64Array): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(length + data.length * 8);
  bytes.set(MAGIC);
  bytes[6] = 1;
  bytes[8] = (length - 10) & 0xff;
  bytes[9] = (length - 10) >> 8;
  bytes.fill(0x20, 10, length - 1);
  for (let i = 0; i < text.length; i++) bytes[10 + i] = text.charCodeAt(i);
  bytes[length - 1] = 0x0a;
  const view = new DataView(bytes.buffer, length);
  for (let i = 0; i < data.length; i++) view.setFloat64(8 * i, data[i] as number, true);
  return bytes;
}

export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

function bad(where: readonly string[], code: string, what: string, mend?: string): CompileError {
  return new CompileError('input', mend === undefined ? { code, where, what } : { code, where, what, mend });
}

function readHeader(bytes: Uint8Array, where: readonly string[]): Header {
  const version = bytes[6] ?? 0;
  const prefix = version === 1 ? 10 : 12;
  if (bytes.length < prefix) throw bad(where, 'array-truncated', `a .npy header takes at least ${prefix} bytes, the file has ${bytes.length}.`);
  if (version < 1 || version > 3) throw bad(where, 'array-version', `.npy format version ${version} is unknown; versions 1 to 3 are read.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES) throw bad(where, 'array-header', `the .npy header claims ${length} bytes; at most ${MAX_HEADER_BYTES} are read.`);
  if (prefix + length > bytes.length) throw bad(where, 'array-truncated', `the .npy header claims ${length} bytes, the file has ${bytes.length - prefix} left.`);
  const text = new TextDecoder('utf-8').decode(bytes.subarray(prefix, prefix + length)).trim();
  return { ...parseDictionary(text, where), dataOffset: prefix + length };
}

/** The header is a Python dictionary literal with exactly the keys descr, fortran_order and shape. */
function parseDictionary(text: string, where: readonly string[]): Omit<Header, 'dataOffset'> {
  const shown = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  const malformed = (what: string): CompileError => bad(where, 'array-header', `the .npy header ${what}: ${shown}`);
  if (!text.startsWith('{') || !text.endsWith('}')) throw malformed('is no dictionary');
  const descr = /['"]descr['"]\s*:\s*(?:'([^']*)'|"([^"]*)")/.exec(text);
  if (descr === null) {
    if (/['"]descr['"]\s*:\s*\[/.test(text)) throw bad(where, 'array-dtype', 'the array has a structured dtype (named fields).', 'Save one plain array an input, for example with numpy.savez.');
    throw malformed('has no descr');
  }
  const order = /['"]fortran_order['"]\s*:\s*(True|False)\b/.exec(text);
  if (order === null) throw malformed('has no fortran_order');
  const tuple = /['"]shape['"]\s*:\s*\(([\d\s,L]*)\)/.exec(text);
  if (tuple === null) throw malformed('has no shape');
  const fields = (tuple[1] as string).split(',').map((field) => field.trim().replace(/L$/, ''));
  if (fields[fields.length - 1] === '') fields.pop();
  const shape = fields.map((field) => (/^\d+$/.test(field) ? Number(field) : NaN));
  if (shape.some((n) => !Number.isSafeInteger(n))) throw malformed('has an impossible shape');
  if (shape.length > MAX_AXES) throw malformed(`has ${shape.length} axes, at most ${MAX_AXES} are read`);
  return { descr: (descr[1] ?? descr[2]) as string, isFortran: order[1] === 'True', shape };
}

/** Elements of a shape; refuses what cannot be in memory before anything is allocated. */
function countOf(shape: readonly number[], size: number, where: readonly string[]): number {
  let count = 1;
  for (const n of shape) count *= n;
  if (shape.includes(0)) return 0;
  if (count * Math.max(size, 8) > 2 ** 33) throw bad(where, 'array-size', `shape ${formatShape(shape)} has ${count} elements; at most ${2 ** 30} are read.`, 'Split the file.');
  return count;
}

interface ElementReader {
  readonly size: number;
  readonly read: (view: DataView, data: Float64Array, where: readonly string[]) => void;
}

function elementReader(descr: string, where: readonly string[]): ElementReader {
  const match = /^([<>|=]?)([a-zA-Z?])(\d*)/.exec(descr);
  const kind = match?.[2] ?? '';
  const size = kind === '?' ? 1 : Number(match?.[3] ?? 0);
  const little = match?.[1] !== '>';
  const get = match !== null && match[0] === descr ? getterOf(kind, size, little) : undefined;
  if (get !== undefined) {
    return { size, read: (view, data) => { for (let i = 0; i < data.length; i++) data[i] = get(view, i * size); } };
  }
  if (match !== null && match[0] === descr && (kind === 'i' || kind === 'u') && size === 8) {
    return { size, read: (view, data, place) => readInt64(view, data, kind === 'i', little, place) };
  }
  throw bad(where, 'array-dtype', `dtype '${descr}' is not read; bool, int8 to int64, uint8 to uint64, float16, float32 and float64 are.`, 'Convert the array, for example with .astype("float64").');
}

function getterOf(kind: string, size: number, little: boolean): ((view: DataView, at: number) => number) | undefined {
  switch (`${kind}${size}`) {
    case 'f8': return (view, at) => view.getFloat64(at, little);
    case 'f4': return (view, at) => view.getFloat32(at, little);
    case 'f2': return (view, at) => halfToNumber(view.getUint16(at, little));
    case 'i4': return (view, at) => view.getInt32(at, little);
    case 'i2': return (view, at) => view.getInt16(at, little);
    case 'i1': return (view, at) => view.getInt8(at);
    case 'u4': return (view, at) => view.getUint32(at, little);
    case 'u2': return (view, at) => view.getUint16(at, little);
    case 'u1': return (view, at) => view.getUint8(at);
    case 'b1':
    case '?1': return (view, at) => (view.getUint8(at) === 0 ? 0 : 1);
    default: return undefined;
  }
}

/** IEEE 754 binary16 to float64: exact. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function readInt64(view: DataView, data: Float64Array, isSigned: boolean, little: boolean, where: readonly string[]): void {
  for (let i = 0; i < data.length; i++) {
    const at = 8 * i;
    const highAt = at + (little ? 4 : 0);
    const high = isSigned ? view.getInt32(highAt, little) : view.getUint32(highAt, little);
    const value = high * 4294967296 + view.getUint32(at + (little ? 0 : 4), little);
    if (!Number.isSafeInteger(value)) {
      const exact = isSigned ? view.getBigInt64(at, little) : view.getBigUint64(at, little);
      if (exact !== 2n ** 53n && exact !== -(2n ** 53n)) {
        throw bad(where, 'array-integer', `element ${i} is ${exact}; integers beyond ±2^53 cannot be held exactly.`, 'Scale the values down, or split them in two inputs.');
      }
    }
    data[i] = value;
  }
}

/** Reorders elements from Fortran order (first axis fastest) to C order. */
function fromFortran(data: Float64Array, shape: readonly number[]): Float64Array {
  const rank = shape.length;
  if (rank < 2 || data.length === 0) return data;
  const strides = new Array<number>(rank);
  let step = 1;
  for (let axis = 0; axis < rank; axis++) {
    strides[axis] = step;
    step *= shape[axis] as number;
  }
  const result = new Float64Array(data.length);
  const position = new Array<number>(rank).fill(0);
  let from = 0;
  for (let i = 0; i < data.length; i++) {
    result[i] = data[from] as number;
    for (let axis = rank - 1; axis >= 0; axis--) {
      position[axis] = (position[axis] as number) + 1;
      from += strides[axis] as number;
      if ((position[axis] as number) < (shape[axis] as number)) break;
      from -= (strides[axis] as number) * (shape[axis] as number);
      position[axis] = 0;
    }
  }
  return result;
}
