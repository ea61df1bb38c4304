import type { SourceFile } from 'ts-morph';
import { Node, SyntaxKind } from 'ts-morph';

/**
 * The rooms of src/ and which others each may import: ARCHITECTURE.md's table as data. `types` are rooms of which only
 * types may be imported. src/errors.ts is open to all.
 */
export interface Room {
  readonly imports: readonly string[];
  readonly types?: readonly string[];
}

export const ROOMS = {
  fixed: { imports: [] },
  circuit: { imports: ['fixed'] },
  optimize: { imports: ['fixed', 'circuit'] },
  model: { imports: ['fixed'] },
  layers: { imports: ['fixed', 'circuit', 'optimize', 'model'] },
  // io: containers (zip) in memory.
  frontends: { imports: ['fixed', 'model', 'io'], types: ['layers'] },
  // io: the reader of configuration text with line numbers, shared with the command line's option files, and I/O schemas.
  quantize: { imports: ['fixed', 'model', 'layers', 'io'] },
  passes: { imports: ['fixed', 'circuit', 'optimize'] },
  timing: { imports: ['fixed', 'circuit'] },
  // emulator: which lane of a vector holds each operation, for generated code that is vectorised as its own is.
  backends: { imports: ['fixed', 'circuit', 'timing', 'emulator'] },
  emulator: { imports: ['fixed', 'circuit'] },
  // Array and pattern files as bytes or text in memory: no file access, so no reason to know anybody.
  io: { imports: ['fixed'] },
  verify: { imports: ['fixed', 'circuit', 'timing', 'backends', 'emulator', 'io'] },
  report: { imports: [], types: ['fixed', 'circuit', 'model', 'timing', 'backends', 'verify', 'passes', 'compile'] },
  compile: { imports: ['fixed', 'circuit', 'optimize', 'model', 'layers', 'frontends', 'quantize', 'passes', 'timing', 'backends', 'emulator', 'io', 'verify', 'report'] },
  cli: { imports: ['compile', 'report', 'verify', 'io'], types: ['backends'] },
  // The library: what it offers, and nothing of its own.
  index: { imports: ['compile', 'cli', 'io'], types: ['backends', 'report'] },
} as const satisfies Readonly<Record<string, Room>>;

/** Node's own modules that touch files or processes, and the only rooms that may. */
const OUTSIDE = /^(node:)?(fs|fs\/promises|child_process|os|net|http|https|worker_threads)$/;
const OUTSIDE_ROOMS: readonly string[] = ['cli', 'verify'];

/** The room of a file: the folder under src/, or for src/compile.ts its name. */
export function roomOf(path: string): string | undefined {
  const match = /\/src\/(?:([^/]+)\/|([^/]+)\.ts$)/.exec(path);
  return match?.[1] ?? match?.[2];
}

/** Every import of a file that its room does not allow, as sentences. */
export function forbiddenImports(file: SourceFile): string[] {
  const own = roomOf(file.getFilePath());
  if (own === undefined || own === 'errors') return own === 'errors' && imports(file).length > 0 ? ['src/errors.ts imports something'] : [];
  const room: Room | undefined = (ROOMS as Readonly<Record<string, Room>>)[own];
  if (room === undefined) return [`src/${own} is no room: add it to ROOMS with what it may import`];
  const wrong: string[] = [];
  for (const { specifier, target, typeOnly } of imports(file)) {
    const place = `${file.getFilePath().replace(/^.*\/src\//, 'src/')} imports ${specifier}`;
    if (OUTSIDE.test(specifier) && !OUTSIDE_ROOMS.includes(own)) wrong.push(`${place}: files and processes only in ${OUTSIDE_ROOMS.join(' and ')}`);
    if (!specifier.startsWith('.')) continue;
    if (target === undefined) wrong.push(`${place}, which is not there`);
    else if (target !== own && target !== 'errors' && !room.imports.includes(target)) {
      const allowedAsType = room.types?.includes(target) === true;
      if (!allowedAsType) wrong.push(`${place}: ${own} may not import ${target}`);
      else if (!typeOnly) wrong.push(`${place}: ${own} may import only types of ${target}`);
    }
  }
  return wrong;
}

interface Import {
  readonly specifier: string;
  readonly target: string | undefined;
  readonly typeOnly: boolean;
}

