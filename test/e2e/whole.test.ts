import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileModel, complaints } from '../helpers/commandLine.js';

/** Folders whose files do not belong together are refused by whoever answers for all of them. */
const root = mkdtempSync(join(tmpdir(), 'trigforge-whole-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fixture = join(import.meta.dirname, '../fixtures/xgboost_binary/model.json');

beforeAll(async () => {
  for (const version of ['1', '2']) {
    const { code } = await compileModel(fixture, '--input-type', 'ufixed<8,8>', '--name', 'bdt', '--model-version', version, '--effort', 'fast', '--target', 'cpp', '--verify', 'emulator', '-o', join(root, `v${version}`));
    expect(code).toBe(0);
  }
});

/** A copy of the first build after `change`. */
function spoilt(change: (folder: string) => void): string {
  const folder = join(root, 'spoilt');
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(root, 'v1'), folder, { recursive: true });
  change(folder);
  return folder;
}

const ofSecond = (folder: string, path: string): void => cpSync(join(root, 'v2', path), join(folder, path));

it.each([
  ['a file of another build', (folder: string) => ofSecond(folder, 'emulator/cpp/bdt.h'), /spoilt: is mixed or was edited: emulator\/cpp\/bdt\.h is not the file that report\.json was written with\./],
  ['the report of another build', (folder: string) => ofSecond(folder, 'report.json'), /is mixed or was edited: \S+, \S+, \S+ and \d+ more are not the files that report\.json was written with|circuit\.schedule\.json: is not the file that/],
  ['a file that is lost, and one that was edited', (folder: string) => {
    rmSync(join(folder, 'testbench/harness.cpp'));
    writeFileSync(join(folder, 'verilog/bdt_ports.v'), `\ufeff${readFileSync(join(folder, 'verilog/bdt_ports.v'), 'utf8')}`);
  }, /is not complete: testbench\/harness\.cpp is missing\. Compile the model again\.\nerror: \S+spoilt: is mixed or was edited: verilog\/bdt_ports\.v is not/],
])('%s', async (_, change, message) => {
  const folder = spoilt(change);
  for (const words of [['verify', folder], ['package', folder, '--for', 'cmssw', join(root, 'package')]]) {
    const { code, stdout, stderr } = await compileModel(...words);
    expect([code, stdout, complaints(stderr)]).toEqual([1, '', expect.stringMatching(message)]);
  }
});

it('what its Makefiles make does no harm', async () => {
  const folder = spoilt((path) => writeFileSync(join(path, 'emulator/cpp/bdt.o'), 'made'));
  const { code } = await compileModel('package', folder, '--for', 'athena', join(root, 'athena'));
  expect(code).toBe(0);
});
