import { CompileError, didYouMean } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { parseFixedType } from '../fixed/fixedType.js';
import type { TypeVariable } from '../layers/precisionRules.js';
import { TYPE_VARIABLES } from '../layers/precisionRules.js';
import type { LayerPrecision } from '../model/graph.js';
import type { ConfigEntry } from '../io/configText.js';
import { ConfigText, describe } from '../io/configText.js';

/** A type as the file gives it: fixed, or to be inferred. */
export interface TypeSetting {
  readonly type: FixedType | 'auto';
  readonly line: number;
}

/** What the file says of one layer, of one layer class, or (the defaults) of the whole model. */
export interface LayerSettings {
  /** As written. */
  readonly name: string;
  readonly line: number;
  /** `Precision` entries; `default` stands for what it does not name. */
  readonly types: ReadonlyMap<TypeVariable | 'default', TypeSetting>;
  /** The layer keys `table_t`, `exp_table_t`, …: what hls4ml really reads for tables. */
  readonly layerTypes: ReadonlyMap<TypeVariable, TypeSetting>;
  readonly tableSize?: number;
  readonly tableRange?: number;
  readonly strategy?: NonNullable<LayerPrecision['strategy']>;
  readonly reuseFactor?: number;
  readonly implementation?: NonNullable<LayerPrecision['softmax']>;
}

/** An hls4ml-style precision file, parsed and checked; layer and class names are not yet matched to a model. */
export interface PrecisionConfig {
  readonly file: string;
  readonly model: LayerSettings;
  /** `Model.Precision.maximum`: caps width and integer bits of inferred types. */
  readonly maximum?: FixedType;
  /** By lower-case class name. */
  readonly layerTypes: ReadonlyMap<string, LayerSettings>;
  /** By lower-case layer name. */
  readonly layerNames: ReadonlyMap<string, LayerSettings>;
}

/** Layer keys that hls4ml writes and that change no number here. */
const HARMLESS_LAYER_KEYS = new Set([
  'Trace', 'BramFactor', 'ParallelizationFactor', 'ConvImplementation', 'TargetCycles', 'Compression', 'TraceOutput',
  'PipelineStyle', 'PipelineInterval', 'ChannelsLastConversion', 'TransposeOutputs', 'WriteWeightsTxt', 'Fifo_opt',
]);
const LAYER_TYPE_KEYS: ReadonlyMap<string, TypeVariable> = new Map([
  ['table_t', 'table'], ['exp_table_t', 'exp_table'], ['inv_table_t', 'inv_table'], ['inv_inp_t', 'inv_inp'],
  ['accum_t', 'accum'],
]);
const LAYER_KEYS = ['Precision', 'TableSize', 'TableRange', 'Strategy', 'ReuseFactor', 'Implementation', ...LAYER_TYPE_KEYS.keys()];
/** Keys of a whole hls4ml project file, whose `HLSConfig` is what matters here. */
const PROJECT_KEYS = new Set([
  'OutputDir', 'ProjectName', 'Backend', 'Version', 'Part', 'Board', 'ClockPeriod', 'ClockUncertainty', 'IOType',
  'Stamp', 'KerasModel', 'KerasJson', 'KerasH5', 'OnnxModel', 'PytorchModel', 'InputData', 'OutputPredictions',
  'WriterConfig', 'HLSConfig', 'InputShape', 'OutputShape', 'AcceleratorConfig', 'FPGAPart', 'XilinxPart',
]);
const STRATEGIES: ReadonlyMap<string, NonNullable<LayerPrecision['strategy']>> = new Map([
  ['latency', 'latency'], ['resource', 'resource'], ['unrolled', 'resource'], ['resource_unrolled', 'resource'],
  ['distributed_arithmetic', 'distributed_arithmetic'], ['da', 'distributed_arithmetic'],
]);
const IMPLEMENTATIONS = ['latency', 'stable', 'legacy', 'argmax'] as const;
const MAX_TABLE_SIZE = 1 << 16;

