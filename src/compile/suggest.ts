import type { Circuit } from '../circuit/circuit.js';
import type { CompileRequest } from './request.js';
import type { Report } from '../report/schema.js';
import type { Device } from '../timing/device.js';
import { pipelineCircuit } from '../timing/pipeline.js';

type Suggestion = NonNullable<Report['suggestions']>[number];

/** Clocks that are common in triggers, MHz. */
const CLOCKS_MHZ = [40, 80, 120, 160, 200, 240, 280, 320, 360, 400];

/** What would fit instead of a budget that is not met: other latencies and clocks, each one scheduled, not guessed. */
export function proposals(circuit: Circuit, device: Device, request: CompileRequest): Suggestion[] {
  const list: Suggestion[] = [];
  const options = { ternary: request.primitives === 'xilinx' };
  const relaxed = pipelineCircuit(circuit, device, request.clockMHz, { mode: 'shortest' }, options);
  const cycles = relaxed.schedule.latencyCycles;
  list.push({
    change: `--latency '${cycles} cycles'`,
    met: relaxed.met,
    cycles,
    ns: rounded((cycles * 1000) / request.clockMHz),
    criticalPathNs: rounded(relaxed.schedule.criticalPathNs),
    ...(relaxed.met ? {} : { note: 'one operation alone is slower than the period' }),
  });
  const latencyNs = request.stated.latencyNs;
  if (latencyNs === undefined) return list;
  for (const clockMHz of CLOCKS_MHZ) {
    const allowed = Math.floor((latencyNs * clockMHz) / 1000 + 1e-9);
    if (clockMHz === request.clockMHz || allowed < 1) continue;
    const tried = pipelineCircuit(circuit, device, clockMHz, { mode: 'atMost', cycles: allowed }, options);
    if (!tried.met) continue;
    list.push({
      change: `--clock ${clockMHz}MHz`,
      met: true,
      cycles: tried.schedule.latencyCycles,
      ns: rounded((tried.schedule.latencyCycles * 1000) / clockMHz),
      criticalPathNs: rounded(tried.schedule.criticalPathNs),
    });
  }
  return list;
}

function rounded(ns: number): number {
  return Math.round(ns * 1000) / 1000;
}
