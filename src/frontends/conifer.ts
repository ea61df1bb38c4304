import { z } from 'zod';
import type { ForestParams, Tree } from '../layers/forest.js';
import type { Fail } from './forest/forestGraph.js';
import { failIn, forestGraph, MAX_FOREST_EDGE } from './forest/forestGraph.js';
import { TreeArrays } from './forest/treeArrays.js';
import type { Frontend } from './frontend.js';
import { checkSchema, headText, parseJsonSource } from './jsonText.js';

/** conifer's own JSON (`model.save()`), from whichever library it came: norm · (init_predict + sum of leaves). */
export const coniferFrontend: Frontend = {
  name: 'conifer-json',
  summary: 'conifer models saved as .json',
  detects: (source) => {
    const head = headText(source);
    return /^\s*\{/.test(head) && /"n_classes"\s*:/.test(head) && /"n_features"\s*:/.test(head) ? 0.85 : 0;
  },
  parse: (source, context) => forestGraph(source, context, 'conifer-json', paramsOf(checkSchema<ModelJson>(schema, parseJsonSource(source), [source.name]), failIn(source))),
};

const numbers = z.array(z.number());
const integers = z.array(z.int());
const treeSchema = z.object({
  feature: integers.min(1),
  threshold: numbers,
  value: numbers,
  children_left: integers,
  children_right: integers,
  /** One row a node: what its comparison weighs the features with. */
  weight: z.array(numbers).exactOptional(),
});
type TreeJson = z.infer<typeof treeSchema>;
const schema = z.object({
  n_features: z.int().min(1).max(MAX_FOREST_EDGE),
  n_classes: z.int().min(1).max(MAX_FOREST_EDGE),
  init_predict: z.union([z.number(), numbers]).exactOptional(),
  norm: z.number().exactOptional(),
  splitting_convention: z.enum(['<', '<=']).exactOptional(),
  /** Iteration by iteration, a tree an output. */
  trees: z.array(z.array(treeSchema).min(1)).min(1),
});
type ModelJson = z.infer<typeof schema>;

/** conifer compares and sums in numpy's float64; two classes have one output. */
function paramsOf(json: ModelJson, fail: Fail): ForestParams {
  const nOutputs = json.n_classes === 2 ? 1 : json.n_classes;
  const norm = json.norm ?? 1;
  const given = typeof json.init_predict === 'number' ? [json.init_predict] : json.init_predict ?? [0];
  if (given.length !== 1 && given.length !== nOutputs) fail('input', 'bad-field', 'init_predict', `has ${given.length} numbers for ${nOutputs} outputs.`);
  const base = Array.from({ length: nOutputs }, (_, k) => norm * (given[given.length === 1 ? 0 : k] as number));
  const trees = json.trees.flatMap((iteration, i) => {
    if (iteration.length !== nOutputs) fail('input', 'bad-field', `trees[${i}]`, `has ${iteration.length} trees for ${nOutputs} outputs.`);
    return iteration.map((tree, output) => treeOf(tree, output, norm, json.n_features, `trees[${i}][${output}]`, fail));
  });
  return { nFeatures: json.n_features, nOutputs, comparison: json.splitting_convention === '<' ? 'lt' : 'le', trees, base, features: 'float64', sums: 'float64', baseLast: true };
}

function treeOf(json: TreeJson, output: number, norm: number, nFeatures: number, field: string, fail: Fail): Tree {
  const n = json.feature.length;
  for (const key of ['threshold', 'value', 'children_left', 'children_right'] as const) {
    if (json[key].length !== n) fail('input', 'bad-field', `${field}.${key}`, `has ${json[key].length} entries for ${n} nodes.`);
  }
  const tree = new TreeArrays();
  json.feature.forEach((feature, node) => {
    if (feature < 0) {
      tree.leaf(norm * (json.value[node] as number));
      return;
    }
    const weight = json.weight?.[node];
    if (weight !== undefined && (weight.length !== nFeatures || weight.some((w, i) => w !== (i === feature ? 1 : 0)))) fail('unsupported', 'oblique', field, `node ${node} compares a weighted sum of features.`, 'Train with axis-aligned splits.');
    // A comparison with NaN fails.
    tree.setChildren(tree.node(feature, json.threshold[node] as number, false), json.children_left[node] as number, json.children_right[node] as number);
  });
  return tree.build(output);
}
