#!/usr/bin/env node
// Measures docs/deployed.md: the anomaly triggers of CMS at the clocks of trigger boards, on two devices.
//
//   node docs/deployed.mjs                prints the table
//   node docs/deployed.mjs --write        puts it into docs/deployed.md
//   node docs/deployed.mjs --only REGEXP  some rows, by their names (axol1tl_v4/320/xcvu13p)
//
// The models are not part of the repository. Where they are absent there is nothing to measure. Run `make build` first.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replaceBlock } from './excerpt.mjs';

const ROOT = join(import.meta.dirname, '..');
const MODELS = join(ROOT, '../shared/models/deployed');
const MAIN = join(ROOT, 'dist/cli/main.js');
const DOCUMENT = join(ROOT, 'docs/deployed.md');
const HEAD = ['| model | part | clock | cycles (allowed) | ns | critical path, ns (period) | LUT | FF | 50 ns met | with delays 30 % longer |', '|---|---|---|---|---|---|---|---|---|---|'];
/** The delay model may be off by this share. */
const BAND = 0.3;

const only = process.argv.includes('--only') ? new RegExp(process.argv[process.argv.indexOf('--only') + 1]) : /./;
if (!existsSync(MODELS) || !existsSync(MAIN)) {
  console.error(existsSync(MODELS) ? 'dist/ is not there. Run: make build' : `${MODELS} is not there: nothing to measure.`);
  process.exit(1);
}
const scratch = mkdtempSync(join(tmpdir(), 'deployed-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** report.json of one compilation. */
function compiled(model, part, clockMHz, latency) {
  const out = join(scratch, 'out');
  const words = [join(MODELS, model, 'model.onnx'), '--part', part, '--clock', `${clockMHz}MHz`, '--latency', latency, '--verify', 'none', '--target', 'verilog', '--quiet', '--out', out];
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8' });
  if (status !== 0 && status !== 2) throw new Error(`${words.join(' ')}: ${stderr}`);
  return JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
}

const group = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ' ');
const rows = [];
for (const model of ['axol1tl_v1', 'axol1tl_v4', 'axol1tl_v5']) {
  for (const part of ['xcvu13p', 'xc7vx690t']) {
    for (const clockMHz of [40, 160, 240, 320, 360]) {
      if (!only.test(`${model}/${clockMHz}/${part}`)) continue;
      // Two bunch crossings at 40 MHz are 50 ns less a tenth: two ticks.
      const cycles = clockMHz === 40 ? 2 : Math.floor((50 * clockMHz) / 1000);
      const { budget, latency, timing, resources } = compiled(model, part, clockMHz, `${cycles} cycles`);
      const slower = compiled(model, part, Math.round(clockMHz * (1 + BAND)), `${cycles} cycles`);
      const cells = [model, part, `${clockMHz} MHz`, `${latency.cycles} (${cycles})`, latency.ns.toFixed(1), `${timing.criticalPathNs.toFixed(2)} (${(1000 / clockMHz).toFixed(2)})`,
        group(resources.estimated.lut), group(resources.estimated.ff), budget.met ? 'yes' : '**no**', slower.budget.met ? `yes, ${slower.latency.cycles} cycles` : `no, ${slower.latency.cycles} cycles`];
      rows.push(`| ${cells.join(' | ')} |`);
      console.error(rows.at(-1));
    }
  }
}
const table = [...HEAD, ...rows].join('\n');
if (process.argv.includes('--write')) writeFileSync(DOCUMENT, replaceBlock(readFileSync(DOCUMENT, 'utf8'), 'deployed', table));
else console.log(table);
