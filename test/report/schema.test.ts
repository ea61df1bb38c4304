import { expect, test } from 'vitest';
import { CompileError } from '../../src/errors.js';
import { finishReport, parseReport, serializeReport } from '../../src/report/parse.js';
import { bareReport, sampleDraft, sampleReport, unmetReport } from './sample.js';

type Json = Record<string, unknown>;

/** The sample as loose JSON with one field, by dotted path, replaced (or removed by undefined). */
function edited(path: string, value: unknown): string {
  const json = JSON.parse(serializeReport(sampleReport())) as Json;
  const steps = path.split('.');
  const last = steps.pop() as string;
  let at: Json = json;
  for (const step of steps) at = at[step] as Json;
  at[last] = value;
  return JSON.stringify(json);
}

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return [`kind ${error.kind}`, ...error.problems.map((p) => `${p.where.join('.')}: ${p.what}`)];
  }
  throw new Error('it was accepted');
}

const refusal = (text: string): readonly string[] => problemsOf(() => parseReport(text));

test('a report survives writing and reading, with the same bytes', () => {
  for (const report of [sampleReport(), unmetReport(), bareReport()]) {
    const text = serializeReport(report);
    expect(parseReport(text)).toEqual(report);
    expect(serializeReport(parseReport(text))).toBe(text);
  }
});

test('field order does not depend on who made the report', () => {
  const report = sampleReport();
  const reversed = Object.fromEntries(Object.entries(report).reverse()) as unknown as typeof report;
  expect(serializeReport(reversed)).toBe(serializeReport(report));
});

test('the names that users rely on are all there', () => {
  const json = JSON.parse(serializeReport(sampleReport())) as Record<string, Json>;
  for (const [part, names] of Object.entries({
    tool: ['name', 'version'], model: ['name', 'format', 'sha256', 'parameters', 'inputs', 'outputs'],
    budget: ['clockMHz', 'latencyNs', 'met'], latency: ['cycles', 'ns', 'initiationInterval', 'combinational'],
    timing: ['criticalPathNs', 'fmaxMHz', 'source'], accuracy: ['metric', 'float', 'fixed', 'loss'],
    overflow: ['provenSafe', 'wraps'], verification: ['vectors', 'mismatches', 'simulator', 'checks'],
  })) expect(Object.keys(json[part] as Json)).toEqual(expect.arrayContaining(names));
  expect(json['schema']).toBe(1);
  expect(Object.keys(json['resources']?.['estimated'] as Json)).toEqual(['lut', 'ff', 'dsp', 'bram']);
  for (const [list, names] of Object.entries({
    layers: ['name', 'kind', 'outputType', 'resources', 'cycles', 'range'], passes: ['name', 'seconds', 'opsBefore', 'opsAfter'], artifacts: ['path', 'sha256'],
  })) expect(Object.keys((json[list] as unknown as Json[])[0] as Json)).toEqual(expect.arrayContaining(names));
});

test('what is unknown is absent, never 0', () => {
  const json = JSON.parse(serializeReport(bareReport())) as Record<string, Json>;
  for (const part of ['accuracy', 'verification', 'device', 'precision', 'pipeline']) expect(json).not.toHaveProperty(part);
  expect(json['timing']).not.toHaveProperty('fmaxMHz');
  expect(json['budget']).not.toHaveProperty('latencyNs');
  expect(json['resources']).not.toHaveProperty('synthesised');
});

test('fields of a later version are dropped, not refused', () => {
  expect(parseReport(edited('model.colour', 'blue'))).toEqual(sampleReport());
});

test('wrong fields are refused with what was found and what is allowed', () => {
  expect(refusal(edited('latency.cycles', 9.5))).toEqual(['kind input', 'report.json.latency.cycles: expected int, found 9.5.']);
  expect(refusal(edited('resources.estimated.lut', -1))).toEqual(['kind input', 'report.json.resources.estimated.lut: expected at least 0, found -1.']);
  expect(refusal(edited('timing.source', 'guessed'))).toEqual([
    'kind input', 'report.json.timing.source: expected "proven" or "estimated" or "simulated" or "synthesised", found "guessed".',
  ]);
  expect(refusal(edited('model.sha256', 'abc'))).toEqual(['kind input', 'report.json.model.sha256: expected 64 hex digits, found "abc".']);
  expect(refusal(edited('layers.0.range.proven', [3, 1]))[1]).toBe('report.json.layers.0.range.proven: expected a range [lo, hi] with lo ≤ hi, found an array of 2.');
  expect(refusal(edited('overflow', undefined))).toEqual(['kind input', 'report.json.overflow: this object is missing.']);
});

test('all wrong fields are reported at once, and a flood is counted', () => {
  expect(refusal('{"schema":1}').length).toBeGreaterThan(8);
  const flood = refusal(edited('passes', Array.from({ length: 50 }, () => 7)));
  expect(flood).toHaveLength(1 + 12 + 1);
  expect(flood.at(-1)).toBe('report.json: 38 more fields are wrong.');
});

test('what is no report is refused in one sentence', () => {
  expect(refusal('')).toEqual(['kind input', 'report.json: the file is empty.']);
  expect(refusal('{"schema":')).toEqual(['kind input', 'report.json: this is not JSON.']);
  expect(refusal('null')).toEqual(['kind input', 'report.json: expected object, found null.']);
  expect(refusal('{"schema":2}')).toEqual(['kind input', 'report.json.schema: the report has schema version 2, this tool reads version 1.']);
  const deep = `{"schema":1,"model":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  expect(refusal(deep)).toContain('report.json.model: expected object, found an array of 1.');
});

test('a report that contradicts itself is refused', () => {
  expect(refusal(edited('budget.latencyCycles', 8))).toEqual([
    'kind input', 'report.json.budget.met: says true, but: 1 cycle (3.1 ns) over the 8 allowed.',
  ]);
  expect(refusal(edited('latency.ns', 25))).toEqual(['kind input', 'report.json.latency.ns: says 25, but 9 cycles at 320 MHz are 28.125.']);
  expect(refusal(edited('layers.6.stages', [7, 9]))).toEqual(['kind input', 'report.json.layers.score.stages: ends in stage 9, but the last is 8.']);
  expect(refusal(edited('latency.combinational', true))[1]).toBe('report.json.latency.combinational: says true, but there are 9 cycles.');
  expect(refusal(edited('overflow.wraps', [{ layer: 'a', type: 'b' }]))[1]).toBe('report.json.overflow.provenSafe: says true, but 1 type can wrap.');
});

test('a draft that is no report is our own fault', () => {
  const draft = { ...sampleDraft, timing: { ...sampleDraft.timing, criticalPathNs: Number.NaN } };
  expect(problemsOf(() => finishReport(draft))[0]).toBe('kind internal');
});
