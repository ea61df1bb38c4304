import { z } from 'zod';
import { CompileError, invariant } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { formatFixedType, parseFixedType } from '../fixed/fixedType.js';
import type { GraphInput, GraphOutput, LayerPrecision, ModelGraph, ModelNode } from './graph.js';
import type { Tensor } from './tensor.js';
import { sizeOf } from './tensor.js';

/**
 * The JSON form of a ModelGraph: `model.json` of an output folder, and a model in its own right. Tensors are
 * `{ shape, data, quantised }`, types their `ap_fixed<…>` text; keys come in a fixed order, so equal graphs give equal
 * bytes. Reading back what was written gives the same graph.
 */
const VERSION = 1;

/** Params are plain data a few levels deep; what nests deeper is no model. */
const MAX_DEPTH = 8;

/** The graph as JSON text with a newline at its end. */
export function graphToJson(graph: ModelGraph): string {
  const lines = [
    `{"trigforge":"model","version":${VERSION},`,
    `"name":${JSON.stringify(graph.name)},"format":${JSON.stringify(graph.format)},"parameters":${graph.parameters},`,
    `"inputs":${list(graph.inputs.map(inputToJson))},`,
    `"outputs":${list(graph.outputs.map(({ name, tensor, shape, link, objects }) => ({ name, tensor, shape, ...(link && { link }), ...(objects && { objects }) })))},`,
    `"constants":${list([...graph.constants].map(([name, value]) => ({ name, value: encode(value) })))},`,
    `"nodes":${list(graph.nodes.map(nodeToJson))}}`,
  ];
  return `${lines.join('\n')}\n`;
}

function list(items: readonly unknown[]): string {
  return items.length === 0 ? '[]' : `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]`;
}

function inputToJson(input: GraphInput): unknown {
  return {
    name: input.name,
    shape: input.shape,
    ...(input.type === undefined ? {} : { type: formatFixedType(input.type) }),
    ...(input.elementTypes === undefined ? {} : { elementTypes: input.elementTypes.map(formatFixedType) }),
    ...(input.integer === undefined ? {} : { integer: input.integer }),
    ...(input.flagsOf === undefined ? {} : { flagsOf: input.flagsOf }),
    ...(input.missingCode === undefined ? {} : { missingCode: input.missingCode }),
    ...(input.scaled === undefined ? {} : { scaled: input.scaled }),
    ...(input.objects === undefined ? {} : { objects: input.objects }),
  };
}

function nodeToJson(node: ModelNode): unknown {
  const { name, kind, params, inputs, output, shape, precision } = node;
  const base = { name, kind, params: encode(params), inputs, output, shape };
  return precision === undefined ? base : { ...base, precision: precisionToJson(precision) };
}

function isFixedType(value: unknown): value is FixedType {
  return typeof value === 'object' && value !== null && 'rounding' in value && 'overflow' in value;
}

function precisionToJson(precision: LayerPrecision): unknown {
  return Object.fromEntries(Object.entries(precision).map(([key, value]: [string, unknown]) => [key, isFixedType(value) ? formatFixedType(value) : value]));
}

function isTensor(value: object): value is Tensor {
  return 'data' in value && value.data instanceof Float64Array;
}

/** JSON has no −0: it is written as text. */
function encodeNumber(n: number): number | string {
  invariant(Number.isFinite(n), `${n} cannot be kept in a model`);
  return Object.is(n, -0) ? '-0' : n;
}

function encode(value: unknown): unknown {
  if (typeof value === 'number') return encodeNumber(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(encode);
  if (isTensor(value)) {
    const data = Array.from(value.data, encodeNumber);
    return { shape: value.shape, data, ...(value.quantised === undefined ? {} : { quantised: value.quantised }) };
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encode(item)]));
}

/** The most elements of one tensor of activations, as for every format. */
const MAX_ELEMENTS = 2 ** 24;

