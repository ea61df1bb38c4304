import type { Circuit } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { typeOfElement } from '../../src/circuit/circuit.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { fractionBits, parseFixedType, rangeOf } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { fromBigInt, toNumber } from '../../src/fixed/integer.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import type { LayerPrecision, ModelGraph } from '../../src/model/graph.js';
import type { Tensor } from '../../src/model/tensor.js';
import { sizeOf, tensor } from '../../src/model/tensor.js';
import type { Random } from '../helpers/random.js';

/** Parses a type that a test wrote. */
export function type(text: string): FixedType {
  const parsed = parseFixedType(text);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

/** An operand of a one-layer graph: a variable of a type, or a constant. */
export type Operand = { readonly shape: readonly number[]; readonly type: FixedType } | Tensor;

export interface OneLayer {
  readonly kind: string;
  readonly params: unknown;
  readonly operands: readonly Operand[];
  readonly precision?: LayerPrecision;
}

/** A graph of one layer, with a batch axis on every operand as given. */
export function graphOf({ kind, params, operands, precision }: OneLayer): ModelGraph {
  const shape = catalogue.shape(kind, params, operands.map((x) => x.shape));
  if (typeof shape === 'string') throw new Error(shape);
  const names = operands.map((x, i) => ('data' in x ? `c${i}` : `x${i}`));
  return {
    name: 'one',
    format: 'test',
    inputs: operands.flatMap((x, i) => ('data' in x ? [] : [{ name: names[i] as string, shape: x.shape, type: x.type }])),
    outputs: [{ name: 'y', tensor: 'layer_out', shape }],
    constants: new Map(operands.flatMap((x, i) => ('data' in x ? [[names[i] as string, x] as const] : []))),
    nodes: [{ name: 'layer', kind, params, inputs: names, output: 'layer_out', shape, ...(precision && { precision }) }],
    parameters: 0,
  };
}

/** Raw integers for every variable operand: corners of the type now and then, else uniform. */
export function randomRaw(random: Random, operands: readonly Operand[]): bigint[][] {
  return operands.flatMap((x) => ('data' in x ? [] : [Array.from({ length: sizeOf(x.shape) }, () => randomOf(random, x.type))]));
}

/** A raw integer of a type. */
export function randomOf(random: Random, of: FixedType): bigint {
  const { lo, hi } = rangeOf(of);
  return BigInt(random.exact(lo, hi));
}

/** Runs a circuit of one output on raw integers; raw result and its exponent per element. */
export function run(circuit: Circuit, raw: readonly (readonly bigint[])[]): { readonly n: bigint; readonly exp: number }[] {
  const [out] = evaluateCircuit(circuit, raw.map((port) => port.map((n): Int => fromBigInt(n))));
  const port = circuit.outputs[0];
  if (out === undefined || port === undefined) throw new Error('no output');
  return out.map((n, e) => ({ n: BigInt(n), exp: 0 - fractionBits(typeOfElement(port, e)) }));
}

/** As `run`, as float64. */
export function runFloat(circuit: Circuit, raw: readonly (readonly bigint[])[]): number[] {
  return run(circuit, raw).map(({ n, exp }) => toNumber(fromBigInt(n), exp));
}

/** The float meaning of the layer on the same raw integers. */
export function floatOf(layer: OneLayer, raw: readonly (readonly bigint[])[]): number[] {
  let at = 0;
  const inputs = layer.operands.map((x) => {
    if ('data' in x) return x;
    return tensor(x.shape, (raw[at++] as bigint[]).map((n) => toNumber(fromBigInt(n), -fractionBits(x.type))));
  });
  return [...catalogue.evaluate(layer.kind, layer.params, inputs).data];
}

export { lowerGraph };
