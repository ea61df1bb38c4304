import type { FixedType } from '../fixed/fixedType.js';
import { castValue, fixedType, formatFixedType, fractionBits, rangeOf } from '../fixed/fixedType.js';
import { fromNumber, toNumber, widthOf } from '../fixed/integer.js';
import { CompileError } from '../errors.js';
import type { ResultResolution } from '../layers/definition.js';
import type { TensorRange } from '../layers/ranges.js';
import { definitionOf } from '../layers/registry.js';
import { gridFor, isOnSmallGrid, roundToGrid } from '../layers/rounding.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import type { ModelGraph, ModelNode } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';
import { magnitudeOf, outputRange, rangeOfConstant } from './ranges.js';
import { splitFunctions } from './splitFunctions.js';

/** How fine the types are that nobody gave. */
export interface Resolution {
  /** Significant bits of a weight, relative to the greatest magnitude of its output channel. */
  readonly weightBits: number;
  /** Significant bits of a layer's result, relative to its proven range; twice as many for exact products and sums of variables. */
  readonly resultBits: number;
  /** Significant bits of what sigmoid, tanh, softsign and softmax give; their arguments get steps of 2^(2 − tableBits). */
  readonly tableBits: number;
}

export const DEFAULT_RESOLUTION: Resolution = { weightBits: 8, resultBits: 16, tableBits: 10 };

/** Bits of functions whose range is not [−1, 1] beyond `tableBits`: they usually stay far inside it. */
export const FUNCTION_BITS = 2;

/** Bits of a function that has no exact value, at most: its table must stay bearable. */
const MOST_FUNCTION_BITS = 15;

/** For the report: where one layer's types come from. */
export interface TypeStatement {
  readonly layer: string;
  readonly source: 'model' | 'config' | 'auto';
  readonly text: string;
}

export interface GrownGraph {
  readonly graph: ModelGraph;
  readonly statements: readonly TypeStatement[];
}

/** What the elements of a tensor were on the user's data. */
export interface Observed {
  readonly low: number;
  readonly high: number;
}

export interface GrowOptions {
  readonly resolution?: Resolution;
  /** Of single layers, instead of `resolution`. */
  readonly resolutionOf?: (node: ModelNode) => Resolution;
  /**
   * By tensor: results that we type saturate at the power of two above what was observed, and their resolution counts
   * from there. Without it nothing saturates.
   */
  readonly observed?: ReadonlyMap<string, Observed>;
  /** `--score-type`: the type of a forest's leaves and score. */
  readonly scoreType?: FixedType;
}

/**
 * Types whatever neither the model nor a config types, so that nothing can overflow: plain float parameters are rounded
 * to a stated number of significant bits and marked quantised; accumulators stay exact; the output of a layer with
 * rounded parameters, or of a function that has no exact value (sigmoid, a mean of three), gets a result type of a
 * stated resolution of its proven range, so that widths do not grow from layer to layer. What the model's own
 * quantisers determine stays exact. Every input must have its type (`applyInputTypes`).
 */
export function growTypes(graph: ModelGraph, options: GrowOptions, catalogue: Pick<LayerCatalogue, 'structural'>): GrownGraph {
  return new Grower(splitFunctions(graph), options, catalogue).run();
}

/** Whether a node is a quantiser of the model's own. */
function isQuantiser(node: ModelNode): boolean {
  return definitionOf(node.kind).quantiser !== undefined;
}

class Grower {
  private readonly ranges = new Map<string, TensorRange>();
  private readonly constants: Map<string, Tensor>;
  /** Tensors whose precision is ours to choose: something before them was rounded by us, behind no quantiser of the model. */
  private readonly ours = new Set<string>();
  private readonly readers = new Map<string, ModelNode[]>();
  private readonly outputs: ReadonlySet<string>;
  private readonly hasQuantisers: boolean;
  private readonly statements: TypeStatement[] = [];

  constructor(
    private readonly graph: ModelGraph,
    private readonly options: GrowOptions,
    private readonly catalogue: Pick<LayerCatalogue, 'structural'>,
  ) {
    this.constants = new Map(graph.constants);
    this.outputs = new Set(graph.outputs.map((output) => output.tensor));
    // An I/O schema is around the model, not of it.
    this.hasQuantisers = graph.nodes.some((node) => isQuantiser(node) && node.kind !== 'scaling');
    for (const node of graph.nodes) {
      for (const name of new Set(node.inputs)) this.readers.set(name, [...(this.readers.get(name) ?? []), node]);
    }
  }

