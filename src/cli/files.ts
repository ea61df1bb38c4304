import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { FolderSource } from '../compile/folder.js';
import { CompileError } from '../errors.js';
import type { CompileRequest } from '../compile/request.js';
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

/** The model a user names, a file or a folder, the weights named beside it, and what lies in its folder. */
export function openModel(path: string, weights?: string): CompileRequest['model'] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isFolder && isOurs(resolve(path))) return openModel(join(path, 'model.json'), weights);
  return {
    name: path,
    bytes: isFolder ? new Uint8Array() : readInputFile(path, 'a model'),
    ...(isFolder && { folder: true }),
    ...(weights === undefined ? {} : { weights: { name: weights, bytes: readInputFile(weights, 'weights') } }),
    siblings: () => (isFolder ? filesBelow(resolve(path)) : readdirSync(dirname(resolve(path))).toSorted()),
  };
}

/** Folders in folders that are looked into, and files that are listed, of a model that is a folder. */
const MODEL_DEPTH = 3;
const MODEL_FILES = 20_000;

/** Files of a folder and of those inside it, by their relative paths. */
function filesBelow(folder: string): string[] {
  const files: string[] = [];
  const visit = (prefix: string, depth: number): void => {
    for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
      if (files.length >= MODEL_FILES) return;
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isFile()) files.push(path);
      else if (entry.isDirectory() && depth < MODEL_DEPTH) visit(path, depth + 1);
    }
  };
  visit('', 1);
  return files.toSorted();
}

/** Files beside the model or in it, for frontends that ask for them by a plain relative path. */
export function sideFilesOf(modelPath: string): (relativePath: string) => Uint8Array | undefined {
  const path = resolve(modelPath);
  const folder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? path : dirname(path);
  return (relativePath) => {
    const file = join(folder, relativePath);
    return existsSync(file) ? readInputFile(file, 'external data of the model') : undefined;
  };
}

/** The arrays of a `.npy`, `.npz` or `.csv` file. */
export function readEvents(path: string): { readonly arrays: readonly NamedArray[]; readonly file: string } {
  return { arrays: readArrays(readInputFile(path, 'an array'), path), file: path };
}

/** An output folder to be read back; `insteadOfFile` says what else to do where a file was given. */
export function folderSource(path: string, insteadOfFile = 'Give the folder that compile-model MODEL -o OUT wrote.'): FolderSource {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw inputError('no-output-folder', path, 'there is no such folder.', 'Compile a model first: compile-model MODEL -o OUT.');
  if (!stats.isDirectory()) throw inputError('no-output-folder', path, 'is a file, not an output folder.', insteadOfFile);
  return {
    path,
    read: (file) => {
      const full = join(path, file);
      return existsSync(full) ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(readInputFile(full, file)) : undefined;
    },
  };
}

/** Writes one file that the user named with `option`; its folder is made. */
export function writeFile(path: string, content: string | Uint8Array, option: string): void {
  try {
    makeFolders(dirname(resolve(path)));
    writeFileSync(path, content);
  } catch (error) {
    throw new CompileError('input', { code: 'unwritable', where: [option, path], what: `cannot be written: ${systemReason(error)}.` });
  }
}

/** Writes files below a folder that may hold others; refused, and nothing written, where one of them is there already. */
export function writeNewFiles(folder: string, files: readonly FolderFile[]): void {
  const there = files.filter((file) => existsSync(join(folder, file.path)));
  if (there.length > 0) {
    throw new CompileError('input', there.map((file) => ({ code: 'file-exists', where: [join(folder, file.path)], what: 'is there already: nothing was written.', mend: 'Move it away, or choose another folder and merge by hand.' })));
  }
  for (const file of files) writeFile(join(folder, file.path), file.content, folder);
}

/** `ENOENT: no such file …` in words. */
function systemReason(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file or folder';
    case 'EISDIR':
      return 'it is a folder';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOSPC':
      return 'the disk is full';
    case 'ENAMETOOLONG':
      return 'the name is too long';
    case 'EEXIST':
    case 'ENOTDIR':
      return 'a part of the path is a file, not a folder';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function inputError(code: string, path: string, what: string, mend?: string): CompileError {
  return new CompileError('input', { code, where: [path], what, ...(mend === undefined ? {} : { mend }) });
}

/** A file of the output folder. */
export interface FolderFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/**
 * Refuses an output folder that could not be written in the end, before any long work: a parent that is not writable, a
 * file in its place, or a folder of something else. Leaves nothing behind.
 */
export function checkOutputFolder(out: string): void {
  const path = resolve(out);
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) throw outputError(out, 'exists and is a file.', 'Choose another --out.');
    if (readdirSync(path).length > 0 && !isOurs(path)) {
      throw outputError(out, 'holds something else than an output of compile-model (there is no report.json of ours in it).', 'Choose another --out, or empty it first.');
    }
  }
  const { folder, made } = makeStaging(out);
  rmSync(folder, { recursive: true, force: true });
  removeMade(dirname(folder), made);
}

