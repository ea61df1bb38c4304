import { stridesOf } from '../../../model/tensor.js';
import type { GraphBuilder } from '../builder.js';
import { foldConcat, foldPick, foldTranspose } from '../fold.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, Operand, OperatorNode, VariableValue } from '../values.js';
import { emitRepeatingPad } from './resize.js';
import { constant, constantInput, fail, formatShape, integerList, leadOf, modelShape, normalAxis, operandInput, optionalConstant, scalarOf, variableInput } from '../values.js';

function permutation(node: OperatorNode, rank: number): readonly number[] {
  const perm = node.attributes.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (perm.length !== rank || new Set(perm).size !== rank || perm.some((axis) => !Number.isInteger(axis) || axis < 0 || axis >= rank)) {
    fail(node, 'input', 'bad-permutation', `[${perm.slice(0, 16).join(', ')}] is no permutation of ${rank} axes.`);
  }
  return perm;
}

/** Axes of length 1, the batch among them, may go anywhere: only the others are really moved. */
const transpose: Operator = {
  fold: (node, inputs, builder) => {
    const x = inputs[0] as ConstantValue;
    return [foldTranspose(node, builder, x, permutation(node, x.shape.length))];
  },
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const perm = permutation(node, x.shape.length);
    const shape = perm.map((axis) => x.shape[axis] as number);
    const moved = perm.filter((axis) => x.shape[axis] !== 1);
    if (moved.every((axis, i) => i === 0 || axis > (moved[i - 1] as number))) return [builder.reshape(node, x, shape)];
    if (leadOf(x.shape) === 1) return [builder.emit(node, 'transpose', { perm: [0, ...perm.map((axis) => axis + 1)] }, [x], { shape, integer: x.integer })];
    if (perm[0] === 0) return [builder.emit(node, 'transpose', { perm }, [x], { shape, integer: x.integer })];
    const core = x.shape.flatMap((n, axis) => (n === 1 ? [] : [axis]));
    const bare = builder.reshape(node, x, core.map((axis) => x.shape[axis] as number), `${node.name}/core`);
    return [builder.emit(node, 'transpose', { perm: [0, ...moved.map((axis) => core.indexOf(axis) + 1)] }, [bare], { shape, integer: x.integer })];
  },
};

const concat: Operator = {
  fold: (node, inputs, builder) => {
    const first = inputs[0] as ConstantValue;
    return [foldConcat(node, builder, inputs, normalAxis(node, node.attributes.int('axis', 1), first.shape.length))];
  },
  run: (node, builder) => {
    const inputs = node.inputs.map((_, i) => operandInput(node, i));
    const variable = inputs.find((input): input is VariableValue => input.kind === 'variable') ?? variableInput(node, 0);
    if (inputs.length === 1) return [variable];
    const axis = normalAxis(node, node.attributes.int('axis', 1), variable.shape.length);
    if (axis === 0) return [joinedInFront(node, builder, inputs)];
    const lead = leadOf(variable.shape);
    const parts = inputs.map((input): Operand => (input.kind === 'constant' ? { ...input, shape: modelShape(input.shape) } : input));
    return [builder.emit(node, 'concat', { axis: axis + lead }, parts, { integer: inputs.every((input) => input.integer) })];
  },
};

/** Along axis 0 only where the batch is axis 1: states of recurrences, [directions, batch, units]. */
function joinedInFront(node: OperatorNode, builder: GraphBuilder, inputs: readonly Operand[]): VariableValue {
  if (inputs.some(({ shape }) => shape.length < 3 || shape[1] !== 1)) return fail(node, 'unsupported', 'batch-concat', 'joins along axis 0, which is the batch.');
  const parts = inputs.map((input, i): Operand => (input.kind === 'constant' ? { ...input, shape: [1, ...input.shape] } : builder.lift(node, input, `${node.name}/part${i}`)));
  const count = inputs.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  return builder.emit(node, 'concat', { axis: 1 }, parts, { shape: [count, ...(inputs[0]?.shape.slice(1) ?? [])] });
}

