import { describe, expect, it } from 'vitest';
import { catalogue, definitionOf, layers } from '../../src/layers/registry.js';
import { sizeOf, tensor } from '../../src/model/tensor.js';
import { Random } from '../helpers/random.js';

/** Shape rules and float meaning, against values worked out by hand or by loops that share nothing with src/. */
const random = new Random(0xfea);
const count = (shape: readonly number[]) => tensor(shape, Array.from({ length: sizeOf(shape) }, (_, i) => i));
const noise = (shape: readonly number[]) => tensor(shape, Array.from({ length: sizeOf(shape) }, () => random.int(-8, 8)));
const evaluate = (kind: string, params: unknown, ...inputs: ReturnType<typeof count>[]) => {
  const result = catalogue.evaluate(kind, params, inputs);
  expect(result.shape).toEqual(catalogue.shape(kind, params, inputs.map((x) => x.shape)));
  return [...result.data];
};

describe('convolution', () => {
  it('is the sum over channels and kernel, in groups, strided, dilated and padded', () => {
    const [channels, filters, groups, height, width, kh, kw] = [4, 6, 2, 5, 6, 2, 3];
    const [stride, dilation, pads] = [[2, 1], [1, 2], [1, 0, 2, 1]] as const;
    const x = noise([1, channels, height, width]);
    const weight = noise([filters, channels / groups, kh, kw]);
    const bias = noise([filters]);
    const [rows, columns] = [Math.floor((5 + 3 - 2) / 2) + 1, 6 + 1 - 5 + 1];
    const wanted: number[] = [];
    for (let f = 0; f < filters; f++) {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          let sum = bias.data[f] as number;
          for (let k = 0; k < channels / groups; k++) {
            for (let i = 0; i < kh; i++) {
              for (let j = 0; j < kw; j++) {
                const [at, to] = [r * stride[0] + i * dilation[0] - pads[0], c * stride[1] + j * dilation[1] - pads[1]];
                if (at < 0 || at >= height || to < 0 || to >= width) continue;
                const channel = Math.floor(f / (filters / groups)) * (channels / groups) + k;
                sum += (x.data[(channel * height + at) * width + to] as number) * (weight.data[((f * (channels / groups) + k) * kh + i) * kw + j] as number);
              }
            }
          }
          wanted.push(sum);
        }
      }
    }
    expect(evaluate('conv', { weight, bias, strides: stride, dilations: dilation, pads, groups }, x)).toEqual(wanted);
  });
});

describe('transposed convolution', () => {
  it('spreads every input over a window, cut by the pads', () => {
    const [channels, filters, groups, stride, dilation, before, after, extra] = [4, 3, 2, 3, 2, 2, 1, 1];
    const [size, kernel] = [5, 3];
    const x = noise([1, channels, size]);
    const weight = noise([channels, filters, kernel]);
    const bias = noise([filters * groups]);
    const full = (size - 1) * stride + (kernel - 1) * dilation + 1 + extra;
    const spread = Array.from({ length: filters * groups }, (_, f) => new Array<number>(full).fill(bias.data[f] as number));
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < size; i++) {
        for (let f = 0; f < filters; f++) {
          const row = spread[Math.floor(c / (channels / groups)) * filters + f] as number[];
          for (let k = 0; k < kernel; k++) row[i * stride + k * dilation] = (row[i * stride + k * dilation] as number) + (x.data[c * size + i] as number) * (weight.data[(c * filters + f) * kernel + k] as number);
        }
      }
    }
    const params = { weight, bias, strides: [stride], dilations: [dilation], pads: [before, after], outputPads: [extra], groups };
    expect(evaluate('convTranspose', params, x)).toEqual(spread.flatMap((row) => row.slice(before, full - after)));
  });
});

