import { CompileError } from '../../errors.js';
import { dyadicOf } from '../../fixed/integer.js';
import type { LayerCatalogue } from '../../model/catalogue.js';
import type { ModelNode, OutputLink } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import { sizeOf } from '../../model/tensor.js';
import type { ActivationParams } from '../../layers/activation.js';
import type { LayerKind, LayerParams } from '../../layers/registry.js';
import type { LayerSink } from '../network.js';
import type { TensorReader } from './tensors.js';
import type { ConstantValue, OperatorNode, Value, VariableValue } from './values.js';
import { describeValue, fail, formatShape, leadOf, modelShape } from './values.js';

/** The most elements one tensor of activations may have: 2^24, far past any device. */
const MAX_ACTIVATION_ELEMENTS = 2 ** 24;

/** The widest grid, in bits, on which float constants beside quantisers are taken as they are. */
const EXACT_GRID_BITS = 16;

interface EmitOptions {
  /** Node name, where one ONNX node becomes several layers; the node's own by default. */
  readonly name?: string;
  /** Tensor name; made from the layer's name by default. */
  readonly output?: string;
  /** The ONNX view of the result, where it is not the layer's own shape. */
  readonly shape?: readonly number[];
  readonly integer?: boolean;
}

/** Grows the ModelGraph layer by layer while the ONNX graph is walked. */
export class GraphBuilder {
  readonly nodes: ModelNode[] = [];
  readonly constants = new Map<string, Tensor>();
  /** Shapes of the graph's inputs. */
  readonly inputShapes = new Map<string, readonly number[]>();
  /** What a layer's scores become predictions by, left out of the graph, by the layer's name. */
  readonly links = new Map<string, OutputLink>();
  private readonly nodeNames = new Set<string>();
  private readonly tensorNames = new Set<string>();
  private readonly constantNames = new Map<ConstantValue, string>();
  private readonly counters = new Map<string, number>();
  /** Layers that share a weight share its memory. */
  private readonly parameterData = new Map<Float64Array, Float64Array>();

  constructor(
    readonly catalogue: LayerCatalogue,
    readonly tensors: TensorReader,
    private readonly fileName: string,
    /** The file has quantisers: float constants on a coarse grid are then exact numbers, not weights to be rounded. */
    private readonly quantisedModel: boolean,
    /** The batch length the file declares for its inputs, where it is one number. */
    readonly declaredBatch: number | undefined,
    /** The file's tensors that operators compute with, beyond handing them on to outputs. */
    readonly computedWith: ReadonlySet<string> = new Set(),
  ) {}

  /** The model's shape of an input or of what a layer makes. */
  shapeOfTensor(name: string): readonly number[] | undefined {
    return this.inputShapes.get(name) ?? this.nodes.find((node) => node.output === name)?.shape;
  }

  /** The link of the layer that makes a tensor, reshapes behind it looked through. */
  linkOfTensor(name: string): OutputLink | undefined {
    const node = this.nodes.find((made) => made.output === name);
    const moves = node?.kind === 'reshape' || (node?.kind === 'activation' && (node.params as ActivationParams).function === 'linear');
    return moves ? this.linkOfTensor(node.inputs[0] as string) : this.links.get(node?.name ?? '');
  }

  /** Keeps a tensor name of the file for whoever owns it there. */
  reserveTensor(name: string): void {
    this.tensorNames.add(name);
  }

  /** The node's own name where the file gives a unique one, else a readable one: `matmul_3`. */
  uniqueNodeName(given: string, op: string): string {
    if (given !== '' && !this.nodeNames.has(given)) {
      this.nodeNames.add(given);
      return given;
    }
    const stem = given === '' ? op.toLowerCase() : given;
    let name: string;
    do {
      const count = (this.counters.get(stem) ?? (given === '' ? 0 : 1)) + 1;
      this.counters.set(stem, count);
      name = `${stem}_${count}`;
    } while (this.nodeNames.has(name));
    this.nodeNames.add(name);
    return name;
  }

  /** Node names of the file are taken before any is made up. */
  private freshNodeName(name: string): string {
    let fresh = name;
    for (let i = 2; this.nodeNames.has(fresh); i++) fresh = `${name}_${i}`;
    this.nodeNames.add(fresh);
    return fresh;
  }

  private freshTensorName(name: string): string {
    let fresh = name;
    for (let i = 2; this.tensorNames.has(fresh); i++) fresh = `${name}_${i}`;
    this.tensorNames.add(fresh);
    return fresh;
  }

  /** A constant as a layer's parameter: every value finite, zero without a sign. */
  parameter(node: OperatorNode, value: ConstantValue, role: string): Tensor {
    const data = this.parameterData.get(value.data) ?? value.data.map((n) => n + 0);
    this.parameterData.set(value.data, data);
    const bad = data.findIndex((n) => !Number.isFinite(n));
    if (bad >= 0) {
      fail(node, 'input', 'not-finite', `its ${role} holds ${value.data[bad]} at index ${bad} of ${data.length}.`, 'Retrain or repair the model: every parameter must be a finite number.');
    }
    return { shape: value.shape, data, quantised: value.quantised || value.integer || (this.quantisedModel && isOnCoarseGrid(data)) };
  }

