import type { ChildProcessByStdio } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { circuitFromText } from '../../src/circuit/parse.js';
import { runCommandLine } from '../../src/cli/commandLine.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { readNpy, writeNpy } from '../../src/io/npy.js';
import { Random } from '../helpers/random.js';

/*
 * Emulators against the best rival's, on models of ../shared/bench.
 * npm run bench [-- --only NAME] [--rounds N] [--write]
 *
 * Float64 arrays in, float64 arrays out, one thread, CPU seconds; all engines take turns in each round, and the least of their
 * rounds counts. Short calls fit into a processor's time slice and caches, long ones show the memory. Their outputs must be equal before anything is timed. The rival is installed into build/bench/venv.
 * --write keeps the numbers in docs/speed.json, from which docs/speed.mjs makes the tables of docs/speed.md.
 */

const RIVAL = 'alkaid==0.8.2';
const MODELS = ['hgq_jet', 'axol1tl_v4', 'jet_qk6'] as const;
const ROOT = resolve(import.meta.dirname, '../..');
const BENCH = resolve(ROOT, '../shared/bench');
const FOLDER = join(ROOT, 'build/bench');

const option = (name: string): string | undefined => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
/** Events a call, and rounds of it. */
const CALLS = [{ events: 10_240, rounds: 200 }, { events: 131_072, rounds: 25 }] as const;

/** Something that runs all events once and says how many CPU seconds that took. */
interface Engine {
  readonly name: string;
  readonly run: () => Promise<number>;
  readonly close: () => void;
}

/** A program that says a line when it is ready, and for each line on stdin runs once and prints its CPU seconds. */
async function program(name: string, command: string, words: readonly string[]): Promise<Engine> {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${name} ended`);
    return value;
  };
  await next();
  return {
    name,
    run: async () => {
      child.stdin.write('\n');
      return Number(await next());
    },
    close: () => child.stdin.end(),
  };
}

function rivalPython(): string {
  const python = join(FOLDER, 'venv/bin/python');
  if (!existsSync(python)) {
    execFileSync('python3', ['-m', 'venv', join(FOLDER, 'venv')], { stdio: 'inherit' });
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', RIVAL], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return python;
}

/** The model's own events over and over, with the last bits of their values changed so that no two rounds of them are equal. */
function eventsOf(name: string, count: number): { readonly data: Float64Array; readonly elements: number } {
  const { shape, data } = readNpy(readFileSync(join(BENCH, name, 'inputs.npy')), [name]);
  const elements = data.length / (shape[0] as number);
  const random = new Random(1);
  return { elements, data: Float64Array.from({ length: count * elements }, (_, i) => (data[i % data.length] as number) + random.int(-4, 4) / 64) };
}

function requireEqual(name: string, found: Float64Array, wanted: Float64Array): void {
  const at = wanted.findIndex((value, i) => value !== found[i]);
  if (at >= 0 || found.length !== wanted.length) throw new Error(`${name}: value ${at} is ${found[at]}, ours is ${wanted[at]}`);
}

function mainOf(name: string): string[] {
  const folder = join(BENCH, name);
  return existsSync(join(folder, 'model.h5')) ? [join(folder, 'model.h5')] : [join(folder, 'float.onnx'), '--precision', join(folder, 'precision.yml')];
}

interface Row {
  readonly model: string;
  readonly ops: number;
  /** Events a call. */
  readonly events: number;
  /** Million events a CPU second of each engine. */
  readonly millionPerSecond: Readonly<Record<string, number>>;
}

async function compileModel(name: string, out: string): Promise<void> {
  const code = await runCommandLine([...mainOf(name), '--verify', 'none', '--target', 'cpp', '--name', 'top', '--out', out, '--quiet']);
  if (code !== 0 && code !== 2) throw new Error(`${name} was not compiled`);
  execFileSync('make', ['-s', '-C', join(out, 'emulator/cpp')], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function measure(name: string, out: string, events: number, rounds: number): Promise<Row> {
  const circuit = circuitFromText(readFileSync(join(out, 'circuit.txt'), 'utf8'));
  const { data, elements } = eventsOf(name, events);
  const emulator = compileEmulator(circuit);
  const ours = emulator.run([data], events)[0] as Float64Array;
  const files = { events: join(out, 'events.npy'), raw: join(out, 'events.bin'), rival: join(out, 'rival.npy'), native: join(out, 'native.bin') };
  writeFileSync(files.events, writeNpy([events, elements], data));
  writeFileSync(files.raw, data);
    const results = ours.length / events;
  const engines: Engine[] = [
    await program('alkaid', rivalPython(), [join(import.meta.dirname, 'rival.py'), join(out, 'model.json'), files.events, files.rival]),
    {
      name: 'emulator',
      run: () => {
        const start = process.cpuUsage();
        emulator.run([data], events);
        const { user, system } = process.cpuUsage(start);
        return Promise.resolve((user + system) / 1e6);
      },
      close: () => undefined,
    },
    await program('C++', join(out, '../native'), [join(out, 'emulator/cpp/libtop_v1.so'), 'top_v1_run', String(events), String(elements), String(results), files.raw, files.native]),
  ];
  requireEqual('alkaid', readNpy(readFileSync(files.rival), [files.rival]).data, ours);
  requireEqual('C++', new Float64Array(new Uint8Array(readFileSync(files.native)).buffer), ours);
  const seconds = await takeTurns(engines, rounds);
  return { model: name, ops: circuit.size, events, millionPerSecond: Object.fromEntries(engines.map((engine, i) => [engine.name, events / 1e6 / (seconds[i] as number)])) };
}

/** The least seconds of each engine; those of the first rounds, in which code is still being optimised, do not count. */
async function takeTurns(engines: readonly Engine[], rounds: number): Promise<number[]> {
  const least = engines.map(() => Infinity);
  for (let round = -5; round < rounds; round++) {
    for (const [i, engine] of engines.entries()) {
      const seconds = await engine.run();
      if (round >= 0) least[i] = Math.min(least[i] as number, seconds);
    }
  }
  for (const engine of engines) engine.close();
  return least;
}

if (!existsSync(BENCH)) {
  console.error(`${BENCH} is not there: nothing to measure.`);
  process.exit(1);
}
mkdirSync(FOLDER, { recursive: true });
const work = mkdtempSync(join(tmpdir(), 'speed-'));
execFileSync('g++', ['-std=c++17', '-O2', '-o', join(work, 'native'), join(import.meta.dirname, 'native.cpp'), '-ldl']);
const rows: Row[] = [];
for (const name of MODELS.filter((known) => option('--only') === undefined || option('--only') === known)) {
  await compileModel(name, join(work, name));
  for (const { events, rounds } of CALLS) {
    const row = await measure(name, join(work, name), events, rounds);
    rows.push(row);
    const rival = row.millionPerSecond['alkaid'] as number;
    console.log(`${row.model.padEnd(12)} ${String(events).padStart(7)} events   ${Object.entries(row.millionPerSecond).map(([engine, speed]) => `${engine} ${speed.toPrecision(3)} M/s (${(speed / rival).toFixed(1)} x)`).join('   ')}`);
  }
}
rmSync(work, { recursive: true });
if (process.argv.includes('--write')) writeFileSync(join(ROOT, 'docs/speed.json'), `${JSON.stringify({ machine: cpus()[0]?.model, rival: RIVAL, emulators: rows }, undefined, 2)}\n`);
