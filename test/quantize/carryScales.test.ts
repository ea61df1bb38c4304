import { describe, expect, it } from 'vitest';
import { quickCost } from '../../src/compile/quickCost.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { parseFixedType } from '../../src/fixed/fixedType.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';
import type { ModelGraph } from '../../src/model/graph.js';
import type { Tensor } from '../../src/model/tensor.js';
import { sizeOf, tensor } from '../../src/model/tensor.js';
import { carryScales } from '../../src/quantize/carryScales.js';
import { growTypes } from '../../src/quantize/grow.js';
import { wholeWeight } from '../../src/quantize/wholeGrids.js';
import { deviceOf } from '../../src/timing/device.js';
import { Random } from '../helpers/random.js';
import type { NodeText } from './graphs.js';
import { activation, graphOf, quant } from './graphs.js';

const BITS = 6;

function typed(graph: ModelGraph): ModelGraph {
  return { ...graph, inputs: graph.inputs.map((input) => ({ ...input, type: parseFixedType(`fixed<${BITS},3>`) as FixedType })) };
}

/** Random values of the inputs' type, its ends among them. */
function events(graph: ModelGraph, count: number, random: Random): Float64Array {
  const size = sizeOf(graph.inputs[0]!.shape);
  return Float64Array.from({ length: count * size }, (_, i) => (i < size ? -4 : i < 2 * size ? 3.875 : random.int(-32, 31) / 8));
}

/** The carried graph's circuit against the float64 meaning of the graph that was given. */
function expectExact(graph: ModelGraph, random: Random, count = 400): ModelGraph {
  const carried = carryScales(graph);
  const x = events(graph, count, random);
  const wanted = evaluateBatch(graph, catalogue, new Map([[graph.inputs[0]!.name, x]]), count);
  const got = compileEmulator(lowerGraph(growTypes(carried, {}, catalogue).graph)).run([x], count);
  graph.outputs.forEach((output, i) => expect([...got[i]!], output.name).toEqual([...wanted.get(output.name)!]));
  return carried;
}

const floatScale = (random: Random): number => Math.fround(random.int(100, 999) / random.int(1000, 4001));

/** Whole numbers times a float32 scale a channel. */
function gridWeight(shape: readonly number[], channelAxis: number, random: Random): Tensor {
  const scales = Array.from({ length: shape[channelAxis]! }, () => floatScale(random));
  const inner = sizeOf(shape.slice(channelAxis + 1));
  return tensor(shape, Array.from({ length: sizeOf(shape) }, (_, i) => random.int(-7, 7) * scales[Math.floor(i / inner) % scales.length]!), true);
}

const numbers = (count: number, most: number, random: Random): Tensor => tensor([count], Array.from({ length: count }, () => (random.int(-1000, 1000) / 777) * most));

function denseOn(name: string, input: string, nIn: number, nOut: number, random: Random): NodeText {
  return { name, kind: 'dense', params: { weight: gridWeight([nIn, nOut], 1, random), bias: numbers(nOut, 0.5, random) }, inputs: [input] };
}

function normalisation(name: string, input: string, channels: number, random: Random): NodeText {
  return { name, kind: 'batchNormalization', params: { scale: numbers(channels, 1.5, random), bias: numbers(channels, 0.7, random), axis: 1 }, inputs: [input] };
}

