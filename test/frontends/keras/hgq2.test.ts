import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { circuitOf, differences } from '../../helpers/hgq2.js';

const ROOT = 'test/fixtures';
const MODELS = readdirSync(ROOT).filter((name) => name.startsWith('hgq2_'));

describe('HGQ2 models give what the library gives, bit for bit', () => {
  it('are there', () => expect(MODELS.length).toBeGreaterThan(0));
  it.each(MODELS)('%s', (name) => expect(differences(`${ROOT}/${name}`, circuitOf(`${ROOT}/${name}`))).toEqual([]), 60_000);
});
