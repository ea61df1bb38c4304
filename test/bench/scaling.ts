import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Random } from '../helpers/random.js';

/*
 * Seconds and memory of compiling against operations: convolutional autoencoders on 18 x 14 and forests, made here.
 * npx tsx test/bench/scaling.ts [--only NAME] [--most OPS] [--write]      needs `make build`
 *
 * A run is one process: read, lower, optimise, schedule, verify by the emulator, and write Verilog and the C++ emulator.
 * --write keeps the numbers in docs/scaling.json, from which docs/speed.mjs makes the table and the plot of docs/speed.md.
 */

const ROOT = resolve(import.meta.dirname, '../..');
const option = (name: string): string | undefined => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);

interface Sample {
  readonly model: string;
  readonly size: number;
  readonly operations: number;
  /** CPU time of the process. */
  readonly seconds: number;
  /** Largest resident set. */
  readonly megabytes: number;
}

interface Tensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const product = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);

/** 18 x 14 -> 3x3 conv to `channels`, pool, 3x3 conv to a quarter, back by a 2x2 transposed convolution and a 3x3 conv. */
function autoencoder(channels: number): object {
  const random = new Random(channels);
  const narrow = Math.max(1, channels >> 2);
  /** Weights of 4 bits, half of them 0. */
  const weights = (shape: readonly number[]): Tensor => ({ shape, data: Array.from({ length: product(shape) }, () => (random.chance(0.5) ? 0 : random.int(-7, 7) / 8)) });
  const bias = (length: number): Tensor => ({ shape: [length], data: Array.from({ length }, () => random.int(-8, 8) / 16) });
  const one = (value: number): Tensor => ({ shape: [1], data: [value] });
  const nodes: object[] = [];
  let last = 'x';
  const add = (kind: string, params: object, shape: readonly number[]): void => {
    const name = `${kind}_${nodes.length}`;
    nodes.push({ name, kind, params, inputs: [last], output: name, shape: [1, ...shape] });
    last = name;
  };
  const activate = (shape: readonly number[]): void => {
    add('activation', { function: 'relu' }, shape);
    add('fixedQuant', { signed: one(0), integerBits: one(3), fractionBits: one(3), rounding: 'RND', overflow: 'SAT' }, shape);
  };
  const window = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1 };
  add('conv', { weight: weights([channels, 1, 3, 3]), bias: bias(channels), ...window }, [channels, 18, 14]);
  activate([channels, 18, 14]);
  add('pool', { mode: 'max', kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0], countIncludePad: false, ceilMode: false }, [channels, 9, 7]);
  add('conv', { weight: weights([narrow, channels, 3, 3]), bias: bias(narrow), ...window }, [narrow, 9, 7]);
  activate([narrow, 9, 7]);
  add('convTranspose', { weight: weights([narrow, channels, 2, 2]), bias: bias(channels), strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0], outputPads: [0, 0], groups: 1 }, [channels, 18, 14]);
  activate([channels, 18, 14]);
  add('conv', { weight: weights([1, channels, 3, 3]), bias: bias(1), ...window }, [1, 18, 14]);
  return { trigforge: 'model', version: 1, name: 'autoencoder', format: 'keras', parameters: 0, inputs: [{ name: 'x', shape: [1, 1, 18, 14], type: 'ap_ufixed<6,3>' }], outputs: [{ name: 'y', tensor: last, shape: [1, 1, 18, 14] }], constants: [], nodes };
}

