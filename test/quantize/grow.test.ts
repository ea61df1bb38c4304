import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { castIsIdentity, fixedType, formatFixedType, rangeOf } from '../../src/fixed/fixedType.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { dyadicOf, toNumber } from '../../src/fixed/integer.js';
import type { DenseParams } from '../../src/layers/dense.js';
import type { ForestParams } from '../../src/layers/forest.js';
import { catalogue } from '../../src/layers/registry.js';
import type { ModelGraph, ModelNode } from '../../src/model/graph.js';
import { tensor } from '../../src/model/tensor.js';
import type { Tensor } from '../../src/model/tensor.js';
import { growTypes } from '../../src/quantize/grow.js';
import { applyInputTypes } from '../../src/quantize/inputTypes.js';
import { gridOf } from '../../src/layers/ranges.js';
import type { NodeText } from './graphs.js';
import { activation, dense, evaluateTyped, graphOf, quant, randomTensor } from './graphs.js';

const grown = (graph: ModelGraph, inputType = 'ap_fixed<8,4>', options = {}) => growTypes(applyInputTypes(graph, { inputType }, catalogue), options, catalogue);
const node = (graph: ModelGraph, name: string): ModelNode => graph.nodes.find((other) => other.name === name) as ModelNode;
const resultOf = (graph: ModelGraph, name: string): string => {
  const type = node(graph, name).precision?.result;
  return type === undefined ? '-' : formatFixedType(type);
};

const mlp: readonly NodeText[] = [
  dense('fc1', 'x', 8, 16), activation('r1', 'fc1', 'relu'), dense('fc2', 'r1', 16, 8, 2), activation('r2', 'fc2', 'tanh'), dense('fc3', 'r2', 8, 3, 3), { name: 'p', kind: 'softmax', params: { axis: 1 }, inputs: ['fc3'] },
];
/** One of every layer that arithmetic passes through. */
const everything: readonly NodeText[] = [
  { name: 'image', kind: 'reshape', params: { shape: [1, 2, 4] }, inputs: ['x'] },
  { name: 'conv', kind: 'conv', params: { weight: randomTensor([3, 2, 3], 4), bias: randomTensor([3], 5), strides: [1], dilations: [1], pads: [1, 1], groups: 1 }, inputs: ['image'] },
  { name: 'bn', kind: 'batchNormalization', params: { scale: randomTensor([3], 6), bias: randomTensor([3], 7), axis: 1 }, inputs: ['conv'] },
  activation('leaky', 'bn', 'leakyRelu', { alpha: -0.1 }),
  { name: 'pool', kind: 'pool', params: { mode: 'average', kernel: [3], strides: [1], dilations: [1], pads: [0, 0], countIncludePad: true, ceilMode: false }, inputs: ['leaky'] },
  { name: 'scaled', kind: 'elementwise', params: { operation: 'mul' }, inputs: ['pool', 'k'] },
  { name: 'square', kind: 'elementwise', params: { operation: 'mul' }, inputs: ['scaled', 'scaled'] },
  { name: 'less', kind: 'elementwise', params: { operation: 'sub' }, inputs: ['square', 'pool'] },
  { name: 'mean', kind: 'reduce', params: { operation: 'mean', axes: [1], keepDims: true }, inputs: ['less'] },
  { name: 'dot', kind: 'dot', params: { axis: 2, keepDims: true }, inputs: ['mean', 'mean'] },
  { name: 'third', kind: 'elementwise', params: { operation: 'div' }, inputs: ['dot', 'three'] },
  activation('elu', 'third', 'elu'), activation('hard', 'elu', 'hardSigmoid'), { name: 'cut', kind: 'clip', params: { min: 0.1, max: null }, inputs: ['hard'] },
];
const constants = { k: tensor([3, 1], [0.7, -1.3, 0.01]), three: tensor([], [3]) };
const all = graphOf({ x: [1, 8] }, everything, constants);

/** Uniform events and corners of ap_fixed<8,4>. */
const event = fc.array(fc.oneof(fc.integer({ min: -128, max: 127 }), fc.constantFrom(-128, 127)), { minLength: 8, maxLength: 8 }).map((raw) => Float64Array.from(raw, (n) => n / 16));

