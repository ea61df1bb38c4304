import { CompileError } from '../errors.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import type { ModelGraph } from '../model/graph.js';

/** The file or folder a user names, already read: frontends never touch the file system. */
export interface ModelSource {
  /** The file's name, for messages and as the model's name; never used to guess the format. */
  readonly name: string;
  /** Empty for a folder. */
  readonly bytes: Uint8Array;
  readonly folder?: true;
  /** The weights the user named beside it (`--weights`), for formats that keep them apart. */
  readonly weights?: { readonly name: string; readonly bytes: Uint8Array };
  /** Names of the files in the model's folder, for a folder the paths in it, sorted; they are read through `readSideFile`. */
  readonly siblings?: () => readonly string[];
}

/** What a frontend may ask for besides the bytes. */
export interface FrontendContext {
  readonly catalogue: LayerCatalogue;
  /** Reads a file beside the model; undefined where there is none. Call it through `readSideFile` only. */
  readonly readSide: (relativePath: string) => Uint8Array | undefined;
}

/** One format: bytes in, ModelGraph out. */
export interface Frontend {
  /** `onnx`, `xgboost-json`, `trigforge-model`. */
  readonly name: string;
  /** One line for help and for the error on unknown content. */
  readonly summary: string;
  /** 0 (certainly not) to 1 (certainly), from the content alone. */
  readonly detects: (source: ModelSource) => number;
  /** Throws CompileError of kind `input` or `unsupported`. */
  readonly parse: (source: ModelSource, context: FrontendContext) => ModelGraph;
}

/** Whether a path stays inside the model's folder: relative, no `..`, no drive, no backslash, no NUL. */
export function isPlainRelativePath(path: string): boolean {
  if (path === '' || path.length > 1024 || /[\\\0:]/.test(path) || path.startsWith('/')) return false;
  return path.split('/').every((part) => part !== '..' && part !== '');
}

/** The bytes of a side file, or a CompileError that names it. */
export function readSideFile(context: FrontendContext, path: string, where: readonly string[]): Uint8Array {
  if (!isPlainRelativePath(path)) {
    throw new CompileError('input', {
      code: 'side-file-path',
      where,
      what: `refers to the file '${path.slice(0, 200)}', which is not a plain path inside the model's folder.`,
      mend: 'Keep external data beside the model.',
    });
  }
  const bytes = context.readSide(path);
  if (bytes === undefined) {
    throw new CompileError('input', {
      code: 'side-file-missing',
      where,
      what: `refers to the file '${path}', which is not beside the model.`,
      mend: 'Copy it there, or export the model with its weights inside.',
    });
  }
  return bytes;
}

/** A model's name from its file's name: no folder, no extension. */
export function modelName(source: ModelSource): string {
  const base = source.name.split(/[\\/]/).filter((part) => part !== '').pop() ?? '';
  const dot = base.lastIndexOf('.');
  const stem = dot > 0 ? base.slice(0, dot) : base;
  return stem === '' ? 'model' : stem;
}
