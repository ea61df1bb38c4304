import { describe, expect, it } from 'vitest';
import yargs from 'yargs';
import { CompileError } from '../../src/errors.js';
import { isOptionFile, readOptionFile, readOptions } from '../../src/cli/options.js';
import { OPTION_NAMES, optionOf } from '../../src/cli/optionTable.js';

/** The command line as the real parser reads it. */
function argvOf(...args: string[]): Record<string, unknown> {
  const parser = yargs(args).help(false).version(false);
  for (const name of OPTION_NAMES) {
    const { flag, alias } = optionOf(name);
    parser.option(name, { type: flag === true ? 'boolean' : 'string', ...(alias === undefined ? {} : { alias }) });
  }
  return parser.parseSync() as Record<string, unknown>;
}

const read = (...args: string[]) => readOptions(argvOf(...args), 'model.onnx');

async function failure(promise: Promise<unknown>): Promise<CompileError> {
  const error: unknown = await promise.then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(CompileError);
  return error as CompileError;
}

describe('the command line', () => {
  it('has the defaults of the interface', async () => {
    const { jobs, clock, ...rest } = await read();
    expect(jobs).toBeGreaterThanOrEqual(1);
    expect(clock.periodNs).toEqual({ n: 25n, d: 8n });
    expect(rest).toEqual({
      model: 'model.onnx', clockMHz: 320, latency: { mode: 'shortest' }, part: 'xcvu13p', targets: ['verilog', 'vhdl', 'vitis', 'cpp', 'typescript'], verify: 'auto',
      effort: 'normal', modelVersion: 1, seed: 1, synth: false, quiet: false, json: false,
    });
  });

  it('is read into types', async () => {
    const options = await read(
      '-o', 'build/x', '--clock', '360MHz', '--latency', '=2 BX', '--part', 'xcku115', '--input-type', 'a=ap_fixed<8,6>,b=ufixed<4,4>',
      '--precision', 'p.yml', '--data', 'x.npy', '--vectors', 'v.npy', '--score-type', 'ap_fixed<12,4>', '--target', 'verilog', '--verify', 'none',
      '--name', 'trigger', '--model-version', '3', '--seed', '7', '--jobs', '2', '--quiet', '--json', '--dump-after', 'narrow',
      '--ii', '1', '--max-dsp', '0', '--max-bram', '0', '--missing', 'none', '--head', 'score', '--primitives', 'generic', '--effort', 'best', '--max-lut', '5000', '--no-synth',
    );
    expect({ ...options, clock: undefined }).toMatchInlineSnapshot(`
      {
        "clock": undefined,
        "clockMHz": 360,
        "data": "x.npy",
        "dumpAfter": "narrow",
        "effort": "best",
        "head": "score",
        "inputType": "a=ap_fixed<8,6>,b=ufixed<4,4>",
        "jobs": 2,
        "json": true,
        "latency": {
          "cycles": 18,
          "mode": "exactly",
        },
        "maxLut": 5000,
        "missing": "none",
        "model": "model.onnx",
        "modelVersion": 3,
        "name": "trigger",
        "out": "build/x",
        "part": "xcku115",
        "precision": "p.yml",
        "quiet": true,
        "scoreType": "ap_fixed<12,4>",
        "seed": 7,
        "statedLatency": {
          "ns": 50,
          "text": "=2 BX",
        },
        "synth": false,
        "targets": [
          "verilog",
        ],
        "vectors": "v.npy",
        "verify": "none",
      }
    `);
  });

  it('collects everything that is wrong', async () => {
    const error = await failure(
      read('--clok', '320MHz', '--clock', '5 kg', '--latency', 'abc', '--verify', 'maybe', '--seed', '-1', '--jobs', 'many', '--name', '1x', '--target', 'verilog,pascal', '--out', 'a', '--out', 'b', '--precision', ''),
    );
    expect(error.kind).toBe('config');
    expect(error.message).toMatchInlineSnapshot(`
      "--clok: no such option. Did you mean '--clock'?
      --out: is given 2 times; give it once.
      --precision: '' needs a value.
      --target: 'verilog,pascal' must be a list of verilog, vhdl, vitis, cpp, typescript.
      --verify: 'maybe' must be one of none, emulator, verilator.
      --name: '1x' must be an identifier: letters, digits and _, not a digit first, at most 63.
      --seed: '-1' must be a whole number from 0 to 4294967295.
      --jobs: 'many' must be a whole number from 1 to 1024.
      --clock: '5 kg': 'kg' is no unit of frequency or time. Write a frequency or a period with its unit: 320MHz, 3.125ns.
      --latency: 'abc': has no number in front. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it."
    `);
  });

  it('reads a loss as a share or in percent', async () => {
    expect((await read('--data', 'x.npy', '--max-loss', '0.5%')).maxLoss).toBe(0.005);
    expect((await read('--data', 'x.npy', '--max-loss', '0.02')).maxLoss).toBe(0.02);
    expect((await failure(read('--data', 'x.npy', '--max-loss', '5'))).message).toBe("--max-loss: '5' must be at most 100%.");
    expect((await failure(read('--data', 'x.npy', '--max-loss', 'little'))).message).toBe("--max-loss: 'little' must be a share such as 0.5% or 0.005.");
    expect((await failure(read('--labels', 'y.npy'))).message).toBe('--labels: says nothing without events. Pass --data X.npy too.');
  });

  it('names what belongs to a later release, all at once', async () => {
    const error = await failure(
      read(
        '--ii', '2', '--max-dsp', '4', '--max-bram', '1',
        '--target', 'verilog,vhdl',
      ),
    );
    expect(error.kind).toBe('unsupported');
    expect(error.message).toMatchInlineSnapshot(`
      "--ii: 2: sharing resources comes in a later release; --ii 1 works: one event every cycle.
      --max-dsp: 4: DSPs and BRAMs are not used in this release; 0 works, and everything is made of LUTs.
      --max-bram: 1: DSPs and BRAMs are not used in this release; 0 works, and everything is made of LUTs."
    `);
  });

  it('needs a model', async () => {
    expect((await failure(readOptions(argvOf(), undefined))).message).toContain('no model is given');
  });
});

