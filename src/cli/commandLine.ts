import { existsSync } from 'node:fs';
import yargs from 'yargs';
import { CompileError, closestNames, didYouMean } from '../errors.js';
import { PATTERN_FORMATS } from '../io/patterns/pattern.js';
import { SYNTHESIS_FLOWS } from '../verify/synthesis.js';
import type { OptionDefinition } from './optionTable.js';
import { OPTIONS } from './optionTable.js';
import { unknownOptions } from './options.js';
import { createTerminal, errorText, EXIT_CODES } from './terminal.js';
import { toolVersion } from './version.js';

const COMMANDS = ['inspect', 'emulate', 'verify', 'compare', 'synth', 'report', 'package', 'doctor'] as const;
const LATER_COMMANDS: readonly string[] = ['explain', 'sweep', 'ci'];

const plural = (text: string): { readonly one: string; readonly other: string } => ({ one: text, other: text });

/** What yargs would say, in our words. */
const WORDING = {
  'Not enough non-option arguments: got %s, need at least %s': plural('the command is not complete (%s of %s words behind it): inspect takes a MODEL, emulate, verify and report an output folder, compare a capture too'),
  'Not enough arguments following: %s': '--%s needs a value',
  'Missing required argument: %s': plural('options missing: %s'),
};

type Argv = Readonly<Record<string, unknown>>;

/** Options of the other commands; those of the compile command are in `optionTable.ts`. */
const COMMON = ['json', 'quiet'] as const;

const USAGE = `compile-model MODEL [options]

Compiles a trained trigger model (ONNX, QONNX, XGBoost JSON) into Verilog with a proof that it is bit-exact.

  compile-model model.onnx --clock 320MHz --latency 50ns
  compile-model float.onnx --precision hls4ml.yml --vectors events.npy
  compile-model bdt.json --input-type 'ufixed<8,8>' -o build/bdt
  compile-model ./conf.yaml`;

/** Runs one command line (without `node` and the script); gives the exit code. Every error becomes one clear message on stderr. */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  try {
    return await dispatch(words);
  } catch (error) {
    return report(error, words.includes('--json'));
  }
}

const WEIGHTS = OPTIONS.weights.describe;

