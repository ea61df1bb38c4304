import type { Problem } from '../errors.js';
import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { parseFixedType, rangeOf } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { widthOf } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import type { Circuit, OpKind, Origin, OutputPort, Port, Table } from './circuit.js';
import { Op, OP_NAMES, OPERAND_COUNT, typeOfElement } from './circuit.js';
import { inferOp } from './infer.js';
import { circuitProblems, frameProblems, MAX_EXPONENT, MAX_OP_WIDTH, operandProblem, sourceOf } from './verify.js';

/** The version in the first line of the text form. */
export const CIRCUIT_TEXT_VERSION = 1;

const KINDS: ReadonlyMap<string, OpKind> = new Map(OP_NAMES.map((name, kind) => [name, kind as OpKind]));

/**
 * Reads what `circuitToText` writes and verifies it.
 *
 * @throws CompileError of kind `input` for anything else, with the line and what is wrong in it.
 */
export function circuitFromText(text: string): Circuit {
  const circuit = new CircuitReader(text).read();
  const problems = circuitProblems(circuit);
  if (problems.length > 0) throw new CompileError('input', problems);
  return circuit;
}

type Growing<T> = { -readonly [K in keyof T]: T[K] };

class CircuitReader {
  private readonly lines: readonly string[];
  private at = 0;
  private readonly origins: Origin[] = [];
  private readonly types: FixedType[] = [];
  private readonly tables: Table[] = [];
  private readonly inputs: Port[] = [];
  private readonly outputs: OutputPort[] = [];
  private readonly wide = new Map<number, { lo: Int; hi: Int }>();

  constructor(text: string) {
    this.lines = text.split('\n');
  }

  read(): Circuit {
    const version = this.take('trigforge-circuit');
    if (version !== String(CIRCUIT_TEXT_VERSION)) this.fail(`version '${clip(version)}', this program reads ${CIRCUIT_TEXT_VERSION}`, this.at);
    const name = this.strings(this.take('name'), 1)[0] as string;
    while (this.isAt('origin')) {
      const [layer, kind] = this.strings(this.take('origin'), 2);
      this.origins.push({ layer: layer as string, kind: kind as string });
    }
    while (this.isAt('type')) this.types.push(this.type(this.take('type')));
    while (this.isAt('table')) this.tables.push(this.table(this.take('table')));
    while (this.isAt('input')) this.inputs.push(this.port(this.take('input')));
    const circuit = this.frame(name, this.size(this.take('ops')));
    this.check(circuit);
    this.ops(circuit);
    while (this.isAt('output')) this.outputs.push(this.output(this.take('output')));
    if (this.lines[this.at] !== 'end') this.fail(`expected 'end', found '${clip(this.lines[this.at] ?? 'the end of the file')}'`);
    return circuit;
  }

  private fail(what: string, line = this.at + 1): never {
    throw textError(line, what);
  }

  private isAt(word: string): boolean {
    return this.lines[this.at]?.startsWith(`${word} `) === true;
  }

  /** The rest of the line that starts with `word`; on to the next line. */
  private take(word: string): string {
    if (!this.isAt(word)) this.fail(`expected '${word} …', found '${clip(this.lines[this.at] ?? 'the end of the file')}'`);
    return (this.lines[this.at++] as string).slice(word.length + 1);
  }

  private strings(text: string, count: number): string[] {
    try {
      const list: unknown = JSON.parse(`[${text.replace(/^("(?:[^"\\]|\\.)*") /, '$1,')}]`);
      if (Array.isArray(list) && list.length === count && list.every((x): x is string => typeof x === 'string')) return list;
    } catch {
      // Falls through to the one message below.
    }
    return this.fail(`expected ${count} quoted text${count > 1 ? 's' : ''}, found '${clip(text)}'`, this.at);
  }

  private type(text: string): FixedType {
    const type = parseFixedType(text, MAX_EXPONENT);
    return typeof type === 'string' ? this.fail(clip(type), this.at) : type;
  }

