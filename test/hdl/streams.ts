import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hexOfWords } from '../../src/verify/dut.js';
import { runProcess, withTempFolder } from '../../src/verify/processes.js';
import { buildProgram } from '../../src/verify/simulation.js';
import { simulationOptions } from '../../src/verify/verilator.js';

/** A module with valid/ready on both sides, and what it must make of its events. */
export interface Lane {
  /** The instance: `<clk>` and the others are put in. */
  readonly instance: (ports: LanePorts) => string;
  readonly latency: number;
  readonly inBits: number;
  readonly outBits: number;
  readonly events: readonly { readonly input: Uint32Array; readonly output: Uint32Array }[];
}

/** Expressions to connect to. */
export interface LanePorts {
  readonly sValid: string;
  readonly sReady: string;
  readonly sData: string;
  readonly mValid: string;
  readonly mReady: string;
  readonly mData: string;
}

/** What the program said: `faults` are empty if all is well. */
export interface StreamResult {
  readonly faults: readonly string[];
  readonly lines: readonly string[];
}

/** Simulates all lanes at once with stalls, bursts and resets, `cycles` of each kind; see streams.cpp. */
export async function simulateStreams(lanes: readonly Lane[], files: Readonly<Record<string, string>>, cycles: number): Promise<StreamResult> {
  const options = await simulationOptions({});
  return withTempFolder(async (folder) => {
    // At least three words, so that Verilator makes a word array of the bus.
    const stride = Math.max(3, ...lanes.map((lane) => Math.ceil(Math.max(lane.inBits, lane.outBits) / 32)));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, 'trigforge_bench.v'), benchOf(lanes, stride));
    const main = join(folder, 'main.cc');
    writeFileSync(main, readFileSync(join(import.meta.dirname, 'streams.cpp'), 'utf8').replace('STRIDE;', `${stride};`));
    const program = await buildProgram(['trigforge_bench.v', ...Object.keys(files)], main, '-O0', folder, options);
    const lines = [`${lanes.length} ${cycles} 1`];
    for (const lane of lanes) {
      const [first] = lane.events;
      lines.push(`${lane.latency} ${first?.input.length} ${first?.output.length} ${lane.events.length}`);
      lines.push(...lane.events.map(({ input, output }) => `${hexOfWords(input)} ${hexOfWords(output)}`));
    }
    const file = join(folder, 'lanes.txt');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const result = await runProcess(program, [file], { cwd: folder, timeoutSeconds: 100 });
    const printed = result.stdout.trim().split('\n');
    const faults = printed.filter((line) => line.startsWith('FAULT'));
    if (result.exitCode !== (faults.length === 0 ? 0 : 1)) throw new Error(`the simulation ended with ${result.exitCode}: ${result.stderr}`);
    return { faults, lines: printed };
  });
}

function benchOf(lanes: readonly Lane[], stride: number): string {
  const width = 32 * stride;
  return [
    'module trigforge_bench(',
    `  input wire clk, input wire rst, input wire [${lanes.length - 1}:0] s_valid, output wire [${lanes.length - 1}:0] s_ready,`,
    `  input wire [${lanes.length * width - 1}:0] s_data, output wire [${lanes.length - 1}:0] m_valid, input wire [${lanes.length - 1}:0] m_ready,`,
    `  output wire [${lanes.length * width - 1}:0] m_data`,
    ');',
    ...lanes.flatMap((lane, n) => [
      `  wire [${lane.outBits - 1}:0] out_${n};`,
      `  ${lane.instance({
        sValid: `s_valid[${n}]`, sReady: `s_ready[${n}]`, sData: `s_data[${n * width} +: ${lane.inBits}]`,
        mValid: `m_valid[${n}]`, mReady: `m_ready[${n}]`, mData: `out_${n}`,
      })}`,
      `  assign m_data[${n * width} +: ${width}] = {${width}'d0 | out_${n}};`,
    ]),
    'endmodule',
    '',
  ].join('\n');
}
