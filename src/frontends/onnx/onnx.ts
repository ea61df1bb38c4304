import { CompileError } from '../../errors.js';
import type { GraphInput, GraphOutput, ModelGraph, ModelNode } from '../../model/graph.js';
import { GraphProblems } from '../problems.js';
import type { Frontend, FrontendContext, ModelSource } from '../frontend.js';
import { modelName } from '../frontend.js';
import { GraphBuilder } from './builder.js';
import { finishGraph } from './finish.js';
import { applyOperator } from './apply.js';
import { findOperator, isQonnx, isQuantiser } from './operators/index.js';
import { computedWith, withoutLabels } from './labels.js';
import { nodeLabel, orderNodes } from './order.js';
import type { GraphProto, ModelProto, NodeProto, ValueInfoProto } from './schema.js';
import { decodeModel, onnxLikelihood } from './schema.js';
import { isIntegerType, TensorReader } from './tensors.js';
import type { OperatorNode, Value, VariableValue } from './values.js';
import { Attributes, constant, describeValue, formatShape, modelShape } from './values.js';

/** Operator set versions whose meaning the operators here follow. */
const OPSET_MIN = 6;
const OPSET_MAX = 24;

/** ONNX, with or without QONNX quantisers. */
export const onnxFrontend: Frontend = {
  name: 'onnx',
  summary: 'ONNX and QONNX, opsets 6 to 24',
  detects: (source) => onnxLikelihood(source.bytes),
  parse: (source, context) => {
    const model = decodeModel(source.bytes, source.name);
    return new GraphWalk(model, source, context).run();
  },
};

/** One reading of one file. */
class GraphWalk extends GraphProblems {
  private readonly graph: GraphProto;
  private readonly opset: number;
  private readonly tensors: TensorReader;
  private readonly values = new Map<string, Value>();
  private readonly inputs: GraphInput[] = [];
  private builder!: GraphBuilder;
  private readonly isQonnx: boolean;

  constructor(
    model: ModelProto & { readonly graph: GraphProto },
    private readonly source: ModelSource,
    private readonly context: FrontendContext,
  ) {
    super(source.name);
    this.graph = withoutLabels(model.graph);
    this.opset = this.readOpset(model);
    this.tensors = new TensorReader(source.name, context);
    this.isQonnx = this.graph.node.some((node) => isQonnx(node.domain, node.opType));
  }

  run(): ModelGraph {
    this.checkOperators();
    if (this.graph.sparseInitializer.length > 0) this.report('unsupported', 'sparse', [], 'holds sparse constants; export dense ones.');
    const quantised = this.graph.node.some((node) => isQuantiser(node.domain, node.opType));
    const initialisers = new Set(this.graph.initializer.map((tensor) => tensor.name));
    const declared = this.graph.input.filter((input) => !initialisers.has(input.name));
    this.builder = new GraphBuilder(this.context.catalogue, this.tensors, this.source.name, quantised, batchOf(declared), computedWith(this.graph));
    this.readInitialisers();
    this.readInputs(declared);
    const order = orderNodes(this.graph.node, new Set([...initialisers, ...declared.map((input) => input.name)]), this.source.name);
    for (const problem of order.problems) this.problems.push({ kind: 'input', problem });
    this.throwIfInput();
    const names = this.nameNodes();
    for (const node of this.graph.node) for (const output of node.output) this.builder.reserveTensor(output);
    for (const index of order.nodes) this.walk(this.graph.node[index] as NodeProto, names[index] as string);
    const outputs = this.readOutputs();
    this.throwProblems();
    return finishGraph(this.builder, this.inputs, outputs, { name: modelName(this.source), format: this.isQonnx ? 'qonnx' : 'onnx' });
  }

