import type { GraphBuilder } from '../builder.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { OperatorNode, VariableValue } from '../values.js';
import { constant, fail, formatShape, leadOf, optionalConstant, variableInput } from '../values.js';

/** Where an output position lies on the input's axis (ONNX' coordinate_transformation_mode). */
function coordinate(node: OperatorNode, mode: string, at: number, from: number, to: number, scale: number): number {
  switch (mode) {
    case 'half_pixel':
      return (at + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return to > 1 ? (at + 0.5) / scale - 0.5 : 0;
    case 'align_corners':
      return to === 1 ? 0 : (at * (from - 1)) / (to - 1);
    case 'asymmetric':
      return at / scale;
    case 'half_pixel_symmetric': {
      const adjustment = to / (scale * from);
      return (from / 2) * (1 - adjustment) + (at + 0.5) / scale - 0.5;
    }
    default:
      return fail(node, 'unsupported', 'resize-coordinates', `places its pixels by '${mode.slice(0, 40)}'.`);
  }
}

function nearest(node: OperatorNode, mode: string, at: number): number {
  switch (mode) {
    case 'round_prefer_floor':
    case '':
      return Math.ceil(at - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(at + 0.5);
    case 'floor':
      return Math.floor(at);
    case 'ceil':
      return Math.ceil(at);
    default:
      return fail(node, 'unsupported', 'nearest-mode', `rounds to the nearest pixel by '${mode.slice(0, 40)}'.`);
  }
}

const clamped = (n: number, length: number): number => Math.min(Math.max(n, 0), length - 1);

interface AxisResize {
  readonly axis: number;
  readonly to: number;
  readonly scale: number;
}

/** One axis to nearest neighbours: a gather. */
function emitNearest(node: OperatorNode, builder: GraphBuilder, x: VariableValue, { axis, to, scale }: AxisResize, name: string): VariableValue {
  const from = x.shape[axis] as number;
  const [place, round] = modesOf(node);
  const data = Float64Array.from({ length: to }, (_, i) => clamped(nearest(node, round, coordinate(node, place, i, from, to, scale)), from));
  const params = { axis: axis + leadOf(x.shape), indices: { shape: [to], data, quantised: true } };
  return builder.emit(node, 'gather', params, [x], { name, integer: x.integer });
}

/** Upsample and opset 10 know no modes: asymmetric, floor. */
function modesOf(node: OperatorNode): readonly [string, string] {
  if (node.op === 'Upsample' || node.opset < 11) return ['asymmetric', 'floor'];
  return [node.attributes.string('coordinate_transformation_mode', 'half_pixel'), node.attributes.string('nearest_mode', 'round_prefer_floor')];
}

/** One axis by linear interpolation: a product with a constant matrix of two weights a row. */
function emitLinear(node: OperatorNode, builder: GraphBuilder, x: VariableValue, { axis, to, scale }: AxisResize, name: string): VariableValue {
  const from = x.shape[axis] as number;
  const [place] = modesOf(node);
  const data = new Float64Array(from * to);
  for (let i = 0; i < to; i++) {
    const at = clamped(coordinate(node, place, i, from, to, scale), from);
    const low = Math.floor(at);
    const high = Math.min(low + 1, from - 1);
    data[low * to + i] = (data[low * to + i] as number) + 1 - (at - low);
    data[high * to + i] = (data[high * to + i] as number) + at - low;
  }
  const rank = x.shape.length;
  const lead = leadOf(x.shape);
  const perm = x.shape.map((_, a) => a).filter((a) => a !== axis).concat(axis);
  const back = x.shape.map((_, a) => perm.indexOf(a));
  const turn = (value: VariableValue, order: readonly number[], part: string): VariableValue =>
    axis === rank - 1 ? value : builder.emit(node, 'transpose', { perm: lead === 1 ? [0, ...order.map((a) => a + 1)] : order }, [value], { name: `${name}/${part}`, shape: order.map((a) => value.shape[a] as number) });
  const weight = builder.parameter(node, constant('', [from, to], data, { quantised: true }), 'weights');
  const dense = builder.emit(node, 'dense', { weight, bias: null }, [turn(x, perm, 'turn')], { name });
  return turn(dense, back, 'back');
}

/** Scales or sizes of every axis; −1 for what stays. */
function targetsOf(node: OperatorNode, x: VariableValue): readonly AxisResize[] {
  const first = node.op === 'Upsample' || node.opset < 11 ? 1 : 2;
  const attribute = node.attributes.floats('scales');
  const scales = (optionalConstant(node, first, 'scales')?.data ?? attribute ?? []) as ArrayLike<number>;
  const sizes = node.op === 'Resize' && node.opset >= 11 ? optionalConstant(node, 3, 'sizes')?.data : undefined;
  const rank = x.shape.length;
  const axes = node.attributes.ints('axes')?.map((axis) => (axis < 0 ? axis + rank : axis)) ?? x.shape.map((_, axis) => axis);
  const given = sizes !== undefined && sizes.length > 0 ? sizes : scales;
  if (given.length !== axes.length) return fail(node, 'input', 'missing-input', `has ${given.length} scales or sizes for ${axes.length} axes.`);
  return axes.map((axis, i) => {
    const from = x.shape[axis] ?? 1;
    if (given === sizes) return { axis, to: sizes[i] as number, scale: (sizes[i] as number) / from };
    const scale = scales[i] as number;
    return { axis, to: Math.floor(from * scale), scale };
  });
}

const resize: Operator = {
  run: (node, builder) => {
    let x = variableInput(node, 0);
    const mode = node.attributes.string('mode', 'nearest');
    if (mode !== 'nearest' && mode !== 'linear') fail(node, 'unsupported', 'resize-mode', `interpolates in mode '${mode.slice(0, 20)}'; nearest and linear are supported.`);
    if (node.attributes.int('antialias', 0) !== 0) fail(node, 'unsupported', 'antialias', 'smooths while it shrinks (antialias).');
    for (const target of targetsOf(node, x)) {
      const { axis, to } = target;
      if (to === x.shape[axis]) continue;
      if (axis === 0 && leadOf(x.shape) === 0) return fail(node, 'unsupported', 'batch-resize', 'resizes the batch.');
      if (!Number.isSafeInteger(to) || to < 1 || to > 2 ** 20) return fail(node, 'input', 'bad-shape', `resizes axis ${axis} to ${to}.`);
      x = (mode === 'nearest' ? emitNearest : emitLinear)(node, builder, x, target, `${node.name}/axis${axis}`);
    }
    return [x];
  },
};

/** Blocks of channels to pixels, or back: reshape, transpose, reshape. */
function blocks(toSpace: boolean): Operator {
  return {
    run: (node, builder) => {
      const x = variableInput(node, 0);
      const b = node.attributes.int('blocksize', 1);
      const [n, c, h, w] = x.shape as [number, number, number, number];
      const fits = x.shape.length === 4 && b >= 1 && (toSpace ? c % (b * b) === 0 : h % b === 0 && w % b === 0);
      if (!fits) return fail(node, 'input', 'shape-mismatch', `rearranges blocks of ${b} in ${formatShape(x.shape)}.`);
      const crd = node.attributes.string('mode', 'DCR') === 'CRD';
      const depth = c / (b * b);
      const split = toSpace ? (crd ? [n, depth, b, b, h, w] : [n, b, b, depth, h, w]) : [n, c, h / b, b, w / b, b];
      const perm = toSpace ? (crd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]) : crd ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
      const shape = toSpace ? [n, depth, h * b, w * b] : [n, c * b * b, h / b, w / b];
      const apart = builder.reshape(node, x, split, `${node.name}/blocks`);
      const turned = builder.emit(node, 'transpose', { perm }, [apart], { name: `${node.name}/turn`, integer: x.integer });
      return [builder.reshape(node, turned, shape)];
    },
  };
}

/** Where position i of a padded axis comes from. */
function reflected(mode: string, i: number, length: number): number {
  if (mode === 'edge') return clamped(i, length);
  if (mode === 'wrap') return ((i % length) + length) % length;
  const period = Math.max(1, 2 * (length - 1));
  const within = ((i % period) + period) % period;
  return within < length ? within : period - within;
}

/** Pads that repeat the tensor's own elements: a gather an axis. */
export function emitRepeatingPad(node: OperatorNode, builder: GraphBuilder, x: VariableValue, mode: string, pads: readonly number[]): VariableValue {
  const rank = x.shape.length;
  let value = x;
  for (let axis = 0; axis < rank; axis++) {
    const [begin, end] = [pads[axis] as number, pads[axis + rank] as number];
    if (begin === 0 && end === 0) continue;
    const length = x.shape[axis] as number;
    const to = length + begin + end;
    if (to < 1 || (mode === 'reflect' && (begin >= length || end >= length))) return fail(node, 'input', 'bad-pads', `pads axis ${axis} of ${formatShape(x.shape)} by ${begin} and ${end} in mode ${mode}.`);
    builder.tensors.reserve(to, node.name);
    const data = Float64Array.from({ length: to }, (_, i) => reflected(mode, i - begin, length));
    value = builder.emit(node, 'gather', { axis: axis + leadOf(value.shape), indices: { shape: [to], data, quantised: true } }, [value], { name: `${node.name}/axis${axis}`, integer: x.integer });
  }
  return value;
}

/** Partial sums along one axis: a product with a triangle of ones. */
const cumSum: Operator = {
  least: 2,
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const given = optionalConstant(node, 1, 'axis')?.data[0] ?? 0;
    const axis = given < 0 ? given + x.shape.length : given;
    const length = x.shape[axis] ?? 0;
    if (length === 0 || (axis === 0 && leadOf(x.shape) === 0)) return fail(node, 'unsupported', 'batch-sum', `sums along axis ${axis} of ${formatShape(x.shape)}.`);
    const [exclusive, reverse] = [node.attributes.int('exclusive', 0) !== 0, node.attributes.int('reverse', 0) !== 0];
    builder.tensors.reserve(length * length, node.name);
    const data = Float64Array.from({ length: length * length }, (_, k) => {
      const [row, column] = [Math.floor(k / length), k % length];
      const before = reverse ? row - column : column - row;
      return before > 0 || (before === 0 && !exclusive) ? 1 : 0;
    });
    const rank = x.shape.length;
    const perm = x.shape.map((_, a) => (a === axis ? rank - 1 : a === rank - 1 ? axis : a));
    const turn = (value: VariableValue, part: string): VariableValue => {
      const lead = leadOf(value.shape);
      return axis === rank - 1 ? value : builder.emit(node, 'transpose', { perm: lead === 1 ? [0, ...perm.map((a) => a + 1)] : perm }, [value], { name: `${node.name}/${part}`, shape: perm.map((a) => value.shape[a] as number) });
    };
    const weight = { shape: [length, length], data, quantised: true };
    return [turn(builder.emit(node, 'dense', { weight, bias: null }, [turn(x, 'turn')], { name: `${node.name}/sums` }), 'back')];
  },
};

/** Images larger and smaller, and other rearrangements of axes. */
export const resizing: OperatorTable = {
  Resize: resize,
  Upsample: resize,
  DepthToSpace: blocks(true),
  SpaceToDepth: blocks(false),
  CumSum: cumSum,
};

