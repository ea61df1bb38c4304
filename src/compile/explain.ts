import type { Port } from '../circuit/circuit.js';
import { typeOfElement } from '../circuit/circuit.js';
import { compileEmulator } from '../emulator/emulator.js';
import { CompileError, invariant } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { castValue, formatFixedType } from '../fixed/fixedType.js';
import type { ActivationParams } from '../layers/activation.js';
import type { LoweredLayer } from '../layers/lower.js';
import { catalogue } from '../layers/registry.js';
import { matchArrays } from '../io/arrays.js';
import { evaluateTensors } from '../model/evaluate.js';
import type { ModelGraph, ModelNode } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';
import type { Events as InputEvents } from '../quantize/search/fixedEvaluate.js';
import { eventOf } from '../quantize/search/fixedEvaluate.js';
import type { Explanation, ExplainedLayer, LayerLoss } from '../report/explanation.js';
import { arrayPorts } from './arrayPorts.js';
import type { Emulated, Events } from './emulate.js';
import { emulateFolder } from './emulate.js';
import type { CompiledFolder } from './folder.js';
import { folderGraph } from './folder.js';
import { layerCircuit } from './layerValues.js';
import { causeOf, isApart, typedParams } from './lossCause.js';

/** Layers whose loss is followed to the outputs, each by one more run of the float model; the largest losses first. */
const MOST_FOLLOWED = 64;

/**
 * What happens to one event, layer by layer: the float model beside the firmware, what each layer loses of what it is
 * given, and what that alone does to the outputs.
 *
 * @param number the event, from 0; without it the one whose outputs are furthest from the float model's
 * @throws CompileError (`input`): no such event, arrays that do not fit, a folder that is mixed or not complete
 */
export function explainEvent(folder: CompiledFolder, events: Events, number: number | undefined): Explanation {
  const typed = folderGraph(folder, 'model.json');
  const model = folderGraph(folder, 'float.json');
  const float = floatEvents(model, events);
  const emulated = emulateFolder(folder, events);
  const event = number ?? furthestEvent(folder, model, float, emulated);
  if (event >= emulated.count) {
    throw new CompileError('input', { code: 'no-such-event', where: ['--event', events.file], what: `there is no event ${event}: the file holds ${emulated.count}.`, mend: `Give a number from 0 to ${emulated.count - 1}.` });
  }
  const run = new EventRun(folder, typed, model, events, eventOf(float, event), event);
  run.checkOutputs(emulated);
  return { event, chosen: number === undefined, count: emulated.count, file: events.file, ...run.explain(), warnings: emulated.warnings };
}

/** All events as the float model takes them. */
function floatEvents(model: ModelGraph, { arrays, file }: Events): InputEvents {
  const { inputs, count } = matchArrays(arrays, arrayPorts(model), file);
  return { inputs: new Map(model.inputs.map((input, i) => [input.name, inputs[i] as Float64Array])), count };
}

function rowOf(values: Float64Array, count: number, event: number): Float64Array {
  const width = values.length / count;
  return values.slice(event * width, (event + 1) * width);
}

/** The event with the largest difference between the firmware's outputs and the float model's, the first of equals. */
function furthestEvent({ circuit }: CompiledFolder, model: ModelGraph, events: InputEvents, { results, count }: Emulated): number {
  let [furthest, most] = [0, -1];
  for (let event = 0; event < count; event++) {
    const float = evaluateTensors(model, catalogue, eventOf(events, event));
    const apart = circuit.outputs.reduce((sofar, port, k) => {
      const tensor = float.get(model.outputs[k]?.tensor ?? '')?.data;
      const fixed = rowOf(results[k]?.data as Float64Array, count, event);
      return tensor?.length === fixed.length ? Math.max(sofar, largest(fixed, tensor)) : sofar;
    }, 0);
    if (apart > most) [furthest, most] = [event, apart];
  }
  return furthest;
}

