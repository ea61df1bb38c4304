import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { verilog } from '../../src/backends/verilog/verilog.js';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { intervalOf, kindOf, Op } from '../../src/circuit/circuit.js';
import { readModel, typeModel } from '../../src/compile/model.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import type { NamedArray } from '../../src/io/arrays.js';
import { readNpy } from '../../src/io/npy.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { indexOfGreatest } from '../../src/optimize/decision/argmax.js';
import { runPasses } from '../../src/passes/pass.js';
import { defaultPasses } from '../../src/passes/pipeline.js';
import { deviceOf } from '../../src/timing/device.js';
import { pipelineCircuit } from '../../src/timing/pipeline.js';

/*
 * Forests against TreeLUT on the yardstick of ../shared: LUT + INV, registers, carries, depth a stage, agreement with the
 * library's decisions. npx tsx test/bench/forests.ts [--only NAME] [--primitives generic|xilinx|both] [--cycles N] [--no-synth] [--out DIR]
 * [--max-loss PERCENT [--metric accuracy|agreement] [--effort fast|normal|best]] (fitted to the training events)
 *
 * LUT + INV with the decision in four stages; TreeLUT without it: 712, 2610, 1688.
 *
 * | attempt | jets5q6 | jets5q8 | zmumuq8 |
 * |---|---|---|---|
 * | codes and tables, expressions (agreement .9817, .9912, .9857) | 962, then 912 | 2901 | 1778 |
 * | the same of cells, small tables in chains of five | 505 | 1261 | 867 |
 * | … all pairs of small tables begin accumulators | 533 | 1261 | 880 |
 * | … chains of five, accumulators meet by depth | 511 | 1261 | 880 |
 * | … chains of eight | 511 | 1364 | 892 |
 *
 * Plain Verilog, LUT + INV; each row what ABC makes of our own mapping, written as expressions (carry cells kept, not exact where registers were added):
 *
 * | attempt | jets5q6 | jets5q8 | zmumuq8 |
 * |---|---|---|---|
 * | as emitted | 912 | 2901 | 1672 |
 * | every LUT of ours a wire with its function | 879 | 2654 | 1613 |
 * | … with `keep` on each | 974 | 2821 | 2014 |
 * | … tables in adders left as cells | 827 | 2017 | 1246 |
 * | … registers behind comparisons | 900 | 2813 | 1490 |
 * | … registers behind comparisons and codes (FF 677, 1698, 1161) | 798 | 2059 | 1376 |
 * | as emitted beside 40 levels of other logic, whose 80 LUT count: time to spare for area | 982 | 2330 | |
 * | our own mapping, two functions of five inputs never in one LUT: the floor | 671 | 1761 | 1352 |
 *
 * | every LUT behind a module that is kept, inputs a LUT (FF 249, 585, 311) | 703 | 1941 | 1393 |
 * | … sums take their data as the narrower operand: as emitted now (geometric mean 0.80 of TreeLUT's) | 670 | 1796 | 1361 |
 *
 * | fitted | jets5q6 | jets5q8 | zmumuq8 |
 * |---|---|---|---|
 * | fitted, accuracy −0.2 % (test accuracy +.0007, −.0011, −.0014; LUT cells counted by us) | 422 | 1005 | 908 |
 * | … again, with leaves that are only rounded among the candidates (test accuracy −.0025, −.0011, −.0048) | 435 | 1039 | 899 |
 * | fitted, agreement as TreeLUT's (.9792, .9858, .9866 on test events; counted by us) | 444 | 1023 | 525 |
 *
 * Cells one after another in the deepest stage, a CARRY4 one cell: TreeLUT 5, 5, 11 (four stages, no decision); ours of cells in
 * four stages with the decision 12, 13, 12 at 320 MHz, where registers come first, and 7, 10, 9 with stages as even as they can be.
 */

interface Workload {
  readonly model: string;
  readonly data: string;
  readonly inputType: string;
  readonly labels: string;
  /** Fraction bits of the leaves in the exact setting. */
  readonly leafBits: number;
  readonly treelut: { readonly lut: number; readonly agreement: number; readonly depth: number };
}

const WORKLOADS: readonly Workload[] = [
  { model: 'xgb_jets5q6_10x5_d3', data: 'jets5q6', labels: 'jets5', inputType: 'ufixed<6,6>', leafBits: 4, treelut: { lut: 712, agreement: 0.972, depth: 15 } },
  { model: 'xgb_jets5q8_15x5_d4', data: 'jets5q8', labels: 'jets5', inputType: 'ufixed<8,8>', leafBits: 4, treelut: { lut: 2610, agreement: 0.9856, depth: 21 } },
  { model: 'xgb_zmumuq8_100x4', data: 'zmumuq8', labels: 'zmumu', inputType: 'ufixed<8,8>', leafBits: 2, treelut: { lut: 1688, agreement: 0.9857, depth: 28 } },
];

const shared = resolve(import.meta.dirname, '../../../shared');
const option = (name: string): string | undefined => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const array = (path: string): { readonly shape: readonly number[]; readonly data: Float64Array } => readNpy(readFileSync(join(shared, path)), [path]);

