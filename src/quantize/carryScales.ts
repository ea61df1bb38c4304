import type { FixedType } from '../fixed/fixedType.js';
import { fractionBits, rangeOf } from '../fixed/fixedType.js';
import { toNumber } from '../fixed/integer.js';
import type { ActivationParams } from '../layers/activation.js';
import type { BipolarQuantParams } from '../layers/bipolarQuant.js';
import type { ElementwiseParams } from '../layers/elementwise.js';
import type { QuantParams } from '../layers/quant.js';
import { isBipolar, quantBounds } from '../layers/quant.js';
import type { TensorRange } from '../layers/ranges.js';
import { powerOfTwo } from '../layers/ranges.js';
import { definitionOf } from '../layers/registry.js';
import { isOnSmallGrid, roundGroups, roundToGrid } from '../layers/rounding.js';
import type { StaircaseParams } from '../layers/staircase.js';
import type { GraphInput, ModelGraph, ModelNode } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import type { Form, Line } from './carriedForm.js';
import { channelShape, channelwise, lineBehind, plainForm } from './carriedForm.js';
import { outputRange, rangeOfConstant } from './ranges.js';
import { bisectSteps, wholeWeight } from './wholeGrids.js';

/** The most steps of a staircase: quantisers of eight bits. */
const MOST_STEPS = 255;
/** Whole numbers that scales are multiplied with exactly enough in float64. */
const MOST_WHOLE = 2 ** 31;
/** Significant bits of the scales of sums that are read as numbers: two more than their results get. */
const SCALE_BITS = 18;

/** Of the scales of a quantiser with more steps: beyond its own bits, and of a step for what is added. */
const SPARE_BITS = 8;

/** The parameters of a layer that multiplies by a weight. */
interface WeightedParams {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
}

/**
 * Between two of the model's quantisers everything is a function of whole numbers: the first one's steps times the weights'
 * steps, summed. Where scales are no powers of two this makes it so in the graph: sums of whole numbers, and instead of
 * affine layers, relu and the next quantiser a staircase of those sums, whose steps are bisected on the layers' float64
 * meaning over all values that a sum can have. Scales are carried on to the next sum, and come back where a tensor is read
 * as a number. A quantiser of more steps than a staircase bears stays one, of sums multiplied by its scale.
 * Gives the graph itself where there is nothing to do.
 */
export function carryScales(graph: ModelGraph): ModelGraph {
  return new Carrier(graph).run();
}

class Carrier {
  private readonly forms = new Map<string, Form>();
  private readonly nodes: ModelNode[] = [];
  private readonly constants: Map<string, Tensor>;
  private isChanged = false;

  constructor(private readonly graph: ModelGraph) {
    this.constants = new Map(graph.constants);
  }

  run(): ModelGraph {
    for (const input of this.graph.inputs) this.input(input);
    for (const node of this.graph.nodes) this.node(node);
    if (!this.isChanged) return this.graph;
    const needed = new Set(this.graph.outputs.map((output) => output.tensor));
    const nodes = this.nodes.toReversed().filter((node) => {
      if (needed.has(node.output)) node.inputs.forEach((name) => needed.add(name));
      return needed.has(node.output);
    });
    return { ...this.graph, constants: this.constants, nodes: nodes.reverse() };
  }

  private input({ name, shape, type, elementTypes }: GraphInput): void {
    if (type !== undefined && elementTypes === undefined) this.typedTensor(name, shape, type);
  }

  /** Emits a node, or what it becomes; what nobody reads in the end is left out. */
  private node(node: ModelNode): void {
    const form = this.forms.get(node.inputs.find((name) => this.forms.has(name)) ?? '');
    this.typed(node);
    if (form === undefined || node.precision !== undefined) {
      this.nodes.push(node);
      return;
    }
    if (definitionOf(node.kind).quantiser !== undefined) this.quantiser(node, form);
    else if (definitionOf(node.kind).weighted !== undefined) this.sums(node, form);
    else {
      this.nodes.push(node);
      if (isMoving(node)) this.moved(node, form);
      else this.affine(node, form);
      // What cuts at 0 does so among the whole numbers too: nothing of it is left for the quantiser behind it.
      if (form.isOdd && isRelu(node)) this.moved(node, form);
    }
  }

