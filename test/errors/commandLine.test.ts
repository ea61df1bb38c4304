import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/io/npy.js';
import type { NodeSpec, TensorSpec } from '../frontends/onnxFile.js';
import { onnxFile } from '../frontends/onnxFile.js';
import { compileModel, complaints, enterTempFolder, folder, snapshotOf } from '../helpers/commandLine.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** A two-input, one-layer network: compiles in milliseconds. */
function model(weight: readonly number[] = [1, -2.5], nodes?: readonly NodeSpec[]): Uint8Array {
  const constants: TensorSpec[] = [{ name: 'w', shape: [weight.length, 1], values: weight }];
  return onnxFile({ inputs: [{ name: 'x', shape: ['N', 2] }], outputs: ['y'], nodes: nodes ?? [{ op: 'MatMul', name: 'fc', inputs: ['x', 'w'], outputs: ['y'] }], constants });
}

/** A small generator, so that the bytes are the same everywhere. */
function randomBytes(count: number): Uint8Array {
  let state = 7;
  return Uint8Array.from({ length: count }, () => (state = (state * 48271) % 2147483647) & 255);
}

/** A .npy header of our own making, in front of the bytes. */
function npy(header: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = `${header.padEnd(117)}\n`;
  return Uint8Array.from([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, text.length, 0, ...new TextEncoder().encode(text), ...data]);
}

const GOOD = ['good.onnx', '--input-type', 'ap_fixed<8,4>', '--verify', 'none', '-o', 'out'];
let home: ReturnType<typeof enterTempFolder>;

function writeModels(): void {
  const good = model();
  writeFileSync('good.onnx', good);
  writeFileSync('empty.onnx', '');
  writeFileSync('cut.onnx', good.subarray(0, good.length - 20));
  writeFileSync('random.onnx', randomBytes(500));
  writeFileSync('nan.onnx', model([1, NaN]));
  writeFileSync('infinite.onnx', model([Infinity, 1]));
  writeFileSync('shapes.onnx', model([1, 2, 3]));
  writeFileSync('cycle.onnx', model([1], [{ op: 'Add', name: 'a', inputs: ['x', 'v'], outputs: ['u'] }, { op: 'Relu', name: 'b', inputs: ['u'], outputs: ['v'] }, { op: 'Relu', name: 'c', inputs: ['v'], outputs: ['y'] }]));
  writeFileSync('unknown.onnx', model([1], [{ op: 'RoiAlign', name: 'a', inputs: ['x'], outputs: ['t'] }, { op: 'GridSample', name: 'b', inputs: ['t'], outputs: ['u'] }, { op: 'NonMaxSuppression', name: 'c', inputs: ['u'], outputs: ['y'] }]));
  writeFileSync('cut.json', readFileSync(`${FIXTURES}xgboost_binary/model.json`).subarray(0, 5000));
  writeFileSync('other.json', '{"hello": [1, 2]}');
  mkdirSync('folder');
}

function writeArrays(): void {
  writeFileSync('events.npy', writeNpy([3, 2], Float64Array.from([1, 2, 3, 4, 5, 6])));
  writeFileSync('wide.npy', writeNpy([2, 3], new Float64Array(6)));
  writeFileSync('none.npy', writeNpy([0, 2], new Float64Array(0)));
  writeFileSync('nan.npy', writeNpy([2, 2], Float64Array.from([1, 2, 3, NaN])));
  writeFileSync('infinite.npy', writeNpy([2, 2], Float64Array.from([1, -Infinity, 3, 4])));
  writeFileSync('cut.npy', readFileSync('events.npy').subarray(0, 140));
  writeFileSync('pickled.npy', npy("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"));
  writeFileSync('huge.npy', npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 2), }"));
  writeFileSync('cut.npz', Uint8Array.from([0x50, 0x4b, 3, 4, 20, 0, 0, 0]));
  writeFileSync('ragged.csv', 'a,b\n1,2\n3\n');
  writeFileSync('words.csv', '1,2\n3,four\n');
  writeFileSync('random.bin', randomBytes(300));
  writeFileSync('empty.bin', '');
}

