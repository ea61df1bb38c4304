import { describe, expect, it } from 'vitest';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { tensor } from '../../src/model/tensor.js';
import { sizeOf } from '../../src/model/tensor.js';
import { Random } from '../helpers/random.js';
import type { OneLayer, Operand } from './helpers.js';
import { floatOf, graphOf, lowerGraph, randomRaw, runFloat, type } from './helpers.js';

const random = new Random(0x1a7e5);
const x = (shape: readonly number[], t: FixedType = type('fixed<8,4>')): Operand => ({ shape, type: t });
const dyadics = (shape: readonly number[], bits = 6, exp = -3) =>
  tensor(shape, Float64Array.from({ length: sizeOf(shape) }, () => random.int(-(2 ** bits), 2 ** bits) * 2 ** exp));

const conv = { strides: [1], dilations: [1], pads: [0, 0], groups: 1, bias: null };
const pool = { mode: 'max', kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0], countIncludePad: false, ceilMode: false };

/** Layers whose circuit without precision is exact: it must give what float64 gives. */
const EXACT: readonly (readonly [string, OneLayer])[] = [
  ['dense', { kind: 'dense', params: { weight: dyadics([5, 3]), bias: dyadics([3]) }, operands: [x([1, 5])] }],
  ['dense on rows', { kind: 'dense', params: { weight: dyadics([4, 3]), bias: null }, operands: [x([1, 2, 3, 4])] }],
  ['conv 1-D', { kind: 'conv', params: { ...conv, weight: dyadics([3, 2, 3]), bias: dyadics([3]) }, operands: [x([1, 2, 7])] }],
  ['conv 2-D, strides, dilation, pads', { kind: 'conv', params: { weight: dyadics([2, 3, 2, 3]), bias: dyadics([2]), strides: [2, 1], dilations: [1, 2], pads: [1, 0, 2, 3], groups: 1 }, operands: [x([1, 3, 5, 6])] }],
  ['conv in groups', { kind: 'conv', params: { ...conv, weight: dyadics([6, 2, 3]), pads: [1, 1], groups: 3 }, operands: [x([1, 6, 4])] }],
  ['depthwise conv', { kind: 'conv', params: { weight: dyadics([3, 1, 2, 2]), bias: dyadics([3]), strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 3 }, operands: [x([1, 3, 3, 3])] }],
  ['conv 3-D', { kind: 'conv', params: { weight: dyadics([2, 1, 2, 2, 2]), bias: null, strides: [1, 1, 1], dilations: [1, 1, 1], pads: [0, 0, 0, 0, 0, 0], groups: 1 }, operands: [x([1, 1, 3, 2, 3])] }],
  ['transposed conv 1-D', { kind: 'convTranspose', params: { weight: dyadics([2, 3, 3]), bias: dyadics([3]), strides: [2], dilations: [1], pads: [1, 0], outputPads: [1], groups: 1 }, operands: [x([1, 2, 4])] }],
  ['transposed conv 2-D in groups, dilated', { kind: 'convTranspose', params: { weight: dyadics([4, 1, 2, 2]), bias: null, strides: [1, 3], dilations: [2, 1], pads: [0, 1, 1, 0], outputPads: [0, 0], groups: 2 }, operands: [x([1, 4, 3, 3])] }],
  ['transposed conv 3-D', { kind: 'convTranspose', params: { weight: dyadics([1, 2, 2, 2, 2]), bias: null, strides: [2, 1, 1], dilations: [1, 1, 1], pads: [0, 0, 0, 0, 0, 0], outputPads: [0, 0, 0], groups: 1 }, operands: [x([1, 1, 2, 2, 2])] }],
  ['einsum with a constant', { kind: 'einsum', params: { equation: 'abc,cd->abd' }, operands: [x([1, 3, 4]), dyadics([4, 2])] }],
  ['einsum with a constant first, axes turned', { kind: 'einsum', params: { equation: 'dc,abc->adb' }, operands: [dyadics([2, 4]), x([1, 3, 4])] }],
  ['einsum with a constant a head', { kind: 'einsum', params: { equation: 'ahc,hcd->ahd' }, operands: [x([1, 2, 3]), dyadics([2, 3, 2])] }],
  ['einsum of two variables', { kind: 'einsum', params: { equation: 'aqhd,akhd->ahqk' }, operands: [x([1, 2, 2, 3]), x([1, 3, 2, 3], type('fixed<5,2>'))] }],
  ['einsum of one, a diagonal', { kind: 'einsum', params: { equation: 'abbc->ac' }, operands: [x([1, 3, 3, 2])] }],
  ['matmul', { kind: 'matmul', params: {}, operands: [x([1, 2, 3]), x([1, 3, 4], type('fixed<6,2>'))] }],
  ['matmul, broadcast', { kind: 'matmul', params: {}, operands: [x([1, 2, 2, 3]), x([1, 3, 2])] }],
  ['batch normalization', { kind: 'batchNormalization', params: { scale: dyadics([3]), bias: dyadics([3]), axis: 1 }, operands: [x([1, 3, 4])] }],
  ['add, broadcast', { kind: 'elementwise', params: { operation: 'add' }, operands: [x([1, 4, 1]), x([1, 1, 3], type('ufixed<5,3>'))] }],
  ['sub of a constant', { kind: 'elementwise', params: { operation: 'sub' }, operands: [dyadics([3]), x([1, 3])] }],
  ['mul', { kind: 'elementwise', params: { operation: 'mul' }, operands: [x([1, 4]), x([1, 4])] }],
  ['mul by constants', { kind: 'elementwise', params: { operation: 'mul' }, operands: [dyadics([4, 1]), x([1, 4, 2])] }],
  ['div by powers of two', { kind: 'elementwise', params: { operation: 'div' }, operands: [x([1, 3]), tensor([3], [4, -0.5, 1])] }],
  ['max', { kind: 'elementwise', params: { operation: 'max' }, operands: [x([1, 6]), x([1, 6], type('fixed<6,5>'))] }],
  ['min', { kind: 'elementwise', params: { operation: 'min' }, operands: [x([1, 6]), x([1, 6], type('fixed<6,5>'))] }],
  ['average', { kind: 'elementwise', params: { operation: 'average' }, operands: [x([1, 4]), x([1, 4])] }],
  ['dot', { kind: 'dot', params: { axis: -1, keepDims: false }, operands: [x([1, 2, 5]), x([1, 2, 5])] }],
  ['dot of itself, kept axis', { kind: 'dot', params: { axis: 1, keepDims: true }, operands: [x([1, 4]), x([1, 4])] }],
  ['linear', { kind: 'activation', params: { function: 'linear' }, operands: [x([1, 4])] }],
  ['relu', { kind: 'activation', params: { function: 'relu' }, operands: [x([1, 8])] }],
  ['relu of unsigned', { kind: 'activation', params: { function: 'relu' }, operands: [x([1, 3], type('ufixed<4,4>'))] }],
  ['leaky relu', { kind: 'activation', params: { function: 'leakyRelu', alpha: 0.125 }, operands: [x([1, 8])] }],
  ['leaky relu, negative slope', { kind: 'activation', params: { function: 'leakyRelu', alpha: -0.75 }, operands: [x([1, 8])] }],
  ['hard sigmoid', { kind: 'activation', params: { function: 'hardSigmoid', alpha: 0.25, beta: 0.5 }, operands: [x([1, 8])] }],
  ['prelu', { kind: 'prelu', params: { slope: dyadics([3, 1]) }, operands: [x([1, 3, 2])] }],
  ...(['lt', 'le', 'gt', 'ge', 'eq', 'ne'] as const).flatMap((operation): [string, OneLayer][] => [
    [`compare ${operation}`, { kind: 'compare', params: { operation }, operands: [x([1, 6], type('fixed<4,2>')), x([1, 6], type('fixed<3,2>'))] }],
    [`compare ${operation}, constant`, { kind: 'compare', params: { operation }, operands: [x([1, 4], type('fixed<4,2>')), tensor([4], [0.25, -0.3, 0, 9])] }],
    [`compare constant ${operation}`, { kind: 'compare', params: { operation }, operands: [tensor([1], [-0.7]), x([1, 6], type('fixed<4,2>'))] }],
  ]),
  ...(['and', 'or', 'xor'] as const).map((operation): [string, OneLayer] => [`logic ${operation}`, { kind: 'logic', params: { operation }, operands: [x([1, 6], type('fixed<2,1>')), x([1, 6], type('uint<1>'))] }]),
  ['logic not', { kind: 'logic', params: { operation: 'not' }, operands: [x([1, 6], type('uint<1>'))] }],
  ['where', { kind: 'where', params: {}, operands: [x([1, 3, 1], type('fixed<2,2>')), x([1, 1, 4]), tensor([], [0.75])] }],
  ...(['max', 'min'] as const).flatMap((operation) => [true, false].map((last): [string, OneLayer] => [
    `arg${operation}, ${last ? 'last' : 'first'}`, { kind: 'argmax', params: { axis: -1, keepDims: last, operation, last }, operands: [x([1, 3, 5], type('fixed<3,2>'))] },
  ])),
  ['sort', { kind: 'sort', params: { axis: 1, descending: false }, operands: [x([1, 7, 2])] }],
  ['sort, descending', { kind: 'sort', params: { axis: -1, descending: true }, operands: [x([1, 2, 6])] }],
  ...(['values', 'indices'] as const).flatMap((output) => [true, false].map((largest): [string, OneLayer] => [
    `top k ${output}, ${largest ? 'largest' : 'smallest'}`, { kind: 'topK', params: { axis: 1, k: 3, largest, output }, operands: [x([1, 6, 2], type('fixed<3,2>'))] },
  ])),
  ['select slices', { kind: 'select', params: { axis: 1, batchAxes: 1 }, operands: [x([1, 5, 2]), x([1, 3], type('fixed<5,5>'))] }],
  ['select elements', { kind: 'select', params: { axis: 2, batchAxes: 2 }, operands: [x([1, 2, 4]), x([1, 2, 3], type('uint<2>'))] }],
  ['select within rows', { kind: 'select', params: { axis: 2, batchAxes: 1 }, operands: [x([1, 2, 3, 2]), x([1, 2, 2], type('fixed<4,3>'))] }],
  ['select, some rows out of reach', { kind: 'select', params: { axis: 1, batchAxes: 1 }, operands: [x([1, 9]), x([1, 2], type('uint<2>'))] }],
  ['staircase', { kind: 'staircase', params: { thresholds: tensor([1, 3], [-1.3, 0, 2.2]), values: tensor([1, 4], [-1, 0.5, 0.25, 3]), axis: 1 }, operands: [x([1, 3, 3])] }],
  ['staircase, a row a channel', { kind: 'staircase', params: { thresholds: tensor([2, 2], [-100, 0.1, 1, 1.01]), values: tensor([2, 3], [0, 1, 2, -1, 0, 1]), axis: 1 }, operands: [x([1, 2, 6])] }],
  ['staircase of many steps', { kind: 'staircase', params: { thresholds: tensor([1, 60], Array.from({ length: 60 }, (_, i) => (i - 30) / 7)), values: tensor([1, 61], Array.from({ length: 61 }, (_, i) => i - 30)), axis: 1 }, operands: [x([1, 9])] }],
  ['clip', { kind: 'clip', params: { min: -1.5, max: 3.25 }, operands: [x([1, 9])] }],
  ['clip above', { kind: 'clip', params: { min: null, max: 0 }, operands: [x([1, 9])] }],
  ['max pooling', { kind: 'pool', params: pool, operands: [x([1, 2, 4, 5])] }],
  ['max pooling, pads, ceil mode', { kind: 'pool', params: { ...pool, kernel: [3, 2], pads: [1, 1, 1, 0], ceilMode: true }, operands: [x([1, 1, 4, 5])] }],
  ['average pooling', { kind: 'pool', params: { ...pool, mode: 'average' }, operands: [x([1, 2, 4, 4])] }],
  ['average pooling with its padding', { kind: 'pool', params: { ...pool, mode: 'average', pads: [1, 1, 1, 1], countIncludePad: true }, operands: [x([1, 1, 4, 4])] }],
  ['reduce sum', { kind: 'reduce', params: { operation: 'sum', axes: [1, 3], keepDims: false }, operands: [x([1, 2, 3, 2])] }],
  ['reduce mean', { kind: 'reduce', params: { operation: 'mean', axes: [-1], keepDims: true }, operands: [x([1, 3, 4])] }],
  ['reduce max', { kind: 'reduce', params: { operation: 'max', axes: [2], keepDims: false }, operands: [x([1, 2, 5])] }],
  ['reduce prod', { kind: 'reduce', params: { operation: 'prod', axes: [2], keepDims: false }, operands: [x([1, 2, 4], type('fixed<5,2>'))] }],
  ['reduce min', { kind: 'reduce', params: { operation: 'min', axes: [1], keepDims: false }, operands: [x([1, 7])] }],
  ['scaling, subtract', { kind: 'scaling', params: { operation: 'subtract', values: tensor([1, 3], [0.5, -3, 7]) }, operands: [x([1, 3])] }],
  ['scaling, subtract and wrap', { kind: 'scaling', params: { operation: 'subtract', values: tensor([1], [1.25]), type: 'ap_fixed<5,3>' }, operands: [x([1, 9])] }],
  ['scaling, multiply', { kind: 'scaling', params: { operation: 'multiply', values: tensor([1, 3], [0.25, -3, 2]) }, operands: [x([1, 3])] }],
  ['scaling, multiply and round', { kind: 'scaling', params: { operation: 'multiply', values: tensor([1], [0.125]), type: 'ap_fixed<6,4,RND_CONV,SAT>' }, operands: [x([1, 9])] }],
  ['scaling, square and sum', { kind: 'scaling', params: { operation: 'square' }, operands: [x([1, 9])] }],
  ['scaling, sum', { kind: 'scaling', params: { operation: 'sum', type: 'ap_ufixed<6,6>' }, operands: [x([1, 2, 3])] }],
  ['scaling, cast', { kind: 'scaling', params: { operation: 'cast', type: 'ap_fixed<4,3,RND,SAT_SYM>' }, operands: [x([1, 9])] }],
  ['to integer', { kind: 'toInteger', params: {}, operands: [x([1, 9])] }],
  ['embedding', { kind: 'embedding', params: { table: dyadics([6, 2]) }, operands: [x([1, 5], type('uint<4>'))] }],
  ['embedding of a signed index', { kind: 'embedding', params: { table: dyadics([3, 2]) }, operands: [x([1, 5], type('int<3>'))] }],
  ['embedding, one row', { kind: 'embedding', params: { table: dyadics([1, 3]) }, operands: [x([1, 2], type('uint<2>'))] }],
  ['concat', { kind: 'concat', params: { axis: -1 }, operands: [x([1, 2, 2]), x([1, 2, 3], type('ufixed<3,1>')), dyadics([1, 2, 1])] }],
  ['reshape', { kind: 'reshape', params: { shape: [1, 3, 4] }, operands: [x([1, 2, 6])] }],
  ['transpose', { kind: 'transpose', params: { perm: [0, 3, 1, 2] }, operands: [x([1, 2, 3, 4])] }],
  ['gather', { kind: 'gather', params: { axis: 1, indices: tensor([2, 2], [3, -1, 0, 1]) }, operands: [x([1, 4, 2])] }],
  ['slice', { kind: 'slice', params: { axes: [1, 2], starts: [0, 4], ends: [3, -1], steps: [2, -2] }, operands: [x([1, 3, 5])] }],
  ['pad', { kind: 'pad', params: { pads: [0, 1, 0, 0, 0, 2], value: 0.5 }, operands: [x([1, 2, 3])] }],
  ['crop', { kind: 'pad', params: { pads: [0, -1, 0, 1], value: 0 }, operands: [x([1, 4])] }],
];