  run(): GrownGraph {
    for (const input of this.graph.inputs) {
      if (input.type === undefined) throw new CompileError('internal', { code: 'untyped-input', where: [input.name], what: 'growTypes needs every input typed' });
      this.ranges.set(input.name, input.elementTypes === undefined ? rangeOfType(input.shape, input.type) : rangeOfElements(input.shape, input.elementTypes));
    }
    const nodes = this.graph.nodes.flatMap((node) => this.withNarrowArgument(node).map((one) => this.node(one)));
    return { graph: { ...this.graph, constants: this.constants, nodes }, statements: this.statements };
  }

  private resolutionOf(node: ModelNode): Resolution {
    return this.options.resolutionOf?.(node) ?? this.options.resolution ?? DEFAULT_RESOLUTION;
  }

  private rangeOf(name: string): TensorRange {
    const constant = this.constants.get(name);
    const range = constant === undefined ? this.ranges.get(name) : rangeOfConstant(constant);
    if (range === undefined) throw new CompileError('internal', { code: 'unknown-tensor', where: [name], what: 'a node reads a tensor that nothing makes' });
    return range;
  }

  private node(node: ModelNode): ModelNode {
    if (node.precision !== undefined) return this.typedNode(node);
    if (isQuantiser(node)) {
      this.ranges.set(node.output, this.exactRange(node));
      return node;
    }
    const fitted = this.withRoundedConstants(node);
    const rounded = this.rounded(fitted);
    const counts = rounded.plain && (rounded.statements.length > 0 || !this.hasQuantisers);
    const constants = fitted === node ? [] : ['constants rounded'];
    return this.finish(rounded.node, counts || rounded.node !== node, [...constants, ...rounded.statements]);
  }

  /**
   * A gentle function of an argument on a finer grid than its result has: the argument is rounded to the result's steps
   * first, by which the result moves by about one of them at most. Where the model says how the result is rounded, it is
   * that of the exact argument.
   */
  private withNarrowArgument(node: ModelNode): readonly ModelNode[] {
    const [argument] = node.inputs;
    if (argument === undefined || node.precision !== undefined || definitionOf(node.kind).gentle?.(node.params) !== true || this.typeOfReader(node.output) !== undefined) return [node];
    const range = this.rangeOf(argument);
    const grid = this.resultGrid(node, this.clipped(node, this.exactRange(node)));
    if (range.exp === undefined || range.exp >= grid) return [node];
    const name = `${node.name}/argument`;
    const rounding: ModelNode = {
      name, kind: 'activation', params: { function: 'linear' }, inputs: [argument], output: name, shape: range.shape,
      precision: { result: typeOfRange(range, grid), source: 'auto' },
    };
    this.readers.set(name, [node]);
    return [rounding, { ...node, inputs: [name, ...node.inputs.slice(1)] }];
  }

  /** A node whose plain float parameters are rounded. */
  private rounded(node: ModelNode): { readonly node: ModelNode; readonly statements: readonly string[]; readonly plain: boolean } {
    const [input] = node.inputs;
    const rounded = definitionOf(node.kind).roundParameters?.(node.params, {
      weightBits: this.resolutionOf(node).weightBits,
      scoreType: this.options.scoreType,
      inputExp: input === undefined ? undefined : this.rangeOf(input).exp,
      ...(this.feedsTables(node) ? { mostError: 2 ** (1 - this.resolutionOf(node).tableBits) } : {}),
    });
    if (rounded === undefined) return { node, statements: [], plain: false };
    return { node: rounded.params === node.params ? node : { ...node, params: rounded.params }, statements: rounded.statements, plain: rounded.plain };
  }

  /** A layer typed by the config, or by a typed model. */
  private typedNode(node: ModelNode): ModelNode {
    const result = node.precision?.result;
    this.ranges.set(node.output, result === undefined ? this.exactRange(node) : rangeOfType(node.shape, result));
    this.state(node, node.precision?.source ?? 'config', result === undefined ? 'types from the config, exact result' : `result ${formatFixedType(result)}`);
    return node;
  }

