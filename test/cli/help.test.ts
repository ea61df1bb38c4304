import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { COMMAND_NAMES, COMMANDS } from '../../src/cli/commandTable.js';
import { helpText } from '../../src/cli/help.js';
import { OPTION_NAMES, optionOf } from '../../src/cli/optionTable.js';

/** Texts broken into lines and columns, as one line each. */
const flat = (text: string): string => text.replace(/\s+/g, ' ');

describe('help', () => {
  it('has every command and every option of compiling with its default', () => {
    const text = helpText(['--help'], 1000);
    for (const command of COMMAND_NAMES) expect(text).toContain(`compile-model ${command}`);
    for (const name of OPTION_NAMES) {
      const { describe: meaning, default: preset, flag, alias } = optionOf(name);
      const start = `${alias === undefined ? '' : `-${alias}, `}--${name}${flag === true ? '' : ' X'}`;
      expect(flat(text)).toContain(flat(`${start} ${meaning}${preset === undefined ? '' : ` [default: ${preset}]`}`));
    }
  });

  it('of a command has its options, those of all and no others', () => {
    for (const command of COMMAND_NAMES) {
      const text = helpText(['--json', command, '--help'], 80);
      const shown = [...text.matchAll(/^ {2}(?:-\w,)? +--([\w-]+)/gm)].map((match) => match[1]);
      expect(shown.sort()).toEqual([...new Set(['help', 'version', 'json', 'quiet', ...Object.keys(COMMANDS[command].options)])].sort());
    }
    expect(helpText(['emulate', '-h'], 80)).toContain('--inputs X   events: .npy, .npz or .csv [required]');
    expect(helpText(['verify', '-h'], 80)).toContain('--seed X    seed of the random events [default: 1]');
  });

  it.each([80, 100])('keeps to %i columns, but for the examples', (width) => {
    const lines = helpText([], width).split('\n').filter((line) => !line.startsWith('  compile-model ') || line.includes('<'));
    expect(lines.filter((line) => line.length > width)).toEqual([]);
    expect(flat(helpText([], width))).toContain('Verilog with a proof that it is bit-exact. compile-model model.onnx');
  });
});

describe('start-up', () => {
  it('loads no package and little of our own before it knows what is asked', async () => {
    const { metafile } = await build({
      absWorkingDir: fileURLToPath(new URL('../../', import.meta.url)),
      entryPoints: ['src/cli/main.ts'], bundle: true, splitting: true, format: 'esm', platform: 'node', packages: 'external', outdir: 'none', write: false, metafile: true,
    });
    const loaded = new Set<string>();
    const packages = new Set<string>();
    const load = (path: string): void => {
      if (loaded.has(path)) return;
      loaded.add(path);
      for (const { path: next, kind, external } of metafile.outputs[path]?.imports ?? []) {
        if (kind === 'dynamic-import') continue;
        if (external === true) packages.add(next);
        else load(next);
      }
    };
    load('none/main.js');
    expect([...packages].filter((name) => !name.startsWith('node:'))).toEqual([]);
    expect([...loaded].reduce((sum, path) => sum + (metafile.outputs[path]?.bytes ?? 0), 0)).toBeLessThan(60_000);
  });
});
