import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/verify/random.js';
import { readResource } from '../../src/verify/resources.js';
import { lintFiles } from './lint.js';
import type { Lane } from './streams.js';
import { simulateStreams } from './streams.js';

const STREAM = readResource('hdl/trigforge_stream.v');

/** Latencies around powers of two, where the number of places jumps. */
const LATENCIES = [0, 1, 2, 3, 6, 7, 20];

/** A core that adds 1 to 40 bits, LATENCY ranks deep, behind the module under test. */
const CORE = `
module stream_under_test #(parameter LATENCY = 1) (
  input wire clk, input wire rst, input wire s_valid, output wire s_ready, input wire [39:0] s_data,
  output wire m_valid, input wire m_ready, output wire [39:0] m_data
);
  wire core_valid_in;
  wire [40:0] rank [0:LATENCY];
  assign rank[0] = {core_valid_in, s_data + 40'd1};
  genvar i;
  generate for (i = 0; i < LATENCY; i = i + 1) begin : g
    reg [40:0] value;
    always @(posedge clk) value <= {rank[i][40] && !rst, rank[i][39:0]};
    assign rank[i+1] = value;
  end endgenerate
  trigforge_stream #(.LATENCY(LATENCY), .WIDTH(40)) stream (
    .clk(clk), .rst(rst), .s_valid(s_valid), .s_ready(s_ready), .core_valid_in(core_valid_in),
    .core_valid_out(rank[LATENCY][40]), .core_data(rank[LATENCY][39:0]), .m_valid(m_valid), .m_ready(m_ready), .m_data(m_data)
  );
endmodule
`;

function lanes(): Lane[] {
  const random = seededRandom(5);
  const words = (value: bigint): Uint32Array => new Uint32Array([Number(value & 0xffffffffn), Number(value >> 32n)]);
  // More events than are ever inside, all different, so that a lost, doubled or swapped one shows.
  const events = Array.from({ length: 997 }, (_, e) => BigInt(e) * 2n ** 30n + BigInt(random(2 ** 30))).map((value) => ({ input: words(value), output: words(value + 1n) }));
  return LATENCIES.map((latency) => ({
    latency, inBits: 40, outBits: 40, events,
    instance: (p) => `stream_under_test #(.LATENCY(${latency})) lane_${latency} (.clk(clk), .rst(rst), .s_valid(${p.sValid}), .s_ready(${p.sReady}), .s_data(${p.sData}), .m_valid(${p.mValid}), .m_ready(${p.mReady}), .m_data(${p.mData}));`,
  }));
}

async function faultsOf(stream: string): Promise<string> {
  const { faults } = await simulateStreams(lanes(), { 'core.v': CORE, 'trigforge_stream.v': stream }, 10_000);
  return faults.join('\n');
}

describe('trigforge_stream', () => {
  it('gives every event once and in order, at full rate if nobody waits, through resets', async () => {
    const { faults, lines } = await simulateStreams(lanes(), { 'core.v': CORE, 'trigforge_stream.v': STREAM }, 10_000);
    expect(faults).toEqual([]);
    expect(lines).toContain('unstalled, lane 6: 1999 taken, 1999 given, at most 21 inside');
    // The next power of two from LATENCY + 2: all places are used.
    for (const [lane, places] of [2, 4, 4, 8, 8, 16, 32].entries()) expect(lines.find((line) => line.startsWith(`sink in bursts, lane ${lane}:`))).toMatch(new RegExp(`at most ${places} inside`));
  });

  it.each([
    ['one credit too many', "credits <= {1'b1, {INDEX_BITS{1'b0}}};", "credits <= {1'b1, {INDEX_BITS{1'b0}}} + 1'b1;", 'wrong event or value|never'],
    ['one place too few', '>> bits_of) != 0', '>> (bits_of + 1)) != 0', 'a cycle lost though nobody waits'],
    ['results that survive a reset', 'stored <= 0;', 'stored <= stored;', 'resets, lane \\d: '],
    ['events taken in reset', '!rst && credits', 'credits', 'taken in reset'],
  ])('a fault is seen: %s', async (_, right, wrong, message) => {
    const broken = STREAM.replace(right, wrong);
    expect(broken).not.toBe(STREAM);
    expect(await faultsOf(broken)).toMatch(new RegExp(message));
  });

  it('is lint-clean as Verilog-2005, at every latency', async () => {
    for (const latency of [0, 1, 8]) expect(await lintFiles({ 'trigforge_stream.v': STREAM }, 'trigforge_stream', [`-GLATENCY=${latency}`])).toEqual([]);
    expect(await lintFiles({ 'trigforge_stream.v': STREAM.replace('output wire s_ready', 'output wire [1:0] s_ready') }, 'trigforge_stream')).not.toEqual([]);
  });
});
