import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../../src/circuit/builder.js';
import type { Circuit } from '../../../src/circuit/circuit.js';
import { typeOfElement } from '../../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../../src/circuit/evaluate.js';
import { compileEmulator } from '../../../src/emulator/emulator.js';
import { rawOfValue } from '../../../src/emulator/reference.js';
import { fixedType, OVERFLOWS, ROUNDINGS } from '../../../src/fixed/fixedType.js';
import { benchFile } from '../../../src/verify/bench.js';
import { dutOf } from '../../../src/verify/dut.js';
import { adderGraph } from '../../bench/adderGraph.js';
import { mergeCircuits } from '../../helpers/mergeCircuits.js';
import { Random } from '../../helpers/random.js';
import { randomCircuit, randomInputs } from '../../helpers/randomCircuit.js';
import { buildHost, emulatorFiles, make, mustRun, results, runArguments, scheduled, writeFiles } from './build.js';

const root = mkdtempSync(join(tmpdir(), 'trigforge-cpp-'));
afterAll(() => rmSync(root, { recursive: true }));
let host = '';
beforeAll(async () => {
  host = await buildHost(root);
}, 60_000);

let folders = 0;
const newFolder = (): string => join(root, `f${folders++}`);

/** Emulator and testbench vectors of a circuit, as in an output folder. */
function folderOf(circuit: Circuit, seed: number, events: number): string {
  const folder = newFolder();
  const vectors = randomInputs(circuit, seed, events);
  const dut = dutOf(scheduled(circuit), 'random', '');
  writeFiles(folder, [
    ...emulatorFiles(circuit, 'random'),
    { path: 'testbench/vectors.txt', text: benchFile(dut, vectors, vectors.map((event) => evaluateCircuit(circuit, event)), []) },
  ]);
  return folder;
}

describe('random circuits', () => {
  // 14 bits: lanes of 16 and 32; 30: all; 100 and 200: wide integers behind some of them.
  it.each([
    [30, '-O1', 12], [62, '-O1', 10], [100, '-O1 -Wall -Wextra -Werror -Wno-tautological-compare', 10], [200, '-O1', 6],
    [14, '-O3 -march=native', 5], [100, '-O3', 3],
  ] as const)('up to %i bits, %s: every bit equals the reference evaluator', { timeout: 180_000 }, async (maxWidth, flags, count) => {
    const circuit = mergeCircuits(Array.from({ length: count }, (_, k) => randomCircuit(1000 * maxWidth + k + flags.length, { ops: 50, maxWidth })));
    expect(await make(folderOf(circuit, maxWidth, 200), ['check'], flags)).toMatch(/ 200 events, 0 mismatches/);
  });

  it('a wrong table entry turns the check red', { timeout: 60_000 }, async () => {
    const builder = new CircuitBuilder('table');
    const [x] = builder.addInput({ name: 'x', shape: [1], types: [fixedType(false, 3, 3)] });
    builder.addOutput('y', [1], [builder.lookup(x!, { exp: 0, indexExp: 0, base: 0, values: [3, 1, 4, 1, 5, 9, 2, 6] })]);
    const circuit = builder.finish();
    const folder = folderOf(circuit, 1, 50);
    expect(await make(folder, ['check'], '-O1')).toContain('0 mismatches');
    writeFiles(folder, emulatorFiles(circuit, 'random').map((file) => ({ ...file, text: file.text.replace('3, 1, 4, 1, 5, 9', '3, 1, 4, 1, 5, 8') })));
    await expect(make(folder, ['check'], '-O1')).rejects.toThrow(/event \d+, output 0, element 0: should be 9, is 8/);
  });
});

