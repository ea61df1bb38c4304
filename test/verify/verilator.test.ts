import { describe, expect, it } from 'vitest';
import { CompileError } from '../../src/errors.js';
import type { Verification } from '../../src/verify/verilator.js';
import { formatMismatch, verificationError, verifyVerilog } from '../../src/verify/verilator.js';
import type { Faults } from './modules.js';
import { adderEvents, adderModule, bus } from './modules.js';

const MINUTE = 60_000;

async function run(latency: number, wide: number, faults: Faults = {}, count = 60): Promise<Verification> {
  const dut = adderModule(latency, wide, faults);
  return verifyVerilog({ dut, ...adderEvents(dut, count) });
}

function failed(result: Verification): string[] {
  return result.checks.filter((check) => check.mismatches > 0).map((check) => check.name);
}

describe('right designs pass every check', () => {
  it.each([
    [0, 20],
    [1, 70],
    [2, 129],
    [5, 300],
  ])('latency %i, a bus of %i bits', { timeout: MINUTE }, async (latency, wide) => {
    const result = await run(latency, wide);
    expect(result.shown.map(formatMismatch)).toEqual([]);
    expect(result.lint).toEqual([]);
    expect(result.mismatches).toBe(0);
    expect(result.latencyMeasured).toBe(latency);
    expect(result.simulator).toMatch(/^verilator \d+\.\d+/);
    const names = result.checks.map((check) => check.name);
    expect(names).toEqual(['lint', 'latency', 'back-to-back', 'bubbles', ...(latency > 0 ? ['reset'] : [])]);
    expect(result.checks.find((check) => check.name === 'back-to-back')?.vectors).toBe(60);
    expect(result.checks.find((check) => check.name === 'bubbles')?.vectors).toBe(60);
  });

  it('takes elements wider than 64 bits, signed, and one event only', { timeout: MINUTE }, async () => {
    const verilog = 'module neg(input wire clk, input wire rst, input wire valid_in, input wire [199:0] x, output wire valid_out, output wire [199:0] y);\n' +
      '  reg [199:0] r; reg v; assign y = r; assign valid_out = v;\n' +
      "  always @(posedge clk) r <= {~x[199:100] + 100'd1, ~x[99:0] + 100'd1};\n" +
      "  always @(posedge clk) if (rst) v <= 1'b0; else v <= valid_in;\nendmodule\n";
    const dut = { top: 'neg', verilog, latencyCycles: 1, inputs: [bus('x', 2, 100, true)], outputs: [bus('y', 2, 100, true)] };
    const value = 2n ** 98n + 12345678901234567890n;
    const good = await verifyVerilog({ dut, vectors: [[[value, -7]]], expected: [[[-value, 7]]] });
    expect(good.mismatches).toBe(0);
    const bad = await verifyVerilog({ dut, vectors: [[[value, -7]]], expected: [[[1n - value, 7]]] });
    expect(bad.firstMismatch).toMatchObject({ output: 'y', element: 0, event: 0, expected: 1n - value, got: -value });
  });
});

