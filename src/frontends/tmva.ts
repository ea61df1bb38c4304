import { SaxesParser } from 'saxes';
import { CompileError } from '../errors.js';
import type { ForestParams, Tree } from '../layers/forest.js';
import type { ModelGraph, ModelNode } from '../model/graph.js';
import type { Fail } from './forest/forestGraph.js';
import { failIn, MAX_FOREST_EDGE } from './forest/forestGraph.js';
import { TreeArrays } from './forest/treeArrays.js';
import type { Frontend, FrontendContext, ModelSource } from './frontend.js';
import { modelName } from './frontend.js';
import { headText, sourceText } from './jsonText.js';

/**
 * TMVA's weight files of boosted decision trees (`dataset/weights/X_BDT.weights.xml`): Grad (classification, several
 * classes, regression), AdaBoost, RealAdaBoost and Bagging. The output is the MVA value. The meaning is that of ROOT's
 * MethodBDT.cxx and DecisionTree.cxx.
 */
export const tmvaFrontend: Frontend = {
  name: 'tmva',
  summary: 'TMVA weight files (.xml) of boosted decision trees',
  detects: (source) => (/<MethodSetup\b/.test(headText(source, 1024)) ? 0.95 : 0),
  parse: (source, context) => graphOf(source, context, readXml(source)),
};

/** A tree as it stands in the file: node 0 is the root. */
interface XmlTree {
  readonly boostWeight: number;
  readonly arrays: TreeArrays;
  /** Response, purity and type of each node, by index. */
  readonly facts: { readonly response: number; readonly purity: number; readonly type: number }[];
  /** Children left and right of each node, and whether x ≥ cut goes right (cType 1). */
  readonly children: { left: number; right: number; readonly cutRight: boolean; readonly inner: boolean }[];
}

interface XmlModel {
  readonly method: string;
  readonly options: ReadonlyMap<string, string>;
  readonly info: ReadonlyMap<string, string>;
  readonly nFeatures: number;
  readonly nClasses: number;
  readonly transformations: number;
  readonly analysis: number;
  readonly trees: readonly XmlTree[];
}

/** Deeper than this is no tree that a device holds. */
const MAX_DEPTH = 300;

type Attributes = Readonly<Record<string, string>>;

/** Collects what is needed while the file streams by; no document is built, and no entity of the file is expanded. */
class Collector {
  method = '';
  readonly options = new Map<string, string>();
  readonly info = new Map<string, string>();
  nFeatures = 0;
  nClasses = 2;
  transformations = 0;
  analysis = 0;
  readonly trees: XmlTree[] = [];
  private option: string | undefined;
  private readonly path: number[] = [];

  constructor(private readonly fail: Fail) {}

  open(name: string, attributes: Attributes): void {
    const integer = (key: string, fallback: number): number => this.number(attributes, key, name, fallback);
    this.option = undefined;
    switch (name) {
      case 'MethodSetup':
        this.method = attributes['Method'] ?? '';
        break;
      case 'Option':
        this.option = attributes['name'] ?? '';
        break;
      case 'Info':
        this.info.set(attributes['name'] ?? '', attributes['value'] ?? '');
        break;
      case 'Variables':
        this.nFeatures = integer('NVar', 0);
        break;
      case 'Classes':
        this.nClasses = integer('NClass', 2);
        break;
      case 'Transformations':
        this.transformations = integer('NTransformations', 0);
        break;
      case 'Weights':
        this.analysis = integer('AnalysisType', 0);
        break;
      case 'BinaryTree':
        this.trees.push({ boostWeight: integer('boostWeight', 1), arrays: new TreeArrays(), facts: [], children: [] });
        this.path.length = 0;
        break;
      case 'Node':
        this.node(attributes);
        break;
      default:
    }
  }

  close(name: string): void {
    this.option = undefined;
    if (name === 'Node') this.path.pop();
  }

  text(text: string): void {
    if (this.option !== undefined) this.options.set(this.option, text.trim());
  }

  private number(attributes: Attributes, key: string, name: string, fallback?: number): number {
    const text = attributes[key];
    const value = text === undefined ? fallback : text.trim() === '' ? NaN : Number(text);
    if (value === undefined || !Number.isFinite(value)) return this.fail('input', 'bad-field', name, `${this.trees.length > 0 ? `in tree ${this.trees.length - 1}, ` : ''}${key} is ${text === undefined ? 'missing' : `'${text.slice(0, 40)}'`}.`);
    return value;
  }

