import { describe, expect, it } from 'vitest';
import { verilog } from '../../src/backends/verilog/verilog.js';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { concatenate } from '../../src/optimize/decision/code.js';
import { deviceOf } from '../../src/timing/device.js';
import type { LatencyRequest } from '../../src/timing/pipeline.js';
import { pipelineCircuit } from '../../src/timing/pipeline.js';
import { dutOf } from '../../src/verify/dut.js';
import { makeVectors } from '../../src/verify/vectors.js';
import { verifyVerilog } from '../../src/verify/verilator.js';
import { mergeCircuits } from '../helpers/mergeCircuits.js';
import { adderTree } from '../helpers/adderTree.js';
import { randomCircuit } from '../helpers/randomCircuit.js';

const info = { top: 'top', modelName: 'small', modelVersion: 1, hash: '0'.repeat(64) };

function emitted(circuit: Circuit, clockMHz: number, request: LatencyRequest, primitives: 'generic' | 'xilinx' = 'generic') {
  const { schedule } = pipelineCircuit(circuit, deviceOf('xcvu13p'), clockMHz, request, { ternary: primitives === 'xilinx' });
  return { schedule, text: verilog.emit(schedule, primitives === 'generic' ? info : { ...info, primitives })[0]!.text };
}

/** The same circuit as a forest's: its LUTs are of our choice in plain Verilog too. */
function ofForest(circuit: Circuit): Circuit {
  return { ...circuit, origins: [{ layer: 'margin', kind: 'forest' }], origin: circuit.origin.map(() => 0) };
}

describe('Verilog text', () => {
  it('is small and readable', () => {
    const builder = new CircuitBuilder('small');
    const [a, b, c] = builder.addInput({ name: 'x', shape: [3], types: [fixedType(true, 4, 4)] });
    builder.setOrigin({ layer: 'dense_1', kind: 'dense' }, 0);
    const sum = builder.add(builder.sub(a!, b!, 1), c!, 2);
    builder.setOrigin({ layer: 'relu_1', kind: 'activation' }, 0);
    const out = builder.cast(sum, fixedType(false, 3, 5, 'RND_CONV', 'SAT'));
    builder.addOutput('y', [1], [out], [fixedType(false, 3, 5)]);
    expect(emitted(builder.finish(), 400, { mode: 'exactly', cycles: 2 }).text).toMatchSnapshot();
  });

  it('keeps the LUTs of a forest, and the sums beside them', () => {
    const builder = new CircuitBuilder('forest');
    const [a, b] = builder.addInput({ name: 'x', shape: [2], types: [fixedType(false, 4, 4)] });
    builder.setOrigin({ layer: 'margin', kind: 'forest' }, 0);
    const key = (x: number, limit: number): number => builder.lt(x, builder.constant(limit));
    const table = (bits: readonly number[], values: readonly number[]): number => builder.lookup(concatenate(builder, bits), { exp: 0, indexExp: 0, base: 0, values });
    const first = table([key(a!, 5), key(b!, 3)], [1, 4, 2, 7]);
    const second = table([key(a!, 9), key(b!, 12)], [0, 3, 3, 5]);
    builder.addOutput('y', [1], [builder.add(first, second)], [fixedType(false, 4, 4)]);
    const circuit = builder.finish();
    expect(emitted(circuit, 400, { mode: 'exactly', cycles: 2 }).text).toMatchSnapshot();
    // Devices of smaller LUTs are left to their synthesis.
    const { schedule } = pipelineCircuit(circuit, deviceOf('lfe5um5g-85f'), 100, { mode: 'exactly', cycles: 2 });
    expect(verilog.emit(schedule, info)[0]!.text).not.toContain('keep_hierarchy');
  });

  it('is the same text every time', () => {
    const circuit = randomCircuit(11, { ops: 80 });
    expect(emitted(circuit, 320, { mode: 'shortest' }).text).toBe(emitted(circuit, 320, { mode: 'shortest' }).text);
  });

  it('keeps port names legal and distinct', () => {
    const builder = new CircuitBuilder('ports');
    const type = [fixedType(false, 2, 2)];
    const x = builder.addInput({ name: 'clk', shape: [1], types: type });
    builder.addInput({ name: '3 déjà/vu', shape: [1], types: type });
    builder.addInput({ name: 'module', shape: [1], types: type });
    builder.addOutput('clk', [1], x);
    const { text } = emitted(builder.finish(), 320, { mode: 'shortest' });
    const ports = [...text.matchAll(/(?:input|output) wire (?:\[[^\]]*\] )?(\w+)/g)].map((match) => match[1]);
    expect(ports).toEqual(['clk', 'rst', 'valid_in', 'clk_in', 'in_3_d_j_vu', 'module_in', 'clk_out', 'valid_out']);
  });
});

