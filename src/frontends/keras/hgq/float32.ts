import type { ConfigReader, Json } from '../json.js';
import { isObject } from '../json.js';

/** A function of one float32. */
export type Float32Function = (x: number) => number;

const f = Math.fround;

/** exp, correctly rounded, as all functions below that have no finite arithmetic. */
const exp: Float32Function = (x) => f(Math.exp(x));
const expm1: Float32Function = (x) => f(Math.expm1(x));
const tanh: Float32Function = (x) => saturated(f(Math.tanh(x)), x);
const sigmoid: Float32Function = (x) => f(1 / (1 + Math.exp(-x)));

/** TensorFlow's tanh gives ±1 from 7.9 on, where float32 still has a value between. */
function saturated(y: number, x: number): number {
  return Math.abs(x) >= TANH_ONE ? Math.sign(x) : y;
}

const TANH_ONE = f(7.90531110763549805);

/** TensorFlow's softplus: x itself far above 0, exp(x) far below. */
function softplus(x: number): number {
  const threshold = Math.log(2 ** -23) + 2;
  if (x > -threshold) return x;
  return x < threshold ? exp(x) : f(Math.log1p(exp(x)));
}

/** erf in float64 to some 1e-15, by its series near 0 and its continued fraction beyond. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-18 * sum; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / ((a + fraction) * Math.sqrt(Math.PI)));
}

const SIXTH = f(1 / 6);

function hardSigmoid(x: number): number {
  return f(Math.min(Math.max(f(x + 3), 0), 6) * SIXTH);
}

function gelu(x: number, approximate: boolean): number {
  if (!approximate) return f(f(0.5 * x) * f(1 + f(erf(f(x * f(1 / f(Math.SQRT2)))))));
  const inner = f(f(Math.sqrt(2 / Math.PI)) * f(x + f(f(0.044715) * f(f(x * x) * x))));
  return f(f(0.5 * x) * f(1 + tanh(inner)));
}

const SELU_SCALE = f(1.0507009873554804934193349852946);
const SELU_SCALE_ALPHA = f(1.7580993408473768599402175208123);

/** A function of keras.activations or keras.ops without parameters. */
const PLAIN: Readonly<Record<string, Float32Function>> = {
  abs: Math.abs,
  absolute: Math.abs,
  arctan: (x) => f(Math.atan(x)),
  ceil: Math.ceil,
  cos: (x) => f(Math.cos(x)),
  cosh: (x) => f(Math.cosh(x)),
  erf: (x) => f(erf(x)),
  exp,
  expm1,
  exponential: exp,
  floor: Math.floor,
  hard_sigmoid: hardSigmoid,
  hard_silu: (x) => f(x * hardSigmoid(x)),
  hard_swish: (x) => f(x * hardSigmoid(x)),
  hard_tanh: (x) => Math.min(Math.max(x, -1), 1),
  linear: (x) => x,
  log: (x) => f(Math.log(x)),
  log1p: (x) => f(Math.log1p(x)),
  log_sigmoid: (x) => -softplus(-x),
  mish: (x) => f(x * tanh(softplus(x))),
  negative: (x) => -x,
  reciprocal: (x) => f(1 / x),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  rsqrt: (x) => f(1 / Math.sqrt(x)),
  selu: (x) => (x < 0 ? f(SELU_SCALE_ALPHA * expm1(x)) : f(SELU_SCALE * x)),
  sigmoid,
  sign: Math.sign,
  silu: (x) => f(x * sigmoid(x)),
  sin: (x) => f(Math.sin(x)),
  sinh: (x) => f(Math.sinh(x)),
  softplus,
  softsign: (x) => f(x / f(Math.abs(x) + 1)),
  sparse_plus: (x) => (x <= -1 ? 0 : x < 1 ? f(0.25 * f(f(x + 1) * f(x + 1))) : x),
  sparse_sigmoid: (x) => (x <= -1 ? 0 : x >= 1 ? 1 : f(0.5 * f(x + 1))),
  sqrt: (x) => f(Math.sqrt(x)),
  square: (x) => f(x * x),
  swish: (x) => f(x * sigmoid(x)),
  tan: (x) => f(Math.tan(x)),
  tanh,
  tanh_shrink: (x) => f(x - tanh(x)),
};

