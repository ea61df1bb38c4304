#!/usr/bin/env node
// Makes the tables and the plot of docs/speed.md from docs/speed.json (npm run bench -- --write) and docs/scaling.json
// (npx tsx test/bench/scaling.ts --write).
//
//   node docs/speed.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceBlock } from './excerpt.mjs';
import { emulatorTable, scalingPlot, scalingTable } from './speedTables.mjs';

const read = (name) => JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8'));
const file = join(import.meta.dirname, 'speed.md');
const samples = read('scaling.json');
let text = readFileSync(file, 'utf8');
text = replaceBlock(text, 'emulators', emulatorTable(read('speed.json')));
text = replaceBlock(text, 'scaling', scalingTable(samples));
writeFileSync(file, text);
writeFileSync(join(import.meta.dirname, 'images/scaling.svg'), scalingPlot(samples));
