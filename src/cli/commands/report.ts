import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { compareReports, textComparison } from '../../report/compare.js';
import { textReport } from '../../report/text.js';
import { readReport } from '../../compile/folder.js';
import { folderSource } from '../files.js';
import type { Terminal } from '../terminal.js';
import { wantsColor } from '../terminal.js';

export interface ReportOptions {
  readonly out: string;
  readonly against?: string;
  readonly open: boolean;
  readonly json: boolean;
}

/** `report OUT`: the text report, or with --against what changed. */
export function reportCommand(options: ReportOptions, terminal: Terminal): number {
  const report = readReport(folderSource(options.out));
  const width = process.stdout.columns ?? 100;
  if (options.against !== undefined) {
    const comparison = compareReports(readReport(folderSource(options.against)), report);
    terminal.print(textComparison(comparison, width));
    terminal.event({ event: 'comparison', comparison });
  } else {
    terminal.print(textReport(report, { color: wantsColor(), width }));
    terminal.event({ event: 'report', out: options.out, report });
  }
  if (options.open) openFile(join(options.out, 'report.html'), terminal);
  return 0;
}

/** Hands the file to the desktop; where there is none, says where it is. */
function openFile(path: string, terminal: Terminal): void {
  const program = process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open';
  const child = spawn(program, [path], { stdio: 'ignore', detached: true });
  child.on('error', () => terminal.warn(`${program} is not there; open ${path} yourself.`));
  child.unref();
}
