import { z } from 'zod';
import { CompileError } from '../../../errors.js';
import { parsePythonCall } from './pythonCall.js';

const MOST_BITS = 63;
const MOST_INTEGER_BITS = 64;

const flag = z.union([z.boolean(), z.int().min(0).max(1)]).transform(Boolean);
const bits = z.number().int().min(1).max(MOST_BITS);
const integerBits = z.number().int().min(-MOST_INTEGER_BITS).max(MOST_INTEGER_BITS);
const alpha = z.union([z.literal('auto'), z.literal('auto_po2'), z.number(), z.array(z.number()).min(1)]).nullable().default(null);
const axes = z.union([z.int().min(-8).max(8), z.array(z.int().min(-8).max(8)).min(1).max(8)]).nullable().default(null);
const groups = z.union([z.int().min(1), z.array(z.int().min(1)).min(1).max(8)]).nullable().default(null);
const exponent = z.int().min(-126).max(127).nullable().default(null);
const nothing = z.unknown().optional();
const noise = z.number().default(1);
/** Random while training, deterministic at inference. */
const stochastic = flag.default(false);
const slope = z.number().min(0).default(0).refine((s) => s === 0 || Number.isInteger(Math.log2(s)), 'must be 0 or a power of two');
const maxValue = z.number().positive().nullable().default(null);
const po2Bits = z.int().min(1).max(8);
const log2Rounding = z.enum(['rnd', 'floor']).default('rnd');
const unrolls = z.int().min(0).max(64).default(5);

/**
 * QKeras' quantisers (0.9.0, master and qkeras-v3): the arguments of each in the order of its constructor, with its
 * defaults.
 */
const schemas = {
  quantized_bits: z.object({
    bits: bits.default(8), integer: integerBits.default(0), symmetric: flag.default(false), keep_negative: flag.default(true), alpha,
    use_stochastic_rounding: stochastic, scale_axis: axes, qnoise_factor: noise, var_name: nothing, use_ste: flag.default(true), use_variables: nothing,
    elements_per_scale: groups, min_po2_exponent: exponent, max_po2_exponent: exponent,
    post_training_scale: z.unknown().optional(),
  }),
  quantized_linear: z.object({
    bits: bits.default(8), integer: integerBits.default(0), symmetric: flag.default(true), keep_negative: flag.default(true), alpha,
    use_stochastic_rounding: stochastic, scale_axis: axes, qnoise_factor: noise,
  }),
  quantized_relu: z.object({
    bits: bits.default(8), integer: integerBits.default(0), use_sigmoid: flag.default(false), negative_slope: slope, use_stochastic_rounding: stochastic,
    relu_upper_bound: z.number().nullable().default(null), is_quantized_clip: flag.default(true), qnoise_factor: noise,
  }),
  quantized_ulaw: z.object({ bits: z.int().min(2).max(12).default(8), integer: integerBits.default(0), symmetric: flag.default(false), u: z.number().positive().default(255) }),
  quantized_tanh: z.object({ bits: bits.min(2).default(8), use_stochastic_rounding: stochastic, symmetric: flag.default(false), use_real_tanh: flag.default(false) }),
  quantized_sigmoid: z.object({ bits: bits.default(8), symmetric: flag.default(false), use_real_sigmoid: flag.default(false), use_stochastic_rounding: stochastic }),
  quantized_po2: z.object({
    bits: po2Bits.min(2).default(8), max_value: maxValue, use_stochastic_rounding: stochastic, quadratic_approximation: flag.default(false), log2_rounding: log2Rounding, qnoise_factor: noise,
  }),
  quantized_relu_po2: z.object({
    bits: po2Bits.default(8), max_value: maxValue, negative_slope: slope, use_stochastic_rounding: stochastic, quadratic_approximation: flag.default(false),
    log2_rounding: log2Rounding, qnoise_factor: noise,
  }),
  quantized_hswish: z.object({
    bits: bits.max(12).default(8), integer: integerBits.default(0), symmetric: flag.default(false), alpha, use_stochastic_rounding: stochastic, scale_axis: axes,
    qnoise_factor: noise, var_name: nothing, use_variables: nothing, relu_shift: z.number().positive().default(3), relu_upper_bound: z.number().positive().default(6),
  }),
  binary: z.object({
    use_01: flag.default(false), alpha, use_stochastic_rounding: stochastic, scale_axis: axes, elements_per_scale: groups, min_po2_exponent: exponent, max_po2_exponent: exponent,
  }),
  stochastic_binary: z.object({ alpha, temperature: nothing, use_real_sigmoid: nothing }),
  ternary: z.object({ alpha, threshold: z.number().min(0).nullable().default(null), use_stochastic_rounding: stochastic, number_of_unrolls: unrolls }),
  stochastic_ternary: z.object({ alpha, threshold: z.number().min(0).nullable().default(null), temperature: nothing, use_real_sigmoid: nothing, number_of_unrolls: unrolls }),
} as const;

