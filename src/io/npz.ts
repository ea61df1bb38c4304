import { zipSync } from 'fflate';
import { CompileError } from '../errors.js';
import type { NamedArray } from './arrays.js';
import { readNpy, writeNpy } from './npy.js';
import type { ZipLimits } from './zip.js';
import { readZip } from './zip.js';

/** What a `.npz` file may grow to when unpacked. */
export const NPZ_LIMITS: ZipLimits = { maxEntryBytes: 2 ** 30, maxTotalBytes: 2 ** 31, maxEntries: 4096 };

/** Reads a `.npz` file: a zip archive of `.npy` entries. */
export function readNpz(bytes: Uint8Array, where: readonly string[], limits: ZipLimits = NPZ_LIMITS): NamedArray[] {
  const archive = readZip(bytes, where, limits);
  const seen = new Set<string>();
  return archive.names.map((entry) => {
    const name = entry.replace(/\.npy$/, '');
    const place = [...where, entry];
    if (seen.has(name)) throw new CompileError('input', { code: 'npz-duplicate', where: place, what: 'two entries have this name.' });
    seen.add(name);
    return readNpy(archive.read(entry), place, name);
  });
}

/** A `.npz` file with an entry an array, deflated; the same arrays give the same bytes. */
export function writeNpz(arrays: readonly NamedArray[]): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  for (const array of arrays) files[`${array.name}.npy`] = writeNpy(array.shape, array.data);
  return zipSync(files, { level: 6, mtime: new Date(1980, 0, 1) });
}