/** Static and dynamic imports and re-exports. */
function imports(file: SourceFile): Import[] {
  const list: Import[] = [];
  for (const node of [...file.getImportDeclarations(), ...file.getExportDeclarations()]) {
    const specifier = node.getModuleSpecifierValue();
    if (specifier === undefined) continue;
    const named = Node.isImportDeclaration(node) ? node.getNamedImports() : node.getNamedExports();
    const bare = Node.isImportDeclaration(node) && (node.getDefaultImport() !== undefined || node.getNamespaceImport() !== undefined);
    const typeOnly = node.isTypeOnly() || (!bare && named.length > 0 && named.every((name) => name.isTypeOnly()));
    const target = node.getModuleSpecifierSourceFile();
    list.push({ specifier, typeOnly, target: target === undefined ? undefined : roomOf(target.getFilePath()) });
  }
  for (const call of file.getDescendantsOfKind(SyntaxKind.CallExpression)) {
    if (call.getExpression().getKind() !== SyntaxKind.ImportKeyword) continue;
    const argument = call.getArguments()[0];
    const specifier = Node.isStringLiteral(argument) ? argument.getLiteralValue() : '(computed)';
    const path = specifier.startsWith('.') ? resolve(file.getDirectoryPath(), specifier) : '';
    list.push({ specifier, typeOnly: false, target: path === '' ? undefined : roomOf(path) });
  }
  return list;
}

function resolve(folder: string, specifier: string): string {
  const parts = folder.split('/');
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/').replace(/\.js$/, '.ts');
}

/** Exports of `sources` that no file of `all` imports and their own file does not use either. */
export function deadExports(sources: readonly SourceFile[], all: readonly SourceFile[], entryPoints: readonly string[]): string[] {
  const used = new Set<string>();
  for (const file of all) {
    for (const node of [...file.getImportDeclarations(), ...file.getExportDeclarations()]) {
      const target = node.getModuleSpecifierSourceFile();
      if (target === undefined) continue;
      const named = Node.isImportDeclaration(node) ? node.getNamedImports() : node.getNamedExports();
      for (const name of named) used.add(`${target.getFilePath()}#${name.getName()}`);
      const whole = Node.isImportDeclaration(node) ? node.getNamespaceImport() !== undefined : named.length === 0;
      if (whole) used.add(`${target.getFilePath()}#*`);
    }
    for (const call of file.getDescendantsOfKind(SyntaxKind.CallExpression)) {
      const argument = call.getArguments()[0];
      if (call.getExpression().getKind() === SyntaxKind.ImportKeyword && Node.isStringLiteral(argument)) {
        used.add(`${resolve(file.getDirectoryPath(), argument.getLiteralValue())}#*`);
      }
    }
  }
  const dead: string[] = [];
  for (const file of sources) {
    const path = file.getFilePath();
    if (entryPoints.some((entry) => path.endsWith(entry)) || used.has(`${path}#*`)) continue;
    const identifiers = new Map<string, number>();
    for (const id of file.getDescendantsOfKind(SyntaxKind.Identifier)) identifiers.set(id.getText(), (identifiers.get(id.getText()) ?? 0) + 1);
    for (const name of file.getExportSymbols().map((symbol) => symbol.getName())) {
      // Declared once; a type beside a value of the same name is declared twice.
      const declarations = file.getExportedDeclarations().get(name)?.length ?? 1;
      if (!used.has(`${path}#${name}`) && (identifiers.get(name) ?? 0) <= declarations) dead.push(`${path.replace(/^.*\/src\//, 'src/')} exports ${name}, which nothing uses`);
    }
  }
  return dead;
}

/** What the style forbids in a source file: the type any, words of unfinished work. */
export function styleProblems(file: SourceFile): string[] {
  const path = file.getFilePath().replace(/^.*\/(src|test)\//, '$1/');
  const problems = file.getDescendantsOfKind(SyntaxKind.AnyKeyword).map((node) => `${path}:${node.getStartLineNumber()} uses any`);
  file.getFullText().split('\n').forEach((line, i) => {
    const word = UNFINISHED.exec(line)?.[0];
    if (word !== undefined) problems.push(`${path}:${i + 1} says ${word}`);
  });
  return problems;
}

const UNFINISHED = /\b(TODO|FIXME|XXX|HACK|TBD|WIP)\b|\bnot (yet )?implemented\b|@ts-(ignore|nocheck|expect-error)|eslint-disable/;
