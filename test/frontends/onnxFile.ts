/** Writes small ONNX files byte by byte, independently of the reader's schema. */

type Field = readonly number[];

function varint(n: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(n));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

const whole = (id: number, n: number | bigint): Field => [...varint(id * 8), ...varint(n)];
const bytesField = (id: number, bytes: readonly number[]): Field => [...varint(id * 8 + 2), ...varint(bytes.length), ...bytes];
const text = (id: number, value: string): Field => bytesField(id, [...new TextEncoder().encode(value)]);
const message = (id: number, fields: readonly Field[]): Field => bytesField(id, fields.flat());
const float32 = (values: readonly number[]): number[] => [...new Uint8Array(Float32Array.from(values).buffer)];

export interface TensorSpec {
  readonly name?: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** ONNX element type; 1 (float) by default. */
  readonly type?: number;
  /** Where the values are: raw_data, or the type's own list field. */
  readonly storage?: 'raw' | 'list' | 'external';
  readonly external?: Readonly<Record<string, string>>;
}

function rawBytes(type: number, values: readonly number[]): number[] {
  const size = { 1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 16: 2 }[type] as number;
  const view = new DataView(new ArrayBuffer(size * values.length));
  values.forEach((value, i) => {
    const at = i * size;
    if (type === 1) view.setFloat32(at, value, true);
    else if (type === 11) view.setFloat64(at, value, true);
    else if (type === 7) view.setBigInt64(at, BigInt(value), true);
    else if (type === 6) view.setInt32(at, value, true);
    else if (type === 10 || type === 16) view.setUint16(at, value, true);
    else view.setInt8(at, value);
  });
  return [...new Uint8Array(view.buffer)];
}

function listField(type: number, values: readonly number[]): Field {
  if (type === 1) return bytesField(4, float32(values));
  if (type === 7) return bytesField(7, values.flatMap((n) => varint(n)));
  if (type === 11) return bytesField(10, [...new Uint8Array(Float64Array.from(values).buffer)]);
  return bytesField(5, values.flatMap((n) => varint(n)));
}

/** The fields of a TensorProto. */
export function tensorFields({ name, shape, values, type = 1, storage = 'raw', external = {} }: TensorSpec): readonly Field[] {
  const data =
    storage === 'raw'
      ? [bytesField(9, rawBytes(type, values))]
      : storage === 'list'
        ? [listField(type, values)]
        : [...Object.entries(external).map(([key, value]) => message(13, [text(1, key), text(2, value)])), whole(14, 1)];
  return [...shape.map((n) => whole(1, n)), whole(2, type), ...(name === undefined ? [] : [text(8, name)]), ...data];
}

export type AttributeSpec = number | string | readonly number[] | { readonly float: number } | { readonly tensor: TensorSpec } | { readonly graph: true } | { readonly floats: readonly number[] } | { readonly strings: readonly string[] };

function attribute(name: string, value: AttributeSpec): Field {
  const own = text(1, name);
  if (typeof value === 'number') return message(5, [own, whole(3, value), whole(20, 2)]);
  if (typeof value === 'string') return message(5, [own, text(4, value), whole(20, 3)]);
  if ('float' in value) return message(5, [own, [...varint(2 * 8 + 5), ...float32([value.float])], whole(20, 1)]);
  if ('tensor' in value) return message(5, [own, message(5, tensorFields(value.tensor)), whole(20, 4)]);
  if ('floats' in value) return message(5, [own, bytesField(7, float32(value.floats)), whole(20, 6)]);
  if ('strings' in value) return message(5, [own, ...value.strings.map((item) => text(9, item)), whole(20, 8)]);
  if ('graph' in value) return message(5, [own, message(6, [text(2, 'body')]), whole(20, 5)]);
  return message(5, [own, ...value.map((n) => whole(8, n)), whole(20, 7)]);
}

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, AttributeSpec>>;
}

/** A shape entry as text is an open length. */
export interface ValueSpec {
  readonly name: string;
  readonly shape?: readonly (number | string)[];
  readonly type?: number;
}

function valueInfo(id: number, { name, shape, type = 1 }: ValueSpec): Field {
  const dims = (shape ?? []).map((n) => message(1, [typeof n === 'number' ? whole(1, n) : text(2, n)]));
  const tensorType = [whole(1, type), ...(shape === undefined ? [] : [message(2, dims)])];
  return message(id, [text(1, name), message(2, [message(1, tensorType)])]);
}

export interface FileSpec {
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeSpec[];
  readonly constants?: readonly TensorSpec[];
  /** Version of ai.onnx; null for no import. */
  readonly opset?: number | null;
}

/** The bytes of an ONNX file. */
export function onnxFile({ inputs, outputs, nodes, constants = [], opset = 17 }: FileSpec): Uint8Array {
  const graph = [
    ...nodes.map((node) =>
      message(1, [
        ...node.inputs.map((input) => text(1, input)),
        ...node.outputs.map((output) => text(2, output)),
        ...(node.name === undefined ? [] : [text(3, node.name)]),
        text(4, node.op),
        ...Object.entries(node.attributes ?? {}).map(([name, value]) => attribute(name, value)),
        ...(node.domain === undefined ? [] : [text(7, node.domain)]),
      ]),
    ),
    text(2, 'graph'),
    ...constants.map((constant) => message(5, tensorFields(constant))),
    ...inputs.map((input) => valueInfo(11, input)),
    ...outputs.map((name) => valueInfo(12, { name, shape: [] })),
  ];
  const imports = opset === null ? [] : [message(8, [text(1, ''), whole(2, opset)])];
  return Uint8Array.from([whole(1, 8), ...imports, message(7, graph)].flat());
}
