/**
 * A small WebAssembly binary encoder (WebAssembly Core Specification 2.0, chapter 5): just what the emulator emits.
 * Opcodes are in `Wasm`, those of the fixed-width SIMD extension (prefix 0xFD) in `Simd`.
 */

/** A growing byte buffer with the encodings of the binary format. */
export class ByteWriter {
  private bytes: Uint8Array;
  private used = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.used;
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.used);
  }

  byte(value: number): void {
    if (this.used === this.bytes.length) this.reserve(1);
    this.bytes[this.used++] = value;
  }

  raw(data: Uint8Array): void {
    this.reserve(data.length);
    this.bytes.set(data, this.used);
    this.used += data.length;
  }

  /** Unsigned LEB128. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of an int32. */
  signed(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  float64(value: number): void {
    const scratch = new DataView(new ArrayBuffer(8));
    scratch.setFloat64(0, value, true);
    this.raw(new Uint8Array(scratch.buffer));
  }

  private reserve(more: number): void {
    if (this.used + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.used + more, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.used));
    this.bytes = grown;
  }
}

export const Wasm = {
  loop: 0x03,
  end: 0x0b,
  brIf: 0x0d,
  call: 0x10,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  f64Load: 0x2b,
  f64Store: 0x39,
  i64Store: 0x37,
  i32Const: 0x41,
  f64Const: 0x44,
  i32LtU: 0x49,
  i32Add: 0x6a,
  i32And: 0x71,
  f64Mul: 0xa2,
  i32WrapI64: 0xa7,
  f64ConvertI64: 0xb9,
} as const;

export const Simd = {
  load: 0, store: 11, const: 12, shuffle: 13, swizzle: 14, splat16: 16, splat32: 17, splat64: 18,
  extract16U: 25, extract32: 27, extract64: 29, replace64: 30, extractF64: 33,
  eq: { 16: 45, 32: 55, 64: 214 },
  ne: { 16: 46, 32: 56, 64: 215 },
  lt: { 16: 47, 32: 57, 64: 216 },
  gt: { 16: 49, 32: 59, 64: 217 },
  shl: { 16: 139, 32: 171, 64: 203 },
  shrS: { 16: 140, 32: 172, 64: 204 },
  shrU: { 16: 141, 32: 173, 64: 205 },
  add: { 16: 142, 32: 174, 64: 206 },
  sub: { 16: 145, 32: 177, 64: 209 },
  mul: { 16: 149, 32: 181, 64: 213 },
  min: { 16: 150, 32: 182 },
  max: { 16: 152, 32: 184 },
  neg: { 16: 129, 32: 161, 64: 193 },
  /** Products of the halves of two vectors of lanes half as wide. */
  extendedMulLow: { 32: 188, 64: 220 },
  extendedMulHigh: { 32: 189, 64: 221 },
  /** Sign extension from lanes half as wide. */
  extendLow: { 32: 167, 64: 199 },
  extendHigh: { 32: 168, 64: 200 },
  narrow32To16: 133,
  and: 78, or: 80, xor: 81, bitselect: 82,
  loadLane: { 16: 85, 32: 86, 64: 87 },
  storeLane64: 91, loadZero64: 93,
  f64Eq: 71, f64Lt: 73, f64Gt: 74, f64Le: 75, f64Ge: 76,
  f64Floor: 117, f64Trunc: 122, f64Nearest: 148,
  f64Abs: 236, f64Add: 240, f64Sub: 241, f64Mul: 242, f64PMin: 246, f64PMax: 247,
  f64ConvertLow32: 254, allTrue64: 195,
} as const;

const I32 = 0x7f;
const V128 = 0x7b;

/** The body of a function (param i32 × `params`) → `result`: code and the v128 locals it asks for. */
export class FunctionBody {
  readonly code = new ByteWriter(4096);
  private locals = 0;

  constructor(readonly params: number, readonly returnsInt = false) {}

  /** Indices of `count` fresh v128 locals, in a row. */
  newLocals(count: number): number {
    const first = this.params + this.locals;
    this.locals += count;
    return first;
  }

  get localCount(): number {
    return this.locals;
  }

  op(opcode: number): void {
    this.code.byte(opcode);
  }

