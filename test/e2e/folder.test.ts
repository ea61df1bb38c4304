import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireTools } from '../../src/verify/tools.js';
import { apTypes } from '../helpers/chain.js';
import { compileModel, snapshotOf } from '../helpers/commandLine.js';

/** An output folder is the same every time, and works where nothing but common tools is. */
const root = mkdtempSync(join(tmpdir(), 'trigforge-folder-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fixture = join(import.meta.dirname, '../fixtures/hls4ml_wrap');
const out = join(root, 'out');

async function compiled(): Promise<void> {
  const { code } = await compileModel(join(fixture, 'float.onnx'), '--precision', join(fixture, 'precision.yml'), '--vectors', join(fixture, 'inputs.npy'), '--verify', 'emulator', '-o', out);
  expect(code).toBe(0);
}

beforeAll(compiled);

it('the same input gives the same bytes, but for the seconds of passes', async () => {
  const first = { files: snapshotOf(out), report: readFileSync(join(out, 'report.json'), 'utf8') };
  await compiled();
  const second = snapshotOf(out);
  const timed = (path: string): boolean => path === 'report.json' || path === 'report.html';
  expect(Object.entries(second).filter(([path]) => !timed(path))).toEqual(Object.entries(first.files).filter(([path]) => !timed(path)));
  const untimed = (text: string): string => text.replace(/"seconds": [\d.e-]+/g, '"seconds": 0');
  expect(untimed(readFileSync(join(out, 'report.json'), 'utf8'))).toBe(untimed(first.report));
});

it('moved elsewhere, with an empty environment, its Makefiles prove every form', { timeout: 240_000 }, async () => {
  const [verilator, compiler] = await requireTools(['verilator', 'g++']);
  const moved = join(root, 'elsewhere', 'moved');
  cpSync(out, moved, { recursive: true });
  rmSync(out, { recursive: true });
  const cxx = `CXX=${[compiler!.command, ...compiler!.prefixArgs].join(' ')}`;
  const make = (folder: string, ...words: string[]): string => {
    const { status, stdout, stderr } = spawnSync('make', ['-s', ...words], { cwd: join(moved, folder), encoding: 'utf8', env: { PATH: '/usr/bin:/bin', ...verilator!.env, ...compiler!.env } });
    expect(status, `${folder}: ${stderr}${stdout}`).toBe(0);
    return stdout;
  };
  expect(make('testbench', `VERILATOR=${verilator!.command}`)).toMatch(/back-to-back/);
  expect(make('emulator/cpp', 'check', cxx, 'ARCH=-O1')).toMatch(/\d{4} events, 0 mismatches/);
  const headers = apTypes();
  if (headers !== undefined) expect(make('vitis', 'check', cxx, 'CXXFLAGS=-O0', `AP_TYPES=${headers}`)).toMatch(/\d{4} events, 0 mismatches/);
  const mentions = readdirSync(moved, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && /\.(v|vhd|cpp|h|ts|tcl|xdc|txt|json|md)$|Makefile/.test(entry.name))
    .filter((entry) => entry.name !== 'report.json' && readFileSync(join(entry.parentPath, entry.name), 'utf8').includes(root)).map((entry) => entry.name);
  expect(mentions).toEqual([]);
});