/** Keeps one side of the diagonal of the last two axes: elsewhere 0. */
const trilu: Operator = {
  fold: (node, inputs, builder) => {
    const x = inputs[0] as ConstantValue;
    const kept = keptBy(node, x.shape);
    builder.tensors.reserve(x.data.length, node.name);
    return [{ ...x, name: node.outputs[0] ?? '', data: x.data.map((n, i) => (kept(i) ? n : 0)) }];
  },
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const [rows = 1, columns = 1] = x.shape.slice(-2);
    const kept = keptBy(node, x.shape);
    const mask = constant(`${node.name}:kept`, [rows, columns], Array.from({ length: rows * columns }, (_, i) => (kept(i) ? 1 : 0)), { integer: true, quantised: true });
    return [builder.emit(node, 'elementwise', { operation: 'mul' }, [x, mask], { shape: x.shape, integer: x.integer })];
  },
};

/** Whether an element of a shape is on the side that is kept. */
function keptBy(node: OperatorNode, shape: readonly number[]): (element: number) => boolean {
  const [rows = 1, columns = 1] = shape.slice(-2);
  const shift = optionalConstant(node, 1, 'diagonal')?.data[0] ?? 0;
  const upper = node.attributes.int('upper', 1) !== 0;
  return (i) => {
    const distance = (i % columns) - (Math.floor(i / columns) % rows) - shift;
    return upper ? distance >= 0 : distance <= 0;
  };
}

interface Bounds {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly length: number;
}

/** ONNX's clamping of slice bounds; an end of −1 stands before the first element. */
function sliceBounds(node: OperatorNode, shape: readonly number[]): readonly Bounds[] {
  const list = (index: number, name: string): readonly number[] | undefined => integerList(node, node.inputs.length > 1 ? index : -1, name);
  const starts = list(1, 'starts') ?? fail(node, 'input', 'missing-input', 'has no starts.');
  const ends = list(2, 'ends') ?? fail(node, 'input', 'missing-input', 'has no ends.');
  const axes = (list(3, 'axes') ?? starts.map((_, i) => i)).map((axis) => normalAxis(node, axis, shape.length));
  const steps = list(4, 'steps') ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length || steps.includes(0)) {
    fail(node, 'input', 'bad-slice', `has ${starts.length} starts, ${ends.length} ends, ${axes.length} axes and steps [${steps.slice(0, 8).join(', ')}].`);
  }
  return axes.map((axis, i) => {
    const size = shape[axis] as number;
    const step = steps[i] as number;
    const clampTo = (n: number, low: number, high: number): number => Math.min(Math.max(n < 0 ? n + size : n, low), high);
    const start = step > 0 ? clampTo(starts[i] as number, 0, size) : clampTo(starts[i] as number, 0, size - 1);
    const end = step > 0 ? clampTo(ends[i] as number, 0, size) : clampTo(ends[i] as number, -1, size - 1);
    return { axis, start, end, step, length: Math.max(0, Math.ceil((end - start) / step)) };
  });
}

function foldSlice(node: OperatorNode, builder: GraphBuilder, x: ConstantValue, bounds: readonly Bounds[]): ConstantValue {
  const strides = stridesOf(x.shape);
  const shape = [...x.shape];
  const starts = x.shape.map(() => 0);
  const steps = x.shape.map(() => 1);
  for (const { axis, start, step, length } of bounds) {
    shape[axis] = length;
    starts[axis] = start;
    steps[axis] = step;
  }
  return foldPick(node, builder, x, shape, (p) => p.reduce((sum, n, axis) => sum + ((starts[axis] as number) + n * (steps[axis] as number)) * (strides[axis] as number), 0));
}

function emitSlice(node: OperatorNode, builder: GraphBuilder, x: VariableValue, all: readonly Bounds[], name?: string): VariableValue {
  const bounds = all.filter(({ axis, start, step, length }) => start !== 0 || step !== 1 || length !== x.shape[axis]);
  if (bounds.length === 0) return x;
  const lead = leadOf(x.shape);
  if (lead === 0 && bounds.some(({ axis, length }) => axis === 0 && length !== 1)) fail(node, 'unsupported', 'batch-slice', 'cuts axis 0, which is the batch.');
  const kept = bounds.filter(({ axis }) => lead === 1 || axis !== 0);
  if (kept.length === 0) return x;
  const params = {
    axes: kept.map(({ axis }) => axis + lead),
    starts: kept.map(({ start }) => start),
    ends: kept.map(({ end }) => end),
    steps: kept.map(({ step }) => step),
  };
  return builder.emit(node, 'slice', params, [x], { integer: x.integer, ...(name === undefined ? {} : { name }) });
}

