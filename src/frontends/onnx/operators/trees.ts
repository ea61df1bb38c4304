import type { FloatKind } from '../../../fixed/floatSteps.js';
import type { OutputLink } from '../../../model/graph.js';
import type { GraphBuilder } from '../builder.js';
import type { EnsembleNode, Ensemble, LeafEntries, Mode, Reference } from '../ensemble.js';
import { forestOfEnsemble, MODES } from '../ensemble.js';
import { foldUnary } from '../fold.js';
import { forestLeaves } from '../leaves.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, OperatorNode, Value, VariableValue } from '../values.js';
import { constant, fail, formatShape, variableInput } from '../values.js';

/** Element type of doubles. */
const DOUBLE = 11;

type Numbers = readonly number[];

/** Floats of an attribute that newer versions also hold as a tensor, of doubles where the model is in float64. */
function numbersOf(node: OperatorNode, builder: GraphBuilder, name: string): { readonly values: Numbers; readonly kind: FloatKind } | undefined {
  const proto = node.attributes.tensor(`${name}_as_tensor`) ?? node.attributes.tensor(name);
  if (proto === undefined) {
    const values = node.attributes.floats(name);
    return values === undefined ? undefined : { values, kind: 'float32' };
  }
  return { values: [...builder.tensors.read(proto).data], kind: proto.dataType === DOUBLE ? 'float64' : 'float32' };
}

function integersOf(node: OperatorNode, name: string): Numbers {
  return node.attributes.ints(name) ?? fail(node, 'input', 'missing-attribute', `has no ${name}.`);
}

function checkLengths(node: OperatorNode, count: number, lists: Readonly<Record<string, ArrayLike<unknown>>>): void {
  for (const [name, list] of Object.entries(lists)) if (list.length !== count) fail(node, 'input', 'bad-tree', `${name} has ${list.length} entries; ${count} are needed.`);
}

/** Trees of the first three versions: lists of nodes with tree and node numbers, and leaves by those. */
function listedEnsemble(node: OperatorNode, builder: GraphBuilder, prefix: 'class' | 'target', nOutputs: number, nFeatures: number): Ensemble {
  const treeIds = integersOf(node, 'nodes_treeids');
  const nodeIds = integersOf(node, 'nodes_nodeids');
  const features = integersOf(node, 'nodes_featureids');
  const modes = node.attributes.strings('nodes_modes') ?? fail(node, 'input', 'missing-attribute', 'has no nodes_modes.');
  const split = numbersOf(node, builder, 'nodes_values') ?? fail(node, 'input', 'missing-attribute', 'has no nodes_values.');
  const [trueIds, falseIds] = [integersOf(node, 'nodes_truenodeids'), integersOf(node, 'nodes_falsenodeids')];
  const tracks = node.attributes.ints('nodes_missing_value_tracks_true') ?? [];
  checkLengths(node, treeIds.length, { nodes_nodeids: nodeIds, nodes_featureids: features, nodes_modes: modes, nodes_values: split.values, nodes_truenodeids: trueIds, nodes_falsenodeids: falseIds, ...(tracks.length > 0 ? { nodes_missing_value_tracks_true: tracks } : {}) });
  const places = new Map(treeIds.map((tree, i) => [`${tree}:${nodeIds[i]}`, i]));
  if (places.size !== treeIds.length) fail(node, 'input', 'bad-tree', 'two nodes of a tree have the same number.');
  const entries = leafEntries(node, builder, prefix, places, modes);
  const place = (tree: number, id: number): Reference => {
    const index = places.get(`${tree}:${id}`) ?? fail(node, 'input', 'bad-tree', `tree ${tree} refers to node ${id}, which it does not have.`);
    return { leaf: modes[index] === 'LEAF', index };
  };
  const children = new Set<number>();
  const nodes = treeIds.map((tree, i): EnsembleNode => {
    const mode = modes[i] as string;
    if (mode === 'LEAF') return { feature: -1, mode: 'BRANCH_LEQ', value: 0, missingTrue: false, whenTrue: { leaf: true, index: i }, whenFalse: { leaf: true, index: i } };
    const whenTrue = place(tree, trueIds[i] as number);
    const whenFalse = place(tree, falseIds[i] as number);
    children.add(whenTrue.index).add(whenFalse.index);
    return { feature: features[i] as number, mode: modeOf(node, mode), value: split.values[i] as number, missingTrue: tracks[i] === 1 || mode === 'BRANCH_NEQ', whenTrue, whenFalse };
  });
  const roots = treeIds.flatMap((_, i): Reference[] => (children.has(i) ? [] : [{ leaf: modes[i] === 'LEAF', index: i }]));
  const count = new Set(treeIds).size;
  if (roots.length !== count) fail(node, 'input', 'bad-tree', `${count} trees have ${roots.length} roots: a cycle, or nodes that nothing reaches.`);
  const base = numbersOf(node, builder, 'base_values')?.values ?? [];
  if (base.length !== 0 && base.length !== nOutputs) fail(node, 'input', 'bad-tree', `has ${base.length} base values for ${nOutputs} outputs.`);
  return { roots, nodes, leaves: entries, nOutputs, nFeatures, kind: split.kind, divisor: divisorOf(node, count), base: base.length === 0 ? new Array<number>(nOutputs).fill(0) : base.map((value) => value + 0) };
}