/** The largest distance of two equally long lists; NaN is far from nothing. */
function largest(a: Float64Array, b: Float64Array): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs((a[i] as number) - (b[i] as number));
    if (apart > most) most = apart;
  }
  return most;
}

/** One event through the float model and through the circuit with every layer's output kept. */
class EventRun {
  /** The float model's tensors by name. */
  private readonly float: Map<string, Tensor>;
  /** The firmware's, of the typed graph. */
  private readonly fixed = new Map<string, Tensor>();
  private readonly lowered = new Map<ModelNode, LoweredLayer>();
  private readonly makers: ReadonlyMap<string, ModelNode>;
  private readonly ports: ReadonlyMap<string, Port>;

  constructor(folder: CompiledFolder, private readonly typed: ModelGraph, private readonly model: ModelGraph, events: Events, private readonly given: ReadonlyMap<string, Float64Array>, private readonly event: number) {
    const layers = layerCircuit(typed, { onLayer: (layer) => this.lowered.set(layer.node, layer) });
    const matched = matchArrays(events.arrays, folder.inputs, events.file);
    const inputs = matched.inputs.map((values) => rowOf(values, matched.count, event));
    this.float = evaluateTensors(model, catalogue, given);
    this.makers = new Map(model.nodes.map((node) => [node.output, node]));
    const outputs = compileEmulator(layers).run(inputs, 1);
    for (const [name, constant] of typed.constants) this.fixed.set(name, constant);
    this.ports = new Map(layers.inputs.map((port) => [port.name, port]));
    layers.inputs.forEach((port, i) => this.fixed.set(port.name, { shape: [1, ...port.shape], data: (inputs[i] as Float64Array).map((value, e) => castValue(value, typeOfElement(port, e))) }));
    typed.nodes.forEach((node, k) => this.fixed.set(node.output, { shape: node.shape, data: outputs[k] as Float64Array }));
    this.passOn();
  }

  /** Casts that types have put in, right behind an input: the float model has their argument. */
  private passOn(): void {
    for (const { kind, params, inputs, output } of this.typed.nodes) {
      const source = this.float.get(inputs[0] ?? '');
      if (source !== undefined && !this.float.has(output) && kind === 'activation' && (params as ActivationParams).function === 'linear') this.float.set(output, source);
    }
  }

  /** The circuit that is explained must be the one that was compiled. */
  checkOutputs({ results, count }: Emulated): void {
    for (const { name, tensor } of this.typed.outputs) {
      const compiled = rowOf(results.find((array) => array.name === name)?.data as Float64Array, count, this.event);
      const own = this.fixed.get(tensor)?.data as Float64Array;
      invariant(compiled.every((value, i) => value === own[i]), `the layers of ${name} give another output than the circuit`);
    }
  }

  explain(): Pick<Explanation, 'layers' | 'outputs'> {
    const inputs = this.typed.inputs.filter((input) => input.flagsOf === undefined).map((input) => this.input(input.name, input.type));
    const layers = [...inputs, ...this.typed.nodes.map((node) => this.layer(node))];
    const lossy = layers.filter((layer) => layer.loss !== undefined).toSorted((a, b) => (b.loss?.most ?? 0) - (a.loss?.most ?? 0));
    const followed = new Map(lossy.slice(0, MOST_FOLLOWED).map((layer) => [layer, this.effectOf(layer)]));
    return {
      layers: layers.map((layer) => withEffect(layer, followed.get(layer))),
      outputs: this.typed.outputs.map(({ name, tensor }, k) => {
        const float = this.float.get(this.model.outputs[k]?.tensor ?? '')?.data;
        const fixed = this.fixed.get(tensor)?.data as Float64Array;
        return { name, fixed, ...(float?.length === fixed.length ? { float } : {}) };
      }),
    };
  }

