import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CompileError } from '../../src/errors.js';
import { isPlainRelativePath } from '../../src/frontends/frontend.js';
import { frontends, parseModel } from '../../src/frontends/registry.js';
import { contextWith, messageOf, parseFile, parseText } from './helpers.js';
import type { FileSpec, NodeSpec, TensorSpec } from './onnxFile.js';
import { onnxFile } from './onnxFile.js';

const floats = (name: string, shape: readonly number[], values: readonly number[]): TensorSpec => ({ name, shape, values });
const relu: NodeSpec = { op: 'Relu', name: 'r', inputs: ['x'], outputs: ['y'] };
const good: FileSpec = { inputs: [{ name: 'x', shape: ['N', 2] }], outputs: ['y'], nodes: [relu] };
const withNodes = (nodes: readonly NodeSpec[], constants: readonly TensorSpec[] = []): FileSpec => ({ ...good, nodes, constants });
const external = (entries: Readonly<Record<string, string>>): FileSpec =>
  withNodes([{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }], [{ name: 'c', shape: [2], values: [], storage: 'external', external: entries }]);

describe('wrong ONNX files get one clear message', () => {
  it.each<readonly [string, FileSpec]>([
    ['unknown operators, all at once', withNodes([
      { op: 'LSTM', name: 'a', inputs: ['x'], outputs: ['t'] },
      { op: 'Quant', name: 'b', domain: 'com.microsoft', inputs: ['t'], outputs: ['u'] },
      { op: 'LSTM', inputs: ['u'], outputs: ['y'] },
    ])],
    ['control flow', withNodes([{ op: 'If', name: 'branch', inputs: ['x'], outputs: ['y'], attributes: { then_branch: { graph: true } } }])],
    ['NaN weights', withNodes([{ op: 'MatMul', name: 'fc', inputs: ['x', 'w'], outputs: ['y'] }], [floats('w', [2, 1], [1, NaN])])],
    ['infinite bias', withNodes([{ op: 'Gemm', name: 'fc', inputs: ['x', 'w', 'b'], outputs: ['y'] }], [floats('w', [2, 1], [1, 2]), floats('b', [1], [Infinity])])],
    ['a cycle', withNodes([
      { op: 'Add', name: 'a', inputs: ['x', 'v'], outputs: ['u'] },
      { op: 'Relu', name: 'b', inputs: ['u'], outputs: ['v'] },
      { op: 'Tanh', name: 'c', inputs: ['v'], outputs: ['y'] },
    ])],
    ['a missing tensor', withNodes([{ op: 'Add', name: 'a', inputs: ['x', 'ghost'], outputs: ['y'] }])],
    ['a tensor made twice', withNodes([relu, { ...relu, name: 's' }])],
    ['a missing output', { ...good, outputs: ['y', 'z'] }],
    ['no outputs', { ...good, outputs: [] }],
    ['shapes that do not fit', withNodes([{ op: 'MatMul', name: 'fc', inputs: ['x', 'w'], outputs: ['y'] }], [floats('w', [3, 1], [1, 2, 3])])],
    ['elementwise shapes that do not fit', withNodes([{ op: 'Add', name: 'a', inputs: ['x', 'c'], outputs: ['y'] }], [floats('c', [3], [1, 2, 3])])],
    ['an impossible reshape', withNodes([{ op: 'Reshape', name: 'v', inputs: ['x', 's'], outputs: ['y'] }], [{ name: 's', shape: [2], values: [1, 3], type: 7 }])],
    ['an axis outside', withNodes([{ op: 'Softmax', name: 's', inputs: ['x'], outputs: ['y'], attributes: { axis: 5 } }])],
    ['a reduction over the batch', withNodes([{ op: 'ReduceSum', name: 's', inputs: ['x'], outputs: ['y'] }])],
    ['too few values', withNodes([{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }], [floats('c', [2, 2], [1, 2, 3])])],
    ['a huge declared constant', withNodes([{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }], [floats('c', [2 ** 40, 2 ** 40], [1])])],
    ['a huge constant made by the graph', withNodes([
      { op: 'ConstantOfShape', name: 'big', inputs: ['s'], outputs: ['c'] },
      { op: 'Add', inputs: ['x', 'c'], outputs: ['y'] },
    ], [{ name: 's', shape: [2], values: [2 ** 20, 2 ** 20], type: 7 }])],
    ['a huge expansion', withNodes([{ op: 'Expand', name: 'big', inputs: ['x', 's'], outputs: ['y'] }], [{ name: 's', shape: [3], values: [1, 2 ** 30, 2], type: 7 }])],
    ['a huge input', { ...good, inputs: [{ name: 'x', shape: ['N', 2 ** 30, 2 ** 30] }] }],
    ['an open axis', { ...good, inputs: [{ name: 'x', shape: ['N', 'length'] }] }],
    ['an input without shape', { ...good, inputs: [{ name: 'x' }] }],
    ['an input without batch', { ...good, inputs: [{ name: 'x', shape: [] }] }],
    ['an input of text', { ...good, inputs: [{ name: 'x', shape: ['N', 1], type: 8 }] }],
    ['no inputs', { ...good, inputs: [], nodes: [{ op: 'Relu', inputs: ['c'], outputs: ['y'] }], constants: [floats('c', [1], [1])] }],
    ['an old operator set', { ...good, opset: 5 }],
    ['a new operator set', { ...good, opset: 30 }],
    ['no operator set', { ...good, opset: null }],
    ['a divisor of zero', withNodes([{ op: 'Div', name: 'd', inputs: ['x', 'c'], outputs: ['y'] }], [floats('c', [2], [1, 0])])],
    ['an exponent', withNodes([{ op: 'Pow', name: 'p', inputs: ['x', 'c'], outputs: ['y'] }], [floats('c', [], [2.5])])],
    ['a scale of zero', withNodes([{ op: 'BipolarQuant', name: 'q', domain: 'onnx.brevitas', inputs: ['x', 'c'], outputs: ['y'] }], [floats('c', [], [0])])],
    ['an unknown rounding mode', withNodes([{ op: 'Quant', name: 'q', domain: 'onnx.brevitas', inputs: ['x', 'c', 'z', 'c'], outputs: ['y'], attributes: { rounding_mode: 'constructor' } }], [floats('c', [], [4]), floats('z', [], [0])])],
    ['a missing operand', withNodes([{ op: 'Add', name: 'a', inputs: ['x'], outputs: ['y'] }])],
    ['a constant output', withNodes([{ op: 'Relu', name: 'a', inputs: ['c'], outputs: ['y'] }], [floats('c', [1], [1])])],
    ['external data outside the folder', external({ location: '../secret.bin' })],
    ['external data at an absolute path', external({ location: '/etc/passwd' })],
    ['external data that is missing', external({ location: 'gone.bin' })],
    ['external data that is too short', external({ location: 'w.bin', offset: '4' })],
    ['external data of another length', external({ location: 'w.bin', length: '12' })],
    ['external data at a negative offset', external({ location: 'w.bin', offset: '-4' })],
    ['several at once', withNodes([
      { op: 'Softmax', name: 'a', inputs: ['x'], outputs: ['u'], attributes: { axis: 5 } },
      { op: 'GRU', name: 'b', inputs: ['x'], outputs: ['v'] },
      { op: 'Add', name: 'c', inputs: ['u', 'v'], outputs: ['y'] },
    ])],
  ])('%s', (_, spec) => {
    expect(messageOf(() => parseFile(spec, { 'w.bin': new Uint8Array(8) }))).toMatchSnapshot();
  });
});

