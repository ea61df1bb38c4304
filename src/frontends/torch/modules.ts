import { CompileError } from '../../errors.js';
import type { Value } from '../onnx/values.js';
import { constant } from '../onnx/values.js';
import { findAten } from './aten/index.js';
import type { Argument } from './call.js';
import { Call } from './call.js';
import type { Operators } from './operators.js';
import type { PickleObject, PickleValue } from './pickle.js';
import type { TorchSave } from './save.js';
import { entriesOf, isList, isObject } from './save.js';
import { valuesOf } from './tensors.js';

/** A stock module as its pickle has it: class, attributes, parameters, children. */
export class TorchModule {
  private readonly attributes: ReadonlyMap<PickleValue, PickleValue>;

  constructor(
    private readonly object: PickleObject,
    /** Path in the model: `encoder.0`. */
    readonly path: string,
  ) {
    const state = object.state;
    this.attributes = entriesOf(isList(state) ? (state.items[0] ?? null) : state);
  }

  /** `Linear` */
  get className(): string {
    return this.object.of.split('.').pop() ?? '';
  }

  get fullName(): string {
    return this.object.of;
  }

  children(): readonly TorchModule[] {
    const found = entriesOf(this.attributes.get('_modules') ?? null);
    return [...found].flatMap(([name, value]) => (isObject(value) ? [new TorchModule(value, this.path === '' ? String(name) : `${this.path}.${String(name)}`)] : []));
  }

  /** A parameter or buffer as the file has it. */
  stored(name: string): PickleValue | undefined {
    return entriesOf(this.attributes.get('_parameters') ?? null).get(name) ?? entriesOf(this.attributes.get('_buffers') ?? null).get(name) ?? undefined;
  }

  /** A plain attribute: number, flag, text or list of numbers. */
  attribute(name: string): Argument | undefined {
    const value = this.attributes.get(name);
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string' || value === null) return value;
    const list = isList(value) ? value.items : isObject(value) && value.of === 'torch.Size' && isList(value.args[0]) ? value.args[0].items : undefined;
    return list?.every((n): n is number => typeof n === 'number') === true ? list : undefined;
  }
}

/** How a module is an ATen operator: which, its tensors, and which attributes become which arguments. */
interface ModuleForm {
  readonly target: string;
  /** What the input is called. */
  readonly input?: string;
  readonly tensors?: readonly string[];
  /** Argument to attribute where their names differ, else a list of names. */
  readonly attributes?: Readonly<Record<string, string>>;
}

const same = (...names: string[]): Readonly<Record<string, string>> => Object.fromEntries(names.map((name) => [name, name]));
const unary = (target: string, attributes: Readonly<Record<string, string>> = {}): ModuleForm => ({ target, attributes });
const conv = (rank: number): ModuleForm => ({ target: `conv${rank}d.default`, input: 'input', tensors: ['weight', 'bias'], attributes: same('stride', 'padding', 'dilation', 'groups', 'padding_mode') });
const convTranspose = (rank: number): ModuleForm => ({ target: `conv_transpose${rank}d.input`, input: 'input', tensors: ['weight', 'bias'], attributes: same('stride', 'padding', 'output_padding', 'groups', 'dilation') });
const pool = (target: string): ModuleForm => ({ target, attributes: same('kernel_size', 'stride', 'padding', 'dilation', 'ceil_mode', 'count_include_pad', 'divisor_override') });
const batchNorm: ModuleForm = { target: 'batch_norm.default', input: 'input', tensors: ['weight', 'bias', 'running_mean', 'running_var'], attributes: same('eps') };
const dropout: ModuleForm = { target: 'dropout.default', input: 'input' };