const name = z.string().min(1).max(4096);
const shape = z.array(z.int().min(1).max(MAX_ELEMENTS)).min(1).max(32).refine((dims) => dims[0] === 1 && sizeOf(dims) <= MAX_ELEMENTS, `must begin with the batch axis, 1, and have at most ${MAX_ELEMENTS} elements`);
const fixedType = z.string().max(100).transform((text, context): FixedType => {
  const type = parseFixedType(text);
  if (typeof type !== 'string') return type;
  context.addIssue({ code: 'custom', message: type });
  return z.NEVER;
});
const precisionSchema: z.ZodType<LayerPrecision> = z.strictObject({
  result: fixedType.exactOptional(),
  weight: fixedType.exactOptional(),
  bias: fixedType.exactOptional(),
  accum: fixedType.exactOptional(),
  scale: fixedType.exactOptional(),
  table: fixedType.exactOptional(),
  tableSize: z.int().min(1).max(2 ** 24).exactOptional(),
  tableRange: z.number().positive().exactOptional(),
  embeddings: fixedType.exactOptional(),
  param: fixedType.exactOptional(),
  expTable: fixedType.exactOptional(),
  invTable: fixedType.exactOptional(),
  invInput: fixedType.exactOptional(),
  softmax: z.enum(['latency', 'stable', 'legacy', 'argmax']).exactOptional(),
  strategy: z.enum(['latency', 'resource', 'distributed_arithmetic']).exactOptional(),
  reuseFactor: z.int().min(1).exactOptional(),
  source: z.enum(['config', 'auto']),
});
const objectsSchema = z.array(z.strictObject({
  name,
  count: z.int().min(1).max(MAX_ELEMENTS).exactOptional(),
  fields: z.array(z.strictObject({ name, lsb: z.number().exactOptional(), unit: z.string().max(100).exactOptional() })).min(1),
}));
const linkSchema = z.strictObject({ function: z.enum(['sigmoid', 'softmax', 'exp', 'identity']), scale: z.number().exactOptional() });
const graphSchema = z.strictObject({
  trigforge: z.literal('model'),
  version: z.literal(VERSION),
  name: z.string().max(4096),
  format: z.string().max(100),
  parameters: z.int().min(0),
  inputs: z.array(z.strictObject({ name, shape, type: fixedType.exactOptional(), elementTypes: z.array(fixedType).exactOptional(), integer: z.boolean().exactOptional(), flagsOf: name.exactOptional(), missingCode: z.number().exactOptional(), scaled: name.exactOptional(), objects: objectsSchema.exactOptional() })).min(1),
  outputs: z.array(z.strictObject({ name, tensor: name, shape, link: linkSchema.exactOptional(), objects: objectsSchema.exactOptional() })).min(1),
  constants: z.array(z.strictObject({ name, value: z.unknown() })),
  nodes: z.array(
    z.strictObject({
      name,
      kind: z.string().max(100),
      params: z.unknown(),
      inputs: z.array(name).max(2 ** 16),
      output: name,
      shape,
      precision: precisionSchema.exactOptional(),
    }),
  ),
});

/**
 * The graph that untrusted JSON describes: schema, tensor sizes, names and order are checked; what a layer's
 * parameters mean is the caller's to check. Throws CompileError of kind `input`.
 */
export function graphFromJson(value: unknown, fileName: string): ModelGraph {
  const parsed = graphSchema.safeParse(value);
  if (!parsed.success) {
    throw new CompileError('input', parsed.error.issues.slice(0, 5).map((issue) => ({
      code: 'bad-field',
      where: [fileName, issue.path.map(String).join('.').slice(0, 200) || 'top level'],
      what: `${issue.message}.`.slice(0, 300),
    })));
  }
  const raw = parsed.data;
  const fail = (where: string, what: string): never => {
    throw new CompileError('input', { code: 'bad-field', where: [fileName, where.slice(0, 200)], what });
  };
  const constants = new Map<string, Tensor>();
  for (const entry of raw.constants) {
    const tensor = decode(entry.value, 0, (what) => fail(entry.name, what));
    if (typeof tensor !== 'object' || tensor === null || !isTensor(tensor)) return fail(entry.name, 'is no tensor.');
    if (constants.has(entry.name)) fail(entry.name, 'is there twice.');
    constants.set(entry.name, tensor);
  }
  const nodes = raw.nodes.map((node): ModelNode => ({ ...node, params: decode(node.params, 0, (what) => fail(node.name, what)) }));
  const graph: ModelGraph = { name: raw.name, format: raw.format, inputs: raw.inputs, outputs: raw.outputs, constants, nodes, parameters: raw.parameters };
  checkReferences(graph, fail);
  return graph;
}

