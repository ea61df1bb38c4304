import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { readModel } from '../../compile/model.js';
import { modelSha256, recordReads } from '../../compile/modelHash.js';
import { CompileError } from '../../errors.js';
import { openModel, readInputFile, sideFilesOf } from '../files.js';
import { OPTION_NAMES, optionOf } from '../optionTable.js';
import { isOptionFile, readOptions } from '../options.js';
import { toolVersion } from '../version.js';
import type { Axes, GridPoint } from './grid.js';
import { gridOf } from './grid.js';

/** Options that a sweep gives each compilation itself. */
const OWN = new Set(['out', 'json', 'quiet', 'jobs']);

/** One compilation to be made. */
export interface PlannedPoint {
  /** Of all that it depends on: what has this name was made of the very same files and options. */
  readonly id: string;
  readonly values: GridPoint;
  /** Where its output folder is, and beside it `.log` with what it printed. */
  readonly folder: string;
  /** What stands behind `compile-model`. */
  readonly words: readonly string[];
}

export interface SweepPlan {
  readonly model: string;
  readonly sha256: string;
  readonly axes: Axes;
  readonly points: readonly PlannedPoint[];
}

/**
 * The compilations of a grid, each checked before the first is run.
 *
 * @param argv the options as they were parsed, lists and all
 * @throws CompileError: what any of the compilations would say of its options
 */
export async function planSweep(model: string, argv: Readonly<Record<string, unknown>>, axes: Axes, out: string): Promise<SweepPlan> {
  refuseOptionFile(model);
  const source = openModel(model, argv['weights'] === undefined ? undefined : String(argv['weights']));
  const reads = recordReads(sideFilesOf(model));
  // What cannot be read fails here, once; and a point depends on every file that was read.
  readModel(source, reads.readSide);
  const sha256 = modelSha256(source, reads.hashes);
  const contents = new Map<string, string>();
  const points: PlannedPoint[] = [];
  for (const values of gridOf(axes)) {
    const options = optionsOf(argv, values);
    await readOptions(options, model);
    const words = [model, ...Object.entries(options).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, String(value)]))];
    const files = Object.entries(options).filter(([name]) => OPTION_NAMES.some((known) => known === name && optionOf(known).path === true))
      .map(([, path]) => hashOnce(contents, String(path)));
    const id = createHash('sha256').update(JSON.stringify([toolVersion(), sha256, [...reads.hashes], words.slice(1), files])).digest('hex').slice(0, 12);
    points.push({ id, values, folder: join(resolve(out), 'points', id), words });
  }
  return { model, sha256, axes, points };
}

/** An option file names a model and files that the points' names would not tell of. */
function refuseOptionFile(path: string): void {
  if (!/\.(ya?ml|json)$/i.test(path) || !isOptionFile(path, new TextDecoder().decode(readInputFile(path, 'a model')))) return;
  throw new CompileError('unsupported', { code: 'sweep-option-file', where: [path], what: 'is a file of options; a sweep takes a model.', mend: 'Give the model, and the options on the command line.' });
}

/** The options of one compilation: those of all, the point's own instead of lists, and a quick verification if none is asked for. */
function optionsOf(argv: Readonly<Record<string, unknown>>, values: GridPoint): Readonly<Record<string, unknown>> {
  const options: Record<string, unknown> = { verify: 'emulator' };
  for (const name of OPTION_NAMES) {
    if (argv[name] !== undefined && argv[name] !== false && !OWN.has(name)) options[name] = argv[name];
  }
  for (const [axis, value] of values) options[axis] = value;
  return options;
}

function hashOnce(known: Map<string, string>, path: string): string {
  const found = known.get(path) ?? createHash('sha256').update(readInputFile(path, 'a file of the options')).digest('hex');
  known.set(path, found);
  return found;
}
