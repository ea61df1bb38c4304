import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { HandlerTable, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';
import { quantise, quantisedInput, quantisedOutput } from './datalane.js';
import { productOf, reorder } from './product.js';
import { readQuantiser } from './quantiser.js';
import { stockLayer } from './stock.js';
import { knownWeights } from './weights.js';

const NO_WEIGHTS = knownWeights({});

/** Each input through its own quantiser. */
function quantisedInputs(layer: KerasLayer, inputs: readonly TensorRef[], context: KerasContext): readonly TensorRef[] {
  const { config, name, weights } = layer;
  if (!config.boolean('enable_iq', true)) return inputs;
  const stated = config.json('iq_confs');
  const list: readonly unknown[] = Array.isArray(stated) ? stated : inputs.map(() => stated);
  if (list.length !== inputs.length) return context.fail('input', name, 'inputs', `has ${inputs.length} inputs and ${list.length} input quantisers.`);
  return inputs.map((x, n) => {
    const part = weights.part('iq').part('quantizers').part(n === 0 ? 'quantizer' : `quantizer_${n}`);
    return quantise(readQuantiser(list[n], { layer: name, field: `iq_confs[${n}]`, weights: part }, context), x, `${name}_iq${n}`, context);
  });
}

/** A merging layer of Keras behind quantised inputs. */
function merging(className: string): LayerHandler {
  return (layer, call, context) => {
    const y = stockLayer(className, layer, NO_WEIGHTS, quantisedInputs(layer, call.inputs, context), context);
    return [quantisedOutput(layer, y, context)];
  };
}

/** x · 2^shift: wires. */
function scaled(x: TensorRef, shift: number, name: string, context: KerasContext): TensorRef {
  if (shift === 0) return x;
  return context.add('elementwise', { operation: 'mul' }, [x, context.constant(`${name}_factor`, tensor([], [2 ** shift], true))], `${name}_scaled`);
}

/** Python's round. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? floor + (floor & 1) : Math.round(x);
}

/** The sum by the power of two nearest to the mean's factor. */
const averagePow2: LayerHandler = (layer, call, context) => {
  const sum = stockLayer('Add', layer, NO_WEIGHTS, quantisedInputs(layer, call.inputs, context), context);
  return [quantisedOutput(layer, scaled(sum, roundHalfEven(Math.log2(1 / call.inputs.length)), layer.name, context), context)];
};

function axesOf(layer: KerasLayer, rank: number): readonly number[] {
  return (layer.config.integers('axes') ?? [-1]).map((axis) => (axis < 0 ? axis + rank : axis));
}

function summed(layer: KerasLayer, x: TensorRef, shift: number, context: KerasContext): TensorRef {
  const axes = axesOf(layer, x.shape.length);
  const sum = context.add('reduce', { operation: 'sum', axes, keepDims: layer.config.boolean('keepdims', false) }, [quantisedInput(layer, x, context)], layer.name);
  return quantisedOutput(layer, scaled(sum, shift, layer.name, context), context);
}

const sum = unary((layer, x, context) => {
  const shift = Math.log2(layer.config.number('scale', 1));
  if (!Number.isInteger(shift)) layer.config.bad('scale', 'a power of two');
  return summed(layer, x, shift, context);
});

const meanPow2 = unary((layer, x, context) => {
  const count = axesOf(layer, x.shape.length).reduce((n, axis) => n * (x.shape[axis] ?? 1), 1);
  return summed(layer, x, roundHalfEven(Math.log2(1 / count)), context);
});

/** Products of all inputs, two at a time: indices that are needed no more are summed over as soon as both are in. */
const einsum: LayerHandler = (layer, call, context) => {
  const { config, name } = layer;
  const inputs = quantisedInputs(layer, call.inputs, context);
  const [left, output] = config.string('equation').replace(/\s/g, '').split('->');
  const terms = left?.split(',') ?? [];
  if (output === undefined || terms.length !== inputs.length || inputs.length === 0) {
    return context.fail('input', name, 'equation', `has the equation ${config.string('equation').slice(0, 80)} and ${inputs.length} inputs.`);
  }
  let [x, term] = [inputs[0] as TensorRef, terms[0] as string];
  if (inputs.length === 1) return [quantisedOutput(layer, reorder(`${term}->${output}`, x, name, context), context)];
  for (let n = 1; n < inputs.length; n++) {
    const needed = [...terms.slice(n + 1), output].join('');
    const joint = [...new Set(term + (terms[n] as string))].filter((letter) => needed.includes(letter)).join('');
    const result = n === inputs.length - 1 ? output : joint;
    x = productOf(`${term},${terms[n] as string}->${result}`, x, inputs[n] as TensorRef, n === inputs.length - 1 ? name : `${name}/pair${n}`, context);
    term = result;
  }
  return [quantisedOutput(layer, x, context)];
};

/** A pooling layer of Keras behind a quantised input. */
function pooling(className: string): LayerHandler {
  return unary((layer, x, context) => quantisedOutput(layer, stockLayer(className, layer, NO_WEIGHTS, [quantisedInput(layer, x, context)], context), context));
}

const POOLING = ['AveragePooling', 'GlobalAveragePooling', 'GlobalMaxPooling', 'MaxPooling'].flatMap((stem) => [1, 2, 3].map((rank) => `${stem}${rank}D`));

export const mergingLayers: HandlerTable = {
  ...Object.fromEntries(POOLING.map((className) => [`hgq>Q${className}`, pooling(className)])),
  'hgq>QAdd': merging('Add'),
  'hgq>QAveragePow2': averagePow2,
  'hgq>QDot': merging('Dot'),
  'hgq>QEinsum': einsum,
  'hgq>QMaximum': merging('Maximum'),
  'hgq>QMeanPow2': meanPow2,
  'hgq>QMinimum': merging('Minimum'),
  'hgq>QMultiply': merging('Multiply'),
  'hgq>QSubtract': merging('Subtract'),
  'hgq>QSum': sum,
};