function modeOf(node: OperatorNode, name: string): Mode {
  return MODES.find((mode) => mode === name) ?? fail(node, 'input', 'bad-attribute', `knows no mode '${name.slice(0, 40)}'.`);
}

function divisorOf(node: OperatorNode, trees: number): number {
  const how = node.attributes.string('aggregate_function', 'SUM');
  if (how === 'SUM') return 1;
  if (how === 'AVERAGE') return trees;
  return fail(node, 'unsupported', 'aggregate', `aggregates by ${how.slice(0, 40)}; SUM and AVERAGE are supported.`);
}

/** What each node that is a leaf adds, by the place of the node. */
function leafEntries(node: OperatorNode, builder: GraphBuilder, prefix: 'class' | 'target', places: ReadonlyMap<string, number>, modes: readonly string[]): readonly LeafEntries[] {
  const trees = integersOf(node, `${prefix}_treeids`);
  const ids = integersOf(node, `${prefix}_nodeids`);
  const outputs = integersOf(node, `${prefix}_ids`);
  const weights = numbersOf(node, builder, `${prefix}_weights`)?.values ?? fail(node, 'input', 'missing-attribute', `has no ${prefix}_weights.`);
  checkLengths(node, trees.length, { [`${prefix}_nodeids`]: ids, [`${prefix}_ids`]: outputs, [`${prefix}_weights`]: weights });
  const entries: (readonly [number, number])[][] = modes.map(() => []);
  trees.forEach((tree, i) => {
    const at = places.get(`${tree}:${ids[i]}`);
    if (at === undefined || modes[at] !== 'LEAF') fail(node, 'input', 'bad-tree', `${prefix}_nodeids names node ${ids[i]} of tree ${tree}, which is no leaf.`);
    entries[at as number]?.push([outputs[i] as number, weights[i] as number]);
  });
  return entries;
}

const LINKS: Readonly<Record<string, OutputLink | null>> = { NONE: null, LOGISTIC: { function: 'sigmoid' }, SOFTMAX: { function: 'softmax' } };

function linkOf(node: OperatorNode, name: string): OutputLink | undefined {
  const link = LINKS[name];
  return link === undefined ? fail(node, 'unsupported', 'post-transform', `its post_transform is ${name.slice(0, 40)}; NONE, LOGISTIC and SOFTMAX are supported.`) : link ?? undefined;
}

/** The features of a row, behind a Gather that only picks some where there is one. */
function featuresOf(node: OperatorNode): { readonly x: VariableValue; readonly count: number } {
  const x = variableInput(node, 0);
  if (x.shape.length !== 2 || x.shape[0] !== 1) fail(node, 'unsupported', 'shape-mismatch', `its input ${formatShape(x.shape)} is no row of features.`);
  return { x, count: x.shape[1] as number };
}

/** The margin, before the link; the label in front of it has no value here. */
function emitForest(node: OperatorNode, builder: GraphBuilder, x: VariableValue, ensemble: Ensemble, link: OutputLink | undefined): VariableValue {
  const params = forestOfEnsemble(node, ensemble);
  const value = builder.emit(node, 'forest', params, [x]);
  if (link !== undefined) builder.links.set(node.name, link);
  return value;
}

/** The one of two classes that all leaves add to, where there is only one. */
function loneClass({ leaves, nOutputs }: Ensemble): number | undefined {
  const added = new Set(leaves.flatMap((entries) => entries.map(([output]) => output)));
  return nOutputs === 2 && added.size === 1 ? [...added][0] : undefined;
}

/** The score of one class alone. */
function onlyClass(ensemble: Ensemble, kept: number): Ensemble {
  return { ...ensemble, nOutputs: 1, leaves: ensemble.leaves.map((entries) => entries.flatMap(([output, weight]): (readonly [number, number])[] => (output === kept ? [[0, weight]] : []))), base: [ensemble.base[kept] ?? 0] };
}

/** One output for two classes whose weights are each other's negative, or where one of two is listed alone. */
function binaryEnsemble(ensemble: Ensemble): Ensemble {
  const { leaves, base } = ensemble;
  if (ensemble.nOutputs !== 2) return ensemble;
  const lone = loneClass(ensemble);
  if (lone !== undefined) return onlyClass(ensemble, lone);
  const pairs = leaves.filter((entries) => entries.length > 0);
  const opposite = pairs.every((entries) => entries.length === 2 && entries[0]?.[0] !== entries[1]?.[0] && (entries[0]?.[1] as number) === -(entries[1]?.[1] as number));
  return opposite && base[0] === -(base[1] as number) ? onlyClass(ensemble, 1) : ensemble;
}

