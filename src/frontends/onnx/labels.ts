import type { GraphProto, NodeProto, TensorProto } from './schema.js';

/** Element types of labels: integers and texts. */
const LABEL_TYPES: ReadonlySet<number> = new Set([5, 6, 7, 8]);

/**
 * The graph of a model of decision trees without its labels: outputs of integers and texts, and the nodes that lead to
 * them alone, are left out, so that what remains is the score. A multiplication by one behind it goes too, and so does the
 * constant that turns an isolation forest's score_samples into its decision function. Other graphs stay as they are.
 */
export function withoutLabels(graph: GraphProto): GraphProto {
  if (!graph.node.some((node) => node.opType.startsWith('TreeEnsemble'))) return graph;
  const scores = graph.output.filter((output) => !LABEL_TYPES.has(output.type?.tensorType?.elemType ?? 0));
  const output = scores.length === 0 ? graph.output : scores;
  const ones = new Set(graph.initializer.filter(isOne).map((tensor) => tensor.name));
  const offsets = graph.node.some((node) => node.opType === 'LabelEncoder') ? scoreOffsets(graph) : new Set<NodeProto>();
  const simple = graph.node.map((node): NodeProto => {
    if (offsets.has(node)) return changed(node, { opType: 'Identity', input: node.input.slice(0, 1) });
    if (node.opType !== 'Mul' || node.input.length !== 2 || !node.input.some((name) => ones.has(name))) return node;
    return changed(node, { opType: 'Identity', input: node.input.filter((name) => !ones.has(name)).slice(0, 1) });
  });
  const makers = new Map(simple.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const needed = new Set<NodeProto>();
  const read = new Set<string>();
  const pending = output.map(({ name }) => name);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (read.has(name)) continue;
    read.add(name);
    const node = makers.get(name);
    if (node === undefined || needed.has(node)) continue;
    needed.add(node);
    pending.push(...node.input);
  }
  const nodes = simple.filter((one) => needed.has(one)).map((one) => changed(one, { output: one.output.map((name) => (read.has(name) ? name : '')) }));
  const { name, initializer, input, sparseInitializer } = graph;
  return { name, initializer, input, sparseInitializer, node: nodes, output };
}

/** Operators that hand a score on as it is. */
const HANDING_ON: ReadonlySet<string> = new Set(['Identity', 'Cast', 'ZipMap']);

/** The tensors that operators compute with, all but those that are only handed on to outputs. */
export function computedWith(graph: GraphProto): ReadonlySet<string> {
  const found = new Set(graph.node.flatMap((node) => (HANDING_ON.has(node.opType) ? [] : node.input)));
  const handing = graph.node.filter((node) => HANDING_ON.has(node.opType));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { input, output } of handing) if (output.some((name) => found.has(name))) input.forEach((name) => found.add(name));
  }
  return found;
}

/** Fields by name: what a file leaves out is in the prototype of what protobuf reads. */
function changed({ input, output, name, opType, attribute, domain }: NodeProto, change: Partial<NodeProto>): NodeProto {
  return { input, output, name, opType, attribute, domain, ...change };
}

function isOne(tensor: TensorProto): boolean {
  if (tensor.dataType !== 1 || tensor.dims.some((n) => n !== 1)) return false;
  const { rawData } = tensor;
  return tensor.floatData.length === 1 ? tensor.floatData[0] === 1 : rawData.length === 4 && new DataView(rawData.buffer, rawData.byteOffset, 4).getFloat32(0, true) === 1;
}

/** `Add(Neg(Pow(…)), constant)` that makes an output: sklearn's decision_function = score_samples − offset_. */
function scoreOffsets(graph: GraphProto): ReadonlySet<NodeProto> {
  const constants = new Set(graph.initializer.map((tensor) => tensor.name));
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const outputs = new Set(graph.output.map(({ name }) => name));
  return new Set(graph.node.filter((node) => {
    const before = makers.get(node.input[0] ?? '');
    return node.opType === 'Add' && outputs.has(node.output[0] ?? '') && constants.has(node.input[1] ?? '') && before?.opType === 'Neg' && makers.get(before.input[0] ?? '')?.opType === 'Pow';
  }));
}