/** Functions whose parameters a layer object states; a plain name has the defaults. */
const PARAMETRISED: Readonly<Record<string, (config: ConfigReader | undefined) => Float32Function>> = {
  celu: (config) => {
    const alpha = f(config?.number('alpha', 1) ?? 1);
    return (x) => f(Math.max(x, 0) + f(alpha * expm1(f(Math.min(x, 0) * f(1 / alpha)))));
  },
  elu: (config) => {
    const alpha = f(config?.number('alpha', 1) ?? 1);
    return (x) => (x < 0 ? f(alpha * expm1(x)) : x);
  },
  gelu: (config) => {
    const approximate = config?.boolean('approximate', false) ?? false;
    return (x) => gelu(x, approximate);
  },
  hard_shrink: (config) => {
    const threshold = f(config?.number('threshold', 0.5) ?? 0.5);
    return (x) => (Math.abs(x) > threshold ? x : 0);
  },
  leaky_relu: (config) => {
    const slope = f(config?.number('negative_slope', 0.2) ?? 0.2);
    return (x) => Math.max(x, f(slope * x));
  },
  relu: (config) => {
    const slope = f(config?.number('negative_slope', 0) ?? 0);
    const threshold = config?.number('threshold', 0) ?? 0;
    const most = config?.has('max_value') === true ? config.number('max_value') : Infinity;
    return (x) => (x >= threshold ? Math.min(x, most) : slope === 0 ? 0 : f(slope * f(x - threshold)));
  },
  soft_shrink: (config) => {
    const threshold = f(config?.number('threshold', 0.5) ?? 0.5);
    return (x) => (x > threshold ? f(x - threshold) : x < -threshold ? f(x + threshold) : 0);
  },
  squareplus: (config) => {
    const b = f(config?.number('b', 4) ?? 4);
    return (x) => f(f(x + f(Math.sqrt(f(f(x * x) + b)))) / 2);
  },
};

/** Layer classes that are such a function. */
const CLASSES: Readonly<Record<string, string>> = { CELU: 'celu', ELU: 'elu', GELU: 'gelu', LeakyReLU: 'leaky_relu', ReLU: 'relu' };

/**
 * Divisions by constants are products with the reciprocal, which is what TensorFlow's graph optimiser makes of them.
 *
 * What TensorFlow's kernels compute of an activation as the file states it (a name, a serialised function or layer), each
 * step in float32: steps of finite arithmetic to the bit, others correctly rounded, where the library may be a few units
 * in the last place off. Undefined for what is no known function of one value.
 */
export function float32Function(specification: Json, reader: (fields: Readonly<Record<string, Json>>) => ConfigReader): Float32Function | undefined {
  if (specification === null) return (x) => x;
  if (typeof specification === 'string') return byName(specification, undefined);
  if (!isObject(specification)) return undefined;
  const { class_name: className, config } = specification;
  if (className === 'function' && typeof config === 'string') return byName(config, undefined);
  const name = typeof className === 'string' && Object.hasOwn(CLASSES, className) ? CLASSES[className] : undefined;
  return name === undefined ? undefined : byName(name, reader(isObject(config) ? config : {}));
}

function byName(name: string, config: ConfigReader | undefined): Float32Function | undefined {
  const plain = name.slice(Math.max(name.lastIndexOf('>'), name.lastIndexOf('.')) + 1);
  if (Object.hasOwn(PLAIN, plain)) return PLAIN[plain];
  return Object.hasOwn(PARAMETRISED, plain) ? PARAMETRISED[plain]?.(config) : undefined;
}
