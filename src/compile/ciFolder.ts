import type { Problem } from '../errors.js';
import { CompileError, formatProblem } from '../errors.js';
import type { CiCase } from '../report/ciSummary.js';
import { ciSummary } from '../report/ciSummary.js';
import type { FlippedDecisions } from '../report/compare.js';
import { compareReports } from '../report/compare.js';
import type { Gate, GateLimits, GateName } from '../report/gates.js';
import { checkGates } from '../report/gates.js';
import type { Report } from '../report/schema.js';
import { verdictLine } from '../report/verdict.js';
import type { JunitCase } from '../verify/junit.js';
import { junitXml } from '../verify/junit.js';
import type { Events } from './emulate.js';
import { flippedDecisions } from './flips.js';
import type { CompiledFolder, FolderSource } from './folder.js';
import { checkWhole, openDesign, openFolder, readReport } from './folder.js';
import type { CompileHooks } from './request.js';
import type { FolderVerification } from './verifyFolder.js';
import { verifyFolder } from './verifyFolder.js';

export interface CiOptions extends GateLimits {
  readonly baseline: Report;
  /** The whole folder of the baseline, where it is there: decisions that flip are counted. */
  readonly baselineFolder?: FolderSource;
  /** Gates that may fail: they are told of, and do no harm. */
  readonly allowed: readonly GateName[];
  readonly inputs?: Events;
  readonly expect?: Events;
  readonly seed: number;
  readonly jobs: number;
}

export interface CiResult {
  readonly cases: readonly CiCase[];
  readonly junit: string;
  readonly markdown: string;
  readonly warnings: readonly string[];
  /** What the command ends with: the worst that was found. */
  readonly failure: CompileError | undefined;
}

/** Worst first: a wrong bit outranks a folder that is not whole, and both a gate. */
const SEVERITY: readonly CompileError['kind'][] = ['internal', 'verification', 'input', 'config', 'tool', 'gate'];

/**
 * What hardware CI asks of an output folder: its files belong together, its Verilog is proven, and it is as good as the
 * baseline. Everything is looked at and told of, whatever fails first.
 *
 * @throws CompileError: no report, events that do not fit
 */
export async function ciFolder(source: FolderSource, options: CiOptions, hooks: CompileHooks): Promise<CiResult> {
  const report = readReport(source);
  const top = report.model.top ?? report.model.name;
  const checked = attempt(() => checkWhole(source, report));
  const whole = checked instanceof CompileError ? checked : undefined;
  const proof = await proven(source, options, hooks);
  const gates = checkGates(options.baseline, report, options);
  const failures = [whole, proof.error, gateError(source, gates, options.allowed)].filter((error) => error !== undefined);
  const failure = failures.toSorted((a, b) => SEVERITY.indexOf(a.kind) - SEVERITY.indexOf(b.kind))[0];
  const cases: CiCase[] = [
    caseOf('folder', 'files', whole, `${report.artifacts.length} files, each the one that was written`),
    ...verificationCases(proof),
    ...gates.map(({ name, outcome, text }) => ({ group: 'gates', name, outcome: outcome === 'failed' && options.allowed.includes(name) ? 'allowed' as const : outcome, text })),
  ];
  return {
    cases, failure,
    junit: junitXml(top, cases.map(junitCase)),
    markdown: ciSummary({ top, verdict: verdictLine(report), cases, comparison: compareReports(options.baseline, report, flips(source, options)) }),
    warnings: proof.result?.warnings ?? [],
  };
}

/** Decisions that flip against the baseline; told of, and no gate. Undefined where either folder cannot be run. */
function flips(source: FolderSource, { baselineFolder, inputs }: CiOptions): FlippedDecisions | string | undefined {
  const folders = [baselineFolder, source].map((folder) => (folder === undefined ? undefined : attemptOpen(folder)));
  const [before, after] = folders;
  if (before === undefined || after === undefined || before instanceof CompileError || after instanceof CompileError) return undefined;
  return flippedDecisions(before, after, inputs === undefined ? {} : { inputs });
}

/** What the work gives, or why it cannot be done. */
function attempt<T>(work: () => T): T | CompileError {
  try {
    return work();
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
}

interface Proof {
  readonly result: FolderVerification | undefined;
  readonly error: CompileError | undefined;
}

/** The folder's verification; what kept it from being done is data, except that the user's own arrays are wrong. */
async function proven(source: FolderSource, options: CiOptions, hooks: CompileHooks): Promise<Proof> {
  const folder = attemptOpen(source);
  if (folder instanceof CompileError) return { result: undefined, error: folder };
  try {
    const result = await verifyFolder(folder, options, hooks);
    return { result, error: result.failure };
  } catch (error) {
    if (error instanceof CompileError && error.kind !== 'config') return { result: undefined, error };
    throw error;
  }
}

function attemptOpen(source: FolderSource): CompiledFolder | CompileError {
  return attempt(() => {
    const folder = openFolder(source);
    openDesign(folder);
    return folder;
  });
}

function verificationCases({ result, error }: Proof): CiCase[] {
  if (result === undefined) return [caseOf('verification', 'simulation', error, '')];
  return result.checks.map(({ name, vectors, mismatches }) => ({
    group: 'verification', name: `${name} (${vectors} events)`,
    ...(mismatches === 0 ? { outcome: 'passed' as const, text: '0 mismatches' } : { outcome: 'failed' as const, text: `${mismatches} mismatches. ${error === undefined ? '' : textOf(error)}` }),
  }));
}

function caseOf(group: string, name: string, error: CompileError | undefined, good: string): CiCase {
  return error === undefined ? { group, name, outcome: 'passed', text: good } : { group, name, outcome: 'failed', text: textOf(error) };
}

const textOf = (error: CompileError): string => error.problems.map(formatProblem).join(' ');

/** The gates that failed and may not, as one error. */
function gateError(source: FolderSource, gates: readonly Gate[], allowed: readonly GateName[]): CompileError | undefined {
  const problems = gates.filter(({ name, outcome }) => outcome === 'failed' && !allowed.includes(name))
    .map(({ name, text }): Problem => ({ code: `gate-${name}`, where: [source.path, name], what: `${text}.` }));
  return problems.length === 0 ? undefined : new CompileError('gate', problems);
}

function junitCase({ group, name, outcome, text }: CiCase): JunitCase {
  if (outcome === 'failed') return { group, name, failure: { message: text.slice(0, 200), text } };
  return outcome === 'passed' ? { group, name } : { group, name, skipped: outcome === 'allowed' ? `allowed: ${text}` : text };
}
