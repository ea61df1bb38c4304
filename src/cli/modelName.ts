import { basename } from 'node:path';

/** The default name of a model's output folder: its file's name without the extension, else of its folder. */
export function modelNameOf(path: string): string {
  return basename(path).replace(/\.[^.]+$/, '') || 'model';
}
