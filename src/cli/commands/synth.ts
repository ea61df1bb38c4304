import { openFolder } from '../../compile/folder.js';
import { synthFolder } from '../../compile/synthFolder.js';
import type { SynthesisFlow } from '../../verify/synthesis.js';
import { folderSource, replaceFiles } from '../files.js';
import type { Terminal } from '../terminal.js';
import { exitCodeOf } from '../terminal.js';

export interface SynthOptions {
  readonly out: string;
  readonly flow?: SynthesisFlow;
  readonly seed: number;
}

/** `synth OUT`: Yosys, and nextpnr where there is one, on the emitted Verilog; the figures join the folder's report. */
export async function synthCommand({ out, flow, seed }: SynthOptions, terminal: Terminal): Promise<number> {
  const { report, files, warnings } = await synthFolder(openFolder(folderSource(out)), flow, seed, { onStep: terminal.step });
  replaceFiles(out, files.map(({ path, text }) => ({ path, content: text })));
  terminal.done();
  for (const warning of warnings) terminal.warn(warning);
  const { estimated, synthesised } = report.resources;
  if (synthesised === undefined) return exitCodeOf(report);
  terminal.print(`${synthesised.flow} (${synthesised.tool ?? ''}): ${synthesised.lut} LUT (estimated ${estimated.lut}), ${synthesised.ff} FF (estimated ${estimated.ff}), ${synthesised.carry ?? 0} carry cells, ${synthesised.dsp ?? 0} DSP, ${synthesised.bram ?? 0} BRAM`);
  if (synthesised.fmaxMHz !== undefined) terminal.print(`  ${synthesised.fmaxMHz} MHz after place and route${report.timing.fmaxMHz === undefined ? '' : ` (estimated for ${report.device?.part ?? ''}: ${report.timing.fmaxMHz})`}`);
  terminal.print(report.verdict ?? '');
  terminal.event({ event: 'synthesised', out, synthesised, met: report.budget.met });
  return exitCodeOf(report);
}
