import type { OutputFile } from '../backends/backend.js';
import { CompileError } from '../errors.js';
import { htmlReport } from '../report/html.js';
import { layoutModel } from '../report/html/layout.js';
import { finishReport, serializeReport } from '../report/parse.js';
import type { Report, ReportSynthesis } from '../report/schema.js';
import type { Device } from '../timing/device.js';
import { dutOf } from '../verify/dut.js';
import type { SynthesisFlow } from '../verify/synthesis.js';
import { synthesise } from '../verify/synthesis.js';
import type { CompileHooks } from './request.js';
import type { CompiledFolder } from './folder.js';
import { checkedText, openDesign } from './folder.js';

/** The flow that has a device's kind of cells. Throws CompileError (`unsupported`) where there is none. */
export function flowOf(device: Device): SynthesisFlow {
  if (device.family === 'ASIC') {
    throw new CompileError('unsupported', { code: 'no-flow', where: ['--part', device.part], what: 'there is no synthesis flow for it.', mend: 'compile-model synth OUT --flow xilinx (or ecp5) gives figures for that family.' });
  }
  return device.lutInputs === 4 ? 'ecp5' : 'xilinx';
}

/** A report with the figures of one more synthesis run: beside the estimates, and beside runs of other flows. */
export function withSynthesis(report: Report, run: ReportSynthesis): Report {
  const { synthesised, otherFlows, ...rest } = report.resources;
  const others = [...(synthesised === undefined ? [] : [synthesised]), ...(otherFlows ?? [])].filter((other) => other.flow !== run.flow);
  return finishReport({ ...report, resources: { ...rest, synthesised: run, ...(others.length === 0 ? {} : { otherFlows: others }) } });
}

/**
 * Synthesises the Verilog of an output folder; gives its report anew, as the files to write.
 *
 * @throws CompileError: a folder whose Verilog is not what was written (the figures would not be its own), a tool missing.
 */
export async function synthFolder(folder: CompiledFolder, flow: SynthesisFlow | undefined, seed: number, hooks: CompileHooks = {}): Promise<{
  readonly report: Report;
  readonly files: readonly OutputFile[];
  readonly warnings: readonly string[];
}> {
  const { schedule, top } = openDesign(folder);
  const verilog = checkedText(folder.source, folder.report, `verilog/${top}.v`);
  const { synthesis, warnings } = await synthesise({
    flow: flow ?? flowOf(schedule.device), family: schedule.device.family, dut: dutOf(schedule, top, verilog), clockMHz: schedule.clockMHz, seed, onStep: hooks.onStep, signal: hooks.signal,
  });
  const report = withSynthesis(folder.report, synthesis);
  const page = htmlReport(report, await layoutModel(report));
  return { report, files: [{ path: 'report.json', text: serializeReport(report) }, { path: 'report.html', text: page }], warnings };
}