  private table(text: string): Table {
    const [head, values] = text.split(' : ');
    const match = /^exp (-?\d{1,9}) index-exp (-?\d{1,9}) base (-?\d{1,5000})$/.exec(head ?? '');
    if (match === null || values === undefined) return this.fail(`expected 'exp E index-exp E base B : values', found '${clip(text)}'`, this.at);
    return {
      exp: Number(match[1]) + 0,
      indexExp: Number(match[2]) + 0,
      base: this.integer(match[3]),
      values: values.split(' ').map((value) => this.integer(value)),
    };
  }

  private integer(token: string | undefined): Int {
    return parseInt10(token) ?? this.fail(`'${clip(token ?? '')}' is no integer`, this.at);
  }

  /** A whole number that fits an Int32Array. */
  private small(token: string | undefined): number {
    const n = parseInt10(token);
    return typeof n === 'number' && (n | 0) === n ? n : this.fail(`'${clip(token ?? '')}' is no whole number of 32 bits`, this.at);
  }

  private port(text: string): Port {
    const match = /^("(?:[^"\\]|\\.)*") \[([\d,]*)\] (.*)$/.exec(text);
    if (match === null) return this.fail(`expected '"name" [shape] types', found '${clip(text)}'`, this.at);
    const shape = match[2] === '' ? [] : (match[2] as string).split(',').map((n) => this.small(n));
    const types = (match[3] as string).split(' ').map((type) => this.type(type));
    return { name: this.strings(match[1] as string, 1)[0] as string, shape, types };
  }

  private output(text: string): OutputPort {
    const split = text.lastIndexOf(' : ');
    if (split < 0) return this.fail(`expected '"name" [shape] types : ops', found '${clip(text)}'`, this.at);
    const ops = text.slice(split + 3).split(' ').map((token) => this.operand(token));
    return { ...this.port(text.slice(0, split)), ops: Int32Array.from(ops) };
  }

  private operand(token: string | undefined): number {
    if (token === undefined || !token.startsWith('%')) return this.fail(`expected an op like %12, found '${clip(token ?? '')}'`, this.at);
    return this.small(token.slice(1));
  }

  private size(text: string): number {
    const size = this.small(text);
    const left = this.lines.length - this.at;
    return size >= 0 && size <= left ? size : this.fail(`${size} ops, but ${left} lines are left`, this.at);
  }

  private frame(name: string, size: number): Growing<Circuit> {
    const ints = (): Int32Array => new Int32Array(size).fill(-1);
    const { wide, origins, types, tables, inputs, outputs } = this;
    return {
      name, size, kind: new Uint8Array(size), a: ints(), b: ints(), c: ints(), param: new Int32Array(size), exp: new Int32Array(size),
      lo: new Float64Array(size), hi: new Float64Array(size), wide, origin: ints(), element: ints(), origins, types, tables, inputs, outputs,
    };
  }

  private check(circuit: Circuit): void {
    const problems = frameProblems(circuit);
    if (problems.length > 0) throw new CompileError('input', problems);
  }

  private ops(circuit: Circuit): void {
    const source = sourceOf(circuit);
    for (let op = 0; op < circuit.size; op++) {
      const tokens = (this.lines[this.at++] as string).split(' ');
      const kind = KINDS.get(tokens[2] ?? '');
      if (tokens[0] !== `%${op}` || tokens[1] !== '=' || kind === undefined) this.fail(`expected '%${op} = kind …', found '${clip(tokens.join(' '))}'`, this.at);
      circuit.kind[op] = kind;
      let next = 3;
      if (kind === Op.const) {
        const n = this.integer(tokens[3]);
        this.setInterval(circuit, op, { lo: n, hi: n, exp: this.small(tokens[4]) });
        next = 5;
      } else next = this.fields(circuit, op, kind, tokens);
      const what = operandProblem(circuit, source, op);
      if (what !== undefined) this.fail(what, this.at);
      if (kind !== Op.const) {
        let interval = this.expected(circuit, op, kind, source);
        if (tokens[next] === 'in') {
          interval = { lo: this.integer(tokens[next + 1]), hi: this.integer(tokens[next + 2]), exp: this.small(tokens[next + 3]) };
          next += 4;
        }
        this.setInterval(circuit, op, interval);
      }
      if (tokens[next]?.startsWith('@') === true) this.origin(circuit, op, tokens[next++] as string);
      if (next !== tokens.length) this.fail(`'${clip(tokens.slice(next).join(' '))}' is too much`, this.at);
    }
  }

  /** Operands and parameter; the number of tokens read. */
  private fields(circuit: Circuit, op: number, kind: OpKind, tokens: readonly string[]): number {
    if (kind === Op.input) {
      circuit.a[op] = this.small(tokens[3]);
      circuit.b[op] = this.small(tokens[4]);
      return 5;
    }
    const count = OPERAND_COUNT[kind] as number;
    circuit.a[op] = this.operand(tokens[3]);
    if (count > 1) circuit.b[op] = this.operand(tokens[4]);
    if (count > 2) circuit.c[op] = this.operand(tokens[5]);
    const next = 3 + count;
    const token = tokens[next];
    if (kind === Op.cast || kind === Op.lookup) {
      const prefix = kind === Op.cast ? 't' : 'table';
      if (token?.startsWith(prefix) !== true) this.fail(`expected ${prefix}N, found '${clip(token ?? '')}'`, this.at);
      circuit.param[op] = this.small(token?.slice(prefix.length));
      return next + 1;
    }
    if (token !== '<<') return next;
    circuit.param[op] = this.small(tokens[next + 1]);
    return next + 2;
  }

  private expected(circuit: Circuit, op: number, kind: OpKind, source: ReturnType<typeof sourceOf>): Interval {
    const a = circuit.a[op] as number;
    const b = circuit.b[op] as number;
    if (kind === Op.input) return rangeOf(typeOfElement(circuit.inputs[a] as Port, b));
    return inferOp(source, kind, a, b, circuit.c[op] as number, circuit.param[op] as number);
  }

  private setInterval(circuit: Circuit, op: number, { lo, hi, exp }: Interval): void {
    // Before anybody computes with it: each squaring doubles the width.
    if (widthOf(lo, hi) > MAX_OP_WIDTH || Math.abs(exp) > MAX_EXPONENT) this.fail(`the op is ${widthOf(lo, hi)} bits wide at 2^${exp}; at most ${MAX_OP_WIDTH} bits and 2^±${MAX_EXPONENT}`, this.at);
    const isNumber = typeof lo === 'number' && typeof hi === 'number';
    circuit.lo[op] = isNumber ? lo : NaN;
    circuit.hi[op] = isNumber ? hi : NaN;
    circuit.exp[op] = exp;
    if (!isNumber) this.wide.set(op, { lo, hi });
  }

  private origin(circuit: Circuit, op: number, token: string): void {
    const match = /^@(\d{1,9})?(?::(\d{1,9}))?$/.exec(token);
    if (match === null) return this.fail(`expected @origin:element, found '${clip(token)}'`, this.at);
    if (match[1] !== undefined) circuit.origin[op] = Number(match[1]);
    if (match[2] !== undefined) circuit.element[op] = Number(match[2]);
  }
}

function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function textError(line: number, what: string): CompileError {
  const problem: Problem = { code: 'bad-circuit-text', where: [`circuit text, line ${line}`], what, mend: 'Compile the model again.' };
  return new CompileError('input', problem);
}

/** An exact integer of at most 5000 digits, or undefined. */
function parseInt10(token: string | undefined): Int | undefined {
  if (token === undefined || token.length > 5000 || !/^-?\d+$/.test(token)) return undefined;
  const near = Number(token);
  if (Number.isSafeInteger(near)) return near + 0;
  return BigInt(token);
}
