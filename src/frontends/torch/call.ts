import { CompileError } from '../../errors.js';
import type { ConstantValue, PlainAttribute, Value } from '../onnx/values.js';
import { describeValue, shapeOf } from '../onnx/values.js';
import type { Operators } from './operators.js';
import { integers, scalar } from './operators.js';

/** An argument of a call with names resolved. */
export type Argument = Value | number | boolean | string | null | readonly Argument[];

function isValue(argument: Argument | undefined): argument is Value {
  return typeof argument === 'object' && argument !== null && !Array.isArray(argument) && 'kind' in argument;
}

/** One call of an ATen operator: its arguments by name, and the operators it is made of. */
export class Call {
  constructor(
    /** `linear.default` */
    readonly target: string,
    /** The layer's name. */
    readonly name: string,
    private readonly args: ReadonlyMap<string, Argument>,
    /** Of each result, whether anything reads it. */
    private readonly read: readonly boolean[],
    readonly operators: Operators,
    private readonly fileName: string,
  ) {}

  fail(kind: 'input' | 'unsupported', code: string, what: string, mend?: string): never {
    throw new CompileError(kind, { code, where: [this.fileName, this.name], what: `${this.target}: ${what}`, ...(mend === undefined ? {} : { mend }) });
  }

  /** Whether anything reads a result. */
  reads(output: number): boolean {
    return this.read[output] === true;
  }

  has(name: string): boolean {
    return this.args.has(name) && this.args.get(name) !== null;
  }

  /** A tensor, or a number as one. */
  tensor(name: string): Value {
    return this.optional(name) ?? this.fail('input', 'missing-input', `its argument '${name}' is missing.`);
  }

  optional(name: string): Value | undefined {
    const found = this.args.get(name);
    if (found === undefined || found === null) return undefined;
    if (isValue(found)) return found;
    if (typeof found === 'number') return scalar(found);
    return this.fail('unsupported', 'argument', `its argument '${name}' is no tensor.`);
  }

  constant(name: string): ConstantValue | undefined {
    const found = this.optional(name);
    if (found === undefined || found.kind === 'constant') return found;
    return this.fail('unsupported', 'variable-parameter', `its argument '${name}' depends on the model's inputs; a constant is supported.`);
  }

  tensors(name: string): readonly (Value | undefined)[] {
    const found = this.args.get(name);
    if (!Array.isArray(found)) return this.fail('input', 'argument', `its argument '${name}' is no list of tensors.`);
    return (found as readonly Argument[]).map((item) => (isValue(item) ? item : undefined));
  }

  number(name: string, fallback?: number): number {
    const found = this.args.get(name) ?? fallback;
    if (typeof found === 'number') return found;
    if (typeof found === 'boolean') return found ? 1 : 0;
    if (isValue(found) && found.kind === 'constant' && found.data.length === 1) return found.data[0] as number;
    return this.fail('input', 'argument', `its argument '${name}' is no number.`);
  }

  integer(name: string, fallback?: number): number {
    const found = this.number(name, fallback);
    return Number.isSafeInteger(found) ? found : this.fail('input', 'argument', `its argument '${name}' is ${found}; a whole number is needed.`);
  }

  flag(name: string, fallback: boolean): boolean {
    const found = this.args.get(name) ?? fallback;
    return typeof found === 'boolean' ? found : found !== 0;
  }

  text(name: string, fallback: string): string {
    const found = this.args.get(name) ?? fallback;
    return typeof found === 'string' ? found : this.fail('input', 'argument', `its argument '${name}' is no text.`);
  }

  /** A list of numbers; a single one is a list of one. */
  list(name: string): readonly number[] | undefined {
    const found = this.args.get(name);
    if (found === undefined || found === null) return undefined;
    if (typeof found === 'number') return [found];
    if (Array.isArray(found) && found.every((n): n is number => typeof n === 'number')) return found;
    return this.fail('input', 'argument', `its argument '${name}' is no list of numbers.`);
  }

  /** As many numbers as there are axes: one is repeated, none are the fallback. */
  each(name: string, count: number, fallback: number): readonly number[] {
    const found = this.list(name) ?? [];
    if (found.length === 0) return new Array<number>(count).fill(fallback);
    return found.length === 1 ? new Array<number>(count).fill(found[0] as number) : found;
  }

  /** An axis counted from the end where negative. */
  axis(name: string, rank: number, fallback?: number): number {
    return this.normal(this.integer(name, fallback), rank);
  }

  normal(axis: number, rank: number): number {
    const normal = axis < 0 ? axis + rank : axis;
    return normal >= 0 && normal < Math.max(rank, 1) ? normal : this.fail('input', 'bad-axis', `axis ${axis} is outside a tensor of rank ${rank}.`);
  }

  rank(name: string): number {
    return shapeOf(this.tensor(name)).length;
  }

  shape(name: string): readonly number[] {
    return shapeOf(this.tensor(name));
  }

  /** An ONNX operator, its layer named like the call or, where a call needs several, with a part behind it. */
  op(op: string, inputs: readonly (Value | undefined)[], attributes: Readonly<Record<string, PlainAttribute>> = {}, part?: string): Value {
    return this.operators.one(op, inputs, attributes, part === undefined ? this.name : `${this.name}/${part}`);
  }

  ops(op: string, inputs: readonly (Value | undefined)[], attributes: Readonly<Record<string, PlainAttribute>>, outputs: number): readonly Value[] {
    return this.operators.all(op, inputs, attributes, this.name, outputs);
  }

  reshape(x: Value, shape: readonly number[], part?: string): Value {
    return this.op('Reshape', [x, integers(shape)], { allowzero: 1 }, part);
  }

  /** Where only a variable will do. */
  mustVary(x: Value): void {
    if (x.kind !== 'variable') this.fail('unsupported', 'constant-input', `its input ${describeValue(x)}.`);
  }
}

/** One ATen operator, made of ONNX operators. */
export type AtenOperator = (call: Call) => Value | readonly Value[];

/** By name with overload (`max.dim`), or without where all overloads are read alike. */
export type AtenTable = Readonly<Record<string, AtenOperator>>;