const slice: Operator = {
  fold: (node, inputs, builder) => {
    const x = inputs[0] as ConstantValue;
    return [foldSlice(node, builder, x, sliceBounds(node, x.shape))];
  },
  run: (node, builder) => {
    const x = variableInput(node, 0);
    return [emitSlice(node, builder, x, sliceBounds(node, x.shape))];
  },
};

/** Parts along one axis: sizes as given, else as equal as may be. */
function splitBounds(node: OperatorNode, shape: readonly number[]): readonly Bounds[] {
  const axis = normalAxis(node, node.attributes.int('axis', 0), shape.length);
  const size = shape[axis] as number;
  const parts = node.outputs.length;
  const part = Math.ceil(size / parts);
  const given = integerList(node, node.inputs.length > 1 ? 1 : -1, 'split');
  const sizes = given ?? Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(part, size - i * part)));
  if (sizes.length !== parts || sizes.reduce((sum, n) => sum + n, 0) !== size) fail(node, 'input', 'bad-split', `splits axis ${axis} of ${formatShape(shape)} into [${sizes.slice(0, 16).join(', ')}] for ${parts} outputs.`);
  let start = 0;
  return sizes.map((length) => {
    const bounds = { axis, start, end: start + length, step: 1, length };
    start += length;
    return bounds;
  });
}

const split: Operator = {
  fold: (node, inputs, builder) => {
    const x = inputs[0] as ConstantValue;
    return splitBounds(node, x.shape).map((bounds, i) => ({ ...foldSlice(node, builder, x, [bounds]), name: node.outputs[i] ?? '' }));
  },
  run: (node, builder) => {
    const x = variableInput(node, 0);
    return splitBounds(node, x.shape).map((bounds, i) => emitSlice(node, builder, x, [bounds], `${node.name}/${i}`));
  },
};

const pad: Operator = {
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const rank = x.shape.length;
    const mode = node.attributes.string('mode', 'constant');
    if (!['constant', 'reflect', 'edge', 'wrap'].includes(mode)) fail(node, 'unsupported', 'pad-mode', `pads in mode '${mode.slice(0, 20)}'; constant, reflect, edge and wrap are supported.`);
    const given = integerList(node, node.inputs.length > 1 ? 1 : -1, 'pads') ?? fail(node, 'input', 'missing-input', 'has no pads.');
    const filling = optionalConstant(node, 2, 'value');
    const value = filling === undefined ? node.attributes.float('value', 0) : scalarOf(node, filling, 'value');
    const axes = (optionalConstant(node, 3, 'axes') === undefined ? x.shape.map((_, i) => i) : Array.from(constantInput(node, 3, 'axes').data)).map((axis) => normalAxis(node, axis, rank));
    if (given.length !== 2 * axes.length || given.some((n) => !Number.isSafeInteger(n) || Math.abs(n) > 2 ** 20)) fail(node, 'unsupported', 'bad-pads', `pads are [${given.slice(0, 16).join(', ')}]; two whole numbers for each of ${axes.length} axes are supported.`);
    if (!Number.isFinite(value)) fail(node, 'input', 'not-finite', `pads with ${value}.`);
    const pads = new Array<number>(2 * rank).fill(0);
    axes.forEach((axis, i) => {
      pads[axis] = given[i] as number;
      pads[axis + rank] = given[i + axes.length] as number;
    });
    if (pads.every((n) => n === 0)) return [x];
    const lead = leadOf(x.shape);
    if (lead === 0 && (pads[0] !== 0 || pads[rank] !== 0)) fail(node, 'unsupported', 'batch-pad', 'pads axis 0, which is the batch.');
    if (mode !== 'constant') return [emitRepeatingPad(node, builder, x, mode, pads)];
    const full = lead === 0 ? pads : [0, ...pads.slice(0, rank), 0, ...pads.slice(rank)];
    return [builder.emit(node, 'pad', { pads: full, value: value + 0 }, [x], { integer: x.integer })];
  },
};

/** What only moves elements. */
export const movement: OperatorTable = {
  Transpose: transpose,
  Concat: concat,
  Slice: slice,
  Split: split,
  Pad: pad,
  Trilu: trilu,
};