type Schemas = typeof schemas;
type ClassName = keyof Schemas;
type Args<Name extends ClassName> = z.infer<Schemas[Name]>;

/** QKeras' plain functions that serve as activations. */
const functions = ['hard_sigmoid', 'hard_tanh', 'smooth_sigmoid', 'smooth_tanh', 'binary_sigmoid', 'binary_tanh'] as const;
export type SigmoidLike = (typeof functions)[number];

export type Alpha = z.infer<typeof alpha>;

/** A quantiser with its arguments; the stochastic classes, deterministic at inference, are their plain ones. */
export type Quantiser =
  | ({ readonly kind: 'quantized_bits' } & Args<'quantized_bits'>)
  | ({ readonly kind: 'quantized_linear' } & Args<'quantized_linear'>)
  | ({ readonly kind: 'quantized_relu' } & Args<'quantized_relu'>)
  | ({ readonly kind: 'quantized_ulaw' } & Args<'quantized_ulaw'>)
  | ({ readonly kind: 'quantized_tanh' } & Args<'quantized_tanh'>)
  | ({ readonly kind: 'quantized_sigmoid' } & Args<'quantized_sigmoid'>)
  | ({ readonly kind: 'quantized_po2' } & Args<'quantized_po2'>)
  | ({ readonly kind: 'quantized_relu_po2' } & Args<'quantized_relu_po2'>)
  | ({ readonly kind: 'quantized_hswish' } & Args<'quantized_hswish'>)
  | ({ readonly kind: 'binary' } & Args<'binary'>)
  | ({ readonly kind: 'ternary' } & Args<'ternary'>)
  | { readonly kind: 'function'; readonly name: SigmoidLike };

/** The same quantiser under another name. */
const plainClass: Readonly<Record<string, ClassName>> = { stochastic_binary: 'binary', stochastic_ternary: 'ternary' };

/** Names that a quantiser can have: those of the tables of activations. */
export const quantiserNames: readonly string[] = [...Object.keys(schemas), 'bernoulli', ...functions];

/**
 * A quantiser out of a layer's configuration: a serialised object, text such as `quantized_relu(6, 0)`, or null. Throws
 * CompileError with `where` for what is no quantiser, is random at inference, or has impossible arguments.
 */
export function parseQuantiser(spec: unknown, where: readonly string[]): Quantiser | undefined {
  if (spec === null || spec === undefined) return undefined;
  if (typeof spec === 'string') return fromText(spec, where);
  if (typeof spec === 'object' && 'class_name' in spec && typeof spec.class_name === 'string') {
    if (spec.class_name === 'function' && 'config' in spec && typeof spec.config === 'string') return fromText(spec.config, where);
    const name = spec.class_name.split('>').pop() as string;
    return fromArguments(name, 'config' in spec ? (spec.config ?? {}) : {}, where);
  }
  throw wrong(where, `is no quantiser: ${describe(spec)}`, 'A quantiser is an object with class_name and config, text such as quantized_bits(6,0,alpha=1), or null.');
}

