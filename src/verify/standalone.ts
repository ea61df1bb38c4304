import type { OutputFile } from '../backends/backend.js';
import { renderTemplate } from '../backends/template.js';
import { benchFile, benchWrapper } from './bench.js';
import type { Dut, RawEvent } from './dut.js';
import { busWords } from './dut.js';
import { planPhases } from './plan.js';
import { readResource } from './resources.js';

/** The vectors that travel with a design are kept below this size, in characters. */
const MAX_BENCH_CHARACTERS = 8_000_000;

/**
 * `testbench/`: the generic harness, the wrapper of this design, vectors with their expected outputs and a Makefile.
 * `make` in it repeats the verification with Verilator and a C++ compiler alone.
 */
export function standaloneTestbench(dut: Dut, events: readonly RawEvent[], expected: readonly RawEvent[], seed: number): OutputFile[] {
  const perEvent = 8 * (busWords(dut.inputs) + busWords(dut.outputs)) + 2;
  const count = Math.max(1, Math.min(events.length, Math.floor(MAX_BENCH_CHARACTERS / perEvent)));
  const phases = planPhases(count, dut.latencyCycles, seed);
  return [
    { path: 'testbench/harness.cpp', text: readResource('testbench/harness.cpp') },
    { path: 'testbench/trigforge_bench.v', text: benchWrapper(dut) },
    { path: 'testbench/vectors.txt', text: benchFile(dut, events.slice(0, count), expected.slice(0, count), phases) },
    { path: 'testbench/Makefile', text: renderTemplate('testbench.mk', readResource('templates/testbench.mk'), { top: dut.top }) },
  ];
}
