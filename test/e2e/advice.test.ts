import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { compileModel } from '../helpers/commandLine.js';

/** What a budget that is not met would need: each suggestion, typed, gives what it says. */
const root = mkdtempSync(join(tmpdir(), 'trigforge-advice-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fixture = join(import.meta.dirname, '../fixtures/hls4ml_wrap');
const out = join(root, 'out');

interface Suggestion {
  readonly change: string;
  readonly met: boolean;
  readonly lut?: number;
  readonly cycles?: number;
  readonly note?: string;
}

async function compile(precision: string, ...words: string[]) {
  const { code, stdout } = await compileModel(join(fixture, 'float.onnx'), '--precision', precision, '--input-type', 'fixed<8,4>', '--effort', 'fast', '--verify', 'none', '--target', 'verilog', '-o', out, ...words);
  return { code, stdout, report: JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) };
}

/** An option that the command line already has is changed, not given twice. */
async function with_(change: string, limit: string) {
  const [name, value] = /^(--\S+) '?([^']*)'?$/.exec(change)!.slice(1) as [string, string];
  const words = ['--precision', join(fixture, 'precision.yml'), '--input-type', 'fixed<8,4>', '--effort', 'fast', '--verify', 'none', '--target', 'verilog', '-o', out, '--max-lut', limit];
  const at = words.indexOf(name);
  if (at >= 0) words[at + 1] = value;
  const { code } = await compileModel(join(fixture, 'float.onnx'), ...words, ...(at >= 0 ? [] : [name, value]));
  return { code, report: JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) };
}

it('too many LUTs: options and types that fit are tried, and give what was said', { timeout: 200_000 }, async () => {
  const { report: free } = await compile(join(fixture, 'precision.yml'));
  const limit = String(free.resources.estimated.lut - 100);
  const { code, report } = await compile(join(fixture, 'precision.yml'), '--max-lut', limit);
  expect([code, report.budget.met]).toEqual([2, false]);
  const tried: Suggestion[] = report.suggestions;
  expect(tried.filter((s) => s.met).length).toBeGreaterThan(1);
  expect(tried.map((s) => s.met)).toEqual([...tried.map((s) => s.met)].sort((a, b) => Number(b) - Number(a)));
  for (const suggestion of tried.filter((s) => s.change.startsWith('--'))) {
    const again = await with_(suggestion.change, limit);
    expect([suggestion.change, again.code, again.report.resources.estimated.lut, again.report.latency.cycles]).toEqual([suggestion.change, suggestion.met ? 0 : 2, suggestion.lut, suggestion.cycles]);
  }
  // The same for a change in the precision file.
  const inFile = tried.find((s) => s.change === 'weight types of the precision file one bit narrower')!;
  expect(inFile.note).toBe('other numbers: look at the accuracy');
  const changed = join(root, 'precision.yml');
  writeFileSync(changed, readFileSync(join(fixture, 'precision.yml'), 'utf8').replaceAll('weight: fixed<6,2>', 'weight: fixed<5,2>'));
  expect((await compile(changed, '--max-lut', limit)).report.resources.estimated.lut).toBe(inFile.lut);
  expect(tried.some((s) => s.change === 'weight, accum, result of fc1 one bit narrower' || s.change === 'weight, accum, result of fc2 one bit narrower')).toBe(true);
});

it('too few cycles: the layers with most of the latency are named, with the latency and clock that fit', { timeout: 100_000 }, async () => {
  const { code, stdout, report } = await compile(join(fixture, 'precision.yml'), '--latency', '12ns');
  expect(code).toBe(2);
  expect(stdout).toMatch(/most latency in {2}fc\d \(\d cycles?\)/);
  const fitting = report.suggestions.find((s: Suggestion) => s.change.startsWith('--latency'));
  expect(fitting).toMatchObject({ met: true, change: `--latency '${report.latency.cycles} cycles'`, cycles: report.latency.cycles });
});