type Fail = (where: string, what: string) => never;

/** Names are unique, made before they are read, and the outputs have the shapes they state. */
function checkReferences(graph: ModelGraph, fail: Fail): void {
  const shapes = new Map<string, readonly number[]>();
  const define = (tensor: string, dims: readonly number[]): void => {
    if (shapes.has(tensor)) fail(tensor, 'is made twice.');
    shapes.set(tensor, dims);
  };
  for (const [constant, value] of graph.constants) define(constant, value.shape);
  for (const input of graph.inputs) {
    define(input.name, input.shape);
    const { elementTypes: types, type } = input;
    if (types !== undefined && (type === undefined || types.length !== sizeOf(input.shape))) fail(input.name, `must have a type and one an element, ${sizeOf(input.shape)}; it has ${types.length} of these.`);
    checkObjects(input, fail);
  }
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (names.has(node.name)) fail(node.name, 'is the name of two layers.');
    names.add(node.name);
    for (const input of node.inputs) if (!shapes.has(input)) fail(node.name, `reads '${input.slice(0, 100)}', which nothing before it makes.`);
    define(node.output, node.shape);
  }
  const outputs = new Set<string>();
  for (const output of graph.outputs) {
    const dims: readonly number[] = shapes.get(output.tensor) ?? fail(output.name, `is the tensor '${output.tensor.slice(0, 100)}', which nothing makes.`);
    if (dims.length !== output.shape.length || dims.some((n, i) => n !== output.shape[i])) fail(output.name, `states the shape [${output.shape.join(', ')}] and has [${dims.join(', ')}].`);
    if (outputs.has(output.name)) fail(output.name, 'is the name of two outputs.');
    outputs.add(output.name);
    checkObjects(output, fail);
  }
}

/** The objects of a port name each of its elements once. */
function checkObjects({ name: port, shape: dims, objects }: GraphInput | GraphOutput, fail: Fail): void {
  if (objects === undefined) return;
  const named = objects.reduce((n, { count = 1, fields }) => n + count * fields.length, 0);
  if (named !== sizeOf(dims)) fail(port, `names ${named} elements and has ${sizeOf(dims)}.`);
}

/** Parameters back from JSON: objects with `shape` and `data` are tensors, the text −0 is the number. */
function decode(value: unknown, depth: number, fail: (what: string) => never): unknown {
  if (depth > MAX_DEPTH) return fail(`nests more than ${MAX_DEPTH} levels deep.`);
  if (value === '-0') return -0;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => decode(item, depth + 1, fail));
  const record = value as Record<string, unknown>;
  if (Object.hasOwn(record, 'data')) return decodeTensor(record, fail);
  const entries = Object.entries(record);
  if (entries.some(([key]) => key === '__proto__')) return fail('has a field named __proto__.');
  return Object.fromEntries(entries.map(([key, item]) => [key, decode(item, depth + 1, fail)]));
}

function decodeTensor(record: Readonly<Record<string, unknown>>, fail: (what: string) => never): Tensor {
  const { shape: dims, data, quantised, ...rest } = record;
  if (Object.keys(rest).length > 0) return fail(`is a tensor with the unknown field '${(Object.keys(rest)[0] as string).slice(0, 40)}'.`);
  if (!Array.isArray(dims) || dims.length > 32 || dims.some((n) => !Number.isSafeInteger(n) || (n as number) < 0)) return fail('is a tensor with a broken shape.');
  if (!Array.isArray(data)) return fail('is a tensor whose data is no list.');
  const size = sizeOf(dims as number[]);
  if (size !== data.length) return fail(`is a tensor of shape [${dims.join(', ')}], ${size} values, and holds ${data.length}.`);
  const values = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const item: unknown = data[i];
    if (item !== '-0' && (typeof item !== 'number' || !Number.isFinite(item))) return fail(`is a tensor whose value ${i} is no finite number.`);
    values[i] = item === '-0' ? -0 : item as number;
  }
  if (quantised !== undefined && typeof quantised !== 'boolean') return fail('is a tensor whose field quantised is neither true nor false.');
  return { shape: dims as number[], data: values, ...(quantised === undefined ? {} : { quantised }) };
}
