import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import type { Circuit } from '../../src/circuit/circuit.js';
import { circuitFromText } from '../../src/circuit/text.js';
import { compile } from '../../src/compile.js';
import type { CompileRequest } from '../../src/compile/request.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import type { Int } from '../../src/fixed/integer.js';
import { compiler, make, mustRun, writeFiles } from '../backends/cpp/build.js';
import { lintFiles } from '../hdl/lint.js';
import { Random } from '../helpers/random.js';

const folder = mkdtempSync(join(tmpdir(), 'trigforge-io-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytes = readFileSync(join(import.meta.dirname, '../fixtures/anomaly/model.onnx'));
const SCHEMA = readFileSync(join(import.meta.dirname, '../fixtures/io/anomaly.yml'), 'utf8');

function request(more: Partial<CompileRequest>): CompileRequest {
  return {
    model: { name: 'model.onnx', bytes }, readSide: () => undefined, name: 'anomaly',
    clockMHz: 320, latency: { mode: 'shortest' }, stated: { text: '' },
    part: 'xcvu13p', effort: 'fast', modelVersion: 3, verify: 'none', seed: 1, jobs: 2, command: [], toolVersion: '0', ...more,
  };
}

const text = (files: readonly { readonly path: string; readonly text: string }[], path: string): string => files.find((file) => file.path === path)?.text ?? '';
const circuitOf = (files: readonly { readonly path: string; readonly text: string }[]): Circuit => circuitFromText(text(files, 'circuit.txt'));

/** One field as the fixture has it: the bits of its integer, what is subtracted and shifted, in quarters of the integer's unit. */
interface Field {
  readonly width: number;
  readonly signed: boolean;
  /** Bits behind the point. */
  readonly fraction?: number;
  readonly offset: number;
  readonly shift: number;
}

const FIELDS: readonly Field[] = [
  { width: 12, signed: false, offset: 18, shift: 1 }, { width: 9, signed: true, offset: 0, shift: 0 }, { width: 8, signed: false, offset: 72, shift: 0 },
  ...[[9, 1], [4, 0], [3, 0], [3, -1]].flatMap(([offset = 0, shift = 0]): Field[] => [{ width: 9, signed: false, offset, shift }, { width: 8, signed: true, offset: 0, shift: 0 }, { width: 8, signed: false, offset: 72, shift: 0 }]),
  ...[0, 1, 2, 3].flatMap((): Field[] => [{ width: 9, signed: false, offset: 5, shift: 0 }, { width: 9, signed: true, offset: 0, shift: 2 }, { width: 10, signed: false, offset: 286.5, shift: 3 }]),
  ...Array.from({ length: 10 }, (): Field[] => [{ width: 11, signed: false, offset: 29, shift: 2 }, { width: 8, signed: true, fraction: 2, offset: 0, shift: 1 }, { width: 8, signed: false, offset: 72, shift: 0 }]).flat(),
];

/** Subtract, wrap, shift, wrap into 13 bits of which 2 are behind the point; then to a whole number of 10 bits, ties to even. */
function scaled({ fraction = 0, offset, shift }: Field, raw: number): number {
  const wrap = (quarters: number): number => Number(BigInt.asIntN(13, BigInt(quarters)));
  const start = wrap(Math.floor(raw * 2 ** (2 - fraction)));
  const shifted = wrap(Math.floor(wrap(start - 4 * offset) / 2 ** shift));
  const whole = Math.floor(shifted / 4);
  const rest = shifted - 4 * whole;
  const rounded = rest > 2 || (rest === 2 && whole % 2 !== 0) ? whole + 1 : whole;
  return Math.min(Math.max(rounded, -512), 511);
}

/** The score squared, divided by 1024, less a half, rounded half up to sixteenths, held in 14 bits; in sixteenths. */
function scoreOf(raw: number): number {
  const value = (raw / 64) ** 2 / 1024 - 0.5;
  return Math.min(Math.max(Math.floor(value * 16 + 0.5), 0), 2 ** 14 - 1);
}

const random = new Random(11);
const events = Array.from({ length: 1200 }, (_, e) => FIELDS.map(({ width, signed }) => {
  const n = e === 0 ? 0 : e === 1 ? 2 ** width - 1 : random.int(0, 2 ** width - 1);
  return signed && n >= 2 ** (width - 1) ? n - 2 ** width : n;
}));

const bare = circuitOf((await compile(request({ targets: ['verilog'] }))).files);
const plain = compileEmulator(bare).runRawBatch(events.map((event) => [event.map((raw, i) => scaled(FIELDS[i] as Field, raw))]) as Int[][][]);
const expected = plain.map((event) => scoreOf(Number(event[0]?.[0])));

describe('a model behind an I/O schema', async () => {
  const { files, report } = await compile(request({ ioSchema: { text: SCHEMA, file: 'anomaly.yml' }, verify: 'verilator' }));
  const circuit = circuitOf(files);

  it('equals the bare model behind arithmetic of our own, and its Verilog is proven', () => {
    expect(new Set(expected).size).toBeGreaterThan(100);
    expect(circuit.inputs[0]?.types.map(({ width }) => width)).toEqual(FIELDS.map(({ width }) => width));
    const got = compileEmulator(circuit).runRawBatch(events.map((event) => [event]));
    expect(got.map((event) => event[0]?.[0])).toEqual(expected);
    expect(report.verification?.mismatches).toBe(0);
    expect(report.verification?.simulator).toMatch(/verilator/);
  });

  it('has a port a field, by its name', async () => {
    const ports = text(files, 'verilog/anomaly_ports.v');
    expect(ports).toContain('input wire [11:0] met_pt, // objects[0] ap_ufixed<12,12>');
    expect(ports).toContain('input wire [7:0] jet_9_phi, // objects[56]');
    expect(ports).toContain('output wire [13:0] anomaly_score, // anomaly_score[0]');
    expect(await lintFiles({ 'anomaly_ports.v': ports, 'anomaly.v': text(files, 'verilog/anomaly.v') }, 'anomaly_ports')).toEqual([]);
  });

  it('is told on a page of its own', () => {
    const page = text(files, 'io.md');
    const bits = FIELDS.reduce((sum, { width }) => sum + width, 0);
    expect(page).toContain(`## Input \`objects\`: objects [57], ${bits} bits`);
    expect(page).toContain('| 0 | `met_pt` | 11..0 | `ap_ufixed<12,12>` | 0.5 GeV |\n| 1 | `met_eta` | 20..12 | `ap_fixed<9,9>` | 0.0435 |');
    expect(page).toContain(`| 56 | \`jet_9_phi\` | ${bits - 1}..${bits - 8} | \`ap_ufixed<8,8>\` | 0.0436 rad |`);
    expect(page).toContain('| 0 | `anomaly_score` | 13..0 | `ap_ufixed<14,10,RND,SAT>` | 0.0625 |');
  });

  it('is an emulator of named integers in TypeScript', () => {
    const { code } = transformSync(text(files, 'emulator/typescript/anomaly.ts'), { loader: 'ts', format: 'cjs' });
    const module = { exports: {} as { predictObjects: (input: object) => { anomaly_score: { anomaly: { score: number } } } } };
    runInNewContext(code, { module, exports: module.exports });
    const got = events.slice(0, 200).map((event) => module.exports.predictObjects({ objects: objectsOf(event) }).anomaly_score.anomaly.score);
    expect(got).toEqual(expected.slice(0, 200));
  });

  it('is an emulator of named integers in C++', async () => {
    writeFiles(folder, files.filter(({ path }) => path.startsWith('emulator/cpp/')));
    await make(folder, ['all'], '-O1');
    writeFileSync(join(folder, 'emulator/cpp/use.cpp'), [
      '#include "anomaly_objects.h"', '#include <iostream>', 'int main() {', '  namespace o = anomaly_v3::objects;', '  o::Input in; o::Output out; long v;', '  auto next = [&] { std::cin >> v; return v; };',
      '  while (std::cin >> v) {', '    in.objects.met.pt = v; in.objects.met.eta = next(); in.objects.met.phi = next();',
      '    for (auto& x : in.objects.egamma) { x.pt = next(); x.eta = next(); x.phi = next(); }',
      '    for (auto& x : in.objects.muon) { x.pt = next(); x.eta = next(); x.phi = next(); }',
      '    for (auto& x : in.objects.jet) { x.pt = next(); x.eta = next(); x.phi = next(); }',
      '    if (!o::predict(in, out)) return 1;', '    std::cout << out.anomaly_score.anomaly.score << "\\n";', '  }', '}',
    ].join('\n'));
    const cpp = join(folder, 'emulator/cpp');
    await mustRun(compiler.command, [...compiler.prefixArgs, '-std=c++17', '-Wall', '-Wextra', 'use.cpp', '-L.', '-lanomaly_v3', '-o', 'use'], cpp, compiler.env);
    writeFileSync(join(cpp, 'events.txt'), events.map((event) => event.join(' ')).join('\n'));
    const printed = await mustRun('sh', ['-c', './use < events.txt'], cpp, { ...compiler.env, LD_LIBRARY_PATH: cpp });
    expect(printed.trim().split('\n').map(Number)).toEqual(expected);
  });

  it('is a model again, with its names', async () => {
    const again = await compile(request({ model: { name: 'model.json', bytes: new TextEncoder().encode(text(files, 'model.json')) }, targets: ['verilog'] }));
    const strip = (verilog: string): string => verilog.replace(/^\/\/.*$/gm, '').replace(/[0-9a-f]{64}/g, '');
    expect(strip(text(again.files, 'verilog/anomaly_ports.v'))).toBe(strip(text(files, 'verilog/anomaly_ports.v')));
    expect(compileEmulator(circuitOf(again.files)).runRawBatch(events.slice(0, 100).map((event) => [event])).map((event) => event[0]?.[0])).toEqual(expected.slice(0, 100));
  });
});

/** An event as the schema's objects. */
function objectsOf(event: readonly number[]): object {
  const triple = (i: number): object => ({ pt: event[i], eta: event[i + 1], phi: event[i + 2] });
  const list = (from: number, count: number): object[] => Array.from({ length: count }, (_, k) => triple(from + 3 * k));
  return { met: triple(0), egamma: list(3, 4), muon: list(15, 4), jet: list(27, 10) };
}

describe('what does not fit the model', () => {
  const refused = async (schema: string, more: Partial<CompileRequest> = {}): Promise<string> => {
    try {
      await compile(request({ ioSchema: { text: schema, file: 'io.yml' }, targets: ['verilog'], ...more }));
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing';
  };

  it('is told at its line, all at once', async () => {
    const schema = 'version: 1\ninputs:\n  object:\n    objects: [{name: a, fields: [{name: b, width: 3}]}]\n  objects:\n    objects: [{name: a, count: 56, fields: [{name: b, width: 3}]}]\noutputs:\n  y:\n    from: scores\n  score:\n    steps:\n      - {do: multiply, by: [1, 2]}\n    objects: [{name: s, fields: [{name: a}, {name: b}]}]\n';
    expect((await refused(schema)).split('\n')).toEqual([
      "io.yml:3 → inputs → object: the model has no input 'object'. Did you mean 'objects'?",
      'io.yml:6 → inputs → objects → objects: the objects have 56 fields in all, the input has 57 elements.',
      "io.yml:9 → outputs → y → from: the model has no output 'scores'. Did you mean 'score'?",
      'io.yml:12 → outputs → score → steps → 0 → by: has 2 values for 1 elements.',
      'io.yml:13 → outputs → score → objects: the objects have 2 fields in all, the output has 1 elements.',
    ]);
  });

  it('is a type for wires that the schema types', async () => {
    expect(await refused(SCHEMA, { inputType: 'ap_fixed<16,6>' })).toMatch(/^--input-type: every wire has the type that the I\/O schema gives its field\./);
    expect(await refused(SCHEMA, { inputType: 'objects=ap_fixed<16,6>' })).toMatch(/^--input-type: the wires of 'objects' have the types/);
  });
});
