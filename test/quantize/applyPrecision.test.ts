import { describe, expect, it } from 'vitest';
import { CompileError } from '../../src/errors.js';
import { formatFixedType, parseFixedType } from '../../src/fixed/fixedType.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import type { DenseParams } from '../../src/layers/dense.js';
import { catalogue } from '../../src/layers/registry.js';
import type { LayerPrecision, ModelGraph } from '../../src/model/graph.js';
import { tensor } from '../../src/model/tensor.js';
import { applyPrecision } from '../../src/quantize/applyPrecision.js';
import { parsePrecisionConfig } from '../../src/quantize/precisionConfig.js';
import { activation, dense, evaluateTyped, graphOf, quant, randomTensor } from './graphs.js';

const apply = (graph: ModelGraph, yaml: string): ModelGraph => applyPrecision(graph, parsePrecisionConfig(yaml, 'p.yml'), catalogue);
const isType = (value: unknown): value is FixedType => typeof value === 'object' && value !== null;

/** `weight fixed<…> …` of a layer, in the order of LayerPrecision's use. */
function typesOf(graph: ModelGraph, name: string): string {
  const precision = graph.nodes.find((node) => node.name === name)?.precision;
  return Object.entries(precision ?? { none: '' })
    .filter(([key]) => key !== 'source')
    .map(([key, value]: [string, unknown]) => `${key} ${isType(value) ? formatFixedType(value).replace('ap_', '') : String(value)}`)
    .join(' ')
    .replace(' strategy latency reuseFactor 1', '');
}

function messageOf(graph: ModelGraph, yaml: string): string {
  try {
    apply(graph, yaml);
  } catch (error) {
    expect(error).toBeInstanceOf(CompileError);
    expect((error as CompileError).kind).toBe('config');
    return (error as CompileError).message;
  }
  return 'no error';
}

const wire = (graph: ModelGraph, type: string): ModelGraph => ({ ...graph, inputs: graph.inputs.map((input) => ({ ...input, type: parseFixedType(type) as FixedType })) });
const mlp = graphOf({ x: [1, 16] }, [dense('fc1', 'x', 16, 4), activation('act', 'fc1', 'relu'), dense('fc2', 'act', 4, 2, 2)]);

