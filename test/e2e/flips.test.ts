import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArrays } from '../../src/io/arrays.js';
import { writeNpy } from '../../src/io/npy.js';
import { compileModel, complaints } from '../helpers/commandLine.js';

/** `report OUT --against OTHER`: decisions that flip, counted here by hand from what `emulate` gives. */
const root = mkdtempSync(join(tmpdir(), 'trigforge-flips-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fixture = (path: string): string => join(import.meta.dirname, '../fixtures', path);
const [old, retrained, wide] = ['old', 'retrained', 'wide'].map((name) => join(root, name)) as [string, string, string];
const events = join(root, 'events.npy');

async function compiled(out: string, model: string, ...more: readonly string[]): Promise<void> {
  const { code, stderr } = await compileModel(model, '--target', 'verilog', '--effort', 'fast', '-o', out, ...more);
  expect([code, complaints(stderr)]).toEqual([0, '']);
}

beforeAll(async () => {
  const model = JSON.parse(readFileSync(fixture('xgboost_binary/model.json'), 'utf8')) as { learner: { gradient_booster: { model: { trees: { base_weights: number[]; split_conditions: number[]; left_children: number[] }[] } } } };
  // "Retrained": the leaves of every tree a little higher.
  for (const tree of model.learner.gradient_booster.model.trees) tree.split_conditions = tree.split_conditions.map((value, i) => (tree.left_children[i] === -1 ? value + 0.05 : value));
  const path = join(root, 'retrained.json');
  writeFileSync(path, JSON.stringify(model));
  const forest = ['--input-type', 'ufixed<8,8>', '--verify', 'emulator', '--name', 'bdt'];
  await compiled(old, fixture('xgboost_binary/model.json'), ...forest);
  await compiled(retrained, path, ...forest);
  await compiled(wide, fixture('xgboost_multiclass/model.json'), ...forest);
  const { shape, data } = readArrays(readFileSync(fixture('xgboost_binary/inputs.npy')), 'inputs')[0]!;
  writeFileSync(events, writeNpy(shape, data.map((value) => Math.max(0, Math.min(255, Math.floor(value))))));
});

async function scores(out: string): Promise<Float64Array> {
  const path = join(root, 'scores.npy');
  expect((await compileModel('emulate', out, '--inputs', events, '--outputs', path)).code).toBe(0);
  return readArrays(readFileSync(path), path)[0]!.data;
}

interface Comparison {
  readonly changes: readonly { readonly group: string; readonly name: string; readonly after: number }[];
  readonly notes: readonly string[];
}

async function compared(...words: readonly string[]): Promise<Comparison> {
  const { code, stdout } = await compileModel('report', ...words, '--json');
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { comparison: Comparison }).comparison;
}

const decisions = ({ changes }: Comparison): unknown[] => changes.filter(({ group }) => group === 'decisions').map(({ name, after }) => [name, after]);

describe('flipped decisions', () => {
  it('are those that emulate gives, at the forest’s own threshold and at another', async () => {
    const [was, is] = [await scores(old), await scores(retrained)];
    const flipped = (limit: number): number => was.filter((score, i) => score > limit !== (is[i] as number) > limit).length;
    const differing = was.filter((score, i) => score !== is[i]).length;
    const [output] = (JSON.parse(readFileSync(join(old, 'report.json'), 'utf8')) as { model: { outputs: { name: string }[] } }).model.outputs;
    for (const [limit, words] of [[0, []], [0.75, ['--threshold', '0.75']]] as const) {
      expect(flipped(limit)).toBeGreaterThan(0);
      expect(decisions(await compared(retrained, '--against', old, '--inputs', events, ...words))).toEqual([
        [`flipped (${output!.name} > ${limit}), of ${was.length} events`, flipped(limit)], [`outputs that differ, of ${was.length} events`, differing],
      ]);
    }
  });

  it('are counted on the folder’s own events where none are given, and none flips against itself', async () => {
    const found = decisions(await compared(retrained, '--against', old)) as [string, number][];
    expect(found[0]).toEqual([expect.stringMatching(/^flipped \(.* > 0\), of 1 024 events$/), expect.any(Number)]);
    expect((await compared(old, '--against', old)).notes).toEqual(['decisions: every output is the same on 1 024 events']);
  });

  it('cannot be counted where outputs differ in shape, which is said', async () => {
    const { notes } = await compared(wide, '--against', old);
    expect(notes).toEqual([expect.stringMatching(/^decisions: (inputs|outputs) are .* \[.*\] before, .* \[.*\] after, so not compared$/)]);
  });

  it('a threshold or events without another folder, and what is no number, are refused', async () => {
    expect((await compileModel('report', old, '--threshold', '1')).stderr).toContain('--threshold: compares decisions, and needs --against OTHER.');
    expect((await compileModel('report', old, '--against', old, '--threshold', 'high')).stderr).toContain("--threshold: 'high' is no number.");
  });
});
