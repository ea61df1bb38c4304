import { nextFloat } from '../fixed/floatSteps.js';
import type { ForestParams, Tree } from '../layers/forest.js';
import type { OutputLink } from '../model/graph.js';
import type { Fail } from './forest/forestGraph.js';
import { boundsWhere, categoryBounds, failIn, forestGraph, MAX_FOREST_EDGE } from './forest/forestGraph.js';
import { TreeArrays } from './forest/treeArrays.js';
import type { Frontend } from './frontend.js';
import { headText, sourceText } from './jsonText.js';

/** LightGBM's text model (`booster.save_model('model.txt')`), versions 3 and 4: the raw score, for random forests the sum. */
export const lightgbmFrontend: Frontend = {
  name: 'lightgbm',
  summary: 'LightGBM text models',
  detects: (source) => (/^tree\r?\n(version=|num_class=)/.test(headText(source, 64)) ? 0.95 : 0),
  parse: (source, context) => {
    const fail = failIn(source);
    const { header, trees: blocks } = readBlocks(sourceText(source), fail);
    const count = (key: string, fallback: number): number => integerOf(header.get(key), key, fallback, fail);
    const nFeatures = count('max_feature_idx', -1) + 1;
    const nOutputs = count('num_tree_per_iteration', count('num_class', 1));
    if (nFeatures < 1) fail('input', 'bad-field', 'max_feature_idx', 'is missing, or the model has no features.');
    if (nOutputs < 1 || nFeatures > MAX_FOREST_EDGE || nOutputs > MAX_FOREST_EDGE) fail('unsupported', 'too-large', 'header', `${nFeatures} features and ${nOutputs} trees an iteration; 1 to ${MAX_FOREST_EDGE} of each are supported.`);
    const parsed = blocks.map((block, i) => readTree(block, i % nOutputs, `Tree=${i}`, fail));
    const trees = parsed.map(({ tree }) => tree);
    const learned = parsed.some(({ knowsMissing }) => knowsMissing);
    const params: ForestParams = { nFeatures, nOutputs, comparison: 'le', trees, base: new Array<number>(nOutputs).fill(0), features: 'float64', sums: 'float64', ...(learned ? { learnedMissing: true } : {}) };
    const averages = header.has('average_output');
    return forestGraph(source, context, 'lightgbm', params, averages ? { function: 'identity', scale: nOutputs / Math.max(1, trees.length) } : linkOf(header.get('objective') ?? ''));
  },
};

type Fields = ReadonlyMap<string, string>;

/** The lines `key=value` in front of the trees and of each tree. */
function readBlocks(text: string, fail: Fail): { readonly header: Fields; readonly trees: readonly Fields[] } {
  const header = new Map<string, string>();
  const trees: Map<string, string>[] = [];
  let current = header;
  let ended = false;
  for (const line of text.split(/\r?\n/)) {
    if (line === 'end of trees') {
      ended = true;
      break;
    }
    const equals = line.indexOf('=');
    const key = equals < 0 ? line : line.slice(0, equals);
    if (key === 'Tree') {
      current = new Map();
      trees.push(current);
    } else if (key !== '') current.set(key, line.slice(equals + 1));
  }
  if (trees.length === 0) fail('input', 'bad-field', 'Tree=0', 'there are no trees.');
  if (!ended) fail('input', 'truncated', `Tree=${trees.length - 1}`, "the line 'end of trees' is missing.", 'The file may be truncated; save the model again.');
  return { header, trees };
}

function integerOf(text: string | undefined, field: string, fallback: number, fail: Fail): number {
  if (text === undefined) return fallback;
  return /^-?\d{1,9}$/.test(text) ? Number(text) : fail('input', 'bad-field', field, `'${text.slice(0, 40)}' is no whole number.`);
}

/** How LightGBM makes its prediction of the raw score (ObjectiveFunction::ConvertOutput). */
function linkOf(objective: string): OutputLink | undefined {
  const [name = '', ...options] = objective.split(' ');
  const sigmoid = Number(/^sigmoid:(.+)$/.exec(options.find((option) => option.startsWith('sigmoid:')) ?? '')?.[1] ?? 1);
  switch (name) {
    case 'binary':
    case 'multiclassova':
      return Number.isFinite(sigmoid) && sigmoid > 0 ? { function: 'sigmoid', ...(sigmoid === 1 ? {} : { scale: sigmoid }) } : undefined;
    case 'cross_entropy':
      return { function: 'sigmoid' };
    case 'multiclass':
      return { function: 'softmax' };
    case 'poisson':
    case 'gamma':
    case 'tweedie':
      return { function: 'exp' };
    default:
      return undefined;
  }
}

/** LightGBM's kZeroThreshold, a float32 1e-35: what is no larger counts as zero. */
const ZERO = Math.fround(1e-35);

