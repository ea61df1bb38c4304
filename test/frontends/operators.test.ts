import { describe, expect, it } from 'vitest';
import type { AttributeSpec, TensorSpec } from './onnxFile.js';
import { parseFile, run, single } from './helpers.js';

type Attributes = Readonly<Record<string, AttributeSpec>>;

const ints = (name: string, values: readonly number[], shape: readonly number[] = [values.length]): TensorSpec => ({ name, shape, values, type: 7 });
const floats = (name: string, shape: readonly number[], values: readonly number[]): TensorSpec => ({ name, shape, values });

interface Case {
  readonly op: string;
  readonly title?: string;
  readonly shape: readonly number[];
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly outShape?: readonly number[];
  readonly constants?: readonly TensorSpec[];
  readonly attributes?: Attributes;
  readonly opset?: number;
}

/** Expected numbers are worked out by hand from the ONNX operator definitions. */
const cases: readonly Case[] = [
  { op: 'Relu', shape: [3], x: [-1, 0, 2], y: [0, 0, 2] },
  { op: 'LeakyRelu', shape: [2], x: [-4, 4], y: [-2, 4], attributes: { alpha: { float: 0.5 } } },
  { op: 'PRelu', shape: [2], x: [-4, 4], y: [-1, 4], constants: [floats('s', [1], [0.25])] },
  { op: 'HardSigmoid', shape: [3], x: [-9, 1, 9], y: [0, 0.75, 1], attributes: { alpha: { float: 0.25 }, beta: { float: 0.5 } } },
  { op: 'Elu', shape: [2], x: [-1, 3], y: [2 * (Math.exp(-1) - 1), 3], attributes: { alpha: { float: 2 } } },
  { op: 'Softsign', shape: [2], x: [-1, 3], y: [-0.5, 0.75] },
  { op: 'Softplus', shape: [1], x: [0], y: [Math.log(2)] },
  { op: 'Sigmoid', shape: [1], x: [0], y: [0.5] },
  { op: 'Tanh', shape: [1], x: [0.5], y: [Math.tanh(0.5)] },
  { op: 'Selu', shape: [1], x: [2], y: [2 * 1.0507009873554805] },
  { op: 'Identity', shape: [2], x: [1, -2], y: [1, -2] },
  { op: 'Dropout', shape: [2], x: [1, -2], y: [1, -2] },
  { op: 'Trilu', shape: [2, 3], x: [1, 2, 3, 4, 5, 6], y: [1, 0, 0, 4, 5, 0], outShape: [1, 2, 3], attributes: { upper: 0 } },
  { op: 'Mod', shape: [3], x: [-1, 2.5, 7], y: [2, 2.5, 1], constants: [floats('c', [], [3])] },
  { op: 'Mod', title: 'as in C', shape: [3], x: [-1, 2.5, 7], y: [-1, 2.5, 1], constants: [floats('c', [], [3])], attributes: { fmod: 1 } },
  { op: 'GatherND', title: 'constant tuples', shape: [2, 3], x: [1, 2, 3, 4, 5, 6], y: [6, 2], outShape: [1, 2], constants: [ints('i', [0, 1, 2, 0, 0, 1], [2, 3])] },
  { op: 'ScatterND', shape: [4], x: [1, 2, 3, 4], y: [1, 9, 3, 8], constants: [ints('i', [0, 1, 0, 3], [2, 2]), floats('u', [2], [9, 8])] },
  { op: 'ScatterElements', shape: [4], x: [1, 2, 3, 4], y: [1, 2, 9, 8], constants: [ints('i', [2, -1], [1, 2]), floats('u', [1, 2], [9, 8])], attributes: { axis: 1 } },
  { op: 'OneHot', shape: [2], x: [2, 0], y: [0, 0, 1, 1, 0, 0], outShape: [1, 2, 3], constants: [ints('d', [3], []), floats('v', [2], [0, 1])] },
  { op: 'Clip', title: 'by attributes', shape: [3], x: [-9, 1, 9], y: [-1, 1, 2], attributes: { min: { float: -1 }, max: { float: 2 } }, opset: 6 },
  { op: 'Clip', title: 'by inputs', shape: [3], x: [-9, 1, 9], y: [-1, 1, 2], constants: [floats('lo', [], [-1]), floats('hi', [], [2])] },
  { op: 'Clip', title: 'open above', shape: [2], x: [-9, 9], y: [-1, 9], constants: [floats('lo', [], [-1])] },
  { op: 'Neg', shape: [2], x: [1, -2], y: [-1, 2] },
  { op: 'Abs', shape: [3], x: [1, -2, 0], y: [1, 2, 0] },
  { op: 'Pow', shape: [2], x: [3, -2], y: [9, 4], constants: [floats('e', [], [2])] },
  { op: 'Pow', title: 'by one', shape: [2], x: [3, -2], y: [3, -2], constants: [floats('e', [], [1])] },
  { op: 'Add', shape: [2, 2], x: [1, 2, 3, 4], y: [11, 22, 13, 24], constants: [floats('c', [2], [10, 20])] },
  { op: 'Sub', shape: [2], x: [1, 2], y: [-9, -18], constants: [floats('c', [2], [10, 20])] },
  { op: 'Mul', shape: [2], x: [1, 2], y: [3, 6], constants: [floats('c', [], [3])] },
  { op: 'Div', shape: [2], x: [1, -3], y: [0.25, -0.75], constants: [floats('c', [], [4])] },
  { op: 'Max', shape: [3], x: [-1, 2, 9], y: [1, 3, 9], constants: [floats('a', [], [1]), floats('b', [3], [0, 3, 0])] },
  { op: 'Min', shape: [3], x: [-1, 2, 9], y: [-1, 1, 1], constants: [floats('a', [], [1])] },
  { op: 'Sum', shape: [2], x: [1, 2], y: [111, 112], constants: [floats('a', [], [10]), floats('b', [], [100])] },
  { op: 'Mean', title: 'of two', shape: [2], x: [1, 2], y: [2, 2.5], constants: [floats('a', [], [3])] },
  { op: 'Mean', title: 'of three', shape: [2], x: [1, 4], y: [3, 4], constants: [floats('a', [], [3]), floats('b', [], [5])] },
  { op: 'MatMul', shape: [2], x: [1, 2], y: [13, 24], constants: [floats('w', [2, 2], [1, 2, 6, 11])] },
  { op: 'MatMul', title: 'by a vector', shape: [2, 2], x: [1, 2, 3, 4], y: [21, 43], outShape: [1, 2], constants: [floats('w', [2], [1, 10])] },
  { op: 'MatMul', title: 'with axes of length 1', shape: [2], x: [1, 2], y: [13, 24], outShape: [1, 2], constants: [floats('w', [1, 2, 2], [1, 2, 6, 11])] },
  { op: 'Gemm', shape: [2], x: [1, 2], y: [2 * 21 + 3 * 5, 2 * 43 + 3 * 7], constants: [floats('w', [2, 2], [1, 10, 3, 20]), floats('c', [1, 2], [5, 7])], attributes: { transB: 1, alpha: { float: 2 }, beta: { float: 3 } } },
  { op: 'Gemm', title: 'with one bias for all', shape: [2], x: [1, 2], y: [5, 8], constants: [floats('w', [2, 2], [0, 1, 2, 3]), floats('c', [], [1])] },
  { op: 'Conv', title: '1-D, strided and dilated', shape: [1, 7], x: [1, 2, 3, 4, 5, 6, 7], y: [1 + 30, 3 + 50, 5 + 70], constants: [floats('w', [1, 1, 2], [1, 10])], attributes: { dilations: [2], strides: [2], kernel_shape: [2] } },
  { op: 'Conv', title: 'SAME_UPPER', shape: [1, 4], x: [1, 2, 3, 4], y: [21, 32, 43, 4], constants: [floats('w', [1, 1, 2], [1, 10])], attributes: { auto_pad: 'SAME_UPPER' } },
  { op: 'Conv', title: 'SAME_LOWER', shape: [1, 4], x: [1, 2, 3, 4], y: [10, 21, 32, 43], constants: [floats('w', [1, 1, 2], [1, 10])], attributes: { auto_pad: 'SAME_LOWER' } },
  { op: 'Conv', title: '2-D in groups with bias', shape: [2, 2, 2], x: [1, 2, 3, 4, 5, 6, 7, 8], y: [10 + 100, 26 * 2 + 200], outShape: [1, 2, 1, 1], constants: [floats('w', [2, 1, 2, 2], [1, 1, 1, 1, 2, 2, 2, 2]), floats('b', [2], [100, 200])], attributes: { group: 2 } },
  { op: 'MaxPool', shape: [1, 4], x: [1, 5, 2, 3], y: [5, 3], attributes: { kernel_shape: [2], strides: [2] } },
  { op: 'AveragePool', title: 'padding not counted', shape: [1, 2], x: [4, 8], y: [4, 6, 8], attributes: { kernel_shape: [2], pads: [1, 1] } },
  { op: 'AveragePool', title: 'padding counted', shape: [1, 2], x: [4, 8], y: [2, 6, 4], attributes: { kernel_shape: [2], pads: [1, 1], count_include_pad: 1 } },
  { op: 'GlobalAveragePool', shape: [2, 3], x: [1, 2, 3, 10, 20, 30], y: [2, 20], outShape: [1, 2, 1] },
  { op: 'GlobalMaxPool', shape: [2, 3], x: [1, 2, 3, 10, 30, 20], y: [3, 30], outShape: [1, 2, 1] },
  { op: 'BatchNormalization', shape: [2], x: [3, 5], y: [(3 - 1) / 2 * 4 + 7, (5 - 2) / 3 * 6 + 8], constants: [floats('g', [2], [4, 6]), floats('b', [2], [7, 8]), floats('m', [2], [1, 2]), floats('v', [2], [4, 9])], attributes: { epsilon: { float: 0 } } },
  { op: 'ReduceSum', title: 'axes by attribute', shape: [2, 2], x: [1, 2, 3, 4], y: [4, 6], outShape: [1, 2], attributes: { axes: [1], keepdims: 0 }, opset: 11 },
  { op: 'ReduceSum', title: 'axes by input', shape: [2, 2], x: [1, 2, 3, 4], y: [3, 7], outShape: [1, 2, 1], constants: [ints('a', [-1])] },
  { op: 'ReduceSum', title: 'without axes, told to do nothing', shape: [2], x: [1, 2], y: [1, 2], attributes: { noop_with_empty_axes: 1 } },
  { op: 'ReduceMean', shape: [4], x: [1, 2, 3, 6], y: [3], attributes: { axes: [1] } },
  { op: 'ReduceMax', shape: [3], x: [1, 9, 3], y: [9], attributes: { axes: [-1] } },
  { op: 'ReduceMin', shape: [3], x: [4, 1, 3], y: [1], attributes: { axes: [1] } },
  { op: 'ReduceSumSquare', shape: [3], x: [1, 2, 3], y: [14], attributes: { axes: [1] } },
  { op: 'Softmax', title: 'over the last axis', shape: [2], x: [0, Math.log(3)], y: [0.25, 0.75] },
  { op: 'Softmax', title: 'flattened up to opset 12', shape: [2, 2], x: [0, 0, 0, Math.log(5)], y: [1 / 8, 1 / 8, 1 / 8, 5 / 8], opset: 11 },
  { op: 'Softmax', title: 'over one axis from opset 13', shape: [2, 2], x: [0, 0, 0, Math.log(3)], y: [0.5, 0.25, 0.5, 0.75], attributes: { axis: 1 }, opset: 13 },
  { op: 'Flatten', shape: [2, 2], x: [1, 2, 3, 4], y: [1, 2, 3, 4], outShape: [1, 4] },
  { op: 'Reshape', title: 'with 0 and -1', shape: [2, 3], x: [1, 2, 3, 4, 5, 6], y: [1, 2, 3, 4, 5, 6], outShape: [1, 3, 2], constants: [ints('s', [0, -1, 2])] },
  { op: 'Unsqueeze', title: 'axes by attribute', shape: [2], x: [1, 2], y: [1, 2], outShape: [1, 2, 1], attributes: { axes: [2] }, opset: 11 },
  { op: 'Unsqueeze', title: 'axes by input', shape: [2], x: [1, 2], y: [1, 2], outShape: [1, 1, 2], constants: [ints('a', [1])] },
  { op: 'Squeeze', shape: [1, 2], x: [1, 2], y: [1, 2], outShape: [1, 2], constants: [ints('a', [1])] },
  { op: 'Squeeze', title: 'of all but the batch', shape: [1, 2, 1], x: [1, 2], y: [1, 2], outShape: [1, 2] },
  { op: 'Transpose', shape: [2, 3], x: [1, 2, 3, 4, 5, 6], y: [1, 4, 2, 5, 3, 6], outShape: [1, 3, 2], attributes: { perm: [0, 2, 1] } },
  { op: 'Transpose', title: 'that moves the batch', shape: [2, 3], x: [1, 2, 3, 4, 5, 6], y: [1, 4, 2, 5, 3, 6], outShape: [1, 3, 1, 2], attributes: { perm: [2, 0, 1] } },
  { op: 'Gather', shape: [3], x: [10, 20, 30], y: [30, 10], constants: [ints('i', [-1, 0])], attributes: { axis: 1 } },
  { op: 'Gather', title: 'of one index', shape: [3, 2], x: [1, 2, 3, 4, 5, 6], y: [3, 4], outShape: [1, 2], constants: [ints('i', [1], [])], attributes: { axis: 1 } },
  { op: 'Slice', title: 'by inputs, backwards', shape: [4], x: [1, 2, 3, 4], y: [4, 2], constants: [ints('s', [-1]), ints('e', [-9]), ints('a', [1]), ints('t', [-2])] },
  { op: 'Slice', title: 'by attributes', shape: [4], x: [1, 2, 3, 4], y: [2, 3], attributes: { starts: [1], ends: [3], axes: [1] }, opset: 9 },
  { op: 'Pad', shape: [2], x: [1, 2], y: [7, 1, 2, 7, 7], constants: [ints('p', [0, 1, 0, 2]), floats('v', [], [7])] },
  { op: 'Expand', shape: [2, 1], x: [1, 2], y: [1, 1, 1, 2, 2, 2], outShape: [1, 2, 3], constants: [ints('s', [1, 2, 3])] },
  { op: 'Tile', shape: [2], x: [1, 2], y: [1, 2, 1, 2], constants: [ints('r', [1, 2])] },
  { op: 'Cast', title: 'to int64', shape: [2], x: [-1.75, 1.75], y: [-1, 1], attributes: { to: 7 } },
  { op: 'Cast', title: 'to float', shape: [1], x: [-1.75], y: [-1.75], attributes: { to: 1 } },
];

