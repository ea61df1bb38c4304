import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { compareReports, textComparison } from '../../report/compare.js';
import { textReport } from '../../report/text.js';
import { flippedDecisions } from '../../compile/flips.js';
import { openFolder, readReport } from '../../compile/folder.js';
import { CompileError } from '../../errors.js';
import { folderSource, readEvents } from '../files.js';
import type { Terminal } from '../terminal.js';
import { wantsColor } from '../terminal.js';

export interface ReportOptions {
  readonly out: string;
  readonly against?: string;
  /** With `against`: events on which decisions are compared, and where a single score decides. */
  readonly inputs?: string;
  readonly threshold?: string;
  readonly open: boolean;
  readonly json: boolean;
}

/** `report OUT`: the text report, or with --against what changed. */
export function reportCommand(options: ReportOptions, terminal: Terminal): number {
  const source = folderSource(options.out);
  const report = readReport(source);
  const width = process.stdout.columns ?? 100;
  if (options.against !== undefined) {
    const other = folderSource(options.against);
    const decisions = flippedDecisions(openFolder(other), openFolder(source), {
      ...(options.inputs === undefined ? {} : { inputs: readEvents(options.inputs) }),
      ...(options.threshold === undefined ? {} : { threshold: numberOf(options.threshold) }),
    });
    const comparison = compareReports(readReport(other), report, decisions);
    terminal.print(textComparison(comparison, width));
    terminal.event({ event: 'comparison', comparison });
  } else if (options.inputs !== undefined || options.threshold !== undefined) {
    throw new CompileError('config', { code: 'usage', where: [options.inputs === undefined ? '--threshold' : '--inputs'], what: 'compares decisions, and needs --against OTHER.' });
  } else {
    terminal.print(textReport(report, { color: wantsColor(), width }));
    terminal.event({ event: 'report', out: options.out, report });
  }
  if (options.open) openFile(join(options.out, 'report.html'), terminal);
  return 0;
}

function numberOf(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new CompileError('config', { code: 'bad-option', where: ['--threshold'], what: `'${text}' is no number.` });
}

/** Hands the file to the desktop; where there is none, says where it is. */
function openFile(path: string, terminal: Terminal): void {
  const program = process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open';
  const child = spawn(program, [path], { stdio: 'ignore', detached: true });
  child.on('error', () => terminal.warn(`${program} is not there; open ${path} yourself.`));
  child.unref();
}