/**
 * Every class's score, as operators behind the trees compute with it. Where the first of two classes is listed alone, ONNX
 * Runtime takes that for the second's: the first has what is missing to 1, or the negative if any weight is negative.
 */
function emitClasses(node: OperatorNode, builder: GraphBuilder, x: VariableValue, ensemble: Ensemble, baseValues: number): VariableValue {
  const link = linkOf(node, node.attributes.string('post_transform', 'NONE'));
  const lone = loneClass(ensemble) === 0;
  if (lone && link?.function === 'softmax') fail(node, 'unsupported', 'post-transform', 'operators compute with its SOFTMAX of a single score; export it without post_transform.');
  const forest = builder.emit(node, 'forest', forestOfEnsemble(node, lone ? onlyClass(ensemble, 0) : ensemble), [x], lone || link !== undefined ? { name: `${node.name}/trees` } : {});
  let scores = forest;
  if (lone) {
    const whole = link === undefined && baseValues < 2 && ensemble.leaves.every((entries) => entries.every(([, weight]) => weight >= 0));
    const weight = builder.parameter(node, constant(node.name, [1, 2], [-1, 1], { quantised: true }), 'signs');
    const bias = whole ? builder.parameter(node, constant(node.name, [2], [1, 0], { quantised: true }), 'whole') : null;
    scores = builder.emit(node, 'dense', { weight, bias }, [forest], link === undefined ? {} : { name: `${node.name}/classes` });
  }
  if (link?.function === 'softmax') return builder.emit(node, 'softmax', { axis: 1 }, [scores]);
  return link === undefined ? scores : builder.emit(node, 'activation', { function: 'sigmoid' }, [scores]);
}

const classifier: Operator = {
  run: (node, builder) => {
    const { x, count } = featuresOf(node);
    const labels = Math.max(node.attributes.ints('classlabels_int64s')?.length ?? 0, node.attributes.strings('classlabels_strings')?.length ?? 0);
    if (labels < 1 || labels > 65536) fail(node, 'input', 'bad-attribute', `has ${labels} class labels.`);
    const given = numbersOf(node, builder, 'base_values')?.values ?? [];
    const single = labels === 2 && given.length === 1;
    const listed = listedEnsemble(single ? { ...node, attributes: node.attributes.with('base_values', [0, ...given]) } : node, builder, 'class', labels, count);
    // One base value of two classes is that of the one class that is listed.
    const ensemble = single ? { ...listed, base: [listed.base[1] as number, listed.base[1] as number] } : listed;
    if (builder.computedWith.has(node.outputs[1] ?? '')) return [LABEL, emitClasses(node, builder, x, ensemble, given.length)];
    return [LABEL, emitForest(node, builder, x, binaryEnsemble(ensemble), linkOf(node, node.attributes.string('post_transform', 'NONE')))];
  },
};

/** A label: no node reads it, since outputs of labels and what leads to them are dropped before. */
const LABEL: Value = { kind: 'constant', name: 'label', shape: [1], data: Float64Array.of(0), integer: true, quantised: true };

const regressor: Operator = {
  run: (node, builder) => {
    const { x, count } = featuresOf(node);
    const nTargets = node.attributes.int('n_targets', 1);
    if (!Number.isInteger(nTargets) || nTargets < 1 || nTargets > 65536) fail(node, 'input', 'bad-attribute', `has ${nTargets} targets.`);
    const ensemble = listedEnsemble(node, builder, 'target', nTargets, count);
    const link = linkOf(node, node.attributes.string('post_transform', 'NONE'));
    const leaves = link === undefined ? forestLeaves(node, x, ensemble, integersOf(node, 'target_nodeids'), numbersOf(node, builder, 'target_weights')?.values ?? []) : undefined;
    return [leaves ?? emitForest(node, builder, x, ensemble, link)];
  },
};

