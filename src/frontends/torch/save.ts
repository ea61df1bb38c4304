import { CompileError } from '../../errors.js';
import { isZip, readZip } from '../../io/zip.js';
import type { PickleObject, PickleValue } from './pickle.js';
import { readPickle } from './pickle.js';
import type { StoredTensor } from './tensors.js';
import { typeOfStorage } from './tensors.js';

/** What torch.save wrote. */
export interface TorchSave {
  readonly root: PickleValue;
  /** Tensors of a state_dict by name; empty where the root is none. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The tensor that a value of the file stands for. */
  readonly tensorOf: (value: PickleValue) => StoredTensor | undefined;
}

const LIMITS = { maxEntryBytes: 2 ** 29, maxTotalBytes: 2 ** 30, maxEntries: 65536 };

/** Names that torch.save writes for tensors and stock modules. All stay names. */
const ALLOWED = /^(torch\.nn\.modules\.[a-z_]+\.[A-Za-z0-9_]+|torch\.nn\.backends\.thnn\._get_thnn_function_backend|torch\._utils\._rebuild_[a-z0-9_]+|torch\.nn\.parameter\.(Parameter|Buffer)|torch\.[A-Z][A-Za-z0-9]*Storage|torch\.storage\.(UntypedStorage|TypedStorage|_load_from_bytes)|torch\.(Size|device|Tensor|float32|float64|float16|int64|int32|strided|contiguous_format|preserve_format)|torch\.serialization\._get_layout|collections\.OrderedDict|builtins\.(set|dict|list|int|float|bool|object)|__builtin__\.(set|object))$/;

/** A storage that a persistent id names. */
interface StorageReference {
  readonly key: string;
  readonly className: string;
}

const STORAGE = 'storage:';

/** Reads a file of torch.save, zipped or of the older layout. Throws CompileError. */
export function readTorchSave(bytes: Uint8Array, where: readonly string[]): TorchSave {
  return isZip(bytes) ? readZipped(bytes, where) : readLegacy(bytes, where);
}

/** A persistent id as an object that names its storage; ('module', class, file, source) is the class. */
function persistent(id: PickleValue): PickleValue {
  const parts = isList(id) ? id.items : [];
  if (parts[0] === 'module') return parts[1] ?? null;
  const type = parts[1];
  const className = isGlobal(type) ? type.name.replace(/^torch\./, '') : '';
  return { kind: 'object', of: `${STORAGE}${className}`, args: [String(parts[2])], state: parts[5] ?? null, entries: new Map() };
}

function readZipped(bytes: Uint8Array, where: readonly string[]): TorchSave {
  const archive = readZip(bytes, where, LIMITS);
  const pickle = archive.names.find((name) => name === 'data.pkl' || name.endsWith('/data.pkl'));
  if (pickle === undefined) throw new CompileError('input', { code: 'no-pickle', where, what: 'holds no data.pkl: it is no file of torch.save.' });
  const prefix = pickle.slice(0, -'data.pkl'.length);
  if (archive.has(`${prefix}byteorder`) && new TextDecoder().decode(archive.read(`${prefix}byteorder`)).trim() !== 'little') {
    throw new CompileError('unsupported', { code: 'byte-order', where, what: 'was saved on a big-endian machine.' });
  }
  if (archive.names.some((name) => name === `${prefix}constants.pkl` || name.startsWith(`${prefix}code/`))) {
    throw new CompileError('unsupported', { code: 'torchscript', where, what: 'is TorchScript: its computation is code, which is not read.', mend: 'Export the model with torch.export.save (.pt2) or torch.onnx.export.' });
  }
  const { value } = readPickle(archive.read(pickle), 0, { where, allowed: (name) => ALLOWED.test(name), persistent });
  const read = new Map<string, Uint8Array>();
  return withTensors(value, ({ key }) => {
    const found = read.get(key) ?? archive.read(`${prefix}data/${key}`);
    read.set(key, found);
    return found;
  }, where);
}

const MAGIC = 119547037146038801333356n;

