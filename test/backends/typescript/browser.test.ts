import { transformSync } from 'esbuild';
import type { Browser } from 'playwright-core';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { typescript } from '../../../src/backends/typescript/typescript.js';
import { portNames } from '../../../src/backends/verilog/names.js';
import { evaluateCircuit } from '../../../src/circuit/evaluate.js';
import type { Int } from '../../../src/fixed/integer.js';
import { typescriptRuntime } from '../../../src/verify/resources.js';
import { findBrowser } from '../../helpers/browser.js';
import { randomCircuit, randomInputs } from '../../helpers/randomCircuit.js';
import { scheduled } from '../cpp/build.js';

/** The emitted TypeScript as a page loads it: a module of its own, in a real browser. */
let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: findBrowser(), args: ['--no-sandbox', '--disable-gpu'] });
}, 60_000);
afterAll(async () => browser?.close());

it.each([[30, 'numbers'], [90, 'numbers and bigints']])('up to %i bits (%s): a browser gives the reference evaluator’s bits', async (maxWidth) => {
  const circuit = randomCircuit(maxWidth, { ops: 80, maxWidth });
  const text = typescript(typescriptRuntime()).emit(scheduled(circuit), { top: 'model', modelName: 'a model', modelVersion: 3, hash: '0'.repeat(64) })[0]!.text;
  const { code } = transformSync(text, { loader: 'ts', format: 'esm' });
  const events = randomInputs(circuit, 7, 100);
  const names = portNames(circuit);
  const input = Object.fromEntries(names.inputs.map((name, p) => [name, events.flatMap((event) => (event[p] as Int[]).map(String))]));
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  const found = await page.evaluate(async ([source, given, count]) => {
    const load = new Function('url', 'return import(url)') as (url: string) => Promise<{ predictRawBatch: (events: number, input: object) => Record<string, ArrayLike<number | bigint>> }>;
    const { predictRawBatch } = await load(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    const exact = (digits: string): number | bigint => (Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits));
    const result = predictRawBatch(count, Object.fromEntries(Object.entries(given).map(([name, values]) => [name, values.map(exact)])));
    return Object.fromEntries(Object.entries(result).map(([name, values]) => [name, Array.from(values, String)]));
  }, [code, input, events.length] as const);
  expect(problems).toEqual([]);
  const expected = events.map((event) => evaluateCircuit(circuit, event));
  expect(found).toEqual(Object.fromEntries(names.outputs.map((name, p) => [name, expected.flatMap((event) => (event[p] as Int[]).map(String))])));
});