  private state(node: ModelNode, source: TypeStatement['source'], text: string): void {
    if (!this.catalogue.structural(node.kind)) this.statements.push({ layer: node.name, source, text });
  }

  private exactRange(node: ModelNode): TensorRange {
    const range = outputRange(node, node.inputs.map((name) => this.rangeOf(name)));
    if (Number.isFinite(magnitudeOf(range))) return range;
    throw new CompileError('config', { code: 'unbounded-range', where: [this.graph.name, node.name], what: 'the values of this layer have no finite bound.', mend: 'Give it a type in a --precision file.' });
  }

  /** Bias, result type and statement of a node whose weights are settled. */
  private finish(node: ModelNode, isRounded: boolean, statements: string[]): ModelNode {
    const exact = this.exactRange(node);
    const grid = this.resultGrid(node, this.clipped(node, exact));
    const bias = definitionOf(node.kind).roundBias?.(node.params, grid - 1);
    statements.push(...(bias?.statements ?? []));
    const settled = bias === undefined || bias.params === node.params ? node : { ...node, params: bias.params };
    const range = settled === node ? exact : this.exactRange(settled);
    const isOurs = isRounded || settled !== node || settled.inputs.some((name) => this.ours.has(name));
    const type = this.resultType(settled, range, grid, isOurs);
    if (isOurs || type !== undefined) this.ours.add(settled.output);
    this.ranges.set(settled.output, type === undefined ? range : castRange(range, type));
    if (type !== undefined) statements.push(`result ${formatFixedType(type)}`);
    this.state(settled, isOurs || type !== undefined ? 'auto' : 'model', statements.length > 0 ? statements.join('; ') : 'exact');
    return type === undefined ? settled : { ...settled, precision: { result: type, source: 'auto' } };
  }

  /** The part of a proven range that was seen on the data; all of it where there are none. */
  private clipped(node: ModelNode, range: TensorRange): TensorRange {
    const seen = this.options.observed?.get(node.output);
    if (seen === undefined) return range;
    const clip = (value: number): number => Math.min(Math.max(value, seen.low), seen.high);
    return { ...range, low: range.low.map(clip), high: range.high.map(clip) };
  }

  /** The grid on which the range has the stated number of bits; no finer than a bounded function behind it can tell. */
  private resultGrid(node: ModelNode, range: TensorRange): number {
    const { resultBits, tableBits } = this.resolutionOf(node);
    // Products and sums of variables have ranges far above what they usually are: twice the bits, before they are rounded.
    const resolution = resolutionOf(node);
    const wide = resolution === 'single' || range.exp === undefined ? resultBits : 2 * resultBits;
    const proven = resolution === 'table' ? tableBits : resolution === 'function' ? tableBits + FUNCTION_BITS : wide;
    const isTable = resolution === 'table' || resolution === 'function';
    const bits = this.options.observed === undefined ? proven : isTable ? Math.min(resultBits, MOST_FUNCTION_BITS) : resultBits;
    const own = gridFor(magnitudeOf(range), bits) ?? 0;
    if (!this.feedsTables(node)) return own;
    // A sum of trees ranges far past where such a function is flat.
    return node.kind === 'forest' ? 2 - tableBits : Math.max(own, 2 - tableBits);
  }

  /** Whether bounded functions alone read the output. */
  private feedsTables(node: ModelNode): boolean {
    const readers = this.readers.get(node.output) ?? [];
    return readers.length > 0 && readers.every((reader) => resolutionOf(reader) === 'table') && !this.outputs.has(node.output);
  }

  /** The result type, or undefined where the exact value is kept. */
  private resultType(node: ModelNode, range: TensorRange, grid: number, isOurs: boolean): FixedType | undefined {
    if (node.kind === 'forest' && this.options.scoreType !== undefined) return this.options.scoreType;
    const isInexact = range.exp === undefined;
    if (!isInexact && (!isOurs || range.exp >= grid || this.isOnlyQuantised(node.output) || this.isOnlyCut(node.output))) return undefined;
    return (isInexact ? this.typeOfReader(node.output) : undefined) ?? typeOfRange(this.clipped(node, range), grid);
  }

