import { existsSync } from 'node:fs';
import type { Argv as Parser } from 'yargs';
import type { PackageKind } from '../compile/packageKinds.js';
import { CompileError, closestNames, didYouMean } from '../errors.js';
import { PATTERN_FORMATS } from '../io/patterns/pattern.js';
import { SYNTHESIS_FLOWS } from '../verify/synthesis.js';
import type { CommandDefinition, CommandName, CommandOption } from './commandTable.js';
import { COMMAND_NAMES, COMMANDS, COMMON_OPTIONS } from './commandTable.js';
import { helpText } from './help.js';
import { OPTIONS } from './optionTable.js';
import type { Terminal } from './terminal.js';
import { createTerminal, errorText, EXIT_CODES } from './terminal.js';
import { unknownOptions } from './unknownOptions.js';
import { toolVersion } from './version.js';

const plural = (text: string): { readonly one: string; readonly other: string } => ({ one: text, other: text });

/** What yargs would say, in our words. */
const WORDING = {
  'Not enough non-option arguments: got %s, need at least %s': plural('the command is not complete (%s of %s words behind it): inspect takes a MODEL, emulate, verify and report an output folder, compare a capture too'),
  'Not enough arguments following: %s': '--%s needs a value',
  'Missing required argument: %s': plural('options missing: %s'),
};

type Argv = Readonly<Record<string, unknown>>;

/** What each command does with its parsed words; its options are those of the table. */
const RUNS: Readonly<Record<CommandName, (argv: Argv, terminal: Terminal) => Promise<number>>> = {
  inspect: inspectRun,
  emulate: emulateRun,
  verify: verifyRun,
  explain: explainRun,
  compare: compareRun,
  synth: synthRun,
  report: reportRun,
  package: packageRun,
  ci: ciRun,
  sweep: sweepRun,
  completion: completionRun,
  doctor: doctorRun,
};

/** Runs one command line (without `node` and the script); gives the exit code. Every error becomes one clear message on stderr. */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  try {
    return await dispatch(words);
  } catch (error) {
    return report(error, words.includes('--json'));
  }
}

async function dispatch(words: readonly string[]): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) console.log(helpText(words, Math.min(100, process.stdout.columns ?? 80)));
  else if (words.includes('--version')) console.log(toolVersion());
  else return parseAndRun(words);
  return 0;
}

async function parseAndRun(words: readonly string[]): Promise<number> {
  const { default: yargs } = await import('yargs');
  let code = 0;
  const run = (work: (argv: Argv) => Promise<number>) => async (argv: Argv): Promise<void> => {
    code = await work(argv);
  };
  let parser: Parser = yargs([...words])
    .scriptName('compile-model')
    .parserConfiguration({ 'camel-case-expansion': false, 'boolean-negation': false, 'parse-numbers': false, 'dot-notation': false })
    .command('$0 [model]', 'compiles a model', (y) => withOptions(y.positional('model', { type: 'string' }), OPTIONS, false), run((argv) => compileRun(argv, words)));
  for (const name of COMMAND_NAMES) {
    const command: CommandDefinition = COMMANDS[name];
    parser = parser.command(`${name} ${command.words}`.trimEnd(), command.describe, (y) => withOptions(y, { ...COMMON_OPTIONS, ...command.options }, true), run((argv) => commandRun(name, argv)));
  }
  await parser
    .recommendCommands()
    .fail((message: string, error: Error | undefined) => {
      // yargs has errors of its own, which are the user's, not ours.
      if (error !== undefined && error.name !== 'YError') throw error;
      throw usageError(`${(message ?? error?.message ?? 'wrong usage').replace(/\.$/, '')}.`);
    })
    // Its types know only plain texts.
    .updateStrings(WORDING as unknown as Record<string, string>)
    .exitProcess(false)
    .help(false)
    .version(false)
    .parseAsync();
  return code;
}

/** @param flagsFalse whether flags not given are false, rather than absent */
function withOptions(parser: Parser, options: Readonly<Record<string, CommandOption>>, flagsFalse: boolean): Parser {
  return Object.entries(options).reduce((known, [name, { alias, flag, required, value }]) => known.option(name, {
    ...(alias === undefined ? {} : { alias }),
    ...(flag === true ? { type: 'boolean' as const, ...(flagsFalse ? { default: false } : {}) } : { type: 'string' as const, requiresArg: true }),
    ...(required === true ? { demandOption: true } : {}),
    ...(value === undefined ? {} : { default: value }),
  }), parser);
}

