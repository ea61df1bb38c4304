import type { BusPort, Dut, RawEvent } from './dut.js';
import { busWidth, busWords, hexOfWords, packBus } from './dut.js';
import type { Phase } from './plan.js';
import { formatPhase } from './plan.js';

/** A wire inside the design to be printed by the probe, under a number of the caller's. */
export interface Probe {
  readonly id: number;
  readonly wire: string;
}

/** Instance name of the design inside the wrapper. */
const INSTANCE = 'dut';

/**
 * The wrapper that makes every design look alike to testbench/harness.cpp: module `trigforge_bench` with clk, rst,
 * valid_in, probe, in_bus, valid_out, out_bus. `probe` prints `probe ID BITS` for each probe at the clock edge, with the values
 * that stand just before it.
 */
export function benchWrapper(dut: Dut, probes: readonly Probe[] = []): string {
  const inBits = 32 * busWords(dut.inputs);
  const outBits = 32 * busWords(dut.outputs);
  const connections = dut.latencyCycles > 0 ? ['.clk(clk)', '.rst(rst)'] : [];
  connections.push('.valid_in(valid_in)');
  let at = 0;
  for (const port of dut.inputs) {
    connections.push(`.${port.port}(in_bus[${at + busWidth(port) - 1}:${at}])`);
    at += busWidth(port);
  }
  connections.push('.valid_out(valid_out)', ...dut.outputs.map((port, i) => `.${port.port}(out_${i})`));
  const used = dut.outputs.reduce((sum, port) => sum + busWidth(port), 0);
  const parts = dut.outputs.map((_, i) => `out_${i}`).reverse();
  if (outBits > used) parts.unshift(`{${outBits - used}{1'b0}}`);
  return [
    'module trigforge_bench(',
    '  input wire clk, input wire rst, input wire valid_in, input wire probe,',
    `  input wire [${inBits - 1}:0] in_bus, output wire valid_out, output wire [${outBits - 1}:0] out_bus`,
    ');',
    ...dut.outputs.map((port, i) => `  wire [${busWidth(port) - 1}:0] out_${i};`),
    `  ${dut.top} ${INSTANCE} (`,
    `    ${connections.join(',\n    ')}`,
    '  );',
    `  assign out_bus = {${parts.join(', ')}};`,
    ...probeBlock(probes),
    'endmodule',
    '',
  ].join('\n');
}

function probeBlock(probes: readonly Probe[]): string[] {
  if (probes.length === 0) return [];
  const prints = probes.map((probe) => `    $display("probe ${probe.id} %b", ${INSTANCE}.${probe.wire});`);
  return ['  always @(posedge clk) if (probe) begin', '    $display("probe edge");', ...prints, '  end'];
}

/** The bench file: ports, events with their expected outputs, phases (format: testbench/harness.cpp). */
export function benchFile(dut: Dut, events: readonly RawEvent[], expected: readonly RawEvent[], phases: readonly Phase[]): string {
  const lines = ['trigforge-bench 1', `latency ${dut.latencyCycles}`];
  for (const port of dut.outputs) lines.push(`output ${printable(port.tensor)} ${port.elements.length}`, ...typeRuns(port));
  lines.push(`events ${events.length} ${busWords(dut.inputs)} ${busWords(dut.outputs)}`);
  events.forEach((event, e) => {
    lines.push(`${hexOfWords(packBus(dut.inputs, event))} ${hexOfWords(packBus(dut.outputs, expected[e] as RawEvent))}`);
  });
  return `${lines.join('\n')}\n${phases.map(formatPhase).join('')}`;
}

/** A tensor name may hold anything; the bench file splits at white space. */
function printable(name: string): string {
  const safe = name.replace(/[^\x21-\x7e]/g, '_');
  return safe === '' ? '_' : safe;
}

function typeRuns(port: BusPort): string[] {
  const runs: string[] = [];
  for (let i = 0; i < port.elements.length; ) {
    const first = port.elements[i] as BusPort['elements'][number];
    let end = i;
    while (end < port.elements.length && port.elements[end]?.width === first.width && port.elements[end]?.signed === first.signed) end++;
    runs.push(`type ${end - i} ${first.width} ${first.signed ? 's' : 'u'}`);
    i = end;
  }
  return runs;
}
