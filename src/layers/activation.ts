import { assertNever } from '../errors.js';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { lowerActivation } from './activationLowering.js';
import type { LayerDefinition } from './definition.js';

/** A function of one value. `linear` is the identity that a result type may quantise. */
export interface ActivationParams {
  readonly function: 'linear' | 'relu' | 'leakyRelu' | 'sigmoid' | 'tanh' | 'hardSigmoid' | 'elu' | 'selu' | 'softplus' | 'softsign';
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

/** A function of each element. */
export const activationLayer: LayerDefinition<ActivationParams> = {
  kind: 'activation',
  hls4mlClass: (params) => CLASSES[params.function] ?? 'Activation',
  shape: (_, [input = []]) => input,
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    return tensor(input.shape, input.data.map((v) => activate(params, v)), params.function === 'linear' && input.quantised === true);
  },
  lower: lowerActivation,
};