describe('look-up', () => {
  it('goes by layer, class, model; the variable before the default', () => {
    const yaml = `
Model: {Precision: {default: 'fixed<16,6>', accum: 'fixed<20,10>', result: 'fixed<21,11>'}}
LayerType: {Dense: {Precision: {weight: 'fixed<8,2>', bias: 'fixed<9,2>'}}}
LayerName: {FC1: {Precision: {weight: 'fixed<7,1>'}}, fc2: {Precision: {default: 'fixed<5,3>', result: 'fixed<6,3>'}}}`;
    const graph = apply(mlp, yaml);
    expect(formatFixedType(graph.inputs[0]?.type as FixedType)).toBe('ap_fixed<21,11>');
    expect(typesOf(graph, 'fc1')).toBe('weight fixed<7,1> bias fixed<9,2> accum fixed<20,10> result fixed<21,11>');
    expect(typesOf(graph, 'fc2')).toBe('weight fixed<5,3> bias fixed<5,3> accum fixed<5,3> result fixed<6,3>');
    expect(typesOf(graph, 'act')).toBe('result fixed<21,11>');
    expect((graph.nodes[0]?.precision as LayerPrecision).source).toBe('config');
  });

  it('takes strategy and reuse factor from the nearest level', () => {
    const graph = apply(mlp, "Model: {Precision: 'fixed<16,6>', Strategy: Resource, ReuseFactor: 4}\nLayerName: {fc2: {ReuseFactor: 2, Strategy: latency}}");
    expect(graph.nodes.map(({ precision }) => [precision?.strategy, precision?.reuseFactor])).toEqual([['resource', 4], [undefined, undefined], ['latency', 2]]);
  });

  it('leaves movements untyped, types concatenation', () => {
    const graph = apply(
      graphOf({ x: [1, 4] }, [{ name: 'x/Reshape', kind: 'reshape', params: { shape: [1, 2, 2] }, inputs: ['x'] }, { name: 'flat', kind: 'reshape', params: { shape: [1, 4] }, inputs: ['x/Reshape'] }, { name: 'cat', kind: 'concat', params: { axis: 1 }, inputs: ['flat', 'x'] }]),
      "Model: {Precision: 'fixed<16,6>'}\nLayerName: {flat: {Precision: {result: 'fixed<3,1>'}}}",
    );
    expect(graph.nodes.map(({ name }) => typesOf(graph, name))).toEqual(['none ', 'none ', 'result fixed<16,6>']);
  });

  it('has fixed defaults for tables, which only layer keys change', () => {
    const graph = graphOf({ x: [1, 4] }, [activation('t', 'x', 'tanh'), { name: 's', kind: 'softmax', params: { axis: -1 }, inputs: ['t'] }]);
    const plain = apply(graph, "Model: {Precision: 'fixed<16,6>'}");
    expect(typesOf(plain, 't')).toBe('table fixed<18,8> result fixed<16,6> tableSize 1024');
    expect(typesOf(plain, 's')).toBe(
      'table fixed<18,8> expTable fixed<18,8,RND,SAT> invTable fixed<18,8,RND,SAT> invInput fixed<18,8,RND,SAT> accum fixed<18,8,RND,SAT> result fixed<16,6> tableSize 1024 softmax stable',
    );
    const keyed = apply(graph, "Model: {Precision: 'fixed<16,6>'}\nLayerName: {t: {table_t: 'fixed<12,4>', TableSize: 64, TableRange: 4}, s: {inv_inp_t: 'fixed<20,9>', Implementation: legacy, Precision: {accum: 'fixed<22,9>'}}}");
    expect(typesOf(keyed, 't')).toBe('table fixed<12,4> result fixed<16,6> tableSize 64 tableRange 4');
    expect(typesOf(keyed, 's')).toContain('invInput fixed<20,9> accum fixed<22,9> result fixed<16,6> tableSize 1024 softmax legacy');
  });

  it('types scalar parameters, by need where they are auto', () => {
    const graph = graphOf({ x: [1, 4] }, [activation('a', 'x', 'leakyRelu', { alpha: 0.3 }), activation('b', 'a', 'leakyRelu', { alpha: 0.25 }), activation('c', 'b', 'leakyRelu', { alpha: -0.3 })]);
    expect(['a', 'b', 'c'].map((name) => typesOf(apply(graph, "Model: {Precision: {default: 'fixed<16,6>', param: auto}}"), name))).toEqual([
      'param ufixed<8,-1> result fixed<16,6>', 'param ufixed<1,-1> result fixed<16,6>', 'param fixed<9,0> result fixed<16,6>',
    ]);
  });

  it('casts constant operands as hls4ml prints and floors them', () => {
    const graph = graphOf(
      { x: [1, 2] },
      [{ name: 'm', kind: 'elementwise', params: { operation: 'mul' }, inputs: ['x', 'k'] }, { name: 'd', kind: 'elementwise', params: { operation: 'div' }, inputs: ['m', 'k'] }, { name: 's', kind: 'elementwise', params: { operation: 'add' }, inputs: ['d', 'q'] }],
      { k: tensor([2], [3, -0.3]), q: tensor([2], [0.3, 0.3], true) },
    );
    const typed = apply(graph, "Model: {Precision: {default: 'fixed<16,6>', scale: 'fixed<8,4>'}}");
    expect([...(typed.constants.get('m.scale1')?.data ?? [])]).toEqual([3, -0.3125]);
    // 1/3 = 0.3333 and −3.3333 on 1/16, floored.
    expect([...(typed.constants.get('d.scale1')?.data ?? [])]).toEqual([0.3125, -3.375]);
    expect(typed.nodes.map(({ inputs, params }) => [...inputs, (params as { operation: string }).operation])).toEqual([['x', 'm.scale1', 'mul'], ['m', 'd.scale1', 'mul'], ['d', 'q', 'add']]);
    expect([...(graph.constants.get('k')?.data ?? [])]).toEqual([3, -0.3]);
  });
});