describe('files', () => {
  it('are the same text every time, and big circuits are several files', () => {
    const circuit = randomCircuit(11, { ops: 80 });
    expect(emulatorFiles(circuit, 'a')).toEqual(emulatorFiles(circuit, 'a'));
    const big = emulatorFiles(adderGraph(8000), 'big').filter((file) => /big_part\d+\.cpp$/.test(file.path));
    expect(big.length).toBeGreaterThan(1);
    expect(Math.max(...big.map((file) => file.text.length))).toBeLessThan(500_000);
  });

  it('are small and readable', () => {
    const builder = new CircuitBuilder('small');
    const [a, b, c] = builder.addInput({ name: 'double', shape: [3], types: [fixedType(true, 4, 4)] });
    builder.setOrigin({ layer: 'dense_1', kind: 'dense' }, 0);
    const sum = builder.add(builder.sub(a!, b!, 1), c!, 2);
    const zero = builder.constant(0);
    const out = builder.cast(builder.mux(builder.lt(sum, zero), zero, sum), fixedType(false, 3, 5, 'RND_CONV', 'SAT'));
    builder.addOutput('y', [1], [out], [fixedType(false, 3, 5)]);
    const files = emulatorFiles(builder.finish(), 'small', 2);
    expect(files.map((file) => file.path)).toMatchSnapshot();
    for (const name of ['small.h', 'small_part0.cpp']) expect(files.find((file) => file.path.endsWith(`/${name}`))!.text).toMatchSnapshot();
  });
});

/** One input of each rounding and overflow mode, signed or not, of some widths and fractions, straight to an output. */
function conversions(): Circuit {
  const builder = new CircuitBuilder('conversions');
  for (const [width, integer] of [[5, 3], [16, 18], [31, 20], [64, 60], [70, 40]] as const) {
    for (const overflow of OVERFLOWS) {
      const types = ROUNDINGS.flatMap((rounding) => [true, false].map((signed) => fixedType(signed, width, integer, rounding, overflow)));
      const ops = builder.addInput({ name: `x_${width}_${overflow}`, shape: [types.length], types });
      builder.addOutput(`y_${width}_${overflow}`, [types.length], ops, types);
    }
  }
  return builder.finish();
}

describe('float64 in', () => {
  const circuit = conversions();
  const random = new Random(5);
  const special = [0, -0, 0.5, -0.5, 1.5, -1.5, 2.5, 1e-320, -1e-320, 1e-300, 2 ** 51, -(2 ** 51) - 0.5, 2 ** 62, 2 ** 63, -(2 ** 63), 2 ** 64, 1.7e308, -1.7e308, 12345.678, 0.1];
  const value = (): number => random.chance(0.15) ? random.pick(special) : (random.int(-(2 ** 20), 2 ** 20) / 2 ** random.int(0, 24)) * 2 ** random.int(0, random.chance(0.2) ? 60 : 8);
  const EVENTS = 3 * 64 + 5;
  const inputs = circuit.inputs.map((port) => Float64Array.from({ length: EVENTS * port.shape[0]! }, value));

  it('is rounded and overflowed by every mode, for every magnitude', { timeout: 120_000 }, async () => {
    const folder = newFolder();
    writeFiles(folder, emulatorFiles(circuit, 'conv'));
    await make(folder, ['all'], '-O1');
    const printed = await mustRun(host, ['open', join(folder, 'emulator/cpp/libconv_v1.so'), 'conv_v1', ...runArguments(root, 0, 'dd', circuit, EVENTS, inputs, 'conv')], root);
    expect(printed).toContain('status 0');
    expect([...results(root, 'conv')]).toEqual(convertedOneByOne(circuit, inputs, EVENTS));
  });

  it('NaN and infinities are refused, wherever they stand', { timeout: 60_000 }, async () => {
    const folder = newFolder();
    const small = adderGraph(60);
    writeFiles(folder, emulatorFiles(small, 'small'));
    await make(folder, ['all'], '-O1');
    const words = [join(folder, 'emulator/cpp/libsmall_v1.so'), 'small_v1'];
    const commands = [NaN, Infinity, -Infinity, 0].map((bad, k) => {
      const values = new Float64Array(70 * 16).fill(1);
      values[[3, 69 * 16, 70 * 16 - 1, 5][k]!] = bad;
      return runArguments(root, 0, 'dd', small, 70, [values], `bad${k}`);
    });
    const printed = await mustRun(host, ['open', ...words, ...commands.flat()], root);
    expect(printed.match(/status \d/g)).toEqual(['status 1', 'status 1', 'status 1', 'status 0']);
  });
});

