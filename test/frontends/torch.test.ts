import { readdirSync, readFileSync } from 'node:fs';
import { strToU8, unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../src/frontends/registry.js';
import { liveNodes, sharedMutations } from '../../src/frontends/torch/liveness.js';
import { readArrays } from '../../src/io/arrays.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { contextWith, messageOf } from './helpers.js';

const FOLDER = 'test/fixtures/torch_programs';
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(`${FOLDER}/${name}`));

function parse(name: string, bytes = bytesOf(name), beside: Readonly<Record<string, Uint8Array>> = {}): ModelGraph {
  return parseModel({ name, bytes }, contextWith(beside));
}

/** The largest distance from PyTorch's outputs, relative above 1. */
function distance(graph: ModelGraph, stem: string): number {
  const [x] = readArrays(bytesOf(`${stem}_inputs.npy`), 'inputs');
  const expected = readArrays(bytesOf(`${stem}_outputs.npz`), 'outputs');
  const outputs = evaluateBatch(graph, catalogue, new Map([[graph.inputs[0]!.name, x!.data]]), x!.shape[0]!);
  expect(graph.outputs.length).toBe(expected.length);
  let largest = 0;
  graph.outputs.forEach((output, i) => {
    const own = outputs.get(output.name)!;
    expect(own.length, output.name).toBe(expected[i]!.data.length);
    own.forEach((value, k) => (largest = Math.max(largest, Math.abs(value - expected[i]!.data[k]!) / Math.max(1, Math.abs(value)))));
  });
  return largest;
}

describe('programs of torch.export and their ONNX exports', () => {
  const programs = readdirSync(FOLDER).filter((name) => /^(?!retrained).*\.(pt2|onnx)$/.test(name));
  it.each(programs)('%s within float32 of PyTorch', (name) => {
    expect(distance(parse(name), name.replace(/^core_|\.\w+$/g, ''))).toBeLessThan(1e-6);
  });

  it.each(['sequential.pt', 'sequential_legacy.pt'])('%s, a whole module', (name) => {
    const graph = parse(name);
    expect(distance(graph, 'sequential')).toBeLessThan(1e-6);
    expect(graph.nodes.map((node) => node.name)).toContain('4.0');
  });

  it('a state_dict replaces the weights of the program beside it', () => {
    const program = bytesOf('retrained.pt2');
    expect(distance(parse('retrained.pt', bytesOf('retrained.pt'), { 'retrained.pt2': program }), 'retrained')).toBeLessThan(1e-6);
    expect(distance(parse('retrained.pt2'), 'retrained')).toBeGreaterThan(0.1);
  });

  it('a state_dict alone says what is missing', () => {
    expect(messageOf(() => parse('retrained.pt'))).toMatch(/^unsupported\n.*is a state_dict: weights \(0\.weight \[3, 8\], 0\.bias \[3\]\).*torch\.export\.save/s);
  });

  it('names layers after modules', () => {
    expect(parse('layers.pt2').nodes.map((node) => node.name)).toEqual(expect.arrayContaining(['conv', 'up', 'slope']));
  });
});

describe('what a program needs', () => {
  const tensor = (name: string) => ({ as_tensor: { name } });
  const node = (target: string, input: string, output: string) => ({ target: `torch.ops.aten.${target}`, inputs: [{ name: 'self', arg: tensor(input) }], outputs: [tensor(output)] });
  const program = (...nodes: ReturnType<typeof node>[]) => ({ graph: { nodes, tensor_values: {} }, signature: { input_specs: [], output_specs: [{ user_output: { arg: tensor('y') } }] } });

  it('is what its outputs depend on', () => {
    const own = program(node('relu.default', 'x', 'y'), node('lt.Scalar', 'x', 'asserted'), node('any.default', 'asserted', 'unread'));
    expect(liveNodes(own).map((live) => live.target)).toEqual(['torch.ops.aten.relu.default']);
  });

  it('is no tensor changed behind a view', () => {
    expect(sharedMutations(program(node('clone.default', 'x', 'c'), node('select.int', 'c', 'v'), node('fill_.Tensor', 'v', 'f'), node('neg.default', 'c', 'y'))).map((bad) => bad.target)).toEqual(['torch.ops.aten.fill_.Tensor']);
    expect(sharedMutations(program(node('select.int', 'x', 'v'), node('add_.Tensor', 'x', 'y')))).toHaveLength(1);
    expect(sharedMutations(program(node('conv1d.default', 'x', 'c'), node('relu_.default', 'c', 'y')))).toEqual([]);
  });
});