describe('Verilog in Verilator', () => {
  // Twelve circuits with every op kind, rounding and overflow mode, up to 100 bits wide, in one build each.
  it.each([
    ['pipelined at 400 MHz', 400, { mode: 'shortest' }, 100, 'generic'],
    ['in one cycle of 25 ns', 40, { mode: 'exactly', cycles: 1 }, 200, 'generic'],
    ['combinational', 40, { mode: 'exactly', cycles: 0 }, 300, 'generic'],
    ['of kept LUTs, as forests are, pipelined at 400 MHz', 400, { mode: 'shortest' }, 600, 'kept'],
    ['of kept LUTs, as forests are, combinational', 40, { mode: 'exactly', cycles: 0 }, 700, 'kept'],
    ['of vendor cells, pipelined at 400 MHz', 400, { mode: 'shortest' }, 400, 'xilinx'],
    ['of vendor cells, combinational', 40, { mode: 'exactly', cycles: 0 }, 500, 'xilinx'],
  ] as const)('equals the reference bit for bit: %s', { timeout: 180_000 }, async (_name, clockMHz, request, seed, primitives) => {
    const merged = mergeCircuits(Array.from({ length: 12 }, (_, k) => randomCircuit(seed + k, { ops: 60 })));
    const circuit = primitives === 'kept' ? ofForest(merged) : merged;
    const { schedule, text } = emitted(circuit, clockMHz, request, primitives === 'xilinx' ? 'xilinx' : 'generic');
    expect(text.includes('keep_hierarchy')).toBe(primitives === 'kept');
    const { events } = makeVectors(circuit, { maxCorners: 40, random: 120 });
    const result = await verifyVerilog({
      dut: dutOf(schedule, 'top', text),
      vectors: events,
      expected: events.map((event) => evaluateCircuit(circuit, event)),
    });
    expect(result.lint).toEqual([]);
    expect(result.shown).toEqual([]);
    expect([result.mismatches, result.latencyMeasured]).toEqual([0, schedule.latencyCycles]);
  });
});

describe('three-operand adders in Verilator', () => {
  it.each([0, 3])('are exact with every mix of signs, shifts and widths: %d stages', { timeout: 120_000 }, async (cycles) => {
    const trees = Array.from({ length: 16 }, (_, seed) => adderTree(seed, 4 + (seed % 6)));
    // (x − y) + y needs fewer bits than x − y: what is added to it must not join it.
    const builder = new CircuitBuilder('cancelling', { share: false });
    const [x, y, z] = builder.addInput({ name: 'x', shape: [3], types: [fixedType(true, 8, 8)] });
    const back = builder.add(builder.sub(x!, y!), y!);
    builder.claim(back, { lo: -128, hi: 127, exp: 0 });
    builder.addOutput('y', [2], [builder.add(back, z!, 3), builder.sub(z!, builder.add(builder.constant(5), back, 1))]);
    const circuit = mergeCircuits([...trees, builder.finish()]);
    const { schedule, text } = emitted(circuit, 200, { mode: 'exactly', cycles }, 'xilinx');
    expect(schedule.partOf!.filter((outer) => outer >= 0).length).toBeGreaterThan(20);
    const { events } = makeVectors(circuit, { maxCorners: 60, random: 300 });
    const { checks, lint } = await verifyVerilog({ dut: dutOf(schedule, 'top', text), vectors: events, expected: events.map((event) => evaluateCircuit(circuit, event as never)) });
    expect(lint).toEqual([]);
    expect(checks.filter((check) => check.mismatches > 0)).toEqual([]);
  });
});

describe('a wire of which more is known than of what it is made of', () => {
  /** (x − y) + y is x: its shift says so, the sum does not. */
  it.each([['generic'], ['xilinx']] as const)('is extended by its own sign: %s', async (primitives) => {
    const builder = new CircuitBuilder('claims', { share: false });
    const z = builder.addInput({ name: 'z', shape: [1], types: [fixedType(true, 9, 8)] })[0]!;
    const results = [true, false].flatMap((signed) => {
      const [x, y] = builder.addInput({ name: `x${Number(signed)}`, shape: [2], types: [fixedType(signed, 4, 4)] });
      const half = builder.shift(builder.add(builder.sub(x!, y!), y!), -1);
      builder.claim(half, signed ? { lo: -8, hi: 7, exp: -1 } : { lo: 0, hi: 15, exp: -1 });
      const cast = builder.cast(builder.add(builder.sub(x!, y!), y!), fixedType(true, 7, 7));
      builder.claim(cast, signed ? { lo: -8, hi: 7, exp: 0 } : { lo: 0, hi: 15, exp: 0 });
      return [builder.add(half, z), builder.sub(z, cast)];
    });
    builder.addOutput('sums', [results.length], results);
    const circuit = builder.finish();
    const { schedule, text } = emitted(circuit, 320, { mode: 'exactly', cycles: 2 }, primitives);
    const { events } = makeVectors(circuit, { random: 500 });
    const { checks } = await verifyVerilog({ dut: dutOf(schedule, 'top', text), vectors: events, expected: events.map((event) => evaluateCircuit(circuit, event as never)) });
    expect(checks.filter((check) => check.mismatches > 0)).toEqual([]);
  });
});
