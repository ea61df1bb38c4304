import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPattern } from '../../src/io/patterns/formats.js';
import { runProcess } from '../../src/verify/processes.js';
import { requireTools } from '../../src/verify/tools.js';
import { compileModel, complaints } from '../helpers/commandLine.js';

const folder = mkdtempSync(join(tmpdir(), 'trigforge-compare-'));
const out = join(folder, 'out');
const fixture = (path: string): string => join(import.meta.dirname, '../fixtures', path);
const patterns = (name: string): string => join(out, 'testbench/patterns', name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Plays the input pattern back into the Verilog in Verilator, with a pause of 11 clocks before it, and writes a line a clock. */
const PLAYBACK = `
#include "Vbench.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
int main(int argc, char** argv) {
  std::FILE* in = std::fopen(argv[1], "r");
  Vbench top;
  char line[4096];
  auto clock = [&](bool valid) {
    top.valid_in = valid;
    top.clk = 0; top.eval();
    top.clk = 1; top.eval();
    if (top.valid_out) std::printf("%08x%08x%08x\\n", top.out_bus[2], top.out_bus[1], top.out_bus[0]);
    else std::printf("xxxxxxxxxxxxxxxxxxxxxxxx\\n");
  };
  top.rst = 1; clock(false); top.rst = 0;
  for (int i = 0; i < 10; ++i) clock(false);
  while (std::fgets(line, sizeof line, in)) {
    if (line[0] == '#') continue;
    int word = 0;
    for (char* token = std::strtok(line, " \\n"); token; token = std::strtok(nullptr, " \\n")) {
      const unsigned long long data = std::strtoull(token, nullptr, 16);
      top.in_bus[word++] = unsigned(data);
      if (word < 3) top.in_bus[word++] = unsigned(data >> 32);
    }
    clock(true);
  }
  for (int i = 0; i < 20; ++i) clock(false);
}
`;

async function capture(verilog: string): Promise<string> {
  const [verilator] = await requireTools(['verilator', 'g++']);
  if (verilator === undefined) throw new Error('no verilator');
  const work = mkdtempSync(join(folder, 'sim-'));
  writeFileSync(join(work, 'main.cpp'), PLAYBACK);
  writeFileSync(join(work, 'tagger.v'), verilog);
  writeFileSync(join(work, 'bench.v'), readFileSync(join(out, 'testbench/trigforge_bench.v')));
  const args = [...verilator.prefixArgs, '--cc', '--exe', '--build', '--prefix', 'Vbench', '--top-module', 'trigforge_bench', '-Wno-lint', '-Wno-fatal', '-CFLAGS', '-O0', 'bench.v', 'tagger.v', 'main.cpp'];
  const built = await runProcess(verilator.command, args, { cwd: work, env: verilator.env, timeoutSeconds: 100 });
  if (built.exitCode !== 0) throw new Error(built.stderr);
  const { stdout } = await runProcess(join(work, 'obj_dir/Vbench'), [patterns('inputs.hex.txt')], { timeoutSeconds: 20 });
  return stdout;
}

let simulated = '';
let wrong = '';
let cycles = 0;

beforeAll(async () => {
  const result = await compileModel(fixture('hls4ml_wrap/float.onnx'), '--precision', fixture('hls4ml_wrap/precision.yml'), '--vectors', fixture('hls4ml_wrap/inputs.npy'), '--name', 'tagger', '--verify', 'emulator', '--effort', 'fast', '--target', 'verilog', '--out', out, '--quiet');
  if (result.code !== 0) throw new Error(result.stderr);
  cycles = (JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as { latency: { cycles: number } }).latency.cycles;
  simulated = join(folder, 'simulated.txt');
  writeFileSync(simulated, await capture(readFileSync(join(out, 'verilog/tagger.v'), 'utf8')));
  // A wire of the second output that is stuck at 0: bit 18 of the bus.
  wrong = join(folder, 'wrong.txt');
  writeFileSync(wrong, readFileSync(simulated, 'utf8').replace(/^[0-9a-f]{24}$/gm, (bus) => (BigInt(`0x${bus}`) & ~(1n << 18n)).toString(16).padStart(24, '0')));
}, 100_000);

describe('compare', () => {
  it('finds the latency of a simulator that played the pattern back', async () => {
    const { code, stdout, stderr } = await compileModel('compare', out, simulated);
    expect(complaints(stderr)).toBe('');
    expect(code).toBe(0);
    // 11 clocks of pause, and the last rank is read in the clock that loads it.
    expect(stdout).toContain(`(hex): 1024 of 1024 events, every bit; latency ${11 + cycles - 1} frames (the core's own: ${cycles} cycles)`);
  });

  it('names the first element that differs', async () => {
    const { code, stdout, stderr } = await compileModel('compare', out, wrong, '--json');
    expect(code).toBe(3);
    const event = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>).find((line) => line['event'] === 'compared');
    expect(event).toMatchObject({ format: 'hex', events: 1024, latencyFrames: 11 + cycles - 1, first: { port: 0, element: 1 } });
    expect(stderr).toMatch(/event \d+, y\[1\] should be 12'h[0-9a-f]{3} \(-?[\d.]+\), is 12'h[0-9a-f]{3} \(-?[\d.]+\), in frame \d+ on link 0\. Latency \d+ frames; \d+ of 1024 events differ\./);
  });

  it.each(['emp2', 'emp1', 'apx', 'hex'])('reads the expected outputs in %s', async (format) => {
    const { code, stdout } = await compileModel('compare', out, patterns(`outputs.${format}.txt`), '--format', format);
    expect([code, stdout.trim()]).toEqual([0, expect.stringContaining(`(${format}): 1024 of 1024 events, every bit; latency 0 frames`)]);
  });

  it('takes events from an array or a pattern file, and outputs from other links', async () => {
    // The user's events come first, as many as the array has.
    const { frames } = readPattern(readFileSync(patterns('inputs.emp2.txt'), 'utf8'), 'p');
    expect(frames).toBe(1024);
    const array = await compileModel('compare', out, patterns('outputs.emp2.txt'), '--inputs', fixture('hls4ml_wrap/inputs.npy'));
    expect([array.code, array.stdout]).toEqual([0, expect.stringMatching(/latency 0 frames/)]);
    const moved = join(folder, 'moved.txt');
    writeFileSync(moved, readFileSync(patterns('outputs.apx.txt'), 'utf8').replace('LINK_00', 'LINK_61'));
    const pattern = await compileModel('compare', out, moved, '--inputs', patterns('inputs.apx.txt'), '--links', '61');
    expect([pattern.code, pattern.stdout]).toEqual([0, expect.stringMatching(/1024 of 1024 events/)]);
    expect((await compileModel('compare', out, moved)).stderr).toMatch(/has links 61; the outputs are on 0, and 0 is not there\. Pass --links/);
  });

  it.each([
    [['--format', 'emp3'], /--format: 'emp3' must be one of emp2, emp1, apx, hex\./],
    [['--links', '1,1'], /--links: '1,1' must be link numbers/],
    [['--links', '1,2'], /--links: names 2 links, and the outputs are on 1\./],
    [['--format', 'apx'], /outputs\.emp2\.txt:1: does not name the links/],
    [['--inputs', 'nowhere.npy'], /nowhere\.npy/],
  ])('refuses %j', async (words, expected) => {
    const { code, stderr } = await compileModel('compare', out, patterns('outputs.emp2.txt'), ...words);
    expect(code).toBe(1);
    expect(complaints(stderr)).toMatch(expected);
  });

  it('refuses patterns that are not those of the folder', async () => {
    const file = patterns('inputs.emp2.txt');
    const own = readFileSync(file, 'utf8');
    writeFileSync(file, own.replace('0111', '0101'));
    const { code, stderr } = await compileModel('compare', out, simulated);
    writeFileSync(file, own);
    expect([code, complaints(stderr)]).toEqual([1, expect.stringMatching(/is not the file that report\.json was written with/)]);
  });
});
