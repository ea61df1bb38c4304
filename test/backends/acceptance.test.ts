import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runYosys } from '@yowasp/yosys';
import { afterAll, describe, expect, it } from 'vitest';
import { verilog } from '../../src/backends/verilog/verilog.js';
import { deviceOf } from '../../src/timing/device.js';
import { pipelineCircuit } from '../../src/timing/pipeline.js';
import { findTool } from '../../src/verify/tools.js';
import { mergeCircuits } from '../helpers/mergeCircuits.js';
import { randomCircuit } from '../helpers/randomCircuit.js';

/** Emitted Verilog with every op kind, rounding and overflow mode, pipelined and combinational. */
const texts = [400, 0].map((clock) => {
  const circuit = mergeCircuits(Array.from({ length: 4 }, (_, k) => randomCircuit(400 + k, { ops: 50 })));
  const { schedule } = pipelineCircuit(circuit, deviceOf('xcvu13p'), clock || 40, clock === 0 ? { mode: 'exactly', cycles: 0 } : { mode: 'shortest' });
  return verilog.emit(schedule, { top: 'top', modelName: 'm', modelVersion: 1, hash: '0' })[0]!.text;
});

const QUIET = { stdout: (): void => undefined, stderr: (): void => undefined };

const folder = mkdtempSync(join(tmpdir(), 'trigforge-accept-'));
afterAll(() => rmSync(folder, { recursive: true }));

const icarus = await findTool('iverilog');

describe('other readers of the Verilog', () => {
  it.each([0, 1])('Yosys elaborates it and finds nothing wrong (%d)', async (i) => {
    const files = { 'top.v': texts[i]! };
    const out = await runYosys(['-p', 'read_verilog top.v; hierarchy -check -top top; proc; check -assert; stat'], files, QUIET);
    expect(out).toBeDefined();
    await expect(runYosys(['-p', 'read_verilog top.v; hierarchy -check -top top; proc; check -assert'], { 'top.v': texts[i]!.replace('endmodule', 'wire broken = nowhere +; endmodule') }, QUIET)).rejects.toThrow();
  });

  it.runIf(icarus !== undefined).each([0, 1])('Icarus Verilog compiles it as Verilog-2005 without a word (%d)', (i) => {
    const file = join(folder, `top${i}.v`);
    writeFileSync(file, texts[i]!);
    expect(execFileSync('iverilog', ['-g2005', '-Wall', '-Wno-timescale', '-t', 'null', file], { stdio: 'pipe' }).toString()).toBe('');
  });
});
