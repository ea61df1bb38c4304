import { CompileError } from '../../errors.js';

/** A tree of objects, arrays, numbers and texts, as JSON has it. */
type UbjValue = unknown;

/** Past what any booster nests. */
const MAX_DEPTH = 64;

/** The most values one file may hold: arrays of numbers are compact, so that a small file could ask for much. */
const MAX_VALUES = 2 ** 26;

/** Bytes of a number by its marker. */
const SIZES: Readonly<Record<string, number>> = { i: 1, U: 1, I: 2, l: 4, L: 8, d: 4, D: 8 };

/**
 * Universal Binary JSON (ubjson.org, draft 12) as XGBoost writes it: numbers big-endian, containers with `#` counts and
 * `$` types or with end markers.
 *
 * @throws CompileError (`input`) with the byte where the text breaks; lengths are checked against what is left of the file
 */
export function parseUbj(bytes: Uint8Array, fileName: string): UbjValue {
  const reader = new UbjReader(bytes, fileName);
  const value = reader.value(reader.marker(), 0);
  reader.end();
  return value;
}

class UbjReader {
  private at = 0;
  private values = 0;
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly fileName: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fail(what: string): never {
    throw new CompileError('input', { code: 'bad-ubj', where: [this.fileName, `byte ${this.at}`], what: `is broken UBJSON: ${what}.`, mend: 'The file may be truncated; save the model again.' });
  }

  private take(count: number): number {
    if (count > this.bytes.length - this.at) this.fail(`${count} bytes are promised, ${this.bytes.length - this.at} are left`);
    this.at += count;
    return this.at - count;
  }

  /** The next marker; no-ops are skipped. */
  marker(): string {
    let marker = 'N';
    while (marker === 'N') marker = String.fromCharCode(this.bytes[this.take(1)] as number);
    return marker;
  }

  end(): void {
    if (this.at !== this.bytes.length) this.fail(`${this.bytes.length - this.at} bytes follow its end`);
  }

  value(marker: string, depth: number): UbjValue {
    if (++this.values > MAX_VALUES) this.fail(`it has more than ${MAX_VALUES} values`);
    switch (marker) {
      case '{':
        return this.object(depth + 1);
      case '[':
        return this.array(depth + 1);
      case 'S':
        return this.text();
      case 'C':
        return String.fromCharCode(this.bytes[this.take(1)] as number);
      case 'T':
        return true;
      case 'F':
        return false;
      case 'Z':
        return null;
      default:
        return this.number(marker);
    }
  }

  private number(marker: string): number {
    const size = SIZES[marker] ?? this.fail(`'${marker}' is no type it knows`);
    const at = this.take(size);
    switch (marker) {
      case 'i':
        return this.view.getInt8(at);
      case 'U':
        return this.view.getUint8(at);
      case 'I':
        return this.view.getInt16(at);
      case 'l':
        return this.view.getInt32(at);
      case 'L':
        return Number(this.view.getBigInt64(at));
      case 'd':
        return this.view.getFloat32(at);
      default:
        return this.view.getFloat64(at);
    }
  }

  private length(): number {
    const marker = this.marker();
    const length = 'iUIlL'.includes(marker) ? this.number(marker) : this.fail(`a length cannot be of type '${marker}'`);
    if (length < 0 || !Number.isSafeInteger(length)) this.fail(`${length} is no length`);
    return length;
  }

  private text(): string {
    const length = this.length();
    const at = this.take(length);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.bytes.subarray(at, at + length));
    } catch {
      return this.fail('a text is not UTF-8');
    }
  }

  /** The type and number of a container's elements, where it states them. */
  private header(): { readonly type: string | undefined; readonly count: number | undefined } {
    const next = (): string => String.fromCharCode(this.bytes[this.at] ?? 0);
    let type: string | undefined;
    if (next() === '$') {
      this.take(1);
      type = this.marker();
      if (next() !== '#') this.fail('a type without a count');
    }
    if (next() !== '#') return { type, count: undefined };
    this.take(1);
    const count = this.length();
    this.values += count;
    if (this.values > MAX_VALUES) this.fail(`it has more than ${MAX_VALUES} values`);
    // Every element takes its size, or its marker at least.
    const least = type === undefined ? 1 : SIZES[type] ?? 0;
    if (least === 0 && count > 0 && type !== 'S' && type !== 'C' && type !== '[' && type !== '{') this.fail(`${count} elements of type '${type ?? ''}'`);
    if (least * count > this.bytes.length - this.at) this.fail(`${count} elements are promised, ${this.bytes.length - this.at} bytes are left`);
    return { type, count };
  }

  private array(depth: number): UbjValue[] {
    if (depth > MAX_DEPTH) this.fail(`it nests deeper than ${MAX_DEPTH}`);
    const { type, count } = this.header();
    const items: UbjValue[] = [];
    if (count === undefined) {
      for (let marker = this.marker(); marker !== ']'; marker = this.marker()) items.push(this.value(marker, depth));
      return items;
    }
    if (type !== undefined && SIZES[type] !== undefined) {
      for (let i = 0; i < count; i++) items.push(this.number(type));
    } else {
      for (let i = 0; i < count; i++) items.push(this.value(type ?? this.marker(), depth));
    }
    return items;
  }

  private object(depth: number): UbjValue {
    if (depth > MAX_DEPTH) this.fail(`it nests deeper than ${MAX_DEPTH}`);
    const { type, count } = this.header();
    const entries: [string, UbjValue][] = [];
    for (let i = 0; count === undefined || i < count; i++) {
      if (count === undefined && this.bytes[this.at] === 0x7d) break;
      const key = this.text();
      entries.push([key, this.value(type ?? this.marker(), depth)]);
    }
    if (count === undefined) this.take(1);
    return Object.fromEntries(entries);
  }
}
