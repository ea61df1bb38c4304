import type { FixedType } from '../../fixed/fixedType.js';
import { parseFixedType } from '../../fixed/fixedType.js';

/** One `nnet::…` call of the top function. */
export interface Call {
  /** `dense`, `relu`, `conv_2d_cl`, … */
  readonly name: string;
  /** Template arguments as written. */
  readonly types: readonly string[];
  readonly args: readonly string[];
  /** The layer's name, which hls4ml writes behind the call. */
  readonly layer: string;
}

/** `auto& layer5_out = layer4_out;`: a reshape that moves nothing. */
export interface Alias {
  readonly name: string;
  readonly of: string;
}

/** A parameter of the top function: an array or a stream. */
export interface Variable {
  readonly name: string;
  readonly type: string;
  /** As written; empty for streams. */
  readonly dimensions: readonly string[];
}

export interface TopFunction {
  readonly name: string;
  readonly parameters: readonly Variable[];
  readonly steps: readonly (Call | Alias)[];
}

/** A `struct configN { … }`: constants and types by name, as written. */
export interface Config {
  readonly fields: ReadonlyMap<string, string>;
  readonly types: ReadonlyMap<string, string>;
}

/** `#define`s, `typedef`s and structs of hls4ml's generated headers. */
export class Definitions {
  private readonly numbers = new Map<string, string>();
  private readonly typedefs = new Map<string, string>();
  private readonly configs = new Map<string, Config>();
  private readonly arrays = new Map<string, string>();

  /** Reads one header; later ones add to it. */
  read(text: string): void {
    const plain = withoutComments(text);
    for (const [, name, value] of plain.matchAll(/^[ \t]*#define[ \t]+(\w+)[ \t]+(\S[^\n]*)$/gm)) this.numbers.set(name as string, (value as string).trim());
    for (const [, name, body] of plain.matchAll(/\bstruct\s+(\w+)[^{};]*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}\s*;/g)) this.configs.set(name as string, configOf(body as string));
    const outside = plain.replace(/\bstruct\s+\w+[^{};]*\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}\s*;/g, '');
    for (const [, type, name] of outside.matchAll(/\btypedef\s+([^;]+?)\s+(\w+)\s*;/g)) this.typedefs.set(name as string, type as string);
    for (const [, name, values] of outside.matchAll(/\b(\w+)\s*\[[^\]]*\]\s*=\s*\{([^{}]*)\}/g)) this.arrays.set(name as string, values as string);
    for (const [, config, field, value] of outside.matchAll(/\b(\w+)::(\w+)\s*=\s*([^;]+);/g)) {
      const known = this.configs.get(config as string);
      if (known !== undefined) this.configs.set(config as string, { ...known, fields: new Map(known.fields).set(field as string, (value as string).trim()) });
    }
  }

  config(name: string): Config | undefined {
    return this.configs.get(name);
  }

  /** The values of an array of numbers: `unsigned config3_perm[3] = {2, 0, 1}`. */
  array(name: string): readonly number[] | undefined {
    return this.arrays.get(name)?.split(',').map((item) => Number(item.trim()));
  }

  /** The value of a whole-number expression: literals, `#define`s, constants of `config`, + − * / ( ) and DIV_ROUNDUP. */
  number(text: string, config?: Config, depth = 0): number | undefined {
    if (depth > MAX_DEPTH) return undefined;
    const reader = new Expression(text, (name) => {
      const own = config?.fields.get(name) ?? this.numbers.get(name);
      return own === undefined ? undefined : this.number(own, config, depth + 1);
    });
    return reader.value();
  }

  /** The fixed-point type behind a name or text; of `nnet::array<T, n>` the T. Undefined where it is none. */
  type(text: string, depth = 0): FixedType | undefined {
    if (depth > MAX_DEPTH) return undefined;
    const plain = text.replace(/\s+/g, '');
    const packed = /^nnet::array<(.+),[^<>]*>$/.exec(plain);
    if (packed !== null) return this.type(packed[1] as string, depth + 1);
    const named = this.typedefs.get(plain);
    if (named !== undefined) return this.type(named, depth + 1);
    const type = parseFixedType(plain.replace(/^ap_(u?)int</, (_, u: string) => `${u}int<`));
    return typeof type === 'string' ? undefined : type;
  }
}

/** Longest chain of names that are names of one another. */
const MAX_DEPTH = 40;

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/\/\/[^\n]*/g, '');
}

function configOf(body: string): Config {
  const fields = new Map<string, string>();
  const types = new Map<string, string>();
  for (const [, name, value] of body.matchAll(/\bstatic\s+(?:const|constexpr)\s+[\w:<>,]+\s+(\w+)\s*=\s*([^;]+);/g)) fields.set(name as string, (value as string).trim());
  for (const [, type, name] of body.matchAll(/\btypedef\s+([^;]+?)\s+(\w+)\s*;/g)) types.set(name as string, type as string);
  // A constant whose value stands outside, and the functions that a layer is made of.
  for (const [, type, name] of body.matchAll(/\bstatic\s+const\s+([\w:<>, ]+?)\s+(\w+)\s*;/g)) types.set(name as string, type as string);
  for (const [, name, value] of body.matchAll(/\busing\s+(\w+)\s*=\s*([^;]+);/g)) fields.set(name as string, (value as string).trim());
  return { fields, types };
}