describe('layer normalisation', () => {
  it('has mean 0 and variance 1, scaled and moved', () => {
    const x = tensor([1, 2, 4], [1, 2, 3, 6, -1, -1, 1, 1]);
    const plain = { axes: [2], epsilon: 1e-12, scale: null, bias: null };
    const [root] = [Math.sqrt(3.5)];
    evaluate('layerNormalization', plain, x).forEach((v, i) => expect(v).toBeCloseTo([-2 / root, -1 / root, 0, 3 / root, -1, -1, 1, 1][i] as number, 9));
    const moved = evaluate('layerNormalization', { ...plain, scale: tensor([4], [1, 1, 2, 2]), bias: tensor([4], [0, 1, 0, 1]) }, x);
    expect(moved[7]).toBeCloseTo(3, 9);
    const rms = evaluate('layerNormalization', { ...plain, center: false }, x);
    expect(rms[3]).toBeCloseTo(6 / Math.sqrt(50 / 4), 9);
  });
});

describe('einsum', () => {
  it('says what does not fit', () => {
    const shape = (equation: string, ...shapes: number[][]) => catalogue.shape('einsum', { equation }, shapes);
    expect(shape('ab,bc->ac', [1, 2], [3, 4])).toBe("axis 'b' of the equation 'ab,bc->ac' has lengths 2 and 3");
    expect(shape('ab,bc->ad', [1, 2], [2, 4])).toBe("the output axis 'd' of the equation 'ab,bc->ad' is in no operand");
    expect(shape('ab->ab', [1, 2, 3])).toBe("'ab' of the equation 'ab->ab' does not fit [1, 2, 3]");
    expect(shape('...a->a', [1, 2])).toMatch(/is no equation/);
    expect(shape('ab,bc->aa', [1, 2], [2, 4])).toMatch(/repeats an axis/);
  });
});

describe('pooling', () => {
  const pool = { mode: 'average', kernel: [2], strides: [2], dilations: [1], pads: [0, 0], countIncludePad: false, ceilMode: false };
  it('floor, ceil mode, padding counted or not', () => {
    const x = tensor([1, 1, 5], [1, 2, 3, 4, 9]);
    expect(evaluate('pool', pool, x)).toEqual([1.5, 3.5]);
    expect(evaluate('pool', { ...pool, ceilMode: true }, x)).toEqual([1.5, 3.5, 9]);
    // With padding counted, a cell beyond the padding (ceil mode only) still does not count.
    expect(evaluate('pool', { ...pool, ceilMode: true, countIncludePad: true }, x)).toEqual([1.5, 3.5, 9]);
    expect(evaluate('pool', { ...pool, pads: [1, 0], countIncludePad: true }, x)).toEqual([0.5, 2.5, 6.5]);
    expect(evaluate('pool', { ...pool, pads: [1, 0] }, x)).toEqual([1, 2.5, 6.5]);
    expect(evaluate('pool', { ...pool, mode: 'max', dilations: [2], strides: [1] }, x)).toEqual([3, 4, 9]);
  });

  it('drops a window that would begin in the padding behind', () => {
    const x = tensor([1, 1, 2], [5, 7]);
    expect(evaluate('pool', { ...pool, kernel: [1], strides: [2], pads: [0, 1], ceilMode: true, countIncludePad: true }, x)).toEqual([5]);
  });
});

describe('movements', () => {
  it('numpy’s own answers', () => {
    expect(evaluate('transpose', { perm: [0, 2, 1] }, count([1, 2, 3]))).toEqual([0, 3, 1, 4, 2, 5]);
    expect(evaluate('concat', { axis: 2 }, count([1, 2, 2]), tensor([1, 2, 1], [8, 9]))).toEqual([0, 1, 8, 2, 3, 9]);
    expect(evaluate('gather', { axis: 2, indices: tensor([2], [-1, 0]) }, count([1, 2, 3]))).toEqual([2, 0, 5, 3]);
    expect(evaluate('slice', { axes: [2], starts: [3], ends: [-1], steps: [-2] }, count([1, 2, 4]))).toEqual([3, 1, 7, 5]);
    expect(evaluate('pad', { pads: [0, 0, 1, 0, -1, 2], value: 9 }, count([1, 2, 2]))).toEqual([9, 0, 1, 9, 9]);
    expect(evaluate('embedding', { table: count([3, 2]) }, tensor([1, 4], [2, 0, -5, 7]))).toEqual([4, 5, 0, 1, 0, 1, 4, 5]);
  });

  it('reductions and products', () => {
    expect(evaluate('reduce', { operation: 'sum', axes: [1], keepDims: false }, count([1, 2, 3]))).toEqual([3, 5, 7]);
    expect(evaluate('reduce', { operation: 'mean', axes: [-1], keepDims: true }, count([1, 2, 3]))).toEqual([1, 4]);
    expect(evaluate('matmul', {}, count([1, 2, 2]), count([1, 2, 2]))).toEqual([2, 3, 6, 11]);
    expect(evaluate('dot', { axis: 2, keepDims: false }, count([1, 2, 2]), count([1, 2, 2]))).toEqual([1, 13]);
    expect(evaluate('elementwise', { operation: 'div' }, tensor([1, 2], [3, 5]), tensor([], [2]))).toEqual([1.5, 2.5]);
  });
});

