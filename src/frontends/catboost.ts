import { z } from 'zod';
import { CompileError } from '../errors.js';
import type { ForestParams, Tree } from '../layers/forest.js';
import type { OutputLink } from '../model/graph.js';
import type { Fail } from './forest/forestGraph.js';
import { failIn, forestGraph, MAX_FOREST_EDGE } from './forest/forestGraph.js';
import { TreeArrays } from './forest/treeArrays.js';
import type { Frontend, ModelSource } from './frontend.js';
import { checkSchema, headText, parseJsonSource } from './jsonText.js';

/** CatBoost's JSON model (`model.save_model('model.json', format='json')`), oblivious trees or not: the raw score. */
export const catboostFrontend: Frontend = {
  name: 'catboost-json',
  summary: 'CatBoost models saved as .json',
  detects: (source) => {
    if (isBinary(source)) return 0.95;
    return /^\s*\{\s*"(ctr_data|features_info|model_info|oblivious_trees|scale_and_bias)"\s*:/.test(headText(source)) ? 0.9 : 0;
  },
  parse: (source, context) => {
    if (isBinary(source)) {
      throw new CompileError('unsupported', { code: 'catboost-binary', where: [source.name], what: "is CatBoost's binary format.", mend: "Save it as JSON: model.save_model('model.json', format='json')." });
    }
    const json = checkSchema<ModelJson>(schema, parseJsonSource(source), [source.name]);
    const { params, link } = forestOf(json, failIn(source));
    return forestGraph(source, context, 'catboost-json', params, link);
  },
};

function isBinary({ bytes }: ModelSource): boolean {
  return String.fromCharCode(...bytes.subarray(0, 4)) === 'CBM1';
}

const featureSchema = z.object({
  feature_index: z.int().min(0),
  flat_feature_index: z.int().min(0),
  has_nans: z.boolean().exactOptional(),
  nan_value_treatment: z.enum(['AsIs', 'AsFalse', 'AsTrue']).exactOptional(),
});
const splitSchema = z.object({ split_type: z.string().max(100), border: z.number().exactOptional(), float_feature_index: z.int().exactOptional() });
type SplitJson = z.infer<typeof splitSchema>;
const schema = z.object({
  features_info: z.object({ float_features: z.array(featureSchema).exactOptional(), categorical_features: z.array(z.object({ flat_feature_index: z.int().min(0) })).exactOptional() }),
  model_info: z.object({ params: z.unknown() }).exactOptional(),
  oblivious_trees: z.array(z.object({ leaf_values: z.array(z.number()).min(1), splits: z.array(splitSchema).nullable() })).exactOptional(),
  /** Checked node by node: they nest. */
  trees: z.array(z.unknown()).exactOptional(),
  scale_and_bias: z.tuple([z.number(), z.union([z.number(), z.array(z.number()).min(1)])]).exactOptional(),
});
type ModelJson = z.infer<typeof schema>;

/** Where splits find their feature: its place among the model's inputs, and where NaN goes. */
type Features = ReadonlyMap<number, { readonly input: number; readonly missingTrue: boolean }>;

/** CatBoost compares float32 x > border, sums float64 tree by tree, then scales and adds the bias. */
function forestOf(json: ModelJson, fail: Fail): { readonly params: ForestParams; readonly link: OutputLink | undefined } {
  const { float_features: floats = [], categorical_features: categorical = [] } = json.features_info;
  const nFeatures = [...floats, ...categorical].reduce((most, feature) => Math.max(most, feature.flat_feature_index + 1), 0);
  if (nFeatures < 1 || nFeatures > MAX_FOREST_EDGE) fail('input', 'bad-field', 'features_info', `has ${nFeatures} features; 1 to ${MAX_FOREST_EDGE} are supported.`);
  // Missing is −∞ (x > border fails) unless AsTrue makes it +∞.
  const features: Features = new Map(floats.map((feature) => [feature.feature_index, { input: feature.flat_feature_index, missingTrue: feature.nan_value_treatment !== 'AsTrue' }]));
  const [scale, given] = json.scale_and_bias ?? [1, [0]];
  const oblivious = json.oblivious_trees ?? [];
  const nested = json.trees ?? [];
  if ((oblivious.length === 0) === (nested.length === 0)) fail('input', 'bad-field', 'oblivious_trees', `there are ${oblivious.length} oblivious trees and ${nested.length} others; one kind is needed.`);
  const bias = typeof given === 'number' ? [given] : given;
  const trees = [
    ...oblivious.flatMap((tree, i) => obliviousTrees(tree.leaf_values, tree.splits ?? [], scale, features, `oblivious_trees[${i}]`, fail)),
    ...nested.flatMap((tree, i) => nestedTrees(tree, scale, features, `trees[${i}]`, fail)),
  ];
  const nOutputs = trees.reduce((most, tree) => Math.max(most, tree.output + 1), bias.length);
  const base = Array.from({ length: nOutputs }, (_, k) => bias[bias.length === 1 ? 0 : k] ?? fail('input', 'bad-field', 'scale_and_bias', `has ${bias.length} biases for ${nOutputs} outputs.`));
  const learned = floats.some((feature) => feature.has_nans === true);
  const params: ForestParams = { nFeatures, nOutputs, comparison: 'le', trees, base, sums: 'float64', baseLast: true, ...(learned ? { learnedMissing: true } : {}) };
  return { params, link: linkOf(json.model_info?.params) };
}

const lossSchema = z.object({ loss_function: z.object({ type: z.string() }) });

/** The link of the loss that the model was trained with, from its own record of parameters: an object, or its JSON. */
function linkOf(params: unknown): OutputLink | undefined {
  let value = params;
  try {
    if (typeof params === 'string') value = JSON.parse(params);
  } catch {
    return undefined;
  }
  const loss = lossSchema.safeParse(value);
  switch (loss.success ? loss.data.loss_function.type : '') {
    case 'Logloss':
    case 'CrossEntropy':
    case 'MultiClassOneVsAll':
      return { function: 'sigmoid' };
    case 'MultiClass':
      return { function: 'softmax' };
    case 'Poisson':
    case 'Tweedie':
      return { function: 'exp' };
    default:
      return undefined;
  }
}

/** The deepest oblivious tree; CatBoost's own limit. */
const MAX_OBLIVIOUS_DEPTH = 16;

/** Bit j of the leaf's index is split j, so the last split is the root; values stand leaf by leaf, a value an output. */
function obliviousTrees(values: readonly number[], splits: readonly SplitJson[], scale: number, features: Features, field: string, fail: Fail): readonly Tree[] {
  if (splits.length > MAX_OBLIVIOUS_DEPTH) fail('unsupported', 'too-large', field, `has ${splits.length} splits; at most ${MAX_OBLIVIOUS_DEPTH} are supported.`);
  const leaves = 2 ** splits.length;
  const width = values.length / leaves;
  if (!Number.isInteger(width) || width > MAX_FOREST_EDGE) fail('input', 'bad-field', `${field}.leaf_values`, `has ${values.length} values for ${leaves} leaves.`);
  const asked = splits.map((split, j) => splitOf(split, features, `${field}.splits[${j}]`, fail));
  return Array.from({ length: width }, (_, output) => {
    const tree = new TreeArrays();
    const grow = (level: number, leaf: number): number => {
      const split = asked[level];
      if (split === undefined) return tree.leaf(scale * (values[leaf * width + output] as number));
      const node = tree.node(split.input, split.border, split.missingTrue);
      const low = grow(level - 1, leaf);
      tree.setChildren(node, low, grow(level - 1, leaf + 2 ** level));
      return node;
    };
    grow(splits.length - 1, 0);
    return tree.build(output);
  });
}

function splitOf(split: SplitJson, features: Features, field: string, fail: Fail): { readonly input: number; readonly border: number; readonly missingTrue: boolean } {
  if (split.split_type !== 'FloatFeature') {
    fail('unsupported', 'categorical', field, `is a split of type ${split.split_type}; splits on numbers (FloatFeature) are supported.`, 'Encode categories as numbers before training.');
  }
  const feature = features.get(split.float_feature_index ?? -1) ?? fail('input', 'bad-field', `${field}.float_feature_index`, `is ${split.float_feature_index}, which features_info does not list.`);
  return { ...feature, border: Math.fround(split.border ?? fail('input', 'bad-field', `${field}.border`, 'is missing.')) };
}

const leafSchema = z.object({ value: z.union([z.number(), z.array(z.number()).min(1)]) });
const nodeSchema = z.object({ left: z.unknown(), right: z.unknown(), split: splitSchema });

/** More nodes or levels than any tree has. */
const MAX_NODES = 2 ** 20;

/** A tree of nested objects, walked without recursion: right where x > border. */
function nestedTrees(root: unknown, scale: number, features: Features, field: string, fail: Fail): readonly Tree[] {
  const tree = new TreeArrays();
  const values: (readonly number[])[] = [];
  const add = (json: unknown): number => {
    if (tree.size > MAX_NODES) fail('unsupported', 'too-large', field, `has more than ${MAX_NODES} nodes.`);
    if (typeof json === 'object' && json !== null && 'split' in json) {
      const { left, right, split } = checkSchema<z.infer<typeof nodeSchema>>(nodeSchema, json, [field]);
      const { input, border, missingTrue } = splitOf(split, features, `${field}.split`, fail);
      const node = tree.node(input, border, missingTrue);
      pending.push({ node, left, right });
      return node;
    }
    const { value } = checkSchema<z.infer<typeof leafSchema>>(leafSchema, json, [field]);
    const list = typeof value === 'number' ? [value] : value;
    values[tree.size] = list;
    return tree.leaf(scale * (list[0] as number));
  };
  const pending: { readonly node: number; readonly left: unknown; readonly right: unknown }[] = [];
  add(root);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const left = add(next.left);
    tree.setChildren(next.node, left, add(next.right));
  }
  const shape = tree.build(0);
  const width = values.find((list) => list !== undefined)?.length ?? 1;
  if (width === 1) return [shape];
  return Array.from({ length: width }, (_, output) => ({
    ...shape, output,
    value: shape.value.map((value, node) => ((shape.feature[node] as number) >= 0 ? value : scale * (values[node]?.[output] ?? fail('input', 'bad-field', field, `a leaf has ${values[node]?.length ?? 0} values, another ${width}.`)))),
  }));
}
