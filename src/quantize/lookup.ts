import type { FixedType } from '../fixed/fixedType.js';
import { formatFixedType, sameType } from '../fixed/fixedType.js';
import type { Problem } from '../errors.js';
import type { TypeVariable } from '../layers/precisionRules.js';
import type { LayerSettings, PrecisionConfig, TypeSetting } from './precisionConfig.js';

/** The look-up of one layer in a precision config, in hls4ml's order. */
export class LayerLookup {
  private readonly own: LayerSettings | undefined;
  private readonly family: readonly LayerSettings[];

  /** @param classes the layer's class name and the families it belongs to, nearest first */
  constructor(private readonly config: PrecisionConfig, readonly layer: string, classes: readonly string[]) {
    this.own = config.layerNames.get(layer.toLowerCase());
    this.family = classes.flatMap((name) => config.layerTypes.get(name.toLowerCase()) ?? []);
  }

  /** By layer, then by class, then the model's; at each the variable itself before `default`. */
  type(variable: TypeVariable): TypeSetting | undefined {
    for (const settings of [this.own, ...this.family, this.config.model]) {
      const setting = settings?.types.get(variable) ?? settings?.types.get('default');
      if (setting !== undefined) return setting;
    }
    return undefined;
  }

  /**
   * A type with a default of its own: hls4ml 1.3 reads the layer key (`table_t`) and ignores `Precision: {table: …}`.
   * A softmax's `accum` is read in both places.
   *
   * @param problems gets one more where `Precision` says something else than what hls4ml would take
   */
  fixedType(variable: TypeVariable, fallback: FixedType, problems: Problem[]): FixedType {
    const levels = [this.own, ...this.family];
    const key = levels.map((settings) => settings?.layerTypes.get(variable)).find((setting) => setting !== undefined);
    const named = levels.map((settings) => settings?.types.get(variable)).find((setting) => setting !== undefined);
    if (key === undefined && variable === 'accum') return valueOf(named, fallback);
    const type = valueOf(key, fallback);
    if (named !== undefined && named.type !== 'auto' && !sameType(named.type, type)) {
      problems.push({
        code: 'ignored-table-type',
        where: [`${this.config.file}:${named.line}`, this.layer, 'Precision', variable],
        what: `hls4ml ignores ${formatFixedType(named.type)} here and takes ${formatFixedType(type)}, from the layer key ${variable}_t or its default.`,
        mend: `Write '${variable}_t: ${formatFixedType(named.type)}' beside Precision if you mean it, else remove this line.`,
      });
    }
    return type;
  }

  /** The model-wide default type, if it is one. */
  modelDefault(): FixedType | undefined {
    const setting = this.config.model.types.get('default');
    return setting === undefined || setting.type === 'auto' ? undefined : setting.type;
  }

  /** Where to point for a type that is missing or cannot be inferred. */
  where(variable: TypeVariable): string[] {
    const line = this.type(variable)?.line ?? this.own?.line ?? this.config.model.line;
    return [`${this.config.file}:${line}`, this.layer, variable];
  }

  setting<Key extends 'tableSize' | 'tableRange' | 'strategy' | 'reuseFactor' | 'implementation'>(key: Key): LayerSettings[Key] | undefined {
    const isModelWide = key === 'strategy' || key === 'reuseFactor';
    for (const settings of [this.own, ...this.family, isModelWide ? this.config.model : undefined]) {
      if (settings?.[key] !== undefined) return settings[key];
    }
    return undefined;
  }
}

function valueOf(setting: TypeSetting | undefined, fallback: FixedType): FixedType {
  return setting === undefined || setting.type === 'auto' ? fallback : setting.type;
}
