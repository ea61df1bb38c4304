import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onnxFile } from '../frontends/onnxFile.js';
import { compileModel, complaints, enterTempFolder } from '../helpers/commandLine.js';

/** Two layers, a ReLU and a table: every kind of line that the mutations need, in 30 operations. */
function tinyModel(): Uint8Array {
  const constant = (name: string, shape: readonly number[], values: readonly number[]) => ({ name, shape, values });
  return onnxFile({
    inputs: [{ name: 'x', shape: ['N', 3] }],
    outputs: ['y', 's'],
    nodes: [
      { op: 'Gemm', name: 'fc', inputs: ['x', 'w', 'b'], outputs: ['h'] },
      { op: 'Relu', name: 'act', inputs: ['h'], outputs: ['r'] },
      { op: 'Gemm', name: 'out', inputs: ['r', 'w2', 'b2'], outputs: ['y'] },
      { op: 'Sigmoid', name: 'sig', inputs: ['y'], outputs: ['s'] },
    ],
    constants: [constant('w', [3, 2], [1.5, -0.75, 2.25, 3, -1, 0.5]), constant('b', [2], [0.25, -1]), constant('w2', [2, 1], [1.25, -2]), constant('b2', [1], [0.5])],
  });
}

/** An edit of the Verilog: what is found first, and what stands there instead. */
type Edit = readonly [what: string, find: RegExp, replace: string];

const LINE = '(wire \\[\\d+:0\\] \\w+ = [^;]*?)';

/** Wrong values: the message must lead to the operation, or to what lies between operations. */
const DATA_EDITS: readonly Edit[] = [
  ['+ becomes -', new RegExp(`${LINE} \\+ `), '$1 - '],
  ['- becomes +', new RegExp(`${LINE} - `), '$1 + '],
  ['a constant is one more', /(wire .* = \{5'd)1( \+ )/, '$12$2'],
  ['< becomes >', /(\$signed\([^()]*\)) < (\$signed\()/, '$1 > $2'],
  ["a mux's branches are swapped", /\? (10'd0) : (\w+\[9:0\])/, '? $2 : $1'],
  ['a bit range is shifted', /(wire \[5:0\] \w+ = x)\[11:6\]/, '$1[12:7]'],
  // The last entry: saturation leads many events there.
  ['an entry of a table is wrong', /(table_1 = 10'd)\d+(;\s+default:)/, '$1200$2'],
  ['a sign extension is zeros', /\{3\{\w+\[5\]\}\}/, "3'd0"],
  ['a sign bit is inverted', /(wire act_\w+ = )(\w+\[\d+\])/, '$1~$2'],
  ['a register is skipped', /(\w+)_r4 <= \1_r3;/, '$1_r4 <= $1;'],
  ['a register holds while valid_in is low', /(\w+_r2 <= )/, 'if (valid_in) $1'],
  ['an output comes a stage early', /(assign y = \w+)_r4/, '$1_r3'],
];

/** Wrong times: values are right where valid_out says so. */
const VALID_EDITS: readonly Edit[] = [
  ['the valid chain is shorter', /valid_out = valid\[3\]/, 'valid_out = valid[2]'],
  ['valid survives reset', /if \(rst\) valid <= 4'd0;\s+else valid/, 'valid'],
  ['valid does not look at valid_in', /(valid <= \{valid\[2:0\], )valid_in/, "$11'b1"],
];

let home: ReturnType<typeof enterTempFolder>;
let file: string;
let original: string;

beforeAll(async () => {
  home = enterTempFolder();
  writeFileSync('tiny.onnx', tinyModel());
  const { code } = await compileModel('tiny.onnx', '--input-type', 'ap_fixed<6,4>', '--clock', '300MHz', '--latency', '=4 cycles', '--verify', 'none', '-o', 'out');
  expect(code).toBe(0);
  file = 'out/verilog/tiny.v';
  original = readFileSync(file, 'utf8');
});
afterAll(() => home.leave());

async function verifyEdited(find: RegExp, replace: string): Promise<string> {
  const edited = original.replace(find, replace);
  expect(edited, `nothing in the Verilog fits ${String(find)}`).not.toBe(original);
  writeFileSync(file, edited);
  const { code, stdout, stderr } = await compileModel('verify', 'out', '--quiet');
  expect(code).toBe(3);
  expect(stdout).not.toContain('PROVEN');
  const message = complaints(stderr);
  expect(message).toMatch(/^warning: verilog\/tiny\.v is not the file that was written/);
  expect(message).toMatch(/verilog\/tiny\.v was changed since it was written: compile the model again\.$/);
  return message;
}

describe('one edit of the emitted Verilog turns verification red', () => {
  it('and without an edit it is proven', async () => {
    writeFileSync(file, original);
    const { code, stdout, stderr } = await compileModel('verify', 'out', '--quiet');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^PROVEN {2}tiny: \d+ events .*latency 4 cycles/);
  });

  it.each(DATA_EDITS)('%s', async (what, find, replace) => {
    const message = await verifyEdited(find, replace);
    expect(message).toMatch(/First: [a-z-]+, cycle \d+, event \d+: [ys]\[0\] should be -?\d+, is -?\d+\./);
    // Registers and output wiring belong to no operation; all else is named by operation and layer.
    if (/register|output/.test(what)) expect(message).toContain('No operation differs: ');
    else expect(message).toMatch(/First operation that differs: \w+ of (?:x|fc|act|out|sig)(?:\[\d\])? \(op \d+, wire \w+, stage \d\) should be \d+, is \d+\./);
  });

  it.each(VALID_EDITS)('%s', async (_, find, replace) => {
    expect(await verifyEdited(find, replace)).toMatch(/First: [a-z-]+, cycle \d+, (?:event \d+|no event due): valid_out should be [01], is [01]\./);
  });
});
