import type { Problem } from '../errors.js';
import { CompileError, didYouMean } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { parseFixedType, typeOfInterval } from '../fixed/fixedType.js';
import { bitLength, dyadicOf } from '../fixed/integer.js';
import type { EmbeddingParams } from '../layers/embedding.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import type { GraphInput, ModelGraph } from '../model/graph.js';
import { wireOfModel } from './modelWires.js';
import { missingCode } from './missing.js';
import { intervalOfValues } from './typeFacts.js';
import type { WireType } from './wire.js';
import { quantiseInput, withInputTypes } from './wire.js';

/** Where input types may come from, besides the model. */
export interface InputTypeSources {
  /** The text of `--input-type`: one type for all, or `name=type,…`. */
  readonly inputType?: string;
  /** Events of `--data` by input name. */
  readonly data?: ReadonlyMap<string, ArrayLike<number>>;
  /** A type from data must leave its value for missing ones (`missingCode`) free. */
  readonly reserveCode?: boolean;
  /** Inputs that nothing types are left without: a search will type them. */
  readonly leaveOpen?: boolean;
}

/** The most bits that the exact grid of data may need to become a wire's type. */
export const MAX_DATA_BITS = 16;

/**
 * Gives every graph input a wire type: from `--input-type`, else what it has already (a precision file, a typed model),
 * else the model's own quantiser on it, else the exact grid of the data.
 *
 * A type from `--input-type` over one that the input has already keeps both: the wire gets the new one and a cast to the
 * old one follows. May therefore run before or after `applyPrecision`.
 *
 * @throws CompileError (`config`): text that is no type, unknown names, inputs without any type; all at once
 */
export function applyInputTypes(graph: ModelGraph, sources: InputTypeSources, catalogue: Pick<LayerCatalogue, 'structural' | 'evaluate'>): ModelGraph {
  const problems: Problem[] = [];
  const given = sources.inputType === undefined ? new Map<string, FixedType>() : readInputTypes(graph, sources.inputType, problems);
  const types = new Map<string, WireType>();
  const untyped: GraphInput[] = [];
  let result = graph;
  for (const input of graph.inputs) {
    const explicit = given.get(input.name);
    const wire = wireOf(explicit) ?? ownWire(input) ?? wireOfModel(graph, input, catalogue) ?? wireOf(gridOfData(sources.data?.get(input.name) ?? [], sources.reserveCode));
    if (wire === undefined) untyped.push(input);
    else types.set(input.name, wire);
    // Types an element are those of the model's quantisers, which are still behind them.
    if (explicit !== undefined && input.type !== undefined && input.elementTypes === undefined) result = quantiseInput(result, { ...input, type: explicit }, input.type);
  }
  if (problems.length === 0 && sources.leaveOpen !== true) problems.push(...untyped.map((input) => untypedProblem(graph, input, sources.data?.get(input.name))));
  if (problems.length > 0) throw new CompileError('config', problems);
  return withInputTypes(result, types);
}

function wireOf(type: FixedType | undefined): WireType | undefined {
  return type === undefined ? undefined : { type };
}

function ownWire({ type, elementTypes }: GraphInput): WireType | undefined {
  return type === undefined ? undefined : { type, ...(elementTypes === undefined ? {} : { elementTypes }) };
}

function untypedProblem(graph: ModelGraph, input: GraphInput, data: ArrayLike<number> | undefined): Problem {
  const example = exampleType(graph, input);
  const option = graph.inputs.length === 1 ? `--input-type '${example}'` : `--input-type '${input.name}=${example},…'`;
  return {
    code: 'input-without-type',
    where: [graph.name, input.name],
    what: `nothing says which fixed-point type this input [${input.shape.slice(1).join(', ')}] has: the model has no quantiser on it${dataFailure(data)}.`,
    mend: `Pass ${option} with the type of your wires, or --precision FILE.`,
  };
}

/** Why the data do not give a type. */
function dataFailure(data: ArrayLike<number> | undefined): string {
  if (data === undefined) return '';
  return data.length === 0 ? ', and --data holds no events' : `, and the values in --data need more than ${MAX_DATA_BITS} bits to be held exactly`;
}

