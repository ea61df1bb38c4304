#!/usr/bin/env -S npx tsx
// Measures docs/models.md: every model file of ../shared/models/networks, in the float reference and compiled.
//
//   npx tsx docs/zoo.mjs                  prints the table
//   npx tsx docs/zoo.mjs --write          puts it into docs/models.md
//   npx tsx docs/zoo.mjs --only REGEXP    some models
//   npx tsx docs/zoo.mjs --part K/N       every N-th model, from the K-th: for several processes side by side
//   npx tsx docs/zoo.mjs --join FILE…     the tables of several parts as one
//
// The models are not part of the repository. Where they are absent there is nothing to measure.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../src/compile.ts';
import { readModel } from '../src/compile/model.ts';
import { readArrays } from '../src/io/arrays.ts';
import { catalogue } from '../src/layers/registry.ts';
import { evaluateBatch } from '../src/model/evaluate.ts';
import { compileEmulator } from '../src/emulator/emulator.ts';
import { circuitFromText } from '../src/circuit/text.ts';
import { gridOfData } from '../src/quantize/inputTypes.ts';
import { formatFixedType } from '../src/fixed/fixedType.ts';
import { replaceBlock } from './excerpt.mjs';

const ROOT = join(import.meta.dirname, '..');
const MODELS = join(ROOT, '../shared/models/networks');
const DOCUMENT = join(ROOT, 'docs/models.md');
const HEAD = ['| model | format | layers | float reference: largest error | compiled | LUT (estimated) |', '|---|---|---|---|---|---|'];

const argument = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};

if (process.argv.includes('--join')) {
  const rows = process.argv.slice(process.argv.indexOf('--join') + 1).filter((file) => file !== '--write').flatMap((file) => readFileSync(file, 'utf8').split('\n').filter((line) => line.startsWith('| `')));
  finish(rows.toSorted());
  process.exit(0);
}
if (!existsSync(MODELS)) {
  console.error(`${MODELS} is not there: nothing to measure.`);
  process.exit(1);
}

/** What is no model of its own: descriptions, weights of another file. */
const BESIDE = /^(meta|config|h5_layout|metadata|model_config|alkaid_alir)\.json$|weights.*\.h5$/;

function filesOf(folder) {
  return readdirSync(folder).filter((file) => /\.(onnx|keras|h5|pt2|pt|json)$/.test(file) && !BESIDE.test(file));
}

function sourceOf(folder, file) {
  const read = (path) => (existsSync(join(folder, path)) ? new Uint8Array(readFileSync(join(folder, path))) : undefined);
  return { model: { name: join(folder, file), bytes: read(file), siblings: () => readdirSync(folder).toSorted() }, readSide: read };
}

const first = (folder, file) => readArrays(readFileSync(join(folder, file)), file)[0];

/** Arrays of the inputs, by the names of their files, else in order. */
function inputsOf(folder, graph) {
  const files = readdirSync(folder).filter((file) => /^inputs(_(?!overflow).*)?\.npy$/.test(file));
  return graph.inputs.map((input, i) => first(folder, files.find((file) => file === `inputs_${input.name}.npy`) ?? files.find((file) => graph.inputs.length > 1 && input.shape.length === first(folder, file).shape.length) ?? files[Math.min(i, files.length - 1)]));
}

