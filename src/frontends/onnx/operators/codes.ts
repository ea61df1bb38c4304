import type { QuantParams } from '../../../layers/quant.js';
import { sizeOf } from '../../../model/tensor.js';
import type { GraphBuilder } from '../builder.js';
import { allocate, foldUnary } from '../fold.js';
import type { Operator, OperatorTable } from '../operator.js';
import { integerRange } from '../tensors.js';
import type { CodeValue, ConstantValue, OperatorNode, Value, VariableValue } from '../values.js';
import { constant, constantInput, fail, formatShape, normalAxis, operandInput, optionalConstant, requiredInput, scalarOf, shapeOf } from '../values.js';

/*
 * Linear quantisation as ONNX has it: q = saturate(round half even(x / scale) + zeroPoint), x ≈ (q − zeroPoint) · scale.
 * The zero point is added behind the rounding, so here it moves the bounds instead: the quantiser gives (q − zeroPoint) · scale.
 */

/** The element type that QuantizeLinear gives where neither a zero point nor output_dtype says it. */
const UINT8 = 2;

/** A scale or zero point as it broadcasts to the tensor: one number, one an index of `axis`, or one a block of it. */
function alongAxis(node: OperatorNode, builder: GraphBuilder, value: ConstantValue, shape: readonly number[], role: string): ConstantValue {
  if (value.data.length === 1) return { ...value, shape: [] };
  const axis = normalAxis(node, node.attributes.int('axis', 1), shape.length);
  const block = node.attributes.int('block_size', 0);
  const length = shape[axis] as number;
  if (value.shape.length === 1 && value.data.length === length) return { ...value, shape: shape.map((n, i) => (i === axis ? n : 1)) };
  const fits = block > 0 && value.shape.length === shape.length && value.shape.every((n, i) => n === (i === axis ? Math.ceil(length / block) : shape[i]));
  if (!fits) return fail(node, 'input', 'shape-mismatch', `its ${role} ${formatShape(value.shape)} fits neither axis ${axis} of ${formatShape(shape)} nor blocks of it.`);
  const data = allocate(node, builder, shape);
  const inner = sizeOf(shape.slice(axis + 1));
  const blocks = value.shape[axis] as number;
  for (let i = 0; i < data.length; i++) {
    const along = Math.floor(i / inner) % length;
    data[i] = value.data[(Math.floor(i / (inner * length)) * blocks + Math.floor(along / block)) * inner + (i % inner)] as number;
  }
  return { ...value, shape, data };
}

interface Quantisation {
  readonly scale: ConstantValue;
  readonly zeroPoint: ConstantValue;
  /** The zero point's element type. */
  readonly type: number | undefined;
}

/** Scale and zero point at two inputs. */
function quantisationOf(node: OperatorNode, builder: GraphBuilder, shape: readonly number[], index: number): Quantisation {
  const scale = alongAxis(node, builder, constantInput(node, index, 'scale'), shape, 'scale');
  const bad = scale.data.find((s) => !(s > 0 && Number.isFinite(s)));
  if (bad !== undefined) fail(node, 'input', 'bad-scale', `its scale holds ${bad}; scales must be positive.`);
  const given = optionalConstant(node, index + 1, 'zero point');
  const zeroPoint = given === undefined ? constant('', [], [0], { integer: true }) : alongAxis(node, builder, given, shape, 'zero point');
  return { scale, zeroPoint, type: given?.type };
}

/** The integers of a type. */
function rangeOf(node: OperatorNode, type: number): readonly [number, number] {
  return integerRange(type) ?? fail(node, 'unsupported', 'quantised-type', `quantises to element type ${type}; integers of 4, 8, 16 and 32 bits are supported.`);
}

/** (x − zeroPoint) · scale of integers, the product exact as far as float64 holds it. */
function dequantised(node: OperatorNode, builder: GraphBuilder, x: ConstantValue, { scale, zeroPoint }: Quantisation): ConstantValue {
  const at = (value: ConstantValue): ((i: number) => number) => {
    if (value.data.length === 1) return () => value.data[0] as number;
    const index = broadcastTo(value.shape, x.shape);
    return (i) => value.data[index(i)] as number;
  };
  const [s, z] = [at(scale), at(zeroPoint)];
  builder.tensors.reserve(x.data.length, node.name);
  return constant(node.outputs[0] ?? '', x.shape, x.data.map((q, i) => (q - z(i)) * s(i) + 0), { quantised: true });
}

