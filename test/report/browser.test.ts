import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/commandLine.js';
import { formatShape } from '../../src/report/format.js';
import { sweepPage } from '../../src/report/html/sweepPage.js';
import { parseReport } from '../../src/report/parse.js';
import type { Report } from '../../src/report/schema.js';
import type { SweepRow } from '../../src/report/sweep.js';
import { paretoFront } from '../../src/report/sweep.js';
import { findBrowser } from '../helpers/browser.js';

/*
 * Reports of five kinds of model in a real browser: their numbers, what they ask of the network (nothing), what the console
 * says (nothing) and whether they are accessible. Screenshots stay in build/screenshots.
 */

const root = join(import.meta.dirname, '../..');
const screenshots = join(root, 'build/screenshots');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const executable = findBrowser();

let browser: Browser;
beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true });
  browser = await chromium.launch({ executablePath: executable, args: ['--no-sandbox', '--disable-gpu'] });
}, 60_000);
afterAll(async () => browser?.close());

const KINDS: readonly (readonly [kind: string, fixture: string, options: readonly string[]])[] = [
  ['network', 'anomaly/model.onnx', ['--data', 'anomaly/inputs.npy', '--labels', 'anomaly/labels.npy', '--latency', '50ns']],
  ['float', 'keras3_mlp/model.keras', ['--data', 'keras3_mlp/inputs.npz', '--input-type', 'ap_fixed<12,4>', '--effort', 'fast']],
  ['forest', 'xgboost_binary/model.json', ['--data', 'xgboost_binary/inputs.npy']],
  ['convolution', 'brevitas_conv1d/model.onnx', []],
  ['unmet', 'brevitas_mlp/model.onnx', ['--latency', '2 cycles']],
];

const fixtureFile = (path: string): string => join(root, 'test/fixtures', path);

/** The first number that the page holds behind each label, as a machine reads it. */
function figures(page: Page): Promise<Record<string, number>> {
  return page.$$eval('.figures > div', (rows) => Object.fromEntries(rows.map((row) => [row.querySelector('dt')?.textContent ?? '', Number(row.querySelector('data')?.getAttribute('value') ?? 'NaN')])));
}

async function checkNumbers(page: Page, report: Report): Promise<void> {
  const shown = await figures(page);
  expect(shown['Latency']).toBe(report.latency.ns);
  expect(shown['Critical path']).toBe(report.timing.criticalPathNs);
  expect(shown['Logic']).toBe(report.resources.estimated.lut);
  expect(shown['Registers']).toBe(report.resources.estimated.ff);
  expect(await page.textContent('.verdict strong')).toBe(report.budget.met ? 'Budget met' : 'Budget not met');
  const rows = await page.$$eval('#layers tbody tr', (all) => all.map((row) => ({ name: row.querySelector('th > span')?.textContent, numbers: [...row.querySelectorAll('data')].map((d) => Number(d.getAttribute('value'))) })));
  expect(rows).toEqual(report.layers.map((l) => ({ name: l.name, numbers: [l.cycles, l.resources.lut, l.resources.ff, ...(['dsp', 'bram'] as const).filter((r) => report.layers.some((k) => k.resources[r] > 0)).map((r) => l.resources[r])] })));
  const graph = await page.$$eval('.graph a', (all) => all.map((a) => `${a.getAttribute('href')} ${a.querySelector('title')?.textContent}`));
  expect(graph.sort()).toEqual(report.layers.map((l, i) => `#layer-${i} ${l.name}: ${l.kind}, ${formatShape(l.outputShape ?? [])}, ${l.outputType}`).sort());
}

