import { availableParallelism } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { isScalar, isSeq } from 'yaml';
import { ConfigText } from '../io/configText.js';
import type { Problem } from '../errors.js';
import { CompileError, didYouMean } from '../errors.js';
import { OPTION_SCHEMAS } from './optionSchemas.js';
import type { OptionName } from './optionTable.js';
import { OPTION_NAMES, optionOf, TARGETS } from './optionTable.js';
import type { CompileRequest } from '../compile/request.js';
import { kebab, unknownOptions } from './unknownOptions.js';
import type { Clock } from './units.js';
import { parseClock, parseLatency, toFloat } from './units.js';

/** The options of one compilation, checked; file contents are not read yet. */
export interface CompileOptions {
  readonly model: string;
  readonly out?: string;
  readonly clock: Clock;
  readonly clockMHz: number;
  readonly latency: { readonly mode: 'shortest' } | { readonly mode: 'atMost' | 'exactly'; readonly cycles: number };
  /** The budget as stated, with its size in ns. */
  readonly statedLatency?: { readonly text: string; readonly ns: number };
  readonly part: string;
  readonly inputType?: string;
  readonly precision?: string;
  readonly ioSchema?: string;
  readonly data?: string;
  readonly labels?: string;
  readonly metric?: NonNullable<CompileRequest['metric']>;
  readonly maxLoss?: number;
  readonly vectors?: string;
  readonly scoreType?: string;
  readonly weights?: string;
  readonly head?: string;
  readonly missing?: 'none' | 'flag' | 'code';
  readonly targets: readonly string[];
  readonly effort: 'fast' | 'normal' | 'best';
  readonly maxLut?: number;
  readonly primitives?: 'xilinx';
  readonly verify: 'auto' | 'none' | 'emulator' | 'verilator';
  readonly name?: string;
  readonly modelVersion: number;
  readonly seed: number;
  readonly jobs: number;
  readonly synth: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  readonly dumpAfter?: string;
}

/** One option as it was given, and where. */
interface Given {
  readonly value: unknown;
  readonly where: readonly string[];
}

/** Options of a file (`compile-model ./conf.yaml`) before they are checked. */
export interface OptionFile {
  readonly model?: string;
  readonly options: ReadonlyMap<OptionName, Given>;
}

type Parsed = { readonly [Name in OptionName]?: string | number | boolean };

/**
 * All options from the parsed command line and, if there is one, the option file; the command line wins.
 *
 * @param argv what yargs gives (kebab-case keys; its camelCase copies are ignored)
 * @param model MODEL of the command line, absent where the option file names it
 * @throws CompileError: `config` with every option that is unknown or wrong, else `unsupported` with every one that
 * belongs to a later release
 */
export async function readOptions(argv: Readonly<Record<string, unknown>>, model: string | undefined, file?: OptionFile): Promise<CompileOptions> {
  const problems: Problem[] = unknownOptions(argv, OPTION_NAMES);
  const given = new Map<OptionName, Given>(file?.options ?? []);
  for (const name of OPTION_NAMES) {
    const value = argv[name];
    if (value !== undefined) given.set(name, { value, where: [`--${name}`] });
  }
  const unsupported: Problem[] = [];
  const parsed: { -readonly [Name in OptionName]?: string | number | boolean } = {};
  for (const [name, option] of given) {
    const value = check(name, option, problems);
    if (value === undefined) continue;
    parsed[name] = value;
    const works = optionOf(name).unsupported?.(value);
    if (works !== undefined) unsupported.push({ code: 'unsupported-option', where: option.where, what: `${String(value)}: ${works}.` });
  }
  const named = model ?? file?.model;
  if (named === undefined) problems.push({ code: 'no-model', where: ['MODEL'], what: 'no model is given.', mend: 'Write compile-model MODEL, or model: in the option file.' });
  for (const name of ['labels', 'metric', 'max-loss'] as const) {
    if (given.has(name) && !given.has('data')) problems.push({ code: 'option-alone', where: [`--${name}`], what: 'says nothing without events.', mend: 'Pass --data X.npy too.' });
  }
  const times = await readTimes(parsed, given, problems);
  if (problems.length > 0) throw new CompileError('config', problems);
  if (unsupported.length > 0) throw new CompileError('unsupported', unsupported);
  return assemble(named as string, parsed, times);
}

/** The value in its type, or undefined with a problem. */
function check(name: OptionName, { value, where }: Given, problems: Problem[]): string | number | boolean | undefined {
  const wrong = (what: string): undefined => {
    problems.push({ code: 'bad-option', where, what });
    return undefined;
  };
  if (Array.isArray(value) && name !== 'target') return wrong(`is given ${value.length} times; give it once.`);
  const result = OPTION_SCHEMAS[name].safeParse(value);
  if (result.success) return result.data;
  const shown = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? `'${String(value)}' ` : '';
  return wrong(`${shown}${messageOf(result.error.issues)}.`);
}

interface Issue {
  readonly message: string;
  readonly errors?: readonly (readonly Issue[])[];
}

/** The last, most exact message of a failed check: a union's own says nothing. */
function messageOf(issues: readonly unknown[]): string {
  const issue = issues[0] as Issue | undefined;
  if (issue === undefined) return 'is not allowed';
  const nested = issue.errors?.flatMap((branch) => branch.map((inner) => inner.message)) ?? [];
  return nested.find((message) => message.startsWith('must') || message.startsWith('needs')) ?? (issue.message.startsWith('Invalid') ? 'is not a value this option takes' : issue.message);
}