describe('auto', () => {
  const allAuto = "Model: {Precision: {default: 'fixed<16,6>', accum: auto, result: auto}}";
  const infer = (nodes: Parameters<typeof graphOf>[1], constants: Parameters<typeof graphOf>[2] = {}, inputs: Record<string, number[]> = { x: [1, 16] }, yaml = allAuto): ModelGraph =>
    apply(graphOf(inputs, nodes, constants), yaml);

  it('gives sums of products hls4ml\'s width', () => {
    // hls4ml 1.3.0 itself: 16 inputs, all types fixed<16,6> → fixed<37,17>.
    expect(typesOf(infer([dense('d', 'x', 16, 4)]), 'd')).toBe('weight fixed<16,6> bias fixed<16,6> accum fixed<37,17> result fixed<37,17>');
    const noBias = { ...dense('d', 'x', 16, 4), params: { weight: randomTensor([16, 4]), bias: null } };
    expect(typesOf(infer([noBias]), 'd')).toBe('weight fixed<16,6> accum fixed<37,17> result fixed<37,17>');
    const wideBias = "Model: {Precision: {default: 'fixed<16,6>', accum: auto, result: auto, weight: 'ufixed<4,1>', bias: 'fixed<30,20>'}}\nLayerName: {x: {Precision: {result: 'ufixed<8,8>'}}}";
    // Unsigned products 16·(2^8·2^1): 16 + 3 fraction bits; a signed bias of 20 integer bits.
    expect(typesOf(infer([dense('d', 'x', 16, 4)], {}, { x: [1, 16] }, wideBias), 'd')).toContain('accum fixed<31,21>');
  });

  it('counts kernel cells of convolutions', () => {
    const conv = { name: 'c', kind: 'conv', params: { weight: randomTensor([3, 2, 5]), bias: null, strides: [1], dilations: [1], pads: [0, 0], groups: 1 }, inputs: ['x'] };
    expect(typesOf(infer([conv], {}, { x: [1, 2, 8] }), 'c')).toContain('accum fixed<37,17>');
    const depthwise = { ...conv, params: { ...conv.params, weight: randomTensor([2, 1, 5]), groups: 2 } };
    expect(typesOf(infer([depthwise], {}, { x: [1, 2, 8] }), 'c')).toContain('accum fixed<36,16>');
  });

  it('widens merges, joins, dots and averages', () => {
    const pair = { x: [1, 8], y: [1, 8] };
    const types = "Model: {Precision: {default: 'fixed<16,6>', accum: auto, result: auto}}\nLayerName: {x: {Precision: {result: 'ufixed<8,4>'}}, y: {Precision: {result: 'fixed<10,3>'}}}";
    const merged = (operation: string): string => typesOf(infer([{ name: 'm', kind: 'elementwise', params: { operation }, inputs: ['x', 'y'] }], {}, pair, types), 'm');
    expect(merged('add')).toBe('result fixed<13,6>');
    expect(merged('sub')).toBe('result fixed<13,6>');
    expect(merged('mul')).toBe('result fixed<18,7>');
    expect(merged('max')).toBe('result fixed<12,5>');
    expect(typesOf(infer([{ name: 'j', kind: 'concat', params: { axis: 1 }, inputs: ['x', 'y'] }], {}, pair, types), 'j')).toBe('result fixed<12,5>');
    expect(typesOf(infer([{ name: 'd', kind: 'dot', params: { axis: 1, keepDims: true }, inputs: ['x', 'y'] }], {}, pair, types), 'd')).toBe('accum fixed<21,10> result fixed<21,10>');
    const pool = (mode: string): string => typesOf(infer([{ name: 'p', kind: 'pool', params: { mode, kernel: [3], strides: [3], dilations: [1], pads: [0, 0], countIncludePad: true, ceilMode: false }, inputs: ['x'] }], {}, { x: [1, 2, 9] }), 'p');
    expect([pool('average'), pool('max')]).toEqual(['accum fixed<20,8> result fixed<16,6>', 'accum fixed<16,6> result fixed<16,6>']);
  });

  it('keeps the modes of a concatenation', () => {
    const yaml = "Model: {Precision: auto}\nLayerName: {x: {Precision: {result: 'fixed<8,4>'}}, y: {Precision: {result: 'fixed<8,4,RND,SAT>'}}}";
    expect(typesOf(infer([{ name: 'j', kind: 'concat', params: { axis: 1 }, inputs: ['x', 'y'] }], {}, { x: [1, 2], y: [1, 2] }, yaml), 'j')).toBe('result fixed<8,4,RND,SAT>');
  });

  it('falls back to the model default where hls4ml infers nothing', () => {
    const graph = infer([activation('r', 'x', 'relu'), { name: 'g', kind: 'reduce', params: { operation: 'mean', axes: [2], keepDims: true }, inputs: ['r'] }], {}, { x: [1, 2, 8] });
    expect([typesOf(graph, 'r'), typesOf(graph, 'g')]).toEqual(['result fixed<16,6>', 'accum fixed<16,6> result fixed<16,6>']);
  });

  it('caps by Model.Precision.maximum, averages excepted', () => {
    const capped = "Model: {Precision: {default: 'fixed<16,6>', accum: auto, result: auto, maximum: 'fixed<24,10>'}}";
    expect(typesOf(infer([dense('d', 'x', 16, 4)], {}, { x: [1, 16] }, capped), 'd')).toContain('accum fixed<24,10> result fixed<24,10>');
  });

  it('gives a layer the type of the linear activation merged into it', () => {
    const yaml = "Model: {Precision: {default: auto, weight: 'fixed<8,2>', bias: 'fixed<8,2>'}}\nLayerName: {x: {Precision: {result: 'fixed<8,2>'}}, q: {Precision: {result: 'fixed<9,3,RND,SAT>'}}}";
    const graph = infer([dense('d', 'x', 16, 4), activation('q', 'd', 'linear'), activation('out', 'q', 'linear')], {}, { x: [1, 16] }, yaml);
    expect(typesOf(graph, 'd')).toContain('accum fixed<21,9> result fixed<9,3,RND,SAT>');
    expect([typesOf(graph, 'q'), typesOf(graph, 'out')]).toEqual(['result fixed<9,3,RND,SAT>', '']);
  });

  it('leaves quantised weights and what the model quantises itself alone', () => {
    const weights = { weight: { ...tensor([2, 1], [0.75, -0.5]), quantised: true }, bias: null };
    const yaml = "Model: {Precision: auto}\nLayerName: {x: {Precision: {result: 'fixed<8,4>'}}}";
    const graph = infer([{ name: 'd', kind: 'dense', params: weights, inputs: ['x'] }, activation('r', 'd', 'relu'), quant('q', 'r'), activation('s', 'q', 'sigmoid'), quant('p', 's', { scale: 0.125, signed: false })], {}, { x: [1, 2] }, yaml);
    // Weights need fixed<3,1>.
    expect(typesOf(graph, 'd')).toBe('accum fixed<13,7> result fixed<13,7>');
    expect(graph.nodes.map(({ name }) => typesOf(graph, name)).slice(1)).toEqual(['', 'none ', 'table fixed<18,8> result ufixed<8,5,RND_CONV,SAT> tableSize 1024', 'none ']);
  });

  it('folds a batch normalisation into a layer whose result is auto, and only then', () => {
    const nodes = [dense('d', 'x', 16, 4), { name: 'bn', kind: 'batchNormalization', params: { scale: randomTensor([4], 7), bias: randomTensor([4], 8), axis: 1 }, inputs: ['d'] }];
    const named = infer(nodes, {}, { x: [1, 16] }, "Model: {Precision: 'fixed<16,6>'}");
    expect(named.nodes.map(({ name }) => name)).toEqual(['d', 'bn']);
    const folded = infer(nodes);
    expect(folded.nodes.map(({ name, output }) => [name, output])).toEqual([['d', 'bn']]);
    const event = { x: randomTensor([1, 16], 5).data };
    const plain = evaluateTyped(graphOf({ x: [1, 16] }, nodes), event).get('bn') as Float64Array;
    const params = folded.nodes[0]?.params as DenseParams;
    const value = catalogue.evaluate('dense', params, [tensor([1, 16], event.x)]).data;
    value.forEach((v, i) => expect(v).toBeCloseTo(plain[i] as number, 12));
    const shared = apply(graphOf({ x: [1, 16] }, nodes, {}, ['d', 'bn']), allAuto);
    expect(shared.nodes.length).toBe(2);
  });
});

