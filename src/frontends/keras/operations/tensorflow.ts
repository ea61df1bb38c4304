import type { Json } from '../json.js';
import { ConfigReader, isIntegers } from '../json.js';
import type { Argument, HandlerTable, LayerHandler } from '../layer.js';

/** The operations of keras.ops that TensorFlow functions are, in layers TFOpLambda and SlicingOpLambda of Keras 2. */
const OPERATIONS: Readonly<Record<string, string>> = {
  '__operators__.add': 'Add', '__operators__.getitem': 'GetItem', abs: 'Abs', argsort: 'Argsort', cast: 'Cast', clip_by_value: 'Clip', 'compat.v1.floor_div': 'FloorDivide', 'compat.v1.gather': 'Take',
  'compat.v1.norm': 'Norm', 'compat.v1.pad': 'Pad', 'compat.v1.squeeze': 'Squeeze', 'compat.v1.transpose': 'Transpose', concat: 'Concatenate', exp: 'Exp', expand_dims: 'ExpandDims',
  'linalg.matmul': 'Matmul', 'math.abs': 'Abs', 'math.add': 'Add', 'math.argmax': 'Argmax', 'math.argmin': 'Argmin', 'math.atan': 'Arctan', 'math.atan2': 'Arctan2', 'math.ceil': 'Ceil',
  'math.cos': 'Cos', 'math.cosh': 'Cosh', 'math.cumprod': 'Cumprod', 'math.cumsum': 'Cumsum', 'math.divide': 'Divide', 'math.divide_no_nan': 'DivideNoNan', 'math.equal': 'Equal', 'math.erf': 'Erf', 'math.exp': 'Exp', 'math.expm1': 'Expm1',
  'math.floor': 'Floor', 'math.floordiv': 'FloorDivide', 'math.greater': 'Greater', 'math.greater_equal': 'GreaterEqual', 'math.less': 'Less', 'math.less_equal': 'LessEqual', 'math.log': 'Log',
  'math.log1p': 'Log1p', 'math.log_sigmoid': 'LogSigmoid', 'math.logical_and': 'LogicalAnd', 'math.logical_not': 'LogicalNot', 'math.logical_or': 'LogicalOr', 'math.logical_xor': 'LogicalXor',
  'math.maximum': 'Maximum', 'math.minimum': 'Minimum', 'math.mod': 'Mod', 'math.multiply': 'Multiply', 'math.negative': 'Negative', 'math.not_equal': 'NotEqual', 'math.pow': 'Power',
  'math.reciprocal': 'Reciprocal', 'math.reduce_all': 'All', 'math.reduce_any': 'Any', 'math.reduce_logsumexp': 'Logsumexp', 'math.reduce_max': 'Max', 'math.reduce_mean': 'Mean',
  'math.reduce_min': 'Min', 'math.reduce_prod': 'Prod', 'math.reduce_std': 'Std', 'math.reduce_sum': 'Sum', 'math.reduce_variance': 'Var', 'math.round': 'Round', 'math.rsqrt': 'Rsqrt',
  'math.sigmoid': 'Sigmoid', 'math.sign': 'Sign', 'math.sin': 'Sin', 'math.sinh': 'Sinh', 'math.softplus': 'Softplus', 'math.sqrt': 'Sqrt', 'math.square': 'Square', 'math.subtract': 'Subtract',
  'math.tan': 'Tan', 'math.tanh': 'Tanh', 'math.top_k': 'TopK', 'math.truediv': 'TrueDivide', 'nn.elu': 'Elu', 'nn.gelu': 'Gelu', 'nn.leaky_relu': 'LeakyRelu', 'nn.log_softmax': 'LogSoftmax', 'nn.relu': 'Relu', 'nn.relu6': 'Relu6', 'nn.selu': 'Selu',
  'nn.sigmoid': 'Sigmoid', 'nn.silu': 'Silu', 'nn.softmax': 'Softmax', 'nn.softplus': 'Softplus', 'nn.softsign': 'Softsign', 'nn.tanh': 'Tanh', one_hot: 'OneHot', repeat: 'Repeat', reshape: 'Reshape', reverse: 'Flip', roll: 'Roll',
  sort: 'Sort', split: 'Split', squeeze: 'Squeeze', stack: 'Stack', tile: 'Tile', transpose: 'Transpose', unstack: 'Unstack', where: 'Where',
};

/** A TensorFlow function: its keyword arguments are what the operation's configuration is in Keras 3. */
const called = (operations: HandlerTable): LayerHandler => (layer, call, context) => {
  const name = layer.config.string('function');
  const operation = Object.hasOwn(OPERATIONS, name) ? (OPERATIONS[name] as string) : '';
  const handler = operations[operation];
  if (handler === undefined) return context.fail('unsupported', layer.name, 'unknown-layer', `is the TensorFlow function ${name.slice(0, 60)}, which is not supported.`, 'Build the same from layers.');
  const renamed = Object.entries(call.kwargs).map(([key, argument]): [string, Argument] => [FIELDS[operation]?.[key] ?? key, argument]);
  const plain = renamed.flatMap(([key, argument]): [string, Json][] => {
    const value = plainOf(argument);
    return value === undefined ? [] : [[key, key === 'indices_or_sections' ? boundsOf(value) : value]];
  });
  return handler({ ...layer, config: new ConfigReader(Object.fromEntries(plain), layer.config.where) }, { ...call, kwargs: Object.fromEntries(renamed) }, context);
};

/** What Keras 3 calls some arguments. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Arctan2: { y: 'x1', x: 'x2' }, Clip: { clip_value_min: 'x_min', clip_value_max: 'x_max' }, LeakyRelu: { alpha: 'negative_slope' }, OneHot: { depth: 'num_classes' }, Pad: { paddings: 'pad_width' },
  Reshape: { shape: 'newshape' }, Split: { num_or_size_splits: 'indices_or_sections' }, Tile: { multiples: 'repeats' }, Transpose: { perm: 'axes' }, Where: { x: 'x1', y: 'x2' },
};

/** Lengths of parts, which TensorFlow states, as the places between them. */
function boundsOf(parts: Json): Json {
  if (!isIntegers(parts)) return parts;
  let end = 0;
  return parts.slice(0, -1).map((length) => (end += length));
}

/** JSON of an argument that holds no tensors. */
function plainOf(argument: Argument): Json | undefined {
  if (argument.kind === 'json') return argument.value;
  if (argument.kind !== 'list') return undefined;
  const items = argument.items.map(plainOf);
  return items.every((value) => value !== undefined) ? (items as Json[]) : undefined;
}

/** Keras 2's own layers of TensorFlow functions, over the operations of keras.ops by name. */
export function tensorflowLayers(operations: HandlerTable): HandlerTable {
  return { SlicingOpLambda: called(operations), TFOpLambda: called(operations) };
}
