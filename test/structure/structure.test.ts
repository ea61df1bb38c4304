import { fileURLToPath } from 'node:url';
import { Project } from 'ts-morph';
import { describe, expect, it } from 'vitest';
import { deadExports, forbiddenImports, ROOMS, roomOf, styleProblems } from './rooms.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const project = new Project({ tsConfigFilePath: `${root}tsconfig.json` });
const sources = project.getSourceFiles().filter((file) => file.getFilePath().startsWith(`${root}src/`));
const tests = project.getSourceFiles().filter((file) => file.getFilePath().startsWith(`${root}test/`));

/** What the library and the command offer to the outside: read by users, not by other files. */
const ENTRY_POINTS = ['src/compile.ts', 'src/index.ts', 'src/cli/main.ts'];

describe('the house', () => {
  it('has files in every room that is built', () => {
    expect(sources.length).toBeGreaterThan(40);
    const rooms = new Set(sources.map((file) => roomOf(file.getFilePath())));
    for (const room of ['fixed', 'circuit', 'passes', 'layers']) expect(rooms).toContain(room);
  });

  it('imports only what its rooms allow', () => {
    expect(sources.flatMap(forbiddenImports)).toEqual([]);
  });

  it('has no dead exports', () => {
    expect(deadExports(sources, [...sources, ...tests], ENTRY_POINTS)).toEqual([]);
  });

  it('keeps the style', () => {
    expect(sources.flatMap(styleProblems)).toEqual([]);
  });

  it('skips no test', () => {
    const skipped = tests.filter((file) => /\b(it|describe|test)\.(skip|only|todo)\b/.test(file.getFullText()));
    expect(skipped.map((file) => file.getBaseName())).toEqual([]);
  });
});

describe('the checks themselves', () => {
  /** Files in memory, by path under /p/. */
  function inMemory(files: Readonly<Record<string, string>>): Project {
    const memory = new Project({ useInMemoryFileSystem: true, compilerOptions: { module: 199, moduleResolution: 99 } });
    for (const [path, text] of Object.entries(files)) memory.createSourceFile(`/p/${path}`, text);
    return memory;
  }
  const library = {
    'src/errors.ts': 'export const e = 1;',
    'src/fixed/a.ts': 'export const a = 1; export type A = number;',
    'src/layers/b.ts': 'export const b = 1; export type B = number;',
    'src/layers/b2.ts': 'export type B2 = number;',
  };

  it.each([
    ['a room below', 'src/circuit/x.ts', "import { a } from '../fixed/a.js';", []],
    ['the errors', 'src/fixed/x.ts', "import { e } from '../errors.js';", []],
    ['a room above', 'src/fixed/x.ts', "import { b } from '../layers/b.js';", ['src/fixed/x.ts imports ../layers/b.js: fixed may not import layers']],
    ['types where types are allowed', 'src/frontends/x.ts', "import type { B } from '../layers/b.js'; import { type B2 } from '../layers/b2.js';", []],
    ['values where only types are', 'src/frontends/x.ts', "import { b } from '../layers/b.js';", ['src/frontends/x.ts imports ../layers/b.js: frontends may import only types of layers']],
    ['a re-export', 'src/model/x.ts', "export { b } from '../layers/b.js';", ['src/model/x.ts imports ../layers/b.js: model may not import layers']],
    ['a dynamic import', 'src/model/x.ts', "export const load = () => import('../layers/b.js');", ['src/model/x.ts imports ../layers/b.js: model may not import layers']],
    ['a subfolder', 'src/backends/verilog/x.ts', "import { b } from '../../layers/b.js';", ['src/backends/verilog/x.ts imports ../../layers/b.js: backends may not import layers']],
    ['compile.ts', 'src/compile.ts', "import { b } from './layers/b.js';", []],
    ['files of the disk', 'src/frontends/x.ts', "import { readFileSync } from 'node:fs';", ['src/frontends/x.ts imports node:fs: files and processes only in cli and verify']],
    ['an unknown room', 'src/attic/x.ts', "import { a } from '../fixed/a.js';", ['src/attic is no room: add it to ROOMS with what it may import']],
  ])('judge an import of %s', (_, path, text, expected) => {
    const file = inMemory({ ...library, [path]: text }).getSourceFileOrThrow(`/p/${path}`);
    expect(forbiddenImports(file)).toEqual(expected);
  });

  it('find dead exports and no others', () => {
    const memory = inMemory({
      'src/fixed/a.ts': 'export const used = 1; export const dead = 2; export const own = 3; export const twice = own;\nexport const again = 5; export function deadToo() {} export type Dead = 1;',
      'src/fixed/b.ts': "import { used, twice } from './a.js'; export { again } from './a.js'; export const entry = used + twice;",
      'test/b.test.ts': "import { entry, again } from '../src/fixed/b.js'; entry + again;",
    });
    const all = memory.getSourceFiles();
    const src = all.filter((file) => file.getFilePath().includes('/src/'));
    expect(deadExports(src, all, []).sort()).toEqual(['Dead', 'dead', 'deadToo'].map((name) => `src/fixed/a.ts exports ${name}, which nothing uses`));
    expect(deadExports(src, all, ['src/fixed/a.ts'])).toEqual([]);
  });

  it('find any and unfinished work', () => {
    const word = 'TO' + 'DO';
    const memory = inMemory({ 'src/fixed/a.ts': `// ${word}: later\nconst many = 'anyone';\nfunction f(x: any) {}\nconst y = many as any[];` });
    expect(memory.getSourceFiles().flatMap(styleProblems).sort()).toEqual([`src/fixed/a.ts:1 says ${word}`, 'src/fixed/a.ts:3 uses any', 'src/fixed/a.ts:4 uses any']);
  });

  it('the table has no cycle', () => {
    const order = Object.keys(ROOMS);
    const below = new Map(Object.entries(ROOMS).map(([room, { imports }]) => [room, new Set<string>(imports)] as const));
    for (const room of order) {
      const seen = new Set<string>();
      const stack = [...(below.get(room) ?? [])];
      while (stack.length > 0) {
        const next = stack.pop() as string;
        expect(next, `${room} reaches itself`).not.toBe(room);
        if (!seen.has(next)) stack.push(...(below.get(next) ?? []));
        seen.add(next);
      }
    }
  });
});
