import type { FixedType } from '../../fixed/fixedType.js';
import type { LayerPrecision } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import { tensor } from '../../model/tensor.js';
import type { NetworkBuilder, TensorRef } from '../network.js';
import type { Call, Config, Definitions } from './cpp.js';

/** What one layer of a project is made from. */
export interface LayerCall {
  readonly call: Call;
  /** Of the layer: the comment behind the call, or the name of what it computes. */
  readonly name: string;
  readonly inputs: readonly TensorRef[];
  readonly config: Config;
  readonly project: Project;
}

/** A layer of hls4ml as ours. */
export type Handler = (at: LayerCall) => TensorRef;

/** A function of nnet_utils: how its arguments stand, and what it is. */
export interface LayerFunction {
  /** How many arrays of data it reads, its first arguments. */
  readonly inputs: (call: Call) => number;
  /** Whether its result stands behind them and weights behind that; else the result is its last argument. */
  readonly hasWeights: boolean;
  readonly build: Handler;
}

/** One array in, one out. */
export const plain = (build: Handler): LayerFunction => ({ inputs: () => 1, hasWeights: false, build });

/** One array in, one out, and weights. */
export const weighted = (build: Handler): LayerFunction => ({ inputs: () => 1, hasWeights: true, build });

/** Two arrays in, one out. */
export const ofTwo = (build: Handler): LayerFunction => ({ inputs: () => 2, hasWeights: false, build });

/** No size, stride or pad of a layer is above this. */
const MOST_ELEMENTS = 2 ** 24;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The parsed project while its layers are built. Every reader throws a CompileError that names the layer. */
export class Project {
  constructor(
    readonly net: NetworkBuilder,
    readonly definitions: Definitions,
    /** Numbers of a weight array by its name in the code, `w2`. */
    private readonly weightsOf: (name: string, layer: string) => Float64Array,
  ) {}

  fail(kind: 'input' | 'unsupported', layer: string, code: string, what: string, mend?: string): never {
    throw this.net.error(kind, code, layer, what, mend);
  }

  /** A whole number of the layer's config struct. */
  number({ config, name }: LayerCall, ...fields: readonly string[]): number {
    const value = this.optionalNumber({ config }, ...fields);
    if (value === undefined) return this.fail('input', name, 'missing-field', `its config struct has no ${fields.join(' or ')}.`, 'Give the project folder as hls4ml wrote it.');
    if (value < 0 || value > MOST_ELEMENTS) return this.fail('input', name, 'bad-field', `its ${fields.join(' or ')} is ${value}; it must be between 0 and ${MOST_ELEMENTS}.`, 'Give the project folder as hls4ml wrote it.');
    return value;
  }

  /** Likewise, or undefined where the struct has none of these fields. */
  optionalNumber({ config }: Pick<LayerCall, 'config'>, ...fields: readonly string[]): number | undefined {
    const field = fields.find((own) => config.fields.has(own));
    return field === undefined ? undefined : this.definitions.number(config.fields.get(field) as string, config);
  }

  /** A whole number of any config struct. */
  optionalOf(config: Config, field: string): number | undefined {
    return this.optionalNumber({ config }, field);
  }

  /** The last word of a field: `resource` of `nnet::resource`. */
  word({ config }: LayerCall, field: string): string | undefined {
    return config.fields.get(field)?.split('::').pop()?.trim().toLowerCase();
  }

  /** The type that a name of the code stands for. */
  type(text: string | undefined, layer: string): FixedType {
    const type = text === undefined ? undefined : this.definitions.type(text);
    return type ?? this.fail('unsupported', layer, 'type', `its type '${text ?? ''}' is no fixed-point type.`, 'Floating-point and power-of-two types are not read.');
  }

  /** A type of the config struct. */
  configType(at: LayerCall, ...fields: readonly string[]): FixedType | undefined {
    const field = fields.find((own) => at.config.types.has(own));
    return field === undefined ? undefined : this.type(at.config.types.get(field), at.name);
  }

