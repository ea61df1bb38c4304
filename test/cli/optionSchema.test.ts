import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { optionFileSchema } from '../../src/cli/optionFileSchema.js';
import { readOptionFile, readOptions } from '../../src/cli/options.js';

/** docs/options.schema.json is what the command checks. */
const published = JSON.parse(readFileSync(new URL('../../docs/options.schema.json', import.meta.url), 'utf8')) as Parameters<typeof z.fromJSONSchema>[0];

const accepted = async (options: object): Promise<boolean> => {
  try {
    await readOptions({}, undefined, readOptionFile('conf.yaml', JSON.stringify(options)));
    return true;
  } catch {
    return false;
  }
};

describe('docs/options.schema.json', () => {
  it('is made of the option table (npx tsx docs/options-schema.ts)', () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(optionFileSchema())));
  });

  it.each([
    [{ model: 'm.onnx' }, true],
    [{ model: 'm.onnx', clock: '320MHz', latency: '50ns', effort: 'best', 'max-lut': 1000, synth: false, target: ['verilog', 'cpp'] }, true],
    [{ model: 'm.onnx', target: 'verilog,vhdl', seed: 3, name: 'trigger_v2' }, true],
    [{ clock: '320MHz' }, false],
    [{ model: 'm.onnx', clok: '320MHz' }, false],
    [{ model: 'm.onnx', effort: 'much' }, false],
    [{ model: 'm.onnx', synth: 'maybe' }, false],
    [{ model: 'm.onnx', 'max-lut': -1 }, false],
    [{ model: 'm.onnx', jobs: 0.5 }, false],
    [{ model: 'm.onnx', target: ['verilog', 'systemc'] }, false],
    [{ model: 'm.onnx', verify: { by: 'verilator' } }, false],
  ])('and the command judge %j alike', async (options, good) => {
    expect(z.fromJSONSchema(published).safeParse(options).success).toBe(good);
    expect(await accepted(options)).toBe(good);
  });
});
