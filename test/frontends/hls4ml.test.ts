import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.js';
import { readModel } from '../../src/compile/model.js';
import { Definitions, readTopFunction } from '../../src/frontends/hls4ml/cpp.js';
import type { ModelSource } from '../../src/frontends/frontend.js';
import { circuitFromText } from '../../src/circuit/text.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { readArrays } from '../../src/io/arrays.js';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const PROJECTS = ['hls4ml_project_mlp', 'hls4ml_project_resource', 'hls4ml_project_cnn', 'hls4ml_project_stream', 'hls4ml_project_recurrent', 'hls4ml_project_recurrent_resource', 'hls4ml_project_recurrent_torch', 'hls4ml_project_separable', 'hls4ml_project_activations', 'hls4ml_project_einsum', 'hls4ml_project_normalised'];

type Files = Readonly<Record<string, string>>;

function filesOf(project: string): Files {
  const names = readdirSync(join(FIXTURES, project), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.endsWith('.npy'));
  return Object.fromEntries(names.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path.slice(join(FIXTURES, project).length + 1), readFileSync(path, 'utf8')];
  }));
}

function sourceOf(files: Files): { readonly source: ModelSource; readonly readSide: (path: string) => Uint8Array | undefined } {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  return { source: { name: 'project', bytes: new Uint8Array(), folder: true, siblings: () => Object.keys(files).toSorted() }, readSide: (path) => (files[path] === undefined ? undefined : bytes(files[path])) };
}

const array = (project: string, file: string): Float64Array => readArrays(readFileSync(join(FIXTURES, project, file)), file)[0]?.data as Float64Array;

describe('project folders of hls4ml', () => {
  it.each(PROJECTS)('%s: every bit of its own C++', async (project) => {
    const { source, readSide } = sourceOf(filesOf(project));
    const { files } = await compile({
      model: source, readSide, clockMHz: 200, latency: { mode: 'shortest' }, stated: { text: '200 MHz' }, part: 'xcvu13p', effort: 'fast',
      modelVersion: 1, verify: 'none', seed: 1, jobs: 1, command: [], toolVersion: '0', targets: ['verilog'],
    });
    const circuit = circuitFromText(files.find((file) => file.path === 'circuit.txt')?.text as string);
    const given = readdirSync(join(FIXTURES, project)).filter((file) => /^inputs.*\.npy$/.test(file)).toSorted().map((file) => array(project, file));
    const expected = array(project, 'outputs.npy');
    const rows = (given[0] as Float64Array).length / (circuit.inputs[0]?.shape ?? [1]).reduce((a, b) => a * b, 1);
    const [outputs] = compileEmulator(circuit).run(given, rows);
    expect(outputs).toEqual(expected);
  });

  const edited = (file: string, change: (text: string) => string): (() => unknown) => () => {
    const files = filesOf('hls4ml_project_mlp');
    const { source, readSide } = sourceOf({ ...files, [file]: change(files[file] as string) });
    return readModel(source, readSide);
  };

  it.each([
    ['a layer that is not read', 'firmware/top.cpp', (t: string) => t.replace('nnet::dense<', 'nnet::garnet<'), /nnet::garnet is not supported. Give the trained model/],
    ['no layers', 'firmware/top.cpp', () => 'void other() {}', /has no .cpp file with a top function/],
    ['weights that are too few', 'firmware/weights/w14.txt', () => '1, 2', /its weights 'w14' have 2 numbers; \[6, 7\] needs 42/],
    ['weights that are no numbers', 'firmware/weights/w14.txt', () => '1, x', /its weights w14 hold 'x'/],
    ['a type that is none', 'firmware/defines.h', (t: string) => t.replace(/typedef ap_fixed<14,6> input_t;/, 'typedef float input_t;'), /its type 'input_t' is no fixed-point type/],
    ['types that are each other', 'firmware/defines.h', (t: string) => t.replace(/typedef ap_fixed<14,6> input_t;/, 'typedef b input_t; typedef input_t b;'), /its type 'input_t' is no fixed-point type/],
    ['a field that is missing', 'firmware/parameters.h', (t: string) => t.replace(/static const unsigned n_in = 6;/, ''), /its config struct has no n_in/],
  ])('%s', (_, file, change, message) => {
    expect(edited(file, change)).toThrow(message);
  });

  it('paths in names are never followed', () => {
    const files = filesOf('hls4ml_project_mlp');
    const top = (files['firmware/top.cpp'] as string).replaceAll('w14,', '../../secret,');
    const { source, readSide } = sourceOf({ ...files, 'firmware/top.cpp': top });
    expect(() => readModel(source, readSide)).toThrow(/are no array of the project/);
  });
});

describe('generated C++', () => {
  it('numbers are literals, defines, fields and their arithmetic, and nothing else', () => {
    const definitions = new Definitions();
    definitions.read('#define N_IN 6\nstruct config2 : nnet::dense_config {\n static const unsigned n_in = N_IN*2;\n static const unsigned k = DIV_ROUNDUP(n_in, 5);\n typedef ap_fixed<8,3> t;\n};\ntypedef nnet::array<ap_ufixed<4,1>, 3*2> a_t;');
    const config = definitions.config('config2');
    expect(definitions.number('k', config)).toBe(3);
    expect(definitions.number('(n_in - 2) / 3 + 1', config)).toBe(4);
    expect(definitions.number('system("x")', config)).toBeUndefined();
    expect(definitions.number('('.repeat(5000))).toBeUndefined();
    expect(definitions.type('a_t')).toMatchObject({ signed: false, width: 4, integer: 1 });
  });

  it('the top function: old and new forms', () => {
    const top = readTopFunction(`
      void top(input_t x[N_IN], result_t y[3]) {
        #pragma HLS PIPELINE
        layer2_t layer2_out[N_2];
        nnet::dense<input_t, layer2_t,
            config2>(x, layer2_out, w2, b2); // fc1
        auto& flat = layer2_out;
        nnet::relu<layer2_t, result_t, relu_config3>(flat, y); // relu1
      }`, 'top');
    expect(top?.parameters.map((p) => [p.name, p.type, p.dimensions])).toEqual([['x', 'input_t', ['N_IN']], ['y', 'result_t', ['3']]]);
    expect(top?.steps).toEqual([
      { name: 'dense', types: ['input_t', 'layer2_t', 'config2'], args: ['x', 'layer2_out', 'w2', 'b2'], layer: 'fc1' },
      { name: 'flat', of: 'layer2_out' },
      { name: 'relu', types: ['layer2_t', 'result_t', 'relu_config3'], args: ['flat', 'y'], layer: 'relu1' },
    ]);
  });
});