async function dispatch(words: readonly string[]): Promise<number> {
  let code = 0;
  const run = (work: () => number | Promise<number>) => async (): Promise<void> => {
    code = await work();
  };
  const parser = yargs([...words])
    .scriptName('compile-model')
    .usage(USAGE)
    .version(toolVersion())
    .parserConfiguration({ 'camel-case-expansion': false, 'boolean-negation': false, 'parse-numbers': false, 'dot-notation': false })
    .command('$0 [model]', 'compiles a model', (y) => compileOptions(y), (argv) => run(() => compileRun(argv, words))())
    .command('inspect <model>', 'layers, shapes, parameters, what is unsupported', (y) => common(y)
      .option('weights', { type: 'string', requiresArg: true, describe: WEIGHTS }), (argv) => run(() => inspectRun(argv))())
    .command('emulate <target>', 'bit-exact emulation of a compiled model (OUT), or with --float the float reference of a MODEL', (y) => common(y)
      .option('inputs', { type: 'string', demandOption: true, requiresArg: true, describe: 'events: .npy, .npz or .csv' })
      .option('outputs', { type: 'string', demandOption: true, requiresArg: true, describe: 'where to write: .npy, .npz or .csv' })
      .option('float', { type: 'boolean', default: false, describe: 'run the model in float64' })
      .option('weights', { type: 'string', requiresArg: true, describe: WEIGHTS }), (argv) => run(() => emulateRun(argv))())
    .command('verify <out>', 'proves the emitted Verilog in Verilator, cycle by cycle', (y) => common(y)
      .option('inputs', { type: 'string', requiresArg: true, describe: 'your events, besides corners and random ones' })
      .option('expect', { type: 'string', requiresArg: true, describe: 'your own numbers for these events' })
      .option('junit', { type: 'string', requiresArg: true, describe: 'write JUnit XML' })
      .option('seed', { type: 'string', requiresArg: true, default: '1', describe: 'seed of the random events' })
      .option('jobs', { type: 'string', requiresArg: true, default: '2', describe: 'threads' }), (argv) => run(() => verifyRun(argv))())
    .command('compare <out> <capture>', 'a capture of a board or simulator against the emulator: finds format and latency itself', (y) => common(y)
      .option('format', { type: 'string', requiresArg: true, describe: `format of the capture: ${PATTERN_FORMATS.join(', ')}`, defaultDescription: 'by its content' })
      .option('inputs', { type: 'string', requiresArg: true, describe: 'the events that went in: an array or pattern file', defaultDescription: 'those of OUT/testbench/patterns' })
      .option('links', { type: 'string', requiresArg: true, describe: 'links of the capture that hold the outputs: 60,61', defaultDescription: "the layout's" }), (argv) => run(() => compareRun(argv))())
    .command('synth <out>', 'Yosys, and nextpnr where there is one, on the emitted Verilog: LUT, FF, carry, Fmax', (y) => common(y)
      .option('flow', { type: 'string', requiresArg: true, describe: `${SYNTHESIS_FLOWS.join(' or ')}: whose cells`, defaultDescription: "the part's" })
      .option('seed', { type: 'string', requiresArg: true, default: '1', describe: 'seed of placement' }), (argv) => run(() => synthRun(argv))())
    .command('report <out>', 'text report; with --against what changed', (y) => common(y)
      .option('against', { type: 'string', requiresArg: true, describe: 'another output folder' })
      .option('open', { type: 'boolean', default: false, describe: 'open report.html' }), (argv) => run(() => reportRun(argv))())
    .command('package <out> <dir>', 'what an experiment or a vendor tool needs of OUT, ready to use, into DIR', (y) => common(y)
      .option('for', { type: 'string', demandOption: true, requiresArg: true, describe: 'cmssw, athena, python, vivado, quartus, cocotb or fusesoc' }), (argv) => run(() => packageRun(argv))())
    .command('doctor', 'which tools are there, what lacks and how to get it', common, (argv) => run(() => doctorRun(argv))())
    .recommendCommands()
    .epilogue('Exit codes: 0 good, 1 wrong input or unsupported, 2 budget not met, 3 mismatch, 4 internal error, 5 tool missing.')
    .fail((message: string, error: Error | undefined) => {
      // yargs has errors of its own, which are the user's, not ours.
      if (error !== undefined && error.name !== 'YError') throw error;
      throw usageError(`${(message ?? error?.message ?? 'wrong usage').replace(/\.$/, '')}.`);
    })
    // Its types know only plain texts.
    .updateStrings(WORDING as unknown as Record<string, string>)
    .exitProcess(false)
    .help();
  await parser.parseAsync();
  return code;
}

// The type of yargs' builder is long; only `option` is needed here.
type Builder = ReturnType<typeof yargs>;

function common(y: Builder): Builder {
  return y
    .option('json', { type: 'boolean', default: false, describe: 'machine-readable events, one a line' })
    .option('quiet', { type: 'boolean', default: false, describe: 'less' });
}

function compileOptions(y: Builder): Builder {
  let builder = y.positional('model', { type: 'string', describe: 'model, or a YAML or JSON file of options' });
  for (const [name, option] of Object.entries<OptionDefinition>(OPTIONS)) {
    builder = builder.option(name, {
      describe: option.describe,
      ...(option.alias === undefined ? {} : { alias: option.alias }),
      ...(option.flag === true ? { type: 'boolean' as const } : { type: 'string' as const, requiresArg: true }),
      ...(option.default === undefined ? {} : { defaultDescription: option.default }),
    });
  }
  return builder;
}

