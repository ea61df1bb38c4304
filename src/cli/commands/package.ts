import { existsSync, readdirSync } from 'node:fs';
import { openFolder } from '../../compile/folder.js';
import { packageFolder } from '../../compile/package.js';
import type { PackageKind } from '../../compile/packageKinds.js';
import { CompileError } from '../../errors.js';
import { folderSource, writeOutputFolder } from '../files.js';
import type { Terminal } from '../terminal.js';

/** `package OUT --for KIND DIR`: what an experiment's or a vendor's software needs of an output folder, ready to use. */
export function packageCommand(out: string, kind: PackageKind, folder: string, terminal: Terminal): number {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new CompileError('input', { code: 'output-folder', where: [folder], what: 'is not empty: a package is written into a folder of its own.', mend: 'Choose another folder, or empty it first.' });
  }
  const files = packageFolder(openFolder(folderSource(out)), kind);
  writeOutputFolder(folder, files.map(({ path, text }) => ({ path, content: text })));
  terminal.event({ event: 'packaged', for: kind, folder, files: files.map((file) => file.path) });
  terminal.print(`${kind}: ${files.length} files in ${folder}`);
  return 0;
}
