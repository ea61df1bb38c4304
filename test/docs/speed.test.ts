import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBlock } from '../../docs/excerpt.mjs';
import type { EmulatorNumbers, ScalingSample } from '../../docs/speedTables.mjs';
import { emulatorTable, scalingPlot, scalingTable } from '../../docs/speedTables.mjs';
import { readDocument, ROOT } from './markdown.js';

const read = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, 'docs', name), 'utf8'));

describe('docs/speed.md', () => {
  const text = readDocument('docs/speed.md');

  it('shows the numbers that were kept', () => {
    expect(readBlock(text, 'emulators')).toBe(emulatorTable(read('speed.json') as EmulatorNumbers));
    expect(readBlock(text, 'scaling')).toBe(scalingTable(read('scaling.json') as ScalingSample[]));
    expect(readFileSync(join(ROOT, 'docs/images/scaling.svg'), 'utf8')).toBe(scalingPlot(read('scaling.json') as ScalingSample[]));
  });

  it('computes ratios and exponents', () => {
    const numbers = { machine: 'M', rival: 'alkaid==1', emulators: [{ model: 'a', events: 10240, millionPerSecond: { alkaid: 2, emulator: 17 } }] };
    expect(emulatorTable(numbers)).toContain('| a | 10 240 | 2 | 17 (8.5 ×) |');
    const samples = [1e4, 1e5, 1e6].map((operations) => ({ model: 'a', size: 1, operations, seconds: (operations / 1e4) ** 2, megabytes: operations / 1e3 }));
    expect(scalingTable(samples)).toContain('a: seconds ∝ operations^2.00, memory ∝ operations^1.00');
  });
});