describe('content that is no model', () => {
  it.each<readonly [string, Uint8Array]>([
    ['empty', new Uint8Array(0)],
    ['zip', Uint8Array.from([0x50, 0x4b, 3, 4, 0])],
    ['pickle', Uint8Array.from([0x80, 4, 0x95])],
    ['array', Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1])],
    ['unknown bytes', Uint8Array.from([0xff, 0xfe, 0, 1])],
    ['other JSON', new TextEncoder().encode('{"a": 1}')],
    ['text', new TextEncoder().encode('hello, this is no model')],
  ])('%s is named for what it is', (_, bytes) => {
    const message = messageOf(() => parseModel({ name: 'file', bytes }, contextWith()));
    for (const { name, summary } of frontends) expect(message).toContain(`${name} (${summary})`);
    // The list of formats grows; what the file is said to be does not.
    expect(message.replace(/ Supported: .*$/s, '')).toMatchSnapshot();
  });

  it('HDF5 that ends too soon is', () => {
    expect(messageOf(() => parseModel({ name: 'file', bytes: Uint8Array.from([0x89, 0x48, 0x44, 0x46, 13]) }, contextWith()))).toContain('file: is damaged HDF5');
  });

  it('the name does not matter, the content does', () => {
    const bytes = onnxFile(good);
    expect(parseModel({ name: 'weights.json', bytes }, contextWith()).format).toBe('onnx');
  });
});

/** Parses, and throws on anything but a graph or a CompileError meant for users. */
function survives(bytes: Uint8Array): void {
  try {
    parseModel({ name: 'model', bytes }, contextWith());
  } catch (error) {
    if (!(error instanceof CompileError) || (error.kind !== 'input' && error.kind !== 'unsupported')) throw error;
  }
}

