import { CompileError } from '../../errors.js';

/** A tensor of a file as PyTorch stores it: a view with strides into a storage. */
export interface StoredTensor {
  readonly storage: Uint8Array;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];
  readonly offset: number;
}

export interface ElementType {
  readonly name: string;
  readonly bytes: number;
  readonly integer: boolean;
  readonly read: (view: DataView, at: number) => number;
}

const halfScratch = new DataView(new ArrayBuffer(4));

/** bfloat16 is the upper half of a float32. */
function brain(view: DataView, at: number): number {
  halfScratch.setUint32(0, view.getUint16(at, true) * 65536);
  return halfScratch.getFloat32(0);
}

function half(view: DataView, at: number): number {
  const bits = view.getUint16(at, true);
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const TYPES = {
  uint8: { name: 'uint8', bytes: 1, integer: true, read: (v, at) => v.getUint8(at) },
  int8: { name: 'int8', bytes: 1, integer: true, read: (v, at) => v.getInt8(at) },
  int16: { name: 'int16', bytes: 2, integer: true, read: (v, at) => v.getInt16(at, true) },
  int32: { name: 'int32', bytes: 4, integer: true, read: (v, at) => v.getInt32(at, true) },
  int64: { name: 'int64', bytes: 8, integer: true, read: (v, at) => Number(v.getBigInt64(at, true)) },
  float16: { name: 'float16', bytes: 2, integer: false, read: half },
  float32: { name: 'float32', bytes: 4, integer: false, read: (v, at) => v.getFloat32(at, true) },
  float64: { name: 'float64', bytes: 8, integer: false, read: (v, at) => v.getFloat64(at, true) },
  bool: { name: 'bool', bytes: 1, integer: true, read: (v, at) => (v.getUint8(at) === 0 ? 0 : 1) },
  bfloat16: { name: 'bfloat16', bytes: 2, integer: false, read: brain },
} as const satisfies Readonly<Record<string, ElementType>>;

/** Numbers of element types in torch.export's schema. */
const BY_NUMBER: Readonly<Record<number, ElementType>> = {
  1: TYPES.uint8, 2: TYPES.int8, 3: TYPES.int16, 4: TYPES.int32, 5: TYPES.int64, 6: TYPES.float16, 7: TYPES.float32, 8: TYPES.float64, 12: TYPES.bool, 13: TYPES.bfloat16,
};

/** Classes of storages in pickles. */
const BY_STORAGE: Readonly<Record<string, ElementType>> = {
  ByteStorage: TYPES.uint8, CharStorage: TYPES.int8, ShortStorage: TYPES.int16, IntStorage: TYPES.int32, LongStorage: TYPES.int64,
  HalfStorage: TYPES.float16, FloatStorage: TYPES.float32, DoubleStorage: TYPES.float64, BoolStorage: TYPES.bool, BFloat16Storage: TYPES.bfloat16,
};

export function typeOfNumber(type: number): ElementType | undefined {
  return BY_NUMBER[type];
}

export function typeOfStorage(className: string): ElementType | undefined {
  return Object.hasOwn(BY_STORAGE, className) ? BY_STORAGE[className] : undefined;
}

/** Numbers of elements past which a tensor is no part of a trigger: what ONNX files may hold, too. */
const MAX_ELEMENTS = 2 ** 26;

/** The values in C order. `reserve` counts them against the model's limit first. Throws CompileError. */
export function valuesOf(stored: StoredTensor, where: readonly string[], reserve: (count: number) => void): Float64Array {
  const fail = (what: string): never => {
    throw new CompileError('input', { code: 'bad-tensor', where, what });
  };
  const { storage, type, shape, strides, offset } = stored;
  if (shape.length > 32 || strides.length !== shape.length) fail(`has ${shape.length} sizes and ${strides.length} strides.`);
  const size = shape.reduce((product, n) => product * n, 1);
  if ([...shape, ...strides, offset].some((n) => !Number.isSafeInteger(n) || n < 0) || size > MAX_ELEMENTS) fail(`has shape [${shape.slice(0, 8).join(', ')}], strides [${strides.slice(0, 8).join(', ')}] and offset ${offset}.`);
  const last = size === 0 ? -1 : shape.reduce((at, n, axis) => at + (n - 1) * (strides[axis] as number), offset);
  if ((last + 1) * type.bytes > storage.length) fail(`reaches element ${last} of a storage of ${storage.length / type.bytes} elements of type ${type.name}.`);
  reserve(size);
  const view = new DataView(storage.buffer, storage.byteOffset, storage.byteLength);
  const data = new Float64Array(size);
  const position = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let i = 0; i < size; i++) {
    data[i] = type.read(view, at * type.bytes);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis] as number;
      position[axis] = (position[axis] as number) + 1;
      if ((position[axis] as number) < (shape[axis] as number)) break;
      at -= (strides[axis] as number) * (shape[axis] as number);
      position[axis] = 0;
    }
  }
  return data;
}
