import { z } from 'zod';
import { CompileError, didYouMean } from '../errors.js';
import { parseFixedType } from '../fixed/fixedType.js';
import { ConfigText } from './configText.js';

/**
 * The I/O schema (`--io-schema FILE`, docs/io.md): what the integers on the wires are, how they become the model's inputs
 * and its outputs the score, and how events lie on links in pattern files. Types are texts (`ap_fixed<18,13>`).
 */
const identifier = z.string().regex(/^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$/, 'must be a name of letters, digits and single underscores, a letter first').max(26).refine((name) => !name.endsWith('_t'), 'must not end in _t');
const typeText = z.string().max(100).refine((text) => typeof parseFixedType(text) !== 'string', { error: (issue) => String(parseFixedType(String(issue.input))) }).meta({ description: 'a fixed-point type, ap_fixed<W,I,Q,O>' });
/** One for all instances of an object, or one each. */
const perInstance = <T extends z.ZodType>(value: T): z.ZodUnion<[T, z.ZodArray<T>]> => z.union([value, z.array(value).min(1)]);
const finite = z.number().min(-(2 ** 52)).max(2 ** 52);
const shift = z.int().min(-64).max(64);

const field = z.strictObject({
  name: identifier,
  width: z.int().min(1).max(64).meta({ description: 'bits of the integer; or give its type' }).exactOptional(),
  signed: z.boolean().meta({ description: "two's complement" }).exactOptional(),
  type: typeText.exactOptional(),
  lsb: z.number().positive().meta({ description: 'physical value of one unit, for people and emulators' }).exactOptional(),
  unit: z.string().min(1).max(40).exactOptional(),
  offset: perInstance(finite).meta({ description: 'subtracted first' }).exactOptional(),
  shift: perInstance(shift).meta({ description: 'bits shifted right; left where negative' }).exactOptional(),
  scale: z.union([z.literal('lsb'), perInstance(finite)]).meta({ description: 'factor behind the shift; lsb: to physical units' }).exactOptional(),
});
const object = <F extends z.ZodType>(fields: F) => z.strictObject({ name: identifier, count: z.int().min(1).max(65_536).exactOptional(), fields: z.array(fields).min(1) });
const input = z.strictObject({
  arithmetic: typeText.meta({ description: 'what differences and shifts are made in, each cast to it; exact where absent' }).exactOptional(),
  type: typeText.meta({ description: 'what the model is given' }).exactOptional(),
  objects: z.array(object(field)).min(1),
});

const typed = { type: typeText.exactOptional() };
const by = perInstance(finite);
const step = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('subtract'), by, ...typed }),
  z.strictObject({ do: z.literal('multiply'), by, ...typed }),
  z.strictObject({ do: z.literal('shift'), by: perInstance(shift), ...typed }),
  z.strictObject({ do: z.literal('square'), ...typed }),
  z.strictObject({ do: z.literal('sum'), ...typed }),
  z.strictObject({ do: z.literal('cast'), type: typeText }),
]);
const outputField = z.strictObject({ name: identifier, lsb: field.shape.lsb, unit: field.shape.unit });
const output = z.strictObject({
  from: z.string().min(1).max(4096).meta({ description: 'the output of the model; its own name where absent' }).exactOptional(),
  steps: z.array(step).max(32).exactOptional(),
  objects: z.array(object(outputField)).min(1).exactOptional(),
});

const links = z.strictObject({
  links: z.array(z.int().min(0).max(9999)).min(1).max(4096).exactOptional(),
  frames: z.int().min(1).max(65_536).meta({ description: 'that an event takes on every link' }).exactOptional(),
  interval: z.int().min(1).max(65_536).meta({ description: 'frames from the beginning of an event to that of the next' }).exactOptional(),
  packing: z.union([z.enum(['tight', 'whole']), z.int().min(1).max(64)]).meta({ description: 'tight: bit after bit; whole: no element across two words; a number: slots of so many bits' }).exactOptional(),
  wordBits: z.literal([32, 64]).meta({ description: 'bits of a word on a link: 64, or 32 as on the MP7' }).exactOptional(),
});

export const ioSchemaSchema = z.strictObject({
  version: z.literal(1),
  inputs: z.record(z.string(), input).exactOptional(),
  outputs: z.record(z.string(), output).exactOptional(),
  patterns: z.strictObject({ inputs: links.exactOptional(), outputs: links.exactOptional() }).exactOptional(),
});

export type IoSchema = z.infer<typeof ioSchemaSchema>;
export type IoInput = z.infer<typeof input>;
export type IoOutput = z.infer<typeof output>;
export type IoStep = z.infer<typeof step>;
export type IoObject = IoInput['objects'][number];
export type IoLinks = z.infer<typeof links>;

type Path = readonly (string | number)[];

/** A schema with the lines it was read from: what does not fit the model is told at its line. */
export interface IoSchemaText {
  readonly schema: IoSchema;
  readonly problem: (path: Path, code: string, what: string, mend?: string) => void;
  /** Throws all problems that were told, if any. */
  readonly check: () => void;
}

/**
 * Reads an I/O schema from YAML or JSON.
 *
 * @throws CompileError (`config`): whatever is wrong with it, all at once, each with its line
 */