/** Refuses options that the command does not have, words too many, and options given twice. */
function checkOptions(argv: Argv, known: readonly string[]): void {
  const options = [...known, ...COMMON];
  const positional = ['model', 'target', 'out', 'capture', 'dir'].filter((name) => name in argv);
  const problems = unknownOptions(argv, [...options, ...positional], options);
  for (const name of options) {
    const value = argv[name];
    if (Array.isArray(value)) problems.push({ code: 'bad-option', where: [`--${name}`], what: `is given ${value.length} times; give it once.` });
  }
  // The first word is the command itself.
  const surplus = (argv['_'] as readonly unknown[]).slice(1);
  if (surplus.length > 0) problems.push({ code: 'usage', where: [], what: `'${surplus.join(' ')}' is one word too many.`, mend: 'See compile-model --help.' });
  if (problems.length > 0) throw new CompileError('config', problems);
}

function usageError(what: string): CompileError {
  return new CompileError('config', { code: 'usage', where: [], what, mend: 'See compile-model --help.' });
}

const text = (argv: Argv, name: string): string => String(argv[name]);
const optional = <K extends string>(argv: Argv, name: K): { readonly [Key in K]?: string } =>
  (argv[name] === undefined ? {} : { [name]: String(argv[name]) }) as { readonly [Key in K]?: string };
const terminalOf = (argv: Argv): ReturnType<typeof createTerminal> => createTerminal({ quiet: argv['quiet'] === true, json: argv['json'] === true });

function wholeNumber(argv: Argv, name: string, least: number): number {
  const value = Number(argv[name]);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new CompileError('config', { code: 'bad-option', where: [`--${name}`], what: `'${text(argv, name)}' must be a whole number from ${least} on.` });
}

async function compileRun(argv: Argv, words: readonly string[]): Promise<number> {
  const surplus = (argv['_'] as readonly unknown[] | undefined) ?? [];
  if (argv['model'] !== undefined) checkNoCommand(text(argv, 'model'), surplus.length > 0);
  if (surplus.length > 0) throw new CompileError('config', { code: 'usage', where: [], what: `one model at a time: '${String(surplus[0])}' is too much.` });
  const { compileCommand } = await import('./commands/compile.js');
  const { model, ...options } = argv;
  return compileCommand(options, model === undefined ? undefined : String(model), words);
}

/** Refuses a MODEL that is no file but reads like a command: one of a later release, or a misspelt one. */
function checkNoCommand(word: string, moreWords: boolean): void {
  if (!/^[a-z]+$/i.test(word) || existsSync(word)) return;
  if (LATER_COMMANDS.includes(word)) throw new CompileError('unsupported', { code: 'later-command', where: [word], what: 'this command comes in a later release.', mend: `There are: ${COMMANDS.join(', ')}.` });
  const close = closestNames(word, COMMANDS);
  if (close.length === 0 && !moreWords) return;
  throw new CompileError('config', { code: 'unknown-command', where: [word], what: 'is neither a command nor a file.', mend: didYouMean(word, COMMANDS) });
}

async function inspectRun(argv: Argv): Promise<number> {
  checkOptions(argv, ['weights']);
  const { inspectCommand } = await import('./commands/inspect.js');
  return inspectCommand(text(argv, 'model'), optional(argv, 'weights').weights, terminalOf(argv));
}

async function emulateRun(argv: Argv): Promise<number> {
  checkOptions(argv, ['inputs', 'outputs', 'float', 'weights']);
  const { emulateCommand } = await import('./commands/emulate.js');
  return emulateCommand({ target: text(argv, 'target'), inputs: text(argv, 'inputs'), outputs: text(argv, 'outputs'), float: argv['float'] === true, ...optional(argv, 'weights') }, terminalOf(argv));
}

