import { createHash } from 'node:crypto';
import type { OutputFile } from '../backends/backend.js';
import type { Circuit } from '../circuit/circuit.js';
import { circuitFromText } from '../circuit/text.js';
import type { Problem } from '../errors.js';
import { CompileError } from '../errors.js';
import { trigforgeModelFrontend } from '../frontends/trigforgeModel.js';
import { catalogue } from '../layers/registry.js';
import type { ModelGraph } from '../model/graph.js';
import { parseReport } from '../report/parse.js';
import type { ArrayPort } from '../io/arrays.js';
import { missingOf } from './arrayPorts.js';
import type { Report } from '../report/schema.js';
import type { Schedule } from '../timing/schedule.js';
import { scheduleFromText } from './scheduleText.js';

/** An output folder as text: its path for messages, its files by relative path. */
export interface FolderSource {
  readonly path: string;
  /** Undefined where there is no such file. */
  readonly read: (file: string) => string | undefined;
}

/** An output folder, read back and found whole. */
export interface CompiledFolder {
  readonly source: FolderSource;
  readonly report: Report;
  readonly circuit: Circuit;
  /** The circuit's inputs as arrays are matched to them. */
  readonly inputs: readonly ArrayPort[];
}

export interface FolderDesign {
  readonly schedule: Schedule;
  readonly top: string;
  readonly verilog: string;
  /** The Verilog is not the file that was written. */
  readonly changed: boolean;
}

export function readReport(source: FolderSource): Report {
  return parseReport(textOf(source, 'report.json'), `${source.path}/report.json`);
}

/** Report and circuit; refused unless the circuit is the one that the report tells of. */
export function openFolder(source: FolderSource): CompiledFolder {
  const report = readReport(source);
  const circuit = circuitFromText(checkedText(source, report, 'circuit.txt'));
  const inputs = circuit.inputs.map((port) => ({ name: port.name, shape: port.shape, ...missingOf(report.model.inputs.find((input) => input.name === port.name), port.types[0]) }));
  return { source, report, circuit, inputs };
}

/** The schedule and Verilog of a folder. The Verilog is taken as it is: simulation judges it. */
export function openDesign({ source, report, circuit }: CompiledFolder): FolderDesign {
  const { schedule, top } = scheduleFromText(checkedText(source, report, 'circuit.schedule.json'), circuit, `${source.path}/circuit.schedule.json`);
  const file = `verilog/${top}.v`;
  const verilog = textOf(source, file);
  checkPlainVerilog(verilog, [source.path, file]);
  return { schedule, top, verilog, changed: writtenHash(report, file) !== sha256(verilog) };
}

/** Files named in a message about a folder that is not whole. */
const FILES_SHOWN = 3;

/**
 * Refuses a folder unless every file that its report lists is there and is the very one that was written: what was edited
 * since, left from another build or lost. Files besides those, such as what its Makefiles make, do no harm.
 *
 * @throws CompileError (`input`); `but` is a file that may have changed
 */
export function checkWhole(source: FolderSource, report: Report, but?: string): void {
  checkPaths(source, report);
  const read = report.artifacts.filter(({ path }) => path !== but).map(({ path, sha256: written }) => ({ path, written, text: source.read(path) }));
  const lost = read.filter(({ text }) => text === undefined).map(({ path }) => path);
  const changed = read.filter(({ text, written }) => text !== undefined && sha256(text) !== written).map(({ path }) => path);
  const listed = (paths: readonly string[]): string => `${paths.slice(0, FILES_SHOWN).join(', ')}${paths.length > FILES_SHOWN ? ` and ${paths.length - FILES_SHOWN} more` : ''}`;
  const problems: Problem[] = [
    ...(lost.length === 0 ? [] : [{ code: 'incomplete-folder', where: [source.path], what: `is not complete: ${listed(lost)} ${lost.length === 1 ? 'is' : 'are'} missing.`, mend: 'Compile the model again.' }]),
    ...(changed.length === 0 ? [] : [{ code: 'mixed-folder', where: [source.path], what: `is mixed or was edited: ${listed(changed)} ${changed.length === 1 ? 'is not the file' : 'are not the files'} that report.json was written with.`, mend: 'Compile the model again.' }]),
  ];
  if (problems.length > 0) throw new CompileError('input', problems);
}