function expectInside(values: Float64Array, type: FixedType, name: string): void {
  const { lo, hi, exp } = rangeOf(type);
  const [low, high] = [toNumber(lo, exp), toNumber(hi, exp)];
  // Less than half a step outside may still round onto the ends.
  for (const value of values) expect(value >= low - 2 ** (exp - 1) && value < high + 2 ** (exp - 1), `${name} holds ${value} in ${formatFixedType(type)}`).toBe(true);
}

describe('grown types', () => {
  it.each([['an MLP', graphOf({ x: [1, 8] }, mlp)], ['every layer', all]])('cannot overflow: %s', (_, graph) => {
    const typed = grown(graph).graph;
    fc.assert(
      fc.property(event, (x) => {
        const values = evaluateTyped(typed, { x });
        for (const { kind, params, inputs, output, precision } of typed.nodes) {
          const exact = catalogue.evaluate(kind, params, inputs.map((name): Tensor => ({ shape: graph.nodes.find((n) => n.output === name)?.shape ?? typed.constants.get(name)?.shape ?? [1, 8], data: values.get(name) as Float64Array })));
          if (precision?.result !== undefined) expectInside(exact.data, precision.result, output);
        }
      }),
      { seed: 21, numRuns: 150 },
    );
  });

  it('stay close to the float model', () => {
    const graph = graphOf({ x: [1, 8] }, mlp);
    const typed = grown(graph).graph;
    const coarse = grown(graph, 'ap_fixed<8,4>', { resolution: { weightBits: 3, resultBits: 6, tableBits: 4 } }).graph;
    const worst = { fine: 0, coarse: 0 };
    fc.assert(
      fc.property(event, (x) => {
        const exact = evaluateTyped(graph, { x }).get('p') as Float64Array;
        const error = (g: ModelGraph): number => (evaluateTyped(g, { x }).get('p') as Float64Array).reduce((m, v, i) => Math.max(m, Math.abs(v - (exact[i] as number))), 0);
        worst.fine = Math.max(worst.fine, error(typed));
        worst.coarse = Math.max(worst.coarse, error(coarse));
      }),
      { seed: 22, numRuns: 200 },
    );
    expect(worst.fine).toBeLessThan(0.02);
    expect(worst.coarse).toBeGreaterThan(0.05);
  });

  it('round weights per channel and say so', () => {
    const { graph, statements } = grown(graphOf({ x: [1, 8] }, mlp));
    const { weight, bias } = node(graph, 'fc1').params as DenseParams;
    const original = randomTensor([8, 16]);
    expect([weight.quantised, bias?.quantised]).toEqual([true, true]);
    for (let j = 0; j < 16; j++) {
      const column = Array.from({ length: 8 }, (_, i) => original.data[i * 16 + j] as number);
      const step = 2 ** (Math.floor(Math.log2(Math.max(...column.map(Math.abs)))) + 1 - 8);
      column.forEach((value, i) => expect(Math.abs((weight.data[i * 16 + j] as number) - value)).toBeLessThanOrEqual(step / 2));
    }
    expect(statements.map(({ layer, source, text }) => `${layer} [${source}] ${text}`)).toMatchInlineSnapshot(`
      [
        "fc1 [auto] weights to 2^-8 (8 significant bits per channel); bias to 2^-11; result ap_fixed<17,7,RND,SAT>",
        "r1 [auto] exact",
        "fc2 [auto] weights to 2^-8 (8 significant bits per channel); bias to 2^-9; result ap_fixed<17,9,RND,SAT>",
        "r2 [auto] result ap_fixed<11,2,RND,SAT>",
        "fc3 [auto] weights to 2^-8 (8 significant bits per channel); bias to 2^-9; result ap_fixed<12,4,RND,SAT>",
        "p [auto] result ap_ufixed<10,1,RND,SAT>",
      ]
    `);
  });

  it('keep widths from growing with depth', () => {
    const deep = Array.from({ length: 8 }, (_, i) => [dense(`d${i}`, i === 0 ? 'x' : `r${i - 1}`, 8, 8, i + 1), activation(`r${i}`, `d${i}`, 'relu')]).flat();
    const { graph } = grown(graphOf({ x: [1, 8] }, deep));
    const widths = graph.nodes.flatMap(({ precision }) => precision?.result?.width ?? []);
    expect(widths.length).toBe(8);
    for (const width of widths) expect(width).toBeLessThanOrEqual(17);
  });

  it('say of every layer where its types come from', () => {
    const { graph, statements } = grown(all);
    expect(statements.map(({ layer, source, text }) => `${layer} [${source}] ${text}`)).toMatchInlineSnapshot(`
      [
        "conv [auto] weights to 2^-8 (8 significant bits per channel); bias to 2^-12; result ap_fixed<17,6,RND,SAT>",
        "bn [auto] scales to 2^-9 to 2^-8 (8 significant bits per channel); bias to 2^-12; result ap_fixed<17,6,RND,SAT>",
        "leaky [auto] slope -0.1 to -0.10009765625 (8 significant bits); result ap_ufixed<16,5,RND,SAT>",
        "pool [auto] result ap_ufixed<16,5,RND,SAT>",
        "scaled [auto] constants rounded",
        "square [auto] result ap_ufixed<32,7,RND,SAT>",
        "less [auto] exact",
        "mean [auto] result ap_fixed<17,6,RND,SAT>",
        "dot [auto] result ap_ufixed<32,11,RND,SAT>",
        "third [auto] result ap_ufixed<16,9,RND,SAT>",
        "elu [auto] result ap_ufixed<16,9,RND,SAT>",
        "hard [auto] slope 0.2 to 0.2001953125 (8 significant bits); result ap_ufixed<16,1,RND,SAT>",
        "cut [auto] constants rounded",
      ]
    `);
    expect([...(graph.constants.get('scaled.constant1')?.data ?? [])]).toEqual([179 / 256, -166 / 128, 164 / 16384]);
    expect(graph.constants.get('k')).toBe(constants.k);
  });
});

