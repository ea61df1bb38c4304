import { describe, expect, it } from 'vitest';
import type { ModelGraph } from '../../src/model/graph.js';
import { parseFile, run } from './helpers.js';
import type { TensorSpec } from './onnxFile.js';

const floats = (name: string, shape: readonly number[], values: readonly number[]): TensorSpec => ({ name, shape, values });
const kinds = (graph: ModelGraph): string[] => graph.nodes.map((node) => `${node.name}: ${node.kind}`);

describe('products and their bias', () => {
  const weight = floats('w', [2, 2], [1, 2, 3, 4]);
  const affine = (extra: readonly string[], bias: TensorSpec): ModelGraph =>
    parseFile({
      inputs: [{ name: 'x', shape: ['N', 2] }],
      outputs: ['y', ...extra],
      nodes: [
        { op: 'MatMul', name: 'fc', inputs: ['x', 'w'], outputs: ['xw'] },
        { op: 'Add', name: 'fc/BiasAdd', inputs: ['b', 'xw'], outputs: ['y'] },
      ],
      constants: [weight, bias],
    });

  it('MatMul and Add of a constant are one dense layer with the name of the product', () => {
    const graph = affine([], floats('b', [2], [10, 20]));
    expect(kinds(graph)).toEqual(['fc: dense']);
    expect(graph.nodes[0]?.output).toBe('y');
    expect(run(graph, [1, 1])).toEqual([[14, 26]]);
    expect(graph.constants.size).toBe(0);
    expect(graph.parameters).toBe(6);
  });

  it('one number for all outputs is a bias too', () => {
    expect(run(affine([], floats('b', [], [10])), [1, 1])).toEqual([[14, 16]]);
    expect(kinds(affine([], floats('b', [1, 1], [10])))).toEqual(['fc: dense']);
  });

  it('stay apart where the product has another user', () => {
    const graph = affine(['xw'], floats('b', [2], [10, 20]));
    expect(kinds(graph)).toEqual(['fc: dense', 'fc/BiasAdd: elementwise']);
    expect(run(graph, [1, 1])).toEqual([[14, 26], [4, 6]]);
  });

  it('Conv and Add of a constant per channel are one layer; per position they are not', () => {
    const conv = (bias: TensorSpec): ModelGraph =>
      parseFile({
        inputs: [{ name: 'x', shape: ['N', 1, 2] }],
        outputs: ['y'],
        nodes: [
          { op: 'Conv', name: 'c', inputs: ['x', 'w'], outputs: ['z'] },
          { op: 'Add', name: 'a', inputs: ['z', 'b'], outputs: ['y'] },
        ],
        constants: [floats('w', [2, 1, 1], [1, 2]), bias],
      });
    const perChannel = conv(floats('b', [1, 2, 1], [10, 20]));
    expect(kinds(perChannel)).toEqual(['c: conv']);
    expect(run(perChannel, [1, 2])).toEqual([[11, 12, 22, 24]]);
    const perPosition = conv(floats('b', [2], [10, 20]));
    expect(kinds(perPosition)).toEqual(['c: conv', 'a: elementwise']);
    expect(run(perPosition, [1, 2])).toEqual([[11, 22, 12, 24]]);
  });

  it('a constant from the left is a dense layer between transposes', () => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: ['N', 2, 2] }],
      outputs: ['y'],
      nodes: [{ op: 'MatMul', name: 'm', inputs: ['w', 'x'], outputs: ['y'] }],
      constants: [floats('w', [3, 2], [1, 2, 3, 4, 5, 6])],
    });
    expect(graph.outputs[0]?.shape).toEqual([1, 3, 2]);
    expect(run(graph, [1, 2, 10, 20])).toEqual([[21, 42, 43, 86, 65, 130]]);
  });
});

