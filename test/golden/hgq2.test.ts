import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { circuitOf, differences } from '../helpers/hgq2.js';

const ROOT = '../shared/models/networks';
const MODELS = existsSync(ROOT) ? readdirSync(ROOT).filter((name) => name.startsWith('hgq2_')) : [];

describe.runIf(MODELS.length > 0)('HGQ2 models give what the library gives, bit for bit on all rows', () => {
  it.each(MODELS)('%s', (name) => expect(differences(`${ROOT}/${name}`, circuitOf(`${ROOT}/${name}`))).toEqual([]), 120_000);
});
