import { join } from 'node:path';
import { circuitToText } from '../../circuit/text.js';
import type { CompileRequest } from '../../compile.js';
import { compile } from '../../compile.js';
import { CompileError, didYouMean } from '../../errors.js';
import { parseFixedType } from '../../fixed/fixedType.js';
import { modelNameOf } from '../modelName.js';
import { readArrays } from '../../io/arrays.js';
import { defaultPasses } from '../../passes/pipeline.js';
import { textReport } from '../../report/text.js';
import { checkOutputFolder, readInputFile, sideFilesOf, writeOutputFolder } from '../files.js';
import type { CompileOptions } from '../options.js';
import { isOptionFile, readOptionFile, readOptions } from '../options.js';
import { createTerminal, exitCodeOf, wantsColor } from '../terminal.js';
import { toolVersion } from '../version.js';

/** `compile-model MODEL`: exit code 0 or, if the budget is not met, 2. */
export async function compileCommand(argv: Readonly<Record<string, unknown>>, model: string | undefined, words: readonly string[]): Promise<number> {
  const options = await optionsOf(argv, model);
  const terminal = createTerminal(options);
  const out = options.out ?? join('build', modelNameOf(options.model));
  const passes = defaultPasses.map((pass) => pass.name);
  if (options.dumpAfter !== undefined && !passes.includes(options.dumpAfter)) {
    throw new CompileError('config', { code: 'unknown-pass', where: ['--dump-after'], what: `there is no pass '${options.dumpAfter}'.`, mend: `${didYouMean(options.dumpAfter, passes)} Passes: ${passes.join(', ')}.` });
  }
  const request = requestOf(options, words);
  checkOutputFolder(out);
  const abort = new AbortController();
  process.once('SIGINT', () => {
    abort.abort();
    terminal.done();
    process.stderr.write('interrupted: nothing was written\n');
    process.exit(130);
  });
  const dumps: { path: string; text: string }[] = [];
  try {
    const { report, files } = await compile(request, {
      onStep: terminal.step,
      onPass: (pass, circuit) => {
        if (pass === options.dumpAfter) dumps.push({ path: `dump/${pass}.txt`, text: circuitToText(circuit) });
      },
      signal: abort.signal,
    });
    writeOutputFolder(out, [...files, ...dumps.slice(-1)].map(({ path, text }) => ({ path, content: text })));
    terminal.done();
    for (const warning of report.warnings ?? []) terminal.warn([...warning.where, warning.what, warning.mend].filter((part) => part !== undefined).join(': '));
    if (!options.quiet) terminal.print(textReport(report, { color: wantsColor(), width: process.stdout.columns ?? 100 }));
    else terminal.print(report.verdict ?? '');
    if (!options.quiet) terminal.print(`\nWritten to ${out}; open ${join(out, 'report.html')}`);
    terminal.event({ event: 'report', out, report });
    return exitCodeOf(report);
  } finally {
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

function requestOf(options: CompileOptions, words: readonly string[]): CompileRequest {
  const text = (path: string, what: string): string => new TextDecoder().decode(readInputFile(path, what));
  const scoreType = options.scoreType === undefined ? undefined : parseFixedType(options.scoreType);
  if (typeof scoreType === 'string') throw new CompileError('config', { code: 'bad-type', where: ['--score-type'], what: `${scoreType}.` });
  const { clockMHz, latency, part, modelVersion, verify, seed, jobs, effort } = options;
  const clockText = `${Math.round(clockMHz * 1000) / 1000} MHz`;
  const stated = options.statedLatency === undefined ? { text: clockText } : { text: `${options.statedLatency.text} at ${clockText}`, latencyNs: options.statedLatency.ns };
  return {
    model: { name: options.model, bytes: readInputFile(options.model, 'a model') },
    readSide: sideFilesOf(options.model),
    clockMHz, latency, stated, part, modelVersion, verify, seed, jobs, effort,
    command: ['compile-model', ...words],
    toolVersion: toolVersion(),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.maxLut === undefined ? {} : { maxLut: options.maxLut }),
    ...(options.precision === undefined ? {} : { precision: { text: text(options.precision, 'a precision file'), file: options.precision } }),
    ...(options.inputType === undefined ? {} : { inputType: options.inputType }),
    ...(scoreType === undefined ? {} : { scoreType }),
    ...(options.data === undefined ? {} : { data: { arrays: readArrays(readInputFile(options.data, 'an array'), options.data), file: options.data } }),
    ...(options.vectors === undefined ? {} : { vectors: { arrays: readArrays(readInputFile(options.vectors, 'an array'), options.vectors), file: options.vectors } }),
  };
}