/** The top function of a project, or undefined where the text has none. */
export function readTopFunction(text: string, name: string): TopFunction | undefined {
  const start = new RegExp(`\\bvoid\\s+${name.replace(/\W/g, '')}\\s*\\(([^{}]*?)\\)\\s*\\{`).exec(text);
  if (start === null) return undefined;
  const body = text.slice(start.index + start[0].length);
  const parameters = splitList(withoutComments(start[1] as string)).map(variableOf).filter((variable) => variable !== undefined);
  const steps: (Call | Alias)[] = [];
  for (const line of statements(body)) {
    const call = /^(?:nnet::|\w+::)?(\w+)<(.*)>\s*\(([^()]*)\)\s*;\s*(?:\/\/\s*(.*))?$/.exec(line);
    const alias = /^auto\s*&\s*(\w+)\s*=\s*(\w+)\s*;/.exec(line);
    if (call !== null && line.startsWith('nnet::') && !IGNORED.test(call[1] as string)) {
      steps.push({ name: call[1] as string, types: splitList(call[2] as string), args: splitList(call[3] as string), layer: (call[4] ?? '').trim() });
    } else if (alias !== null) {
      steps.push({ name: alias[1] as string, of: alias[2] as string });
    }
  }
  return { name, parameters, steps };
}

/** Loading of weights and tracing of outputs compute nothing. */
const IGNORED = /^(load_weights_from_txt|load_compressed_weights_from_txt|load_exponent_weights_from_txt|save_layer_output|fill_zero)$/;

/** One statement a line, its trailing comment kept: a call may be written over several lines. */
function statements(body: string): string[] {
  const lines: string[] = [];
  let open = '';
  for (const raw of body.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || (line.startsWith('//') && open === '')) continue;
    open = open === '' ? line : `${open} ${line}`;
    if (/;\s*(\/\/.*)?$/.test(open) || /[{}]\s*$/.test(open)) {
      lines.push(open);
      open = '';
    }
  }
  return lines;
}

/** `input_t x[4*5]`, `hls::stream<input_t> &x`, `result_t y[N_LAYER_2]`. */
function variableOf(text: string): Variable | undefined {
  const stream = /^(?:static\s+)?hls::stream<(.+)>\s*&?\s*(\w+)/.exec(text.trim());
  if (stream !== null) return { name: stream[2] as string, type: stream[1] as string, dimensions: [] };
  const array = /^(?:const\s+)?([\w:]+(?:<[^<>]*(?:<[^<>]*>[^<>]*)*>)?)\s+(\w+)((?:\s*\[[^\]]*\])+)$/.exec(text.trim());
  if (array === null) return undefined;
  return { name: array[2] as string, type: array[1] as string, dimensions: [...(array[3] as string).matchAll(/\[([^\]]*)\]/g)].map((match) => match[1] as string) };
}

/** Parts between commas outside of brackets. */
function splitList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c === '<' || c === '(' || c === '{') depth++;
    else if (c === '>' || c === ')' || c === '}') depth--;
    else if ((c === ',' && depth === 0) || i === text.length) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  return parts.filter((part) => part !== '');
}

/** Recursive descent over a whole-number expression; undefined for anything else. */
class Expression {
  private at = 0;
  private readonly tokens: readonly string[];
  private nesting = 0;

  constructor(
    text: string,
    private readonly lookUp: (name: string) => number | undefined,
  ) {
    this.tokens = text.match(/\d+|\w+|[-+*/(),]|\S/g) ?? [];
  }

  value(): number | undefined {
    const value = this.sum();
    return this.at === this.tokens.length && value !== undefined && Number.isFinite(value) ? value : undefined;
  }

  private sum(): number | undefined {
    if (++this.nesting > MAX_DEPTH) return undefined;
    let value = this.product();
    while (value !== undefined && (this.tokens[this.at] === '+' || this.tokens[this.at] === '-')) {
      const sign = this.tokens[this.at++] === '+' ? 1 : -1;
      const other = this.product();
      value = other === undefined ? undefined : value + sign * other;
    }
    this.nesting--;
    return value;
  }

  private product(): number | undefined {
    let value = this.factor();
    while (value !== undefined && (this.tokens[this.at] === '*' || this.tokens[this.at] === '/')) {
      const multiplies = this.tokens[this.at++] === '*';
      const other = this.factor();
      value = other === undefined ? undefined : multiplies ? value * other : Math.trunc(value / other);
    }
    return value;
  }

  private factor(): number | undefined {
    const token = this.tokens[this.at++];
    if (token === undefined) return undefined;
    if (token === '-') {
      const value = this.factor();
      return value === undefined ? undefined : -value;
    }
    if (token === '(') {
      const value = this.sum();
      return this.tokens[this.at++] === ')' ? value : undefined;
    }
    if (token === 'DIV_ROUNDUP' && this.tokens[this.at] === '(') {
      this.at++;
      const a = this.sum();
      const comma = this.tokens[this.at++];
      const b = this.sum();
      return comma === ',' && this.tokens[this.at++] === ')' && a !== undefined && b !== undefined ? Math.ceil(a / b) : undefined;
    }
    if (/^\d+$/.test(token)) return Number(token);
    return /^[A-Za-z_]\w*$/.test(token) ? this.lookUp(token) : undefined;
  }
}
