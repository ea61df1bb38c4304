import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OutputFile } from '../backends/backend.js';
import { benchFile, benchWrapper } from './bench.js';
import type { Dut, RawEvent } from './dut.js';
import { busWords } from './dut.js';
import { planPhases } from './plan.js';
import { PACKAGE_ROOT } from './tools.js';

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
    { path: 'testbench/harness.cpp', text: readFileSync(join(PACKAGE_ROOT, 'testbench', 'harness.cpp'), 'utf8') },
    { path: 'testbench/trigforge_bench.v', text: benchWrapper(dut) },
    { path: 'testbench/vectors.txt', text: benchFile(dut, events.slice(0, count), expected.slice(0, count), phases) },
    { path: 'testbench/Makefile', text: makefile(dut.top) },
  ];
}

function makefile(top: string): string {
  return `# make: builds the Verilog beside this folder with Verilator and checks it against vectors.txt, bit by bit.
VERILATOR ?= verilator

run: obj/Vbench
\t./obj/Vbench vectors.txt

lint:
\t$(VERILATOR) --lint-only -Wall --top-module ${top} ../verilog/${top}.v

obj/Vbench: ../verilog/${top}.v trigforge_bench.v harness.cpp
\t$(VERILATOR) --cc --exe --build -j 0 --prefix Vbench --top-module trigforge_bench --Mdir obj -Wno-lint -Wno-fatal \\
\t  -O3 --x-initial unique --output-split 20000 -CFLAGS "-std=c++17 -O1" trigforge_bench.v ../verilog/${top}.v harness.cpp

clean:
\trm -rf obj

.PHONY: run lint clean
`;
}
