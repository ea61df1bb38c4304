import type { TensorRef } from '../../network.js';
import type { HandlerTable, KerasCall, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { axisOf, cut, reshape, transpose } from '../layers/support.js';
import { operand, positional, twoOperands } from './operands.js';

const matmul: LayerHandler = (layer, call, context) => [context.add('matmul', {}, twoOperands(layer, call, context), layer.name)];

/** Letters of an axis each. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The equation with an ellipsis written out as letters of its own. */
function withoutDots(terms: readonly string[], output: string, ranks: readonly number[]): readonly string[] | undefined {
  const free = [...LETTERS].filter((letter) => ![...terms, output].some((term) => term.includes(letter)));
  const lengths = terms.map((term, i) => (term.includes('...') ? (ranks[i] as number) - (term.length - 3) : 0));
  const most = Math.max(0, ...lengths);
  if (lengths.some((n) => n < 0) || most > free.length) return undefined;
  return [...terms, output].map((term, i) => term.replace('...', free.slice(most - (lengths[i] ?? most), most).join('')));
}

/** What is read of an equation: the operands' letters and the output's. */
interface Equation {
  readonly terms: readonly string[];
  readonly output: string;
}

function equationOf(text: string, ranks: readonly number[]): Equation | undefined {
  const [left = '', right] = text.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  const once = [...new Set(left.replace(/[^a-zA-Z]/g, ''))].filter((letter) => left.split(letter).length === 2).sort();
  const output = right ?? `${left.includes('...') ? '...' : ''}${once.join('')}`;
  const plain = terms.length === ranks.length ? withoutDots(terms, output, ranks) : undefined;
  if (plain === undefined || !plain.every((term) => /^[a-zA-Z]*$/.test(term))) return undefined;
  return { terms: plain.slice(0, -1), output: plain.at(-1) as string };
}

/** Operands two by two from the left; what none of the later ones and no output needs is summed as early as may be. */
const einsum: LayerHandler = (layer, call, context) => {
  const inputs = positional(call).map((argument, i) => ({ ref: operand(layer, argument, context, `operand${i}`), varies: argument.kind === 'tensor' }));
  const text = layer.config.string('subscripts');
  const equation = equationOf(text, inputs.map(({ ref }) => ref.shape.length));
  if (equation === undefined) return context.fail('input', layer.name, 'einsum', `has the equation '${text.slice(0, 60)}', which does not fit its ${inputs.length} operands.`);
  const { terms, output } = equation;
  if (inputs.some(({ varies }, i) => varies && terms[i]?.[0] !== output[0])) {
    return context.fail('unsupported', layer.name, 'einsum', `has the equation '${text.slice(0, 60)}'; the batch must be the first letter of every variable operand and of the result.`);
  }
  let [letters = '', ref] = [terms[0], inputs[0]?.ref as TensorRef];
  if (inputs.length === 1) return [context.add('einsum', { equation: `${letters}->${output}` }, [ref], layer.name)];
  for (let i = 1; i < inputs.length; i++) {
    const last = i === inputs.length - 1;
    const later = [output, ...terms.slice(i + 1)].join('');
    const kept = last ? output : [...new Set(letters + (terms[i] as string))].filter((letter) => later.includes(letter)).join('');
    ref = context.add('einsum', { equation: `${letters},${terms[i] as string}->${kept}` }, [ref, (inputs[i] as { ref: TensorRef }).ref], last ? layer.name : `${layer.name}/product${i}`);
    letters = kept;
  }
  return [ref];
};

/** An equation over two operands, the batch of each its first axis where it is a tensor. */
function contracted(layer: KerasLayer, call: KerasCall, context: KerasContext, axesA: readonly number[], axesB: readonly number[]): TensorRef {
  const [a, b] = twoOperands(layer, call, context);
  const lettersA = [...LETTERS].slice(0, a.shape.length);
  const lettersB = [...LETTERS].slice(a.shape.length, a.shape.length + b.shape.length);
  axesB.forEach((axis, i) => (lettersB[axis] = lettersA[axesA[i] as number] as string));
  const rest = [...lettersA.filter((_, k) => !axesA.includes(k)), ...lettersB.filter((_, k) => !axesB.includes(k))].join('');
  return context.add('einsum', { equation: `${lettersA.join('')},${lettersB.join('')}->${rest}` }, [a, b], layer.name);
}

/** Products that sum over axes: with a constant alone, since two tensors would mix their events. */
function withConstantOnly(axesOf: (a: TensorRef, b: TensorRef, layer: KerasLayer) => readonly [readonly number[], readonly number[]]): LayerHandler {
  return (layer, call, context) => {
    const given = positional(call);
    if (given[0]?.kind !== 'tensor' || given[1]?.kind === 'tensor') return context.fail('unsupported', layer.name, 'batch-mixed', 'would multiply each event with every other.', 'Use matmul or einsum with a batch letter.');
    const [a, b] = twoOperands(layer, call, context);
    const [axesA, axesB] = axesOf(a, b, layer);
    if (axesA.includes(0)) return context.fail('unsupported', layer.name, 'batch-reduced', 'sums over events.');
    return [contracted(layer, call, context, axesA, axesB)];
  };
}

const dot = withConstantOnly((a, b) => (b.shape.length === 0 || (b.shape.length === 1 && b.shape[0] === 1 && a.shape.at(-1) !== 1) ? [[], []] : [[a.shape.length - 1], [Math.max(0, b.shape.length - 2)]]));

const tensordot = withConstantOnly((a, b, { config }) => {
  const stated = config.json('axes') ?? 2;
  if (typeof stated === 'number') return [Array.from({ length: stated }, (_, i) => a.shape.length - stated + i), Array.from({ length: stated }, (_, i) => i)];
  const lists = Array.isArray(stated) ? stated.map((axes) => [axes].flat() as number[]) : [];
  const [own, other] = lists;
  if (own === undefined || other === undefined || lists.length !== 2 || own.length !== other.length) return config.bad('axes', 'a number, or as many axes of each operand');
  return [own.map((axis) => (axis < 0 ? axis + a.shape.length : axis)), other.map((axis) => (axis < 0 ? axis + b.shape.length : axis))];
});

/** The vector product along one axis of length 3. */
const cross: LayerHandler = (layer, call, context) => {
  const { config, name } = layer;
  const [a, b] = twoOperands(layer, call, context);
  const field = (own: string, x: TensorRef): number => axisOf(config, config.has('axis') ? 'axis' : own, x.shape.length, -1);
  const last = (x: TensorRef, own: string): TensorRef => transpose(context, x, [...[...x.shape.keys()].filter((k) => k !== field(own, x)), field(own, x)], `${name}/${own}`);
  const [u, v] = [last(a, 'axisa'), last(b, 'axisb')];
  if (u.shape.at(-1) !== 3 || v.shape.at(-1) !== 3) return context.fail('unsupported', name, 'cross', 'multiplies vectors of another length than 3.');
  const at = (x: TensorRef, i: number, label: string): TensorRef => cut(context, x, x.shape.length - 1, i, i + 1, `${name}/${label}${i}`);
  const components = [0, 1, 2].map((i) => {
    const [j, k] = [(i + 1) % 3, (i + 2) % 3];
    const times = (p: number, q: number): TensorRef => context.add('elementwise', { operation: 'mul' }, [at(u, p, 'u'), at(v, q, 'v')], `${name}/product${p}${q}`);
    return context.add('elementwise', { operation: 'sub' }, [times(j, k), times(k, j)], `${name}/component${i}`);
  });
  const joined = context.add('concat', { axis: u.shape.length - 1 }, components, `${name}/joined`);
  const to = axisOf(config, config.has('axis') ? 'axis' : 'axisc', joined.shape.length, -1);
  const order = [...joined.shape.keys()].slice(0, -1).toSpliced(to, 0, joined.shape.length - 1);
  return [reshape(context, transpose(context, joined, order, name), order.map((k) => joined.shape[k] as number), name)];
};

/** Operations of keras.ops that sum products. */
export const productOperations: HandlerTable = { Cross: cross, Dot: dot, Einsum: einsum, Matmul: matmul, Tensordot: tensordot };