describe('arguments of gentle functions', () => {
  const wide = (name: string, extra: readonly NodeText[] = []): ModelGraph => grown(graphOf({ x: [1, 8] }, [activation('f', 'x', name), ...extra]), 'ap_fixed<30,8>').graph;

  it.each(['tanh', 'gelu', 'sigmoid', 'elu', 'softplus'])('%s: on the steps of the result, off by about one of them', (name) => {
    const graph = wide(name);
    expect(resultOf(graph, 'f/argument')).toMatch(/^ap_fixed<\d+,\d+,RND,SAT>$/);
    const step = 2 ** -((node(graph, 'f').precision?.result?.width ?? 0) - (node(graph, 'f').precision?.result?.integer ?? 0));
    const x = Array.from({ length: 8 }, (_, i) => (i - 3.7) * 1.618033);
    const exact = x.map((v) => catalogue.evaluate('activation', { function: name }, [tensor([1], [v])]).data[0] as number);
    (evaluateTyped(graph, { x: Float64Array.from(x) }).get('f') as Float64Array).forEach((y, i) => expect(Math.abs(y - (exact[i] as number)), `${name} ${x[i]}`).toBeLessThanOrEqual(1.5 * step));
  });

  it.each(['exp', 'reciprocal', 'sqrt', 'relu', 'square'])('%s, which is steep or exact, keeps its argument', (name) => {
    expect(grown(graphOf({ x: [1, 8] }, [activation('f', 'x', name)]), 'ap_ufixed<14,3>').graph.nodes.map((one) => one.name)).toEqual(['f']);
  });

  it('stay exact where the model says how the result is rounded', () => {
    expect(wide('tanh', [quant('q', 'f', { scale: 0.125 })]).nodes.map((one) => one.name)).toEqual(['f', 'q']);
  });
});