/** Nodes of one tree; its bitsets of categories. */
interface TreeFields {
  readonly feature: readonly number[];
  readonly threshold: readonly number[];
  readonly decision: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly leaf: readonly number[];
  readonly categoryStarts: readonly number[];
  readonly categoryWords: readonly number[];
}

function readTree(block: Fields, output: number, field: string, fail: Fail): { readonly tree: Tree; readonly knowsMissing: boolean } {
  if ((block.get('is_linear') ?? '0').trim() !== '0') fail('unsupported', 'linear-trees', field, 'has linear models in its leaves.', 'Train with linear_tree=false.');
  const leaves = integerOf(block.get('num_leaves'), `${field}.num_leaves`, 0, fail);
  const list = (key: string, length: number): readonly number[] => numbersOf(block.get(key) ?? '', length, `${field}.${key}`, fail);
  const inner = leaves - 1;
  if (leaves < 1) fail('input', 'bad-field', `${field}.num_leaves`, `is ${leaves}.`);
  const categories = integerOf(block.get('num_cat'), `${field}.num_cat`, 0, fail);
  const starts = categories > 0 ? list('cat_boundaries', categories + 1) : [];
  const fields: TreeFields = {
    feature: list('split_feature', inner), threshold: list('threshold', inner), decision: list('decision_type', inner),
    left: list('left_child', inner), right: list('right_child', inner), leaf: list('leaf_value', leaves),
    categoryStarts: starts, categoryWords: categories > 0 ? list('cat_threshold', starts.at(-1) as number) : [],
  };
  const tree = new TreeArrays();
  let knowsMissing = false;
  for (let node = 0; node < inner; node++) knowsMissing = addNode(tree, fields, node, field, fail) || knowsMissing;
  fields.leaf.forEach((value) => tree.leaf(value));
  return { tree: tree.build(output), knowsMissing };
}

/** Adds a node, children included: leaves come behind the inner nodes. Whether its split was trained on NaN. */
function addNode(tree: TreeArrays, fields: TreeFields, node: number, field: string, fail: Fail): boolean {
  const inner = fields.feature.length;
  const childOf = (child: number): number => (child >= 0 ? child : inner - 1 - child);
  const [left, right] = [childOf(fields.left[node] as number), childOf(fields.right[node] as number)];
  const feature = fields.feature[node] as number;
  const decision = fields.decision[node] as number;
  const threshold = fields.threshold[node] as number;
  if ((decision & 1) === 1) {
    // In the set is left; NaN and negative categories are right.
    tree.setChildren(tree.node(feature, 0, true, categoryEdges(fields, threshold, `${field}.threshold`, fail)), right, left);
    return false;
  }
  const defaultLeft = (decision & 2) !== 0;
  const missing = (decision >> 2) & 3;
  if (missing === 1) {
    const isZero = (x: number): boolean => x >= -ZERO && x <= ZERO;
    const points = [-ZERO, nextFloat(ZERO, 'float64'), nextFloat(threshold, 'float64')];
    const edges = boundsWhere(points, (x) => (isZero(x) ? defaultLeft : x <= threshold));
    tree.setChildren(tree.node(feature, 0, defaultLeft, edges), left, right);
  } else {
    tree.setChildren(tree.node(feature, threshold, missing === 2 ? defaultLeft : 0 <= threshold), left, right);
  }
  return missing === 2;
}

function categoryEdges({ categoryStarts, categoryWords }: TreeFields, index: number, field: string, fail: Fail): readonly number[] {
  const [start, end] = [categoryStarts[index], categoryStarts[index + 1]];
  if (start === undefined || end === undefined || start > end || start < 0 || end > categoryWords.length) return fail('input', 'bad-field', field, `set ${index} of categories is not in cat_boundaries.`);
  const categories: number[] = [];
  for (let word = start; word < end; word++) {
    const bits = categoryWords[word] as number;
    for (let bit = 0; bit < 32; bit++) if (Math.floor(bits / 2 ** bit) % 2 === 1) categories.push((word - start) * 32 + bit);
  }
  const [first, ...rest] = categoryBounds(categories);
  // The category is the number without its fraction: all between −1 and 1 is 0.
  return first === undefined ? [] : [first === 0 ? nextFloat(-1, 'float64') : first, ...rest];
}

function numbersOf(text: string, length: number, field: string, fail: Fail): readonly number[] {
  const parts = text.split(' ').filter((part) => part !== '');
  if (parts.length !== length) fail('input', 'bad-field', field, `has ${parts.length} numbers; ${length} are needed.`);
  return parts.map((part) => {
    // A split of NaN from all else has the threshold inf.
    const value = part === 'inf' ? Number.MAX_VALUE : part === '-inf' ? -Number.MAX_VALUE : Number(part);
    return Number.isFinite(value) ? value : fail('input', 'bad-field', field, `'${part.slice(0, 40)}' is no finite number.`);
  });
}
