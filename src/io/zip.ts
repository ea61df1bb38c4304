import { Inflate } from 'fflate';
import { CompileError } from '../errors.js';

/** What an archive may grow to when unpacked; one that claims or gives more is refused. */
export interface ZipLimits {
  readonly maxEntryBytes: number;
  readonly maxTotalBytes: number;
  readonly maxEntries: number;
}

const ZIP_LIMITS: ZipLimits = { maxEntryBytes: 2 ** 30, maxTotalBytes: 2 ** 31, maxEntries: 65536 };

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && ((bytes[2] === 3 && bytes[3] === 4) || (bytes[2] === 5 && bytes[3] === 6));
}

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly headerOffset: number;
}

/** An archive whose directory has been read; entries are unpacked when asked for. */
export interface ZipArchive {
  /** In the order of the directory, each once. */
  readonly names: readonly string[];
  readonly has: (name: string) => boolean;
  /** Unpacks one entry, its checksum compared. Throws CompileError where it is missing, damaged or too large. */
  readonly read: (name: string) => Uint8Array;
}

/**
 * Opens a zip archive (PKWARE APPNOTE 6.3) of entries stored or deflated, with zip64 sizes. Sizes are checked before and
 * while unpacking, checksums after. Throws CompileError of kind `input`.
 */
export function readZip(bytes: Uint8Array, where: readonly string[], limits: ZipLimits = ZIP_LIMITS): ZipArchive {
  const entries = new Map<string, Entry>();
  for (const entry of readDirectory(bytes, where, limits)) {
    if (entries.has(entry.name)) throw bad([...where, entry.name], 'zip-duplicate', 'two entries have this name.');
    entries.set(entry.name, entry);
  }
  let total = 0;
  return {
    names: [...entries.keys()],
    has: (name) => entries.has(name),
    read: (name) => {
      const place = [...where, name];
      const entry = entries.get(name);
      if (entry === undefined) throw bad(where, 'zip-missing', `has no entry '${name.slice(0, 200)}'.`);
      total += entry.bytes;
      if (entry.bytes > limits.maxEntryBytes) throw tooLarge(place, entry.bytes, limits.maxEntryBytes);
      if (total > limits.maxTotalBytes) throw tooLarge(where, total, limits.maxTotalBytes);
      return unpack(bytes, entry, place);
    },
  };
}

function bad(where: readonly string[], code: string, what: string): CompileError {
  return new CompileError('input', { code, where, what });
}

function tooLarge(where: readonly string[], found: number, limit: number): CompileError {
  return bad(where, 'zip-size', `unpacks to ${found} bytes; at most ${limit} are read. Split the file.`);
}

function damaged(where: readonly string[], what: string): CompileError {
  return bad(where, 'zip-damaged', `the archive is damaged: ${what}.`);
}

/** The end record is within the last 64 KiB; entries are listed in the central directory. */
function readDirectory(bytes: Uint8Array, where: readonly string[], limits: ZipLimits): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let end = bytes.length - 22;
  const first = Math.max(0, end - 65535);
  while (end >= first && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < first) throw damaged(where, 'its directory is missing; the file is cut short');
  let count = view.getUint16(end + 10, true);
  let offset = view.getUint32(end + 16, true);
  if (count === 0xffff || offset === 0xffffffff) {
    const zip64 = end >= 20 && view.getUint32(end - 20, true) === 0x07064b50 ? Number(view.getBigUint64(end - 12, true)) : Infinity;
    if (zip64 + 56 > bytes.length || view.getUint32(zip64, true) !== 0x06064b50) throw damaged(where, 'its zip64 directory is missing');
    count = Number(view.getBigUint64(zip64 + 32, true));
    offset = Number(view.getBigUint64(zip64 + 48, true));
  }
  if (count > limits.maxEntries) throw bad(where, 'zip-size', `has ${count} entries; at most ${limits.maxEntries} are read.`);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    if (offset + 46 > bytes.length || view.getUint32(offset, true) !== 0x02014b50) throw damaged(where, `directory entry ${i} is missing`);
    const lengths = [28, 30, 32].map((at) => view.getUint16(offset + at, true)) as [number, number, number];
    const next = offset + 46 + lengths[0] + lengths[1] + lengths[2];
    if (next > bytes.length) throw damaged(where, `directory entry ${i} is cut short`);
    const name = new TextDecoder('utf-8').decode(bytes.subarray(offset + 46, offset + 46 + lengths[0]));
    if (view.getUint16(offset + 8, true) & 1) throw bad([...where, name], 'zip-encrypted', 'the entry is encrypted.');
    const wide = zip64Fields(view, offset, offset + 46 + lengths[0], lengths[1]);
    if (!name.endsWith('/')) entries.push({ name, method: view.getUint16(offset + 10, true), crc: view.getUint32(offset + 16, true), ...wide });
    offset = next;
  }
  return entries;
}

/** Sizes and offset of a directory entry; fields of all ones are in the zip64 extra field, in order. */
function zip64Fields(view: DataView, entry: number, extra: number, extraLength: number): Pick<Entry, 'bytes' | 'compressedBytes' | 'headerOffset'> {
  const fields = [24, 20, 42].map((at) => view.getUint32(entry + at, true));
  let at = extra;
  while (at + 4 <= extra + extraLength) {
    const id = view.getUint16(at, true);
    const size = view.getUint16(at + 2, true);
    let from = at + 4;
    const to = Math.min(from + size, extra + extraLength);
    if (id === 1) {
      for (let i = 0; i < 3; i++) {
        if (fields[i] !== 0xffffffff || from + 8 > to) continue;
        fields[i] = Number(view.getBigUint64(from, true));
        from += 8;
      }
    }
    at += 4 + size;
  }
  return { bytes: fields[0] as number, compressedBytes: fields[1] as number, headerOffset: fields[2] as number };
}

function unpack(bytes: Uint8Array, entry: Entry, where: readonly string[]): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = entry.headerOffset;
  if (at + 30 > bytes.length || view.getUint32(at, true) !== 0x04034b50) throw damaged(where, 'the entry is not where the directory says');
  const from = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (from + entry.compressedBytes > bytes.length) throw damaged(where, 'the entry is cut short');
  const packed = bytes.subarray(from, from + entry.compressedBytes);
  if (entry.method !== 0 && entry.method !== 8) throw bad(where, 'zip-method', `compression method ${entry.method} is not read; stored (0) and deflated (8) are.`);
  const result = entry.method === 0 ? packed : inflate(packed, entry.bytes, where);
  if (result.length !== entry.bytes) throw damaged(where, `the entry has ${result.length} bytes, the directory says ${entry.bytes}`);
  if (crc32(result) !== entry.crc) throw damaged(where, 'its checksum differs');
  return result;
}

/** Inflates piece by piece, and stops as soon as more comes out than the directory says. */
function inflate(packed: Uint8Array, size: number, where: readonly string[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const stream = new Inflate((piece) => {
    length += piece.length;
    if (length > size) throw damaged(where, `the entry unpacks to more than the ${size} bytes the directory says`);
    pieces.push(piece);
  });
  try {
    for (let at = 0; at === 0 || at < packed.length; at += 16384) stream.push(packed.subarray(at, at + 16384), at + 16384 >= packed.length);
  } catch (error) {
    if (error instanceof CompileError) throw error;
    throw damaged(where, error instanceof Error ? error.message : String(error));
  }
  const result = new Uint8Array(length);
  let to = 0;
  for (const piece of pieces) {
    result.set(piece, to);
    to += piece.length;
  }
  return result;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let c = byte;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = (CRC_TABLE[(c ^ (bytes[i] as number)) & 0xff] as number) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
