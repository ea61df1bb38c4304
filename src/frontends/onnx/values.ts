import type { Problem } from '../../errors.js';
import { CompileError } from '../../errors.js';
import type { ForestParams } from '../../layers/forest.js';
import type { AttributeProto, TensorProto } from './schema.js';

/** A tensor whose values the file fixes. */
export interface ConstantValue {
  readonly kind: 'constant';
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float64Array;
  /** Of an integer type: shape arithmetic divides and truncates as integers do. */
  readonly integer: boolean;
  /** It came out of a quantiser. */
  readonly quantised: boolean;
  /** ONNX' number of the element type where it is known: what QuantizeLinear saturates to. */
  readonly type?: number | undefined;
}

/** A tensor that depends on the inputs. */
export interface VariableValue {
  readonly kind: 'variable';
  /** The model tensor that holds it: its shape is `modelShape(shape)`. */
  readonly tensor: string;
  /** As ONNX sees it, with a batch of one. */
  readonly shape: readonly number[];
  readonly integer: boolean;
}

/**
 * What QuantizeLinear makes: integers that stand for (integer − zeroPoint) · scale. They stay a real number until something
 * reads it, so that QuantizeLinear, Clip and DequantizeLinear become one quantiser.
 */
export interface CodeValue {
  readonly kind: 'code';
  /** The real number, in front of the quantiser, or behind it where `onGrid`. */
  readonly of: VariableValue;
  readonly onGrid: boolean;
  readonly scale: ConstantValue;
  readonly zeroPoint: ConstantValue;
  /** The integers it saturates to. */
  readonly low: number;
  readonly high: number;
}

/** A function of the leaf that a row reaches in one tree: its value per leaf, as a batch of leaves. */
export interface LeavesValue {
  readonly kind: 'leaves';
  readonly input: VariableValue;
  /** A forest of that tree alone. */
  readonly params: ForestParams;
  /** The nodes that are leaves; `values` has a row for each. */
  readonly rows: readonly number[];
  readonly values: ConstantValue;
}

export type Value = ConstantValue | VariableValue | CodeValue | LeavesValue;

export type Operand = ConstantValue | VariableValue;

/** The shape as ONNX sees it. */
export function shapeOf(value: Value): readonly number[] {
  if (value.kind === 'leaves') return [1, 1];
  return value.kind === 'code' ? value.of.shape : value.shape;
}

/** What a value is, where only a variable would do. */
export function describeValue(value: Exclude<Value, VariableValue>): string {
  switch (value.kind) {
    case 'constant':
      return 'is a constant, which is supported only where all inputs are';
    case 'leaves':
      return 'is a function of the leaf of one tree, which only arithmetic may use';
    case 'code':
      return 'is the integer of a QuantizeLinear, which only DequantizeLinear, Clip and what moves elements may use';
  }
}

/** The model's shape of an ONNX tensor: the batch axis of length 1 in front, added where ONNX merged or moved it. */
export function modelShape(shape: readonly number[]): readonly number[] {
  return shape[0] === 1 ? shape : [1, ...shape];
}

/** How many axes `modelShape` puts in front. */
export function leadOf(shape: readonly number[]): number {
  return shape[0] === 1 ? 0 : 1;
}

export function constant(
  name: string,
  shape: readonly number[],
  data: ArrayLike<number>,
  options: { readonly integer?: boolean; readonly quantised?: boolean; readonly type?: number | undefined } = {},
): ConstantValue {
  return {
    kind: 'constant',
    name,
    shape,
    data: data instanceof Float64Array ? data : Float64Array.from(data),
    integer: options.integer ?? false,
    quantised: options.quantised ?? false,
    ...(options.type === undefined ? {} : { type: options.type }),
  };
}

/** An attribute that no file holds. */
export type PlainAttribute = number | string | readonly number[];

/** Attributes of one node, read by name and type. */
export class Attributes {
  private readonly byName: ReadonlyMap<string, AttributeProto>;

  constructor(list: readonly AttributeProto[]) {
    this.byName = new Map(list.map((attribute) => [attribute.name, attribute]));
  }

  static of(record: Readonly<Record<string, PlainAttribute>>): Attributes {
    return new Attributes(Object.entries(record).map(([name, value]) => attributeOf(name, value)));
  }