describe('products summed over one axis', () => {
  const dot = (product: 'Mul' | 'Pow', second: string, outputs: readonly string[] = ['y']): ModelGraph =>
    parseFile({
      inputs: [{ name: 'x', shape: ['N', 2] }, { name: 'z', shape: ['N', 2] }],
      outputs,
      nodes: [
        { op: product, name: 'square', inputs: ['x', second], outputs: ['p'] },
        { op: 'ReduceSum', name: 'score', inputs: ['p', 'a'], outputs: ['y'] },
      ],
      constants: [{ name: 'a', shape: [1], values: [-1], type: 7 }, floats('two', [], [2]), floats('c', [2], [3, 4])],
    });
  it.each([
    ['two inputs', dot('Mul', 'z'), 1 * 5 + 2 * 6],
    ['one input squared', dot('Mul', 'x'), 5],
    ['Pow 2', dot('Pow', 'two'), 5],
  ])('are a dot layer named after the sum: %s', (_, graph, expected) => {
    expect(kinds(graph)).toEqual(['score: dot']);
    expect(run(graph, [1, 2], [5, 6])).toEqual([[expected]]);
    expect(graph.outputs[0]?.shape).toEqual([1, 1]);
  });
  it('are not where one side is constant or the product is used elsewhere', () => {
    expect(kinds(dot('Mul', 'c'))).toEqual(['square: elementwise', 'score: reduce']);
    expect(kinds(dot('Mul', 'z', ['y', 'p']))).toEqual(['square: elementwise', 'score: reduce']);
  });
});

describe('the batch', () => {
  it('is one event whatever the file says, and a Reshape that names it is mended', () => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: [16, 6] }],
      outputs: ['y'],
      nodes: [
        { op: 'Reshape', name: 'image', inputs: ['x', 's'], outputs: ['z'] },
        { op: 'Reshape', name: 'rows', inputs: ['z', 'r'], outputs: ['y'] },
      ],
      constants: [{ name: 's', shape: [3], values: [16, 2, 3], type: 7 }, { name: 'r', shape: [2], values: [32, 3], type: 7 }],
    });
    expect(graph.inputs[0]?.shape).toEqual([1, 6]);
    expect(graph.nodes.map((node) => node.shape)).toEqual([[1, 2, 3], [1, 2, 3]]);
  });

  it('merged with another axis stays in front, and layers between still see their own axes', () => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: ['N', 2, 3] }],
      outputs: ['y'],
      nodes: [
        { op: 'Reshape', inputs: ['x', 'flat'], outputs: ['rows'] },
        { op: 'MatMul', inputs: ['rows', 'w'], outputs: ['z'] },
        { op: 'Softmax', inputs: ['z'], outputs: ['p'], attributes: { axis: 1 } },
        { op: 'Reshape', inputs: ['p', 'back'], outputs: ['y'] },
      ],
      constants: [{ name: 'flat', shape: [2], values: [-1, 3], type: 7 }, { name: 'back', shape: [3], values: [-1, 2, 2], type: 7 }, floats('w', [3, 2], [0, 0, 0, 0, 0, Math.log(3)])],
    });
    expect(graph.outputs[0]?.shape).toEqual([1, 2, 2]);
    expect(run(graph, [0, 0, 1, 0, 0, 0])[0]?.map((n) => Math.round(n * 1e6) / 1e6)).toEqual([0.25, 0.75, 0.5, 0.5]);
  });

  it('is not among the inputs that are constants listed twice', () => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: [789444, 1] }, { name: 'w', shape: [1, 1] }],
      outputs: ['y'],
      nodes: [{ op: 'Gemm', inputs: ['x', 'w'], outputs: ['y'] }],
      constants: [floats('w', [1, 1], [2])],
    });
    expect(graph.inputs.map((input) => input.name)).toEqual(['x']);
  });
});

describe('names', () => {
  const relu = (names: readonly (string | undefined)[]): ModelGraph =>
    parseFile({
      inputs: [{ name: 'x', shape: ['N', 1] }],
      outputs: [`t${names.length}`],
      nodes: names.map((name, i) => ({ op: 'Relu', inputs: [i === 0 ? 'x' : `t${i}`], outputs: [`t${i + 1}`], ...(name === undefined ? {} : { name }) })),
    });
  it('of the file are kept, others are made up without taking one of them, and all differ', () => {
    expect(relu(['a/b c', undefined, 'relu_1', undefined, 'a/b c']).nodes.map((node) => node.name)).toEqual(['a/b c', 'relu_2', 'relu_1', 'relu_3', 'a/b c_2']);
  });
  it('of tensors are the file\'s', () => {
    expect(relu(['a', 'b']).nodes.map((node) => node.output)).toEqual(['t1', 't2']);
  });
});