/** The flat index into `from` of element i of `to`; both of equal rank. */
function broadcastTo(from: readonly number[], to: readonly number[]): (i: number) => number {
  const steps: { readonly every: number; readonly length: number; readonly step: number }[] = [];
  let [every, step] = [1, 1];
  for (let axis = to.length - 1; axis >= 0; axis--) {
    const length = to[axis] as number;
    if (from[axis] !== 1) steps.push({ every, length, step });
    every *= length;
    step *= from[axis] as number;
  }
  return (i) => steps.reduce((sum, s) => sum + (Math.floor(i / s.every) % s.length) * s.step, 0);
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** Quantises a value that is there: integers of a constant, or the promise of a quantiser on a variable. */
function quantised(node: OperatorNode, builder: GraphBuilder, x: ConstantValue | VariableValue, quantisation: Quantisation, type: number): Value {
  const [low, high] = rangeOf(node, type);
  const { scale, zeroPoint } = quantisation;
  if (x.kind === 'variable') return { kind: 'code', of: x, onGrid: false, scale, zeroPoint, low, high };
  if (scale.data.length !== 1 || zeroPoint.data.length !== 1) return fail(node, 'unsupported', 'constant-input', 'quantises a constant per channel; store the integers instead.');
  const [s, z] = [scale.data[0] as number, zeroPoint.data[0] as number];
  return { ...foldUnary(node, builder, x, (n) => Math.min(Math.max(roundHalfEven(Math.fround(n / s)) + z, low), high), true), type };
}

/** The real number that integers stand for: one quantiser, where it is not known to be on its grid. */
function realOf(node: OperatorNode, builder: GraphBuilder, code: CodeValue, name?: string): VariableValue {
  if (code.onGrid) return code.of;
  const { scale, zeroPoint, low, high } = code;
  const z = zeroPoint.data[0] as number;
  if (zeroPoint.data.some((n) => n !== z)) fail(node, 'unsupported', 'zero-point', 'has zero points that differ between channels of a variable; one for all is supported.');
  const [least, greatest] = [low - z, high - z];
  const bits = Math.log2(greatest - least + 1);
  const signed = least < 0;
  const plain = Number.isInteger(bits) && least === (signed ? -(2 ** (bits - 1)) : 0);
  const params: QuantParams = {
    scale: { ...builder.parameter(node, scale, 'scale'), quantised: true },
    zeroPoint: { shape: [], data: Float64Array.of(0), quantised: true },
    bitWidth: plain ? bits : Math.ceil(Math.log2(Math.max(-least, greatest + 1, 1))) + 1,
    signed,
    narrow: false,
    rounding: 'ROUND',
    ...(plain ? {} : { bounds: [least, greatest] as const }),
  };
  return builder.emit(node, 'quant', params, [code.of], { shape: code.of.shape, ...(name === undefined ? {} : { name }) });
}

const quantizeLinear: Operator = {
  least: 2,
  run: (node, builder) => {
    const x = operandInput(node, 0);
    const quantisation = quantisationOf(node, builder, x.shape, 1);
    const type = quantisation.type ?? node.attributes.int('output_dtype', UINT8);
    return [quantised(node, builder, x, quantisation, type === 0 ? UINT8 : type)];
  },
};

function sameNumbers(a: ConstantValue, b: ConstantValue): boolean {
  return a.data.length === b.data.length && a.data.every((n, i) => n === b.data[i]);
}

/** One input that stands for a number, as that number. */
function dequantisedInput(node: OperatorNode, builder: GraphBuilder, index: number, name?: string): ConstantValue | VariableValue {
  const x = requiredInput(node, index);
  const quantisation = quantisationOf(node, builder, shapeOf(x), index + 1);
  if (x.kind === 'constant') return dequantised(node, builder, x, quantisation);
  if (x.kind !== 'code') return fail(node, 'unsupported', 'integer-input', 'reads integers that come from no QuantizeLinear.', 'Give the model a float input and quantise it in the graph, or leave both nodes out and pass --input-type.');
  if (!sameNumbers(x.scale, quantisation.scale) || !sameNumbers(x.zeroPoint, quantisation.zeroPoint)) {
    return fail(node, 'unsupported', 'scale-mismatch', `has scale ${quantisation.scale.data[0]} and zero point ${quantisation.zeroPoint.data[0]} for integers quantised with ${x.scale.data[0]} and ${x.zeroPoint.data[0]}; equal ones are supported.`);
  }
  return realOf(node, builder, x, name);
}

const dequantizeLinear: Operator = { least: 2, run: (node, builder) => [dequantisedInput(node, builder, 0)] };

/** Operators that only move elements, or pick the greatest: integers go through as the numbers they stand for. */
const THROUGH = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice', 'Split', 'Gather', 'Expand', 'Tile', 'Identity', 'Dropout', 'MaxPool', 'DepthToSpace', 'SpaceToDepth', 'Concat']);

/** A node that reads integers, where it need not know; undefined where the operator itself must. */
export function codesThrough(operator: Operator, node: OperatorNode, builder: GraphBuilder): readonly Value[] | undefined {
  const codes = node.inputs.filter((input): input is CodeValue => input?.kind === 'code');
  const [first] = codes;
  if (first === undefined) return undefined;
  if (node.op === 'Clip') return [clipped(node, first)];
  if (!THROUGH.has(node.op) || (node.op === 'Concat' && codes.length !== node.inputs.length)) return undefined;
  const uniform = codes.every((code) => sameNumbers(code.scale, first.scale) && sameNumbers(code.zeroPoint, first.zeroPoint));
  if (!uniform || first.scale.data.length !== 1) return fail(node, 'unsupported', 'scale-mismatch', 'joins or moves integers whose scales differ; dequantise them first.');
  const inputs = node.inputs.map((input, i) => (input?.kind === 'code' ? realOf(node, builder, input, `${node.name}/quantised${i}`) : input));
  const results = operator.run({ ...node, inputs }, builder);
  const bounds = { low: Math.min(...codes.map((code) => code.low)), high: Math.max(...codes.map((code) => code.high)) };
  return results.map((of): Value => (of.kind === 'variable' ? { ...first, of, onGrid: true, ...bounds } : of));
}

/** Clip of integers narrows what the quantiser saturates to. */
function clipped(node: OperatorNode, code: CodeValue): CodeValue {
  const bound = (index: number, attribute: string, fallback: number): number => {
    const value = optionalConstant(node, index, attribute);
    return value === undefined ? node.attributes.float(attribute, fallback) : scalarOf(node, value, attribute);
  };
  const low = Math.ceil(Math.max(code.low, bound(1, 'min', -Infinity)));
  const high = Math.floor(Math.min(code.high, bound(2, 'max', Infinity)));
  if (!(low <= high)) fail(node, 'input', 'bad-attribute', `its bounds leave no integer between ${low} and ${high}.`);
  return { ...code, onGrid: code.onGrid && low <= code.low && high >= code.high, low, high };
}

/** An integer operator of onnxruntime: the numbers its inputs stand for through the float operator, then the quantiser of its output. */
export interface IntegerForm {
  /** Positions of tensors that scale and zero point follow. */
  readonly quantised: readonly number[];
  /** Positions of the inputs as they are, in their order behind the quantised ones. */
  readonly plain?: readonly number[];
  /** Position of the output's scale; its zero point follows. */
  readonly output: number;
  /** An int32 bias at this position, whose scale is the product of the first two. */
  readonly bias?: number;
  readonly operator: Operator;
  /** The float operator's name, for messages. */
  readonly op: string;
}

export function integerOperator(form: IntegerForm): Operator {
  return {
    least: form.output + 1,
    run: (node, builder) => {
      const inputs: (Value | undefined)[] = form.quantised.map((index, i) => dequantisedInput(withAxis(node, index), builder, index, `${node.name}/input${i}`));
      if (form.bias !== undefined && node.inputs[form.bias] !== undefined) inputs.push(biasOf(node, builder, form));
      for (const index of form.plain ?? []) inputs.push(node.inputs[index]);
      const start = { ...node, op: form.op, inputs };
      const [y] = form.operator.run(start, builder);
      if (y?.kind !== 'variable') return fail(node, 'unsupported', 'constant-input', 'has constants only.');
      const quantisation = quantisationOf(node, builder, y.shape, form.output);
      return [quantised(node, builder, y, quantisation, quantisation.type ?? UINT8)];
    },
  };
}

/** Weights of convolutions are quantised along axis 0, those of products along the axis of the outputs. */
function withAxis(node: OperatorNode, index: number): OperatorNode {
  const shape = shapeOf(requiredInput(node, index));
  const first = node.op.includes('Conv') || (index > 0 && node.attributes.int('transB', 0) === 1);
  const axis = first ? 0 : Math.max(0, shape.length - 1);
  return { ...node, attributes: node.attributes.with('axis', axis) };
}

/** The bias in steps of (scale of input · scale of weight). */
function biasOf(node: OperatorNode, builder: GraphBuilder, form: IntegerForm): ConstantValue {
  const bias = constantInput(node, form.bias as number, 'bias');
  const [x, w] = form.quantised.slice(0, 2).map((index) => constantInput(node, index + 1, 'scale').data) as [Float64Array, Float64Array];
  builder.tensors.reserve(bias.data.length, node.name);
  const data = bias.data.map((b, i) => b * (x[0] as number) * (w[w.length === 1 ? 0 : i] ?? NaN));
  return constant('', bias.shape, data, { quantised: true });
}

/** QuantizeLinear and DequantizeLinear, of ai.onnx and of com.microsoft. */
export const codes: OperatorTable = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
};
