import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Backend } from '../../src/backends/backend.js';
import { onnxFile } from '../frontends/onnxFile.js';
import { compileModel, complaints, enterTempFolder, snapshotOf } from '../helpers/commandLine.js';

// A backend with a defect: it writes a minus for the first plus.
vi.mock('../../src/backends/verilog/verilog.js', async (importOriginal) => {
  const original = await importOriginal<{ readonly verilog: Backend }>();
  const emit: Backend['emit'] = (schedule, info) => original.verilog.emit(schedule, info).map((file) => ({ ...file, text: file.text.replace(/(wire .*) \+ /, '$1 - ') }));
  return { ...original, verilog: { ...original.verilog, emit } };
});

let home: ReturnType<typeof enterTempFolder>;
beforeAll(() => {
  home = enterTempFolder();
  const weight = { name: 'w', shape: [2, 1], values: [1, 1] };
  writeFileSync('sum.onnx', onnxFile({ inputs: [{ name: 'x', shape: ['N', 2] }], outputs: ['y'], nodes: [{ op: 'MatMul', name: 'fc', inputs: ['x', 'w'], outputs: ['y'] }], constants: [weight] }));
});
afterAll(() => home.leave());

it('a mismatch while compiling: exit code 3, a message that leads to the operation, and no folder', async () => {
  const before = snapshotOf('.');
  const { code, stdout, stderr } = await compileModel('sum.onnx', '--input-type', 'ap_fixed<6,3>', '-o', 'made/out');
  expect(code).toBe(3);
  expect(stdout).toBe('');
  expect(complaints(stderr)).toMatch(/^MISMATCH: sum: .* First: [a-z-]+, cycle \d+, event \d+: y\[0\] should be -?\d+, is -?\d+\. First operation that differs: add of fc\[0\] .* should be \d+, is \d+\. .*please report it with the model\.$/);
  expect(snapshotOf('.')).toEqual(before);
});