describe('an option file', () => {
  const conf = 'model: nets/m.onnx\nclock: 40MHz\nlatency: 50ns\ninputType: ap_fixed<16,6>\nout: build/a\nseed: 5\nquiet: true\ntarget: [verilog]\n';

  it('gives options; the command line wins; paths are beside it', async () => {
    const file = readOptionFile('runs/conf.yaml', conf);
    const options = await readOptions(argvOf('--clock', '320MHz'), undefined, file);
    expect(options).toMatchObject({
      model: 'runs/nets/m.onnx', clockMHz: 320, latency: { mode: 'atMost', cycles: 16 }, inputType: 'ap_fixed<16,6>', out: 'runs/build/a', seed: 5, quiet: true,
      targets: ['verilog'], statedLatency: { text: '50ns', ns: 50 },
    });
  });

  it('may be JSON', async () => {
    const file = readOptionFile('conf.json', '{"model": "m.onnx", "model-version": 4}');
    expect(await readOptions({}, undefined, file)).toMatchObject({ model: 'm.onnx', modelVersion: 4 });
  });

  it('is told from a model', () => {
    expect(isOptionFile('conf.yaml', 'model: x')).toBe(true);
    expect(isOptionFile('conf.json', '{"model": "m.onnx"}')).toBe(true);
    expect(isOptionFile('xgb.json', '{"learner": {}}')).toBe(false);
    expect(isOptionFile('model.onnx', '\x08\x07')).toBe(false);
  });

  it('points at the line', async () => {
    const messages = ['model: a\nclok: 1\nseed: {a: 1}\nseed2: 3\n', '- a\n', 'a: [\n', 'model: a\nseed: 1\nSeed: 2\n'].map((text) => {
      try {
        readOptionFile('conf.yaml', text);
        return 'read';
      } catch (error) {
        return (error as CompileError).message;
      }
    });
    expect(messages).toMatchInlineSnapshot(`
      [
        "conf.yaml:2: unknown option 'clok'. Did you mean 'clock'?
      conf.yaml:3 → seed: needs one value.
      conf.yaml:4: unknown option 'seed2'. Did you mean 'seed'?",
        "conf.yaml:1: the file holds no mapping of keys to values.",
        "conf.yaml:2: Flow sequence in block collection must be sufficiently indented and end with a ].",
        "conf.yaml:3: unknown option 'Seed'. Did you mean 'seed'?",
      ]
    `);
    const late = readOptionFile('conf.yaml', 'model: a\nseed: x\nlatency: 3 kg\n');
    expect((await failure(readOptions({}, undefined, late))).message).toMatchInlineSnapshot(`
      "conf.yaml:2 → seed: 'x' must be a whole number from 0 to 4294967295.
      conf.yaml:3 → latency: '3 kg': 'kg' is no unit of time. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it."
    `);
  });
});