/** A file of the folder, refused unless it is the one that the report tells of. */
export function checkedText(source: FolderSource, report: Report, file: string): string {
  const content = textOf(source, file);
  const known = writtenHash(report, file);
  if (known === sha256(content)) return content;
  throw new CompileError('input', {
    code: 'mixed-folder', where: [source.path, file],
    what: known === undefined ? 'is not a file that report.json lists.' : 'is not the file that report.json was written with: the folder is mixed or was edited.',
    mend: 'Compile the model again.',
  });
}

/** The model as it was compiled, with its types (`model.json`), or as it was read (`float.json`). */
export function folderGraph({ source, report }: Pick<CompiledFolder, 'source' | 'report'>, file: 'model.json' | 'float.json'): ModelGraph {
  const bytes = new TextEncoder().encode(checkedText(source, report, file));
  return trigforgeModelFrontend.parse({ name: `${source.path}/${file}`, bytes }, { catalogue, readSide: () => undefined });
}

/** The files below `prefix`, or the one of that name, each the very file that was written; all files for an empty prefix. */
export function checkedFiles({ source, report }: Pick<CompiledFolder, 'source' | 'report'>, prefix: string): OutputFile[] {
  checkPaths(source, report);
  const paths = report.artifacts.map((artifact) => artifact.path).filter((path) => path.startsWith(prefix));
  return paths.map((path) => ({ path, text: checkedText(source, report, path) }));
}

/** Refuses a report that lists files outside its folder. */
function checkPaths(source: FolderSource, report: Report): void {
  const outside = report.artifacts.map(({ path }) => path).find((path) => /(^|\/)\.{1,2}(\/|$)|^\/|\\/.test(path));
  if (outside !== undefined) throw new CompileError('input', { code: 'foreign-path', where: [source.path, 'report.json'], what: `lists ${outside}, which is no file of the folder.`, mend: 'Compile the model again.' });
}

function writtenHash(report: Report, file: string): string | undefined {
  return report.artifacts.find((artifact) => artifact.path === file)?.sha256;
}

function textOf(source: FolderSource, file: string): string {
  const content = source.read(file);
  if (content !== undefined) return content;
  throw new CompileError('input', file === 'report.json'
    ? { code: 'no-output-folder', where: [source.path], what: 'has no report.json: it is no output folder of compile-model.', mend: 'Compile a model first: compile-model MODEL -o OUT.' }
    : { code: 'incomplete-folder', where: [source.path, file], what: 'is missing: the folder is not complete.', mend: 'Compile the model again.' });
}

/**
 * Refuses Verilog with system tasks (but $signed and $unsigned), directives, strings or escaped names, but for those of ours. What compile-model emits has none, and
 * with them a file from elsewhere could write files or run programs while it is simulated.
 */
function checkPlainVerilog(verilog: string, where: readonly string[]): void {
  const code = verilog.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' ')).replace(/^`(?:ifdef YOSYS|else|ifndef SYNTHESIS|endif|celldefine|endcelldefine)$|\(\* keep_hierarchy = "yes" \*\)/gm, '');
  const found = /(?!\$(?:un)?signed\b)[$`\\"][\w$]*/.exec(code);
  if (found === null) return;
  const line = code.slice(0, found.index).split('\n').length;
  throw new CompileError('input', {
    code: 'foreign-verilog', where, what: `line ${line} has ${found[0]}, which compile-model never writes: only its own Verilog is simulated.`,
    mend: 'Compile the model again.',
  });
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