/** Refuses options that the command does not have, words too many, options given twice and values that are not in the list. */
function checkOptions(argv: Argv, { words, options }: CommandDefinition): void {
  const known = [...Object.keys(options), ...Object.keys(COMMON_OPTIONS)];
  const positional = [...words.matchAll(/<(\w+)>/g)].map(([, word]) => word as string);
  const problems = unknownOptions(argv, [...known, ...positional], known);
  for (const name of known) {
    const value = argv[name];
    const choices = options[name]?.choices;
    if (Array.isArray(value)) problems.push({ code: 'bad-option', where: [`--${name}`], what: `is given ${value.length} times; give it once.` });
    else if (value !== undefined && choices?.includes(String(value)) === false) problems.push({ code: 'bad-option', where: [`--${name}`], what: `'${String(value)}' ${listed(choices)}.`, ...(closestNames(String(value), choices).length > 0 && { mend: didYouMean(String(value), choices) }) });
  }
  // The first word is the command itself.
  const surplus = (argv['_'] as readonly unknown[]).slice(1);
  if (surplus.length > 0) problems.push({ code: 'usage', where: [], what: `'${surplus.join(' ')}' is one word too many.`, mend: 'See compile-model --help.' });
  if (problems.length > 0) throw new CompileError('config', problems);
}

const listed = (choices: readonly string[]): string => (choices.length === 1 ? `must be ${choices[0]}` : `must be one of ${choices.join(', ')}`);

async function commandRun(name: CommandName, argv: Argv): Promise<number> {
  checkOptions(argv, COMMANDS[name]);
  const terminal = createTerminal({ quiet: argv['quiet'] === true, json: argv['json'] === true });
  try {
    return await RUNS[name](argv, terminal);
  } finally {
    terminal.done();
  }
}

function usageError(what: string): CompileError {
  return new CompileError('config', { code: 'usage', where: [], what, mend: 'See compile-model --help.' });
}

const text = (argv: Argv, name: string): string => String(argv[name]);
const optional = <K extends string>(argv: Argv, name: K): { readonly [Key in K]?: string } =>
  (argv[name] === undefined ? {} : { [name]: String(argv[name]) }) as { readonly [Key in K]?: string };

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

/** Refuses a MODEL that is no file but reads like a misspelt command. */
function checkNoCommand(word: string, moreWords: boolean): void {
  if (!/^[a-z]+$/i.test(word) || existsSync(word)) return;
  const close = closestNames(word, COMMAND_NAMES);
  if (close.length === 0 && !moreWords) return;
  throw new CompileError('config', { code: 'unknown-command', where: [word], what: 'is neither a command nor a file.', mend: didYouMean(word, COMMAND_NAMES) });
}

async function inspectRun(argv: Argv, terminal: Terminal): Promise<number> {
  const { inspectCommand } = await import('./commands/inspect.js');
  return inspectCommand(text(argv, 'model'), optional(argv, 'weights').weights, terminal);
}

async function emulateRun(argv: Argv, terminal: Terminal): Promise<number> {
  const { emulateCommand } = await import('./commands/emulate.js');
  return emulateCommand({ target: text(argv, 'target'), inputs: text(argv, 'inputs'), outputs: text(argv, 'outputs'), float: argv['float'] === true, ...optional(argv, 'weights') }, terminal);
}

async function verifyRun(argv: Argv, terminal: Terminal): Promise<number> {
  const { verifyCommand } = await import('./commands/verify.js');
  const options = { out: text(argv, 'out'), ...optional(argv, 'inputs'), ...optional(argv, 'expect'), ...optional(argv, 'junit'), seed: wholeNumber(argv, 'seed', 0), jobs: wholeNumber(argv, 'jobs', 1) };
  return verifyCommand(options, terminal);
}

async function explainRun(argv: Argv, terminal: Terminal): Promise<number> {
  const { explainCommand } = await import('./commands/explain.js');
  const event = argv['event'] === undefined ? {} : { event: wholeNumber(argv, 'event', 0) };
  return explainCommand({ out: text(argv, 'out'), inputs: text(argv, 'inputs'), ...event, ...optional(argv, 'layer') }, terminal);
}

