import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axesOf, gridOf, listOf } from '../../src/cli/sweep/grid.js';
import { timeLeft } from '../../src/cli/timeLeft.js';
import { sweepPage } from '../../src/report/html/sweepPage.js';
import type { Sweep, SweepRow } from '../../src/report/sweep.js';
import { paretoFront, textSweep } from '../../src/report/sweep.js';
import { compileModel, complaints, enterTempFolder } from '../helpers/commandLine.js';

/** `sweep`: grids, the front, and a real one on this machine. A cluster's is in test/cluster. */
const MODEL = join(import.meta.dirname, '../fixtures/xgboost_binary/model.json');

describe('the grid', () => {
  it.each([
    ['clock', '160MHz, 320MHz', ['160MHz', '320MHz']],
    ['latency', '50ns', ['50ns']],
    ['score-type', 'ap_fixed<16,6>,ap_fixed<8,4,RND,SAT>', ['ap_fixed<16,6>', 'ap_fixed<8,4,RND,SAT>']],
    ['latency', '50ns;=4 cycles', ['50ns', '=4 cycles']],
    ['input-type', 'a=ap_fixed<8,4>,b=ap_fixed<6,2>;ap_fixed<8,4>', ['a=ap_fixed<8,4>,b=ap_fixed<6,2>', 'ap_fixed<8,4>']],
  ] as const)('reads the list of --%s %s', (axis, text, values) => {
    expect(listOf(axis, text)).toEqual(values);
  });

  it('has every combination once', () => {
    const points = gridOf(axesOf({ clock: '1MHz,2MHz', latency: '1ns,2ns,3ns', part: 'p' }));
    expect(points.map((point) => [...point.values()].join(' '))).toEqual(['p 1MHz 1ns', 'p 1MHz 2ns', 'p 1MHz 3ns', 'p 2MHz 1ns', 'p 2MHz 2ns', 'p 2MHz 3ns']);
    expect(() => axesOf({ clock: '1MHz,,2MHz' })).toThrow("value 2 of '1MHz,,2MHz' is empty");
    expect(() => axesOf({ clock: '1MHz,1MHz' })).toThrow('has 1MHz twice');
    const many = Array.from({ length: 101 }, (_, i) => `${i + 1}ns`).join(',');
    expect(() => gridOf(axesOf({ clock: many, latency: many }))).toThrow('10201 compilations');
  });
});

describe('the front', () => {
  const row = (id: string, latencyNs: number, lut: number, more: Partial<SweepRow> = {}): SweepRow => ({ id, values: { clock: id }, folder: `points/${id}`, state: 'done', met: true, latencyCycles: 1, latencyNs, lut, ff: 1, ...more });
  const rows = [row('slow', 30, 100), row('fast', 10, 300), row('worse', 31, 100), row('unmet', 5, 50, { met: false }), row('middle', 20, 200), row('same', 20, 200), row('failed', 0, 0, { state: 'failed', message: 'out of <memory>' })];

  it('holds what nothing beats, fastest first', () => {
    expect(paretoFront(rows).map(({ id }) => id)).toEqual(['fast', 'middle', 'same', 'slow']);
  });

  it('counts what accuracy is lost, gains for nothing', () => {
    expect(paretoFront([row('a', 10, 100, { loss: 0.01 }), row('b', 10, 200, { loss: 0.001 }), row('c', 10, 300, { loss: -0.5 }), row('d', 10, 250, { loss: 0 }), row('e', 11, 250, { loss: 0.001 })]).map(({ id }) => id)).toEqual(['a', 'b', 'd']);
  });

  const sweep: Sweep = { schema: 1, tool: { name: 'trigforge', version: '0' }, model: { name: 'm<1>', sha256: '0' }, axes: { clock: ['a', 'b'], part: ['p'] }, points: rows, pareto: ['fast', 'slow'] };

  it('is a table', () => {
    const lines = textSweep(sweep, 100).split('\n');
    expect(lines[0]).toMatch(/^ +clock +latency +cycles +LUT +FF +budget +folder$/);
    expect(lines.filter((line) => line.startsWith('*')).map((line) => line.split(/ +/)[1])).toEqual(['slow', 'fast', '2']);
    expect(lines.join('\n')).toMatch(/unmet .* not met/);
    expect(lines.join('\n')).toContain('failed: out of <memory>');
  });

  it('is a page with every point, escaped', () => {
    const page = sweepPage(sweep);
    expect(page.match(/<circle /g)).toHaveLength(6);
    for (const { id } of rows) expect(page).toContain(`id="point-${id}"`);
    expect(page).toContain('m&lt;1&gt;');
    expect(page).toContain('out of &lt;memory&gt;');
    expect(page).not.toMatch(/<script|https?:/);
  });
});

