import { describe, expect, it } from 'vitest';
import { verilog as verilogBackend, wireNameOf } from '../../src/backends/verilog/verilog.js';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { kindOf, Op } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { deviceOf } from '../../src/timing/device.js';
import { pipelineCircuit } from '../../src/timing/pipeline.js';
import type { Schedule } from '../../src/timing/schedule.js';
import type { Dut, RawEvent } from '../../src/verify/dut.js';
import { dutOf } from '../../src/verify/dut.js';
import { formatCulprit, localise } from '../../src/verify/localise.js';
import { makeVectors } from '../../src/verify/vectors.js';
import { verifyVerilog } from '../../src/verify/verilator.js';

const MINUTE = 60_000;

/** Two inputs of 4, sums and differences, relu, a product, a table, casts that round: a small network in kind. */
function sampleCircuit(): Circuit {
  const b = new CircuitBuilder('sample');
  const x = b.addInput({ name: 'x', shape: [4], types: [fixedType(true, 8, 3)] });
  const w = b.addInput({ name: 'w', shape: [4], types: [fixedType(false, 6, 6)] });
  b.setOrigin({ layer: 'dense', kind: 'dense' });
  const sums = [0, 1, 2, 3].map((i) => {
    b.setElement(i);
    return b.add(b.sub(x[i] as number, x[(i + 1) % 4] as number, 1), b.shift(w[i] as number, -3), i);
  });
  b.setOrigin({ layer: 'relu', kind: 'activation' });
  const zero = b.constant(0);
  const relus = sums.map((sum, i) => {
    b.setElement(i);
    return b.cast(b.mux(b.lt(sum, zero), zero, sum), fixedType(false, 7, 4, 'RND_CONV', 'SAT'));
  });
  b.setOrigin({ layer: 'table', kind: 'activation' });
  const table = { exp: -4, indexExp: -3, base: 0, values: Array.from({ length: 128 }, (_, i) => (i * i) % 101) };
  const looked = b.lookup(relus[0] as number, table);
  b.setOrigin({ layer: 'dot', kind: 'dot' }, -1);
  const product = b.mul(relus[1] as number, relus[2] as number);
  b.addOutput('score', [2], [b.add(product, looked), b.sub(relus[3] as number, looked)]);
  b.addOutput('raw', [1], [sums[2] as number]);
  return b.finish();
}

interface Sample {
  readonly schedule: Schedule;
  readonly dut: Dut;
  readonly vectors: readonly RawEvent[];
  readonly expected: readonly RawEvent[];
}

function sample(cycles: number): Sample {
  const circuit = sampleCircuit();
  const { schedule } = pipelineCircuit(circuit, deviceOf('xcvu13p'), 320, { mode: 'exactly', cycles });
  const text = verilogBackend.emit(schedule, { top: 'sample', modelName: 'sample', modelVersion: 1, hash: '0'.repeat(64) })[0]?.text ?? '';
  const vectors = makeVectors(circuit, { random: 200, seed: 5 }).events;
  return { schedule, dut: dutOf(schedule, 'sample', text), vectors, expected: vectors.map((event) => evaluateCircuit(circuit, event)) };
}

/** Breaks the emitted line of an op and asks who did it. */
async function breakOp(cycles: number, pick: (circuit: Circuit, op: number) => boolean, edit: (line: string) => string) {
  const whole = sample(cycles);
  const nameOf = wireNameOf(whole.schedule);
  const { circuit } = whole.schedule;
  const op = Array.from({ length: circuit.size }, (_, i) => i).find((i) => nameOf(i) !== undefined && pick(circuit, i)) ?? -1;
  const line = whole.dut.verilog.split('\n').find((one) => new RegExp(`wire .*\\b${nameOf(op)} = `).test(one)) ?? '';
  const edited = edit(line);
  expect(edited).not.toBe(line);
  const dut = { ...whole.dut, verilog: whole.dut.verilog.replace(line, edited) };
  const result = await verifyVerilog({ ...whole, dut });
  const mismatch = result.firstMismatch;
  if (mismatch === undefined) throw new Error('the fault was not seen');
  return { op, culprit: await localise({ ...whole, dut, mismatch }), circuit };
}

describe('the emitted Verilog of a sample circuit', () => {
  it.each([0, 1, 3])('is proven right at %i ranks', { timeout: MINUTE }, async (cycles) => {
    const result = await verifyVerilog(sample(cycles));
    expect(result.shown).toEqual([]);
    expect(result.lint).toEqual([]);
    expect(result.mismatches).toBe(0);
    expect(result.latencyMeasured).toBe(cycles);
  });
});

describe('the first operation that differs is the one that was broken', () => {
  const add = (circuit: Circuit, op: number): boolean => kindOf(circuit, op) === Op.add && circuit.element[op] === 2;

  it.each([0, 3])('an adder at %i ranks', { timeout: MINUTE }, async (cycles) => {
    const { op, culprit } = await breakOp(cycles, add, (line) => line.replace(' + ', ' - '));
    expect(culprit).toMatchObject({ op, kind: 'add', layer: 'dense', element: 2 });
    if (culprit !== undefined) expect(formatCulprit(culprit)).toMatch(/^First operation that differs: add of dense\[2\] \(op \d+, wire \w+, stage \d\) should be \d+, is \d+\.$/);
  });

  it('a multiplication', { timeout: MINUTE }, async () => {
    const { op, culprit } = await breakOp(3, (circuit, i) => kindOf(circuit, i) === Op.mul, (line) => line.replace(' * ', ' + '));
    expect(culprit).toMatchObject({ op, kind: 'mul', layer: 'dot' });
  });

  it('a multiplexer', { timeout: MINUTE }, async () => {
    const pick = (circuit: Circuit, i: number): boolean => kindOf(circuit, i) === Op.mux && circuit.element[i] === 1;
    const { op, culprit } = await breakOp(3, pick, (line) => line.replace(' = ', ' = ~').replace('~~', ''));
    expect(culprit).toMatchObject({ op, kind: 'mux', layer: 'relu', element: 1 });
  });

  it('a register that is one event late: the operation behind it, though each wire is right for a lone steady event', { timeout: MINUTE }, async () => {
    const whole = sample(3);
    const register = /^ {4}(\w+_r1) <= (\w+)(\[[^\]]*\])?;$/m.exec(whole.dut.verilog);
    if (register === null) throw new Error('the sample has no register');
    const [text, name] = register;
    const delayed = text.replace(' <= ', `_late <= `);
    const declared = whole.dut.verilog.split('\n').find((line) => new RegExp(`^ {2}reg .*\\b${name};$`).test(line)) ?? '';
    const late = declared.replace(`${name};`, `${name}_late;`);
    const verilog = whole.dut.verilog.replace(declared, `${declared}\n${late}`).replace(text, `${delayed}\n    ${name} <= ${name}_late;`);
    const dut = { ...whole.dut, verilog };
    const result = await verifyVerilog({ ...whole, dut });
    if (result.firstMismatch === undefined) throw new Error('the fault was not seen');
    const culprit = await localise({ ...whole, dut, mismatch: result.firstMismatch });
    expect(culprit?.stage).toBeGreaterThanOrEqual(1);
  });
});
