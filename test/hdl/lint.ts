import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess, withTempFolder } from '../../src/verify/processes.js';
import { requireTools } from '../../src/verify/tools.js';

/** What `verilator -Wall` says of some files, a message a line. */
export async function lintFiles(files: Readonly<Record<string, string>>, top: string, more: readonly string[] = []): Promise<string[]> {
  const [verilator] = await requireTools(['verilator']);
  if (verilator === undefined) throw new Error('no verilator');
  return withTempFolder(async (folder) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const args = [...verilator.prefixArgs, '--lint-only', '-Wall', '--default-language', '1364-2005', ...more, '--top-module', top, ...Object.keys(files)];
    const { stderr, stdout, exitCode } = await runProcess(verilator.command, args, { cwd: folder, env: verilator.env, timeoutSeconds: 100 });
    const messages = `${stderr}\n${stdout}`.split('\n').filter((line) => line.startsWith('%'));
    return exitCode !== 0 && messages.length === 0 ? [stderr] : messages;
  });
}