/** Values of the outputs by exact conversion of every value: what the fast ways must equal. */
function convertedOneByOne(circuit: Circuit, inputs: readonly Float64Array[], events: number): number[] {
  const perPort = circuit.inputs.map((port, p) => {
    const elements = port.shape[0]!;
    return Array.from({ length: events * elements }, (_, k) => {
      const type = typeOfElement(port, k % elements);
      return Number(rawOfValue(inputs[p]![k]!, type, port, 0, 0)) * 2 ** (type.integer - type.width);
    });
  });
  return perPort.flat();
}

describe('in one process', () => {
  it('two models and two versions of one, opened, run in turn, closed and opened again', { timeout: 120_000 }, async () => {
    const models = [
      { circuit: adderGraph(300), top: 'first', version: 1 },
      { circuit: adderGraph(300, 8, 2), top: 'first', version: 2 },
      { circuit: adderGraph(200, 8, 3), top: 'second', version: 1 },
    ];
    const folder = newFolder();
    const libraries: string[] = [];
    for (const { circuit, top, version } of models) {
      const own = join(folder, `${top}${version}`);
      writeFiles(own, emulatorFiles(circuit, top, version));
      await make(own, ['model'], '-O1');
      libraries.push(join(own, 'emulator/cpp', `${top}_v${version}.so`));
    }
    const random = new Random(9);
    const data = Float64Array.from({ length: 100 * 16 }, () => random.int(-160, 160) / 16);
    const open = models.flatMap(({ top, version }, i) => ['open', libraries[i]!, `${top}_v${version}`]);
    const runs = (from: number, tag: string): string[] => models.flatMap(({ circuit }, i) => runArguments(root, from + i, 'dd', circuit, 100, [data], `${tag}${i}`));
    const outputs = models.map(({ circuit }) => circuit.outputs[0]!.shape[0]!);
    const asModels = models.flatMap((_, i) => ['model', String(i), '100', '16', String(outputs[i]), join(root, `a${i}.bin`)]);
    const commands = [...open, ...runs(0, 'a'), 'close', '1', ...runs(0, 'b').slice(0, 7), ...runs(0, 'b').slice(14), 'close', '0', 'close', '2', ...open, ...runs(3, 'c')];
    const printed = await mustRun(host, commands, root);
    expect(printed.match(/opened .* version \d/g)).toEqual([...Array.from({ length: 2 }).flatMap(() => ['opened first_v1 version 1', 'opened first_v2 version 2', 'opened second_v1 version 1'])]);
    expect(printed.match(/closed \d/g)).toEqual(['closed 0', 'closed 0', 'closed 0']);
    for (const [i, { circuit }] of models.entries()) {
      const [expected] = compileEmulator(circuit).run([data], 100);
      for (const tag of i === 1 ? ['a', 'c'] : ['a', 'b', 'c']) expect([...results(root, `${tag}${i}`)], `${tag}${i}`).toEqual([...expected!]);
    }
    const throughModel = await mustRun(host, [...open, ...asModels], root);
    expect(throughModel.match(/model refuses what it does not know/g)).toHaveLength(3);
    for (const [i, { circuit }] of models.entries()) {
      const [expected] = compileEmulator(circuit).run([data], 100);
      const got = results(root, `a${i}`);
      expect([...got.slice(0, expected!.length)]).toEqual([...expected!]);
      const type = typeOfElement(circuit.outputs[0]!, 0);
      expect([...got.raw.slice(expected!.length)].map(Number)).toEqual([...expected!].map((v) => v * 2 ** (type.width - type.integer)));
    }
    const visible = (await mustRun('nm', ['-D', '--defined-only', libraries[1]!], root)).trim().split('\n').map((line) => line.split(' ').pop());
    expect(visible.filter((name) => !/^first_v2_[a-z_]+$/.test(name!)).sort()).toEqual(['create_model', 'destroy_model']);
    expect(visible.length).toBe(13);
  });
});