/** A type that could fit: the indices of an embedding's table, else hls4ml's usual one. */
function exampleType(graph: ModelGraph, input: GraphInput): string {
  const table = graph.nodes.find((node) => node.kind === 'embedding' && node.inputs[0] === input.name);
  if (table === undefined) return input.integer === true ? 'ap_ufixed<8,8>' : 'ap_fixed<16,6>';
  const rows = (table.params as EmbeddingParams).table.shape[0] ?? 1;
  const bits = Math.max(1, bitLength(rows - 1));
  return `ap_ufixed<${bits},${bits}>`;
}

/** The text of `--input-type` for this graph; a part without a name types what the others leave. */
function readInputTypes(graph: ModelGraph, text: string, problems: Problem[]): Map<string, FixedType> {
  const names = graph.inputs.filter((input) => input.flagsOf === undefined).map((input) => input.name);
  const types = new Map<string, FixedType>();
  const wrong = (code: string, what: string, mend?: string): void => {
    problems.push({ code, where: ['--input-type'], what, ...(mend === undefined ? {} : { mend }) });
  };
  const hardware = new Set(graph.inputs.filter((input) => input.objects !== undefined).map((input) => input.name));
  const plain: string[] = [];
  for (const part of splitOutsideBrackets(text)) {
    const equals = part.lastIndexOf('=');
    const name = part.slice(0, equals).trim();
    const type = parseFixedType(part.slice(equals + 1));
    if (typeof type === 'string') wrong('bad-type', `${type}.`);
    else if (equals < 0) plain.push(part);
    else if (!names.includes(name)) wrong('unknown-input', `the model has no input '${name}'.`, didYouMean(name, names));
    else if (hardware.has(name)) wrong('hardware-input', `the wires of '${name}' have the types that the I/O schema gives its fields.`);
    else if (types.has(name)) wrong('duplicate-input', `'${name}' is typed twice.`);
    else types.set(name, type);
  }
  if (plain.length > 1) wrong('duplicate-input', `${plain.join(' and ')} are both for all inputs.`, 'Write name=type,… for one type per input.');
  const rest = plain[0] === undefined ? undefined : parseFixedType(plain[0]);
  if (rest !== undefined && hardware.size === names.length) wrong('hardware-input', 'every wire has the type that the I/O schema gives its field.', 'Leave the option out; what the model is given is `type:` of the input in the schema.');
  if (rest !== undefined && typeof rest !== 'string') for (const name of names) if (!types.has(name) && !hardware.has(name)) types.set(name, rest);
  return types;
}

/** Parts between commas, except those inside <…>. */
function splitOutsideBrackets(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '<') depth++;
    else if (text[i] === '>') depth--;
    else if (text[i] === ',' && depth <= 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim());
}

/**
 * The exact grid of the data: the smallest type that holds every value, if it needs at most 16 bits; off the grid it
 * rounds to nearest and saturates. NaN are missing values and need none. Undefined for no data, too fine a grid, or
 * infinite values.
 */
export function gridOfData(values: ArrayLike<number>, reserveCode = false): FixedType | undefined {
  if (values.length === 0) return undefined;
  let low = Infinity;
  let high = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value === 0 || Number.isNaN(value)) continue;
    if (!Number.isFinite(value)) return undefined;
    const { n, exp } = dyadicOf(value);
    low = Math.min(low, exp);
    high = Math.max(high, Math.abs(value));
    if (bitLength(n) > MAX_DATA_BITS || high >= 2 ** (low + MAX_DATA_BITS)) return undefined;
  }
  const numbers = Array.from(values).filter((value) => !Number.isNaN(value));
  const exact = typeOfInterval(intervalOfValues(numbers));
  const taken = reserveCode && numbers.includes(missingCode(exact));
  const type = taken ? { ...exact, width: exact.width + 1, integer: exact.integer + 1 } : exact;
  return type.width > MAX_DATA_BITS ? undefined : { ...type, rounding: 'RND', overflow: 'SAT' };
}