  /** What a quantiser in steps of a power of two gives, whatever it reads. */
  private typed(node: ModelNode): void {
    const { quantiser } = definitionOf(node.kind);
    if (node.precision !== undefined || quantiser === undefined) return;
    const type = quantiser(node.params);
    if (type !== undefined) this.typedTensor(node.output, node.shape, type);
    else if (node.shape.length >= 2) {
      const step = stepOf(node);
      const [low, high] = stepsWithin(node);
      if (step !== undefined && powerOfTwo(step) !== undefined && Math.max(-low, high) < MOST_WHOLE) this.forms.set(node.output, plainForm(node.output, step, step, low, high));
    }
  }

  private typedTensor(name: string, shape: readonly number[], type: FixedType): void {
    const { lo, hi, exp } = rangeOf(type);
    const [low, high] = [toNumber(lo, 0), toNumber(hi, 0)];
    if (shape.length >= 2 && Math.max(-low, high) < MOST_WHOLE) this.forms.set(name, plainForm(name, 2 ** exp, 2 ** exp, low, high));
  }

  private quantiser(node: ModelNode, form: Form): void {
    const step = stepOf(node);
    const isOdd = form.isOdd || (step !== undefined && powerOfTwo(step) === undefined);
    const steps = step === undefined || !isOdd ? undefined : this.stepsOf(node, form, step);
    if (step === undefined || steps === undefined) {
      if (step === undefined || powerOfTwo(step) !== undefined || !this.requantised(node, form, step)) this.nodes.push(node);
      return;
    }
    const whole = `${node.output}/whole`;
    const values = steps.values.data;
    const params: StaircaseParams = { ...steps, axis: Math.max(1, form.axis) };
    this.nodes.push({ name: node.name, kind: 'staircase', params, inputs: [form.source], output: whole, shape: node.shape });
    this.scaled(node, whole, step);
    this.forms.set(node.output, plainForm(whole, 1, step, values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))));
    this.isChanged = true;
  }

  /** A quantiser to whole numbers behind the sums, which are multiplied by their scale in its steps. */
  private requantised(node: ModelNode, form: Form, step: number): boolean {
    const { source, unit, scales, line, axis } = form;
    if (node.kind !== 'quant' || line === undefined) return false;
    const params = node.params as QuantParams;
    const zero = params.zeroPoint.data[0] ?? 0;
    const [low, high] = quantBounds(params).map((bound) => bound - zero) as [number, number];
    if (params.zeroPoint.data.some((z) => z !== zero) || Math.max(-low, high) >= MOST_WHOLE) return false;
    const whole = `${node.output}/whole`;
    const add = (kind: string, params: unknown, from: string, output: string): string => {
      this.nodes.push({ name: output, kind, params, inputs: [from], output, shape: node.shape });
      return output;
    };
    this.forms.set(node.output, plainForm(whole, 1, step, low, high));
    this.isChanged = true;
    if (!form.isOdd && form.chain.length === 0) {
      // Of numbers on a grid: exactly.
      this.nodes.push({ ...node, params: { ...params, whole: true }, output: whole });
      this.scaled(node, whole, step);
      return true;
    }
    const bits = Math.ceil(Math.log2(high - low + 1)) + SPARE_BITS;
    const channelAxis = Math.max(1, axis);
    const channels = Array.from({ length: node.shape[channelAxis] as number }, (_, c) => c % scales.length);
    const factors = channels.map((c) => ((scales[c] as number) * (line.slope[c] as number)) / (unit * step));
    const { tensor: scale } = roundGroups(tensor([factors.length], factors), bits, factors.length, (c) => c);
    const bias = tensor([factors.length], channels.map((c) => roundToGrid((line.offset[c] as number) / step, -SPARE_BITS)), true);
    const steps = add('batchNormalization', { scale, bias, axis: channelAxis }, source, `${node.name}/in_steps`);
    const cut = line.isCut ? add('activation', { function: 'relu' }, steps, `${node.name}/cut`) : steps;
    add('quant', { ...params, scale: tensor([], [1]), zeroPoint: tensor([], [zero]) }, cut, whole);
    this.scaled(node, whole, step);
    return true;
  }

  /** The tensor of a quantiser as the numbers that it stands for. */
  private scaled(node: ModelNode, whole: string, step: number): void {
    const constant = `${node.name}/step`;
    this.constants.set(constant, tensor([], [step], true));
    const params: ElementwiseParams = { operation: 'mul' };
    this.nodes.push({ name: `${node.name}/scale`, kind: 'elementwise', params, inputs: [whole, constant], output: node.output, shape: node.shape });
  }

  private stepsOf(node: ModelNode, form: Form, step: number): Pick<StaircaseParams, 'thresholds' | 'values'> | undefined {
    const quantised = channelwise(node, [], node.shape, form.axis, form.scales.length);
    if (quantised === undefined) return undefined;
    const shape = channelShape(node.shape, form.axis, form.scales.length);
    const at = (whole: Float64Array): Float64Array => {
      const x: Tensor = { shape, data: whole.map((n, c) => n * (form.scales[c] as number)) };
      return [...form.chain, quantised].reduce((value, f) => f(value), x).data.map((value) => Math.round(value / step));
    };
    const found = bisectSteps(form.low, form.high, at, MOST_STEPS);
    return found === undefined ? undefined : { thresholds: { ...found.starts, data: found.starts.data.map((n) => n * form.unit) }, values: found.values };
  }

  private sums(node: ModelNode, form: Form): void {
    const axes = definitionOf(node.kind).weighted?.(node.params, node.shape.length);
    const params = node.params as WeightedParams;
    const whole = axes === undefined || form.chain.length > 0 || form.scales.length > 1 ? undefined : wholeWeight(params.weight, axes.weightAxis);
    if (axes === undefined || whole === undefined) {
      this.nodes.push(node);
      return;
    }
    const sum: ModelNode = { ...node, params: { ...params, weight: whole.weight, bias: null }, inputs: [form.source], output: `${node.output}/whole` };
    const axis = axes.outputAxis;
    const scales = whole.scales.map((scale) => scale * (form.scales[0] as number));
    const bounds = this.boundsOfSums(sum, form, axis, scales.length);
    const isOdd = scales.some((scale) => powerOfTwo(scale) === undefined);
    const isUsable = Math.max(...bounds.high, ...bounds.low.map((n) => -n)) < MOST_WHOLE;
    if (!isUsable) {
      this.nodes.push(node);
      return;
    }
    const bias = params.bias ?? tensor([scales.length], new Float64Array(scales.length), true);
    this.nodes.push(sum);
    if (isOdd) this.unscaled(node, sum.output, form.unit, scales, bias, axis);
    else this.nodes.push(node);
    const add = (x: Tensor): Tensor => ({ shape: x.shape, data: x.data.map((v, c) => v + (bias.data[c] as number)) });
    const line: Line = { slope: new Float64Array(scales.length).fill(1), offset: bias.data, isCut: false };
    this.forms.set(node.output, { source: sum.output, unit: form.unit, scales, ...bounds, axis, chain: [add], line, isOdd: isOdd || !isOnSmallGrid(bias.data) });
  }

  /** Sums as the numbers that they stand for. */
  private unscaled(node: ModelNode, whole: string, unit: number, scales: Float64Array, bias: Tensor, axis: number): void {
    const factors = scales.map((scale) => scale / unit);
    const { tensor: scale } = roundGroups(tensor([factors.length], factors), SCALE_BITS, factors.length, (c) => c);
    this.nodes.push({ name: `${node.name}/scale`, kind: 'batchNormalization', params: { scale, bias, axis }, inputs: [whole], output: node.output, shape: node.shape });
    this.isChanged = true;
  }

  /** The least and the greatest n of each channel. */
  private boundsOfSums(sum: ModelNode, form: Form, axis: number, channels: number): Pick<Form, 'low' | 'high'> {
    const shape = this.shapeOf(form.source);
    const fill = (value: number): Float64Array => new Float64Array(sizeOf(shape)).fill(value);
    const range = outputRange(sum, [{ shape, low: fill(form.low[0] as number), high: fill(form.high[0] as number), exp: 0 }]);
    const inner = sizeOf(sum.shape.slice(axis + 1));
    const low = new Float64Array(channels).fill(Infinity);
    const high = new Float64Array(channels).fill(-Infinity);
    range.low.forEach((value, e) => {
      const c = Math.floor(e / inner) % channels;
      low[c] = Math.min(low[c] as number, Math.round(value));
      high[c] = Math.max(high[c] as number, Math.round(range.high[e] as number));
    });
    return { low, high };
  }

  private shapeOf(name: string): readonly number[] {
    const made = this.nodes.find((node) => node.output === name) ?? this.graph.inputs.find((input) => input.name === name);
    return made?.shape ?? [];
  }

  /** Layers that pick, add or average elements do so among whole numbers, on a grid of their own where they divide by a power of two. */
  private moved(node: ModelNode, form: Form): void {
    if (form.chain.length > 0 || form.scales.length > 1 || node.inputs.length !== 1 || node.shape.length < 2) return;
    const shape = this.shapeOf(form.source);
    const fill = (end: Float64Array): Float64Array => new Float64Array(sizeOf(shape)).fill(end[0] as number);
    const range = outputRange(node, [{ shape, low: fill(form.low), high: fill(form.high), exp: 0 }]);
    if (range.exp === undefined) return;
    const step = 2 ** range.exp;
    const low = Math.round(range.low.reduce((a, b) => Math.min(a, b)) / step);
    const high = Math.round(range.high.reduce((a, b) => Math.max(a, b)) / step);
    if (Math.max(-low, high) >= MOST_WHOLE) return;
    const source = `${node.output}/whole`;
    this.nodes.push({ ...node, name: node.name, inputs: [form.source], output: source });
    this.forms.set(node.output, plainForm(source, form.unit * step, (form.scales[0] as number) * step, low, high));
  }

  /** The output of a layer that keeps everything on a grid of powers of two: whole numbers of its own. */
  private exactForm(node: ModelNode, { scales, chain, low, high, isOdd }: Form): Form | undefined {
    const step = scales[0] as number;
    if (isOdd || chain.length > 0 || scales.length > 1 || node.shape.length < 2 || parametersOf(node).some((data) => !isOnSmallGrid(data))) return undefined;
    const ranges = node.inputs.map((name): TensorRange | undefined => {
      const constant = this.graph.constants.get(name);
      if (constant !== undefined) return isOnSmallGrid(constant.data) ? rangeOfConstant(constant) : undefined;
      const shape = this.shapeOf(name);
      const fill = (end: Float64Array): Float64Array => new Float64Array(sizeOf(shape)).fill((end[0] as number) * step);
      return { shape, low: fill(low), high: fill(high), exp: powerOfTwo(step) };
    });
    if (ranges.includes(undefined) || ranges.filter((_, i) => !this.graph.constants.has(node.inputs[i] as string)).length !== 1) return undefined;
    const range = outputRange(node, ranges as TensorRange[]);
    if (range.exp === undefined) return undefined;
    const unit = 2 ** range.exp;
    const least = Math.round(range.low.reduce((a, b) => Math.min(a, b)) / unit);
    const greatest = Math.round(range.high.reduce((a, b) => Math.max(a, b)) / unit);
    return Math.max(-least, greatest) < MOST_WHOLE ? plainForm(node.output, unit, unit, least, greatest) : undefined;
  }

  /** Monotone functions of each element and channel join the chain. */
  private affine(node: ModelNode, form: Form): void {
    const exact = this.exactForm(node, form);
    if (exact !== undefined) this.forms.set(node.output, exact);
    if (exact !== undefined || !isMonotone(node)) return;
    const operands = node.inputs.filter((name) => !this.forms.has(name));
    const constants = operands.map((name) => this.graph.constants.get(name));
    if (operands.length + 1 !== node.inputs.length || constants.includes(undefined)) return;
    const values = node.inputs.map((name) => this.graph.constants.get(name));
    const f = channelwise(node, values, node.shape, form.axis, form.scales.length);
    if (f === undefined) return;
    const isOdd = [...constants.map((constant) => (constant as Tensor).data), ...parametersOf(node)].some((data) => !isOnSmallGrid(data));
    this.forms.set(node.output, { ...form, chain: [...form.chain, f], line: lineBehind(form, f, channelShape(node.shape, form.axis, form.scales.length)), isOdd: form.isOdd || isOdd });
  }
}

