import type { Operator, OperatorTable } from '../operator.js';
import { constantInput, fail, formatShape, integerList, leadOf, normalAxis, scalarOf, variableInput } from '../values.js';

/** Where the greatest or the least is; equal ones: the first, or the last where told so. */
function argument(operation: 'max' | 'min'): Operator {
  return {
    run: (node, builder) => {
      const x = variableInput(node, 0);
      const axis = normalAxis(node, node.attributes.int('axis', 0), x.shape.length);
      const lead = leadOf(x.shape);
      if (axis === 0 && lead === 0) fail(node, 'unsupported', 'batch-reduction', 'looks along axis 0, which is the batch.');
      const keepDims = node.attributes.int('keepdims', 1) !== 0;
      const last = node.attributes.int('select_last_index', 0) !== 0;
      const shape = keepDims ? x.shape.map((n, i) => (i === axis ? 1 : n)) : x.shape.filter((_, i) => i !== axis);
      return [builder.emit(node, 'argmax', { axis: axis + lead, keepDims, operation, ...(last ? { last } : {}) }, [x], { shape, integer: true })];
    },
  };
}

/** The k greatest or least along an axis, in order, and where they are. */
const topK: Operator = {
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const k = node.inputs.length > 1 ? scalarOf(node, constantInput(node, 1, 'k'), 'k') : (integerList(node, -1, 'k')?.[0] ?? node.attributes.int('k', 1));
    const axis = normalAxis(node, node.attributes.int('axis', -1), x.shape.length);
    const lead = leadOf(x.shape);
    const length = x.shape[axis] as number;
    if (axis === 0 && lead === 0) fail(node, 'unsupported', 'batch-reduction', 'orders axis 0, which is the batch.');
    if (!Number.isInteger(k) || k < 1 || k > length) fail(node, 'input', 'bad-attribute', `asks for ${k} of the ${length} along axis ${axis} of ${formatShape(x.shape)}.`);
    const largest = node.attributes.int('largest', 1) !== 0;
    const part = (output: 'values' | 'indices') =>
      k === length && output === 'values'
        ? builder.emit(node, 'sort', { axis: axis + lead, descending: largest }, [x], { name: `${node.name}/${output}`, integer: x.integer })
        : builder.emit(node, 'topK', { axis: axis + lead, k, largest, output }, [x], { name: `${node.name}/${output}`, integer: output === 'indices' || x.integer });
    return [part('values'), part('indices')];
  },
};

/** Orders and places. */
export const ordering: OperatorTable = {
  ArgMax: argument('max'),
  ArgMin: argument('min'),
  TopK: topK,
};
