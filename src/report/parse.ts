import type { z } from 'zod';
import { CompileError, type Problem } from '../errors.js';
import { shortfalls } from './budget.js';
import { plural, printable } from './format.js';
import { type Report, type ReportDraft, reportSchema } from './schema.js';
import { verdictLine } from './verdict.js';

/** Problems listed before the rest is only counted. */
const PROBLEMS_SHOWN = 12;

/** Reports may round ns to one decimal. */
const ROUNDING_NS = 0.051;

const MEND = 'Compile the model again to get a good report.json.';

/**
 * Decides `budget.met`, words the verdict and checks every field: the only way to make a report.
 * Throws an internal CompileError if the draft is not a report.
 */
export function finishReport(draft: ReportDraft): Report {
  const met = shortfalls(draft).length === 0;
  const report: Report = { ...draft, schema: 1, budget: { ...draft.budget, met } };
  const result = reportSchema.safeParse({ ...report, verdict: verdictLine(report) }, { reportInput: true });
  if (!result.success) throw new CompileError('internal', problemsOf(result.error, 'report'));
  const wrong = contradictions(result.data, 'report');
  if (wrong.length > 0) throw new CompileError('internal', wrong);
  return result.data;
}

/** report.json as text: fields in the schema's order whoever made them, so the same report is the same bytes. */
export function serializeReport(report: Report): string {
  return `${JSON.stringify(reportSchema.parse(report), null, 2)}\n`;
}

/** The report in `text`. Throws CompileError (input) with everything that is wrong with it; `file` is for its messages. */
export function parseReport(text: string, file = 'report.json'): Report {
  const json = parseJson(text, file);
  const version = (json as { schema?: unknown } | null)?.schema;
  if (typeof version === 'number' && version !== 1) {
    throw new CompileError('input', {
      code: 'report-version',
      where: [file, 'schema'],
      what: `the report has schema version ${version}, this tool reads version 1.`,
      mend: version > 1 ? 'Use a newer Trigforge.' : MEND,
    });
  }
  const result = reportSchema.safeParse(json, { reportInput: true });
  if (!result.success) throw new CompileError('input', problemsOf(result.error, file));
  const wrong = contradictions(result.data, file);
  if (wrong.length > 0) throw new CompileError('input', wrong);
  return result.data;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const what = text.trim() === '' ? 'the file is empty.' : 'this is not JSON.';
    throw new CompileError('input', { code: 'report-not-json', where: [file], what, mend: MEND });
  }
}

/** Fields that are each well formed and cannot be true together. */
function contradictions(report: Report, file: string): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (where: readonly string[], what: string): void => {
    problems.push({ code: 'report-contradiction', where: [file, ...where], what, mend: MEND });
  };
  const missed = shortfalls(report);
  if (report.budget.met && missed.length > 0) add(['budget', 'met'], `says true, but: ${missed.map((s) => s.text).join(' and ')}.`);
  const { cycles, combinational } = report.latency;
  if (combinational !== (cycles === 0)) add(['latency', 'combinational'], `says ${combinational}, but there are ${cycles} cycles.`);
  const ns = (cycles * 1000) / report.budget.clockMHz;
  if (Math.abs(report.latency.ns - ns) > ROUNDING_NS) add(['latency', 'ns'], `says ${report.latency.ns}, but ${cycles} cycles at ${report.budget.clockMHz} MHz are ${ns}.`);
  const stages = Math.max(1, cycles);
  for (const layer of report.layers) {
    if (layer.stages !== undefined && layer.stages[1] >= stages) {
      add(['layers', printable(layer.name), 'stages'], `ends in stage ${layer.stages[1]}, but the last is ${stages - 1}.`);
    }
  }
  if (report.overflow.provenSafe && report.overflow.wraps.length > 0) {
    add(['overflow', 'provenSafe'], `says true, but ${plural(report.overflow.wraps.length, 'type')} can wrap.`);
  }
  return problems;
}

function problemsOf(error: z.ZodError, file: string): readonly Problem[] {
  const problems = error.issues.slice(0, PROBLEMS_SHOWN).map((issue): Problem => ({
    code: 'report-field',
    where: [file, ...issue.path.map((step) => printable(String(step)))],
    what: describe(issue),
    mend: MEND,
  }));
  const rest = error.issues.length - problems.length;
  if (rest > 0) problems.push({ code: 'report-field', where: [file], what: `${rest} more fields are wrong.` });
  return problems;
}

/** Found against allowed. */
function describe(issue: z.core.$ZodIssue): string {
  const found = `found ${shorten(issue.input)}`;
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? `this ${issue.expected} is missing.` : `expected ${issue.expected}, ${found}.`;
    case 'invalid_value':
      return `expected ${issue.values.map((v) => JSON.stringify(v)).join(' or ')}, ${found}.`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}, ${found}.`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}, ${found}.`;
    case 'invalid_format':
    case 'custom':
      return `expected ${issue.message}, ${found}.`;
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
      return `${issue.message}, ${found}.`;
  }
}

function shorten(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = typeof value === 'string' ? JSON.stringify(printable(value)) : String(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
