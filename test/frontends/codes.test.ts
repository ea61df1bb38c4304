import { describe, expect, it } from 'vitest';
import type { NodeSpec, TensorSpec } from './onnxFile.js';
import { messageOf, parseFile, run, single } from './helpers.js';

const float = (name: string, shape: readonly number[], values: readonly number[]): TensorSpec => ({ name, shape, values });
const typed = (type: number) => (name: string, shape: readonly number[], values: readonly number[]): TensorSpec => ({ name, shape, values, type });
const int8 = typed(3);
const uint8 = typed(2);

/** A chain of nodes from x to y. */
function chain(nodes: readonly NodeSpec[], constants: readonly TensorSpec[], shape: readonly number[], x: readonly number[]): number[] {
  return run(parseFile({ inputs: [{ name: 'x', shape: ['N', ...shape] }], outputs: ['y'], nodes, constants }), x)[0]!;
}

const throughCode = (zero: TensorSpec, between: readonly NodeSpec[] = [], last = 'q', domain?: string): NodeSpec[] => [
  { op: 'QuantizeLinear', inputs: ['x', 's', zero.name!], outputs: ['q'], ...(domain === undefined ? {} : { domain }) },
  ...between,
  { op: 'DequantizeLinear', inputs: [last, 's', zero.name!], outputs: ['y'], ...(domain === undefined ? {} : { domain }) },
];

describe('QuantizeLinear and DequantizeLinear', () => {
  it('round half to even in front of an odd zero point, and saturate behind it', () => {
    const zero = uint8('z', [], [3]);
    // q = saturate(round(x / 0.5) + 3) in [0, 255]: 0.25 / 0.5 = 0.5 rounds to 0, 0.75 / 0.5 = 1.5 to 2, −2 to −1.5 at 0.
    expect(chain(throughCode(zero), [float('s', [], [0.5]), zero], [5], [0.25, 0.75, 1.25, -2, 200])).toEqual([0, 1, 1, -1.5, 126]);
  });

  it('of com.microsoft, narrowed by a Clip', () => {
    const zero = int8('z', [], [0]);
    const clip: NodeSpec = { op: 'Clip', inputs: ['q', 'lo', 'hi'], outputs: ['c'] };
    const constants = [float('s', [], [0.25]), zero, int8('lo', [], [-7]), int8('hi', [], [7])];
    expect(chain(throughCode(zero, [clip], 'c', 'com.microsoft'), constants, [3], [-9, 0.3, 9])).toEqual([-1.75, 0.25, 1.75]);
  });

  it('integers pass what only moves elements', () => {
    const zero = int8('z', [], [0]);
    const between: NodeSpec[] = [{ op: 'Reshape', inputs: ['q', 'shape'], outputs: ['r'] }, { op: 'Transpose', inputs: ['r'], outputs: ['t'], attributes: { perm: [0, 2, 1] } }];
    const constants = [float('s', [], [1]), zero, { name: 'shape', shape: [3], values: [0, 2, 2], type: 7 }];
    expect(chain(throughCode(zero, between, 't'), constants, [4], [1.4, 2.6, 300, -300])).toEqual([1, 127, 3, -128]);
  });

  it('weights a channel, blocks of one, four bits packed', () => {
    const weight = (attributes: NodeSpec['attributes'], scale: TensorSpec, zero: TensorSpec, w: TensorSpec): number[] =>
      chain([{ op: 'DequantizeLinear', inputs: ['w', scale.name!, zero.name!], outputs: ['d'], ...(attributes === undefined ? {} : { attributes }) }, { op: 'MatMul', inputs: ['x', 'd'], outputs: ['y'] }], [scale, zero, w], [2], [1, 10]);
    expect(weight({ axis: 1 }, float('s', [2], [0.5, 2]), int8('z', [2], [1, 0]), int8('w', [2, 2], [3, 4, 5, 6]))).toEqual([1 + 20, 8 + 120]);
    expect(weight({ axis: 0, block_size: 2 }, float('s', [1, 2], [0.5, 2]), int8('z', [1, 2], [1, 0]), int8('w', [2, 2], [3, 4, 5, 6]))).toEqual([1 + 20, 8 + 120]);
    // int4: 3, −4, 5, −6 as two bytes, the first value in the lower half.
    const packed: TensorSpec = { name: 'w', shape: [2, 2], values: [0xc3, 0xa5], type: 22, storage: 'list' };
    expect(weight(undefined, float('s', [], [1]), int8('z', [], [0]), packed)).toEqual([3 + 50, -4 - 60]);
  });

  it('refuses what would be wrong', () => {
    const zero = int8('z', [], [0]);
    const other: NodeSpec[] = [{ op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] }, { op: 'DequantizeLinear', name: 'd', inputs: ['q', 't', 'z'], outputs: ['y'] }];
    expect(messageOf(() => chain(other, [float('s', [], [1]), float('t', [], [2]), zero], [1], [1]))).toContain('has scale 2 and zero point 0 for integers quantised with 1 and 0');
    const added: NodeSpec[] = [{ op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] }, { op: 'Add', inputs: ['q', 'q'], outputs: ['y'] }];
    expect(messageOf(() => chain(added, [float('s', [], [1]), zero], [1], [1]))).toContain('is the integer of a QuantizeLinear');
    expect(messageOf(() => single({ op: 'DynamicQuantizeLinear', name: 'd', outputs: ['y', 'ys', 'yz'] }, [2]))).toContain('computes its scale from each event');
  });
});