describe('ONNX operators give what their definition says', () => {
  it.each(cases.map((c) => [`${c.op} ${c.title ?? ''}`.trim(), c] as const))('%s', (_, { op, shape, x, y, outShape, constants = [], attributes = {}, opset = 17 }) => {
    const graph = single({ op, name: 'n', attributes }, shape, constants, opset);
    const [result] = run(graph, x);
    expect(result).toHaveLength(y.length);
    y.forEach((value, i) => expect(result?.[i]).toBeCloseTo(value, 12));
    if (outShape !== undefined) expect(graph.outputs[0]?.shape).toEqual(outShape);
  });
});

const QUANT = { domain: 'qonnx.custom_op.general', name: 'q' };

describe('QONNX quantisers', () => {
  it.each([
    ['ROUND', [2, -2, 0, 2, 3, -4]],
    ['CEIL', [2, -1, 1, 2, 3, -4]],
    ['FLOOR', [1, -2, 0, 2, 3, -4]],
    ['UP', [2, -2, 1, 2, 3, -4]],
    ['DOWN', [1, -1, 0, 2, 3, -4]],
    ['HALF_UP', [2, -2, 1, 2, 3, -4]],
    ['HALF_DOWN', [1, -1, 0, 2, 3, -4]],
  ])('Quant rounds by %s after it clamps', (mode, expected) => {
    const graph = single({ ...QUANT, op: 'Quant', attributes: { signed: 1, narrow: 0, rounding_mode: mode } }, [6], [floats('s', [], [0.5]), floats('z', [], [0]), floats('b', [], [3])]);
    expect(run(graph, [0.75, -0.75, 0.25, 1, 9, -9])[0]).toEqual(expected.map((n) => n / 2));
    expect(graph.format).toBe('qonnx');
  });

  it.each(['onnx.brevitas', 'finn.custom_op.general'])('lives in %s without an import too', (domain) => {
    const graph = single({ op: 'BipolarQuant', domain }, [3], [floats('s', [1], [0.5])]);
    expect(run(graph, [-3, 0, 3])[0]).toEqual([-0.5, 0.5, 0.5]);
  });

  it('of one signed bit is the sign', () => {
    const graph = single({ ...QUANT, op: 'IntQuant', attributes: { signed: 1 } }, [3], [floats('s', [], [2]), floats('z', [], [0]), floats('b', [], [1])]);
    expect(graph.nodes.map((node) => node.kind)).toEqual(['bipolarQuant']);
    expect(run(graph, [-3, 0, 3])[0]).toEqual([-2, 2, 2]);
  });

  it('Trunc drops the low bits of the integer', () => {
    const graph = single({ ...QUANT, op: 'Trunc', attributes: { rounding_mode: 'FLOOR' } }, [3], ['s', 'z', 'i', 'o'].map((name, k) => floats(name, [], [[0.5, 0, 8, 6][k] as number])));
    expect(run(graph, [3.5, -3.5, 4])[0]).toEqual([0.5, -1, 1]);
  });

  it('on constants are folded and marked', () => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: [1, 2] }],
      outputs: ['y'],
      nodes: [
        { ...QUANT, op: 'Quant', inputs: ['w', 's', 'z', 'b'], outputs: ['wq'] },
        { op: 'MatMul', name: 'fc', inputs: ['x', 'wq'], outputs: ['y'] },
      ],
      constants: [floats('w', [2, 1], [0.3, -7]), floats('s', [], [0.25]), floats('z', [], [0]), floats('b', [], [4])],
    });
    const params = graph.nodes[0]?.params as { readonly weight: { readonly data: Float64Array; readonly quantised: boolean } };
    expect(graph.nodes.map((node) => `${node.name} ${node.kind}`)).toEqual(['fc dense']);
    expect([...params.weight.data]).toEqual([0.25, -2]);
    expect(params.weight.quantised).toBe(true);
    expect(graph.parameters).toBe(2);
  });
});

