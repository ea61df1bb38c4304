import type { Schedule } from '../../timing/schedule.js';
import type { Backend, DesignInfo, OutputFile } from '../backend.js';
import { renderTemplate } from '../template.js';
import { titleOf } from '../verilog/verilog.js';
import { partTcl } from '../vitis/vitis.js';

/** templates/vivado */
export interface VivadoTexts {
  readonly script: string;
  readonly constraints: string;
}

/** `vivado/`: Tcl that synthesises and implements the core out of context, and its clock. */
export function vivado(texts: VivadoTexts): Backend {
  return {
    name: 'vivado',
    summary: 'out-of-context synthesis and implementation scripts',
    check: () => [],
    emit: (schedule, info): OutputFile[] => emit(texts, schedule, info),
  };
}

function emit(texts: VivadoTexts, schedule: Schedule, info: DesignInfo): OutputFile[] {
  const common = { title: titleOf(info), top: info.top };
  const clocked = schedule.latencyCycles > 0;
  return [
    { path: 'vivado/synth.tcl', text: renderTemplate('vivado/synth.tcl', texts.script, { ...common, part: partTcl(schedule.device), judge: (clocked ? JUDGE_CLOCKED : JUDGE_COMBINATIONAL).replaceAll('TOP', info.top) }) },
    { path: `vivado/${info.top}.xdc`, text: renderTemplate('vivado/clock.xdc', texts.constraints, { title: common.title, constraints: clockConstraints(schedule).join('\n') }) },
  ];
}

/** A clock where there is one; else the period as the longest that a path may take. Vivado's XDC and Quartus' SDC read both. */
export function clockConstraints({ latencyCycles, clockMHz }: Pick<Schedule, 'latencyCycles' | 'clockMHz'>): string[] {
  const period = String(Math.round(1e6 / clockMHz) / 1000);
  if (latencyCycles === 0) return [`set_max_delay ${period} -from [all_inputs] -to [all_outputs]`];
  return [`create_clock -name clk -period ${period} [get_ports clk]`];
}

const JUDGE_CLOCKED = `set path [get_timing_paths -setup -max_paths 1]
set slack [expr {[llength $path] == 0 ? "none" : [get_property SLACK $path]}]
puts "TOP: worst setup slack $slack ns"
if {$slack ne "none" && $slack < 0} { exit 1 }`;

const JUDGE_COMBINATIONAL = `set path [get_timing_paths -setup -max_paths 1 -from [all_inputs] -to [all_outputs]]
set slack [expr {[llength $path] == 0 ? "none" : [get_property SLACK $path]}]
puts "TOP: worst slack $slack ns"
if {$slack ne "none" && $slack < 0} { exit 1 }`;