  private readOpset(model: ModelProto): number {
    const entry = model.opsetImport.find((set) => (set.domain ?? '') === '' || set.domain === 'ai.onnx');
    const version = entry === undefined ? undefined : entry.version ?? 0;
    if (version !== undefined && version >= OPSET_MIN && version <= OPSET_MAX) return version;
    // Quantisers alone need no ai.onnx; their own versions do not change what is read here.
    const usesStandard = model.graph?.node.some((node) => node.domain === '' || node.domain === 'ai.onnx') ?? false;
    if (version === undefined && !usesStandard) return OPSET_MAX;
    const found = version === undefined ? 'does not say which version of the ai.onnx operators it uses' : `uses version ${version} of the ai.onnx operators`;
    throw new CompileError(version === undefined ? 'input' : 'unsupported', {
      code: 'opset',
      where: [this.source.name],
      what: `${found}; versions ${OPSET_MIN} to ${OPSET_MAX} are supported.`,
      mend: 'Export again with opset_version=17.',
    });
  }

  /** All operators nobody knows, one problem each with the nodes that use it. */
  private checkOperators(): void {
    const unknown = new Map<string, string[]>();
    for (const node of this.graph.node) {
      if (findOperator(node.domain, node.opType) !== undefined) continue;
      const type = node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}:${node.opType}`;
      const nodes = unknown.get(type);
      if (nodes === undefined) unknown.set(type, [nodeLabel(node)]);
      else nodes.push(nodeLabel(node));
    }
    for (const [type, nodes] of unknown) {
      const shown = nodes.slice(0, 8).join(', ');
      const more = nodes.length > 8 ? ` and ${nodes.length - 8} more` : '';
      const reason = ['If', 'Loop', 'Scan'].includes(type) ? 'is control flow, which firmware with a fixed latency cannot have' : 'is not supported';
      this.report('unsupported', 'unknown-operator', [], `operator ${type} ${reason} (${nodes.length === 1 ? 'node' : 'nodes'} ${shown}${more}).`);
    }
  }

  private readInitialisers(): void {
    for (const proto of this.graph.initializer) {
      if (this.values.has(proto.name)) {
        this.report('input', 'duplicate-output', [], `holds the constant '${proto.name}' twice.`);
        continue;
      }
      this.builder.reserveTensor(proto.name);
      this.guard(() => {
        const { shape, data, integer, type } = this.tensors.read(proto);
        this.values.set(proto.name, constant(proto.name, shape, data, { integer, type }));
      }, [proto.name]);
    }
  }

  private readInputs(declared: readonly ValueInfoProto[]): void {
    for (const input of declared) {
      if (this.values.has(input.name) || this.failed.has(input.name)) this.report('input', 'duplicate-input', [], `declares the input '${input.name}' twice.`);
      this.builder.reserveTensor(input.name);
      this.guard(() => this.readInput(input), [input.name]);
    }
    if (declared.length === 0) this.report('input', 'no-inputs', [], 'has no inputs: everything in it is constant.');
  }

  private readInput(input: ValueInfoProto): void {
    const tensor = input.type?.tensorType;
    const bad = (kind: 'input' | 'unsupported', code: string, what: string, mend?: string): never => {
      throw new CompileError(kind, { code, where: [this.source.name, input.name], what, ...(mend === undefined ? {} : { mend }) });
    };
    const dims = tensor?.shape?.dim;
    if (tensor === undefined || tensor === null || dims === undefined) return bad('input', 'no-shape', 'is an input without a shape.', 'Export with example inputs, so that shapes are in the file.');
    const integer = isIntegerType(tensor.elemType);
    if (integer === undefined) return bad('unsupported', 'tensor-type', `is an input of element type ${tensor.elemType}; numbers are supported.`);
    if (dims.length === 0) return bad('unsupported', 'no-batch', 'is an input of rank 0; its first axis must be the batch.');
    const shape = dims.map((dim, axis) => {
      if (axis === 0) return 1;
      const n = dim.dimValue;
      if (n >= 1 && Number.isSafeInteger(n)) return n;
      return bad('input', 'open-shape', `axis ${axis} of this input has ${dim.dimParam === '' ? `length ${n}` : `the open length '${dim.dimParam}'`}.`, 'Only the batch may be open: export with fixed sizes.');
    });
    const size = shape.reduce((product, n) => product * n, 1);
    if (size > 2 ** 24) return bad('unsupported', 'too-large', `has shape ${formatShape(shape)}, ${size} elements; at most ${2 ** 24} are supported.`);
    this.values.set(input.name, { kind: 'variable', tensor: input.name, shape, integer });
    this.builder.inputShapes.set(input.name, shape);
    this.inputs.push({ name: input.name, shape, ...(integer ? { integer: true } : {}) });
  }

  /** Names of the file first, so that none of ours takes one. */
  private nameNodes(): readonly string[] {
    const names = new Array<string>(this.graph.node.length);
    this.graph.node.forEach((node, i) => {
      if (node.name !== '') names[i] = this.builder.uniqueNodeName(node.name, node.opType);
    });
    this.graph.node.forEach((node, i) => {
      if (node.name === '') names[i] = this.builder.uniqueNodeName('', node.opType);
    });
    return names;
  }

  private walk(proto: NodeProto, name: string): void {
    const outputs = proto.output;
    const operator = findOperator(proto.domain, proto.opType);
    if (operator === undefined || proto.input.some((input) => this.failed.has(input))) {
      outputs.forEach((output) => this.failed.add(output));
      return;
    }
    const inputs = proto.input.map((input) => (input === '' ? undefined : this.values.get(input)));
    const node: OperatorNode = { name, op: proto.opType, inputs, outputs, attributes: new Attributes(proto.attribute), opset: this.opset, fileName: this.source.name };
    this.guard(() => {
      const start = this.builder.nodes.length;
      const results = applyOperator(operator, node, this.builder);
      outputs.forEach((output, i) => this.define(node, output, results[i], start));
    }, outputs);
  }

  /** Gives a result the file's name for it. */
  private define(node: OperatorNode, output: string, value: Value | undefined, start: number): void {
    if (output === '') return;
    if (value === undefined) {
      this.failed.add(output);
      this.report('unsupported', 'extra-output', [node.name], `${node.op}: its output '${output}' is not supported.`);
      return;
    }
    this.values.set(output, value.kind === 'variable' ? this.rename(value, output, start) : value);
  }

  private rename(value: VariableValue, output: string, start: number): VariableValue {
    const { nodes } = this.builder;
    const made = nodes.findIndex((node, i) => i >= start && node.output === value.tensor);
    if (made < 0) return value;
    for (let i = start; i < nodes.length; i++) {
      const node = nodes[i] as ModelNode;
      const inputs = node.inputs.map((input) => (input === value.tensor ? output : input));
      nodes[i] = { ...node, inputs, output: i === made ? output : node.output };
    }
    return { ...value, tensor: output };
  }

  private outputOf(name: string, value: VariableValue): GraphOutput {
    const link = this.builder.linkOfTensor(value.tensor);
    return { name, tensor: value.tensor, shape: modelShape(value.shape), ...(link && { link }) };
  }

  private readOutputs(): readonly GraphOutput[] {
    const outputs: GraphOutput[] = [];
    for (const { name } of this.graph.output) {
      if (this.failed.has(name)) continue;
      const value = this.values.get(name);
      if (value === undefined) this.report('input', 'missing-output', [], `promises the output '${name}', which no node makes.`);
      else if (value.kind !== 'variable') this.report('unsupported', 'constant-output', [], `its output '${name}' ${describeValue(value)}.`);
      else if (outputs.some((output) => output.name === name)) this.report('input', 'duplicate-output', [], `declares the output '${name}' twice.`);
      else outputs.push(this.outputOf(name, value));
    }
    if (this.graph.output.length === 0) this.report('input', 'no-outputs', [], 'has no outputs.');
    return outputs;
  }
}

/** The batch length that all inputs declare, where it is one number. */
function batchOf(inputs: readonly ValueInfoProto[]): number | undefined {
  const lengths = new Set(inputs.map((input) => input.type?.tensorType?.shape?.dim[0]?.dimValue ?? 0));
  const [first] = lengths;
  return lengths.size === 1 && first !== undefined && first >= 1 ? first : undefined;
}