/** The step of a quantiser that has one for all elements; undefined for others. */
function stepOf(node: ModelNode): number | undefined {
  if (node.kind === 'quant' || node.kind === 'bipolarQuant') {
    const { scale } = node.params as QuantParams | BipolarQuantParams;
    const step = Math.abs(scale.data[0] ?? 0);
    return step > 0 && scale.data.every((s) => Math.abs(s) === step) && hasWholeZero(node) ? step : undefined;
  }
  const type = definitionOf(node.kind).quantiser?.(node.params);
  return type === undefined || type.overflow === 'WRAP' || type.overflow === 'SAT_ZERO' ? undefined : 2 ** -fractionBits(type);
}

/** The least and the greatest step of a quantiser that is no cast. */
function stepsWithin({ kind, params }: ModelNode): readonly [number, number] {
  if (kind !== 'quant' || isBipolar(params as QuantParams)) return [-1, 1];
  const zero = (params as QuantParams).zeroPoint.data;
  const [low, high] = quantBounds(params as QuantParams);
  return [low - zero.reduce((a, b) => Math.max(a, b)), high - zero.reduce((a, b) => Math.min(a, b))];
}

function hasWholeZero({ kind, params }: ModelNode): boolean {
  return kind !== 'quant' || (params as QuantParams).zeroPoint.data.every((z) => Number.isInteger(z));
}

