import type { QuantParams } from '../../../layers/quant.js';
import { broadcastShapes } from '../../../model/tensor.js';
import type { Tensor } from '../../../model/tensor.js';
import type { GraphBuilder } from '../builder.js';
import type { LayerKind, LayerParams } from '../../../layers/registry.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, OperatorNode, Value } from '../values.js';
import { constant, constantInput, describeValue, fail, formatShape, requiredInput, scalarOf, shapeOf } from '../values.js';

const ROUNDINGS: Readonly<Record<string, QuantParams['rounding']>> = {
  ROUND: 'ROUND',
  HALF_EVEN: 'ROUND',
  CEIL: 'CEIL',
  FLOOR: 'FLOOR',
  UP: 'UP',
  DOWN: 'DOWN',
  HALF_UP: 'HALF_UP',
  HALF_DOWN: 'HALF_DOWN',
};

function roundingOf(node: OperatorNode, fallback: string): QuantParams['rounding'] {
  const mode = node.attributes.string('rounding_mode', fallback).toUpperCase();
  return ROUNDINGS[Object.hasOwn(ROUNDINGS, mode) ? mode : ''] ?? fail(node, 'unsupported', 'rounding-mode', `rounding mode '${mode.slice(0, 40)}' is none of ${Object.keys(ROUNDINGS).join(', ')}.`);
}

/** A quantiser's own numbers are structural: exact as they stand. */
function quantiserTensor(node: OperatorNode, builder: GraphBuilder, index: number, role: string, x: Value): Tensor {
  const value = constantInput(node, index, role);
  const shape = shapeOf(x);
  const joined = broadcastShapes(value.shape, shape);
  if (joined === undefined || joined.some((n, i) => n !== shape[i])) {
    // A [1] beside a scalar is common and harmless.
    if (value.data.length !== 1) fail(node, 'input', 'shape-mismatch', `its ${role} ${formatShape(value.shape)} does not broadcast to ${formatShape(shape)}.`);
    return { ...builder.parameter(node, { ...value, shape: [] }, role), quantised: true };
  }
  return { ...builder.parameter(node, value, role), quantised: true };
}

function scaleTensor(node: OperatorNode, builder: GraphBuilder, x: Value): Tensor {
  const scale = quantiserTensor(node, builder, 1, 'scale', x);
  const bad = scale.data.find((n) => n <= 0);
  if (bad !== undefined) fail(node, 'input', 'bad-scale', `its scale holds ${bad}; scales must be positive.`);
  return scale;
}

function bitsOf(node: OperatorNode, index: number, role: string): number {
  const bits = scalarOf(node, constantInput(node, index, role), role);
  if (!(bits > 0 && bits <= 64)) fail(node, 'input', 'bad-bit-width', `its ${role} is ${bits}; more than 0 and at most 64 bits are possible.`);
  return bits;
}

/** The result on a constant, marked as quantised, or the layer on a variable. */
function apply<K extends LayerKind>(node: OperatorNode, builder: GraphBuilder, kind: K, params: LayerParams[K], x: Value): readonly Value[] {
  if (x.kind === 'variable') return [builder.emit(node, kind, params, [x], { shape: x.shape })];
  if (x.kind !== 'constant') return fail(node, 'unsupported', x.kind, `its input ${describeValue(x)}.`);
  builder.tensors.reserve(x.data.length, node.name);
  const y = builder.catalogue.evaluate(kind, params, [builder.parameter(node, x, 'input')]);
  return [constant(node.outputs[0] ?? '', x.shape, y.data.map((n) => n + 0), { quantised: true })];
}

function quantiser(run: (node: OperatorNode, builder: GraphBuilder) => readonly Value[], least: number): Operator {
  return { least, run, fold: (node: OperatorNode, _: readonly ConstantValue[], builder: GraphBuilder) => run(node, builder) };
}

const quant = quantiser((node, builder) => {
  const x = requiredInput(node, 0);
  const scale = scaleTensor(node, builder, x);
  const zeroPoint = quantiserTensor(node, builder, 2, 'zero point', x);
  const bitWidth = bitsOf(node, 3, 'bit width');
  const signed = node.attributes.int('signed', 1) !== 0;
  const narrow = node.attributes.int('narrow', 0) !== 0;
  const rounding = roundingOf(node, 'ROUND');
  // QONNX: one signed bit is the sign itself, with 0 counted as +1.
  if (bitWidth === 1 && signed && zeroPoint.data.every((n) => n === 0)) return apply(node, builder, 'bipolarQuant', { scale }, x);
  return apply(node, builder, 'quant', { scale, zeroPoint, bitWidth, signed, narrow, rounding }, x);
}, 4);

const bipolarQuant = quantiser((node, builder) => {
  const x = requiredInput(node, 0);
  return apply(node, builder, 'bipolarQuant', { scale: scaleTensor(node, builder, x) }, x);
}, 2);

/** Version 1 has five inputs, version 2 an output scale as well. */
const trunc = quantiser((node, builder) => {
  const x = requiredInput(node, 0);
  const scale = scaleTensor(node, builder, x);
  const zeroPoint = quantiserTensor(node, builder, 2, 'zero point', x);
  const inBits = bitsOf(node, 3, 'input bit width');
  const rounding = roundingOf(node, 'FLOOR');
  if (node.inputs.length > 5) return truncTo(node, builder, x, { scale, zeroPoint, rounding });
  return apply(node, builder, 'trunc', { scale, zeroPoint, inBits, outBits: bitsOf(node, 4, 'output bit width'), rounding }, x);
}, 5);

/** The widest quantiser there is: so wide that it only rounds. */
const UNBOUNDED_BITS = 64;

/** Trunc version 2: to whole steps of the scale, then a quantiser of the coarser output scale. */
function truncTo(node: OperatorNode, builder: GraphBuilder, x: Value, { scale, zeroPoint, rounding }: Pick<QuantParams, 'scale' | 'zeroPoint' | 'rounding'>): readonly Value[] {
  if (zeroPoint.data.some((n) => n !== 0)) fail(node, 'unsupported', 'zero-point', 'has a zero point other than 0, which version 2 is supported without.');
  const outScale = quantiserTensor(node, builder, 4, 'output scale', x);
  const [from, to] = [scale.data[0] as number, outScale.data[0] as number];
  if (scale.data.length !== 1 || outScale.data.length !== 1 || !Number.isInteger(Math.log2(to / from))) {
    fail(node, 'unsupported', 'output-scale', `goes from scale ${from} to ${to}; one power of two between one scale each is supported.`);
  }
  const steps: QuantParams = { scale, zeroPoint, bitWidth: UNBOUNDED_BITS, signed: true, narrow: false, rounding: 'ROUND' };
  const params: QuantParams = { scale: outScale, zeroPoint, bitWidth: bitsOf(node, 5, 'output bit width'), signed: node.attributes.int('signed', 1) !== 0, narrow: node.attributes.int('narrow', 0) !== 0, rounding };
  if (x.kind !== 'variable') return apply(node, builder, 'quant', params, apply(node, builder, 'quant', steps, x)[0] as Value);
  const whole = builder.emit(node, 'quant', steps, [x], { shape: x.shape, name: `${node.name}/steps` });
  return apply(node, builder, 'quant', params, whole);
}

/** QONNX quantisers, under any of their three domains. */
export const quantisers: OperatorTable = {
  Quant: quant,
  IntQuant: quant,
  BipolarQuant: bipolarQuant,
  Trunc: trunc,
};
