import { catalogue } from '../../src/layers/registry.js';
import type { GraphInput, ModelGraph, ModelNode } from '../../src/model/graph.js';
import type { Tensor } from '../../src/model/tensor.js';
import { tensor } from '../../src/model/tensor.js';
import { castInteger, fractionBits } from '../../src/fixed/fixedType.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { dyadicOf, toNumber } from '../../src/fixed/integer.js';

/** One node of a chain or graph, shortly: shapes are filled in. */
export interface NodeText {
  readonly name: string;
  readonly kind: string;
  readonly params?: unknown;
  readonly inputs: readonly string[];
}

/** A graph whose tensors are named like their nodes. The last node is the output, unless others are named. */
export function graphOf(
  inputs: Readonly<Record<string, readonly number[]>>,
  nodes: readonly NodeText[],
  constants: Readonly<Record<string, Tensor>> = {},
  outputs: readonly string[] = [(nodes.at(-1) as NodeText).name],
): ModelGraph {
  const shapes = new Map<string, readonly number[]>(Object.entries(inputs));
  for (const [name, constant] of Object.entries(constants)) shapes.set(name, constant.shape);
  const built = nodes.map(({ name, kind, params = {}, inputs: from }): ModelNode => {
    const shape = catalogue.shape(kind, params, from.map((x) => shapes.get(x) as readonly number[]));
    if (typeof shape === 'string') throw new Error(`${name}: ${shape}`);
    shapes.set(name, shape);
    return { name, kind, params, inputs: from, output: name, shape };
  });
  return {
    name: 'test', format: 'test', parameters: 0, nodes: built, constants: new Map(Object.entries(constants)),
    inputs: Object.entries(inputs).map(([name, shape]): GraphInput => ({ name, shape })),
    outputs: outputs.map((name) => ({ name, tensor: name, shape: shapes.get(name) as readonly number[] })),
  };
}

/** A float tensor of small pseudo-random values. */
export function randomTensor(shape: readonly number[], seed = 1, scale = 1): Tensor {
  let state = seed * 2654435761;
  const count = shape.reduce((n, d) => n * d, 1);
  return tensor(shape, Array.from({ length: count }, () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) | 0;
    return (scale * state) / 2 ** 31;
  }));
}

export function dense(name: string, input: string, nIn: number, nOut: number, seed = 1): NodeText {
  return { name, kind: 'dense', params: { weight: randomTensor([nIn, nOut], seed), bias: randomTensor([nOut], seed + 100) }, inputs: [input] };
}

export function activation(name: string, input: string, fn: string, more: object = {}): NodeText {
  return { name, kind: 'activation', params: { function: fn, ...more }, inputs: [input] };
}

export function quant(name: string, input: string, more: { scale?: number; zeroPoint?: number; bitWidth?: number; signed?: boolean; narrow?: boolean; rounding?: string } = {}): NodeText {
  const { scale = 0.25, zeroPoint = 0, bitWidth = 8, signed = true, narrow = false, rounding = 'ROUND' } = more;
  return { name, kind: 'quant', params: { scale: tensor([], [scale]), zeroPoint: tensor([], [zeroPoint]), bitWidth, signed, narrow, rounding }, inputs: [input] };
}

function castAll(data: Float64Array, type: FixedType): Float64Array {
  return data.map((value) => {
    const { n, exp } = dyadicOf(value);
    return toNumber(castInteger(n, exp, type), -fractionBits(type));
  });
}

/** Every tensor of one event, result types applied: exact accumulation in float64, one cast. */
export function evaluateTyped(graph: ModelGraph, event: Readonly<Record<string, Float64Array>>): Map<string, Float64Array> {
  const values = new Map<string, Tensor>(graph.constants);
  for (const { name, shape, type } of graph.inputs) {
    const data = event[name] as Float64Array;
    values.set(name, { shape, data: type === undefined ? data : castAll(data, type) });
  }
  for (const node of graph.nodes) {
    const out = catalogue.evaluate(node.kind, node.params, node.inputs.map((name) => values.get(name) as Tensor));
    values.set(node.output, node.precision?.result === undefined ? out : { ...out, data: castAll(out.data, node.precision.result) });
  }
  return new Map([...values].map(([name, { data }]) => [name, data]));
}