/**
 * Reads an hls4ml-style precision config (YAML or JSON): `Model`, `LayerType`, `LayerName`, or a whole hls4ml project
 * file with `HLSConfig`.
 *
 * @param file the name that messages show
 * @throws CompileError (`config`) with every problem of the file, each with its line
 */
export function parsePrecisionConfig(text: string, file: string): PrecisionConfig {
  const reader = new PrecisionReader(new ConfigText(file, text));
  const config = reader.read();
  if (reader.source.problems.length > 0) throw new CompileError('config', reader.source.problems);
  return config;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

class PrecisionReader {
  private maximum: FixedType | undefined;

  constructor(readonly source: ConfigText) {}

  read(): PrecisionConfig {
    const root = this.source.root();
    let model: LayerSettings = { name: 'Model', line: 1, types: new Map(), layerTypes: new Map() };
    const layerTypes = new Map<string, LayerSettings>();
    const layerNames = new Map<string, LayerSettings>();
    for (const entry of root === undefined ? [] : this.sections(root)) {
      switch (entry.key) {
        case 'Model':
          model = this.settings('Model', ['Model'], entry, true) ?? model;
          break;
        case 'LayerType':
          this.layers(entry, layerTypes);
          break;
        case 'LayerName':
          this.layers(entry, layerNames);
          break;
        default:
          this.unknownKey(entry, [], ['Model', 'LayerType', 'LayerName']);
      }
    }
    const maximum = this.maximum;
    return { file: this.source.file, model, layerTypes, layerNames, ...(maximum === undefined ? {} : { maximum }) };
  }

  /** The entries Model, LayerType, LayerName: of the file itself, or of its HLSConfig. */
  private sections(root: unknown): readonly ConfigEntry[] {
    const top = this.source.entries(root, []) ?? [];
    const project = top.find((entry) => entry.key === 'HLSConfig');
    if (project === undefined) return top;
    for (const entry of top) if (!PROJECT_KEYS.has(entry.key)) this.unknownKey(entry, [], [...PROJECT_KEYS]);
    return this.source.entries(project.value, ['HLSConfig']) ?? [];
  }

  private layers(section: ConfigEntry, into: Map<string, LayerSettings>): void {
    if (this.source.scalar(section.value) === null) return;
    for (const entry of this.source.entries(section.value, [section.key]) ?? []) {
      const path = [section.key, entry.key];
      const key = entry.key.toLowerCase();
      const earlier = into.get(key);
      if (earlier !== undefined) {
        const what = `names differ only in case from '${earlier.name}' on line ${earlier.line}; hls4ml takes them for the same.`;
        this.source.problem(entry.keyNode, path, 'duplicate-layer', what);
        continue;
      }
      const settings = this.settings(entry.key, path, entry, false);
      if (settings !== undefined) into.set(key, settings);
    }
  }

  private settings(name: string, path: readonly string[], entry: ConfigEntry, isModel: boolean): LayerSettings | undefined {
    const types = new Map<TypeVariable | 'default', TypeSetting>();
    const layerTypes = new Map<TypeVariable, TypeSetting>();
    const settings: Mutable<LayerSettings> = { name, line: this.source.lineOf(entry.keyNode), types, layerTypes };
    if (this.source.scalar(entry.value) === null) return settings;
    const entries = this.source.entries(entry.value, path);
    if (entries === undefined) return undefined;
    for (const field of entries) {
      const variable = LAYER_TYPE_KEYS.get(field.key);
      if (field.key === 'Precision') this.precision(field, [...path, 'Precision'], types, isModel);
      else if (variable !== undefined && !isModel) this.type(field, [...path, field.key], variable, layerTypes);
      else this.field(field, path, settings, isModel);
    }
    return settings;
  }

  private field(field: ConfigEntry, path: readonly string[], settings: Mutable<LayerSettings>, isModel: boolean): void {
    const at = [...path, field.key];
    switch (field.key) {
      case 'TableSize':
        this.whole(field, at, 2, MAX_TABLE_SIZE, (value) => (settings.tableSize = value));
        return;
      case 'ReuseFactor':
        this.whole(field, at, 1, 1 << 24, (value) => (settings.reuseFactor = value));
        return;
      case 'TableRange': {
        const value = this.source.scalar(field.value);
        if (typeof value === 'number' && value > 0 && Number.isFinite(value)) settings.tableRange = value;
        else this.bad(field, at, 'a positive number');
        return;
      }
      case 'Strategy': {
        const strategy = STRATEGIES.get(String(this.source.scalar(field.value)).toLowerCase());
        if (strategy !== undefined) settings.strategy = strategy;
        else this.bad(field, at, 'latency, resource, resource_unrolled or distributed_arithmetic');
        return;
      }
      case 'Implementation': {
        const text = String(this.source.scalar(field.value)).toLowerCase();
        const implementation = IMPLEMENTATIONS.find((name) => name === text);
        if (implementation !== undefined) settings.implementation = implementation;
        else this.bad(field, at, IMPLEMENTATIONS.join(', '));
        return;
      }
      default:
        if (!HARMLESS_LAYER_KEYS.has(field.key)) this.unknownKey(field, path, isModel ? ['Precision', 'Strategy', 'ReuseFactor'] : LAYER_KEYS);
    }
  }

  /** `Precision`: one text for all variables, or a mapping. */
  private precision(field: ConfigEntry, path: readonly string[], types: Map<TypeVariable | 'default', TypeSetting>, isModel: boolean): void {
    if (this.source.scalar(field.value) !== undefined) {
      this.type(field, path, 'default', types);
      return;
    }
    for (const entry of this.source.entries(field.value, path) ?? []) {
      const name = entry.key.replace(/_t$/, '');
      const at = [...path, entry.key];
      const variable = TYPE_VARIABLES.find((known) => known === name);
      if (variable !== undefined) this.type(entry, at, variable, types);
      else if (name === 'default') this.type(entry, at, 'default', types);
      else if (name === 'maximum' && isModel) this.maximumType(entry, at);
      else this.unknownKey(entry, path, [...TYPE_VARIABLES, 'default', ...(isModel ? ['maximum'] : [])]);
    }
  }

  private maximumType(entry: ConfigEntry, path: readonly string[]): void {
    const types = new Map<'maximum', TypeSetting>();
    this.type(entry, path, 'maximum', types);
    const type = types.get('maximum')?.type;
    if (type === 'auto') this.bad(entry, path, 'a type');
    else this.maximum = type;
  }

  private type<Key>(entry: ConfigEntry, path: readonly string[], key: Key, into: Map<Key, TypeSetting>): void {
    const text = this.source.scalar(entry.value);
    if (typeof text !== 'string') {
      this.bad(entry, path, "a type such as fixed<16,6>, or 'auto'");
      return;
    }
    const line = this.source.lineOf(entry.value);
    if (text.trim().toLowerCase() === 'auto') {
      into.set(key, { type: 'auto', line });
      return;
    }
    const type = parseFixedType(text);
    const isCut = text.includes('<') && !text.includes('>');
    const mend = isCut ? 'Quote it: inside {…} a comma ends a YAML value.' : undefined;
    if (typeof type === 'string') this.source.problem(entry.value, path, 'bad-type', `${type}.`, mend);
    else into.set(key, { type, line });
  }

  private whole(field: ConfigEntry, path: readonly string[], least: number, most: number, set: (value: number) => void): void {
    const value = this.source.scalar(field.value);
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) set(value);
    else this.bad(field, path, `a whole number from ${least} to ${most}`);
  }

  private bad(field: ConfigEntry, path: readonly string[], allowed: string): void {
    this.source.problem(field.value ?? field.keyNode, path, 'bad-config-value', `${describe(field.value)} is not allowed; allowed: ${allowed}.`);
  }

  private unknownKey(entry: ConfigEntry, path: readonly string[], known: readonly string[]): void {
    this.source.problem(entry.keyNode, path, 'unknown-config-key', `unknown key '${entry.key}'.`, didYouMean(entry.key, known));
  }
}