/** The outputs' own numbers: by name, else by place in the description, else the only file. */
function expectedOf(folder, output, i) {
  const described = Object.values(JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8')).outputs ?? {})[i]?.file;
  const file = [`outputs_${output.name}.npy`, described, 'outputs.npy'].find((name) => name !== undefined && existsSync(join(folder, name)));
  return first(folder, file).data;
}

/** The largest |difference| / max(1, |value|) over all outputs and rows. */
function largestError(found, graph, folder) {
  let largest = 0;
  graph.outputs.forEach((output, i) => {
    const expected = expectedOf(folder, output, i);
    found.get(output.name).forEach((value, k) => {
      const error = Math.abs(value - expected[k]) / Math.max(1, Math.abs(expected[k]));
      if (!(error <= largest)) largest = error;
    });
  });
  return largest;
}

/** Why there is nothing to measure, without paths of this machine and lists of names. */
function reason(error) {
  const { what = error.message } = error.problems?.[0] ?? {};
  return `${error.kind ?? 'error'}: ${what.replace(/ \(.*\)/s, '').replaceAll('|', '/').slice(0, 160)}`;
}

async function rowOf(name, file) {
  const folder = join(MODELS, name);
  const { model, readSide } = sourceOf(folder, file);
  const tolerance = String(JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8')).tolerance);
  const label = `| \`${name}\` ${file}`;
  let graph;
  try {
    graph = readModel(model, readSide);
  } catch (error) {
    return `${label} | | | ${reason(error)} | | |`;
  }
  const arrays = inputsOf(folder, graph);
  const count = arrays[0].shape[0];
  const inputs = new Map(graph.inputs.map((input, i) => [input.name, Float64Array.from(arrays[i].data)]));
  const error = largestError(evaluateBatch(graph, catalogue, inputs, count), graph, folder);
  const exact = tolerance.startsWith('bit-exact');
  const compiled = await compiledOf({ model, readSide, graph, arrays, inputs, count, exact, folder });
  return `${label} | ${graph.format} | ${graph.nodes.length} | ${error === 0 ? '0' : error.toExponential(1)} | ${compiled.text} | ${compiled.lut} |`;
}

/** Exact models with no option but the model, or the exact grid of inputs that nothing quantises; the others on their events. */
async function compiledOf({ model, readSide, graph, arrays, inputs, count, exact, folder }) {
  const base = {
    model, readSide, clockMHz: 320, latency: { mode: 'shortest' }, stated: { text: '320 MHz' }, part: 'xcvu13p', effort: 'fast',
    modelVersion: 1, verify: 'none', seed: 1, jobs: 1, command: [], toolVersion: '0', targets: ['verilog'],
  };
  const data = { arrays: arrays.map((array, i) => ({ ...array, name: graph.inputs[i].name })), file: 'inputs.npy' };
  const attempt = async (changes) => compile({ ...base, ...changes });
  try {
    const result = exact ? await attempt({}).catch((error) => (/which fixed-point type/.test(error.message) ? attempt({ inputType: graph.inputs.map((input) => `${input.name}=${formatFixedType(gridOfData(inputs.get(input.name)))}`).join(',') }) : Promise.reject(error))) : await attempt({ data });
    const lut = result.report.resources.estimated.lut;
    if (!exact) return { text: `${result.report.accuracy?.metric ?? ''} loss ${((result.report.accuracy?.loss ?? NaN) * 100).toFixed(2)} %`, lut };
    const circuit = circuitFromText(result.files.find((one) => one.path === 'circuit.txt').text);
    const outputs = compileEmulator(circuit).run(circuit.inputs.map((port) => inputs.get(port.name)), count);
    const wrong = new Set();
    circuit.outputs.forEach((port, k) => {
      const expected = expectedOf(folder, port, k);
      const width = expected.length / count;
      outputs[k].forEach((value, i) => value === expected[i] || wrong.add(Math.floor(i / width)));
    });
    return { text: `${count - wrong.size} of ${count} rows exact`, lut };
  } catch (error) {
    return { text: reason(error), lut: '' };
  }
}

function finish(rows) {
  const table = [...HEAD, ...rows].join('\n');
  if (!process.argv.includes('--write')) console.log(table);
  else writeFileSync(DOCUMENT, replaceBlock(readFileSync(DOCUMENT, 'utf8'), 'models', table));
}

const only = new RegExp(argument('--only') ?? '.');
const [part, parts] = (argument('--part') ?? '1/1').split('/').map(Number);
const names = readdirSync(MODELS).filter((name) => only.test(name)).filter((_, i) => i % parts === part - 1);
const rows = [];
for (const name of names) {
  for (const file of filesOf(join(MODELS, name))) {
    const row = await rowOf(name, file);
    rows.push(row);
    console.error(row);
  }
}
finish(rows);