describe('Gemm\'s alpha', () => {
  it.each([[0.5, true], [3, false]] as const)('%s on a quantised weight: still on a grid of its size is %s', (alpha, kept) => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: [1, 2] }],
      outputs: ['y'],
      nodes: [
        { ...QUANT, op: 'Quant', inputs: ['w', 's', 'z', 'b'], outputs: ['wq'] },
        { op: 'Gemm', name: 'fc', inputs: ['x', 'wq'], outputs: ['y'], attributes: { alpha: { float: alpha } } },
      ],
      // A scale with 23 fraction bits: no coarse grid of its own.
      constants: [floats('w', [2, 1], [0.3, -7]), floats('s', [], [Math.fround(0.3)]), floats('z', [], [0]), floats('b', [], [4])],
    });
    expect((graph.nodes[0]?.params as { readonly weight: { readonly quantised: boolean } }).weight.quantised).toBe(kept);
    expect(run(graph, [1, 0])[0]).toEqual([alpha * Math.fround(0.3)]);
  });
});

describe('constants', () => {
  const half = [0x3800, 0xc400, 0x0001, 0x7bff];
  const halves = [0.5, -4, 2 ** -24, 65504];
  it.each([
    ['float raw', { shape: [2], values: [1.5, -2] }, [1.5, -2]],
    ['float list', { shape: [2], values: [1.5, -2], storage: 'list' }, [1.5, -2]],
    ['double raw', { shape: [2], values: [0.1, -2], type: 11 }, [0.1, -2]],
    ['double list', { shape: [2], values: [0.1, -2], type: 11, storage: 'list' }, [0.1, -2]],
    ['int32 list', { shape: [2], values: [-3, 5], type: 6, storage: 'list' }, [-3, 5]],
    ['int64 raw', { shape: [2], values: [-3, 2 ** 40], type: 7 }, [-3, 2 ** 40]],
    ['int64 list', { shape: [2], values: [-3, 2 ** 40], type: 7, storage: 'list' }, [-3, 2 ** 40]],
    ['float16 raw', { shape: [4], values: half, type: 10 }, halves],
    ['float16 list', { shape: [4], values: half, type: 10, storage: 'list' }, halves],
    ['bfloat16 raw', { shape: [2], values: [0x3fc0, 0xc000], type: 16 }, [1.5, -2]],
  ] as readonly (readonly [string, TensorSpec, readonly number[]])[])('are read as %s', (_, spec, expected) => {
    const graph = single({ op: 'Add' }, [expected.length], [{ ...spec, name: 'c' }]);
    expect([...(graph.constants.get('c')?.data ?? [])]).toEqual(expected);
  });

  it('come from a file beside the model', () => {
    const bytes = new Uint8Array(Float32Array.from([9, 1, 2]).buffer);
    const spec = {
      inputs: [{ name: 'x', shape: [1, 2] }],
      outputs: ['y'],
      nodes: [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }],
      constants: [{ name: 'c', shape: [2], values: [], storage: 'external' as const, external: { location: 'data/w.bin', offset: '4', length: '8' } }],
    };
    expect(run(parseFile(spec, { 'data/w.bin': bytes }), [0, 0])[0]).toEqual([1, 2]);
  });

  it('keep shape arithmetic in whole numbers', () => {
    // Shape → Gather → Div → Concat → Reshape: what exporters write for a view.
    const graph = parseFile({
      inputs: [{ name: 'x', shape: ['N', 7] }],
      outputs: ['y'],
      nodes: [
        { op: 'Slice', inputs: ['x', 'zero', 'six', 'one'], outputs: ['cut'], name: 'cut' },
        { op: 'Shape', inputs: ['x'], outputs: ['shape'] },
        { op: 'Gather', inputs: ['shape', 'one'], outputs: ['length'] },
        { op: 'Div', inputs: ['length', 'two'], outputs: ['half'] },
        { op: 'Concat', inputs: ['minus', 'half', 'two'], outputs: ['target'], attributes: { axis: 0 } },
        { op: 'Reshape', inputs: ['cut', 'target'], outputs: ['y'], name: 'view' },
      ],
      constants: [ints('zero', [0]), ints('one', [1]), ints('two', [2]), ints('six', [6]), ints('minus', [-1])],
    });
    expect(graph.outputs[0]?.shape).toEqual([1, 3, 2]);
    expect(graph.nodes.map((node) => node.name)).toEqual(['cut', 'view']);
  });

  it('Where, Equal, Range, ConstantOfShape and Mod on constants leave only numbers', () => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: ['N', 4] }],
      outputs: ['y'],
      nodes: [
        { op: 'Range', inputs: ['zero', 'four', 'one'], outputs: ['range'] },
        { op: 'Mod', inputs: ['range', 'three'], outputs: ['mod'] },
        { op: 'Equal', inputs: ['mod', 'zero'], outputs: ['hit'] },
        { op: 'ConstantOfShape', inputs: ['shape'], outputs: ['ones'], attributes: { value: { tensor: { shape: [1], values: [5] } } } },
        { op: 'Cast', inputs: ['range'], outputs: ['numbers'], attributes: { to: 1 } },
        { op: 'Where', inputs: ['hit', 'ones', 'numbers'], outputs: ['c'] },
        { op: 'Add', inputs: ['x', 'c'], outputs: ['y'] },
      ],
      constants: [ints('zero', [0], []), ints('one', [1], []), ints('three', [3], []), ints('four', [4], []), ints('shape', [4])],
    });
    expect(run(graph, [0, 0, 0, 0])[0]).toEqual([5, 1, 2, 5]);
  });
});