export function readIoSchema(text: string, file: string): IoSchemaText {
  const source = new ConfigText(file, text);
  const check = (): void => {
    if (source.problems.length > 0) throw new CompileError('config', source.problems);
  };
  const root = source.root();
  check();
  const problem = (path: Path, code: string, what: string, mend?: string): void => source.problem(source.nodeAt(path), path.map(String), code, what, mend);
  const parsed = ioSchemaSchema.safeParse(root === undefined ? {} : source.plain());
  if (!parsed.success) {
    for (const issue of parsed.error.issues.slice(0, 20)) tell(issue, [], problem);
    check();
  }
  const schema = parsed.data as IoSchema;
  for (const [name, { objects }] of Object.entries(schema.inputs ?? {})) checkObjects(objects, ['inputs', name, 'objects'], problem);
  for (const [name, { objects }] of Object.entries(schema.outputs ?? {})) checkObjects(objects ?? [], ['outputs', name, 'objects'], problem);
  for (const side of ['inputs', 'outputs'] as const) checkLinks(schema.patterns?.[side], ['patterns', side], problem);
  check();
  return { schema, problem, check };
}

/** One issue of zod in our words, at its place. */
function tell(issue: z.core.$ZodIssue, above: Path, problem: IoSchemaText['problem']): void {
  const path = [...above, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))];
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) problem([...path, key], 'unknown-field', `there is no field '${key}' here.`, didYouMean(key, knownKeys(path)));
    return;
  }
  const branches = issue.code === 'invalid_union' ? issue.errors.filter((branch) => branch.length > 0) : [];
  // The branch that goes deepest is the one that was meant.
  const meant = branches.toSorted((a, b) => (b[0]?.path.length ?? 0) - (a[0]?.path.length ?? 0))[0]?.[0];
  if (meant !== undefined) return tell(meant, path, problem);
  problem(path, 'bad-field', `${issue.message.replace(/\.$/, '')}.`);
}

/** The fields that a mapping at this path may have. */
function knownKeys(path: Path): string[] {
  const inner: Readonly<Record<string, readonly string[]>> = {
    fields: Object.keys((path[0] === 'outputs' ? outputField : field).shape),
    objects: ['name', 'count', 'fields'],
    steps: ['do', 'by', 'type'],
  };
  const list = path.findLast((key) => typeof key === 'string' && Object.hasOwn(inner, key));
  if (typeof list === 'string' && path.at(-1) !== list) return [...(inner[list] as readonly string[])];
  if (path.length === 2) return Object.keys((path[0] === 'inputs' ? input : path[0] === 'outputs' ? output : links).shape);
  return path[0] === 'patterns' ? ['inputs', 'outputs'] : Object.keys(ioSchemaSchema.shape);
}

interface AnyObject {
  readonly name: string;
  readonly count?: number;
  readonly fields: readonly (IoObject['fields'][number])[];
}

function checkObjects(objects: readonly AnyObject[], path: Path, problem: IoSchemaText['problem']): void {
  const names = new Set<string>();
  const elements = new Set<string>();
  objects.forEach(({ name, count, fields }, o) => {
    const made = new Set(Array.from({ length: count ?? 1 }, (_, k) => fields.map((entry) => `${name}_${count === undefined ? '' : `${k}_`}${entry.name}`.toLowerCase())).flat());
    const twice = [...made].find((element) => elements.has(element));
    for (const element of made) elements.add(element);
    if (twice !== undefined && !names.has(name.toLowerCase())) problem([...path, o, 'name'], 'duplicate-element', `'${twice}' would be the name of two elements.`);
    if (names.has(name.toLowerCase())) problem([...path, o, 'name'], 'duplicate-object', `'${name}' is the name of two objects.`);
    names.add(name.toLowerCase());
    const own = new Set<string>();
    fields.forEach((entry, f) => {
      const at = [...path, o, 'fields', f];
      if (own.has(entry.name.toLowerCase())) problem([...at, 'name'], 'duplicate-field', `'${entry.name}' is the name of two fields of ${name}.`);
      own.add(entry.name.toLowerCase());
      if (path[0] === 'inputs') checkField(entry, count ?? 1, at, problem);
    });
  });
}

function checkField(entry: IoObject['fields'][number], count: number, at: Path, problem: IoSchemaText['problem']): void {
  if ((entry.width === undefined) === (entry.type === undefined)) problem(at, 'field-width', entry.width === undefined ? 'has neither width nor type.' : 'has both width and type.', 'Give width: bits (and signed: true), or type: ap_fixed<…>.');
  if (entry.type !== undefined && entry.signed !== undefined) problem([...at, 'signed'], 'field-width', 'a field with a type says there whether it is signed.');
  if (entry.scale === 'lsb' && entry.lsb === undefined) problem([...at, 'scale'], 'field-scale', 'the field has no lsb to be scaled by.');
  for (const key of ['offset', 'shift', 'scale'] as const) {
    const value = entry[key];
    if (Array.isArray(value) && value.length !== count) problem([...at, key], 'field-count', `has ${value.length} values for ${count} ${count === 1 ? 'object' : 'objects'}.`);
  }
}

function checkLinks(sides: IoLinks | undefined, path: Path, problem: IoSchemaText['problem']): void {
  if (sides === undefined) return;
  if (sides.links !== undefined && new Set(sides.links).size !== sides.links.length) problem([...path, 'links'], 'duplicate-link', 'names a link twice.');
  if (sides.interval !== undefined && sides.interval < (sides.frames ?? 1)) problem([...path, 'interval'], 'pattern-interval', `is less than the ${sides.frames ?? 1} frames of an event.`);
}