describe('what the model types stays exact', () => {
  const weights = (quantised: boolean): NodeText => ({ name: 'd', kind: 'dense', params: { weight: { ...tensor([8, 2], Array.from({ length: 16 }, (_, i) => (i - 8) / 8)), quantised }, bias: { ...tensor([2], [0.5, 0.25]), quantised } }, inputs: ['x'] });

  it('quantised weights, sums and products of quantised values', () => {
    const nodes = [weights(true), activation('r', 'd', 'relu'), { name: 's', kind: 'dot', params: { axis: 1, keepDims: true }, inputs: ['r', 'r'] }];
    const { graph, statements } = grown(graphOf({ x: [1, 8] }, nodes));
    expect(graph.nodes.every(({ precision }) => precision === undefined)).toBe(true);
    expect(statements.map(({ source, text }) => `${source} ${text}`)).toEqual(['model exact', 'model exact', 'model exact']);
  });

  it('plain parameters on a small grid, where the model has quantisers', () => {
    const params = (g: ModelGraph): DenseParams => node(g, 'd').params as DenseParams;
    const withQuant = graphOf({ x: [1, 8] }, [quant('q', 'x'), { ...weights(false), inputs: ['q'] }]);
    expect(resultOf(grown(withQuant, 'ap_fixed<20,10>').graph, 'd')).toBe('-');
    expect(params(grown(withQuant).graph).weight).toBe(params(withQuant).weight);
    const without = graphOf({ x: [1, 8] }, [weights(false)]);
    expect(params(grown(without).graph).weight).toBe(params(without).weight);
    expect(resultOf(grown(without, 'ap_fixed<20,10>').graph, 'd')).not.toBe('-');
  });

  it('what its own quantiser rounds, once and by that quantiser', () => {
    const nodes = [dense('d', 'x', 8, 2), quant('q', 'd'), activation('t', 'q', 'tanh'), quant('p', 't', { scale: 1 / 64 }), activation('u', 'p', 'tanh'), quant('o', 'u', { scale: 0.3 })];
    const { graph } = grown(graphOf({ x: [1, 8] }, nodes));
    expect(nodes.map(({ name }) => resultOf(graph, name))).toEqual(['-', '-', 'ap_fixed<8,2,RND_CONV,SAT>', '-', 'ap_fixed<11,1,RND,SAT>', '-']);
  });

  it('a config\'s layers are left as they are', () => {
    const graph = applyInputTypes(graphOf({ x: [1, 8] }, [dense('d', 'x', 8, 2), dense('e', 'd', 2, 2)]), { inputType: 'int<4>' }, catalogue);
    const typed = { ...graph, nodes: graph.nodes.map((n) => (n.name === 'd' ? { ...n, precision: { result: fixedType(true, 6, 3), source: 'config' as const } } : n)) };
    const result = growTypes(typed, {}, catalogue);
    expect(node(result.graph, 'd')).toBe(typed.nodes[0]);
    expect(result.statements.map(({ layer, source }) => `${layer} ${source}`)).toEqual(['d config', 'e auto']);
  });
});

describe('forests', () => {
  const leaves = Array.from(randomTensor([64], 9).data);
  const params: ForestParams = {
    nFeatures: 2, nOutputs: 1, comparison: 'lt', base: [0.1],
    trees: Array.from({ length: 32 }, (_, t) => ({ output: 0, feature: [t % 2, -1, -1], value: [0.123 * t, leaves[2 * t] as number, leaves[2 * t + 1] as number], whenTrue: [1, 1, 2], whenFalse: [2, 1, 2] })),
  };
  const graph: ModelGraph = {
    name: 'f', format: 'test', parameters: 0, constants: new Map(), inputs: [{ name: 'x', shape: [1, 2], type: fixedType(false, 8, 8) }], outputs: [{ name: 'y', tensor: 'y', shape: [1, 1] }],
    nodes: [{ name: 'forest', kind: 'forest', params, inputs: ['x'], output: 'y', shape: [1, 1] }],
  };
  const onlyRanges = { structural: () => false, evaluate: (): never => { throw new Error('a forest\'s range needs no evaluation'); } };
  const rounded = (result: ModelGraph): ForestParams => result.nodes[0]?.params as ForestParams;

  it('have leaves rounded within the stated bound, thresholds as they were', () => {
    const { graph: typed, statements } = growTypes(graph, {}, onlyRanges);
    const bound = Number(/±([\d.e-]+)/.exec(statements[0]?.text ?? '')?.[1]);
    let worst = Math.abs((rounded(typed).base[0] as number) - 0.1);
    rounded(typed).trees.forEach((tree, t) => {
      expect(tree.value[0]).toBe(params.trees[t]?.value[0]);
      worst += Math.max(...[1, 2].map((i) => Math.abs((tree.value[i] as number) - (params.trees[t]?.value[i] as number))));
    });
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThanOrEqual(bound);
    expect(bound).toBeLessThan(0.2);
  });

  it('take --score-type for leaves and score', () => {
    const scoreType = fixedType(true, 12, 6);
    const { graph: typed } = growTypes(graph, { scoreType }, onlyRanges);
    expect(typed.nodes[0]?.precision?.result).toEqual(scoreType);
    for (const tree of rounded(typed).trees) for (const value of tree.value.slice(1)) expect(gridOf([value])).toBeGreaterThanOrEqual(-6);
    const { n, exp } = dyadicOf(rounded(typed).base[0] as number);
    expect(castIsIdentity({ lo: n, hi: n, exp }, scoreType)).toBe(true);
  });
});
