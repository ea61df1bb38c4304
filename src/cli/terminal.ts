import type { Report } from '../report/schema.js';
import { formatProblem } from '../errors.js';
import type { CompileError } from '../errors.js';

/** What commands say while they work; stdout is for results, stderr for progress and errors. */
export interface Terminal {
  /** A step begins. */
  readonly step: (text: string) => void;
  readonly warn: (text: string) => void;
  /** A line of the result. */
  readonly print: (text: string) => void;
  /** A machine-readable event, with --json only. */
  readonly event: (event: Readonly<Record<string, unknown>>) => void;
  /** Removes the progress line. */
  readonly done: () => void;
}

export interface TerminalOptions {
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** On a terminal the current step is one line that is overwritten, with the seconds it takes; else a line a step. */
export function createTerminal({ quiet = false, json = false }: TerminalOptions): Terminal {
  const live = process.stderr.isTTY === true && !quiet && !json;
  const start = performance.now();
  let current = '';
  let timer: NodeJS.Timeout | undefined;
  const seconds = (): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  const draw = (): void => {
    if (live && current !== '') process.stderr.write(`\r\x1b[K${seconds().padStart(7)}  ${current}`);
  };
  const clear = (): void => {
    if (live && current !== '') process.stderr.write('\r\x1b[K');
  };
  return {
    step: (text) => {
      current = text;
      if (json) console.log(JSON.stringify({ event: 'step', text }));
      else if (live) {
        timer ??= setInterval(draw, 250).unref();
        draw();
      } else if (!quiet) process.stderr.write(`${seconds().padStart(7)}  ${text}\n`);
    },
    warn: (text) => {
      clear();
      if (json) console.log(JSON.stringify({ event: 'warning', text }));
      else process.stderr.write(`warning: ${text}\n`);
      draw();
    },
    print: (text) => {
      clear();
      if (!json) console.log(text);
    },
    event: (event) => {
      if (json) console.log(JSON.stringify(event));
    },
    done: () => {
      clear();
      current = '';
      if (timer !== undefined) clearInterval(timer);
    },
  };
}

/** The text of an error: one problem a line, what to do behind it. */
export function errorText(error: CompileError): string {
  const head = { input: 'error', config: 'error', unsupported: 'unsupported', budget: 'budget', verification: 'MISMATCH', tool: 'missing tool', gate: 'GATE', internal: 'internal error' }[error.kind];
  const SHOWN = 40;
  const lines = error.problems.slice(0, SHOWN).map((problem) => `${head}: ${formatProblem(problem)}`);
  if (error.problems.length > SHOWN) lines.push(`… and ${error.problems.length - SHOWN} more.`);
  return lines.join('\n');
}

/** Whether to colour what goes to stdout. */
export function wantsColor(): boolean {
  return process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb';
}

/** Exit code of a finished compilation. */
export function exitCodeOf(report: Report): number {
  if ((report.verification?.mismatches ?? 0) > 0) return 3;
  return report.budget.met ? 0 : 2;
}

/** Exit codes of the interface, by what went wrong. */
export const EXIT_CODES: Readonly<Record<CompileError['kind'], number>> = {
  input: 1, config: 1, unsupported: 1, budget: 2, verification: 3, internal: 4, tool: 5, gate: 6,
};
