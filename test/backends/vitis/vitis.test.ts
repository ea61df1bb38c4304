import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { vitis } from '../../../src/backends/vitis/vitis.js';
import { CircuitBuilder } from '../../../src/circuit/builder.js';
import type { Circuit } from '../../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../../src/circuit/evaluate.js';
import { fixedType } from '../../../src/fixed/fixedType.js';
import { benchFile } from '../../../src/verify/bench.js';
import { dutOf } from '../../../src/verify/dut.js';
import { vitisTexts } from '../../../src/verify/resources.js';
import { apTypes } from '../../helpers/chain.js';
import { mergeCircuits } from '../../helpers/mergeCircuits.js';
import { randomCircuit, randomInputs } from '../../helpers/randomCircuit.js';
import { compiler, mustRun, scheduled, writeFiles } from '../cpp/build.js';

const root = mkdtempSync(join(tmpdir(), 'trigforge-vitis-'));
afterAll(() => rmSync(root, { recursive: true }));

function filesOf(circuit: Circuit) {
  return vitis(vitisTexts()).emit(scheduled(circuit), { top: 'design', modelName: 'a design', modelVersion: 1, hash: '0'.repeat(64) });
}

const headers = apTypes();
if (headers === undefined) console.warn('The open ap_fixed headers are not in .venv (make setup installs them): HLS C++ is not compiled.');

describe('HLS C++ with the open ap_fixed headers', () => {
  it.runIf(headers !== undefined)('every op, rounding and overflow mode equals the reference evaluator bit for bit', { timeout: 300_000 }, async () => {
    const circuit = mergeCircuits([randomCircuit(100, { ops: 45, maxWidth: 60 }), randomCircuit(105, { ops: 45, maxWidth: 60 }), randomCircuit(106, { ops: 40, maxWidth: 90 })]);
    const events = randomInputs(circuit, 4, 200);
    const vectors = benchFile(dutOf(scheduled(circuit), 'design', ''), events, events.map((event) => evaluateCircuit(circuit, event)), []);
    writeFiles(root, [...filesOf(circuit), { path: 'testbench/vectors.txt', text: vectors }]);
    const printed = await mustRun('make', ['-s', 'check', `AP_TYPES=${headers}`, 'CXXFLAGS=-O0', `CXX=${[compiler.command, ...compiler.prefixArgs].join(' ')}`], join(root, 'vitis'), compiler.env);
    expect(printed).toContain('design: 200 events, 0 mismatches');
    const wrong = vectors.replace(/([0-9a-f])(\nphase|\n$)/, (_, digit: string, end: string) => `${digit === '0' ? '1' : '0'}${end}`);
    expect(wrong).not.toBe(vectors);
    writeFiles(root, [{ path: 'testbench/vectors.txt', text: wrong }]);
    await expect(mustRun('./design_test', ['../testbench/vectors.txt'], join(root, 'vitis'))).rejects.toThrow('1 mismatches');
  });
});

describe('files', () => {
  it('are small and readable, and the same every time', () => {
    const builder = new CircuitBuilder('small');
    const [a, b, c] = builder.addInput({ name: 'x', shape: [3], types: [fixedType(true, 4, 4)] });
    builder.setOrigin({ layer: 'dense_1', kind: 'dense' }, 0);
    const sum = builder.add(builder.sub(a!, b!, 1), c!, 2);
    const out = builder.cast(sum, fixedType(false, 3, 5, 'RND_CONV', 'SAT'));
    builder.addOutput('y', [1], [out], [fixedType(false, 3, 5)]);
    const circuit = builder.finish();
    const files = filesOf(circuit);
    expect(filesOf(circuit)).toEqual(files);
    expect(files.map((file) => file.path)).toEqual(['vitis/design.h', 'vitis/design.cpp', 'vitis/design_test.cpp', 'vitis/project.tcl', 'vitis/Makefile']);
    expect(files[0]!.text).toMatchSnapshot();
    expect(files[1]!.text.slice(files[1]!.text.indexOf('void design('))).toMatchSnapshot();
    expect(files[3]!.text).toMatchSnapshot();
  });
});
