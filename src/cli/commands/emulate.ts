import { emulateFloat, emulateFolder } from '../../compile/emulate.js';
import { openFolder } from '../../compile/folder.js';
import type { NamedArray } from '../../io/arrays.js';
import { writeCsv } from '../../io/csv.js';
import { writeNpy } from '../../io/npy.js';
import { writeNpz } from '../../io/npz.js';
import { folderSource, openModel, readEvents, sideFilesOf, writeFile } from '../files.js';
import type { Terminal } from '../terminal.js';

export interface EmulateOptions {
  readonly target: string;
  readonly inputs: string;
  readonly outputs: string;
  readonly float: boolean;
  readonly weights?: string;
}

/** `.csv` and `.npz` by the file's name; else `.npy`, or `.npz` for several outputs. */
function arrayFile(path: string, results: readonly NamedArray[]): string | Uint8Array {
  if (/\.csv$/i.test(path)) return writeCsv(results);
  const [only] = results;
  return only === undefined || results.length > 1 || /\.npz$/i.test(path) ? writeNpz(results) : writeNpy(only.shape, only.data);
}

/** `emulate OUT --inputs X.npy --outputs Y.npy`, or `emulate MODEL --float`. */
export function emulateCommand({ target, inputs, outputs, float, weights }: EmulateOptions, terminal: Terminal): number {
  const events = readEvents(inputs);
  const { results, count, warnings } = float
    ? emulateFloat(openModel(target, weights), sideFilesOf(target), events)
    : emulateFolder(openFolder(folderSource(target, 'Compile it first (compile-model MODEL -o OUT) and give OUT, or add --float to run the float reference of a model.')), events);
  for (const warning of warnings) terminal.warn(warning);
  writeFile(outputs, arrayFile(outputs, results), '--outputs');
  terminal.print(`${count} events: ${results.map((array) => `${array.name} [${array.shape.join(', ')}]`).join(', ')} written to ${outputs}`);
  terminal.event({ event: 'emulated', events: count, outputs });
  return 0;
}
