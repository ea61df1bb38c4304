import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { lowerActivation } from './activationLowering.js';
import type { Rounding, RoundedParams } from './definition.js';
import type { LayerDefinition } from './definition.js';
import type { FunctionName } from './functions.js';
import { FUNCTION_NAMES, functionOf } from './functions.js';
import type { PrecisionRules } from './precisionRules.js';
import { TABLE_TYPE } from './precisionRules.js';
import type { Bounds, TensorRange } from './ranges.js';
import { between, constantBounds, finestGrid, gridOf, productGrid } from './ranges.js';
import { finiteArgument, turnsOf } from './roundedFunction.js';
import { gridFor, isOnSmallGrid, roundToGrid, UNROUNDED } from './rounding.js';

/** A function of one value. `linear` is the identity that a result type may quantise. */
export interface ActivationParams {
  readonly function: FunctionName;
  /** leakyRelu, elu, celu, hardSigmoid: the slope; thresholdedRelu, softshrink, hardshrink: the threshold. */
  readonly alpha?: number;
  /** hardSigmoid: the shift. */
  readonly beta?: number;
  /** The source library evaluates it in float32: what tables hold is float32(f(float32 x)). */
  readonly float32?: true;
}

/** `alpha`, or its default as ONNX has it. */
export function alphaOf(params: ActivationParams): number {
  return params.alpha ?? functionOf(params.function).alpha ?? 1;
}

/** `beta`, or its default. */
export function betaOf(params: ActivationParams): number {
  return params.beta ?? functionOf(params.function).beta ?? 0;
}

/** The function's value in float64, or in float32 where the library has it so. */
export function activate(params: ActivationParams, x: number): number {
  const value = functionOf(params.function).value;
  const [alpha, beta] = [alphaOf(params), betaOf(params)];
  return params.float32 === true ? Math.fround(value(Math.fround(x), alpha, beta)) : value(x, alpha, beta);
}

const CLASSES: Partial<Record<ActivationParams['function'], string>> = {
  leakyRelu: 'LeakyReLU',
  elu: 'ELU',
  hardSigmoid: 'HardActivation',
  thresholdedRelu: 'ThresholdedReLU',
};

/** The functions of which hls4ml has tables of its own. */
const TABULATED: ReadonlySet<FunctionName> = new Set(['sigmoid', 'tanh', 'softplus', 'softsign', 'elu', 'selu']);
const PARAMETRIC: ReadonlySet<FunctionName> = new Set(['leakyRelu', 'elu', 'thresholdedRelu']);
/** Exact functions of which float32 would lose bits. */
const MULTIPLYING: ReadonlySet<FunctionName> = new Set(['leakyRelu', 'hardSigmoid', 'square', 'softshrink']);

const precision: PrecisionRules<ActivationParams> = {
  looked: (params) => (PARAMETRIC.has(params.function) ? ['param', 'result'] : ['result']),
  fixed: (params) => (TABULATED.has(params.function) ? { table: TABLE_TYPE } : {}),
  parameters: (params) => ({ param: tensor([], [alphaOf(params)]) }),
  isParamOfInputType: (params) => params.function === 'thresholdedRelu',
};

/** Whether dyadic numbers become dyadic numbers: other functions need a result type. */
export function isExactFunction(params: ActivationParams): boolean {
  return functionOf(params.function).exact === true && !(params.float32 === true && MULTIPLYING.has(params.function));
}

function gridOfActivation(params: ActivationParams, [x]: readonly TensorRange[]): number | undefined {
  const exp = x?.exp;
  if (!isExactFunction(params)) return undefined;
  switch (params.function) {
    case 'leakyRelu':
      return finestGrid(exp, productGrid(exp, gridOf([alphaOf(params)])));
    case 'hardSigmoid':
      return finestGrid(0, productGrid(exp, gridOf([alphaOf(params)])), gridOf([betaOf(params)]));
    case 'softshrink':
      return finestGrid(exp, gridOf([alphaOf(params)]));
    case 'square':
      return productGrid(exp, exp);
    case 'sign':
      return 0;
    case 'floor':
    case 'ceil':
    case 'round':
      return exp === undefined ? undefined : Math.max(exp, 0);
    default:
      return exp;
  }
}

/** Ends of the range, and the grid points on either side of every turn between them. */
function boundsOfActivation(params: ActivationParams, [x]: readonly TensorRange[]): Bounds {
  const { low, high, exp = -24 } = x as TensorRange;
  const of = functionOf(params.function);
  const [alpha, beta] = [alphaOf(params), betaOf(params)];
  const turns = turnsOf(of, alpha);
  if (turns === 'everywhere') return constantBounds(low.length, of.bounded === true ? -1 : -Infinity, of.bounded === true ? 1 : Infinity);
  const at = (v: number): number => activate(params, finiteArgument(of, v, alpha, beta, exp));
  const step = 2 ** exp;
  const around = turns.flatMap((turn) => [Math.floor(turn / step) * step, Math.ceil(turn / step) * step, turn]);
  const ends = around.map((turn) => low.map((v, i) => (turn > v && turn < (high[i] as number) ? at(turn) : at(v))));
  return between(low.map(at), high.map(at), ...ends);
}

/** Slope, shift and threshold of exact functions, where they come into the result; tables need no rounding of theirs. */
function roundSlope(params: ActivationParams, { weightBits }: Rounding): RoundedParams<ActivationParams> {
  if (!isExactFunction(params) || !MULTIPLYING.has(params.function) || params.function === 'square') return { params, ...UNROUNDED };
  const values = params.function === 'hardSigmoid' ? [alphaOf(params), betaOf(params)] : [alphaOf(params)];
  if (values.every((value) => isOnSmallGrid([value]))) return { params, ...UNROUNDED };
  const [alpha, beta] = values.map((value) => roundToGrid(value, gridFor(value, weightBits) ?? 0));
  const rounded: ActivationParams = { function: params.function, alpha: alpha as number, ...(beta === undefined ? {} : { beta }) };
  return { params: rounded, statements: [`slope ${values[0]} to ${alpha} (${weightBits} significant bits)`], plain: true };
}

/** A function of each element. */
export const activationLayer: LayerDefinition<ActivationParams> = {
  kind: 'activation',
  params: z.strictObject({
    function: z.enum(FUNCTION_NAMES),
    alpha: z.number().exactOptional(),
    beta: z.number().exactOptional(),
    float32: z.literal(true).exactOptional(),
  }),
  hls4mlClass: (params) => CLASSES[params.function] ?? 'Activation',
  shape: (_, [input = []]) => input,
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    return tensor(input.shape, input.data.map((v) => activate(params, v)), params.function === 'linear' && input.quantised === true);
  },
  lower: lowerActivation,
  bounds: boundsOfActivation,
  grid: gridOfActivation,
  precision,
  resolution: (params) => {
    const { bounded, linear } = functionOf(params.function);
    return bounded === true ? 'table' : linear === true || isExactFunction(params) ? 'single' : 'function';
  },
  gentle: (params) => {
    const { bounded, linear } = functionOf(params.function);
    return params.float32 !== true && !isExactFunction(params) && (bounded === true || linear === true);
  },
  cuts: (params) => params.function === 'relu',
  roundParameters: roundSlope,
};