function writeConfigs(): void {
  writeFileSync('wrong.yml', 'Model:\n  Precision: ap_fixed<16,6\n  ReuseFactor: 1\nLayerName:\n  fd:\n    Precision: {weight: fixed<8>, sum: ap_fixed<8,4>}\n');
  writeFileSync('list.yml', '- a\n- b\n');
  writeFileSync('syntax.yml', 'Model:\n  Precision: [ap_fixed<16,6>\n');
  writeFileSync('conf.yaml', 'model: good.onnx\nclok: 3\nlatency: 5 bananas\ntarget: [verilog, cobol]\n');
  writeFileSync('values.yaml', 'model: good.onnx\nlatency: 5 bananas\nseed: -3\nverify: perhaps\n');
  writeFileSync('gone.yaml', 'model: gone.onnx\n');
  writeFileSync('nomodel.yaml', 'clock: 40MHz\n');
  writeFileSync('empty.yaml', '');
  writeFileSync('binary.yaml', randomBytes(200));
  writeFileSync('bomb.yaml', `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[i]}`).join(',')}]`).join('\n')}\nmodel: good.onnx\n`);
}

/** Folders under `bad/` that are not as compile-model left them. */
function writeBadFolders(): void {
  const copy = (name: string): string => {
    cpSync('out', `bad/${name}`, { recursive: true });
    return `bad/${name}`;
  };
  const edit = (path: string, change: (text: string) => string): void => writeFileSync(path, change(readFileSync(path, 'utf8')));
  mkdirSync('bad');
  edit(`${copy('mixed')}/circuit.txt`, (text) => `${text}\n`);
  edit(`${copy('schedule')}/circuit.schedule.json`, (text) => text.replace('"stage":[0', '"stage":[1'));
  rmSync(`${copy('nocircuit')}/circuit.txt`);
  rmSync(`${copy('noverilog')}/verilog/good.v`);
  rmSync(`${copy('noreport')}/report.json`);
  writeFileSync(`${copy('notjson')}/report.json`, '{"schema": 1,');
  edit(`${copy('schema')}/report.json`, (text) => text.replace('"schema": 1', '"schema": 2'));
  edit(`${copy('fields')}/report.json`, (text) => text.replace('"clockMHz": 320', '"clockMHz": "fast"').replace('"cycles": 1', '"cycles": -1'));
  edit(`${copy('hash')}/report.json`, (text) => text.replace(/"path": "circuit.txt",(\s+)"sha256": "..../, '"path": "circuit.txt",$1"sha256": "0000'));
  edit(`${copy('system')}/verilog/good.v`, (text) => text.replace('endmodule', 'initial $system("touch escaped");\nendmodule'));
  // As an attacker would: every hash fits, and the name of the module leads out of the folder.
  const outside = copy('outside');
  edit(`${outside}/circuit.schedule.json`, (text) => text.replace('"top":"good"', '"top":"../../escaped"'));
  const hash = createHash('sha256').update(readFileSync(`${outside}/circuit.schedule.json`)).digest('hex');
  edit(`${outside}/report.json`, (text) => text.replace(/("path": "circuit.schedule.json",\s+"sha256": ")[0-9a-f]{64}/, `$1${hash}`));
}

beforeAll(async () => {
  home = enterTempFolder();
  writeModels();
  writeArrays();
  writeConfigs();
  const good = await compileModel(...GOOD);
  expect(good.stderr).toContain('nothing was verified');
  expect(good.code).toBe(0);
  writeBadFolders();
  writeFileSync('file', 'I am a file.');
  writeFileSync(`${folder('foreign')}/thesis.tex`, 'years of work');
  writeFileSync(`${folder('other')}/report.json`, '{"coverage": 1}');
});
afterAll(() => home.leave());

/** One command line that must fail: exit code 1, a message as in the snapshot, and the disk stays as it is. */
async function fails(words: readonly string[]): Promise<void> {
  const before = snapshotOf('.');
  const result = await compileModel(...words);
  expect(snapshotOf('.')).toEqual(before);
  expect(result.stdout).toBe('');
  const message = complaints(result.stderr);
  expect(message).not.toMatch(/\n\s+at |Error:|undefined|NaN:|\[object|internal/);
  expect(message).not.toBe('');
  // The list of formats grows with every release.
  expect(message.replace(/ Supported: .*$/gm, '')).toMatchSnapshot();
  expect(result.code).toBe(1);
}

type Case = readonly [what: string, words: readonly string[]];

/** The good compilation with one thing replaced or added. */
const compileWith = (...words: readonly string[]): readonly string[] => [...GOOD, ...words];
const compileOther = (file: string): readonly string[] => [file, ...GOOD.slice(1)];

describe('a wrong MODEL', () => {
  it.each<Case>([
    ['missing', compileOther('gone.onnx')],
    ['a folder', compileOther('folder')],
    ['a device', compileOther('/dev/null')],
    ['empty', compileOther('empty.onnx')],
    ['truncated', compileOther('cut.onnx')],
    ['random bytes', compileOther('random.onnx')],
    ['NaN weights', compileOther('nan.onnx')],
    ['infinite weights', compileOther('infinite.onnx')],
    ['shapes that do not fit', compileOther('shapes.onnx')],
    ['a cycle', compileOther('cycle.onnx')],
    ['unknown operators, all of them', compileOther('unknown.onnx')],
    ['a truncated forest', compileOther('cut.json')],
    ['other JSON', compileOther('other.json')],
    ['an array', compileOther('events.npy')],
    ['none', []],
    ['two', ['good.onnx', 'good.onnx']],
    ['of unknown operators, inspected', ['inspect', 'unknown.onnx']],
    ['truncated, inspected', ['inspect', 'cut.onnx']],
    ['truncated, in floats', ['emulate', 'cut.onnx', '--float', '--inputs', 'events.npy', '--outputs', 'y.npy']],
  ])('%s', (_, words) => fails(words));
});

describe('types that are not there or make no sense', () => {
  it.each<Case>([
    ['no input type', ['good.onnx', '-o', 'out']],
    ['no type', compileWith('--input-type', 'float').filter((word) => word !== 'ap_fixed<8,4>').toSpliced(1, 1)],
    ['a precision file that is missing', compileWith('--precision', 'gone.yml')],
    ['a precision file that is empty', compileWith('--precision', 'empty.bin')],
    ['a precision file of random bytes', compileWith('--precision', 'random.bin')],
    ['a precision file that is a list', compileWith('--precision', 'list.yml')],
    ['a precision file with a syntax error', compileWith('--precision', 'syntax.yml')],
    ['a precision file with wrong types and layers', compileWith('--precision', 'wrong.yml')],
    ['a precision file that is a folder', compileWith('--precision', 'folder')],
    ['a precision file that is the model', compileWith('--precision', 'good.onnx')],
    ['an input that the model has not', ['good.onnx', '--input-type', 'z=ap_fixed<8,4>', '-o', 'out']],
    ['a type too wide', ['good.onnx', '--input-type', 'ap_fixed<5000,6>', '-o', 'out']],
    ['a score type for a network', compileWith('--score-type', 'ap_fixed<8')],
  ])('%s', (_, words) => fails(words));
});

describe.each(['--vectors', '--data'])('a wrong %s', (option) => {
  const base = option === '--data' ? ['good.onnx', '--verify', 'none', '-o', 'out'] : ['good.onnx', '--input-type', 'ap_fixed<8,4>', '--verify', 'emulator', '-o', 'out'];
  it.each(['gone.npy', 'folder', 'empty.bin', 'random.bin', 'cut.npy', 'cut.npz', 'pickled.npy', 'huge.npy', 'wide.npy', 'none.npy', 'nan.npy', 'infinite.npy', 'ragged.csv', 'words.csv', 'good.onnx'])('%s', (file) => fails([...base, option, file]));
});

describe('options that make no sense', () => {
  it.each<Case>([
    ['several at once', compileWith('--clok', '320MHz', '--clock', '5 kg', '--latency', '3 bananas', '--part', 'asics', '--seed', 'x', '--name', '1x')],
    ['an unknown short option', compileWith('-x')],
    ['a value that is missing', compileWith('--clock')],
    ['an option given twice', compileWith('--clock', '40MHz', '--clock', '80MHz')],
    ['a clock without unit', compileWith('--clock', '320')],
    ['a clock of zero', compileWith('--clock', '0MHz')],
    ['a negative latency', compileWith('--latency', '-5ns')],
    ['a latency of years', compileWith('--latency', '1 year')],
    ['an unknown part', compileWith('--part', 'xcvu13')],
    ['an unknown pass', compileWith('--dump-after', 'narow')],
    ['an option of a later release', compileWith('--ii', '2')],
  ])('%s', (_, words) => fails(words));
});

describe('commands that are none', () => {
  it.each<Case>([
    ['misspelt', ['verfy', 'out']],
    ['misspelt, alone', ['docter']],
    ['without its argument', ['report']],
    ['with one word too many', ['report', 'out', 'other']],
    ['with an unknown option', ['report', 'out', '--agains', 'x']],
    ['without what it needs', ['emulate', 'out']],
    ['with an option twice', ['emulate', 'out', '--inputs', 'a', '--inputs', 'b', '--outputs', 'c']],
    ['with numbers that are none', ['verify', 'out', '--seed', 'x']],
  ])('%s', (_, words) => fails(words));
});

describe('an output folder that cannot be written', () => {
  const into = (out: string): readonly string[] => [...GOOD.slice(0, -1), out];
  it.each<Case>([
    ['is a file', into('file')],
    ['is below a file', into('file/deep/out')],
    ['holds something else', into('foreign')],
    ["holds another program's report.json", into('other')],
    ['is where nothing can be made', into('/proc/nothing/out')],
    ['has a name too long', into('n'.repeat(300))],
    ['is the current folder, which holds something else', into('.')],
  ])('%s', (_, words) => fails(words));

  it('parents made for a model that turns out wrong are gone again', () => fails([...compileOther('nan.onnx').slice(0, -1), 'new/deep/out']));
});

describe('a wrong option file', () => {
  it.each(['conf.yaml', 'values.yaml', 'gone.yaml', 'nomodel.yaml', 'empty.yaml', 'binary.yaml', 'list.yml', 'syntax.yml', 'missing.yaml', 'bomb.yaml'])('%s', (file) => fails([file, ...GOOD.slice(1)]));
});

describe('a wrong output folder to read', () => {
  const commands: Readonly<Record<string, (out: string) => readonly string[]>> = {
    emulate: (out) => ['emulate', out, '--inputs', 'events.npy', '--outputs', 'y.npy'],
    verify: (out) => ['verify', out],
    report: (out) => ['report', out],
  };
  const bad: Readonly<Record<string, readonly string[]>> = {
    emulate: ['gone', 'file', 'folder', 'good.onnx', 'bad/mixed', 'bad/nocircuit', 'bad/noreport', 'bad/notjson', 'bad/schema', 'bad/fields', 'bad/hash'],
    verify: ['gone', 'bad/mixed', 'bad/schedule', 'bad/nocircuit', 'bad/noverilog', 'bad/notjson', 'bad/hash', 'bad/system', 'bad/outside'],
    report: ['gone', 'file', 'bad/noreport', 'bad/notjson', 'bad/schema', 'bad/fields'],
  };
  it.each(Object.entries(bad).flatMap(([command, list]) => list.map((out) => [command, out] as const)))('%s %s', (command, out) => fails((commands[command] as (out: string) => readonly string[])(out)));

  it.each<Case>([
    ['emulate: no inputs there', ['emulate', 'out', '--inputs', 'gone.npy', '--outputs', 'y.npy']],
    ['emulate: inputs of another shape', ['emulate', 'out', '--inputs', 'wide.npy', '--outputs', 'y.npy']],
    ['emulate: NaN', ['emulate', 'out', '--inputs', 'nan.npy', '--outputs', 'y.npy']],
    ['emulate: outputs that cannot be written', ['emulate', 'out', '--inputs', 'events.npy', '--outputs', 'file/y.npy']],
    ['emulate: outputs that are a folder', ['emulate', 'out', '--inputs', 'events.npy', '--outputs', 'folder']],
    ['verify: numbers without their events', ['verify', 'out', '--expect', 'events.npy']],
    ['verify: numbers of another shape', ['verify', 'out', '--inputs', 'events.npy', '--expect', 'events.npy']],
    ['verify: more numbers than events', ['verify', 'out', '--inputs', 'events.npy', '--expect', 'four.csv']],
    ['report: nothing to compare with', ['report', 'out', '--against', 'gone']],
  ])('%s', (_, words) => {
    writeFileSync('four.csv', '1\n2\n3\n4\n');
    return fails(words);
  });
});

describe('what is there already', () => {
  it('a link to the output folder stays a link', async () => {
    cpSync('out', 'linked', { recursive: true });
    symlinkSync('linked', 'link');
    expect((await compileModel(...GOOD.slice(0, -1), 'link', '--model-version', '9')).code).toBe(0);
    expect(JSON.parse(readFileSync('linked/report.json', 'utf8'))).toMatchObject({ model: { version: 9 } });
    expect(snapshotOf('link')).toEqual(snapshotOf('linked'));
  });

  it('TRIGFORGE_DEBUG aside, --json gives the error as one event too', async () => {
    const { code, stdout } = await compileModel('unknown.onnx', '--json');
    expect(code).toBe(1);
    const event = JSON.parse(stdout.trim().split('\n').at(-1) as string) as { problems: unknown[] };
    expect(event).toMatchObject({ event: 'error', kind: 'unsupported', exitCode: 1 });
    expect(event.problems).toHaveLength(3);
  });
});