/** Opens a page in light, dark and on a phone: no requests, no words on the console, nothing serious by axe, a screenshot each. */
async function inEveryView(path: string, kind: string, check: (page: Page) => Promise<void>): Promise<void> {
  for (const [view, width, colorScheme] of [['light', 1100, 'light'], ['dark', 1100, 'dark'], ['phone', 390, 'light']] as const) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
    const page = await context.newPage();
    const said: string[] = [];
    const asked: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', (request) => asked.push(request.url()));
    const url = pathToFileURL(path).href;
    await page.goto(url);
    expect(asked).toEqual([url]);
    if (view === 'light') await check(page);
    expect(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'), 'the page does not scroll sideways').toBeLessThanOrEqual(0);
    await page.evaluate(axe);
    const found = await page.evaluate('axe.run().then((r) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => v.id + ": " + v.nodes.map((n) => n.html).slice(0, 3).join(" ")))');
    expect(found).toEqual([]);
    expect(said).toEqual([]);
    await page.screenshot({ path: join(screenshots, `${kind}-${view}.png`), fullPage: true });
    await context.close();
  }
}

test.each(KINDS)('the report of a %s', async (kind, fixture, options) => {
  const out = join(screenshots, kind);
  const code = await runCommandLine([fixtureFile(fixture), ...options.map((o) => (o.includes('/') ? fixtureFile(o) : o)), '--verify', 'emulator', '--target', 'verilog', '--quiet', '-o', out]);
  expect(code).toBe(kind === 'unmet' ? 2 : 0);
  const report = parseReport(readFileSync(join(out, 'report.json'), 'utf8'), 'report.json');
  const path = join(out, 'report.html');
  await inEveryView(path, kind, (page) => checkNumbers(page, report));
}, 120_000);

test('a layer of the graph leads to its row', async () => {
  const page = await browser.newPage();
  await page.goto(pathToFileURL(join(screenshots, 'network/report.html')).href);
  const box = page.locator('.graph a').nth(1);
  const title = await box.locator('title').textContent();
  await box.click();
  expect(title?.startsWith(`${await page.locator(':target').textContent()}: `)).toBe(true);
  await page.close();
});

test('the page of a sweep: every point has its dot and its row', async () => {
  const points = [[30, 100, true], [10, 300, true], [20, 400, true], [5, 90, false]].map(([latencyNs, lut, met], i): SweepRow => ({
    id: `p${i}`, values: { latency: `${latencyNs as number}ns`, clock: '320MHz' }, folder: `points/p${i}`, state: 'done', met: met === true, latencyCycles: i, latencyNs: Number(latencyNs), lut: Number(lut), ff: 7,
  }));
  const pareto = paretoFront(points).map((row) => row.id);
  const path = join(screenshots, 'sweep.html');
  writeFileSync(path, sweepPage({ schema: 1, tool: { name: 'trigforge', version: '0' }, model: { name: 'model', sha256: '' }, axes: { latency: points.map((row) => row.values['latency'] ?? ''), clock: ['320MHz'] }, points, pareto }));
  await inEveryView(path, 'sweep', async (page) => {
    const rows = await page.$$eval('#points tbody tr', (all) => all.map((row) => [...row.querySelectorAll('data')].map((d) => Number(d.getAttribute('value')))));
    expect(rows).toEqual(points.map((row, i) => [i + 1, row.latencyNs, row.latencyCycles, row.lut, row.ff].slice(1)));
    // In the picture: further left is faster, further up is larger.
    const dots = await page.$$eval('#plot a', (all) => all.map((a) => [a.getAttribute('href'), Number(a.querySelector('circle')?.getAttribute('cx')), Number(a.querySelector('circle')?.getAttribute('cy'))] as const));
    const order = (axis: 1 | 2): (string | null)[] => dots.toSorted((a, b) => a[axis] - b[axis]).map(([href]) => href);
    expect(order(1)).toEqual(['#point-p3', '#point-p1', '#point-p2', '#point-p0']);
    expect(order(2)).toEqual(['#point-p2', '#point-p1', '#point-p0', '#point-p3']);
    expect(pareto).toEqual(['p1', 'p0']);
  });
}, 120_000);