async function compareRun(argv: Argv, terminal: Terminal): Promise<number> {
  const { compareCommand } = await import('./commands/compare.js');
  const format = PATTERN_FORMATS.find((name) => name === argv['format']);
  return compareCommand({ out: text(argv, 'out'), capture: text(argv, 'capture'), ...(format === undefined ? {} : { format }), ...optional(argv, 'inputs'), ...(argv['links'] === undefined ? {} : { links: linksOf(text(argv, 'links')) }) }, terminal);
}

/** `60,61` as numbers. */
function linksOf(list: string): number[] {
  const links = list.split(',').map((link) => link.trim());
  if (links.every((link) => /^\d{1,6}$/.test(link)) && new Set(links).size === links.length) return links.map(Number);
  throw new CompileError('config', { code: 'bad-option', where: ['--links'], what: `'${list}' must be link numbers such as 60,61, each once.` });
}

async function synthRun(argv: Argv, terminal: Terminal): Promise<number> {
  const flow = SYNTHESIS_FLOWS.find((name) => name === argv['flow']);
  const { synthCommand } = await import('./commands/synth.js');
  return synthCommand({ out: text(argv, 'out'), seed: wholeNumber(argv, 'seed', 0), ...(flow === undefined ? {} : { flow }) }, terminal);
}

async function reportRun(argv: Argv, terminal: Terminal): Promise<number> {
  const { reportCommand } = await import('./commands/report.js');
  return reportCommand({ out: text(argv, 'out'), ...optional(argv, 'against'), ...optional(argv, 'inputs'), ...optional(argv, 'threshold'), open: argv['open'] === true, json: argv['json'] === true }, terminal);
}

async function packageRun(argv: Argv, terminal: Terminal): Promise<number> {
  const { packageCommand } = await import('./commands/package.js');
  return packageCommand(text(argv, 'out'), text(argv, 'for') as PackageKind, text(argv, 'dir'), terminal);
}

async function ciRun(argv: Argv, terminal: Terminal): Promise<number> {
  const { ciCommand, ciInitCommand } = await import('./commands/ci.js');
  if (argv['init'] !== undefined) return ciInitCommand(text(argv, 'out'), text(argv, 'init'), terminal);
  if (argv['baseline'] === undefined) throw new CompileError('config', { code: 'usage', where: ['--baseline'], what: 'is missing: ci compares with a report.json of before.', mend: 'Keep one that is good: cp OUT/report.json baseline.json. Or write CI files: compile-model ci OUT --init .' });
  return ciCommand({
    out: text(argv, 'out'), baseline: text(argv, 'baseline'), maxAreaGrowth: text(argv, 'max-area-growth'), maxAccuracyDrop: text(argv, 'max-accuracy-drop'),
    ...optional(argv, 'junit'), ...optional(argv, 'summary'), ...optional(argv, 'allow'), ...optional(argv, 'inputs'), ...optional(argv, 'expect'),
    seed: wholeNumber(argv, 'seed', 0), jobs: wholeNumber(argv, 'jobs', 1),
  }, terminal);
}

async function sweepRun(argv: Argv, terminal: Terminal): Promise<number> {
  const { sweepCommand } = await import('./commands/sweep.js');
  const jobs = argv['jobs'] === undefined ? {} : { jobs: wholeNumber(argv, 'jobs', 1) };
  const { model: _, ...options } = argv;
  return sweepCommand({ model: text(argv, 'model'), argv: options, cluster: argv['cluster'] !== undefined, ...jobs, ...optional(argv, 'out'), clusterWords: String(argv['cluster-options'] ?? '').split(/\s+/).filter((word) => word !== '') }, terminal);
}

async function completionRun(argv: Argv): Promise<number> {
  const { completionScript, SHELLS } = await import('./completion.js');
  const shell = SHELLS.find((name) => name === argv['shell']);
  if (shell === undefined) throw new CompileError('config', { code: 'bad-option', where: ['SHELL'], what: `'${text(argv, 'shell')}' ${listed(SHELLS)}.` });
  process.stdout.write(completionScript(shell));
  return 0;
}

async function doctorRun(_argv: Argv, terminal: Terminal): Promise<number> {
  const { doctorCommand } = await import('./commands/doctor.js');
  return doctorCommand(terminal);
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