/** The circuit with its score ports replaced by the decision: the class, or for one score whether it is above 0. */
function withDecision(circuit: Circuit): Circuit {
  const builder = new CircuitBuilder(circuit.name);
  for (const port of circuit.inputs) builder.declareInput(port);
  const renamed: number[] = [];
  for (let op = 0; op < circuit.size; op++) {
    const kind = kindOf(circuit, op);
    builder.setOrigin(circuit.origins[circuit.origin[op] as number], circuit.element[op] as number);
    const at = (list: Int32Array): number => renamed[list[op] as number] ?? -1;
    const table = circuit.tables[circuit.param[op] as number];
    if (kind === Op.input) renamed.push(builder.inputElement(circuit.a[op] as number, circuit.b[op] as number, intervalOf(circuit, op)));
    else if (kind === Op.const) renamed.push(builder.constant(circuit.lo[op] as number, circuit.exp[op] as number));
    else if (kind === Op.lookup && table !== undefined) renamed.push(builder.lookup(at(circuit.a), table));
    else renamed.push(builder.op(kind, at(circuit.a), at(circuit.b), at(circuit.c), circuit.param[op] as number));
  }
  builder.setOrigin({ layer: 'decision', kind: 'argmax' });
  const scores = Array.from(circuit.outputs[0]?.ops ?? [], (op) => renamed[op] as number);
  const decision = scores.length === 1 ? builder.lt(builder.constant(0), scores[0] as number) : indexOfGreatest(builder, scores);
  builder.addOutput('decision', [1], [decision]);
  return builder.finish();
}

function decisions(scores: Float64Array, n: number): Int32Array {
  const width = scores.length / n;
  return Int32Array.from({ length: n }, (_, row) => {
    if (width === 1) return (scores[row] as number) > 0 ? 1 : 0;
    let best = 0;
    for (let i = 1; i < width; i++) if ((scores[row * width + i] as number) > (scores[row * width + best] as number)) best = i;
    return best;
  });
}

function fractionEqual(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let equal = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) equal++;
  return Math.round((equal / a.length) * 1e4) / 1e4;
}

/** Whole numbers below `end`, the same ones every time. */
function uniform(count: number, end: number): Float64Array {
  let state = 1;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  });
}

function floatDecisions(graph: ModelGraph, rows: Float64Array, n: number): Int32Array {
  const outputs = evaluateBatch(graph, catalogue, new Map([[graph.inputs[0]?.name ?? '', rows]]), n);
  return decisions([...outputs.values()][0] as Float64Array, n);
}

async function run(workload: Workload): Promise<void> {
  const bytes = readFileSync(join(shared, 'models/trees', workload.model, 'model.json'));
  const graph = readModel({ name: 'model.json', bytes }, () => undefined);
  const bits = Number(option('--bits') ?? workload.leafBits);
  const loss = option('--max-loss');
  const train = (path: string): { readonly arrays: readonly NamedArray[]; readonly file: string } => ({ arrays: [readNpy(readFileSync(join(shared, path)), [path])], file: path });
  const fit = loss === undefined ? {} : {
    data: train(`data/${workload.data}_train_X.npy`), labels: train(`data/${workload.labels}_train_y.npy`), metric: (option('--metric') ?? 'accuracy') as 'accuracy', maxLoss: Number(loss) / 100,
  };
  const typed = (await typeModel(graph, { inputType: workload.inputType, ...(loss === undefined ? { scoreType: `fixed<32,${32 - bits}>` } : fit), effort: (option('--effort') ?? 'normal') as 'normal', part: 'xcvu9p' }, { onStep: (text) => console.error(text) })).graph;
  const slack = Number(option('--slack') ?? 1);
  const lowered = withDecision(lowerGraph(typed, { name: workload.data, depthSlack: slack }));
  const { circuit } = runPasses(lowered, defaultPasses, { check: true });
  const cycles = Number(option('--cycles') ?? 4);
  const test = array(`data/${workload.data}_test_X.npy`);
  const n = test.shape[0] as number;
  const ours = compileEmulator(circuit).run([test.data], n)[0] as Float64Array;
  const agreement = fractionEqual(ours, floatDecisions(graph, test.data, n));
  const labels = array(`data/${workload.labels}_test_y.npy`).data;
  const random = uniform(test.data.length, 2 ** Number(/<(\d+)/.exec(workload.inputType)?.[1]));
  const uniformAgreement = fractionEqual(compileEmulator(circuit).run([random], n)[0] as Float64Array, floatDecisions(graph, random, n));
  const base = { workload: workload.data, bits, slack, ops: circuit.size, agreement, uniformAgreement, accuracy: fractionEqual(ours, labels.subarray(0, n)) };
  const out = option('--out') ?? '/tmp/fc/out';
  mkdirSync(out, { recursive: true });
  const info = { top: workload.data, modelName: workload.model, modelVersion: 1, hash: '' } as const;
  const chosen = option('--primitives') ?? 'generic';
  for (const primitives of chosen === 'both' ? ['generic', 'xilinx'] : [chosen]) {
    const { schedule, registerBits } = pipelineCircuit(circuit, deviceOf('xcvu9p'), 320, { mode: 'exactly', cycles }, { ternary: primitives === 'xilinx' });
    const file = join(out, `${workload.data}_${primitives}.v`);
    writeFileSync(file, verilog.emit(schedule, primitives === 'xilinx' ? { ...info, primitives } : info)[0]?.text ?? '');
    const script = join(shared, 'bench/synth.sh');
    if (process.argv.includes('--no-synth') || !existsSync(script)) {
      console.log(JSON.stringify({ ...base, registerBits, primitives }));
      continue;
    }
    const { xcup } = JSON.parse(execFileSync('bash', [script, file, info.top], { encoding: 'utf8' })) as { xcup: { LUT: number; INV: number; CARRY: number; FF: number; MUXF: number; depth: number; seconds: number } };
    const total = xcup.LUT + xcup.INV;
    console.log(JSON.stringify({ ...base, registerBits, primitives, lutInv: total, ratio: Math.round((total / workload.treelut.lut) * 1e3) / 1e3, ...xcup, luts: undefined, other: undefined }));
  }
}

for (const workload of WORKLOADS) {
  const only = option('--only');
  if (only === undefined || workload.data === only) await run(workload);
}
