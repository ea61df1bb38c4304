import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { benchFile, benchWrapper } from '../../src/verify/bench.js';
import type { BusElement } from '../../src/verify/dut.js';
import { busWords, hexOfWords, packBus } from '../../src/verify/dut.js';
import { planPhases, probePhase } from '../../src/verify/plan.js';
import { adderModule, bus } from './modules.js';

describe('packBus', () => {
  const element = fc.record({ width: fc.integer({ min: 1, max: 150 }), signed: fc.boolean() }).chain(({ width, signed }) => {
    const lo = signed ? -(1n << BigInt(width - 1)) : 0n;
    return fc.bigInt({ min: lo, max: lo + (1n << BigInt(width)) - 1n }).map((raw) => ({ width, signed, raw }));
  });

  it('puts element 0 lowest, each at its exact width, numbers and bigints alike', () => {
    fc.assert(
      fc.property(fc.array(element, { minLength: 1, maxLength: 12 }), fc.array(element, { maxLength: 5 }), (first, second) => {
        const port = (elements: readonly BusElement[]) => ({ port: 'p', tensor: 'p', elements });
        const ports = second.length > 0 ? [port(first), port(second)] : [port(first)];
        const canonical = (n: bigint) => (n >= -(2n ** 53n) + 1n && n < 2n ** 53n ? Number(n) : n);
        const event = [first.map((e) => canonical(e.raw)), second.map((e) => canonical(e.raw))];
        let whole = 0n;
        let at = 0n;
        for (const e of [...first, ...second]) {
          whole |= BigInt.asUintN(e.width, e.raw) << at;
          at += BigInt(e.width);
        }
        const hex = hexOfWords(packBus(ports, event));
        expect(hex).toBe(whole.toString(16).padStart(8 * busWords(ports), '0'));
      }),
      { seed: 11 },
    );
  });

  it('is never narrower than three words, so that the C++ side is always an array', () => {
    expect(busWords([bus('x', 1, 1, false)])).toBe(3);
    expect(busWords([bus('x', 1, 96, false)])).toBe(3);
    expect(busWords([bus('x', 1, 96, false), bus('y', 1, 1, false)])).toBe(4);
  });
});

describe('the plan', () => {
  it.each([0, 1, 2, 7])('accepts every event once back to back and once with bubbles at latency %i', (latency) => {
    for (const name of ['back-to-back', 'bubbles']) {
      const phase = planPhases(25, latency, 3).find((one) => one.name === name);
      const due = phase?.cycles.filter((cycle) => cycle.expect >= 0).map((cycle) => cycle.expect);
      expect(due).toEqual(Array.from({ length: 25 }, (_, i) => i));
    }
  });

  it('expects an event latency − 1 edges after the one that takes it', () => {
    const cycles = planPhases(9, 4, 1)[1]?.cycles ?? [];
    cycles.forEach((cycle, t) => {
      if (t >= 3 + 1) expect(cycle.expect).toBe(cycles[t - 3]?.valid === true ? cycles[t - 3]?.event : -1);
    });
  });

  it('expects nothing for latency cycles after a reset, and nothing that was sent before or during it', () => {
    const latency = 4;
    const cycles = planPhases(40, latency, 1)[3]?.cycles ?? [];
    let resets = 0;
    let inFlight = 0;
    cycles.forEach((cycle, t) => {
      if (!cycle.reset || t === 0) return;
      resets++;
      if (cycles.slice(Math.max(0, t - latency + 1), t).some((before) => before.valid && !before.reset)) inFlight++;
      for (let later = t; later < t + latency && later < cycles.length; later++) expect(cycles[later]?.expect).toBe(-1);
    });
    expect(resets).toBeGreaterThanOrEqual(8);
    expect(inFlight).toBeGreaterThanOrEqual(6);
    expect(cycles.some((cycle) => cycle.reset && cycle.valid)).toBe(true);
  });

  it('has gaps and bursts in the bubbles phase, the same for the same seed', () => {
    const bubbles = (seed: number) => planPhases(200, 3, seed)[2]?.cycles.map((cycle) => (cycle.valid ? '1' : '0')).join('') ?? '';
    expect(bubbles(1)).toMatch(/010/);
    expect(bubbles(1)).toMatch(/0110/);
    expect(bubbles(1)).toMatch(/1001/);
    expect(bubbles(1)).toBe(bubbles(1));
    expect(bubbles(2)).not.toBe(bubbles(1));
  });

  it('prints the probes once a stage', () => {
    const cycles = probePhase(0, 1, 2, 3, 5).cycles.filter((cycle) => cycle.probe);
    expect(cycles.map((cycle) => cycle.event)).toEqual([1, 2, 2, 2, 2]);
  });
});

describe('the generated texts', () => {
  it('wrapper and bench file of a small design', () => {
    const dut = adderModule(1, 9);
    expect(benchWrapper(dut, [{ id: 4, wire: 'y0' }])).toMatchInlineSnapshot(`
      "module trigforge_bench(
        input wire clk, input wire rst, input wire valid_in, input wire probe,
        input wire [95:0] in_bus, output wire valid_out, output wire [95:0] out_bus
      );
        wire [8:0] out_0;
        wire [8:0] out_1;
        adder dut (
          .clk(clk),
          .rst(rst),
          .valid_in(valid_in),
          .a(in_bus[7:0]),
          .b(in_bus[15:8]),
          .w(in_bus[24:16]),
          .valid_out(valid_out),
          .y(out_0),
          .z(out_1)
        );
        assign out_bus = {{78{1'b0}}, out_1, out_0};
        always @(posedge clk) if (probe) begin
          $display("probe edge");
          $display("probe 4 %b", dut.y0);
        end
      endmodule
      "
    `);
    const phases = planPhases(1, 1, 1).slice(1, 2);
    expect(benchFile(dut, [[[-1], [2], [3, 1]]], [[[1], [4, 1]]], phases)).toMatchInlineSnapshot(`
      "trigforge-bench 1
      latency 1
      output y 1
      type 1 9 s
      output z 2
      type 1 7 u
      type 1 2 u
      events 1 3 3
      0000000000000000008302ff 000000000000000000010801
      phase back-to-back 5
      2 0 -1
      1 0 0
      0 0 -1
      0 0 -1
      0 0 -1
      "
    `);
  });
});
