import type { BusElement, Dut, Raw, RawEvent } from '../../src/verify/dut.js';
import { seededRandom } from '../../src/verify/random.js';

/** A bus of `count` equal elements. */
export function bus(port: string, count: number, width: number, signed: boolean): Dut['inputs'][number] {
  return { port, tensor: port, elements: Array.from({ length: count }, (): BusElement => ({ width, signed })) };
}

/** What the hand-written designs may do wrong, as Verilog text put in place of the right one. */
export interface Faults {
  readonly wrongBit?: boolean;
  readonly extraRank?: boolean;
  readonly validKeptThroughReset?: boolean;
  readonly oneRankResetOnly?: boolean;
  readonly stuckInBubbles?: boolean;
  readonly unregistered?: boolean;
  readonly validStuckHigh?: boolean;
  readonly crossedEvents?: boolean;
}

/**
 * y = a + b (9 signed bits each), z = a ^ a rotated through one wide bus of `wide` bits: several inputs and outputs,
 * a bus of any width, `latency` ranks.
 */
export function adderModule(latency: number, wide: number, faults: Faults = {}): Dut {
  const ranks = latency + (faults.extraRank === true ? 1 : 0);
  const y = `$signed(a) + $signed(b)${faults.wrongBit === true ? " + $signed({1'b0, a == 8'd5})" : ''}`;
  const lines = [
    'module adder(',
    ...(latency > 0 ? ['  input wire clk, input wire rst,'] : []),
    `  input wire valid_in, input wire [7:0] a, input wire [7:0] b, input wire [${wide - 1}:0] w,`,
    `  output wire valid_out, output wire [8:0] y, output wire [${wide - 1}:0] z`,
    ');',
    `  wire signed [8:0] y0 = ${y};`,
    `  wire [${wide - 1}:0] z0 = w ^ {w[0], w[${wide - 1}:1]};`,
  ];
  for (let r = 1; r <= ranks; r++) {
    const hold = faults.stuckInBubbles === true && r === ranks ? 'if (v0) ' : '';
    const crossed = faults.crossedEvents === true && r === 1;
    lines.push(
      `  reg [8:0] y${r}; reg [${wide - 1}:0] z${r}; reg v${r};`,
      `  always @(posedge clk) begin ${hold}y${r} <= ${crossed ? '{y0[8:1], y1[0]}' : `y${r - 1}`}; ${hold}z${r} <= z${r - 1}; end`,
      `  always @(posedge clk) ${resetOf(r, faults)} v${r} <= v${r - 1};`,
    );
  }
  const last = faults.unregistered === true ? ranks - 1 : ranks;
  lines.push('  wire v0 = valid_in;', `  assign y = y${last};`, `  assign z = z${last};`);
  lines.push(`  assign valid_out = ${faults.validStuckHigh === true ? "1'b1" : `v${ranks}`};`, 'endmodule', '');
  return {
    top: 'adder',
    verilog: lines.join('\n'),
    latencyCycles: latency,
    inputs: [bus('a', 1, 8, true), bus('b', 1, 8, true), wideBus('w', wide)],
    outputs: [bus('y', 1, 9, true), wideBus('z', wide)],
  };
}

function resetOf(rank: number, faults: Faults): string {
  const kept = faults.validKeptThroughReset === true || (faults.oneRankResetOnly === true && rank > 1);
  return kept ? '' : `if (rst) v${rank} <= 1'b0; else`;
}

/** A bus of elements of 7 bits and one for the rest, so that elements straddle word boundaries. */
function wideBus(port: string, width: number): Dut['inputs'][number] {
  const elements: BusElement[] = [];
  for (let left = width; left > 0; left -= 7) elements.push({ width: Math.min(7, left), signed: false });
  return { port, tensor: port, elements };
}

/** Events with every value in range, and what the right design makes of them. */
export function adderEvents(dut: Dut, count: number): { readonly vectors: RawEvent[]; readonly expected: RawEvent[] } {
  const random = seededRandom(99);
  const elements = (dut.inputs[2] as Dut['inputs'][number]).elements;
  const vectors: RawEvent[] = [];
  const expected: RawEvent[] = [];
  for (let e = 0; e < count; e++) {
    const a = e === 0 ? 5 : random(256) - 128;
    const b = random(256) - 128;
    const w = elements.map((element) => random(2 ** element.width));
    vectors.push([[a], [b], w]);
    expected.push([[a + b], xorRotated(elements, w)]);
  }
  return { vectors, expected };
}

function xorRotated(elements: readonly BusElement[], values: readonly number[]): Raw[] {
  let bits = '';
  elements.forEach((element, i) => {
    bits = (values[i] as number).toString(2).padStart(element.width, '0') + bits;
  });
  const all = BigInt(`0b${bits}`);
  const width = BigInt(bits.length);
  let result = all ^ ((all >> 1n) | ((all & 1n) << (width - 1n)));
  return elements.map((element) => {
    const low = Number(BigInt.asUintN(element.width, result));
    result >>= BigInt(element.width);
    return low;
  });
}
