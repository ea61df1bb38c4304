import { z } from 'zod';
import { assertNever } from '../errors.js';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { lowerActivation } from './activationLowering.js';
import type { Rounding, RoundedParams } from './definition.js';
import type { LayerDefinition } from './definition.js';
import type { PrecisionRules } from './precisionRules.js';
import { TABLE_TYPE } from './precisionRules.js';
import type { TensorRange } from './ranges.js';
import { between, finestGrid, gridOf, productGrid } from './ranges.js';
import { gridFor, isOnSmallGrid, roundToGrid, UNROUNDED } from './rounding.js';

const FUNCTIONS = ['linear', 'relu', 'leakyRelu', 'sigmoid', 'tanh', 'hardSigmoid', 'elu', 'selu', 'softplus', 'softsign'] as const;

/** A function of one value. `linear` is the identity that a result type may quantise. */
export interface ActivationParams {
  readonly function: (typeof FUNCTIONS)[number];
  /** leakyRelu, elu: the slope; hardSigmoid: the slope. */
  readonly alpha?: number;
  /** hardSigmoid: the shift. */
  readonly beta?: number;
}

export const SELU_LAMBDA = 1.0507009873554804934193349852946;
export const SELU_ALPHA = 1.6732632423543772848170429916717;

/** The default of `alpha`, as ONNX has it. */
export function alphaOf(params: ActivationParams): number {
  const fallback = params.function === 'leakyRelu' ? 0.01 : params.function === 'hardSigmoid' ? 0.2 : 1;
  return params.alpha ?? fallback;
}

/** The function's value in float64. */
export function activate(params: ActivationParams, x: number): number {
  const alpha = alphaOf(params);
  switch (params.function) {
    case 'linear':
      return x;
    case 'relu':
      return Math.max(x, 0);
    case 'leakyRelu':
      return x > 0 ? x : alpha * x;
    case 'sigmoid':
      return 1 / (1 + Math.exp(-x));
    case 'tanh':
      return Math.tanh(x);
    case 'hardSigmoid':
      return Math.min(1, Math.max(0, alpha * x + (params.beta ?? 0.5)));
    case 'elu':
      return x >= 0 ? x : alpha * Math.expm1(x);
    case 'selu':
      return SELU_LAMBDA * (x >= 0 ? x : SELU_ALPHA * Math.expm1(x));
    case 'softplus':
      return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    case 'softsign':
      return x / (1 + Math.abs(x));
    default:
      return assertNever(params.function);
  }
}

const CLASSES: Partial<Record<ActivationParams['function'], string>> = {
  leakyRelu: 'LeakyReLU',
  elu: 'ELU',
  hardSigmoid: 'HardActivation',
};

const TABULATED: ReadonlySet<ActivationParams['function']> = new Set(['sigmoid', 'tanh', 'softplus', 'softsign', 'elu', 'selu']);
const PARAMETRIC: ReadonlySet<ActivationParams['function']> = new Set(['leakyRelu', 'elu']);
const BOUNDED: ReadonlySet<ActivationParams['function']> = new Set(['sigmoid', 'tanh', 'softsign']);

const precision: PrecisionRules<ActivationParams> = {
  looked: (params) => (PARAMETRIC.has(params.function) ? ['param', 'result'] : ['result']),
  fixed: (params) => (TABULATED.has(params.function) ? { table: TABLE_TYPE } : {}),
  parameters: (params) => ({ param: tensor([], [alphaOf(params)]) }),
};

/** Whether a function of dyadic numbers gives dyadic numbers: the others need a result type. */
export function isExactFunction({ function: name }: ActivationParams): boolean {
  return !TABULATED.has(name);
}

function gridOfActivation(params: ActivationParams, [x]: readonly TensorRange[]): number | undefined {
  const exp = x?.exp;
  if (TABULATED.has(params.function)) return undefined;
  switch (params.function) {
    case 'leakyRelu':
      return finestGrid(exp, productGrid(exp, gridOf([alphaOf(params)])));
    case 'hardSigmoid':
      return finestGrid(0, productGrid(exp, gridOf([alphaOf(params)])), gridOf([params.beta ?? 0.5]));
    default:
      return exp;
  }
}

/** Slope and shift of leakyRelu and hardSigmoid; the other functions become tables and need no rounding of theirs. */
function roundSlope(params: ActivationParams, { weightBits }: Rounding): RoundedParams<ActivationParams> {
  const isLeaky = params.function === 'leakyRelu';
  if (!isLeaky && params.function !== 'hardSigmoid') return { params, ...UNROUNDED };
  const values = isLeaky ? [alphaOf(params)] : [alphaOf(params), params.beta ?? 0.5];
  if (values.every((value) => isOnSmallGrid([value]))) return { params, ...UNROUNDED };
  const [alpha, beta] = values.map((value) => roundToGrid(value, gridFor(value, weightBits) ?? 0));
  const rounded: ActivationParams = { function: params.function, alpha: alpha as number, ...(beta === undefined ? {} : { beta }) };
  return { params: rounded, statements: [`slope ${values[0]} to ${alpha} (${weightBits} significant bits)`], plain: true };
}

/** A function of each element. */
export const activationLayer: LayerDefinition<ActivationParams> = {
  kind: 'activation',
  params: z.strictObject({ function: z.enum(FUNCTIONS), alpha: z.number().exactOptional(), beta: z.number().exactOptional() }),
  hls4mlClass: (params) => CLASSES[params.function] ?? 'Activation',
  shape: (_, [input = []]) => input,
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    return tensor(input.shape, input.data.map((v) => activate(params, v)), params.function === 'linear' && input.quantised === true);
  },
  lower: lowerActivation,
  /** With a negative slope a function turns at 0; all are monotone on either side. */
  bounds: (params, [x]) => {
    const { low, high } = x as TensorRange;
    const turn = low.map((v, i) => (v < 0 && (high[i] as number) > 0 ? 0 : v));
    return between(...[low, high, turn].map((end) => end.map((v) => activate(params, v))));
  },
  grid: gridOfActivation,
  precision,
  resolution: (params) => (BOUNDED.has(params.function) ? 'table' : 'single'),
  roundParameters: roundSlope,
};