describe('wires', () => {
  it('that have a type keep it; a cast to the config\'s type follows', () => {
    const typed = apply(wire(mlp, 'ap_fixed<20,10>'), "Model: {Precision: 'fixed<16,6>'}");
    expect(formatFixedType(typed.inputs[0]?.type as FixedType)).toBe('ap_fixed<20,10>');
    expect(typed.nodes[0]).toMatchObject({ name: 'x_quantised', inputs: ['x'], output: 'x_quantised', precision: { result: { width: 16, integer: 6 }, source: 'config' } });
    expect(typed.nodes[1]?.inputs).toEqual(['x_quantised']);
  });

  it('need no cast where it changes nothing', () => {
    expect(apply(wire(mlp, 'ap_fixed<8,4>'), "Model: {Precision: 'fixed<16,6>'}").nodes.map(({ name }) => name)).toEqual(['fc1', 'act', 'fc2']);
  });
});

describe('errors', () => {
  it('name unknown layers and classes with close names', () => {
    expect(messageOf(mlp, "Model: {Precision: 'fixed<16,6>'}\nLayerName:\n  fc11: {}\n  acct: {}\n  zzzzzz: {}\nLayerType:\n  Dens: {}\n  Conv2D: {}")).toMatchInlineSnapshot(`
      "p.yml:3 → LayerName → fc11: the model has no layer 'fc11'. Did you mean 'fc1' or 'fc2'?
      p.yml:4 → LayerName → acct: the model has no layer 'acct'. Did you mean 'act'?
      p.yml:5 → LayerName → zzzzzz: the model has no layer 'zzzzzz'. There are: x, fc1, act, fc2.
      p.yml:7 → LayerType → Dens: hls4ml has no layer class 'Dens'. Did you mean 'Dense' or 'QDense'?"
    `);
  });

  it('name every type that is missing, never guessing one', () => {
    expect(messageOf(mlp, 'LayerName:\n  fc1:\n    Precision: {weight: "fixed<8,4>"}')).toMatchInlineSnapshot(`
      "p.yml:1 → x → result: the config gives this input no type. Name its result type under LayerName, or give Model.Precision a default.
      p.yml:2 → fc1 → bias: the config gives no bias type. Name it under LayerName → fc1 → Precision, or give Model.Precision a default.
      p.yml:2 → fc1 → accum: the config gives no accum type. Name it under LayerName → fc1 → Precision, or give Model.Precision a default.
      p.yml:2 → fc1 → result: the config gives no result type. Name it under LayerName → fc1 → Precision, or give Model.Precision a default.
      p.yml:1 → act → result: the config gives no result type. Name it under LayerName → act → Precision, or give Model.Precision a default.
      p.yml:1 → fc2 → weight: the config gives no weight type. Name it under LayerName → fc2 → Precision, or give Model.Precision a default.
      p.yml:1 → fc2 → bias: the config gives no bias type. Name it under LayerName → fc2 → Precision, or give Model.Precision a default.
      p.yml:1 → fc2 → accum: the config gives no accum type. Name it under LayerName → fc2 → Precision, or give Model.Precision a default.
      p.yml:1 → fc2 → result: the config gives no result type. Name it under LayerName → fc2 → Precision, or give Model.Precision a default."
    `);
    expect(messageOf(mlp, 'Model: {Precision: auto}')).toMatchInlineSnapshot(`
      "p.yml:1 → x → result: this input's type is 'auto' and the model has no default type. Name its result type under LayerName, or give Model.Precision a default.
      p.yml:1 → fc1 → weight: hls4ml infers no weight type here ('auto'), and the model has no default type. Name it under LayerName → fc1 → Precision, or give Model.Precision a default.
      p.yml:1 → fc1 → bias: hls4ml infers no bias type here ('auto'), and the model has no default type. Name it under LayerName → fc1 → Precision, or give Model.Precision a default.
      p.yml:1 → fc1 → accum: 'auto' cannot be inferred: x has no fixed-point type here. Name the accum type of fc1.
      p.yml:1 → fc1 → result: 'auto' cannot be inferred: x has no fixed-point type here. Name the result type of fc1.
      p.yml:1 → act → result: hls4ml infers no result type here ('auto'), and the model has no default type. Name it under LayerName → act → Precision, or give Model.Precision a default.
      p.yml:1 → fc2 → weight: hls4ml infers no weight type here ('auto'), and the model has no default type. Name it under LayerName → fc2 → Precision, or give Model.Precision a default.
      p.yml:1 → fc2 → bias: hls4ml infers no bias type here ('auto'), and the model has no default type. Name it under LayerName → fc2 → Precision, or give Model.Precision a default.
      p.yml:1 → fc2 → accum: 'auto' cannot be inferred: act has no fixed-point type here. Name the accum type of fc2.
      p.yml:1 → fc2 → result: 'auto' cannot be inferred: act has no fixed-point type here. Name the result type of fc2."
    `);
  });

  it('say that hls4ml ignores table types in Precision', () => {
    const graph = graphOf({ x: [1, 4] }, [activation('t', 'x', 'tanh')]);
    expect(messageOf(graph, "Model: {Precision: 'fixed<16,6>'}\nLayerName: {t: {Precision: {table: 'fixed<12,4>'}}}")).toMatchInlineSnapshot(`"p.yml:2 → t → Precision → table: hls4ml ignores ap_fixed<12,4> here and takes ap_fixed<18,8>, from the layer key table_t or its default. Write 'table_t: ap_fixed<12,4>' beside Precision if you mean it, else remove this line."`);
    expect(messageOf(graph, "Model: {Precision: 'fixed<16,6>'}\nLayerName: {t: {Precision: {table: 'fixed<12,4>'}, table_t: 'fixed<12,4>'}}")).toBe('no error');
  });
});