  /** Adds a layer and gives its result. Inputs that are constants join the graph's constants. */
  emit<K extends LayerKind>(node: OperatorNode, kind: K, params: LayerParams[K], inputs: readonly Value[], options: EmitOptions = {}): VariableValue {
    const names = inputs.map((input) => this.inputName(node, input));
    const shapes = inputs.map((input) => (input.kind === 'variable' ? modelShape(input.shape) : input.kind === 'constant' ? input.shape : []));
    const actual = this.shapeOf(node, kind, params, shapes);
    const lead = inputs.some((input) => input.kind === 'variable' && leadOf(input.shape) === 1) ? 1 : 0;
    const shape = options.shape ?? actual.slice(lead);
    const wanted = modelShape(shape);
    const reshaped = actual.length !== wanted.length || actual.some((n, i) => n !== wanted[i]);
    const name = options.name === undefined ? node.name : this.freshNodeName(options.name);
    const output = options.output ?? (reshaped ? this.freshTensorName(`${name}:inner`) : this.freshTensorName(`${name}:out`));
    this.nodes.push({ name, kind, params, inputs: names, output, shape: actual });
    const integer = options.integer ?? false;
    if (!reshaped) return { kind: 'variable', tensor: output, shape, integer };
    return this.addReshape(node, `${name}/shape`, output, actual, wanted, shape, integer);
  }

  /** Where code shared between formats puts its layers; `node` is named in errors. */
  sink(node: OperatorNode): LayerSink {
    const constants = new Map<string, ConstantValue>();
    return {
      add: (kind, params, inputs, name) => {
        const values = inputs.map((input): Value => constants.get(input.tensor) ?? { kind: 'variable', tensor: input.tensor, shape: input.shape, integer: false });
        const { tensor, shape } = this.emit(node, kind, params, values, { name });
        return { tensor, shape };
      },
      constant: (name, value) => {
        const own = `${name}:constant`;
        constants.set(own, { kind: 'constant', name: own, shape: value.shape, data: value.data, integer: false, quantised: value.quantised === true });
        return { tensor: own, shape: value.shape };
      },
    };
  }

  /** Adds a reshape of one variable; the value itself where nothing changes. */
  reshape(node: OperatorNode, x: VariableValue, shape: readonly number[], name?: string): VariableValue {
    const from = modelShape(x.shape);
    const to = modelShape(shape);
    if (sizeOf(from) !== sizeOf(to)) fail(node, 'input', 'shape-mismatch', `cannot bring ${formatShape(x.shape)} (${sizeOf(from)} elements) to ${formatShape(shape)} (${sizeOf(to)}).`);
    if (name !== undefined && from.length === to.length && from.every((n, i) => n === to[i])) return { ...x, shape };
    return this.addReshape(node, name, x.tensor, from, to, shape, x.integer);
  }

  /** A variable with the batch in front of all the axes that ONNX sees. */
  lift(node: OperatorNode, x: VariableValue, name: string): VariableValue {
    if (leadOf(x.shape) === 1) return { ...x, shape: modelShape(x.shape) };
    const shape = [1, ...x.shape];
    return this.addReshape(node, name, x.tensor, x.shape, shape, shape, x.integer);
  }

  private addReshape(node: OperatorNode, given: string | undefined, from: string, inShape: readonly number[], to: readonly number[], shape: readonly number[], integer: boolean): VariableValue {
    const params = { shape: to };
    this.shapeOf(node, 'reshape', params, [inShape]);
    const name = given === undefined ? node.name : this.freshNodeName(given);
    const output = this.freshTensorName(`${name}:out`);
    this.nodes.push({ name, kind: 'reshape', params, inputs: [from], output, shape: to });
    return { kind: 'variable', tensor: output, shape, integer };
  }

  /** The layer's output shape; throws what the layer says against it, and on shapes no device holds. */
  private shapeOf(node: OperatorNode, kind: string, params: unknown, inputs: readonly (readonly number[])[]): readonly number[] {
    const shape = this.catalogue.shape(kind, params, inputs);
    if (typeof shape === 'string') return fail(node, 'input', 'shape-mismatch', `${shape}.`);
    const size = sizeOf(shape);
    if (size > MAX_ACTIVATION_ELEMENTS) return fail(node, 'unsupported', 'too-large', `its output ${formatShape(shape)} has ${size} elements; at most ${MAX_ACTIVATION_ELEMENTS} are supported.`);
    if (size === 0) return fail(node, 'input', 'empty-tensor', `its output ${formatShape(shape)} is empty.`);
    return shape;
  }

  private inputName(node: OperatorNode, value: Value): string {
    if (value.kind === 'variable') return value.tensor;
    if (value.kind !== 'constant') return fail(node, 'unsupported', value.kind, `an input ${describeValue(value)}.`);
    const known = this.constantNames.get(value);
    if (known !== undefined) return known;
    const name = this.tensorNames.has(value.name) && !this.constants.has(value.name) ? value.name : this.freshTensorName(value.name === '' ? `${node.name}:constant` : value.name);
    this.constants.set(name, this.parameter(node, value, `constant '${value.name}'`));
    this.constantNames.set(value, name);
    return name;
  }

  /** The only place where a problem has no node. */
  error(kind: 'input' | 'unsupported', code: string, what: string, mend?: string): CompileError {
    return new CompileError(kind, { code, where: [this.fileName], what, ...(mend === undefined ? {} : { mend }) });
  }
}

/** Whether all values are multiples of one power of two and need at most 16 bits on that grid. */
function isOnCoarseGrid(data: Float64Array): boolean {
  let exp = Infinity;
  let largest = 0;
  for (const value of data) {
    if (value === 0) continue;
    exp = Math.min(exp, dyadicOf(value).exp);
    largest = Math.max(largest, Math.abs(value));
    if (largest >= 2 ** (exp + EXACT_GRID_BITS)) return false;
  }
  return true;
}