  /** The type of the layer's config struct, which must be there. */
  neededType(at: LayerCall, field: string): FixedType {
    return this.configType(at, field) ?? this.fail('input', at.name, 'missing-field', `its config struct has no ${field}.`);
  }

  /** The struct that the layer's config struct calls so. */
  innerConfig({ config, name }: LayerCall, field: string): Config {
    return this.definitions.config(config.types.get(field) ?? '') ?? this.fail('input', name, 'missing-field', `its config struct has no ${field}.`);
  }

  /** A weight array, checked for its size. */
  weights(name: string | undefined, shape: readonly number[], layer: string): Tensor {
    const data = this.weightsOf(name ?? '', layer);
    const size = shape.reduce((a, b) => a * b, 1);
    if (data.length !== size) this.fail('input', layer, 'weights-size', `its weights '${name ?? ''}' have ${data.length} numbers; [${shape.join(', ')}] needs ${size}.`);
    return tensor(shape, data);
  }

  /** Weights `[…, nOut]`, which hls4ml stores as `[nOut, …]` for its resource strategy. */
  weightsLast(at: LayerCall, name: string | undefined, shape: readonly number[]): Tensor {
    const stored = this.weights(name, shape, at.name);
    if (this.word(at, 'strategy')?.startsWith('resource') !== true) return stored;
    const nOut = shape.at(-1) as number;
    const rows = stored.data.length / nOut;
    return { ...stored, data: stored.data.map((_, k) => stored.data[(k % nOut) * rows + Math.floor(k / nOut)] as number) };
  }

  /** Types that the config struct and the call name, for hls4ml's arithmetic. */
  precision(at: LayerCall, result: string | undefined, extra: Partial<Mutable<LayerPrecision>> = {}): LayerPrecision {
    const precision: Mutable<LayerPrecision> = { source: 'config', ...(result !== undefined && { result: this.type(result, at.name) }), ...extra };
    const accum = this.configType(at, 'accum_t');
    const weight = this.configType(at, 'weight_t');
    const bias = this.configType(at, 'bias_t');
    if (accum !== undefined) precision.accum = accum;
    if (weight !== undefined) precision.weight = weight;
    if (bias !== undefined) precision.bias = bias;
    const strategy = this.word(at, 'strategy');
    if (strategy !== undefined) {
      precision.strategy = strategy === 'distributed_arithmetic' ? 'distributed_arithmetic' : strategy.startsWith('resource') ? 'resource' : 'latency';
      precision.reuseFactor = this.optionalNumber(at, 'reuse_factor') ?? 1;
    }
    return precision;
  }

  /** One tensor as `[1, …shape]`; nothing where it has that shape. */
  shaped(x: TensorRef, shape: readonly number[], name: string): TensorRef {
    const wanted = [1, ...shape];
    if (x.shape.length === wanted.length && x.shape.every((n, i) => n === wanted[i])) return x;
    return this.net.add('reshape', { shape: wanted }, [x], `${name}/shape`);
  }

  /** A cast to a type, as an assignment in C++ is. */
  cast(x: TensorRef, type: FixedType, name: string): TensorRef {
    return this.net.add('activation', { function: 'linear' }, [x], name, { source: 'config', result: type });
  }

  /** scale · x + offset of every element, exact before it is cast to the type; whole numbers only. */
  affine(x: TensorRef, scale: number, offset: number, name: string, type: FixedType | undefined): TensorRef {
    const channels = x.shape.at(-1) as number;
    const all = (value: number): Tensor => tensor([channels], new Float64Array(channels).fill(value), true);
    const params = { scale: all(scale), bias: all(offset), axis: x.shape.length - 1 };
    return this.net.add('batchNormalization', params, [x], name, { source: 'config', ...(type !== undefined && { result: type }) });
  }

  /** Channels last to first, and back. */
  toFirst(x: TensorRef, name: string): TensorRef {
    const rank = x.shape.length;
    return this.net.add('transpose', { perm: [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)] }, [x], `${name}/channels_first`);
  }

  toLast(x: TensorRef, name: string): TensorRef {
    const rank = x.shape.length;
    return this.net.add('transpose', { perm: [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1] }, [x], `${name}/channels_last`);
  }
}
