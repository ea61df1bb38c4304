import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { onnxFile } from '../frontends/onnxFile.js';
import { compileModel } from '../helpers/commandLine.js';
import { Random } from '../helpers/random.js';

/** A latency that is locked stays what it is when the model is trained again, so no neighbour of it has to move. */
const root = mkdtempSync(join(tmpdir(), 'trigforge-lock-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const LAYERS = [12, 16, 8, 3];
writeFileSync(join(root, 'precision.yml'), `
Model: {Precision: {default: "fixed<12,6>"}, ReuseFactor: 1, Strategy: Latency}
LayerType:
  Dense: {Precision: {weight: "fixed<7,2>", bias: "fixed<7,2>", accum: auto}}
`);

/** The network after training number `seed`: around the first one's weights, some of which have become 0 or much larger. */
function trained(seed: number): Uint8Array {
  const random = new Random(1);
  const retrained = new Random(100 + seed);
  const normal = (source: Random): number => [1, 2, 3, 4].reduce((sum) => sum + source.int(-1000, 1000), 0) / 2000;
  const weight = (): number => {
    const before = normal(random);
    if (seed === 0) return before;
    // Pruned more and more.
    return retrained.chance(0.08 * seed) ? 0 : retrained.chance(0.1) ? 2 * before : before + 0.3 * normal(retrained);
  };
  const dense = LAYERS.slice(1).flatMap((n, k) => {
    const m = LAYERS[k]!;
    return [{ name: `w${k}`, shape: [m, n], values: Array.from({ length: m * n }, weight) }, { name: `b${k}`, shape: [n], values: Array.from({ length: n }, weight) }];
  });
  return onnxFile({
    inputs: [{ name: 'x', shape: ['batch', 12] }], outputs: ['y2'], constants: dense,
    nodes: [0, 1, 2].flatMap((k) => [
      { op: 'Gemm', name: `dense_${k}`, inputs: [k === 0 ? 'x' : `h${k - 1}`, `w${k}`, `b${k}`], outputs: [`y${k}`] },
      ...(k === 2 ? [] : [{ op: 'Relu', name: `relu_${k}`, inputs: [`y${k}`], outputs: [`h${k}`] }]),
    ]),
  });
}

async function compiled(seed: number, latency: string, verify = 'none') {
  const model = join(root, 'model.onnx');
  const out = join(root, 'out');
  writeFileSync(model, trained(seed));
  const { code, stderr } = await compileModel(model, '--precision', join(root, 'precision.yml'), '--input-type', 'fixed<8,3>', '--latency', latency, '--verify', verify, '--target', 'verilog', '-o', out);
  return { code, stderr, report: JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) };
}

it('ten retrainings of one network all have the locked latency and meet the clock', { timeout: 240_000 }, async () => {
  const first = await compiled(0, '50ns');
  const shortest = [first.report.latency.cycles];
  const cycles = first.report.latency.cycles + 2;
  for (let seed = 1; seed <= 10; seed++) {
    const { code, report } = await compiled(seed, `=${cycles} cycles`, seed === 1 ? 'verilator' : 'none');
    expect([code, report.latency.cycles, report.budget.met, report.budget.locked]).toEqual([0, cycles, true, true]);
    expect(report.timing.criticalPathNs).toBeLessThanOrEqual(3.125);
    // The simulation found every output exactly so many cycles behind its input.
    if (seed === 1) expect(report.verification).toMatchObject({ mismatches: 0, simulator: expect.stringContaining('verilator') });
    if (seed >= 9) shortest.push((await compiled(seed, '50ns')).report.latency.cycles);
  }
  // Without the lock they differ: it is the lock that does it.
  expect(new Set(shortest).size).toBeGreaterThan(1);
});

it('a lock that is too short is met by no schedule, and says by how much', async () => {
  const { code, report } = await compiled(0, '=2 cycles');
  expect([code, report.latency.cycles, report.budget.met]).toEqual([2, 2, false]);
  expect(report.verdict).toMatch(/critical path [\d.]+ ns over the 3\.125 ns period/);
});
