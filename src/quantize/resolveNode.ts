import type { Problem } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { sameType } from '../fixed/fixedType.js';
import type { ActivationParams } from '../layers/activation.js';
import { isExactFunction } from '../layers/activation.js';
import { capType } from '../layers/hls4mlInference.js';
import type { PrecisionRules, TypeVariable } from '../layers/precisionRules.js';
import { definitionOf } from '../layers/registry.js';
import type { LayerPrecision, ModelNode } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';
import type { LayerLookup } from './lookup.js';
import type { TypeSetting } from './precisionConfig.js';
import { typeOfScalar, typeOfValues } from './typeFacts.js';

/** What is known when a node's turn comes. */
export interface NodeContext {
  readonly node: ModelNode;
  /** What the config can type in the node; undefined where it has no say. */
  readonly rules: PrecisionRules<unknown> | undefined;
  readonly lookup: LayerLookup;
  /** Types of the tensors so far; undefined where a tensor has no single fixed-point type. */
  readonly types: ReadonlyMap<string, FixedType | undefined>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly neighbours: Neighbours;
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly maximum: FixedType | undefined;
  readonly problems: Problem[];
}

/** The graph around a node. */
export interface Neighbours {
  readonly producer: (tensor: string) => ModelNode | undefined;
  /** The only node that reads a tensor, if there is one and the tensor is no output of the graph. */
  readonly soleReader: (tensor: string) => ModelNode | undefined;
  readonly resultSetting: (node: ModelNode) => TypeSetting | undefined;
}