/** A small generator of its own, so that a failure can be repeated: Park and Miller's. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

describe('damaged files', () => {
  const files = ['brevitas_mlp/model.onnx', 'torch_conv2d/dynamo.onnx', 'xgboost_binary/model.json'].map((name) => [name, new Uint8Array(readFileSync(`test/fixtures/${name}`))] as const);
  it.each(files)('%s cut anywhere says so or still is a model', (_, bytes) => {
    for (let i = 0; i < 60; i++) survives(bytes.subarray(0, Math.floor((bytes.length * i) / 60)));
  });
  it.each(files)('%s with bytes changed never ends in anything but a message', (_, bytes) => {
    const next = generator(12345);
    for (let round = 0; round < 120; round++) {
      const damaged = bytes.slice();
      // Headers and structure sit at the ends as often as weights do in the middle.
      for (let k = 0; k < 4; k++) damaged[next(2) === 0 ? next(damaged.length) : next(Math.min(damaged.length, 2000))] = next(256);
      survives(damaged);
    }
  });
  it('random bytes never end in anything but a message', () => {
    const next = generator(99);
    for (let round = 0; round < 300; round++) survives(Uint8Array.from({ length: next(200) }, (_, i) => (i === 0 ? 8 : next(256))));
  });
  it('a truncated ONNX file is called incomplete', () => {
    const bytes = onnxFile(good);
    expect(messageOf(() => parseModel({ name: 'm.onnx', bytes: bytes.subarray(0, bytes.length - 5) }, contextWith()))).toMatch(/^input\nm\.onnx: is no complete ONNX file .* may be truncated/);
  });
  it('a nesting bomb in JSON is refused', () => {
    expect(messageOf(() => parseText(`{"learner": ${'['.repeat(100000)}${']'.repeat(100000)}}`))).toMatch(/^input\nmodel\.json/);
  });
});

describe('files made to exhaust the machine', () => {
  it('millions of empty nodes are counted before any is read', () => {
    const nodes = new Uint8Array(10_000_000).fill(0x0a);
    for (let i = 1; i < nodes.length; i += 2) nodes[i] = 0;
    // A graph field of exactly these bytes: 10,000,000 as a varint.
    const bytes = Uint8Array.from([8, 8, 0x3a, 0x80, 0xad, 0xe2, 0x04]);
    const whole = new Uint8Array(bytes.length + nodes.length);
    whole.set(bytes);
    whole.set(nodes, bytes.length);
    expect(messageOf(() => parseModel({ name: 'm.onnx', bytes: whole }, contextWith()))).toMatch(/^unsupported\nm\.onnx: has more than 4194304 protobuf fields/);
  });

  it('a few bytes that ask for gigabytes again and again', () => {
    const chain = Array.from({ length: 40 }, (_, i) => ({ op: 'Neg', name: `n${i}`, inputs: [`c${i}`], outputs: [`c${i + 1}`] }));
    const nodes = [{ op: 'ConstantOfShape', inputs: ['s'], outputs: ['c0'] }, ...chain, { op: 'Add', inputs: ['x', 'c40'], outputs: ['y'] }];
    expect(messageOf(() => parseFile(withNodes(nodes, [{ name: 's', shape: [1], values: [2 ** 24], type: 7 }])))).toMatch(/^unsupported\nmodel\.onnx → n\d+: needs 16777216 elements; all constants of a model together may have 67108864/);
  });

  it('a list of axes of a million entries', () => {
    const axes = withNodes([{ op: 'Range', inputs: ['zero', 'many', 'one'], outputs: ['a'] }, { op: 'Unsqueeze', name: 'u', inputs: ['x', 'a'], outputs: ['y'] }], [['zero', 0], ['many', 1e6], ['one', 1]].map(([name, n]) => ({ name: name as string, shape: [], values: [n as number], type: 7 })));
    expect(messageOf(() => parseFile(axes))).toBe('unsupported\nmodel.onnx → u: Unsqueeze: its axes are a list of 1000000; at most 65536 are supported.');
  });

  it('a large JSON text', () => {
    expect(messageOf(() => parseText(`{"learner": "${' '.repeat(2 ** 25)}"}`))).toMatch(/^unsupported\nmodel\.json: is \d+ bytes of JSON; at most 33554432 are read/);
  });
});

describe('side files', () => {
  it.each(['/abs', '../up', 'a/../b', 'a\\b', 'C:x', '', 'a//b', 'a\0'])('%j is no plain path', (path) => {
    expect(isPlainRelativePath(path)).toBe(false);
  });
  it.each(['w.bin', 'data/w.bin', 'a..b'])('%j is one', (path) => {
    expect(isPlainRelativePath(path)).toBe(true);
  });
});

describe('formats that are known and not read', () => {
  it('YDF is refused by name, its folder and a file of it', () => {
    const files = ['data_spec.pb', 'done', 'gradient_boosted_trees_header.pb', 'header.pb', 'nodes-00000-of-00001'];
    const message = /YDF.*convert_from_ydf/s;
    expect(messageOf(() => parseModel({ name: 'forest', bytes: new Uint8Array(), folder: true, siblings: () => files }, contextWith()))).toMatch(message);
    expect(messageOf(() => parseModel({ name: 'nodes-00000-of-00001', bytes: Uint8Array.of(0x42, 0x53, 0, 1), siblings: () => files }, contextWith()))).toMatch(message);
    expect(messageOf(() => parseModel({ name: 'forest', bytes: new Uint8Array(), folder: true, siblings: () => ['header.pb'] }, contextWith()))).not.toMatch(message);
  });
});