/** Pickles one behind the other: magic, version, sizes, the object, the storages' keys; then the storages. */
function readLegacy(bytes: Uint8Array, where: readonly string[]): TorchSave {
  const options = { where, allowed: (name: string) => ALLOWED.test(name), persistent };
  const magic = readPickle(bytes, 0, options);
  if (magic.value !== MAGIC) {
    throw new CompileError('input', { code: 'no-torch-save', where, what: 'is a pickle, but none of torch.save; it is not read.', mend: 'Export the model with torch.export.save (.pt2) or torch.onnx.export.' });
  }
  const version = readPickle(bytes, magic.next, options);
  const system = readPickle(bytes, version.next, options);
  const root = readPickle(bytes, system.next, options);
  const keys = readPickle(bytes, root.next, options);
  const storages = new Map<string, number>();
  const types = storageTypes(root.value);
  let at = keys.next;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of isList(keys.value) ? keys.value.items.map(String) : []) {
    if (at + 8 > bytes.length) throw new CompileError('input', { code: 'bad-pickle', where, what: `ends before the storage '${key.slice(0, 40)}'; the file is cut short.` });
    storages.set(key, at + 8);
    at += 8 + Number(view.getBigInt64(at, true)) * (typeOfStorage(types.get(key) ?? '')?.bytes ?? 1);
  }
  return withTensors(root.value, ({ key }) => {
    const from = storages.get(key) ?? bytes.length;
    return bytes.subarray(Math.min(from, bytes.length));
  }, where);
}

/** The class of each storage in a value. */
function storageTypes(root: PickleValue): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  const seen = new Set<PickleValue>();
  const open: PickleValue[] = [root];
  while (open.length > 0) {
    const value = open.pop() as PickleValue;
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array || seen.has(value)) continue;
    seen.add(value);
    if (value.kind === 'list') open.push(...value.items);
    else if (value.kind === 'dict') open.push(...value.entries.values());
    else if (value.kind === 'object') {
      const storage = storageOf(value);
      if (storage !== undefined) types.set(storage.key, storage.className);
      open.push(value.state, ...value.entries.values(), ...value.args);
    }
  }
  return types;
}

function storageOf(value: PickleValue | undefined): StorageReference | undefined {
  return isObject(value) && value.of.startsWith(STORAGE) ? { className: value.of.slice(STORAGE.length), key: String(value.args[0]) } : undefined;
}

type ReadStorage = (reference: StorageReference) => Uint8Array;

function withTensors(root: PickleValue, read: ReadStorage, where: readonly string[]): TorchSave {
  const tensors = new Map<string, StoredTensor>();
  const single = tensorIn(root, read, where);
  if (single !== undefined) tensors.set('', single);
  for (const [key, value] of entriesOf(root)) {
    const tensor = tensorIn(value, read, where);
    if (tensor !== undefined) tensors.set(String(key), tensor);
  }
  return { root, tensors, tensorOf: (value) => tensorIn(value, read, where) };
}

/** Entries of a dictionary, an OrderedDict among them. */
export function entriesOf(value: PickleValue): ReadonlyMap<PickleValue, PickleValue> {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return new Map();
  if (value.kind === 'dict') return value.entries;
  if (value.kind !== 'object' || value.of !== 'collections.OrderedDict') return new Map();
  if (value.entries.size > 0) return value.entries;
  // Python 2 wrote an OrderedDict as a list of pairs.
  const [pairs] = value.args;
  return new Map(isList(pairs) ? pairs.items.flatMap((pair) => (isList(pair) && pair.items.length === 2 ? [[pair.items[0] as PickleValue, pair.items[1] as PickleValue] as const] : [])) : []);
}

export function isList(value: PickleValue | undefined): value is Extract<PickleValue, { kind: 'list' }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'list';
}

function isGlobal(value: PickleValue | undefined): value is Extract<PickleValue, { kind: 'global' }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'global';
}

export function isObject(value: PickleValue | undefined): value is PickleObject {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'object';
}

/** Parameters wrap tensors; a tensor is _rebuild_tensor(_v2)(storage, offset, size, stride, …). */
function tensorIn(value: PickleValue, read: ReadStorage, where: readonly string[], depth = 0): StoredTensor | undefined {
  if (!isObject(value) || depth > 4) return undefined;
  if (/^torch\.(_utils\._rebuild_parameter|nn\.parameter\.(Parameter|Buffer))/.test(value.of)) return tensorIn(value.args[0] ?? null, read, where, depth + 1);
  if (!/^torch\._utils\._rebuild_tensor(_v2|_v3)?$/.test(value.of)) return undefined;
  const [storage, offset, size, stride] = value.args;
  const reference = storageOf(storage);
  const numbers = (list: PickleValue | undefined): readonly number[] => (isList(list) ? list.items.map(Number) : [NaN]);
  const type = reference === undefined ? undefined : typeOfStorage(reference.className);
  if (reference === undefined || type === undefined) {
    throw new CompileError('unsupported', { code: 'tensor-type', where, what: `holds a tensor in a storage '${(reference?.className ?? '').slice(0, 60)}', which is not supported.` });
  }
  return { storage: read(reference), type, shape: numbers(size), strides: numbers(stride), offset: Number(offset) };
}