/** XGBoost's JSON of complete trees of depth 5 on 32 features of 8 bits. */
function forest(trees: number): object {
  const random = new Random(trees);
  const depth = 5;
  const inner = 2 ** depth - 1;
  const nodes = 2 * inner + 1;
  const each = <T>(value: (node: number) => T): T[] => Array.from({ length: nodes }, (_, node) => value(node));
  const isLeaf = (node: number): boolean => node >= inner;
  const tree = (id: number): object => ({
    id, base_weights: each(() => 0), categories: [], categories_nodes: [], categories_segments: [], categories_sizes: [], default_left: each(() => 0), loss_changes: each(() => 0), sum_hessian: each(() => 1), split_type: each(() => 0),
    left_children: each((node) => (isLeaf(node) ? -1 : 2 * node + 1)), right_children: each((node) => (isLeaf(node) ? -1 : 2 * node + 2)), parents: each((node) => (node === 0 ? 2147483647 : (node - 1) >> 1)),
    split_indices: each((node) => (isLeaf(node) ? 0 : random.int(0, 31))), split_conditions: each((node) => (isLeaf(node) ? random.int(-128, 127) / 256 : random.int(1, 255))),
    tree_param: { num_deleted: '0', num_feature: '32', num_nodes: String(nodes), size_leaf_vector: '1' },
  });
  return {
    version: [2, 1, 0],
    learner: {
      attributes: {}, feature_names: [], feature_types: [],
      gradient_booster: { name: 'gbtree', model: { gbtree_model_param: { num_parallel_tree: '1', num_trees: String(trees) }, iteration_indptr: Array.from({ length: trees + 1 }, (_, i) => i), tree_info: Array.from({ length: trees }, () => 0), trees: Array.from({ length: trees }, (_, i) => tree(i)) } },
      learner_model_param: { base_score: '0E0', boost_from_average: '1', num_class: '0', num_feature: '32', num_target: '1' },
      objective: { name: 'reg:squarederror', reg_loss_param: { scale_pos_weight: '1' } },
    },
  };
}

const FAMILIES = {
  autoencoder: { sizes: [1, 2, 4, 8, 16, 32, 64], make: autoencoder, words: [] },
  forest: { sizes: [2, 8, 32, 128, 512, 2000], make: forest, words: ['--input-type', 'ap_ufixed<8,8>'] },
} as const;

function measure(name: keyof typeof FAMILIES, size: number): Sample {
  const { make, words } = FAMILIES[name];
  const folder = mkdtempSync(join(tmpdir(), 'scaling-'));
  const model = join(folder, 'model.json');
  writeFileSync(model, JSON.stringify(make(size)));
  const out = join(folder, 'out');
  const run = spawnSync('/usr/bin/time', ['-f', 'USED %U %S %M', process.execPath, '--max-old-space-size=7000', join(ROOT, 'dist/cli/main.js'), model, ...words, '--verify', 'emulator', '--target', 'verilog,cpp', '--quiet', '-o', out], { encoding: 'utf8' });
  const used = /USED ([\d.]+) ([\d.]+) (\d+)/.exec(run.stderr);
  if (used === null || (run.status !== 0 && run.status !== 2)) throw new Error(`${name} ${size}: ${run.stderr}`);
  const operations = Number(/^ops (\d+)$/m.exec(readFileSync(join(out, 'circuit.txt'), 'utf8'))?.[1]);
  rmSync(folder, { recursive: true });
  return { model: name, size, operations, seconds: Math.round(100 * (Number(used[1]) + Number(used[2]))) / 100, megabytes: Math.round(Number(used[3]) / 1024) };
}

const samples: Sample[] = [];
for (const name of Object.keys(FAMILIES) as (keyof typeof FAMILIES)[]) {
  if (option('--only') !== undefined && option('--only') !== name) continue;
  for (const size of FAMILIES[name].sizes) {
    const sample = measure(name, size);
    samples.push(sample);
    console.log(`${name} ${size}: ${sample.operations} operations, ${sample.seconds} s, ${sample.megabytes} MB`);
    if (sample.operations > Number(option('--most') ?? Infinity)) break;
  }
}
if (process.argv.includes('--write')) writeFileSync(join(ROOT, 'docs/scaling.json'), `${JSON.stringify(samples, undefined, 1)}\n`);