/** Layers that do not care for a scale. */
function isMoving({ kind, params }: ModelNode): boolean {
  const { homogeneous, structural } = definitionOf(kind);
  return homogeneous?.(params) ?? structural === true;
}

function isRelu({ kind, params }: ModelNode): boolean {
  return kind === 'activation' && (params as ActivationParams).function === 'relu';
}

const MONOTONE_FUNCTIONS: ReadonlySet<ActivationParams['function']> = new Set(['linear', 'relu', 'leakyRelu', 'hardSigmoid']);

function isMonotone({ kind, params, inputs }: ModelNode): boolean {
  if (kind === 'activation') return MONOTONE_FUNCTIONS.has((params as ActivationParams).function) && ((params as ActivationParams).alpha ?? 0) >= 0;
  if (kind === 'elementwise') return inputs.length === 2 && (params as ElementwiseParams).operation !== 'div';
  return kind === 'batchNormalization' || kind === 'clip';
}

/** Numbers among a layer's parameters. */
function parametersOf({ params }: ModelNode): readonly Float64Array[] {
  return Object.values(params as object).flatMap((value: unknown) => {
    if (typeof value === 'number') return [Float64Array.of(value)];
    return typeof value === 'object' && value !== null && 'data' in value && value.data instanceof Float64Array ? [value.data] : [];
  });
}
