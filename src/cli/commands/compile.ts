import { join } from 'node:path';
import { compile } from '../../compile.js';
import { modelNameOf } from '../modelName.js';
import { textReport } from '../../report/text.js';
import { formatProblem } from '../../errors.js';
import { checkOutputFolder, readInputFile, writeOutputFolder } from '../files.js';
import type { CompileOptions } from '../options.js';
import { isOptionFile, readOptionFile, readOptions } from '../options.js';
import { requestOf } from '../request.js';
import { createTerminal, exitCodeOf, wantsColor } from '../terminal.js';

/** `compile-model MODEL`: exit code 0 or, if the budget is not met, 2. */
export async function compileCommand(argv: Readonly<Record<string, unknown>>, model: string | undefined, words: readonly string[]): Promise<number> {
  const options = await optionsOf(argv, model);
  const terminal = createTerminal(options);
  const out = options.out ?? join('build', modelNameOf(options.model));
  const request = requestOf(options, words);
  checkOutputFolder(out);
  const abort = new AbortController();
  const interrupted = (): void => {
    abort.abort();
    terminal.done();
    process.stderr.write('interrupted: nothing was written\n');
    process.exit(130);
  };
  try {
    const { report, files } = await compile(request, {
      onStep: terminal.step,
      // Not earlier: while this process computes no handler runs, and without one Ctrl-C ends it at once.
      onWait: () => process.off('SIGINT', interrupted).once('SIGINT', interrupted),
      signal: abort.signal,
    });
    writeOutputFolder(out, files.map(({ path, text }) => ({ path, content: text })));
    terminal.done();
    for (const warning of report.warnings ?? []) terminal.warn(formatProblem(warning));
    if (!options.quiet) terminal.print(textReport(report, { color: wantsColor(), width: process.stdout.columns ?? 100 }));
    else terminal.print(report.verdict ?? '');
    if (!options.quiet) terminal.print(`\nWritten to ${out}; open ${join(out, 'report.html')}`);
    terminal.event({ event: 'report', out, report });
    return exitCodeOf(report);
  } finally {
    process.off('SIGINT', interrupted);
    terminal.done();
  }
}

async function optionsOf(argv: Readonly<Record<string, unknown>>, model: string | undefined): Promise<CompileOptions> {
  if (model !== undefined && /\.(ya?ml|json)$/i.test(model)) {
    const text = new TextDecoder().decode(readInputFile(model, 'a model or an option file'));
    if (isOptionFile(model, text)) return readOptions(argv, undefined, readOptionFile(model, text));
  }
  return readOptions(argv, model);
}