/** A node's types and the type of what it puts out. */
export interface ResolvedNode {
  readonly precision: LayerPrecision | undefined;
  readonly type: FixedType | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const FIELDS = {
  weight: 'weight', bias: 'bias', accum: 'accum', result: 'result', scale: 'scale', table: 'table', exp_table: 'expTable',
  inv_table: 'invTable', inv_inp: 'invInput', embeddings: 'embeddings', param: 'param',
} as const satisfies Record<TypeVariable, keyof LayerPrecision>;

/** Types of one node by look-up, defaults and inference; problems go to the context's list. */
export function resolveNode(context: NodeContext): ResolvedNode {
  const { node, rules, lookup, problems } = context;
  if (rules === undefined) return { precision: undefined, type: passedType(context) };
  const looked = rules.looked(node.params);
  const fixed = Object.entries(rules.fixed?.(node.params) ?? {}) as [TypeVariable, FixedType][];
  const precision: Mutable<LayerPrecision> = { source: 'config' };
  for (const [variable, fallback] of fixed) precision[FIELDS[variable]] = lookup.fixedType(variable, fallback, problems);
  for (const variable of looked) {
    if (variable === 'accum' || variable === 'result') continue;
    const type = parameterType(context, rules, variable);
    if (type !== undefined) precision[FIELDS[variable]] = type;
  }
  if (looked.includes('accum')) setDefined(precision, 'accum', computedType(context, rules, 'accum', precision));
  setDefined(precision, 'result', computedType(context, rules, 'result', precision));
  addSettings(precision, context, rules, fixed.length > 0);
  return { precision, type: precision.result ?? passedType(context) };
}

function setDefined(precision: Mutable<LayerPrecision>, field: 'accum' | 'result', type: FixedType | undefined): void {
  if (type !== undefined) precision[field] = type;
}

function addSettings(precision: Mutable<LayerPrecision>, { lookup }: NodeContext, rules: PrecisionRules<unknown>, hasTables: boolean): void {
  if (rules.hasStrategy === true) {
    precision.strategy = lookup.setting('strategy') ?? 'latency';
    precision.reuseFactor = lookup.setting('reuseFactor') ?? 1;
  }
  if (!hasTables) return;
  precision.tableSize = lookup.setting('tableSize') ?? 1024;
  const tableRange = lookup.setting('tableRange');
  if (tableRange !== undefined) precision.tableRange = tableRange;
  if (rules.hasImplementation === true) precision.softmax = lookup.setting('implementation') ?? 'stable';
}

/** A layer's parameter tensor, or undefined where it has none (a missing bias). */
function parameterOf(node: ModelNode, rules: PrecisionRules<unknown>, variable: TypeVariable): Tensor | undefined {
  return rules.parameters?.(node.params)[variable] ?? undefined;
}

/** Type of weight, bias, scale, embeddings or param; undefined where the parameter is absent or quantised already. */
function parameterType(context: NodeContext, rules: PrecisionRules<unknown>, variable: TypeVariable): FixedType | undefined {
  const { node, lookup, problems } = context;
  const parameter = parameterOf(node, rules, variable);
  if (parameter === undefined) return undefined;
  const setting = lookup.type(variable);
  if (setting !== undefined && setting.type !== 'auto') return setting.type;
  if (setting !== undefined && variable === 'param') {
    const input = rules.isParamOfInputType?.(node.params) === true ? context.types.get(node.inputs[0] as string) : undefined;
    return input ?? (parameter.data.length === 1 ? typeOfScalar(parameter.data[0] as number) : typeOfValues(parameter.data));
  }
  if (setting !== undefined && parameter.quantised === true) return undefined;
  const type = lookup.modelDefault();
  if (type === undefined) problems.push(missingType(lookup, variable, setting !== undefined));
  return type;
}

export function missingType(lookup: LayerLookup, variable: TypeVariable, isAuto: boolean): Problem {
  return {
    code: 'no-type',
    where: lookup.where(variable),
    what: isAuto ? `hls4ml infers no ${variable} type here ('auto'), and the model has no default type.` : `the config gives no ${variable} type.`,
    mend: `Name it under LayerName → ${lookup.layer} → Precision, or give Model.Precision a default.`,
  };
}

/** accum and result: looked up, inferred where `auto`, else the model's default. */
function computedType(context: NodeContext, rules: PrecisionRules<unknown>, variable: 'accum' | 'result', precision: LayerPrecision): FixedType | undefined {
  const { node, lookup, problems } = context;
  const setting = lookup.type(variable);
  if (setting === undefined) {
    problems.push(missingType(lookup, variable, false));
    return undefined;
  }
  if (setting.type !== 'auto') return setting.type;
  const taken = variable === 'result' ? takenResult(context) : undefined;
  if (taken !== undefined) return taken === 'none' ? undefined : taken;
  const inferred = infer(context, rules, variable, precision);
  if (typeof inferred === 'object') return inferred;
  if (inferred === 'default') {
    const fallback = lookup.modelDefault();
    if (fallback === undefined && !isLinear(node)) problems.push(missingType(lookup, variable, true));
    return fallback;
  }
  problems.push({
    code: 'auto-without-input-type',
    where: lookup.where(variable),
    what: `'auto' cannot be inferred: ${inferred.slice('unknown:'.length)} has no fixed-point type here.`,
    mend: `Name the ${variable} type of ${node.name}.`,
  });
  return undefined;
}

/**
 * An `auto` result that a neighbour decides: the linear activation merged into this layer gives it its type; a linear
 * activation merged into the layer before, and an activation in front of the model's own quantiser, need none.
 */
function takenResult({ node, lookup, neighbours }: NodeContext): FixedType | 'none' | undefined {
  const reader = neighbours.soleReader(node.output);
  if (reader !== undefined && isLinear(reader)) {
    const type = neighbours.resultSetting(reader)?.type ?? lookup.modelDefault();
    if (type !== undefined && type !== 'auto') return type;
  }
  if (isLinear(node)) {
    const producer = neighbours.producer(node.inputs[0] as string);
    if (producer !== undefined && neighbours.resultSetting(producer)?.type === 'auto') return 'none';
  }
  const quantiser = reader === undefined ? undefined : definitionOf(reader.kind).quantiser;
  if (node.kind !== 'activation' || quantiser === undefined) return undefined;
  return isExactFunction(node.params as ActivationParams) ? 'none' : quantiser(reader?.params);
}

function isLinear(node: ModelNode): boolean {
  return node.kind === 'activation' && (node.params as ActivationParams).function === 'linear';
}

function infer(context: NodeContext, rules: PrecisionRules<unknown>, variable: 'accum' | 'result', precision: LayerPrecision): FixedType | 'default' | `unknown:${string}` {
  const { node, types, constants, shapes, maximum } = context;
  const rule = rules.infer?.[variable];
  if (rule === undefined) return 'default';
  const operands: FixedType[] = [];
  for (const name of node.inputs) {
    const constant = constants.get(name);
    const type = constant === undefined ? types.get(name) : typeOfValues(constant.data);
    if (type === undefined) return `unknown:${name}`;
    operands.push(type);
  }
  const parameter = (name: 'weight' | 'scale' | 'bias'): FixedType | undefined => {
    const data = parameterOf(node, rules, name)?.data;
    return precision[name] ?? (data === undefined ? undefined : typeOfValues(data));
  };
  const type = rule(node.params, { operands, parameter, inputShape: shapes.get(node.inputs[0] as string) ?? [] });
  if (type === undefined) return 'default';
  return rules.uncapped?.(node.params, variable) === true ? type : capType(type, maximum);
}

/** The type that a node without a result type puts out: a quantiser's own, or its input's. */
function passedType({ node, types, constants }: NodeContext): FixedType | undefined {
  const { quantiser, structural } = definitionOf(node.kind);
  if (quantiser !== undefined) return quantiser(node.params);
  if (structural !== true && !isLinear(node)) return undefined;
  const inputs = node.inputs.map((name) => {
    const constant = constants.get(name);
    return constant === undefined ? types.get(name) : typeOfValues(constant.data);
  });
  const [first] = inputs;
  return first !== undefined && inputs.every((type) => type !== undefined && sameType(type, first)) ? first : undefined;
}