/** opset 5: nodes and leaves in lists of their own, modes as numbers. */
const ensemble5: Operator = {
  run: (node, builder) => {
    const { x, count } = featuresOf(node);
    const nOutputs = node.attributes.int('n_targets', 1);
    if (!Number.isInteger(nOutputs) || nOutputs < 1 || nOutputs > 65536) fail(node, 'input', 'bad-attribute', `has ${nOutputs} targets.`);
    const tensor = (name: string): ReturnType<typeof numbersOf> => numbersOf(node, builder, name);
    const splits = tensor('nodes_splits') ?? fail(node, 'input', 'missing-attribute', 'has no nodes_splits.');
    const modes = tensor('nodes_modes')?.values ?? fail(node, 'input', 'missing-attribute', 'has no nodes_modes.');
    const features = integersOf(node, 'nodes_featureids');
    const [trueIds, falseIds] = [integersOf(node, 'nodes_truenodeids'), integersOf(node, 'nodes_falsenodeids')];
    const [trueLeafs, falseLeafs] = [integersOf(node, 'nodes_trueleafs'), integersOf(node, 'nodes_falseleafs')];
    const tracks = node.attributes.ints('nodes_missing_value_tracks_true') ?? [];
    checkLengths(node, modes.length, { nodes_splits: splits.values, nodes_featureids: features, nodes_truenodeids: trueIds, nodes_falsenodeids: falseIds, nodes_trueleafs: trueLeafs, nodes_falseleafs: falseLeafs, ...(tracks.length > 0 ? { nodes_missing_value_tracks_true: tracks } : {}) });
    const sets = memberSets(tensor('membership_values')?.values ?? []);
    let set = 0;
    const nodes = modes.map((number, i): EnsembleNode => {
      const mode = MODES[number] ?? fail(node, 'input', 'bad-attribute', `knows no mode ${number}.`);
      return {
        feature: features[i] as number, mode, value: splits.values[i] as number, missingTrue: tracks[i] === 1 || mode === 'BRANCH_NEQ',
        ...(mode === 'BRANCH_MEMBER' ? { members: sets[set++] ?? fail(node, 'input', 'bad-tree', `membership_values have ${sets.length} sets, fewer than its nodes of mode MEMBER.`) } : {}),
        whenTrue: { leaf: trueLeafs[i] === 1, index: trueIds[i] as number }, whenFalse: { leaf: falseLeafs[i] === 1, index: falseIds[i] as number },
      };
    });
    const targets = integersOf(node, 'leaf_targetids');
    const weights = tensor('leaf_weights')?.values ?? fail(node, 'input', 'missing-attribute', 'has no leaf_weights.');
    checkLengths(node, targets.length, { leaf_weights: weights });
    const roots = integersOf(node, 'tree_roots').map((index) => ({ leaf: false, index }));
    const how = node.attributes.int('aggregate_function', 1);
    if (how > 1) fail(node, 'unsupported', 'aggregate', `its aggregate_function is ${how}; 0 (average) and 1 (sum) are supported.`);
    const link = linkOf(node, ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'][node.attributes.int('post_transform', 0)] ?? 'of an unknown number');
    const ensemble: Ensemble = { roots, nodes, leaves: targets.map((target, i) => [[target, weights[i] as number]]), nOutputs, nFeatures: count, kind: splits.kind, divisor: how === 0 ? roots.length : 1, base: new Array<number>(nOutputs).fill(0) };
    return [emitForest(node, builder, x, ensemble, link)];
  },
};

/** Sets one behind the other, each ended by NaN. */
function memberSets(values: Numbers): readonly Numbers[] {
  const sets: number[][] = [[]];
  for (const value of values) {
    if (Number.isNaN(value)) sets.push([]);
    else sets.at(-1)?.push(value);
  }
  if (sets.at(-1)?.length === 0) sets.pop();
  return sets;
}

/** Probabilities by label are the probabilities; their labels are dropped. */
const zipMap: Operator = { fold: (_, inputs) => [inputs[0] as ConstantValue], run: (node) => [variableInput(node, 0)] };

/** Numbers to numbers by a table, on constants and leaves of one tree. */
const labelEncoder: Operator = {
  fold: (node, inputs, builder) => {
    const { attributes } = node;
    const keys = attributes.ints('keys_int64s') ?? attributes.floats('keys_floats') ?? fail(node, 'unsupported', 'label-encoder', 'its keys are no numbers.');
    const values = attributes.floats('values_floats') ?? attributes.ints('values_int64s') ?? fail(node, 'unsupported', 'label-encoder', 'its values are no numbers.');
    checkLengths(node, keys.length, { values });
    const table = new Map(keys.map((key, i) => [key, values[i] as number]));
    const fallback = attributes.has('values_floats') ? attributes.float('default_float', 0) : attributes.int('default_int64', -1);
    return [foldUnary(node, builder, inputs[0] as ConstantValue, (key) => table.get(key) ?? fallback, !attributes.has('values_floats'))];
  },
  run: (node) => fail(node, 'unsupported', 'variable-input', 'is supported on constants and on the leaves of one tree, and this one depends on more.'),
};

/** Operators of ai.onnx.ml: decision trees and what their exporters put around them. */
export const trees: OperatorTable = {
  TreeEnsemble: ensemble5,
  TreeEnsembleClassifier: classifier,
  TreeEnsembleRegressor: regressor,
  ZipMap: zipMap,
  LabelEncoder: labelEncoder,
};