async function verifyRun(argv: Argv): Promise<number> {
  checkOptions(argv, ['inputs', 'expect', 'junit', 'seed', 'jobs']);
  const { verifyCommand } = await import('./commands/verify.js');
  const options = { out: text(argv, 'out'), ...optional(argv, 'inputs'), ...optional(argv, 'expect'), ...optional(argv, 'junit'), seed: wholeNumber(argv, 'seed', 0), jobs: wholeNumber(argv, 'jobs', 1) };
  const terminal = terminalOf(argv);
  try {
    return await verifyCommand(options, terminal);
  } finally {
    terminal.done();
  }
}

async function compareRun(argv: Argv): Promise<number> {
  checkOptions(argv, ['format', 'inputs', 'links']);
  const { compareCommand } = await import('./commands/compare.js');
  const format = PATTERN_FORMATS.find((name) => name === argv['format']);
  if (argv['format'] !== undefined && format === undefined) throw new CompileError('config', { code: 'bad-option', where: ['--format'], what: `'${text(argv, 'format')}' must be one of ${PATTERN_FORMATS.join(', ')}.` });
  return compareCommand({ out: text(argv, 'out'), capture: text(argv, 'capture'), ...(format === undefined ? {} : { format }), ...optional(argv, 'inputs'), ...(argv['links'] === undefined ? {} : { links: linksOf(text(argv, 'links')) }) }, terminalOf(argv));
}

/** `60,61` as numbers. */
function linksOf(list: string): number[] {
  const links = list.split(',').map((link) => link.trim());
  if (links.every((link) => /^\d{1,6}$/.test(link)) && new Set(links).size === links.length) return links.map(Number);
  throw new CompileError('config', { code: 'bad-option', where: ['--links'], what: `'${list}' must be link numbers such as 60,61, each once.` });
}

async function synthRun(argv: Argv): Promise<number> {
  checkOptions(argv, ['flow', 'seed']);
  const flow = SYNTHESIS_FLOWS.find((name) => name === argv['flow']);
  if (argv['flow'] !== undefined && flow === undefined) throw new CompileError('config', { code: 'bad-option', where: ['--flow'], what: `'${text(argv, 'flow')}' must be one of ${SYNTHESIS_FLOWS.join(', ')}.` });
  const { synthCommand } = await import('./commands/synth.js');
  const terminal = terminalOf(argv);
  try {
    return await synthCommand({ out: text(argv, 'out'), seed: wholeNumber(argv, 'seed', 0), ...(flow === undefined ? {} : { flow }) }, terminal);
  } finally {
    terminal.done();
  }
}

async function reportRun(argv: Argv): Promise<number> {
  checkOptions(argv, ['against', 'open']);
  const { reportCommand } = await import('./commands/report.js');
  return reportCommand({ out: text(argv, 'out'), ...optional(argv, 'against'), open: argv['open'] === true, json: argv['json'] === true }, terminalOf(argv));
}

async function packageRun(argv: Argv): Promise<number> {
  checkOptions(argv, ['for']);
  const { packageCommand } = await import('./commands/package.js');
  return packageCommand(text(argv, 'out'), text(argv, 'for'), text(argv, 'dir'), terminalOf(argv));
}

async function doctorRun(argv: Argv): Promise<number> {
  checkOptions(argv, []);
  const { doctorCommand } = await import('./commands/doctor.js');
  return doctorCommand(terminalOf(argv));
}

/** Whatever is not a CompileError is ours to answer for. */
function report(error: unknown, json: boolean): number {
  const known = error instanceof CompileError
    ? error
    : new CompileError('internal', { code: 'crash', where: [], what: error instanceof Error ? error.message : String(error), mend: 'This is a defect of Trigforge: please report it with the command and the model.' });
  if (json) console.log(JSON.stringify({ event: 'error', kind: known.kind, exitCode: EXIT_CODES[known.kind], problems: known.problems }));
  console.error(errorText(known));
  if (process.env['TRIGFORGE_DEBUG'] !== undefined && error instanceof Error) console.error(error.stack);
  return EXIT_CODES[known.kind];
}