  private node(attributes: Attributes): void {
    const tree = this.trees.at(-1) ?? this.fail('input', 'bad-field', 'Node', 'stands outside a tree.');
    const number = (key: string, fallback?: number): number => this.number(attributes, key, 'Node', fallback);
    if (number('NCoef', 0) > 0) this.fail('unsupported', 'fisher-cuts', `tree ${this.trees.length - 1}`, 'has Fisher cuts, linear combinations of variables.', 'Train with UseFisherCuts=False.');
    if (this.path.length >= MAX_DEPTH) this.fail('unsupported', 'too-deep', `tree ${this.trees.length - 1}`, `is more than ${MAX_DEPTH} levels deep.`);
    // ROOT goes down while nType is 0; pruned nodes keep the variable they once split on.
    const type = number('nType', 0);
    const feature = type === 0 ? number('IVar', -1) : -1;
    if (type === 0 && feature < 0) this.fail('input', 'bad-field', `tree ${this.trees.length - 1}`, 'a node is no leaf (nType 0) and has no variable.');
    // Cuts and responses are Float_t in ROOT; a variable is compared as one, too.
    const index = tree.arrays.node(feature, Math.fround(number('Cut', 0)), true);
    tree.facts.push({ response: Math.fround(number('res', 0)), purity: Math.fround(number('purity', 0)), type });
    tree.children.push({ left: -1, right: -1, cutRight: number('cType', 1) !== 0, inner: type === 0 });
    const parent = this.path.at(-1);
    this.path.push(index);
    if (parent === undefined) {
      if (index !== 0) this.fail('input', 'bad-field', `tree ${this.trees.length - 1}`, 'has two roots.');
      return;
    }
    const side = attributes['pos'] === 'l' ? 'left' : attributes['pos'] === 'r' ? 'right' : this.fail('input', 'bad-field', `tree ${this.trees.length - 1}`, `a node is at '${(attributes['pos'] ?? '').slice(0, 40)}' of its parent; l or r are known.`);
    const children = tree.children[parent] as XmlTree['children'][number];
    if (children[side] !== -1) this.fail('input', 'bad-field', `tree ${this.trees.length - 1}`, `node ${parent} has two children ${side}.`);
    children[side] = index;
  }
}

function readXml(source: ModelSource): XmlModel {
  const collector = new Collector(failIn(source));
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw new CompileError('input', { code: 'bad-xml', where: [source.name], what: `is broken XML: ${error.message.replace(/\s+/g, ' ').slice(0, 120)}.`, mend: 'The file may be truncated; save the model again.' });
  });
  parser.on('opentag', (tag) => collector.open(tag.name, tag.attributes));
  parser.on('closetag', (tag) => collector.close(tag.name));
  parser.on('text', (text) => collector.text(text));
  parser.write(sourceText(source)).close();
  return collector;
}

/** Unsupported parts and options, found before trees are. */
function checkModel(model: XmlModel, fail: Fail): void {
  if (!/^BDT(::|$)/.test(model.method)) fail('unsupported', 'tmva-method', 'MethodSetup', `is the method '${model.method.slice(0, 60)}'; boosted decision trees (BDT) are supported.`);
  if (model.transformations > 0) fail('unsupported', 'tmva-transformations', 'Transformations', `${model.transformations} variable transformations stand before the trees.`, 'Train with VarTransform=None, or transform the inputs yourself before training.');
  if (!Number.isInteger(model.nFeatures) || model.nFeatures < 1 || model.nFeatures > MAX_FOREST_EDGE) fail('input', 'bad-field', 'Variables', `NVar is ${model.nFeatures}; 1 to ${MAX_FOREST_EDGE} are supported.`);
  if (model.trees.length === 0) fail('input', 'bad-field', 'Weights', 'there are no trees.');
  if (!Number.isInteger(model.nClasses) || model.nClasses < 1 || model.nClasses > MAX_FOREST_EDGE) fail('input', 'bad-field', 'Classes', `NClass is ${model.nClasses}.`);
}

