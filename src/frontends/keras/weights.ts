import { CompileError } from '../../errors.js';
import type { Tensor } from '../../model/tensor.js';
import type { Hdf5Group } from './hdf5.js';

/** A layer of the model's description, as far as finding its weights needs it. */
export interface LayerId {
  readonly name: string;
  /** Without its package. */
  readonly className: string;
}

/** The weights of one layer, or of a part of one. */
export interface LayerWeights {
  /**
   * The own variables, by their names in Keras and in its order of creation (trainable ones, then the others): `.keras`
   * files know only the order, older ones only the names. There may be more than are asked for.
   *
   * @throws CompileError (`input`) where one is missing or not finite
   */
  readonly variables: (names: readonly string[]) => Tensor[];
  /** How many own variables there are. */
  readonly count: number;
  /** Weights of an inner layer: the attribute it is in Keras (`cell`, `forward_layer`), and its names in older files; a name that ends in `_` is a prefix. */
  readonly part: (attribute: string, ...legacyNames: readonly string[]) => LayerWeights;
  /** Names of the parts there are; older files do not say. */
  readonly partNames: readonly string[];
  /** Weights of the layers of a model, given in the model's order. */
  readonly layers: (ids: readonly LayerId[]) => LayerWeights[];
}

/** Reads every variable once, so that shared layers share memory, and counts what was read. */
export class VariableReader {
  private readonly known = new Map<string, Tensor>();
  /** Elements of all variables read so far. */
  parameters = 0;

  constructor(readonly where: readonly string[]) {}

  read(group: Hdf5Group, path: string, key: string): Tensor | undefined {
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const value = group.dataset(path);
    if (value === undefined) return undefined;
    const bad = value.data.findIndex((n) => !Number.isFinite(n));
    if (bad >= 0) {
      throw new CompileError('input', {
        code: 'not-finite',
        where: [...this.where, key],
        what: `holds ${value.data[bad]} at index ${bad} of ${value.data.length}.`,
        mend: 'Retrain or repair the model: every parameter must be a finite number.',
      });
    }
    this.parameters += value.data.length;
    this.known.set(key, value);
    return value;
  }

  missing(key: string, names: readonly string[], found: number): CompileError {
    return new CompileError('input', {
      code: 'missing-weights',
      where: [...this.where, key],
      what: `has ${found} variables; ${names.length} are needed: ${names.join(', ')}.`,
      mend: 'The weights belong to another model, or were saved before the layer was built.',
    });
  }
}

/** Weights as `.keras` and `.weights.h5` of Keras 3 hold them: a tree of groups after the objects, variables by number. */
export class TreeWeights implements LayerWeights {
  constructor(
    private readonly group: Hdf5Group | undefined,
    private readonly path: string,
    private readonly reader: VariableReader,
  ) {}

  variables(names: readonly string[]): Tensor[] {
    const { count } = this;
    return names.map((_, i) => {
      const value = this.group === undefined ? undefined : this.reader.read(this.group, `vars/${i}`, joined(this.path, `vars/${i}`));
      if (value === undefined) throw this.reader.missing(this.path, names, count);
      return value;
    });
  }

  get count(): number {
    return this.group?.group('vars')?.names.length ?? 0;
  }

  part(attribute: string): LayerWeights {
    // Keras 2 keeps the underscore of private attributes.
    const own = this.group?.names.includes(`_${attribute}`) === true ? `_${attribute}` : attribute;
    return new TreeWeights(this.group?.group(own), joined(this.path, own), this.reader);
  }

  get partNames(): readonly string[] {
    return (this.group?.names ?? []).filter((name) => name !== 'vars');
  }