describe('a layer without precision is exact', () => {
  it.each(EXACT)('%s', (_, layer) => {
    const circuit = lowerGraph(graphOf(layer));
    for (let event = 0; event < 25; event++) {
      const raw = randomRaw(random, layer.operands);
      expect(runFloat(circuit, raw)).toEqual(floatOf(layer, raw).map((v) => v + 0));
    }
  });
});

describe('ports', () => {
  it('leave the batch axis out and keep a declared type that fits', () => {
    const result = type('fixed<9,5,RND,SAT>');
    const circuit = lowerGraph(graphOf({ kind: 'activation', params: { function: 'linear' }, operands: [x([1, 2, 3])], precision: { result, source: 'config' } }));
    expect(circuit.inputs[0]?.shape).toEqual([2, 3]);
    expect(circuit.outputs[0]?.shape).toEqual([2, 3]);
    expect(circuit.outputs[0]?.types).toEqual([result]);
  });

  it('take the smallest common type where none is declared', () => {
    const circuit = lowerGraph(graphOf({ kind: 'elementwise', params: { operation: 'add' }, operands: [x([1, 2]), x([1, 2])] }));
    expect(circuit.outputs[0]?.types).toEqual([fixedType(true, 9, 5)]);
  });

  it('give every op its layer and element', () => {
    const circuit = lowerGraph(graphOf({ kind: 'elementwise', params: { operation: 'add' }, operands: [x([1, 3]), x([1, 3])] }));
    expect(circuit.origins.map((origin) => origin.layer)).toEqual(['x0', 'x1', 'layer']);
    expect([...circuit.element.subarray(6)]).toEqual([0, 1, 2]);
  });
});
