/** A function of one value. `linear` is the identity that a result type may quantise. */
export interface ActivationParams {
  readonly function: 'linear' | 'relu' | 'leakyRelu' | 'sigmoid' | 'tanh' | 'hardSigmoid' | 'elu' | 'selu' | 'softplus' | 'softsign';
  /** leakyRelu, elu: the slope; hardSigmoid: the slope. */
  readonly alpha?: number;
  /** hardSigmoid: the shift. */
  readonly beta?: number;
}
