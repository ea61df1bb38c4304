import protobuf from 'protobufjs/light.js';
import { CompileError } from '../../errors.js';

/**
 * The part of onnx.proto (ONNX IR 3 to 10) that a compiler needs, field numbers as published there.
 * Subgraphs are left as bytes: control flow is refused, so nothing nests and nothing recurses.
 */
const SCHEMA = {
  nested: {
    ModelProto: {
      fields: {
        irVersion: { id: 1, type: 'int64' },
        producerName: { id: 2, type: 'string' },
        graph: { id: 7, type: 'GraphProto' },
        opsetImport: { id: 8, type: 'OperatorSetIdProto', rule: 'repeated' },
        functions: { id: 25, type: 'bytes', rule: 'repeated' },
      },
    },
    OperatorSetIdProto: { fields: { domain: { id: 1, type: 'string' }, version: { id: 2, type: 'int64' } } },
    GraphProto: {
      fields: {
        node: { id: 1, type: 'NodeProto', rule: 'repeated' },
        name: { id: 2, type: 'string' },
        initializer: { id: 5, type: 'TensorProto', rule: 'repeated' },
        input: { id: 11, type: 'ValueInfoProto', rule: 'repeated' },
        output: { id: 12, type: 'ValueInfoProto', rule: 'repeated' },
        sparseInitializer: { id: 15, type: 'bytes', rule: 'repeated' },
      },
    },
    NodeProto: {
      fields: {
        input: { id: 1, type: 'string', rule: 'repeated' },
        output: { id: 2, type: 'string', rule: 'repeated' },
        name: { id: 3, type: 'string' },
        opType: { id: 4, type: 'string' },
        attribute: { id: 5, type: 'AttributeProto', rule: 'repeated' },
        domain: { id: 7, type: 'string' },
      },
    },
    AttributeProto: {
      fields: {
        name: { id: 1, type: 'string' },
        f: { id: 2, type: 'float' },
        i: { id: 3, type: 'int64' },
        s: { id: 4, type: 'bytes' },
        t: { id: 5, type: 'TensorProto' },
        g: { id: 6, type: 'bytes' },
        floats: { id: 7, type: 'float', rule: 'repeated' },
        ints: { id: 8, type: 'int64', rule: 'repeated' },
        strings: { id: 9, type: 'bytes', rule: 'repeated' },
      },
    },
    StringStringEntryProto: { fields: { key: { id: 1, type: 'string' }, value: { id: 2, type: 'string' } } },
    TensorProto: {
      fields: {
        dims: { id: 1, type: 'int64', rule: 'repeated' },
        dataType: { id: 2, type: 'int32' },
        segment: { id: 3, type: 'bytes' },
        floatData: { id: 4, type: 'float', rule: 'repeated' },
        int32Data: { id: 5, type: 'int32', rule: 'repeated' },
        int64Data: { id: 7, type: 'int64', rule: 'repeated' },
        name: { id: 8, type: 'string' },
        rawData: { id: 9, type: 'bytes' },
        doubleData: { id: 10, type: 'double', rule: 'repeated' },
        uint64Data: { id: 11, type: 'uint64', rule: 'repeated' },
        externalData: { id: 13, type: 'StringStringEntryProto', rule: 'repeated' },
        dataLocation: { id: 14, type: 'int32' },
      },
    },
    ValueInfoProto: { fields: { name: { id: 1, type: 'string' }, type: { id: 2, type: 'TypeProto' } } },
    TypeProto: { fields: { tensorType: { id: 1, type: 'TensorTypeProto' } } },
    TensorTypeProto: { fields: { elemType: { id: 1, type: 'int32' }, shape: { id: 2, type: 'TensorShapeProto' } } },
    TensorShapeProto: { fields: { dim: { id: 1, type: 'DimensionProto', rule: 'repeated' } } },
    DimensionProto: { fields: { dimValue: { id: 1, type: 'int64' }, dimParam: { id: 2, type: 'string' } } },
  },
};

export interface ModelProto {
  readonly irVersion?: number;
  readonly graph?: GraphProto | null;
  readonly opsetImport: readonly { readonly domain?: string; readonly version?: number }[];
}
export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name: string;
  readonly initializer: readonly TensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
  readonly sparseInitializer: readonly Uint8Array[];
}
export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly opType: string;
  readonly attribute: readonly AttributeProto[];
  readonly domain: string;
}
export interface AttributeProto {
  readonly name: string;
  readonly f: number;
  readonly i: number;
  readonly s: Uint8Array;
  readonly t?: TensorProto | null;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly strings?: readonly Uint8Array[];
}
export interface TensorProto {
  readonly dims: readonly number[];
  readonly dataType: number;
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly int64Data: readonly number[];
  readonly name: string;
  readonly rawData: Uint8Array;
  readonly doubleData: readonly number[];
  readonly uint64Data: readonly number[];
  readonly externalData: readonly { readonly key: string; readonly value: string }[];
  readonly dataLocation: number;
}
export interface ValueInfoProto {
  readonly name: string;
  readonly type?: { readonly tensorType?: TensorTypeProto | null } | null;
}
interface TensorTypeProto {
  readonly elemType: number;
  readonly shape?: { readonly dim: readonly { readonly dimValue: number; readonly dimParam: string }[] } | null;
}

