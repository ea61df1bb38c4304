import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ciFiles } from '../../compile/ciFiles.js';
import { ciFolder } from '../../compile/ciFolder.js';
import type { FolderSource } from '../../compile/folder.js';
import { readReport } from '../../compile/folder.js';
import { CompileError, didYouMean } from '../../errors.js';
import type { GateName } from '../../report/gates.js';
import { GATES } from '../../report/gates.js';
import { parseReport } from '../../report/parse.js';
import type { Report } from '../../report/schema.js';
import { folderSource, readEvents, readInputFile, writeFile, writeNewFiles } from '../files.js';
import type { Terminal } from '../terminal.js';
import { parseShare } from '../units.js';
import { toolVersion } from '../version.js';

export interface CiCommandOptions {
  readonly out: string;
  /** A report.json, or the output folder that it is in. */
  readonly baseline: string;
  readonly junit?: string;
  readonly summary?: string;
  readonly maxAreaGrowth: string;
  readonly maxAccuracyDrop: string;
  readonly allow?: string;
  readonly inputs?: string;
  readonly expect?: string;
  readonly seed: number;
  readonly jobs: number;
}

const MARKS = { passed: 'ok     ', failed: 'FAILED ', allowed: 'allowed', skipped: 'skipped' } as const;

/** `ci OUT --baseline REPORT.json`: proves, compares, writes JUnit XML and Markdown, and says all by its exit code. */
export async function ciCommand(options: CiCommandOptions, terminal: Terminal): Promise<number> {
  const source = folderSource(options.out);
  const { inputs, expect, seed, jobs } = options;
  const limits = { maxGrowth: shareOf(options.maxAreaGrowth, '--max-area-growth'), maxDrop: shareOf(options.maxAccuracyDrop, '--max-accuracy-drop'), allowed: gatesOf(options.allow) };
  const result = await ciFolder(source, {
    ...readBaseline(options.baseline), ...limits, seed, jobs,
    ...(inputs === undefined ? {} : { inputs: readEvents(inputs) }),
    ...(expect === undefined ? {} : { expect: readEvents(expect) }),
  }, { onStep: terminal.step });
  terminal.done();
  for (const warning of result.warnings) terminal.warn(warning);
  const junit = options.junit ?? join(options.out, 'ci', 'junit.xml');
  const summary = options.summary ?? join(options.out, 'ci', 'summary.md');
  writeFile(junit, result.junit, '--junit');
  writeFile(summary, result.markdown, '--summary');
  for (const { name, outcome, text } of result.cases) terminal.print(`${MARKS[outcome]}  ${name}: ${text}`);
  terminal.print(`Written: ${junit}, ${summary}`);
  terminal.event({ event: 'ci', out: options.out, good: result.failure === undefined, cases: result.cases, junit, summary });
  if (result.failure !== undefined) throw result.failure;
  return 0;
}

/** `ci OUT --init DIR`: a GitHub Actions workflow, a GitLab CI file and the baseline, beside the model's own options. */
export function ciInitCommand(out: string, folder: string, terminal: Terminal): number {
  const source = folderSource(out);
  const files = ciFiles(source, toolVersion());
  writeNewFiles(folder, files.map(({ path, text }) => ({ path, content: text })));
  terminal.event({ event: 'ci-files', folder, files: files.map(({ path }) => path) });
  terminal.print(`Written to ${folder}: ${files.map(({ path }) => path).join(', ')}`);
  return 0;
}

/** A report, and its folder where the path is one or is the report inside one. */
function readBaseline(path: string): { readonly baseline: Report; readonly baselineFolder?: FolderSource } {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const source = folderSource(isFolder ? path : dirname(path));
  if (isFolder) return { baseline: readReport(source), baselineFolder: source };
  const baseline = parseReport(new TextDecoder().decode(readInputFile(path, 'a baseline report')), path);
  return basename(path) === 'report.json' && source.read('circuit.txt') !== undefined ? { baseline, baselineFolder: source } : { baseline };
}

/** `5%` or `0.05`, up to a thousandfold. */
function shareOf(text: string, option: string): number {
  const share = parseShare(text);
  if (share !== undefined && share <= 1000) return share;
  throw new CompileError('config', { code: 'bad-option', where: [option], what: `'${text}' must be a share such as 5% or 0.05.` });
}

function gatesOf(list: string | undefined): GateName[] {
  const names = list === undefined ? [] : list.split(',').map((name) => name.trim());
  return names.map((name) => {
    const gate = GATES.find((known) => known === name);
    if (gate !== undefined) return gate;
    throw new CompileError('config', { code: 'bad-option', where: ['--allow'], what: `'${name}' is no gate.`, mend: didYouMean(name, GATES) });
  });
}
