#!/usr/bin/env node
// Refreshes what README.md shows of the demo: the text, and docs/images/report.png by headless chromium.
//
//   make demo && node docs/screenshot.mjs
//
// Another folder than build/demo can be named; TRIGFORGE names another main.js.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { excerpt, replaceBlock } from './excerpt.mjs';

const ROOT = join(import.meta.dirname, '..');
const DEMO = resolve(process.argv[2] ?? join(ROOT, 'build/demo'));
const MAIN = process.env.TRIGFORGE ?? join(ROOT, 'dist/cli/main.js');
const PICTURE = join(ROOT, 'docs/images/report.png');
const MAX_BYTES = 300_000;

if (!existsSync(join(DEMO, 'report.html'))) {
  console.error(`${DEMO} holds no report. Run: make demo`);
  process.exit(1);
}
const report = spawnSync(process.execPath, [MAIN, 'report', DEMO], { encoding: 'utf8' });
if (report.status !== 0) throw new Error(report.stderr);
const readme = join(ROOT, 'README.md');
writeFileSync(readme, replaceBlock(readFileSync(readme, 'utf8'), 'demo', `\`\`\`text\n${excerpt(report.stdout)}\n\`\`\``));
console.log('README.md: text of the demo');

const browser = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync(name, ['--version']).status === 0);
if (browser === undefined) {
  console.error('chromium is not there: the picture stays as it is.');
  process.exit(0);
}
const profile = mkdtempSync(join(tmpdir(), 'trigforge-chromium-'));
mkdirSync(join(ROOT, 'docs/images'), { recursive: true });
const shot = spawnSync(browser, [
  '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', `--user-data-dir=${profile}`,
  '--window-size=1100,1520', `--screenshot=${PICTURE}`, pathToFileURL(join(DEMO, 'report.html')).href,
], { encoding: 'utf8', timeout: 120_000 });
rmSync(profile, { recursive: true, force: true });
if (shot.status !== 0) throw new Error(shot.stderr);
const { size } = statSync(PICTURE);
if (size > MAX_BYTES) throw new Error(`${PICTURE} has ${size} bytes; at most ${MAX_BYTES} belong into the repository.`);
console.log(`docs/images/report.png: ${size} bytes`);