function graphOf(source: ModelSource, context: FrontendContext, model: XmlModel): ModelGraph {
  const fail = failIn(source);
  checkModel(model, fail);
  const boost = model.options.get('BoostType') ?? 'AdaBoost';
  const kind = (model.info.get('AnalysisType') ?? 'Classification').toLowerCase();
  const common = { nFeatures: model.nFeatures, comparison: 'lt', sums: 'float64' } as const;
  if (boost === 'Grad') {
    const nOutputs = kind === 'multiclass' ? model.nClasses : 1;
    const base = new Array<number>(nOutputs).fill(kind === 'regression' ? (model.trees[0] as XmlTree).boostWeight : 0);
    const trees = model.trees.map((tree, i) => treeOf(tree, i % nOutputs, (facts) => facts.response, `tree ${i}`, fail));
    return chain(source, context, { ...common, nOutputs, base, trees, baseLast: true }, kind === 'multiclass' ? 'softmax' : kind === 'regression' ? undefined : 'tanh');
  }
  if (kind !== 'classification' || !['AdaBoost', 'RealAdaBoost', 'Bagging'].includes(boost)) {
    fail('unsupported', 'tmva-boost', 'Options', `is a ${kind} with BoostType=${boost.slice(0, 40)}; Grad, and AdaBoost, RealAdaBoost or Bagging for classification are supported.`);
  }
  // A mean weighted by the trees' boost weights: +1 or −1 of the leaf, or its purity.
  const usesClass = (model.options.get('UseYesNoLeaf') ?? 'True') !== 'False';
  const norm = model.trees.reduce((sum, tree) => sum + tree.boostWeight, 0);
  const trees = model.trees.map((tree, i) => treeOf(tree, 0, (facts) => (norm > Number.EPSILON ? (tree.boostWeight * (usesClass ? facts.type : facts.purity)) / norm : 0), `tree ${i}`, fail));
  return chain(source, context, { ...common, nOutputs: 1, base: [0], trees }, undefined);
}

/** Right where x ≥ cut, or with cType 0 where x < cut; NaN compares as not at least the cut. */
function treeOf({ arrays, facts, children }: XmlTree, output: number, leaf: (facts: XmlTree['facts'][number]) => number, field: string, fail: Fail): Tree {
  if (facts.length === 0) fail('input', 'bad-field', field, 'has no nodes.');
  children.forEach(({ left, right, cutRight, inner }, node) => {
    if (inner !== (left >= 0) || inner !== (right >= 0)) fail('input', 'bad-field', field, inner ? `node ${node} splits and lacks a child.` : `node ${node} is a leaf and has children.`);
    if (inner) arrays.setChildren(node, cutRight ? left : right, cutRight ? right : left);
  });
  const tree = arrays.build(output);
  return { ...tree, value: tree.value.map((cut, node) => (children[node]?.inner === true ? cut : leaf(facts[node] as XmlTree['facts'][number]))) };
}

/** The forest, and the function that makes the MVA value of its sum: 2/(1 + exp(−2s)) − 1 = tanh(s), or softmax. */
function chain(source: ModelSource, context: FrontendContext, params: ForestParams, last: 'tanh' | 'softmax' | undefined): ModelGraph {
  const shape = context.catalogue.shape('forest', params, [[1, params.nFeatures]]);
  if (typeof shape === 'string') throw new CompileError('input', { code: 'bad-tree', where: [source.name], what: `${shape}.` });
  const forest: ModelNode = { name: 'sum', kind: 'forest', params, inputs: ['features'], output: last === undefined ? 'mva' : 'sum', shape };
  const link: readonly ModelNode[] = last === undefined ? [] : [last === 'tanh'
    ? { name: 'mva', kind: 'activation', params: { function: 'tanh' }, inputs: ['sum'], output: 'mva', shape }
    : { name: 'mva', kind: 'softmax', params: { axis: 1 }, inputs: ['sum'], output: 'mva', shape }];
  return {
    name: modelName(source),
    format: 'tmva',
    inputs: [{ name: 'features', shape: [1, params.nFeatures] }],
    outputs: [{ name: 'mva', tensor: 'mva', shape }],
    constants: new Map(),
    nodes: [forest, ...link],
    parameters: params.trees.reduce((sum, tree) => sum + tree.feature.length, 0),
  };
}
