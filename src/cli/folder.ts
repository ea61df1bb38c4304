import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Circuit } from '../circuit/circuit.js';
import { circuitFromText } from '../circuit/text.js';
import { scheduleFromText } from '../compile/scheduleText.js';
import { CompileError } from '../errors.js';
import { parseReport } from '../report/parse.js';
import type { Report } from '../report/schema.js';
import type { Schedule } from '../timing/schedule.js';
import { readInputFile, sha256 } from './files.js';

/** An output folder, read back and found whole. */
export interface CompiledFolder {
  readonly path: string;
  readonly report: Report;
  readonly circuit: Circuit;
}

/** Whether a path is an output folder of ours. */
export function isOutputFolder(path: string): boolean {
  return existsSync(join(path, 'report.json')) && existsSync(join(path, 'circuit.txt'));
}

export function readReport(out: string): Report {
  return parseReport(text(out, 'report.json'), join(out, 'report.json'));
}

/** Report and circuit; refused unless the circuit is the one that the report tells of. */
export function openFolder(out: string): CompiledFolder {
  const report = readReport(out);
  const circuitText = checkedText(out, report, 'circuit.txt');
  return { path: out, report, circuit: circuitFromText(circuitText) };
}

/** The schedule and Verilog of a folder, and whether the Verilog is still the file that was written. */
export function openDesign(folder: CompiledFolder): { readonly schedule: Schedule; readonly top: string; readonly verilog: string; readonly changed: boolean } {
  const { schedule, top } = scheduleFromText(checkedText(folder.path, folder.report, 'circuit.schedule.json'), folder.circuit, join(folder.path, 'circuit.schedule.json'));
  const path = `verilog/${top}.v`;
  const verilog = text(folder.path, path);
  const written = folder.report.artifacts.find((artifact) => artifact.path === path);
  return { schedule, top, verilog, changed: written?.sha256 !== sha256(verilog) };
}

function checkedText(out: string, report: Report, file: string): string {
  const content = text(out, file);
  const known = report.artifacts.find((artifact) => artifact.path === file);
  if (known?.sha256 === sha256(content)) return content;
  throw new CompileError('input', {
    code: 'mixed-folder', where: [out, file],
    what: known === undefined ? 'is not a file that report.json lists.' : 'is not the file that report.json was written with: the folder is mixed or was edited.',
    mend: 'Compile the model again.',
  });
}

function text(out: string, file: string): string {
  const path = join(out, file);
  if (!existsSync(path)) {
    throw new CompileError('input', { code: 'no-output-folder', where: [out], what: `has no ${file}: it is no output folder of compile-model.`, mend: 'Compile a model first: compile-model MODEL -o ' + out });
  }
  return new TextDecoder().decode(readInputFile(path, file));
}
