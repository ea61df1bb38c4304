import type { TensorRef } from '../../network.js';
import type { HandlerTable, KerasCall, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import type { LayerParams } from '../../../layers/registry.js';
import { axisOf, chain, reshape, transpose, withNumber } from './support.js';
import { unitNormalized } from './normalisation.js';

function several(layer: KerasLayer, { inputs }: KerasCall, context: KerasContext, exactly?: number): readonly TensorRef[] {
  if (inputs.length < (exactly ?? 1) || (exactly !== undefined && inputs.length !== exactly)) {
    context.fail('input', layer.name, 'inputs', `has ${inputs.length} inputs; ${exactly ?? 'at least 1'} are needed.`);
  }
  return inputs;
}

/** Inputs of fewer axes get more behind the batch. */
function sameRank(context: KerasContext, inputs: readonly TensorRef[], name: string): readonly TensorRef[] {
  const rank = Math.max(...inputs.map((input) => input.shape.length));
  return inputs.map((x, i) => reshape(context, x, [1, ...new Array<number>(rank - x.shape.length).fill(1), ...x.shape.slice(1)], `${name}/input${i}`));
}

function merge(operation: LayerParams['elementwise']['operation'], exactly?: number): LayerHandler {
  return (layer, call, context) => [chain(context, operation, sameRank(context, several(layer, call, context, exactly), layer.name), layer.name)];
}

const average: LayerHandler = (layer, call, context) => {
  const inputs = sameRank(context, several(layer, call, context), layer.name);
  if (inputs.length === 2) return [chain(context, 'average', inputs, layer.name)];
  return [withNumber(context, 'div', chain(context, 'add', inputs, `${layer.name}/sum`), inputs.length, layer.name)];
};

const concatenate: LayerHandler = (layer, call, context) => {
  const inputs = several(layer, call, context);
  const [first] = inputs as readonly [TensorRef];
  if (inputs.length === 1) return [first];
  return [context.add('concat', { axis: axisOf(layer.config, 'axis', first.shape.length, -1) }, inputs, layer.name)];
};

/** `batch_dot`: the axes named are summed over, all others stay, those of the first input in front. */
const dot: LayerHandler = (layer, call, context) => {
  const { config, name } = layer;
  const inputs = several(layer, call, context, 2);
  const axes = config.integers('axes') ?? config.bad('axes', 'one axis or two');
  const [a, b] = inputs.map((x, i) => {
    const stated = axes[axes.length === 1 ? 0 : i] as number;
    const axis = stated < 0 ? stated + x.shape.length : stated;
    if (axis < 1 || axis >= x.shape.length) config.bad('axes', `axes from 1 to ${x.shape.length - 1}`);
    const normalised = config.boolean('normalize', false) ? unitNormalized(context, x, [axis], 1e-12, `${name}/normalised${i}`) : x;
    const rest = x.shape.map((_, k) => k).slice(1).filter((k) => k !== axis);
    const size = x.shape[axis] as number;
    const count = rest.reduce((product, k) => product * (x.shape[k] as number), 1);
    // First input: [1, others, size]; second: [1, size, others].
    const order = i === 0 ? [0, ...rest, axis] : [0, axis, ...rest];
    const shape = i === 0 ? [1, count, size] : [1, size, count];
    return { x: normalised, matrix: reshape(context, transpose(context, normalised, order, `${name}/order${i}`), shape, `${name}/matrix${i}`), rest: rest.map((k) => x.shape[k] as number) };
  });
  if (a === undefined || b === undefined) return [];
  if (a.rest.length === 0 && b.rest.length === 0) return [context.add('dot', { axis: 1, keepDims: true }, [a.x, b.x], name)];
  const product = context.add('matmul', {}, [a.matrix, b.matrix], name);
  return [reshape(context, product, [1, ...a.rest, ...b.rest], `${name}/shape`)];
};

export const mergeLayers: HandlerTable = {
  Add: merge('add'),
  Average: average,
  Concatenate: concatenate,
  Dot: dot,
  Maximum: merge('max'),
  Minimum: merge('min'),
  Multiply: merge('mul'),
  Subtract: merge('sub', 2),
};