it('says how long the rest takes', () => {
  expect([timeLeft(0, 4, 9e3), timeLeft(1, 4, 9e3), timeLeft(4, 4, 9e3), timeLeft(1, 2, 600e3), timeLeft(1, 11, 3600e3), timeLeft(3, 4, 100)]).toEqual(['', 'about 27 s left', '', 'about 10 min left', 'about 10.0 h left', 'about 1 s left']);
});

describe('a sweep', () => {
  let place: ReturnType<typeof enterTempFolder>;
  beforeAll(() => { place = enterTempFolder(); });
  afterAll(() => place.leave());
  const words = ['sweep', MODEL, '--input-type', 'ufixed<8,8>', '--latency', '4ns,50ns', '--effort', 'fast', '--target', 'verilog', '--jobs', '2', '--out', 'grid'];

  it('compiles every point, marks the front and goes on where it was', { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await compileModel(...words);
    expect(code, stderr).toBe(0);
    const sweep = JSON.parse(readFileSync('grid/sweep.json', 'utf8')) as Sweep;
    expect(sweep.points.map((point) => [point.values['latency'], point.state, point.met])).toEqual([['4ns', 'done', false], ['50ns', 'done', true]]);
    expect(sweep.pareto).toEqual([sweep.points[1]?.id]);
    for (const { folder, lut, latencyNs } of sweep.points) {
      const report = JSON.parse(readFileSync(join('grid', folder, 'report.json'), 'utf8')) as { readonly resources: { readonly estimated: { readonly lut: number } }; readonly latency: { readonly ns: number } };
      expect([lut, latencyNs]).toEqual([report.resources.estimated.lut, report.latency.ns]);
    }
    expect(stdout).toMatch(/^\* +50ns .* met/m);
    const made = sweep.points.map(({ folder }) => statSync(join('grid', folder, 'report.json')).mtimeMs);
    const again = await compileModel(...words.map((word) => (word === '4ns,50ns' ? '50ns,4ns' : word)));
    expect(again.stderr).toContain('2 of 2 points are there already');
    expect(sweep.points.map(({ folder }) => statSync(join('grid', folder, 'report.json')).mtimeMs)).toEqual(made);
  });

  it('shows points that fail, and is an error only if all do', { timeout: 120_000 }, async () => {
    const some = await compileModel('sweep', MODEL, '--input-type', 'ufixed<8,8>;nonsense=ap_fixed<8,4>', '--effort', 'fast', '--target', 'verilog', '--out', 'some');
    expect(some.code).toBe(0);
    expect(some.stdout).toMatch(/nonsense=ap_fixed<8,4> .*failed: /);
    const all = await compileModel('sweep', MODEL, '--out', 'all');
    expect(all.code).toBe(1);
    expect(complaints(all.stderr)).toContain('none of the 1 compilations ended well');
  });

  it('refuses wrong options before anything runs', async () => {
    const wrong = await compileModel('sweep', MODEL, '--latency', '50ns,2 parsecs', '--out', 'wrong');
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("'parsecs' is no unit of time") as string });
    expect(existsSync('wrong')).toBe(false);
    expect((await compileModel('sweep', MODEL, '--cluster', 'pbs')).stderr).toContain("--cluster: 'pbs' must be slurm.");
    writeFileSync('conf.yaml', `model: ${MODEL}\n`);
    expect((await compileModel('sweep', 'conf.yaml')).stderr).toContain('is a file of options; a sweep takes a model.');
    mkdirSync('other');
    writeFileSync('other/thesis.tex', '');
    expect((await compileModel('sweep', MODEL, '--out', 'other')).stderr).toContain('holds something else than a sweep');
  });
});