  get(local: number): void {
    this.code.byte(Wasm.localGet);
    this.code.unsigned(local);
  }

  set(local: number): void {
    this.code.byte(Wasm.localSet);
    this.code.unsigned(local);
  }

  tee(local: number): void {
    this.code.byte(Wasm.localTee);
    this.code.unsigned(local);
  }

  int(value: number): void {
    this.code.byte(Wasm.i32Const);
    this.code.signed(value);
  }

  call(index: number): void {
    this.code.byte(Wasm.call);
    this.code.unsigned(index);
  }

  simd(opcode: number): void {
    this.code.byte(0xfd);
    this.code.unsigned(opcode);
  }

  /** A SIMD instruction with a lane index. */
  lane(opcode: number, lane: number): void {
    this.simd(opcode);
    this.code.byte(lane);
  }

  /** A SIMD memory instruction; the alignment hint says nothing (1 byte). */
  memory(opcode: number, offset: number): void {
    this.simd(opcode);
    this.code.byte(0);
    this.code.unsigned(offset);
  }

  memoryLane(opcode: number, offset: number, lane: number): void {
    this.memory(opcode, offset);
    this.code.byte(lane);
  }

  /** A scalar memory instruction. */
  scalarMemory(opcode: number, offset: number): void {
    this.code.byte(opcode);
    this.code.byte(0);
    this.code.unsigned(offset);
  }

  shuffle(bytes: Uint8Array): void {
    this.simd(Simd.shuffle);
    this.code.raw(bytes);
  }

  vector(bytes: Uint8Array): void {
    this.simd(Simd.const);
    this.code.raw(bytes);
  }

  /** `value` in both float64 lanes. */
  float64x2(low: number, high = low): void {
    this.vector(new Uint8Array(Float64Array.of(low, high).buffer));
  }
}

/** A module of functions over one imported memory (`env.memory`); the last `exports` names export functions by index. */
export function encodeModule(functions: readonly FunctionBody[], exports: ReadonlyMap<string, number>, memoryPages: number): Uint8Array {
  const signatures: { params: number; returnsInt: boolean }[] = [];
  const typeIndices = functions.map(({ params, returnsInt }) => {
    const known = signatures.findIndex((s) => s.params === params && s.returnsInt === returnsInt);
    return known >= 0 ? known : signatures.push({ params, returnsInt }) - 1;
  });
  const out = new ByteWriter(65536);
  out.raw(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  section(out, 1, (w) => {
    w.unsigned(signatures.length);
    for (const { params, returnsInt } of signatures) {
      w.byte(0x60);
      w.unsigned(params);
      for (let i = 0; i < params; i++) w.byte(I32);
      w.raw(returnsInt ? Uint8Array.of(1, I32) : Uint8Array.of(0));
    }
  });
  section(out, 2, (w) => {
    w.unsigned(1);
    name(w, 'env');
    name(w, 'memory');
    w.raw(Uint8Array.of(2, 0));
    w.unsigned(memoryPages);
  });
  section(out, 3, (w) => {
    w.unsigned(functions.length);
    for (const index of typeIndices) w.unsigned(index);
  });
  section(out, 7, (w) => {
    w.unsigned(exports.size);
    for (const [text, index] of exports) {
      name(w, text);
      w.byte(0);
      w.unsigned(index);
    }
  });
  section(out, 10, (w) => {
    w.unsigned(functions.length);
    for (const body of functions) writeBody(w, body);
  });
  return out.view();
}

function writeBody(w: ByteWriter, body: FunctionBody): void {
  const head = new ByteWriter(8);
  if (body.localCount === 0) head.unsigned(0);
  else {
    head.unsigned(1);
    head.unsigned(body.localCount);
    head.byte(V128);
  }
  w.unsigned(head.length + body.code.length + 1);
  w.raw(head.view());
  w.raw(body.code.view());
  w.byte(Wasm.end);
}

function section(out: ByteWriter, id: number, write: (w: ByteWriter) => void): void {
  const content = new ByteWriter(1024);
  write(content);
  out.byte(id);
  out.unsigned(content.length);
  out.raw(content.view());
}

function name(w: ByteWriter, text: string): void {
  const bytes = new TextEncoder().encode(text);
  w.unsigned(bytes.length);
  w.raw(bytes);
}
