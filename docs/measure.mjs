#!/usr/bin/env node
// Measures the table of README.md: production CMS trigger networks, compiled at 320 MHz for xcvu13p and verified.
//
//   node docs/measure.mjs                 prints the table
//   node docs/measure.mjs --write         puts it into README.md
//   node docs/measure.mjs --only NAME,…   some networks; l1metml_v1 only so: Verilator takes more than 13 GB for it
//
// The networks are not part of the repository: they are read from ../shared/models/deployed. Where that is absent there
// is nothing to measure. Run `make build` first. TRIGFORGE names another main.js to measure.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { replaceBlock } from './excerpt.mjs';

const ROOT = join(import.meta.dirname, '..');
const MODELS = join(ROOT, '../shared/models/deployed');
const MAIN = process.env.TRIGFORGE ?? join(ROOT, 'dist/cli/main.js');
const TIME_LIMIT_MS = 30 * 60 * 1000;

const argument = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};

if (!existsSync(MODELS)) {
  console.error(`${MODELS} is not there: nothing to measure.`);
  process.exit(1);
}
if (!existsSync(MAIN)) {
  console.error(`${MAIN} is not there. Run: make build`);
  process.exit(1);
}
const { readArrays } = await import(pathToFileURL(join(MAIN, '../../io/arrays.js')).href);

/** Runs compile-model; wall and CPU seconds include the simulator and its compiler. */
function timed(words) {
  const script = 'TIMEFORMAT="TIMES %R %U %S"; time "$@"';
  const run = spawnSync('bash', ['-c', script, 'bash', process.execPath, MAIN, ...words], { encoding: 'utf8', timeout: TIME_LIMIT_MS, maxBuffer: 1 << 28 });
  const times = /TIMES ([\d.]+) ([\d.]+) ([\d.]+)/.exec(run.stderr ?? '');
  const [wall, user, system] = (times?.slice(1) ?? [NaN, NaN, NaN]).map(Number);
  return { status: run.status, stderr: run.stderr ?? '', wall, cpu: user + system };
}

function arrays(folder, stem) {
  const file = [`${stem}.npz`, `${stem}.npy`].map((name) => join(folder, name)).find(existsSync);
  return { file, arrays: readArrays(readFileSync(file), file) };
}

/** Rows whose every value is equal, of all rows. */
function equalRows(got, wanted) {
  const rows = wanted.shape[0];
  const each = wanted.data.length / rows;
  let equal = 0;
  for (let row = 0; row < rows; row++) {
    let same = true;
    for (let i = row * each; i < (row + 1) * each; i++) same &&= got.data[i] === wanted.data[i];
    if (same) equal++;
  }
  return { equal, rows };
}

function measure(name) {
  const folder = join(MODELS, name);
  const out = mkdtempSync(join(tmpdir(), 'trigforge-measure-'));
  try {
    const inputs = arrays(folder, 'inputs');
    const [wanted] = arrays(folder, 'outputs').arrays;
    const words = [join(folder, 'float.onnx'), '--precision', join(folder, 'precision.yml'), '--clock', '320MHz', '--part', 'xcvu13p',
      '--vectors', inputs.file, '--verify', 'verilator', '--name', name, '--out', join(out, 'design')];
    const run = timed(words);
    // 2: more LUTs than the device has; proven all the same.
    if (run.status !== 0 && run.status !== 2) return { name, failed: `exit ${run.status}: ${run.stderr.trim().split('\n').slice(-2).join(' ')}` };
    const report = JSON.parse(readFileSync(join(out, 'design/report.json'), 'utf8'));
    const emulated = timed(['emulate', join(out, 'design'), '--inputs', inputs.file, '--outputs', join(out, 'got.npy')]);
    if (emulated.status !== 0) return { name, failed: `emulate: ${emulated.stderr.trim().split('\n').pop()}` };
    const [got] = readArrays(readFileSync(join(out, 'got.npy')), 'got.npy');
    return { name, report, wall: run.wall, cpu: run.cpu, ...equalRows(got, wanted) };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

const count = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ' ');

/** Verilator saw the same events as the emulator, every output bit in every cycle, plus corners and random ones. */
function line(result) {
  if (result.failed !== undefined) return `| ${result.name} | ${result.failed} | | | | | |`;
  const { report, equal, rows, wall, cpu } = result;
  const { latency, resources, verification } = report;
  const simulated = verification.mismatches === 0 && verification.simulator !== undefined ? `${count(equal)} of ${count(rows)}` : 'no';
  const { lut, ff } = resources.estimated;
  return `| ${result.name} | ${count(report.model.operations)} | ${latency.cycles} = ${latency.ns.toFixed(1)} ns | ${count(lut)} / ${count(ff)} | ${wall.toFixed(0)} s (${cpu.toFixed(0)} s) | ${count(equal)} of ${count(rows)} | ${simulated} |`;
}

const only = argument('--only')?.split(',');
const isUsual = (name) => name !== 'l1metml_v1' && existsSync(join(MODELS, name, 'precision.yml'));
const names = only ?? readdirSync(MODELS).filter(isUsual).sort();
const lines = [
  '| network | operations | latency, cycles | LUT / FF (estimated) | compile + verify, wall (CPU) | rows exact, emulator | rows exact, Verilator |',
  '|---|---|---|---|---|---|---|',
];
for (const name of names) {
  const text = line(measure(name));
  lines.push(text);
  console.error(text);
}
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
lines.push('', `Measured with Trigforge ${version}, Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}).`);
const table = lines.join('\n');
if (process.argv.includes('--write')) {
  const file = join(ROOT, 'README.md');
  writeFileSync(file, replaceBlock(readFileSync(file, 'utf8'), 'measured', table));
}
console.log(table);
