import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../src/frontends/registry.js';
import { catalogue } from '../../src/layers/registry.js';
import { Random } from '../helpers/random.js';
import { messageOf } from './helpers.js';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const PROJECTS = readdirSync(FIXTURES).filter((name) => name.startsWith('hls4ml_project_'));

type Files = Readonly<Record<string, string>>;

function filesOf(project: string): Files {
  const entries = readdirSync(join(FIXTURES, project), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.endsWith('.npy'));
  return Object.fromEntries(entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path.slice(join(FIXTURES, project).length + 1), readFileSync(path, 'utf8')];
  }));
}

/** What kind of error a project ends in, if any; it must be said within seconds. */
function kindOf(files: Files): string {
  const start = performance.now();
  const message = messageOf(() => parseModel(
    { name: 'project', bytes: new Uint8Array(), folder: true, siblings: () => Object.keys(files).toSorted() },
    { catalogue, readSide: (path) => (files[path] === undefined ? undefined : new TextEncoder().encode(files[path])) },
  ));
  expect(performance.now() - start).toBeLessThan(20_000);
  return message.split('\n')[0] as string;
}

describe.each(PROJECTS)('%s, damaged, ends in a sentence', (project) => {
  const files = filesOf(project);
  const [parameters, code] = ['firmware/parameters.h', 'firmware/top.cpp'];

  it('with any one of its numbers wrong', () => {
    const text = files[parameters] as string;
    const kinds = new Set<string>();
    for (const match of text.matchAll(/= (-?\d+);/g)) {
      for (const wrong of ['0', '-1', '4294967295', '99999999999999']) {
        const at = match.index + 2;
        const kind = kindOf({ ...files, [parameters]: `${text.slice(0, at)}${wrong}${text.slice(at + (match[1] as string).length)}` });
        kinds.add(kind);
        expect(['nothing thrown', 'input', 'unsupported', 'config'], `${match[0]} as ${wrong} near ${text.slice(match.index - 60, match.index)}`).toContain(kind);
      }
    }
    expect(kinds.size).toBeGreaterThan(1);
  });

  it('with words cut, doubled or put where others stand', () => {
    const random = new Random(0xbad);
    for (let trial = 0; trial < 150; trial++) {
      const path = random.pick([parameters, code, 'firmware/defines.h']);
      const words = (files[path] as string).split(/\b/);
      for (let k = 0; k < 2; k++) words[random.int(0, words.length - 1)] = random.pick(['', words[random.int(0, words.length - 1)] as string, '9999999999', '<', ';']);
      expect(['nothing thrown', 'input', 'unsupported', 'config']).toContain(kindOf({ ...files, [path]: words.join('') }));
    }
  });
});
