import { compile as compileRequest } from '../compile.js';
import type { CompileResult } from '../compile.js';
import { emulateFolder } from '../compile/emulate.js';
import { openFolder } from '../compile/folder.js';
import { inspectModel } from '../compile/inspect.js';
import type { ModelSummary } from '../compile/inspect.js';
import type { CompileHooks } from '../compile/request.js';
import type { OutputFile } from '../backends/backend.js';
import type { NamedArray } from '../io/arrays.js';
import { checkOutputFolder, folderSource, openModel, readEvents, sideFilesOf, writeOutputFolder } from './files.js';
import type { OptionName } from './optionTable.js';
import { OPTION_NAMES } from './optionTable.js';
import { readOptions } from './options.js';
import { requestOf } from './request.js';
import { kebab } from './unknownOptions.js';

/** `input-type` as `inputType`. */
type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : Name;

/** Options that say where and how a command prints; a library writes and prints nothing by itself. */
type Printing = 'out' | 'quiet' | 'json';

/**
 * The model and the options of `compile-model`, by their names in camel case and with the values they have there:
 * `{ model: 'model.onnx', clock: '320MHz', latency: '50ns', inputType: 'ap_fixed<16,6>' }`. Files are named by their paths.
 */
export type CompileSettings = { readonly model: string } & { readonly [Name in Exclude<OptionName, Printing> as CamelCase<Name>]?: string | number | boolean | readonly string[] };

/**
 * Compiles a model as the command does: read, type, optimise, schedule, emit, prove, report. Writes nothing.
 *
 * @throws CompileError: wrong options or input, something unsupported, a mismatch found in verification. A budget that is not
 * met is no error: `report.budget.met` says so.
 */
export async function compile({ model, ...settings }: CompileSettings, hooks: CompileHooks = {}): Promise<CompileResult> {
  const argv = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined).map(([name, value]) => [kebab(name), Array.isArray(value) ? value.join(',') : value]));
  const options = await readOptions(argv, model);
  const words = OPTION_NAMES.filter((name) => argv[name] !== undefined).flatMap((name) => (argv[name] === true ? [`--${name}`] : [`--${name}`, String(argv[name])]));
  return compileRequest(requestOf(options, [model, ...words]), hooks);
}

/** Writes the files of a compilation as an output folder: complete or not at all; an older one of this tool is replaced. */
export function writeFolder(out: string, files: readonly OutputFile[]): void {
  checkOutputFolder(out);
  writeOutputFolder(out, files.map(({ path, text }) => ({ path, content: text })));
}

/**
 * Bit-exact emulation of an output folder's circuit.
 *
 * @param events the path of a `.npy`, `.npz` or `.csv` file, or arrays whose first axis is the event
 * @returns each output, `[events, …shape]`, exact values
 */
export function emulate(out: string, events: string | readonly NamedArray[]): readonly NamedArray[] {
  const given = typeof events === 'string' ? readEvents(events) : { arrays: events, file: 'events' };
  return emulateFolder(openFolder(folderSource(out)), given).results;
}

/** Layers, shapes, types and parameters of a model file or folder; everything that is unsupported is thrown at once. */
export function inspect(model: string, weights?: string): ModelSummary {
  return inspectModel(openModel(model, weights), sideFilesOf(model));
}