describe('weights as whole numbers', () => {
  it('products that a library rounded to float32, each channel by its own scale', () => {
    const random = new Random(0x32f);
    for (let trial = 0; trial < 60; trial++) {
      const [nIn, nOut] = [random.int(1, 20), random.int(1, 6)];
      const bits = random.int(2, 8);
      const steps = Array.from({ length: nIn * nOut }, () => random.int(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1));
      const scales = Array.from({ length: nOut }, () => floatScale(random));
      const weight = tensor([nIn, nOut], steps.map((n, i) => Math.fround(n * scales[i % nOut]!)), true);
      const whole = wholeWeight(weight, 1);
      // What a channel's steps have in common may be in its scale; one weight alone is one step.
      expect(whole?.weight.data.every((n, i) => Number.isInteger(n) && Math.fround(n * whole.scales[i % nOut]!) === weight.data[i])).toBe(true);
      expect(Math.max(...whole!.weight.data.map(Math.abs))).toBeLessThanOrEqual(Math.max(...steps.map(Math.abs)));
    }
  });

  it('plain floats have none, quantised or not', () => {
    const random = new Random(0x32e);
    const data = Array.from({ length: 64 }, () => Math.fround(random.int(1, 2 ** 30) / 2 ** 29));
    for (const quantised of [true, false]) expect(wholeWeight({ ...tensor([16, 4], data), quantised }, 1)).toBeUndefined();
  });
});

