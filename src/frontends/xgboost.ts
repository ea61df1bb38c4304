import { z } from 'zod';
import { CompileError } from '../errors.js';
import type { ForestParams, Tree } from '../layers/forest.js';
import type { ModelGraph } from '../model/graph.js';
import type { LayerKind, LayerParams } from '../layers/registry.js';
import type { Frontend, FrontendContext, ModelSource } from './frontend.js';
import { modelName } from './frontend.js';
import { checkSchema, headText, parseJsonSource } from './jsonText.js';

/**
 * XGBoost's JSON model (`booster.save_model('model.json')`), versions 1 to 3: gbtree, dart and gblinear.
 * The output is the margin, before any link function.
 */
export const xgboostFrontend: Frontend = {
  name: 'xgboost-json',
  summary: 'XGBoost models saved as .json',
  detects: (source) => {
    const head = headText(source);
    if (!/^\s*\{/.test(head) || /^\s*\{\s*"trigforge"/.test(head)) return 0;
    if (/"learner"\s*:/.test(head)) return 0.9;
    // Keys come in any order, and `version` may stand before a long learner.
    return /^\s*\{\s*"version"\s*:\s*\[\s*\d+\s*,/.test(head) ? 0.7 : 0;
  },
  parse: parseXgboost,
};

/** Numbers that XGBoost writes as text. */
const numberText = z.union([z.number(), z.string().max(64).regex(/^\s*[-+]?[0-9.]+([eE][-+]?\d+)?\s*$/, 'expected a number').transform(Number)]);
const count = numberText.pipe(z.int().min(0).max(2 ** 24));
const numbers = z.array(z.number());
const integers = z.array(z.int());
/** Flags are 0 and 1 in some versions and false and true in others. */
const flags = z.array(z.union([z.int(), z.boolean()]));

const treeSchema = z.object({
  left_children: integers,
  right_children: integers,
  split_indices: integers,
  split_conditions: numbers,
  default_left: flags,
  split_type: integers.exactOptional(),
  leaf_weights: numbers.exactOptional(),
  tree_param: z.object({ size_leaf_vector: count.exactOptional() }),
});
type TreeJson = z.infer<typeof treeSchema>;

const gbtreeSchema = z.object({ model: z.object({ trees: z.array(treeSchema).min(1), tree_info: integers }) });
const boosterSchema = z.discriminatedUnion('name', [
  gbtreeSchema.extend({ name: z.literal('gbtree') }),
  z.object({ name: z.literal('dart'), gbtree: gbtreeSchema, weight_drop: numbers }),
  z.object({ name: z.literal('gblinear'), model: z.object({ weights: numbers }) }),
]);
const modelSchema = z.object({
  learner: z.object({
    gradient_booster: boosterSchema,
    learner_model_param: z.object({
      base_score: z.union([z.number(), z.string().max(2 ** 20), numbers]),
      num_class: count,
      num_feature: count,
      num_target: count.exactOptional(),
    }),
    objective: z.object({ name: z.string().max(100) }),
  }),
});
type ModelJson = z.infer<typeof modelSchema>;

/** How an objective turns the base score into a margin (XGBoost: ObjFunction::ProbToMargin). */
const LINKS: ReadonlyMap<string, 'logit' | 'log' | 'identity'> = new Map([
  ...(['binary:logistic', 'binary:logitraw', 'reg:logistic'] as const).map((name) => [name, 'logit'] as const),
  ...(['count:poisson', 'reg:gamma', 'reg:tweedie', 'survival:cox', 'survival:aft'] as const).map((name) => [name, 'log'] as const),
  ...([
    'multi:softmax', 'multi:softprob', 'binary:hinge', 'reg:squarederror', 'reg:linear', 'reg:squaredlogerror', 'reg:absoluteerror',
    'reg:pseudohubererror', 'reg:quantileerror', 'reg:expectileerror', 'rank:pairwise', 'rank:ndcg', 'rank:map',
  ] as const).map((name) => [name, 'identity'] as const),
]);

type Fail = (kind: 'input' | 'unsupported', code: string, field: string, what: string, mend?: string) => never;

function parseXgboost(source: ModelSource, context: FrontendContext): ModelGraph {
  const json: ModelJson = checkSchema<ModelJson>(modelSchema as z.ZodType<ModelJson>, parseJsonSource(source), [source.name]);
  const fail: Fail = (kind, code, field, what, mend) => {
    throw new CompileError(kind, { code, where: [source.name, field], what, ...(mend === undefined ? {} : { mend }) });
  };
  const { gradient_booster: booster, learner_model_param: param } = json.learner;
  if (param.num_feature < 1) fail('input', 'bad-field', 'num_feature', 'the model has no features.');
  const nOutputs = Math.max(1, param.num_class, param.num_target ?? 1);
  if (nOutputs > 65536 || param.num_feature > 65536) fail('unsupported', 'too-large', 'learner_model_param', `${param.num_feature} features and ${nOutputs} outputs; at most 65536 of each are supported.`);
  const base = baseMargins(json, nOutputs, fail);
  if (booster.name === 'gblinear') return linearGraph(source, context, booster.model.weights, param.num_feature, base, fail);
  const gbtree = booster.name === 'dart' ? booster.gbtree : booster;
  const drop = booster.name === 'dart' ? booster.weight_drop : undefined;
  const params = forestParams(gbtree.model, drop, param.num_feature, base, fail);
  return graphOf(source, context, 'forest', params, param.num_feature, nOutputs, params.trees.reduce((sum, tree) => sum + tree.feature.length, 0));
}

/** base_score as one number, a text, or (version 3) a text with one number a class; brought to the margin in float32. */
function baseMargins(json: ModelJson, nOutputs: number, fail: Fail): readonly number[] {
  const { base_score: given } = json.learner.learner_model_param;
  const texts = typeof given === 'string' ? given.trim().replace(/^\[|\]$/g, '').split(',') : typeof given === 'number' ? [given] : given;
  const scores = texts.map((text) => (typeof text === 'number' ? text : text.trim() === '' ? NaN : Number(text)));
  if (scores.some((score) => !Number.isFinite(score)) || (scores.length !== 1 && scores.length !== nOutputs)) {
    fail('input', 'bad-field', 'base_score', `'${String(given).slice(0, 60)}' is neither one number nor ${nOutputs}.`);
  }
  const objective = json.learner.objective.name;
  const link = LINKS.get(objective) ?? fail('unsupported', 'objective', 'objective', `'${objective}' is not supported; ${[...LINKS.keys()].join(', ')} are.`);
  return Array.from({ length: nOutputs }, (_, i) => {
    const score = Math.fround(scores[scores.length === 1 ? 0 : i] as number);
    const margin = link === 'identity' ? score : link === 'log' ? Math.fround(Math.log(score)) : -Math.fround(Math.log(Math.fround(Math.fround(1 / score) - 1)));
    if (!Number.isFinite(margin)) fail('input', 'bad-field', 'base_score', `${score} has no margin under ${objective}.`);
    return margin + 0;
  });
}

interface GbtreeModel {
  readonly trees: readonly TreeJson[];
  readonly tree_info: readonly number[];
}

function forestParams(model: GbtreeModel, drop: readonly number[] | undefined, nFeatures: number, base: readonly number[], fail: Fail): ForestParams {
  if (model.tree_info.length !== model.trees.length) fail('input', 'bad-field', 'tree_info', `has ${model.tree_info.length} entries for ${model.trees.length} trees.`);
  if (drop !== undefined && drop.length !== model.trees.length) fail('input', 'bad-field', 'weight_drop', `has ${drop.length} entries for ${model.trees.length} trees.`);
  const learned = missingMatters(model.trees);
  const trees = model.trees.flatMap((tree, index) => {
    const field = `trees[${index}]`;
    checkArrays(tree, field, fail);
    const factor = Math.fround(drop?.[index] ?? 1);
    const output = model.tree_info[index] as number;
    const width = tree.tree_param.size_leaf_vector ?? 1;
    if (width <= 1) return [treeOf(tree, output, learned, (node) => Math.fround(factor * Math.fround(tree.split_conditions[node] as number)))];
    return vectorTrees(tree, width, base.length, field, learned, fail);
  });
  return { nFeatures, nOutputs: base.length, comparison: 'lt', trees, base };
}

/**
 * Whether splits differ in where they send missing values. Without missing values in training every split gets the
 * same default (which one depends on the tree method), so that a mixture means it was learned.
 */
function missingMatters(trees: readonly TreeJson[]): boolean {
  const seen = new Set<boolean>();
  for (const tree of trees) {
    tree.left_children.forEach((child, node) => {
      if (child !== -1 && tree.split_type?.[node] !== 1) seen.add(Boolean(tree.default_left[node]));
    });
  }
  return seen.size > 1;
}

function checkArrays(tree: TreeJson, field: string, fail: Fail): void {
  const n = tree.left_children.length;
  const lengths = { right_children: tree.right_children, split_indices: tree.split_indices, split_conditions: tree.split_conditions, default_left: tree.default_left, split_type: tree.split_type ?? tree.left_children };
  for (const [name, list] of Object.entries(lengths)) {
    if (list.length !== n) fail('input', 'bad-field', `${field}.${name}`, `has ${list.length} entries for ${n} nodes.`);
  }
  const categorical = tree.split_type?.indexOf(1) ?? -1;
  if (categorical >= 0) fail('unsupported', 'categorical', field, `node ${categorical} splits on a category; numerical splits are supported.`, 'Encode categories as numbers (one-hot) before training.');
}

function treeOf(tree: TreeJson, output: number, learned: boolean, leaf: (node: number) => number): Tree {
  const isLeaf = tree.left_children.map((child) => child === -1);
  return {
    output,
    feature: tree.split_indices.map((feature, node) => (isLeaf[node] === true ? -1 : feature)),
    value: tree.split_conditions.map((value, node) => (isLeaf[node] === true ? leaf(node) : Math.fround(value)) + 0),
    whenTrue: tree.left_children,
    whenFalse: tree.right_children.map((child, node) => (isLeaf[node] === true ? -1 : child)),
    ...(learned ? { missingTrue: tree.default_left.map(Boolean) } : {}),
  };
}

/** A leaf with a value for every output is one tree an output; their comparisons become one again in the circuit. */
function vectorTrees(tree: TreeJson, width: number, nOutputs: number, field: string, learned: boolean, fail: Fail): readonly Tree[] {
  const weights = tree.leaf_weights ?? fail('input', 'bad-field', `${field}.leaf_weights`, `is missing, and its leaves have ${width} values.`);
  if (width !== nOutputs) fail('input', 'bad-field', `${field}.tree_param`, `leaves have ${width} values for ${nOutputs} outputs.`);
  if (tree.left_children.length * width > 2 ** 24) fail('unsupported', 'too-large', field, `has ${tree.left_children.length} nodes with ${width} values.`);
  return Array.from({ length: width }, (_, output) =>
    treeOf(tree, output, learned, (node) => {
      const value = weights[(tree.right_children[node] as number) * width + output];
      return value === undefined ? fail('input', 'bad-field', `${field}.leaf_weights`, `has no values for leaf ${tree.right_children[node]}.`) : Math.fround(value);
    }),
  );
}

/** gblinear: weights `[nFeatures + 1, nOutputs]`, the last row being the bias. */
function linearGraph(source: ModelSource, context: FrontendContext, weights: readonly number[], nFeatures: number, base: readonly number[], fail: Fail): ModelGraph {
  const nOutputs = base.length;
  if (weights.length !== (nFeatures + 1) * nOutputs) fail('input', 'bad-field', 'weights', `has ${weights.length} numbers; ${nFeatures} features and ${nOutputs} outputs need ${(nFeatures + 1) * nOutputs}.`);
  const values = Float64Array.from(weights, (n) => Math.fround(n) + 0);
  const split = nFeatures * nOutputs;
  const params = {
    weight: { shape: [nFeatures, nOutputs], data: values.slice(0, split) },
    bias: { shape: [nOutputs], data: values.slice(split).map((n, i) => Math.fround(n + (base[i] as number))) },
  };
  return graphOf(source, context, 'dense', params, nFeatures, nOutputs, values.length);
}

/** The whole graph: one layer from `features` to `margin`. */
function graphOf<K extends LayerKind>(source: ModelSource, context: FrontendContext, kind: K, params: LayerParams[K], nFeatures: number, nOutputs: number, parameters: number): ModelGraph {
  const shape = context.catalogue.shape(kind, params, [[1, nFeatures]]);
  if (typeof shape === 'string') throw new CompileError('input', { code: 'bad-tree', where: [source.name], what: `${shape}.` });
  return {
    name: modelName(source),
    format: 'xgboost-json',
    inputs: [{ name: 'features', shape: [1, nFeatures] }],
    outputs: [{ name: 'margin', tensor: 'margin', shape: [1, nOutputs] }],
    constants: new Map(),
    nodes: [{ name: 'margin', kind, params, inputs: ['features'], output: 'margin', shape }],
    parameters,
  };
}
