import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { compileModel } from '../helpers/commandLine.js';

const root = mkdtempSync(join(tmpdir(), 'trigforge-hash-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fixture = join(import.meta.dirname, '../fixtures/hls4ml_project_mlp');
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

async function hashOf(model: string): Promise<string> {
  const out = join(root, 'out');
  const { code, stderr } = await compileModel(model, '--target', 'verilog', '--verify', 'none', '--effort', 'fast', '-o', out);
  expect([code, stderr.includes('error')]).toEqual([0, false]);
  return (JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as { model: { sha256: string } }).model.sha256;
}

it('a folder’s hash is that of the files that were read, whatever lies beside them', async () => {
  const project = join(root, 'project');
  cpSync(join(fixture, 'firmware'), join(project, 'firmware'), { recursive: true });
  const before = await hashOf(project);
  const files = readdirSync(project, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const list = files.map((file) => [file.slice(project.length + 1), readFileSync(file)] as const).toSorted(([a], [b]) => (a < b ? -1 : 1));
  // Weights stand as text and as a header: one of the two is read.
  const read = list.filter(([path]) => !/weights\/.*\.h$/.test(path));
  const lists = [list, read].map((part) => sha256(part.map(([path, bytes]) => `${sha256(bytes)}  ${path}\n`).join('')));
  expect(lists).toContain(before);
  writeFileSync(join(project, 'notes.log'), 'of no concern');
  expect(await hashOf(project)).toBe(before);
  const weights = files.find((file) => /weights\/w\d+\.(txt|h)$/.test(file))!;
  writeFileSync(weights, readFileSync(weights, 'utf8').replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10)));
  expect(await hashOf(project)).not.toBe(before);
});
