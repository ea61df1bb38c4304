import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Circuit } from '../../src/circuit/circuit.js';
import { kindOf, Op, OPERAND_COUNT } from '../../src/circuit/circuit.js';
import { circuitFromText } from '../../src/circuit/parse.js';
import { runCommandLine } from '../../src/cli/commandLine.js';

/*
 * Linear layers against the best rival on the yardstick of ../shared/bench; without it, compile figures of a model of our own.
 * npx tsx test/bench/arithmetic.ts [--only NAME] [--effort fast|normal|best] [--clock 200MHz] [--latency '14 cycles'] [--primitives xilinx] [--verify verilator]
 * [--no-synth]
 *
 * One line a workload: LUT + INV and its ratio to the rival's, other cells, stages, most adders on a path, seconds; at the
 * end the geometric mean of the ratios. A latency lets the smallest circuit be taken instead of the fastest.
 */

/** The rival's LUT + INV, the least over its settings. */
const RIVAL: Readonly<Record<string, number>> = { hgq_jet: 1753, axol1tl_v4: 11185, jet_qk6: 33237, cmvm_16x16_8b: 4539, cmvm_32x32_8b: 17822 };
/** The rival's own cost with adders of three operands; our LUT sites are held against it with `--primitives xilinx`. */
const RIVAL_TERNARY: Readonly<Record<string, number>> = { hgq_jet: 1174, axol1tl_v4: 7543, jet_qk6: 22471, cmvm_16x16_8b: 3387, cmvm_32x32_8b: 12291 };

const bench = resolve(import.meta.dirname, '../../../shared/bench');
const option = (name: string): string | undefined => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);

interface Cells {
  readonly LUT: number;
  readonly INV: number;
  readonly CARRY: number;
  readonly FF: number;
}

/** Most additions and subtractions on any path. */
function adderDepth(circuit: Circuit): number {
  const depth = new Int32Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) {
    const kind = kindOf(circuit, op);
    const operands = [circuit.a, circuit.b, circuit.c].slice(0, OPERAND_COUNT[kind]).map((list) => depth[list[op] as number] as number);
    depth[op] = Math.max(0, ...operands) + (kind === Op.add || kind === Op.sub ? 1 : 0);
  }
  return depth.reduce((most, levels) => Math.max(most, levels), 0);
}

async function run(name: string, words: readonly string[], out: string): Promise<number | undefined> {
  const start = performance.now();
  const latency = option('--latency');
  const code = await runCommandLine([
    ...words, '--clock', option('--clock') ?? '200MHz', ...(latency === undefined ? [] : ['--latency', latency]), '--effort', option('--effort') ?? 'normal',
    '--verify', option('--verify') ?? 'none', '--primitives', option('--primitives') ?? 'generic', '--target', 'verilog', '--name', 'top', '--out', out, '--quiet',
  ]);
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  if (code !== 0 && code !== 2) return undefined;
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as { readonly latency?: { readonly cycles?: number } };
  const base = { name, seconds, cycles: report.latency?.cycles, adderDepth: adderDepth(circuitFromText(readFileSync(join(out, 'circuit.txt'), 'utf8'))) };
  const script = join(bench, 'synth.sh');
  if (process.argv.includes('--no-synth') || !existsSync(script)) {
    console.log(JSON.stringify(base));
    return undefined;
  }
  const { xcup } = JSON.parse(execFileSync('bash', [script, join(out, 'verilog/top.v'), 'top'], { encoding: 'utf8' })) as { readonly xcup: Cells };
  const lutInv = xcup.LUT + xcup.INV;
  const rival = (option('--primitives') === 'xilinx' ? RIVAL_TERNARY : RIVAL)[name];
  const ratio = rival === undefined ? undefined : lutInv / rival;
  console.log(JSON.stringify({ ...base, lutInv, ratio: ratio === undefined ? undefined : Math.round(ratio * 1e3) / 1e3, LUT: xcup.LUT, INV: xcup.INV, CARRY: xcup.CARRY, FF: xcup.FF }));
  return ratio;
}

function wordsOf(name: string): string[] {
  const folder = join(bench, name);
  return existsSync(join(folder, 'model.h5')) ? [join(folder, 'model.h5')] : [join(folder, 'float.onnx'), '--precision', join(folder, 'precision.yml')];
}

const folder = mkdtempSync(join(tmpdir(), 'arithmetic-'));
const only = option('--only');
const names = existsSync(bench) ? Object.keys(RIVAL) : ['anomaly'];
const ratios: number[] = [];
for (const name of names.filter((known) => only === undefined || known === only)) {
  const words = existsSync(bench) ? wordsOf(name) : [resolve(import.meta.dirname, '../fixtures/anomaly/model.onnx')];
  const ratio = await run(name, words, join(folder, name));
  if (ratio !== undefined) ratios.push(ratio);
}
if (ratios.length > 1) console.log(JSON.stringify({ geometricMean: Math.round(Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length) * 1e3) / 1e3 }));