describe('carried scales', () => {
  it.each([1, 2, 3, 4, 5, 6])('give what the model gives, quantiser by quantiser (%i)', (seed) => {
    const random = new Random(seed);
    const rounding = random.pick(['ROUND', 'FLOOR', 'CEIL', 'HALF_UP', 'DOWN']);
    const graph = typed(graphOf({ x: [1, 4] }, [
      quant('in', 'x', { scale: floatScale(random), bitWidth: 5, zeroPoint: random.int(-3, 3) }),
      denseOn('d1', 'in', 4, 5, random),
      normalisation('bn', 'd1', 5, random),
      activation('relu', 'bn', seed % 2 === 0 ? 'relu' : 'leakyRelu'),
      quant('q1', 'relu', { scale: floatScale(random), bitWidth: random.int(2, 5), signed: seed % 2 === 1, rounding }),
      denseOn('d2', 'q1', 5, 3, random),
      { name: 'scaled', kind: 'elementwise', params: { operation: 'mul' }, inputs: ['d2', 'c'] },
      quant('q2', 'scaled', { scale: floatScale(random), bitWidth: 8 }),
      { name: 'sign', kind: 'bipolarQuant', params: { scale: tensor([], [floatScale(random)]) }, inputs: ['scaled'] },
    ], { c: tensor([1, 3], [1.37, -0.91, 0]) }, ['q1', 'q2', 'sign']));
    const kinds = expectExact(graph, random).nodes.map((node) => node.kind);
    expect(kinds.filter((kind) => kind === 'staircase')).toHaveLength(4);
    expect(kinds).not.toContain('quant');
    expect(kinds).not.toContain('batchNormalization');
  });

  it('go through convolutions, pooling and what moves elements', () => {
    const random = new Random(9);
    const window = { strides: [1, 1], dilations: [1, 1] };
    const graph = typed(graphOf({ x: [1, 2, 4, 4] }, [
      quant('in', 'x', { scale: 0.3, bitWidth: 4 }),
      { name: 'conv', kind: 'conv', params: { weight: gridWeight([3, 2, 3, 3], 0, random), bias: numbers(3, 0.4, random), ...window, pads: [1, 1, 1, 1], groups: 1 }, inputs: ['in'] },
      activation('relu', 'conv', 'relu'),
      quant('q1', 'relu', { scale: 0.41, bitWidth: 3, signed: false }),
      { name: 'pool', kind: 'pool', params: { mode: 'max', kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0], countIncludePad: false, ceilMode: false }, inputs: ['q1'] },
      { name: 'flat', kind: 'reshape', params: { shape: [1, 12] }, inputs: ['pool'] },
      denseOn('d', 'flat', 12, 2, random),
      quant('q2', 'd', { scale: 0.77, bitWidth: 6 }),
    ], {}, ['q2']));
    const carried = expectExact(graph, random, 100);
    expect(carried.nodes.map((node) => node.kind)).toEqual(['staircase', 'conv', 'staircase', 'pool', 'reshape', 'dense', 'staircase', 'elementwise']);
  });

  it('round ties to even, exactly on them', () => {
    const step = Math.fround(0.1);
    const graph = typed(graphOf({ x: [1, 2] }, [
      quant('in', 'x', { scale: step, bitWidth: 7 }),
      { name: 'd', kind: 'dense', params: { weight: tensor([2, 2], [1, 3, -2, 1], true), bias: null }, inputs: ['in'] },
      quant('q', 'd', { scale: 2 * step, bitWidth: 8 }),
    ]));
    expectExact(graph, new Random(2), 2000);
  });

  it('come back where a tensor is read as a number', () => {
    const random = new Random(4);
    const graph = typed(graphOf({ x: [1, 3] }, [
      quant('in', 'x', { scale: 0.3, bitWidth: 4 }),
      denseOn('d', 'in', 3, 3, random),
      quant('q1', 'd', { scale: 0.41, bitWidth: 4 }),
      { name: 'sum', kind: 'elementwise', params: { operation: 'add' }, inputs: ['in', 'q1'] },
      quant('q2', 'sum', { scale: 0.5, bitWidth: 4 }),
    ]));
    expectExact(graph, random);
  });

  it('leave models of powers of two, and plain floats as they are', () => {
    const dense: NodeText = { name: 'd', kind: 'dense', params: { weight: tensor([2, 2], [0.5, -0.25, 0.75, 1], true), bias: tensor([2], [0.5, 0.25]) }, inputs: ['in'] };
    const powers = typed(graphOf({ x: [1, 2] }, [quant('in', 'x'), dense, activation('r', 'd', 'relu'), quant('q', 'r', { scale: 0.125, signed: false })]));
    expect(carryScales(powers)).toBe(powers);
    const floats = typed(graphOf({ x: [1, 2] }, [{ ...dense, params: { weight: tensor([2, 2], [0.1, 0.2371, -0.77, 0.3]), bias: null }, inputs: ['x'] }, activation('r', 'd', 'relu')]));
    expect(carryScales(floats)).toBe(floats);
  });

  it('of one bit and of odd bounds too: thresholds on the sums, not rounded', () => {
    const random = new Random(13);
    const signs = (shape: readonly number[]): Tensor => tensor(shape, Array.from({ length: sizeOf(shape) }, () => random.pick([-1, 1])), true);
    const graph = typed(graphOf({ x: [1, 6] }, [
      { name: 'in', kind: 'bipolarQuant', params: { scale: tensor([], [0.5]) }, inputs: ['x'] },
      { name: 'd1', kind: 'dense', params: { weight: signs([6, 5]), bias: null }, inputs: ['in'] },
      normalisation('bn1', 'd1', 5, random),
      quant('q', 'bn1', { scale: 0.25, bitWidth: 4, zeroPoint: 3 }),
      { name: 'd2', kind: 'dense', params: { weight: signs([5, 4]), bias: null }, inputs: ['q'] },
      normalisation('bn2', 'd2', 4, random),
      { name: 'out', kind: 'bipolarQuant', params: { scale: tensor([], [1]) }, inputs: ['bn2'] },
    ]));
    const kinds = expectExact(graph, random).nodes.map((node) => node.kind);
    expect(kinds).not.toContain('batchNormalization');
    expect(kinds.filter((kind) => kind === 'staircase')).toHaveLength(2);
  });

  it('of quantisers with more steps than a staircase bears come back exactly', () => {
    const wide = typed(graphOf({ x: [1, 2] }, [quant('in', 'x', { scale: Math.fround(0.0001), bitWidth: 16, zeroPoint: 3 })]));
    expect(expectExact(wide, new Random(3)).nodes.map((node) => node.kind)).toEqual(['quant', 'elementwise']);
  });

  it('behind sums, quantisers of 16 bits are those of the sums to a step, nearly everywhere to none', () => {
    const random = new Random(11);
    const window = { strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0] };
    const fine = (name: string, input: string, scale: number, signed = true): NodeText => quant(name, input, { scale: Math.fround(scale), bitWidth: 16, signed });
    const graph = typed(graphOf({ x: [1, 2, 4, 4] }, [
      fine('in', 'x', 0.00013),
      { name: 'conv', kind: 'conv', params: { weight: gridWeight([3, 2, 1, 1], 0, random), bias: numbers(3, 0.4, random), strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1 }, inputs: ['in'] },
      normalisation('bn', 'conv', 3, random),
      activation('relu', 'bn', 'relu'),
      fine('q1', 'relu', 0.00021, false),
      { name: 'mean', kind: 'pool', params: { mode: 'average', kernel: [2, 2], ...window, countIncludePad: false, ceilMode: false }, inputs: ['q1'] },
      fine('q2', 'mean', 0.00021, false),
      { name: 'up', kind: 'convTranspose', params: { weight: gridWeight([3, 1, 2, 2], 1, random), bias: numbers(1, 0.4, random), ...window, outputPads: [0, 0], groups: 1 }, inputs: ['q2'] },
      fine('q3', 'up', 0.0004),
    ]));
    const carried = carryScales(graph);
    expect(carried.nodes.filter((node) => node.kind === 'quant').every((node) => node.output.endsWith('/whole'))).toBe(true);
    const count = 100;
    const x = events(graph, count, random);
    const wanted = evaluateBatch(graph, catalogue, new Map([['x', x]]), count).get('q3')!;
    const got = compileEmulator(lowerGraph(growTypes(carried, {}, catalogue).graph)).run([x], count)[0]!;
    const steps = wanted.map((value, i) => Math.abs(Math.round((got[i]! - value) / Math.fround(0.0004))));
    expect(Math.max(...steps)).toBeLessThanOrEqual(1);
    expect(steps.filter((step) => step > 0).length / steps.length).toBeLessThan(0.05);
    const device = deviceOf('xcvu13p');
    expect(quickCost(growTypes(carried, {}, catalogue).graph, device)).toBeLessThan(0.7 * quickCost(growTypes(graph, {}, catalogue).graph, device));
  });

  it('stay behind a relu that stands between two quantisers', () => {
    const random = new Random(9);
    const graph = typed(graphOf({ x: [1, 6] }, [
      quant('in', 'x', { scale: Math.fround(0.3), bitWidth: 4 }),
      denseOn('d1', 'in', 6, 8, random),
      quant('q1', 'd1', { scale: Math.fround(0.41), bitWidth: 6 }),
      activation('relu', 'q1', 'relu'),
      quant('q2', 'relu', { scale: Math.fround(0.23), bitWidth: 6, zeroPoint: -7 }),
      denseOn('d2', 'q2', 8, 3, random),
      quant('q3', 'd2', { scale: Math.fround(0.77), bitWidth: 5 }),
    ]));
    const carried = expectExact(graph, random);
    expect(carried.nodes.map(({ kind }) => kind)).toEqual(['staircase', 'dense', 'staircase', 'activation', 'staircase', 'dense', 'staircase', 'elementwise']);
  });

  it('cost several times less than the products of float scales', () => {
    const random = new Random(7);
    const graph = typed(graphOf({ x: [1, 8] }, [
      quant('in', 'x', { scale: 0.3, bitWidth: 4 }),
      denseOn('d1', 'in', 8, 8, random),
      activation('relu', 'd1', 'relu'),
      quant('q1', 'relu', { scale: Math.fround(0.41), bitWidth: 3, signed: false }),
      denseOn('d2', 'q1', 8, 4, random),
      quant('q2', 'd2', { scale: Math.fround(0.77), bitWidth: 4 }),
    ]));
    const cost = (model: ModelGraph): number => quickCost(growTypes(model, {}, catalogue).graph, deviceOf('xcvu13p'));
    expect(3 * cost(carryScales(graph))).toBeLessThan(cost(graph));
  });
});