describe('functions', () => {
  it('known values', () => {
    const at = (name: string, x: number, more: object = {}) => evaluate('activation', { function: name, ...more }, tensor([1, 1], [x]))[0] as number;
    expect(at('sigmoid', 1)).toBeCloseTo(0.7310585786, 9);
    expect(at('elu', -1, { alpha: 2 })).toBeCloseTo(-1.2642411177, 9);
    expect(at('selu', -1)).toBeCloseTo(-1.1113307378, 9);
    expect(at('selu', 2)).toBeCloseTo(2.1014019747, 9);
    expect(at('softplus', 1)).toBeCloseTo(1.3132616875, 9);
    expect(at('softplus', -800)).toBe(0);
    expect(at('softsign', -3)).toBe(-0.75);
    expect(at('hardSigmoid', 1)).toBeCloseTo(0.7, 12);
    expect(at('leakyRelu', -2)).toBe(-0.02);
    const [a, b] = evaluate('softmax', { axis: 1 }, tensor([1, 2], [1000, 1001])) as [number, number];
    expect(a).toBeCloseTo(0.2689414214, 9);
    expect(a + b).toBeCloseTo(1, 12);
  });

  it('truncation of versions 1 and 2 (qonnx trunc_v1, trunc_v2)', () => {
    const params = { scale: tensor([], [0.5]), zeroPoint: tensor([], [2]), inBits: 6, outBits: 4, rounding: 'FLOOR' };
    // x = 5.5: 5.5/0.5 + 2 = 13; floor(13/4) = 3; v1: (3 − 2)·0.5; v2: (3 − 2/4)·2.
    expect(evaluate('trunc', params, tensor([1, 1], [5.5]))).toEqual([0.5]);
    const version2 = { outputScale: tensor([], [2]), signed: true, narrow: false };
    expect(evaluate('trunc', { ...params, version2 }, tensor([1, 2], [5.5, 40]))).toEqual([5, 13]);
  });
});