function fromText(text: string, where: readonly string[]): Quantiser {
  const call = parsePythonCall(text);
  if (call === undefined) throw wrong(where, `is no quantiser: ${describe(text)}`, 'Write it as quantized_relu(6, 0) or quantized_bits(4, 0, alpha=1).');
  const schema = Object.hasOwn(schemas, call.name) ? schemas[call.name as ClassName] : undefined;
  const order = schema === undefined ? [] : Object.keys(schema.shape);
  if (call.positional.length > order.length) {
    if (schema !== undefined) throw wrong(where, `${call.name} takes ${order.length} arguments, found ${call.positional.length}`, 'Correct the quantiser.');
  }
  const args = Object.fromEntries([...call.positional.map((value, i) => [order[i] ?? '', value] as const), ...call.named]);
  return fromArguments(call.name, args, where);
}

function fromArguments(name: string, args: unknown, where: readonly string[]): Quantiser {
  if ((functions as readonly string[]).includes(name)) return { kind: 'function', name: name as SigmoidLike };
  if (name === 'bernoulli') {
    throw new CompileError('unsupported', {
      code: 'random-quantiser',
      where,
      what: 'bernoulli draws random numbers at inference too, so that no circuit can equal it.',
      mend: 'Use binary(use_01=1), the same without the draw.',
    });
  }
  if (!Object.hasOwn(schemas, name)) {
    throw new CompileError('unsupported', { code: 'unknown-quantiser', where, what: `'${name.slice(0, 100)}' is not a known quantiser.`, mend: `Known are ${quantiserNames.join(', ')}.` });
  }
  const parsed = schemas[name as ClassName].safeParse(args);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw wrong(where, `${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not as QKeras writes it'}`, 'Correct the quantiser in the model.');
  }
  // The schema is the kind's own; TypeScript cannot follow the union through the lookup.
  const quantiser = { kind: plainClass[name] ?? name, ...defaultsOf(name, parsed.data) } as Quantiser;
  return checked(quantiser, where);
}

/** Arguments that the plain class has and its stochastic form leaves at their defaults. */
function defaultsOf(name: string, args: object): object {
  const plain = plainClass[name];
  return plain === undefined ? args : { ...schemas[plain].parse({}), ...args };
}

/** What holds between arguments. */
function checked(quantiser: Quantiser, where: readonly string[]): Quantiser {
  if ('qnoise_factor' in quantiser && quantiser.qnoise_factor !== 1) {
    throw new CompileError('unsupported', {
      code: 'half-quantised',
      where,
      what: `qnoise_factor is ${quantiser.qnoise_factor}: the values are only partly quantised.`,
      mend: 'Train to qnoise_factor 1 and save the model again.',
    });
  }
  const automatic = 'alpha' in quantiser && typeof quantiser.alpha === 'string';
  if (automatic && quantiser.kind === 'quantized_bits' && quantiser.bits < 2) {
    throw wrong(where, `quantized_bits of ${quantiser.bits} bit has no levels for alpha=${quantiser.alpha}`, 'Use binary, or 2 bits or more.');
  }
  if (automatic && quantiser.kind === 'ternary' && quantiser.threshold !== null) {
    throw wrong(where, `ternary with alpha=${quantiser.alpha} finds its threshold itself, found threshold=${quantiser.threshold}`, 'Leave the threshold out.');
  }
  return quantiser;
}

function wrong(where: readonly string[], what: string, mend: string): CompileError {
  return new CompileError('input', { code: 'quantiser', where, what: `${what}.`, mend });
}

function describe(spec: unknown): string {
  return (JSON.stringify(spec) ?? String(spec)).slice(0, 100);
}