describe('each fault turns its check red', () => {
  it('a wrong bit: event, output, element and both values are named', { timeout: MINUTE }, async () => {
    const result = await run(2, 70, { wrongBit: true });
    expect(failed(result)).toContain('back-to-back');
    expect(result.latencyMeasured).toBe(2);
    const { vectors, expected } = adderEvents(adderModule(2, 70), 60);
    const sum = expected[0]?.[0]?.[0] as number;
    expect(vectors[0]?.[0]).toEqual([5]);
    expect(result.firstMismatch).toEqual({ phase: 'latency', cycle: 2, event: 0, output: 'y', element: 0, expected: sum, got: sum + 1 });
    const text = verificationError(result, adderModule(2, 70)).message;
    expect(text).toContain(`event 0: y[0] should be ${sum}, is ${sum + 1}`);
  });

  it('one rank too many: latency is a failure of its own', { timeout: MINUTE }, async () => {
    const result = await run(2, 20, { extraRank: true });
    expect(result.latencyMeasured).toBe(3);
    expect(failed(result)).toEqual(expect.arrayContaining(['latency', 'back-to-back', 'bubbles']));
    expect(verificationError(result, adderModule(2, 20)).message).toContain('Latency: measured 3 cycles, declared 2.');
  });

  it('one rank too few', { timeout: MINUTE }, async () => {
    const dut = { ...adderModule(3, 20), latencyCycles: 4 };
    const result = await verifyVerilog({ dut, ...adderEvents(dut, 20) });
    expect(result.latencyMeasured).toBe(3);
    expect(failed(result)).toContain('latency');
  });

  it('valid not cleared by reset', { timeout: MINUTE }, async () => {
    const result = await run(3, 20, { validKeptThroughReset: true });
    expect(failed(result)).toContain('reset');
    expect(result.shown.filter((one) => one.phase === 'reset')[0]).toMatchObject({ output: 'valid_out', expected: 0, got: 1, event: -1 });
  });

  it('only the first rank of valid cleared by reset', { timeout: MINUTE }, async () => {
    const result = await run(3, 20, { oneRankResetOnly: true });
    expect(failed(result)).toContain('reset');
    expect(failed(result)).not.toContain('back-to-back');
  });

  it('outputs that stall in bubbles: only the bubbles phase sees it', { timeout: MINUTE }, async () => {
    const result = await run(1, 20, { stuckInBubbles: true });
    expect(result.mismatches).toBe(0);
    const deep = await run(3, 20, { stuckInBubbles: true });
    expect(failed(deep)).toContain('bubbles');
  });

  it('outputs that are not registered', { timeout: MINUTE }, async () => {
    expect(failed(await run(1, 20, { unregistered: true }))).toContain('back-to-back');
  });

  it('valid_out stuck high', { timeout: MINUTE }, async () => {
    expect(failed(await run(2, 20, { validStuckHigh: true }))).toEqual(expect.arrayContaining(['latency', 'bubbles', 'reset']));
  });

  it('a bit of the event before', { timeout: MINUTE }, async () => {
    expect(failed(await run(2, 20, { crossedEvents: true }))).toContain('back-to-back');
  });

  it('a combinational design that computes a wrong bit', { timeout: MINUTE }, async () => {
    expect(failed(await run(0, 130, { wrongBit: true }))).toContain('back-to-back');
  });

  it('lint: an unused signal is a message, not a pass', { timeout: MINUTE }, async () => {
    const dut = adderModule(1, 20);
    const verilog = dut.verilog.replace('endmodule', '  wire [3:0] forgotten = a[3:0];\nendmodule');
    const result = await verifyVerilog({ dut: { ...dut, verilog }, ...adderEvents(dut, 10) });
    expect(failed(result)).toEqual(['lint']);
    expect(result.lint.join()).toContain('forgotten');
  });

  it('Verilog that does not parse is an error with its line', { timeout: MINUTE }, async () => {
    const dut = adderModule(1, 20);
    const broken = { ...dut, verilog: dut.verilog.replace('endmodule', 'endmodul') };
    const attempt = verifyVerilog({ dut: broken, ...adderEvents(dut, 10) });
    await expect(attempt).rejects.toThrow(CompileError);
    await expect(attempt).rejects.toThrow(/adder\.v:\d+/);
  });
});

describe('limits', () => {
  it('a build that takes too long is ended and says so', { timeout: MINUTE }, async () => {
    const dut = adderModule(1, 20);
    const attempt = verifyVerilog({ dut, ...adderEvents(dut, 10), timeoutSeconds: 0.01 });
    await expect(attempt).rejects.toThrow(/ran out of time/);
  });

  it('an abort ends it', { timeout: MINUTE }, async () => {
    const dut = adderModule(1, 20);
    const controller = new AbortController();
    const attempt = verifyVerilog({ dut, ...adderEvents(dut, 10), signal: controller.signal, onProgress: () => controller.abort() });
    await expect(attempt).rejects.toThrow(/stopped/);
  });
});