describe('shape rules', () => {
  it.each([
    ['dense', { weight: tensor([4, 2], new Array(8).fill(0)), bias: null }, [[1, 3]], /takes 4 inputs, found \[1, 3\]/],
    ['dense', { weight: tensor([3, 2], new Array(6).fill(0)), bias: tensor([3], [0, 0, 0]) }, [[1, 3]], /bias must have 2 elements, found 3/],
    ['conv', { weight: tensor([1, 2, 3], new Array(6).fill(0)), bias: null, strides: [1], dilations: [1], pads: [0, 0], groups: 1 }, [[1, 2, 2]], /kernel of 3 does not fit an axis of 2/],
    ['conv', { weight: tensor([1, 2, 3], new Array(6).fill(0)), bias: null, strides: [0], dilations: [1], pads: [0, 0], groups: 1 }, [[1, 2, 5]], /stride 0 .*must be at least 1/],
    ['matmul', {}, [[1, 2, 3], [1, 2, 3]], /inner axes differ: 3 against 2/],
    ['elementwise', { operation: 'add' }, [[1, 2], [1, 3]], /do not broadcast/],
    ['concat', { axis: 1 }, [[1, 2, 2], [1, 2, 3]], /differ in more than axis 1/],
    ['reshape', { shape: [1, 5] }, [[1, 2, 3]], /has 6 elements, \[1, 5\] has 5/],
    ['transpose', { perm: [0, 1, 1] }, [[1, 2, 3]], /no permutation/],
    ['gather', { axis: 1, indices: tensor([1], [4]) }, [[1, 3]], /index 4 is outside axis 1 of 3/],
    ['slice', { axes: [1], starts: [2], ends: [2], steps: [1] }, [[1, 3]], /leaves no element/],
    ['pad', { pads: [0, 1], value: 0 }, [[1, 3]], /2 pads for the 2 axes/],
    ['quant', { scale: tensor([], [0]), zeroPoint: tensor([], [0]), bitWidth: 4, signed: true, narrow: false, rounding: 'ROUND' }, [[1, 3]], /scale must be positive and finite, found 0/],
    ['quant', { scale: tensor([2], [1, 1]), zeroPoint: tensor([], [0]), bitWidth: 4, signed: true, narrow: false, rounding: 'ROUND' }, [[1, 3]], /of \[2\] does not broadcast to \[1, 3\]/],
    ['clip', { min: 2, max: 1 }, [[1, 3]], /lower bound 2 is above the upper bound 1/],
    ['softmax', { axis: 0 }, [[1, 3]], /axis 0 is no axis of one event/],
    ['reduce', { operation: 'sum', axes: [1, -1], keepDims: false }, [[1, 3]], /repeat/],
  ] as const)('%s', (kind, params, inputs, message) => {
    expect(catalogue.shape(kind, params, inputs)).toMatch(message);
  });

  it('know every kind by its own name, and no other', () => {
    for (const [kind, definition] of Object.entries(layers)) expect(definition.kind).toBe(kind);
    expect(() => definitionOf('toString')).toThrow(/no layer is of kind 'toString'/);
  });

  it('give hls4ml’s class names', () => {
    const conv = (groups: number, depth: number) => catalogue.hls4mlClass('conv', { weight: tensor([4, depth, 3, 3], []), groups }, [[1, 4, 5, 5]]);
    expect([conv(1, 4), conv(4, 1)]).toEqual(['Conv2D', 'DepthwiseConv2D']);
    expect(catalogue.hls4mlClass('activation', { function: 'leakyRelu' }, [[1, 2]])).toBe('LeakyReLU');
    expect(catalogue.hls4mlClass('reduce', { operation: 'mean', axes: [2, 3] }, [[1, 2, 3, 3]])).toBe('GlobalAveragePooling2D');
    expect(catalogue.hls4mlClass('pool', { mode: 'max', kernel: [2] }, [[1, 2, 4]])).toBe('MaxPooling1D');
  });
});

describe('select', () => {
  it('picks slices, elements and rows as numpy does', () => {
    expect(evaluate('select', { axis: 1, batchAxes: 1 }, count([1, 4, 2]), tensor([1, 3], [2, 0, -1]))).toEqual([4, 5, 0, 1, 6, 7]);
    expect(evaluate('select', { axis: 2, batchAxes: 2 }, count([1, 2, 3]), tensor([1, 2, 2], [0, 2, 1, 1]))).toEqual([0, 2, 4, 4]);
    expect(evaluate('select', { axis: 2, batchAxes: 1 }, count([1, 2, 3, 1]), tensor([1, 1], [1]))).toEqual([1, 4]);
  });

  it('clamps indices outside', () => {
    expect(evaluate('select', { axis: 1, batchAxes: 1 }, count([1, 4]), tensor([1, 4], [9, -4, -5, 2.9]))).toEqual([3, 0, 0, 2]);
  });

  it('says what does not fit', () => {
    expect(catalogue.shape('select', { axis: 0, batchAxes: 0 }, [[1, 4], [1, 2]])).toMatch(/axis 0 is no axis of one event/);
    expect(catalogue.shape('select', { axis: 2, batchAxes: 2 }, [[1, 4, 3], [1, 2, 2]])).toMatch(/first 2 axes of \[1, 4, 3\] and of the index \[1, 2, 2\] differ/);
    expect(catalogue.shape('select', { axis: 1, batchAxes: 2 }, [[1, 4, 3], [1, 4, 2]])).toMatch(/2 shared axes do not fit/);
  });
});