// 64-bit integers as numbers: exact to 2^53, which no size or index passes, and far lighter than objects.
(protobuf.util as { Long: unknown }).Long = null;
protobuf.configure();

const modelType = protobuf.Root.fromJSON(SCHEMA).resolveAll().lookupType('ModelProto');

/** The most fields of a file, packed lists counted as one: each costs memory, whatever its length. */
const MAX_FIELDS = 2 ** 22;

/** Fields of a message and of the messages in it, up to the limit. Malformed input ends the count: decoding will say why. */
function countFields(bytes: Uint8Array, start: number, end: number, type: protobuf.Type, counted: number): number {
  let total = counted;
  let at = start;
  while (at < end && total <= MAX_FIELDS) {
    const key = varint(bytes, at);
    const wire = key === undefined ? 3 : key.value % 8;
    if (key === undefined || wire === 3 || wire === 4) return total;
    total += 1;
    if (wire === 1 || wire === 5) {
      at = key.next + (wire === 1 ? 8 : 4);
      continue;
    }
    const value = varint(bytes, key.next);
    if (value === undefined) return total;
    at = wire === 2 ? value.next + value.value : value.next;
    const inner = wire === 2 ? type.fieldsById[Math.floor(key.value / 8)]?.resolvedType : null;
    if (inner instanceof protobuf.Type) total = countFields(bytes, value.next, Math.min(at, end), inner, total);
  }
  return total;
}

/** Reads the protobuf. Throws CompileError of kind `input` on anything malformed. */
export function decodeModel(bytes: Uint8Array, fileName: string): ModelProto & { readonly graph: GraphProto } {
  const fail = (what: string, mend: string): never => {
    throw new CompileError('input', { code: 'bad-onnx', where: [fileName], what, mend });
  };
  if (countFields(bytes, 0, bytes.length, modelType, 0) > MAX_FIELDS) {
    throw new CompileError('unsupported', { code: 'too-large', where: [fileName], what: `has more than ${MAX_FIELDS} protobuf fields, far more than any model that fits a device.` });
  }
  let model: ModelProto;
  try {
    model = modelType.decode(bytes) as unknown as ModelProto;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\s+/g, ' ').slice(0, 100) : 'unreadable';
    return fail(`is no complete ONNX file (${bytes.length} bytes): ${reason}.`, 'It may be truncated; export or copy it again.');
  }
  const { graph } = model;
  if (graph === undefined || graph === null) return fail('is an ONNX file without a graph.', 'It may be truncated; export it again.');
  return { ...pickModel(model), graph };
}

function pickModel(model: ModelProto): ModelProto {
  return { opsetImport: model.opsetImport, ...(model.irVersion === undefined ? {} : { irVersion: model.irVersion }) };
}

/** Length of the varint at `at` and its value, or undefined past the end. */
function varint(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } | undefined {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return { value, next: at + i + 1 };
  }
  return undefined;
}

/** The wire types of ModelProto's fields: 0 varint, 2 length-delimited. */
const MODEL_FIELDS: ReadonlyMap<number, number> = new Map([
  [1, 0], [2, 2], [3, 2], [4, 2], [5, 0], [6, 2], [7, 2], [8, 2], [14, 2], [20, 2], [25, 2], [26, 2],
]);

/**
 * How likely bytes are an ONNX model: a walk over the top-level fields only. A truncated file still walks up to its
 * last field, so that its error can say so.
 */
export function onnxLikelihood(bytes: Uint8Array): number {
  let at = 0;
  let fields = 0;
  let hasGraph = false;
  while (at < bytes.length && fields < 10000) {
    const key = varint(bytes, at);
    if (key === undefined) break;
    const field = Math.floor(key.value / 8);
    const wire = MODEL_FIELDS.get(field);
    if (wire === undefined || wire !== key.value % 8) return 0;
    const value = varint(bytes, key.next);
    if (value === undefined) break;
    if (field === 1 && (value.value < 1 || value.value > 100)) return 0;
    fields += 1;
    hasGraph ||= field === 7;
    at = wire === 0 ? value.next : value.next + value.value;
  }
  if (fields === 0) return 0;
  if (hasGraph) return at === bytes.length ? 0.95 : 0.6;
  return bytes[0] === 8 ? 0.5 : 0;
}