  /** Only read by layers that are as good on the exact value, and round what they leave of it: with data that is less. */
  private isOnlyCut(tensor: string): boolean {
    const readers = this.readers.get(tensor) ?? [];
    return this.options.observed !== undefined && !this.outputs.has(tensor) && readers.length > 0 && readers.every((reader) => definitionOf(reader.kind).cuts?.(reader.params) === true);
  }

  private isOnlyQuantised(tensor: string): boolean {
    const readers = this.readers.get(tensor) ?? [];
    return !this.outputs.has(tensor) && readers.length > 0 && readers.every(isQuantiser);
  }

  /** The type of the model's quantisers that read this tensor, if they agree: it is then rounded once, by that. */
  private typeOfReader(tensor: string): FixedType | undefined {
    if (!this.isOnlyQuantised(tensor)) return undefined;
    const types = (this.readers.get(tensor) ?? []).map((reader) => definitionOf(reader.kind).quantiser?.(reader.params));
    return types.every((type) => type !== undefined && formatFixedType(type) === formatFixedType(types[0] as FixedType)) ? types[0] : undefined;
  }

  /** Constant operands on few significant bits, where the layer says that it does not change what they stand for. */
  private withRoundedConstants(node: ModelNode): ModelNode {
    const { constantRole } = definitionOf(node.kind);
    if (constantRole === undefined) return node;
    const inputs = node.inputs.map((name, position) => {
      const constant = this.constants.get(name);
      if (constant === undefined || constant.quantised === true || isOnSmallGrid(constant.data)) return name;
      const role = constantRole(node.params, position);
      if (role === undefined) return name;
      const own = `${node.name}.constant${position}`;
      this.constants.set(own, { shape: constant.shape, data: this.roundedConstant(constant, role, this.resolutionOf(node)), quantised: true });
      return own;
    });
    return inputs.every((name, i) => name === node.inputs[i]) ? node : { ...node, inputs };
  }

  /** Factors keep their own significant bits; terms share one grid. */
  private roundedConstant(constant: Tensor, role: 'factor' | 'term', { weightBits, resultBits }: Resolution): Float64Array {
    const most = constant.data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    const shared = gridFor(most, resultBits) ?? 0;
    const own = (value: number): number => gridFor(value, weightBits) ?? 0;
    return constant.data.map((value) => roundToGrid(value, role === 'factor' ? own(value) : shared));
  }
}

function resolutionOf(node: ModelNode): ResultResolution {
  return definitionOf(node.kind).resolution?.(node.params) ?? 'double';
}

function rangeOfType(shape: readonly number[], type: FixedType): TensorRange {
  const { lo, hi, exp } = rangeOf(type);
  const count = shape.reduce((n, d) => n * d, 1);
  return { shape, low: new Float64Array(count).fill(toNumber(lo, exp)), high: new Float64Array(count).fill(toNumber(hi, exp)), exp };
}

function rangeOfElements(shape: readonly number[], types: readonly FixedType[]): TensorRange {
  const ranges = types.map(rangeOf);
  return { shape, low: Float64Array.from(ranges, ({ lo, exp }) => toNumber(lo, exp)), high: Float64Array.from(ranges, ({ hi, exp }) => toNumber(hi, exp)), exp: Math.min(...ranges.map(({ exp }) => exp)) };
}

/** The smallest type on the grid 2^exp that holds the range once it is rounded to nearest; it never has to saturate. */
export function typeOfRange(range: TensorRange, exp: number): FixedType {
  const low = range.low.reduce((m, v) => Math.min(m, Math.round(v * 2 ** -exp)), Infinity);
  const high = range.high.reduce((m, v) => Math.max(m, Math.round(v * 2 ** -exp)), -Infinity);
  const width = widthOf(fromNumber(low), fromNumber(high));
  return fixedType(low < 0, width, width + exp, 'RND', 'SAT');
}

/** The range after a cast; the whole type where that may wrap. */
function castRange(range: TensorRange, type: FixedType): TensorRange {
  if (type.overflow === 'WRAP' || type.overflow === 'SAT_ZERO') return rangeOfType(range.shape, type);
  const cast = (value: number): number => castValue(value, type);
  return { shape: range.shape, low: range.low.map(cast), high: range.high.map(cast), exp: -fractionBits(type) };
}
