import type { Problem } from '../../errors.js';
import { CompileError } from '../../errors.js';
import type { FrontendContext } from '../frontend.js';
import { readSideFile } from '../frontend.js';
import type { TensorProto } from './schema.js';

/** A constant of the graph as the file has it: float64 values and whether its type is an integer one. */
interface FileTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
  readonly integer: boolean;
  /** ONNX' number of the element type. */
  readonly type: number;
}

/** The most elements all constants of one model may have together: 2^26, 512 MiB as float64. */
const MAX_CONSTANT_ELEMENTS = 2 ** 26;

/** numpy's and ours. */
const MAX_RANK = 32;

/** The most steps that folding constants may take beside making them: seconds. */
const MAX_WORK = 2 ** 31;

interface DataType {
  readonly name: string;
  readonly bytes: number;
  readonly integer: boolean;
  readonly read: (view: DataView, offset: number) => number;
  /** The typed field that holds the values where raw_data does not. */
  readonly field: 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data';
  /** From the number in that field to the value. */
  readonly fromField?: (n: number) => number;
  /** Two values a byte, the first in its lower half. */
  readonly halves?: true;
}

const DATA_TYPES: ReadonlyMap<number, DataType> = new Map<number, DataType>([
  [1, { name: 'float', bytes: 4, integer: false, read: (v, o) => v.getFloat32(o, true), field: 'floatData' }],
  [2, { name: 'uint8', bytes: 1, integer: true, read: (v, o) => v.getUint8(o), field: 'int32Data' }],
  [3, { name: 'int8', bytes: 1, integer: true, read: (v, o) => v.getInt8(o), field: 'int32Data' }],
  [4, { name: 'uint16', bytes: 2, integer: true, read: (v, o) => v.getUint16(o, true), field: 'int32Data' }],
  [5, { name: 'int16', bytes: 2, integer: true, read: (v, o) => v.getInt16(o, true), field: 'int32Data' }],
  [6, { name: 'int32', bytes: 4, integer: true, read: (v, o) => v.getInt32(o, true), field: 'int32Data' }],
  [7, { name: 'int64', bytes: 8, integer: true, read: (v, o) => Number(v.getBigInt64(o, true)), field: 'int64Data' }],
  [9, { name: 'bool', bytes: 1, integer: true, read: (v, o) => (v.getUint8(o) === 0 ? 0 : 1), field: 'int32Data' }],
  [10, { name: 'float16', bytes: 2, integer: false, read: (v, o) => halfToNumber(v.getUint16(o, true)), field: 'int32Data', fromField: halfToNumber }],
  [11, { name: 'double', bytes: 8, integer: false, read: (v, o) => v.getFloat64(o, true), field: 'doubleData' }],
  [12, { name: 'uint32', bytes: 4, integer: true, read: (v, o) => v.getUint32(o, true), field: 'uint64Data' }],
  [13, { name: 'uint64', bytes: 8, integer: true, read: (v, o) => Number(v.getBigUint64(o, true)), field: 'uint64Data' }],
  [21, { name: 'uint4', bytes: 0.5, integer: true, read: (v, o) => nibble(v, o), field: 'int32Data', halves: true }],
  [22, { name: 'int4', bytes: 0.5, integer: true, read: (v, o) => (nibble(v, o) ^ 8) - 8, field: 'int32Data', halves: true }],
  [16, { name: 'bfloat16', bytes: 2, integer: false, read: (v, o) => brainToNumber(v.getUint16(o, true)), field: 'int32Data', fromField: brainToNumber }],
]);

/** Whether an element type is one of the integer ones; undefined for types no circuit can carry (text, complex, …). */
export function isIntegerType(elemType: number): boolean | undefined {
  return DATA_TYPES.get(elemType)?.integer;
}

/** The range of an element type that quantisers use, or undefined. */
export function integerRange(elemType: number): readonly [number, number] | undefined {
  return RANGES.get(elemType);
}

const RANGES: ReadonlyMap<number, readonly [number, number]> = new Map([
  [2, [0, 255]],
  [3, [-128, 127]],
  [4, [0, 65535]],
  [5, [-32768, 32767]],
  [6, [-(2 ** 31), 2 ** 31 - 1]],
  [21, [0, 15]],
  [22, [-8, 7]],
]);

/** Half a byte at `offset`, in bytes. */
function nibble(view: DataView, offset: number): number {
  const byte = view.getUint8(Math.floor(offset));
  return Number.isInteger(offset) ? byte & 15 : byte >> 4;
}