/** Stock modules of one input and one output. */
const MODULES: Readonly<Record<string, ModuleForm>> = {
  Linear: { target: 'linear.default', input: 'input', tensors: ['weight', 'bias'] },
  NonDynamicallyQuantizableLinear: { target: 'linear.default', input: 'input', tensors: ['weight', 'bias'] },
  Conv1d: conv(1),
  Conv2d: conv(2),
  Conv3d: conv(3),
  ConvTranspose1d: convTranspose(1),
  ConvTranspose2d: convTranspose(2),
  ConvTranspose3d: convTranspose(3),
  BatchNorm1d: batchNorm,
  BatchNorm2d: batchNorm,
  BatchNorm3d: batchNorm,
  LayerNorm: { target: 'layer_norm.default', input: 'input', tensors: ['weight', 'bias'], attributes: same('normalized_shape', 'eps') },
  GroupNorm: { target: 'group_norm.default', input: 'input', tensors: ['weight', 'bias'], attributes: same('num_groups', 'eps') },
  Embedding: { target: 'embedding.default', input: 'indices', tensors: ['weight'] },
  MaxPool1d: pool('max_pool1d.default'),
  MaxPool2d: pool('max_pool2d.default'),
  MaxPool3d: pool('max_pool3d.default'),
  AvgPool1d: pool('avg_pool1d.default'),
  AvgPool2d: pool('avg_pool2d.default'),
  AvgPool3d: pool('avg_pool3d.default'),
  AdaptiveAvgPool1d: unary('adaptive_avg_pool1d.default', same('output_size')),
  AdaptiveAvgPool2d: unary('adaptive_avg_pool2d.default', same('output_size')),
  AdaptiveMaxPool1d: unary('adaptive_max_pool1d.default', same('output_size')),
  AdaptiveMaxPool2d: unary('adaptive_max_pool2d.default', same('output_size')),
  ReLU: unary('relu.default'),
  ReLU6: unary('relu6.default'),
  LeakyReLU: unary('leaky_relu.default', same('negative_slope')),
  PReLU: { target: 'prelu.default', tensors: ['weight'] },
  ELU: unary('elu.default', same('alpha')),
  SELU: unary('selu.default'),
  CELU: unary('celu.default', same('alpha')),
  GELU: unary('gelu.default', same('approximate')),
  SiLU: unary('silu.default'),
  Mish: unary('mish.default'),
  Sigmoid: unary('sigmoid.default'),
  LogSigmoid: unary('log_sigmoid.default'),
  Tanh: unary('tanh.default'),
  Softplus: unary('softplus.default', same('beta', 'threshold')),
  Hardtanh: unary('hardtanh.default', same('min_val', 'max_val')),
  Hardsigmoid: unary('hardsigmoid.default'),
  Hardswish: unary('hardswish.default'),
  Softshrink: unary('softshrink.default', same('lambd')),
  Hardshrink: unary('hardshrink.default', same('lambd')),
  Threshold: unary('threshold.default', same('threshold', 'value')),
  Softmax: unary('softmax.int', same('dim')),
  LogSoftmax: unary('log_softmax.int', same('dim')),
  Flatten: unary('flatten.using_ints', same('start_dim', 'end_dim')),
  Unflatten: unary('unflatten.int', { dim: 'dim', sizes: 'unflattened_size' }),
  PixelShuffle: unary('pixel_shuffle.default', same('upscale_factor')),
  ZeroPad2d: unary('constant_pad_nd.default', { pad: 'padding' }),
  ConstantPad1d: unary('constant_pad_nd.default', { pad: 'padding', value: 'value' }),
  ConstantPad2d: unary('constant_pad_nd.default', { pad: 'padding', value: 'value' }),
  ReflectionPad1d: unary('reflection_pad1d.default', same('padding')),
  ReflectionPad2d: unary('reflection_pad2d.default', same('padding')),
  ReplicationPad1d: unary('replication_pad1d.default', same('padding')),
  ReplicationPad2d: unary('replication_pad2d.default', same('padding')),
  Identity: unary('alias.default'),
  Dropout: dropout,
  Dropout1d: dropout,
  Dropout2d: dropout,
  AlphaDropout: dropout,
};

/** Modules that hold others, one behind the other. */
const CONTAINERS = new Set(['Sequential']);

/** No model nests deeper. */
const MAX_DEPTH = 32;

/** The leaves of a chain of modules, in order. Throws CompileError naming every module that is no part of one. */
export function leavesOf(root: TorchModule, fileName: string): readonly TorchModule[] {
  const wrong: TorchModule[] = [];
  const walk = (module: TorchModule, depth: number): readonly TorchModule[] => {
    if (CONTAINERS.has(module.className) && depth < MAX_DEPTH) return module.children().flatMap((child) => walk(child, depth + 1));
    if (!Object.hasOwn(MODULES, module.className)) wrong.push(module);
    return [module];
  };
  const leaves = walk(root, 0);
  if (wrong.length === 0) return leaves;
  throw new CompileError('unsupported', wrong.slice(0, 20).map((module) => ({
    code: 'unknown-module',
    where: [fileName, module.path === '' ? module.className : module.path],
    what: `is a ${module.fullName.slice(0, 100)}; of a pickled model, Sequential and stock modules of one input and one output are supported.`,
    mend: 'Export the model with torch.export.save (.pt2) or torch.onnx.export, which hold the whole computation.',
  })));
}

/** One module applied to a value. */
export function applyModule(module: TorchModule, x: Value, operators: Operators, save: TorchSave, fileName: string): Value {
  const form = MODULES[module.className] as ModuleForm;
  const args = new Map<string, Argument>([[form.input ?? 'self', x]]);
  for (const name of form.tensors ?? []) {
    const value = module.stored(name);
    const stored = value === undefined || value === null ? undefined : save.tensorOf(value);
    if (stored === undefined) continue;
    const data = valuesOf(stored, [fileName, `${module.path}.${name}`], (count) => operators.builder.tensors.reserve(count, module.path));
    args.set(name, constant(`${module.path}.${name}`, stored.shape, data, { integer: stored.type.integer }));
  }
  for (const [argument, attribute] of Object.entries(form.attributes ?? {})) {
    const value = module.attribute(attribute);
    if (value !== undefined && value !== null) args.set(argument, value);
  }
  const padding = args.get('padding');
  const target = typeof padding === 'string' ? form.target.replace('.default', '.padding') : form.target;
  const call = new Call(target, module.path === '' ? module.className.toLowerCase() : module.path, args, [true], operators, fileName);
  const mode = args.get('padding_mode');
  if (mode !== undefined && mode !== 'zeros') call.fail('unsupported', 'padding-mode', `pads in mode '${String(mode).slice(0, 20)}'; zeros are supported.`);
  const made = findAten(target)?.(call) ?? call.fail('unsupported', 'unknown-operator', 'is not supported.');
  return 'kind' in made ? made : (made[0] as Value);
}
