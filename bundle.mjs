#!/usr/bin/env node
// Builds dist/: the command and what is loaded with it in few files, since a program that reads hundreds of modules is slow
// to start. What only some runs need and is large stays in node_modules.
//
//   node bundle.mjs
//
// dist/LICENSES.txt holds the notices of the packages that are inside.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = import.meta.dirname;

const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ['src/cli/main.ts', 'src/index.ts', 'src/compile.ts', 'src/io/arrays.ts'],
  outbase: 'src',
  outdir: 'dist',
  // As deep below the package as the entry points: resources are found from there.
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Names stay: stack traces are read.
  minifySyntax: true,
  minifyWhitespace: true,
  external: ['mathjs', 'ts-morph'],
  // Packages that are CommonJS inside ask for Node's own modules with require.
  banner: { js: "import { createRequire as createRequireOfNode } from 'node:module';\nconst require = createRequireOfNode(import.meta.url);" },
  metafile: true,
  logLevel: 'warning',
});

/** `node_modules/@scope/name` of a bundled file. */
const folderOf = (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];

const folders = [...new Set(Object.keys(metafile.inputs).map(folderOf))].filter((folder) => folder !== undefined).sort();
const notices = folders.map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(ROOT, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(join(ROOT, folder, file), 'utf8').trim()}\n`;
});
if (!existsSync(join(ROOT, 'dist/cli/main.js'))) throw new Error('dist/cli/main.js was not written');
writeFileSync(join(ROOT, 'dist/LICENSES.txt'), notices.join(`\n${'-'.repeat(80)}\n\n`));
