import type { ModelSource } from '../frontends/frontend.js';
import { sha256 } from './folder.js';
import type { CompileRequest } from './request.js';

/** Reads of files beside a model, and the hashes of what was read, by path. */
interface RecordedReads {
  readonly readSide: CompileRequest['readSide'];
  readonly hashes: ReadonlyMap<string, string>;
}

/** The same reads, remembered. */
export function recordReads(readSide: CompileRequest['readSide']): RecordedReads {
  const hashes = new Map<string, string>();
  return {
    hashes,
    readSide: (path) => {
      const bytes = readSide(path);
      if (bytes !== undefined) hashes.set(path, sha256(bytes));
      return bytes;
    },
  };
}

/**
 * `model.sha256` of the report: of a file that of its bytes; of a folder that of the list of the files that were read, a line
 * each as `sha256sum` prints it, sorted by path.
 */
export function modelSha256({ folder, bytes }: ModelSource, hashes: ReadonlyMap<string, string>): string {
  if (folder !== true) return sha256(bytes);
  return sha256([...hashes].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([path, hash]) => `${hash}  ${path}\n`).join(''));
}
