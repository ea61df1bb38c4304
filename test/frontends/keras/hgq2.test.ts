import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readArrays } from '../../../src/io/arrays.js';
import { compileModel } from '../../helpers/commandLine.js';
import { arraysOf, circuitOf, differences } from '../../helpers/hgq2.js';

const ROOT = 'test/fixtures';
const MODELS = readdirSync(ROOT).filter((name) => name.startsWith('hgq2_'));

describe('HGQ2 models give what the library gives, bit for bit', () => {
  it('are there', () => expect(MODELS.length).toBeGreaterThan(0));
  it.each(MODELS)('%s', (name) => expect(differences(`${ROOT}/${name}`, circuitOf(`${ROOT}/${name}`))).toEqual([]), 60_000);
});

describe('the command on an HGQ2 model', () => {
  it.each(['softmax', 'dense'])('compiles %s, proves the Verilog in simulation and emulates what the library gives', async (name) => {
    const model = `${ROOT}/hgq2_${name}`;
    const out = mkdtempSync(join(tmpdir(), 'hgq2-'));
    try {
      const compiled = await compileModel(`${model}/model.keras`, '--out', `${out}/design`, '--verify', 'verilator', '--vectors', `${model}/inputs.npy`, '--target', 'verilog');
      expect(compiled.code, compiled.stderr).toBe(0);
      const report = JSON.parse(readFileSync(`${out}/design/report.json`, 'utf8')) as { verification: { mismatches: number; simulator?: string } };
      expect(report.verification.mismatches).toBe(0);
      expect(report.verification.simulator).toMatch(/verilator/i);
      const expected = arraysOf(model, 'outputs') ?? [];
      const outputs = `${out}/outputs.${expected.length === 1 ? 'npy' : 'npz'}`;
      const emulated = await compileModel('emulate', `${out}/design`, '--inputs', `${model}/inputs.npy`, '--outputs', outputs);
      expect(emulated.code, emulated.stderr).toBe(0);
      readArrays(readFileSync(outputs), outputs).forEach(({ name: own, data }, n) => {
        const wanted = expected.find((array) => array.name === own) ?? expected[n];
        expect(Array.from(data)).toEqual(Array.from(wanted?.data ?? [], (value) => Number(value) + 0));
      });
    } finally {
      rmSync(out, { recursive: true });
    }
  }, 300_000);
});
