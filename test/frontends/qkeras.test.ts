import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { quantiseActivations } from '../../src/frontends/keras/qkeras/activation.js';
import { integerBits } from '../../src/frontends/keras/qkeras/adaptive.js';
import { parsePythonCall } from '../../src/frontends/keras/qkeras/pythonCall.js';
import type { Quantiser } from '../../src/frontends/keras/qkeras/quantiser.js';
import { parseQuantiser } from '../../src/frontends/keras/qkeras/quantiser.js';
import { quantiseWeights, trainableForm } from '../../src/frontends/keras/qkeras/weights.js';
import { NetworkBuilder } from '../../src/frontends/network.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';
import { tensor } from '../../src/model/tensor.js';

/** QKeras 0.9.0's own results, by test/fixtures/make_qkeras.py. */
interface Cases {
  readonly tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly x: readonly number[] }>>;
  readonly weights: readonly { readonly quantiser: string; readonly tensor: string; readonly y: readonly number[] }[];
  readonly x: readonly number[];
  readonly activations: readonly { readonly quantiser: string; readonly y: readonly number[] }[];
}
const cases = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/qkeras_quantisers.json'), 'utf8')) as Cases;

const quantiser = (spec: unknown): Quantiser => parseQuantiser(spec, ['model.h5', 'layer']) as Quantiser;

/** TensorFlow's float32 logarithm is a unit in the last place off now and then. */
const CLOSE = 2e-7;