  /** By the name that newer files note with the variables; else counted by class, as the writer counts. */
  layers(ids: readonly LayerId[]): LayerWeights[] {
    const container = ['layers', '_layer_checkpoint_dependencies'].find((name) => this.group?.group(name) !== undefined) ?? 'layers';
    const group = this.group?.group(container);
    const byName = new Map<string, string>();
    for (const key of group?.names ?? []) {
      const name = group?.group(key)?.group('vars')?.text('name');
      if (name !== undefined) byName.set(name, key);
    }
    const counts = new Map<string, number>();
    return ids.map(({ name, className }) => {
      const stem = snakeCase(className);
      const count = counts.get(stem) ?? 0;
      counts.set(stem, count + 1);
      const key = byName.get(name) ?? (count === 0 ? stem : `${stem}_${count}`);
      return new TreeWeights(group?.group(key), joined(this.path, container, key), this.reader);
    });
  }
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('/');
}

/** Keras' own conversion: `GlobalAveragePooling1D` is `global_average_pooling1d`. */
export function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/** One variable of an older file: `dense/kernel:0` below its layer's group. */
interface NamedVariable {
  readonly group: Hdf5Group;
  /** As the file lists it. */
  readonly path: string;
  /** For messages, and to know it again. */
  readonly key: string;
}

/** Weights of one layer as `.h5` files of Keras 2 (and of Keras 3, when asked for `.h5`) hold them: a list of names. */
class NamedWeights implements LayerWeights {
  constructor(
    private readonly list: readonly NamedVariable[],
    private readonly path: string,
    private readonly reader: VariableReader,
  ) {}

  /** By name where each is found once, else in the order of the file. */
  variables(names: readonly string[]): Tensor[] {
    const found = names.map((name) => this.list.filter((variable) => baseName(variable.path) === name));
    const byName = found.every((matches) => matches.length === 1);
    if (!byName && this.list.length < names.length) throw this.reader.missing(this.path, names, this.list.length);
    return names.map((_, i) => {
      const variable = (byName ? found[i]?.[0] : this.list[i]) as NamedVariable;
      const value = this.reader.read(variable.group, variable.path, variable.key);
      if (value === undefined) throw this.reader.missing(variable.key, names, 0);
      return value;
    });
  }

  get count(): number {
    return this.list.length;
  }

  part(_attribute: string, ...legacyNames: readonly string[]): LayerWeights {
    const matches = (component: string): boolean => legacyNames.some((name) => (name.endsWith('_') ? component.startsWith(name) : component === name));
    const own = this.list.filter((variable) => variable.path.split('/').slice(0, -1).some(matches));
    return new NamedWeights(own.length > 0 ? own : this.list, this.path, this.reader);
  }

  get partNames(): readonly string[] {
    return [];
  }

  layers(ids: readonly LayerId[]): LayerWeights[] {
    return ids.map(({ name }) => {
      const own = this.list.filter((variable) => variable.path.split('/').slice(0, -1).includes(name));
      return new NamedWeights(own, `${this.path}/${name}`, this.reader);
    });
  }
}

/** `dense/kernel:0` is `kernel`. */
function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/:\d+$/, '');
}

/** The weights of a whole model in an older file: a group a layer. */
export class NamedModelWeights implements LayerWeights {
  readonly count = 0;
  readonly partNames: readonly string[] = [];

  constructor(
    private readonly group: Hdf5Group,
    private readonly reader: VariableReader,
  ) {}

  variables(names: readonly string[]): Tensor[] {
    if (names.length > 0) throw this.reader.missing('model', names, 0);
    return [];
  }

  part(): LayerWeights {
    return this;
  }

  layers(ids: readonly LayerId[]): LayerWeights[] {
    return ids.map(({ name }) => {
      const own = this.group.group(name);
      const paths = own === undefined ? [] : splitList(own, 'weight_names');
      const list = paths.map((path): NamedVariable => ({ group: own as Hdf5Group, path, key: `${name}/${path}` }));
      return new NamedWeights(list, name, this.reader);
    });
  }
}

/** A list of texts; Keras splits one that is longer than HDF5 allows: `weight_names0`, `weight_names1`, … */
function splitList(group: Hdf5Group, attribute: string): readonly string[] {
  const whole = group.texts(attribute);
  if (whole !== undefined) return whole;
  const parts: string[] = [];
  for (let i = 0; ; i++) {
    const part = group.texts(`${attribute}${i}`);
    if (part === undefined) return parts;
    parts.push(...part);
  }
}