/** Whether a folder holds a report of this tool, of whatever version. */
function isOurs(path: string): boolean {
  try {
    const report = JSON.parse(readFileSync(join(path, 'report.json'), 'utf8')) as { tool?: { name?: unknown } } | null;
    return report?.tool?.name === 'trigforge';
  } catch {
    return false;
  }
}

/** Writes all files beside the folder first, then puts the new folder in place of the old: complete or not at all. */
export function writeOutputFolder(out: string, files: readonly FolderFile[]): void {
  const release = holdSignals();
  try {
    const { folder, made } = makeStaging(out);
    try {
      for (const file of files) {
        const target = join(folder, file.path);
        makeFolders(dirname(target));
        writeFileSync(target, file.content);
      }
      chmodSync(folder, 0o777 & ~process.umask());
      putInPlace(folder, realPath(out));
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      removeMade(dirname(folder), made);
      throw outputError(out, `cannot be written: ${systemReason(error)}.`, 'Choose another --out.');
    }
  } finally {
    release();
  }
}

/** Writes files of an output folder anew, each complete or not at all; the others stay. */
export function replaceFiles(out: string, files: readonly FolderFile[]): void {
  const release = holdSignals();
  const folder = realPath(out);
  try {
    for (const file of files) writeFileSync(join(folder, `${file.path}.part`), file.content);
    for (const file of files) renameSync(join(folder, `${file.path}.part`), join(folder, file.path));
  } catch (error) {
    for (const file of files) rmSync(join(folder, `${file.path}.part`), { force: true });
    throw outputError(out, `cannot be written: ${systemReason(error)}.`, 'Make the folder writable.');
  } finally {
    release();
  }
}

/** Renames the new folder to `path`; an old one steps aside, and back if that fails. */
function putInPlace(folder: string, path: string): void {
  if (!existsSync(path)) return renameSync(folder, path);
  const old = `${folder}.old`;
  renameSync(path, old);
  try {
    renameSync(folder, path);
  } catch (error) {
    renameSync(old, path);
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
}

/** Where the folder really is: a symbolic link to it stays one. */
function realPath(out: string): string {
  const path = resolve(out);
  return existsSync(path) ? realpathSync(path) : path;
}

/** A folder beside OUT (same file system, so that it can be renamed), and the first of its parents that had to be made. */
function makeStaging(out: string): { readonly folder: string; readonly made: string | undefined } {
  const path = realPath(out);
  const parent = dirname(path);
  try {
    const made = makeFolders(parent);
    return { folder: mkdtempSync(join(parent, `.${basename(path).slice(0, 200)}.part-`)), made };
  } catch (error) {
    throw outputError(out, `cannot be written: ${systemReason(error)}.`, 'Choose another --out.');
  }
}

/**
 * Makes a folder and the parents it lacks, outermost first; gives the first that was made. Node's own recursive mkdir
 * never returns where the system answers ENOENT for a folder in one that is there, as /proc does.
 */
function makeFolders(path: string): string | undefined {
  if (existsSync(path)) return undefined;
  const first = makeFolders(dirname(path));
  mkdirSync(path);
  return first ?? path;
}

/** Removes the folders from `folder` up to `made` that were made for nothing; whatever is not empty stays. */
function removeMade(folder: string, made: string | undefined): void {
  if (made === undefined) return;
  try {
    for (let path = folder; path.length >= made.length; path = dirname(path)) rmdirSync(path);
  } catch {
    // Someone else put something there meanwhile.
  }
}

/** While files are written, Ctrl-C comes too late: the folder is finished. */
function holdSignals(): () => void {
  const ignore = (): void => undefined;
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, ignore);
  return () => {
    for (const signal of signals) process.off(signal, ignore);
  };
}

function outputError(out: string, what: string, mend: string): CompileError {
  return new CompileError('input', { code: 'output-folder', where: ['--out', out], what, mend });
}
