import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sweep } from '../../src/report/sweep.js';
import type { Cluster } from './slurm.js';
import { startCluster } from './slurm.js';

/** A sweep as a job array on a real Slurm, started here. */
const ROOT = join(import.meta.dirname, '../..');
const MODEL = join(ROOT, 'test/fixtures/xgboost_binary/model.json');
const CPUS = 2;
let cluster: Cluster;
let folder = '';

beforeAll(async () => {
  cluster = await startCluster(CPUS);
  folder = mkdtempSync(join(tmpdir(), "sweep of 'points' "));
}, 120_000);

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

function compileModel(...words: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...words], { cwd: folder, encoding: 'utf8', env: { ...process.env, SLURM_CONF: cluster.config } });
}

const sweepOf = (out: string): Sweep => JSON.parse(readFileSync(join(folder, out, 'sweep.json'), 'utf8')) as Sweep;

const GRID = [MODEL, '--input-type', 'ufixed<8,8>;ufixed<10,8>', '--clock', '240MHz,320MHz', '--latency', '5ns,50ns', '--effort', 'fast'];

describe('sweep --cluster slurm', () => {
  it('runs every point as a task of one array and collects what they give', () => {
    const { status, stdout, stderr } = compileModel('sweep', ...GRID, '--cluster', 'slurm', '--out', 'grid');
    expect(status, stderr + stdout).toBe(0);
    const { points, pareto } = sweepOf('grid');
    expect(points).toHaveLength(8);
    expect(points.map((point) => point.state)).toEqual(Array.from({ length: 8 }, () => 'done'));
    expect(pareto.length).toBeGreaterThan(0);
    expect(readFileSync(join(folder, 'grid/slurm/job.sh'), 'utf8')).toContain('#SBATCH --array=1-8\n');
    expect(existsSync(join(folder, 'grid/slurm/job.id'))).toBe(false);
    const accounted = spawnSync('scontrol', ['show', 'jobs', '--oneliner'], { encoding: 'utf8', env: { ...process.env, SLURM_CONF: cluster.config } }).stdout;
    expect([...accounted.matchAll(/ArrayTaskId=(\d+) .*?JobState=COMPLETED/g)].length).toBe(8);
  }, 300_000);

  it('gives what a sweep on this machine gives', () => {
    const { status } = compileModel('sweep', ...GRID, '--jobs', '2', '--out', 'here');
    expect(status).toBe(0);
    expect(sweepOf('here').points).toEqual(sweepOf('grid').points);
  }, 300_000);

  it('goes on where points are missing, and only there', () => {
    const [lost, kept] = sweepOf('grid').points;
    const report = (id: string): string => join(folder, 'grid/points', id, 'report.json');
    const before = statSync(report(kept?.id ?? '')).mtimeMs;
    rmSync(join(folder, 'grid/points', lost?.id ?? ''), { recursive: true });
    const { status, stderr } = compileModel('sweep', ...GRID, '--cluster', 'slurm', '--jobs', '1', '--out', 'grid');
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('7 of 8 points are there already');
    expect(readFileSync(join(folder, 'grid/slurm/job.sh'), 'utf8')).toContain('#SBATCH --array=1-1%1\n');
    expect(sweepOf('grid').points.every((point) => point.state === 'done')).toBe(true);
    expect(statSync(report(kept?.id ?? '')).mtimeMs).toBe(before);
  }, 300_000);

  it('says what the cluster refuses', () => {
    const { status, stderr } = compileModel('sweep', ...GRID, '--cluster', 'slurm', '--cluster-options=--partition=nowhere', '--out', 'refused');
    expect(status).toBe(1);
    expect(stderr).toMatch(/--cluster → sbatch: refused the job: .*partition/i);
  }, 60_000);
});
