import { Dataset, File, Group } from 'jsfive';
import { CompileError } from '../../errors.js';
import type { Tensor } from '../../model/tensor.js';
import { sizeOf } from '../../model/tensor.js';

/** The most values one dataset may have. */
const MAX_VALUES = 2 ** 27;
/** The most links one node of a group's tree may have; HDF5 writes 8 to 32. */
const MAX_NODE_ENTRIES = 4096;
const MAX_TREE_LEVEL = 8;
/** Pieces the library may take of a file: some ten a stored object. */
const MAX_PIECES = 4_000_000;

/** What is left of the work that may be spent on one file. */
interface Budget {
  pieces: number;
  bytes: number;
}

/**
 * The bytes of a file as jsfive takes them. The library follows addresses of the file without remembering where it has
 * been, so a crafted tree of a few nodes could keep it busy for ever. Whatever it visits it takes by `slice`, beginning
 * with the node's signature: pieces are counted here, and nodes of trees must be of a size that HDF5 writes.
 */
class GuardedBytes extends ArrayBuffer {
  private budget: Budget = { pieces: MAX_PIECES, bytes: 2 ** 26 };

  static of(bytes: Uint8Array): GuardedBytes {
    const guarded = new GuardedBytes(bytes.length);
    new Uint8Array(guarded).set(bytes);
    guarded.budget.bytes += 4 * bytes.length;
    return guarded;
  }

  static override get [Symbol.species](): ArrayBufferConstructor {
    return ArrayBuffer;
  }

  override slice(begin = 0, end = this.byteLength): GuardedBytes {
    const piece = super.slice(begin, end);
    this.budget.pieces -= 1 + this.entriesAt(begin, piece);
    this.budget.bytes -= piece.byteLength;
    if (this.budget.pieces < 0 || this.budget.bytes < 0) throw new Error('its structure refers to itself over and over');
    const guarded = new GuardedBytes(piece.byteLength);
    new Uint8Array(guarded).set(new Uint8Array(piece));
    guarded.budget = this.budget;
    return guarded;
  }

  /** Links of the tree or symbol node whose signature is being taken; 0 for any other piece. */
  private entriesAt(begin: number, piece: ArrayBuffer): number {
    if (piece.byteLength !== 4 || begin + 8 > this.byteLength) return 0;
    const signature = String.fromCharCode(...new Uint8Array(piece));
    if (signature !== 'TREE' && signature !== 'SNOD') return 0;
    const view = new DataView(this);
    const entries = view.getUint16(begin + 6, true);
    if (entries > MAX_NODE_ENTRIES) throw new Error(`a node of a group claims ${entries} entries`);
    if (signature === 'TREE' && view.getUint8(begin + 5) > MAX_TREE_LEVEL) throw new Error(`the tree of a group claims ${view.getUint8(begin + 5)} levels`);
    return entries;
  }
}

/** A group of an HDF5 file. Nothing below it is read before it is asked for. */
export interface Hdf5Group {
  readonly names: readonly string[];
  /** A group below, by its path; undefined where there is none. */
  readonly group: (path: string) => Hdf5Group | undefined;
  /** The numbers of a dataset below; undefined where there is none. */
  readonly dataset: (path: string) => Tensor | undefined;
  /** An attribute that is one text. */
  readonly text: (attribute: string) => string | undefined;
  /** An attribute that is a list of texts; undefined where there is none. */
  readonly texts: (attribute: string) => readonly string[] | undefined;
}

export function isHdf5(bytes: Uint8Array): boolean {
  return [0x89, 0x48, 0x44, 0x46].every((byte, i) => bytes[i] === byte);
}

/** Opens an HDF5 file. Throws CompileError of kind `input`, here and on reading, for what is damaged or past all bounds. */
export function openHdf5(bytes: Uint8Array, where: readonly string[]): Hdf5Group {
  return new GroupReader(guarded(where, () => new File(GuardedBytes.of(bytes), '')), where);
}

class GroupReader implements Hdf5Group {
  private readonly groups = new Map<string, GroupReader>();
  private attributes: Readonly<Record<string, unknown>> | undefined;

  constructor(
    private readonly node: Group,
    private readonly where: readonly string[],
  ) {}

  get names(): readonly string[] {
    return this.node.keys;
  }

  group(path: string): GroupReader | undefined {
    const [first = '', ...rest] = path.split('/');
    let child = this.groups.get(first);
    if (child === undefined) {
      const found = this.child(first);
      if (!(found instanceof Group)) return undefined;
      child = new GroupReader(found, [...this.where, first]);
      this.groups.set(first, child);
    }
    return rest.length === 0 ? child : child.group(rest.join('/'));
  }

  dataset(path: string): Tensor | undefined {
    const slash = path.lastIndexOf('/');
    if (slash >= 0) return this.group(path.slice(0, slash))?.dataset(path.slice(slash + 1));
    const found = this.child(path);
    return found instanceof Dataset ? readDataset(found, [...this.where, path]) : undefined;
  }

  text(attribute: string): string | undefined {
    const value = this.attribute(attribute);
    return typeof value === 'string' ? withoutPadding(value) : undefined;
  }

  texts(attribute: string): readonly string[] | undefined {
    const value = this.attribute(attribute);
    if (!Array.isArray(value)) return undefined;
    return value.map((text: unknown) => (typeof text === 'string' ? withoutPadding(text) : ''));
  }

  private attribute(name: string): unknown {
    this.attributes ??= guarded(this.where, () => this.node.attrs);
    return Object.hasOwn(this.attributes, name) ? this.attributes[name] : undefined;
  }

  private child(name: string): Group | Dataset | null {
    if (name === '' || name === '.' || !this.node.keys.includes(name)) return null;
    return guarded([...this.where, name], () => this.node.get(name));
  }
}

/** Fixed-length texts are filled up with NUL. */
function withoutPadding(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function readDataset(dataset: Dataset, where: readonly string[]): Tensor {
  return guarded(where, () => {
    const { shape, dtype } = dataset;
    const size = sizeOf(shape);
    if (!Number.isSafeInteger(size) || size > MAX_VALUES || shape.length > 32) throw new Error(`a dataset of shape [${shape.slice(0, 8).join(', ')}] is past all bounds`);
    if (typeof dtype !== 'string' || !/^[<>=|]?[iuf][1248]$/.test(dtype)) throw new Error(`a dataset holds ${String(dtype).slice(0, 40)}, not numbers`);
    if (dataset._dataobjects.chunks !== null) throw new Error('a dataset is stored in chunks, which Keras does not write (h5repack --layout=CONTI rewrites it)');
    const values = dataset.value;
    if (values.length !== size) throw new Error(`a dataset has ${values.length} values for the shape [${shape.join(', ')}]`);
    return { shape: [...shape], data: Float64Array.from(values, Number) };
  });
}

/** Whatever the library throws, as one clear error. */
function guarded<T>(where: readonly string[], read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CompileError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CompileError('input', {
      code: 'bad-hdf5',
      where,
      what: `is damaged HDF5, or a part of HDF5 that Keras does not use: ${reason.replace(/\s+/g, ' ').slice(0, 200)}.`,
      mend: 'The file may be cut short; save the model again.',
    });
  }
}