describe('integer operators', () => {
  it('QLinearMatMul and QLinearConv with bias', () => {
    const quantised = { op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] };
    const back = { op: 'DequantizeLinear', inputs: ['r', 't', 'z'], outputs: ['y'] };
    const shared = [float('s', [], [0.5]), float('t', [], [0.25]), int8('z', [], [0]), float('ws', [], [0.125])];
    const product: NodeSpec = { op: 'QLinearMatMul', inputs: ['q', 's', 'z', 'w', 'ws', 'z', 't', 'z'], outputs: ['r'] };
    // (2 · 8 + 4 · 16) · 0.5 · 0.125 = 5
    expect(chain([quantised, product, back], [...shared, int8('w', [2, 1], [8, 16])], [2], [1, 2])).toEqual([5]);
    const conv: NodeSpec = { op: 'QLinearConv', inputs: ['q', 's', 'z', 'w', 'ws', 'z', 't', 'z', 'b'], outputs: ['r'] };
    // the same plus a bias of 8 · 0.5 · 0.125
    expect(chain([quantised, conv, back], [...shared, int8('w', [1, 1, 2], [8, 16]), { name: 'b', shape: [1], values: [8], type: 6 }], [1, 2], [1, 2])).toEqual([5.5]);
  });
});

describe("FINN's operators", () => {
  it('MultiThreshold counts thresholds a channel', () => {
    const graph = single({ op: 'MultiThreshold', domain: 'qonnx.custom_op.general', attributes: { out_scale: { float: 0.5 }, out_bias: { float: -1 } } }, [2, 2], [float('t', [2, 3], [0, 1, 2, -1, 0, 5])]);
    expect(run(graph, [0, 1.5, -2, 5])[0]).toEqual([-0.5, 0, -1, 0.5]);
  });

  it('QuantAvgPool2d shifts the sum of the window', () => {
    const graph = single({ op: 'QuantAvgPool2d', domain: 'qonnx.custom_op.general', attributes: { kernel: 2, stride: 2, ibits: 4, obits: 4, signed: 0 } }, [1, 2, 2]);
    // the sum takes 6 bits: shifted by 2
    expect(run(graph, [15, 14, 3, 3])[0]).toEqual([8]);
  });

  it('a convolution with channels last', () => {
    const graph = single({ op: 'Conv', domain: 'qonnx.custom_op.channels_last', attributes: { kernel_shape: [1, 2] } }, [1, 3, 2], [float('w', [1, 1, 2, 2], [1, 10, 100, 1000])]);
    expect(run(graph, [1, 2, 3, 4, 5, 6])[0]).toEqual([1 + 20 + 300 + 4000, 3 + 40 + 500 + 6000]);
  });
});