interface Times {
  readonly clock: Clock;
  readonly latency: CompileOptions['latency'];
  readonly stated?: NonNullable<CompileOptions['statedLatency']>;
}

async function readTimes(parsed: Parsed, given: ReadonlyMap<OptionName, Given>, problems: Problem[]): Promise<Times> {
  const attempt = async <T>(name: OptionName, fallback: T, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      const where = given.get(name)?.where;
      problems.push(...error.problems.map((problem) => (where === undefined ? problem : { ...problem, where })));
      return fallback;
    }
  };
  const usual = await parseClock('320MHz');
  const clock = await attempt('clock', usual, () => parseClock(String(parsed.clock ?? '320MHz')));
  const text = parsed.latency;
  if (text === undefined) return { clock, latency: { mode: 'shortest' } };
  const latency = await attempt('latency', undefined, () => parseLatency(String(text), clock));
  if (latency === undefined) return { clock, latency: { mode: 'shortest' } };
  const { cycles, locked, budgetNs } = latency;
  return { clock, latency: { mode: locked ? 'exactly' : 'atMost', cycles }, stated: { text: String(text), ns: toFloat(budgetNs) } };
}

function assemble(model: string, parsed: Parsed, { clock, latency, stated }: Times): CompileOptions {
  const text = (name: OptionName): string | undefined => (parsed[name] === undefined ? undefined : String(parsed[name]));
  const targets = (text('target') ?? 'all').split(',');
  return {
    model,
    clock,
    clockMHz: toFloat(clock.frequencyMHz),
    latency,
    part: text('part') ?? 'xcvu13p',
    targets: TARGETS.filter((name) => targets.includes('all') || targets.includes(name)),
    verify: (text('verify') ?? 'auto') as CompileOptions['verify'],
    effort: (text('effort') ?? 'normal') as CompileOptions['effort'],
    modelVersion: Number(parsed['model-version'] ?? 1),
    seed: Number(parsed.seed ?? 1),
    jobs: Number(parsed.jobs ?? availableParallelism()),
    synth: parsed.synth === true,
    quiet: parsed.quiet === true,
    json: parsed.json === true,
    ...present({
      out: text('out'), inputType: text('input-type'), precision: text('precision'), ioSchema: text('io-schema'), data: text('data'), labels: text('labels'), metric: text('metric') as CompileOptions['metric'], maxLoss: parsed['max-loss'] === undefined ? undefined : Number(parsed['max-loss']), vectors: text('vectors'),
      scoreType: text('score-type'), weights: text('weights'), head: text('head'), missing: text('missing') as CompileOptions['missing'], name: text('name'), dumpAfter: text('dump-after'), statedLatency: stated,
      primitives: parsed.primitives === 'xilinx' ? 'xilinx' as const : undefined,
      maxLut: parsed['max-lut'] === undefined ? undefined : Number(parsed['max-lut']),
    }),
  };
}

type Present<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** The entries that are not undefined. */
function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}

/** Whether a file is an option file: YAML by its extension, or JSON or YAML text with a top-level `model:` that is text. */
export function isOptionFile(path: string, text: string): boolean {
  if (/\.ya?ml$/i.test(path)) return true;
  if (!/\.json$/i.test(path) || text.length > 1 << 20) return false;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'model' in value && typeof value.model === 'string';
  } catch {
    return false;
  }
}

/**
 * Reads an option file: `model:` and options by their names (`input-type` or `inputType`); paths are relative to it.
 *
 * @throws CompileError (`config`): no mapping, unknown keys, values that are no scalars; all with their lines
 */
export function readOptionFile(path: string, text: string): OptionFile {
  const source = new ConfigText(path, text);
  const root = source.root();
  const options = new Map<OptionName, Given>();
  let model: string | undefined;
  for (const entry of root === undefined ? [] : (source.entries(root, []) ?? [])) {
    const key = kebab(entry.key);
    const name = OPTION_NAMES.find((known) => known === key);
    const scalar = isSeq(entry.value) && name === 'target' ? listOf(entry.value.items) : source.scalar(entry.value);
    if (key !== 'model' && name === undefined) {
      source.problem(entry.keyNode, [], 'unknown-option', `unknown option '${entry.key}'.`, didYouMean(key, ['model', ...OPTION_NAMES]));
    } else if (scalar === undefined || scalar === null) {
      source.problem(entry.keyNode, [entry.key], 'bad-option', 'needs one value.');
    } else if (name === undefined) {
      model = beside(path, String(scalar));
    } else if (options.has(name)) {
      source.problem(entry.keyNode, [entry.key], 'bad-option', 'is given twice.');
    } else {
      const value = optionOf(name).path === true ? beside(path, String(scalar)) : scalar;
      options.set(name, { value, where: [`${path}:${source.lineOf(entry.keyNode)}`, name] });
    }
  }
  if (source.problems.length > 0) throw new CompileError('config', source.problems);
  return model === undefined ? { options } : { model, options };
}

function listOf(items: readonly unknown[]): string {
  return items.map((item) => (isScalar(item) ? String(item.value) : '?')).join(',');
}

function beside(file: string, path: string): string {
  return path === '' || isAbsolute(path) ? path : join(dirname(file), path);
}