function message(spec: unknown): string {
  try {
    parseQuantiser(spec, ['model.h5', 'layer']);
    return 'no error';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('QKeras quantisers', () => {
  it.each(cases.weights)('$quantiser on $tensor weights', ({ quantiser: text, tensor: name, y }) => {
    const { shape, x } = cases.tensors[name] as { shape: readonly number[]; x: readonly number[] };
    expect([...quantiseWeights(quantiser(text), tensor(shape, x), ['w']).data]).toEqual(y.map((v) => v + 0 || 0));
  });

  it.each(cases.activations)('$quantiser of activations, as layers', ({ quantiser: text, y }) => {
    const builder = new NetworkBuilder(catalogue, 'model.h5');
    const x = builder.input('x', [1, 1]);
    const out = quantiseActivations(builder, quantiser(text), x, 'q', ['q']);
    const graph = builder.finish({ name: 'm', format: 'test', outputs: [{ name: 'y', of: out }], parameters: 0 });
    const found = [...(evaluateBatch(graph, catalogue, new Map([['x', Float64Array.from(cases.x)]]), cases.x.length).get('y') as Float64Array)];
    const wrong = found.flatMap((v, i) => (Math.abs(v - (y[i] as number)) <= (/ulaw/.test(text) ? CLOSE * 4 : 0) ? [] : [[cases.x[i], y[i], v]]));
    // Of the functions that are no quantisers float32 loses the last bits of tiny arguments.
    expect(/^(hard|smooth)/.test(text) ? wrong.filter(([, wanted, v]) => Math.abs((wanted as number) - (v as number)) > CLOSE) : wrong).toEqual([]);
  });

  it('keeps the last power of two where the file is of a later version', () => {
    const { shape, x } = cases.tensors['dense'] as { shape: readonly number[]; x: readonly number[] };
    const own = (extra: object): number[] => [...quantiseWeights(quantiser({ class_name: 'quantized_bits', config: { bits: 3, integer: 0, symmetric: 1, alpha: 'auto_po2', ...extra } }), tensor(shape, x), ['w']).data];
    const fixed = own({ post_training_scale: [[0.5, 0.5, 2, 2]] });
    expect(new Set(fixed.map((v, e) => (v / (e % 4 < 2 ? 0.125 : 0.5)) % 1))).toEqual(new Set([0, -0]));
    expect(own({ post_training_scale: null }).every((v) => Number.isInteger(v * 64))).toBe(true);
  });

  it('becomes automatic as a kernel’s where alpha is None', () => {
    expect(trainableForm(quantiser('quantized_bits(4,0)'))).toMatchObject({ alpha: 'auto_po2', symmetric: true });
    expect(trainableForm(quantiser('ternary()'))).toMatchObject({ alpha: 'auto_po2' });
    expect(trainableForm(quantiser('quantized_bits(4,0,alpha=1)'))).toMatchObject({ alpha: 1, symmetric: false });
    expect(trainableForm(quantiser('quantized_relu(4)'))).toMatchObject({ kind: 'quantized_relu' });
  });

  it('finds the integer bits of moving averages', () => {
    // _get_integer_bits of QKeras 0.9.0 for these averages.
    const bits = (min: number, max: number, symmetric: boolean, keepNegative: boolean, rounded: boolean): number => integerBits({ min, max }, { bits: 6, symmetric, keepNegative, rounded });
    expect([bits(0, 0.3, true, false, false), bits(0, 3.95, true, false, false), bits(0, 3.99, true, false, false), bits(-4, 2, true, true, false), bits(-4, 2, false, true, false), bits(-5.5, 1, true, true, true), bits(-900, 1, true, true, true)]).toEqual([0, 3, 3, 3, 2, 2, 5]);
  });

  it('reads calls as QKeras’ safe_eval does, and nothing else', () => {
    expect(parsePythonCall("quantized_bits(4, 0,1, alpha='auto')")).toEqual({ name: 'quantized_bits', positional: [4, 0, 1], named: new Map([['alpha', 'auto']]) });
    expect(parsePythonCall('binary(alpha=[0.5 1.0],use_01=False)')?.named).toEqual(new Map<string, unknown>([['alpha', [0.5, 1]], ['use_01', false]]));
    for (const bad of ['f(g(1))', 'f(1', '__import__("os").system("x")', 'f(a=1, 2)', 'f(x)', '', 'f'.repeat(2000)]) expect(parsePythonCall(bad), bad).toBeUndefined();
  });

  it('says what is wrong with a quantiser', () => {
    expect(
      [
        'quantized_magic(4)', { class_name: 'quantized_bits', config: { bits: 1e9 } }, { class_name: 'quantized_bits', config: { bits: -3 } }, { class_name: 'quantized_relu', config: { negative_slope: 0.3 } }, 'quantized_bits(1,0,1,alpha="auto")',
        'quantized_bits(4,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16)', 'bernoulli()', { class_name: 'quantized_bits', config: { qnoise_factor: 0.5 } }, 17, 'os.system(', "ternary(alpha='auto',threshold=0.5)", { class_name: 'quantized_po2', config: { bits: 40 } },
      ].map(message),
    ).toMatchInlineSnapshot(`
      [
        "model.h5 → layer: 'quantized_magic' is not a known quantiser. Known are quantized_bits, quantized_linear, quantized_relu, quantized_ulaw, quantized_tanh, quantized_sigmoid, quantized_po2, quantized_relu_po2, quantized_hswish, binary, stochastic_binary, ternary, stochastic_ternary, bernoulli, hard_sigmoid, hard_tanh, smooth_sigmoid, smooth_tanh, binary_sigmoid, binary_tanh.",
        "model.h5 → layer: quantized_bits: bits: Too big: expected number to be <=63. Correct the quantiser in the model.",
        "model.h5 → layer: quantized_bits: bits: Too small: expected number to be >=1. Correct the quantiser in the model.",
        "model.h5 → layer: quantized_relu: negative_slope: must be 0 or a power of two. Correct the quantiser in the model.",
        "model.h5 → layer: quantized_bits of 1 bit has no levels for alpha=auto. Use binary, or 2 bits or more.",
        "model.h5 → layer: quantized_bits takes 15 arguments, found 18. Correct the quantiser.",
        "model.h5 → layer: bernoulli draws random numbers at inference too, so that no circuit can equal it. Use binary(use_01=1), the same without the draw.",
        "model.h5 → layer: qnoise_factor is 0.5: the values are only partly quantised. Train to qnoise_factor 1 and save the model again.",
        "model.h5 → layer: is no quantiser: 17. A quantiser is an object with class_name and config, text such as quantized_bits(6,0,alpha=1), or null.",
        "model.h5 → layer: is no quantiser: "os.system(". Write it as quantized_relu(6, 0) or quantized_bits(4, 0, alpha=1).",
        "model.h5 → layer: ternary with alpha=auto finds its threshold itself, found threshold=0.5. Leave the threshold out.",
        "model.h5 → layer: quantized_po2: bits: Too big: expected number to be <=8. Correct the quantiser in the model.",
      ]
    `);
    const weights = (spec: unknown): string => {
      try {
        quantiseWeights(quantiser(spec), tensor([2, 3], [1, 2, 3, 4, 5, 6]), ['model.h5', 'kernel']);
        return 'no error';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect([{ class_name: 'quantized_bits', config: { alpha: 'auto', post_training_scale: [[1, 2]] } }, { class_name: 'binary', config: { alpha: [1, 2] } }, { class_name: 'quantized_bits', config: { alpha: 'auto', scale_axis: 7 } }].map(weights)).toMatchInlineSnapshot(`
      [
        "model.h5 → kernel: post_training_scale of 2 values does not fit the shape [2,3]. Save the model again.",
        "model.h5 → kernel: an alpha of 2 values does not fit the shape [2,3]. Give one, or one a channel.",
        "model.h5 → kernel: scale_axis 7 with elements_per_scale undefined does not fit 2 axes. Correct the quantiser in the model.",
      ]
    `);
  });
});
