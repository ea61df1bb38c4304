import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { FolderSource } from '../compile/folder.js';
import { CompileError } from '../errors.js';
import type { NamedArray } from '../io/arrays.js';
import { readArrays } from '../io/arrays.js';

/** No input file may be larger. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/** The bytes of a file, or one clear error. */
export function readInputFile(path: string, what: string): Uint8Array {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) throw inputError('is-folder', path, `is a folder; ${what} is expected to be a file.`);
    if (!stats.isFile()) throw inputError('not-a-file', path, `is not a regular file.`);
    if (stats.size > MAX_FILE_BYTES) throw inputError('too-large', path, `is ${(stats.size / 2 ** 30).toFixed(1)} GiB; at most 2 GiB are read.`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof CompileError) throw error;
    throw inputError('unreadable', path, `cannot be read as ${what}: ${systemReason(error)}.`);
  }
}

/** Files beside the model, for frontends that ask for them by a plain relative path. */
export function sideFilesOf(modelPath: string): (relativePath: string) => Uint8Array | undefined {
  const folder = dirname(resolve(modelPath));
  return (relativePath) => {
    const path = join(folder, relativePath);
    return existsSync(path) ? readInputFile(path, 'external data of the model') : undefined;
  };
}

/** The arrays of a `.npy`, `.npz` or `.csv` file. */
export function readEvents(path: string): { readonly arrays: readonly NamedArray[]; readonly file: string } {
  return { arrays: readArrays(readInputFile(path, 'an array'), path), file: path };
}

/** An output folder to be read back. */
export function folderSource(path: string): FolderSource {
  return {
    path,
    read: (file) => {
      const full = join(path, file);
      return existsSync(full) ? new TextDecoder().decode(readInputFile(full, file)) : undefined;
    },
  };
}

/** Writes one file that the user named with `option`. */
export function writeFile(path: string, content: string | Uint8Array, option: string): void {
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new CompileError('input', { code: 'unwritable', where: [option, path], what: `cannot be written: ${systemReason(error)}.` });
  }
}

/** `ENOENT: no such file …` in words. */
function systemReason(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file or folder';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOSPC':
      return 'the disk is full';
    case 'ENOTDIR':
      return 'a part of the path is a file, not a folder';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function inputError(code: string, path: string, what: string): CompileError {
  return new CompileError('input', { code, where: [path], what });
}

/** A file of the output folder. */
export interface FolderFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/**
 * Refuses an output folder that could not be written in the end, before any long work: a parent that is not writable, a
 * file in its place, or a folder of something else.
 */
export function checkOutputFolder(out: string): void {
  const path = resolve(out);
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) throw outputError(out, 'exists and is a file.', 'Choose another --out.');
    const entries = readdirSync(path);
    if (entries.length > 0 && !entries.includes('report.json')) {
      throw outputError(out, 'exists and was not written by compile-model (it has no report.json).', 'Choose another --out, or empty it first.');
    }
  }
  rmSync(stagingFolder(out), { recursive: true, force: true });
}

/** Writes all files beside the folder first, then puts the new folder in place of the old: complete or not at all. */
export function writeOutputFolder(out: string, files: readonly FolderFile[]): void {
  const path = resolve(out);
  const staging = stagingFolder(out);
  try {
    for (const file of files) {
      const target = join(staging, file.path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, file.content);
    }
    chmodSync(staging, 0o777 & ~process.umask());
    if (existsSync(path)) {
      const old = join(staging, '..', `.${basename(path)}.old-${process.pid}`);
      renameSync(path, old);
      renameSync(join(staging), path);
      rmSync(old, { recursive: true, force: true });
    } else {
      renameSync(staging, path);
    }
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    throw outputError(out, `cannot be written: ${systemReason(error)}.`, 'Choose another --out.');
  }
}

/** A folder beside OUT (same file system, so that it can be renamed), made now to prove that it can be. */
function stagingFolder(out: string): string {
  const path = resolve(out);
  const parent = dirname(path);
  try {
    mkdirSync(parent, { recursive: true });
    return mkdtempSync(join(parent, `.${basename(path)}.part-`));
  } catch (error) {
    throw outputError(out, `cannot be written: ${systemReason(error)}.`, 'Choose another --out.');
  }
}

function outputError(out: string, what: string, mend: string): CompileError {
  return new CompileError('input', { code: 'output-folder', where: ['--out', out], what, mend });
}