describe('the graph', () => {
  it('is sorted where the file is not, and what no output needs is left out', () => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: ['N', 1] }],
      outputs: ['y'],
      nodes: [
        { op: 'Tanh', name: 'second', inputs: ['t'], outputs: ['y'] },
        { op: 'Sigmoid', name: 'unused', inputs: ['t'], outputs: ['u'] },
        { op: 'Relu', name: 'first', inputs: ['x'], outputs: ['t'] },
      ],
    });
    expect(graph.nodes.map((node) => node.name)).toEqual(['first', 'second']);
  });

  it('gives a table under a variable index as an embedding of an integer input', () => {
    const graph = parseFile({
      inputs: [{ name: 'id', shape: ['N', 2], type: 7 }],
      outputs: ['y'],
      nodes: [{ op: 'Gather', name: 'e', inputs: ['table', 'id'], outputs: ['y'] }],
      constants: [floats('table', [3, 2], [1, 2, 3, 4, 5, 6])],
    });
    expect(graph.inputs[0]).toEqual({ name: 'id', shape: [1, 2], integer: true });
    expect(kinds(graph)).toEqual(['e: embedding']);
    expect(run(graph, [2, 0])).toEqual([[5, 6, 1, 2]]);
  });

  it('splits into slices with names of their own', () => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: ['N', 5] }],
      outputs: ['a', 'b'],
      nodes: [{ op: 'Split', name: 's', inputs: ['x', 'sizes'], outputs: ['a', 'b'], attributes: { axis: 1 } }],
      constants: [{ name: 'sizes', shape: [2], values: [2, 3], type: 7 }],
    });
    expect(kinds(graph)).toEqual(['s/0: slice', 's/1: slice']);
    expect(run(graph, [1, 2, 3, 4, 5])).toEqual([[1, 2], [3, 4, 5]]);
  });

  it('reads x > 20 ? x : softplus(x) as torch\'s softplus', () => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: ['N', 1] }],
      outputs: ['y'],
      nodes: [
        { op: 'Softplus', name: 'sp', inputs: ['x'], outputs: ['s'] },
        { op: 'Greater', inputs: ['x', 't'], outputs: ['g'] },
        { op: 'Where', inputs: ['g', 'x', 's'], outputs: ['y'] },
      ],
      constants: [floats('t', [], [20])],
    });
    expect(kinds(graph)).toEqual(['sp: activation']);
    expect(graph.outputs[0]).toEqual({ name: 'y', tensor: 's', shape: [1, 1] });
  });

  it('undoes the transposes that old Keras converters put around a batch normalisation', () => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: ['N', 2] }],
      outputs: ['y'],
      nodes: [
        { op: 'Transpose', name: 't', inputs: ['x'], outputs: ['a'] },
        { op: 'BatchNormalization', name: 'bn', inputs: ['a', 'g', 'b', 'm', 'v'], outputs: ['c'], attributes: { epsilon: { float: 0 } } },
        { op: 'Transpose', name: 'u', inputs: ['c'], outputs: ['y'] },
      ],
      constants: [floats('g', [2], [2, 3]), floats('b', [2], [0, 1]), floats('m', [2], [0, 0]), floats('v', [2], [1, 1])],
    });
    expect(run(graph, [10, 100])).toEqual([[20, 301]]);
    expect(graph.outputs[0]?.shape).toEqual([1, 2]);
  });
});

describe('which constants are taken as they are', () => {
  const withQuant = (quantiser: boolean, value: number): boolean | undefined => {
    const graph = parseFile({
      inputs: [{ name: 'x', shape: ['N', 1] }],
      outputs: ['y'],
      nodes: [
        { op: quantiser ? 'BipolarQuant' : 'Relu', ...(quantiser ? { domain: 'onnx.brevitas' } : {}), inputs: quantiser ? ['x', 'one'] : ['x'], outputs: ['q'] },
        { op: 'Mul', inputs: ['q', 'c'], outputs: ['y'] },
      ],
      constants: [floats('one', [], [1]), floats('c', [], [value])],
    });
    return graph.constants.get('c')?.quantised;
  };
  it('in a file with quantisers, those on a grid of at most 16 bits', () => {
    expect(withQuant(true, 1023.5)).toBe(true);
    expect(withQuant(true, 0.1)).toBe(false);
    expect(withQuant(false, 1023.5)).toBe(false);
  });
});