  /** These with one more, or another value of one. */
  with(name: string, value: PlainAttribute): Attributes {
    return new Attributes([...this.byName.values(), attributeOf(name, value)]);
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  int(name: string, fallback: number): number {
    const attribute = this.byName.get(name);
    return attribute === undefined ? fallback : attribute.i;
  }

  ints(name: string): readonly number[] | undefined {
    return this.byName.get(name)?.ints;
  }

  /** float32 attributes arrive as the float64 of that float32. */
  float(name: string, fallback: number): number {
    return this.byName.get(name)?.f ?? fallback;
  }

  floats(name: string): readonly number[] | undefined {
    return this.byName.get(name)?.floats;
  }

  string(name: string, fallback: string): string {
    const attribute = this.byName.get(name);
    return attribute === undefined ? fallback : new TextDecoder().decode(attribute.s);
  }

  strings(name: string): readonly string[] | undefined {
    return this.byName.get(name)?.strings?.map((bytes) => new TextDecoder().decode(bytes));
  }

  tensor(name: string): TensorProto | undefined {
    return this.byName.get(name)?.t ?? undefined;
  }
}

function attributeOf(name: string, value: PlainAttribute): AttributeProto {
  const number = typeof value === 'number' ? value : 0;
  const list = typeof value === 'object' ? value : [];
  return { name, f: number, i: number, s: new TextEncoder().encode(typeof value === 'string' ? value : ''), floats: list, ints: list };
}

/** One ONNX node with its inputs resolved. */
export interface OperatorNode {
  /** Unique and never empty. */
  readonly name: string;
  readonly op: string;
  /** Undefined where an optional input is left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** Version of the ai.onnx operator set. */
  readonly opset: number;
  readonly fileName: string;
}

/** Throws the error of one node. */
export function fail(node: OperatorNode, kind: 'input' | 'unsupported', code: string, what: string, mend?: string): never {
  const problem: Problem = { code, where: [node.fileName, node.name], what: `${node.op}: ${what}`, ...(mend === undefined ? {} : { mend }) };
  throw new CompileError(kind, problem);
}

/** The input at a position, which must be there. */
export function requiredInput(node: OperatorNode, index: number): Value {
  const value = node.inputs[index];
  if (value === undefined) return fail(node, 'input', 'missing-input', `input ${index + 1} is missing.`);
  return value;
}

/** An input that a layer may read: a constant or a variable. */
export function operandInput(node: OperatorNode, index: number): Operand {
  const value = requiredInput(node, index);
  if (value.kind === 'variable' || value.kind === 'constant') return value;
  return fail(node, 'unsupported', value.kind, `input ${index + 1} ${describeValue(value)}.`);
}

export function variableInput(node: OperatorNode, index: number): VariableValue {
  const value = requiredInput(node, index);
  if (value.kind === 'variable') return value;
  return fail(node, 'unsupported', 'constant-input', `input ${index + 1} ${describeValue(value)}.`);
}

/** A constant input, or undefined where it is left out. */
export function optionalConstant(node: OperatorNode, index: number, role: string): ConstantValue | undefined {
  const value = node.inputs[index];
  if (value === undefined || value.kind === 'constant') return value;
  return fail(node, 'unsupported', 'variable-parameter', `its ${role} depends on the model's inputs; only constants are supported there.`);
}

export function constantInput(node: OperatorNode, index: number, role: string): ConstantValue {
  const value = optionalConstant(node, index, role);
  if (value === undefined) return fail(node, 'input', 'missing-input', `its ${role} (input ${index + 1}) is missing.`);
  return value;
}

/** The one number of a constant. */
export function scalarOf(node: OperatorNode, value: ConstantValue, role: string): number {
  const first = value.data[0];
  if (first === undefined) return fail(node, 'input', 'empty-constant', `its ${role} is empty.`);
  if (value.data.some((n) => n !== first)) return fail(node, 'unsupported', 'not-uniform', `its ${role} differs between elements; one value for all is supported.`);
  return first;
}

/** No shape, list of axes or of parts is longer. */
const MAX_LIST = 65536;

/** A list of whole numbers from an input or an attribute (the input wins, as newer opsets have it), or undefined. */
export function integerList(node: OperatorNode, index: number, attribute: string): readonly number[] | undefined {
  const value = index < 0 ? undefined : optionalConstant(node, index, attribute);
  if (value !== undefined && value.data.length > MAX_LIST) fail(node, 'unsupported', 'too-large', `its ${attribute} are a list of ${value.data.length}; at most ${MAX_LIST} are supported.`);
  return value === undefined ? node.attributes.ints(attribute) : Array.from(value.data);
}

/** An axis counted from the end where negative, checked against the rank. */
export function normalAxis(node: OperatorNode, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(normal) || normal < 0 || normal >= rank) {
    return fail(node, 'input', 'bad-axis', `axis ${axis} is outside a tensor of rank ${rank}.`);
  }
  return normal;
}

export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