/** IEEE 754 binary16 from its bits. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const scratch = new DataView(new ArrayBuffer(4));

/** bfloat16 from its bits: the upper half of a float32. */
function brainToNumber(bits: number): number {
  scratch.setUint32(0, (bits & 0xffff) * 65536);
  return scratch.getFloat32(0);
}

/** Reads constants while it counts them against the model's limit. */
export class TensorReader {
  private elements = 0;
  private steps = 0;

  constructor(
    private readonly fileName: string,
    private readonly context: FrontendContext,
  ) {}

  /** Throws CompileError unless so many more elements are within the limit; call it before allocating. */
  reserve(count: number, name: string): void {
    if (!Number.isFinite(count) || this.elements + count > MAX_CONSTANT_ELEMENTS) {
      throw this.error('unsupported', 'too-large', name, `needs ${count} elements; all constants of a model together may have ${MAX_CONSTANT_ELEMENTS}.`);
    }
    this.elements += count;
  }

  /** Throws CompileError unless so many more steps of arithmetic on constants are within reason. */
  work(steps: number, name: string): void {
    this.steps += steps;
    if (!(this.steps <= MAX_WORK)) throw this.error('unsupported', 'too-large', name, `asks for too much arithmetic on constants: ${this.steps} steps so far, at most ${MAX_WORK}.`);
  }

  /** The values of one TensorProto. `owner` names it in errors where it has no name of its own. */
  read(proto: TensorProto, owner = ''): FileTensor {
    const name = proto.name !== '' ? proto.name : owner;
    const type = DATA_TYPES.get(proto.dataType);
    if (type === undefined) throw this.error('unsupported', 'tensor-type', name, `has element type ${proto.dataType}, which is not supported.`);
    if (proto.dims.length > MAX_RANK) throw this.error('input', 'tensor-shape', name, `declares ${proto.dims.length} axes; at most ${MAX_RANK} are possible.`);
    const shape = proto.dims;
    if (shape.some((n) => !Number.isSafeInteger(n) || n < 0)) throw this.error('input', 'tensor-shape', name, `declares the shape [${shape.join(', ')}].`);
    const size = shape.reduce((product, n) => product * n, 1);
    const external = proto.dataLocation === 1;
    const bytes = Math.ceil(size * type.bytes);
    const packed = type.halves === true && proto.rawData.length === 0 && !external;
    const raw = external ? this.external(proto, name, bytes) : packed ? Uint8Array.from(proto.int32Data) : proto.rawData;
    const list = proto[type.field];
    const fromRaw = external || raw.length > 0 || (list.length === 0 && size === 0);
    const found = fromRaw ? raw.length / type.bytes : list.length;
    if (fromRaw ? raw.length !== bytes : found !== size) {
      throw this.error('input', 'tensor-size', name, `declares [${shape.join(', ')}], ${size} values of type ${type.name}, and holds ${found}.`);
    }
    this.reserve(size, name);
    const data = new Float64Array(size);
    if (fromRaw) {
      const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
      for (let i = 0; i < size; i++) data[i] = type.read(view, i * type.bytes);
    } else {
      const { fromField } = type;
      for (let i = 0; i < size; i++) {
        const n = list[i] as number;
        data[i] = fromField === undefined ? n : fromField(n);
      }
    }
    return { shape, data, integer: type.integer, type: proto.dataType };
  }

  private external(proto: TensorProto, name: string, length: number): Uint8Array {
    const entries = new Map(proto.externalData.map((entry) => [entry.key, entry.value]));
    const bytes = readSideFile(this.context, entries.get('location') ?? '', [this.fileName, name]);
    const offset = Number(entries.get('offset') ?? 0);
    const stated = Number(entries.get('length') ?? length);
    if (!Number.isSafeInteger(offset) || offset < 0 || stated !== length || offset + length > bytes.length) {
      throw this.error('input', 'external-size', name, `needs ${length} bytes at ${entries.get('offset') ?? 0} of '${entries.get('location') ?? ''}' (stated length ${stated}), which holds ${bytes.length} bytes.`);
    }
    return bytes.subarray(offset, offset + length);
  }

  private error(kind: 'input' | 'unsupported', code: string, name: string, what: string): CompileError {
    const problem: Problem = { code, where: [this.fileName, name === '' ? 'unnamed tensor' : name], what };
    return new CompileError(kind, problem);
  }
}