/** A pickle of protocol 2: GLOBAL, one string argument, REDUCE. */
function pickleThatCalls(module: string, name: string, argument: string): Uint8Array {
  const text = strToU8(argument);
  return Uint8Array.of(0x80, 2, 0x63, ...strToU8(`${module}\n${name}\n`), 0x58, text.length, 0, 0, 0, ...text, 0x85, 0x52, 0x2e);
}

const saved = (pickle: Uint8Array): Uint8Array => zipSync({ 'archive/data.pkl': pickle, 'archive/version': strToU8('3\n') }, { level: 0 });

/** A pickle's list that holds itself. */
const LOOP = Uint8Array.of(0x80, 2, 0x5d, 0x71, 0, 0x68, 0, 0x61, 0x2e);

describe('hostile files', () => {
  it.each([['posix', 'system'], ['os', 'system'], ['builtins', 'eval'], ['torch.nn.modules.linear.os', 'system'], ['torch', 'load']])('%s.%s is refused, not run', (module, name) => {
    expect(messageOf(() => parse('evil.pt', saved(pickleThatCalls(module, name, 'touch /tmp/trigforge-was-here'))))).toContain(`asks for ${module}.${name}, which is Python code: nothing in a file is ever run`);
  });

  it('the same inside a program', () => {
    const files = unzipSync(bytesOf('retrained.pt2'));
    const config = Object.keys(files).find((name) => name.endsWith('weights_config.json'))!;
    const text = new TextDecoder().decode(files[config]).replaceAll('"use_pickle": false', '"use_pickle": true');
    const weight = Object.keys(files).find((name) => name.endsWith('weight_0'))!;
    const bytes = zipSync({ ...files, [config]: strToU8(text), [weight]: saved(pickleThatCalls('os', 'system', 'true')) });
    expect(messageOf(() => parse('evil.pt2', bytes))).toContain('asks for os.system');
  });

  it.each([
    ['a loop', LOOP],
    ['no end', Uint8Array.of(0x80, 2, 0x5d)],
    ['an empty stack', Uint8Array.of(0x80, 2, 0x85, 0x2e)],
    ['a huge string', Uint8Array.of(0x80, 2, 0x58, 255, 255, 255, 255, 0x2e)],
    ['a huge number', Uint8Array.of(0x80, 2, 0x8b, 255, 255, 255, 255, 0x2e)],
    ['an unknown memo', Uint8Array.of(0x80, 2, 0x68, 7, 0x2e)],
    ['deep nesting', Uint8Array.from([0x80, 2, ...new Array<number>(200_000).fill(0x5d), ...new Array<number>(199_999).fill(0x61), 0x2e])],
  ])('a pickle with %s', (_, pickle) => {
    expect(messageOf(() => parse('odd.pt', saved(pickle)))).toMatch(/^(input|unsupported)\n/);
  });

  it('a tensor that reaches past its storage', () => {
    const files = unzipSync(bytesOf('retrained.pt2'));
    const config = Object.keys(files).find((name) => name.endsWith('weights_config.json'))!;
    const text = new TextDecoder().decode(files[config]);
    for (const [from, to] of [['"storage_offset": {"as_int": 0}', '"storage_offset": {"as_int": 1}'], ['"sizes": [{"as_int": 3}, {"as_int": 8}]', '"sizes": [{"as_int": 3000000}, {"as_int": 8000000}]'], ['"strides": [{"as_int": 8}', '"strides": [{"as_int": -8}']] as const) {
      expect(text).toContain(from);
      expect(messageOf(() => parse('odd.pt2', zipSync({ ...files, [config]: strToU8(text.replace(from, to)) })))).toMatch(/^input\n.*0\.weight/s);
    }
  });

  it('truncated or damaged at any place, one clear message', () => {
    for (const name of ['retrained.pt2', 'sequential.pt', 'sequential_legacy.pt']) {
      const bytes = bytesOf(name);
      for (let cut = 40; cut < bytes.length; cut += 97) expect(messageOf(() => parse(name, bytes.subarray(0, cut))), `${name} cut at ${cut}`).toMatch(/^(input|unsupported)\n/);
      for (let at = 0; at < bytes.length; at += 61) {
        const damaged = Uint8Array.from(bytes);
        damaged[at] = damaged[at]! ^ 0x55;
        expect(() => messageOf(() => parse(name, damaged)), `${name} damaged at ${at}`).not.toThrow();
      }
    }
  });

  it('a program that grows while it unpacks', () => {
    const files = unzipSync(bytesOf('retrained.pt2'));
    const bytes = Uint8Array.from(zipSync({ ...files, 'retrained/models/model.json': new Uint8Array(4_000_000).fill(32) }));
    const view = new DataView(bytes.buffer);
    for (let at = 0; at + 46 < bytes.length; at++) if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 1000, true);
    expect(messageOf(() => parse('bomb.pt2', bytes))).toMatch(/^input\n/);
  });
});
