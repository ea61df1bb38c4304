import type { ActivationHandler, ActivationTable } from '../layer.js';

const simple = (kind: 'relu' | 'selu' | 'sigmoid' | 'tanh' | 'softplus' | 'softsign'): ActivationHandler => (_config, x, name, context) => context.add('activation', { function: kind }, [x], name);

export const activationTable: ActivationTable = {
  linear: (_config, x) => x,
  relu: simple('relu'),
  sigmoid: simple('sigmoid'),
  softmax: (_config, x, name, context) => context.add('softmax', { axis: x.shape.length - 1 }, [x], name),
  tanh: simple('tanh'),
};