  private input(name: string, type: FixedType | undefined): ExplainedLayer {
    const fixed = this.fixed.get(name)?.data as Float64Array;
    const float = this.given.get(name);
    const loss = float === undefined ? undefined : lossOf(fixed, float, (element) => causeOf({ kind: 'input', type: typeOfElement(this.ports.get(name) as Port, element), wanted: float[element] as number, got: fixed[element] as number }));
    return { name, kind: 'input', tensor: name, ...(type === undefined ? {} : { type: formatFixedType(type) }), fixed, exact: float ?? fixed, ...(float === undefined ? {} : { float }), ...(loss === undefined ? {} : { loss }) };
  }

  private layer(node: ModelNode): ExplainedLayer {
    const { name, kind, output, precision } = node;
    const fixed = this.fixed.get(output)?.data as Float64Array;
    const type = this.lowered.get(node)?.type;
    const operands = node.inputs.map((tensor) => this.fixed.get(tensor) as Tensor);
    const params = typedParams(node.params, precision, name);
    const rounded = catalogue.evaluate(kind, params, operands).data;
    const trained = this.trained(node);
    const exact = trained ?? (params === node.params ? rounded : catalogue.evaluate(kind, node.params, operands).data);
    const float = this.float.get(output)?.data;
    const loss = lossOf(fixed, exact, (element) => causeOf({ kind, params: node.params, precision, type, wanted: rounded[element] as number, trained: exact[element] as number, got: fixed[element] as number }));
    return {
      name, kind, tensor: output, fixed, exact,
      ...(type === undefined ? {} : { type: formatFixedType(type) }),
      ...(float?.length === fixed.length ? { float } : {}),
      ...(loss === undefined ? {} : { loss }),
    };
  }

  /** What the layer as it was trained makes of what it is given here; undefined where the float model has no such layer. */
  private trained(node: ModelNode): Float64Array | undefined {
    const own = this.makers.get(node.output);
    if (own === undefined || own.kind !== node.kind || own.inputs.length !== node.inputs.length) return undefined;
    const operands = own.inputs.map((name, i) => this.model.constants.get(name) ?? this.fixed.get(node.inputs[i] as string));
    const fits = own.inputs.every((name, i) => this.model.constants.has(name) || name === node.inputs[i] || this.float.get(name) === this.float.get(node.inputs[i] as string));
    return fits && operands.every((operand) => operand !== undefined) ? catalogue.evaluate(own.kind, own.params, operands).data : undefined;
  }

  /** How far the outputs of the float model move if this layer alone loses what it loses here. */
  private effectOf({ tensor, fixed, exact }: ExplainedLayer): number | undefined {
    if (exact === undefined || this.float.get(tensor)?.data.length !== fixed.length) return undefined;
    const moved = evaluateTensors(this.model, catalogue, this.given, (name, value) => {
      if (name !== tensor) return value;
      return { ...value, data: value.data.map((x, i) => x + (fixed[i] as number) - (exact[i] as number)) };
    });
    return Math.max(...this.model.outputs.map(({ tensor: output }) => largest(moved.get(output)?.data as Float64Array, this.float.get(output)?.data as Float64Array)));
  }
}

function withEffect(layer: ExplainedLayer, effect: number | undefined): ExplainedLayer {
  return effect === undefined ? layer : { ...layer, effect };
}

/** The largest difference and its cause, or undefined where there is none beyond float64's own rounding. */
function lossOf(fixed: Float64Array, exact: Float64Array, cause: (element: number) => LayerLoss['cause']): LayerLoss | undefined {
  let [element, most, count] = [-1, 0, 0];
  for (let i = 0; i < fixed.length; i++) {
    const apart = Math.abs((fixed[i] as number) - (exact[i] as number));
    if (!isApart(fixed[i] as number, exact[i] as number)) continue;
    count++;
    if (apart > most) [element, most] = [i, apart];
  }
  return element < 0 ? undefined : { element, most, count, cause: cause(element) };
}
