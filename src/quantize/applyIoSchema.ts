import { CompileError, didYouMean } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { fixedType, parseFixedType, rangeOf, sameType, typeOfInterval } from '../fixed/fixedType.js';
import { hull } from '../fixed/interval.js';
import type { IoInput, IoObject, IoOutput, IoSchemaText, IoStep } from '../io/ioSchema.js';
import type { ScalingParams } from '../layers/scaling.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import type { GraphInput, GraphOutput, ModelGraph, ModelNode, PortObject } from '../model/graph.js';
import { sizeOf, tensor } from '../model/tensor.js';

/**
 * The model with hardware integers in front and the score behind (docs/io.md): an input of the schema becomes the raw
 * integers, each element of its own type, and layers of kind `scaling` make of them what the model takes; its outputs are
 * those that the schema lists, in its order. The names of inputs stay.
 *
 * @throws CompileError (`config`): names that the model does not have, as many fields as elements are not; all at once
 */
export function applyIoSchema(graph: ModelGraph, io: IoSchemaText, catalogue: Pick<LayerCatalogue, 'shape'>): ModelGraph {
  const builder = new IoBuilder(graph, io, catalogue);
  const inputNames = graph.inputs.map((input) => input.name);
  for (const [name, input] of Object.entries(io.schema.inputs ?? {})) {
    const own = graph.inputs.find((known) => known.name === name);
    if (own === undefined) io.problem(['inputs', name], 'unknown-input', `the model has no input '${name}'.`, didYouMean(name, inputNames));
    else builder.input(own, input);
  }
  for (const [name, output] of Object.entries(io.schema.outputs ?? {})) builder.output(name, output);
  io.check();
  return builder.finish();
}

type StepOf = Omit<ScalingParams, 'values'> & { readonly values?: Float64Array };

class IoBuilder {
  private readonly before: ModelNode[] = [];
  private readonly after: ModelNode[] = [];
  private readonly outputs: GraphOutput[] = [];
  private readonly inputs = new Map<string, GraphInput>();
  private readonly taken: Set<string>;

  constructor(
    private readonly graph: ModelGraph,
    private readonly io: IoSchemaText,
    private readonly catalogue: Pick<LayerCatalogue, 'shape'>,
  ) {
    this.taken = new Set([...graph.inputs.map(({ name }) => name), ...graph.constants.keys(), ...graph.nodes.flatMap((node) => [node.name, node.output])]);
  }

  input(own: GraphInput, spec: IoInput): void {
    const elements = spec.objects.flatMap(elementsOf);
    if (elements.length !== sizeOf(own.shape)) {
      this.io.problem(['inputs', own.name, 'objects'], 'element-count', `the objects have ${elements.length} fields in all, the input has ${sizeOf(own.shape)} elements.`);
      return;
    }
    const types = elements.map(({ type }) => type);
    const [first] = types as [FixedType];
    const uniform = types.every((type) => sameType(type, first));
    const arithmetic = spec.arithmetic === undefined ? {} : { type: spec.arithmetic };
    const steps: StepOf[] = [
      ...(spec.arithmetic === undefined ? [] : [{ operation: 'cast', ...arithmetic } as const]),
      { operation: 'subtract', values: Float64Array.from(elements, ({ offset }) => offset), ...arithmetic },
      { operation: 'multiply', values: Float64Array.from(elements, ({ shift }) => 2 ** -shift), ...arithmetic },
      { operation: 'multiply', values: Float64Array.from(elements, ({ scale }) => scale) },
      ...(spec.type === undefined ? [] : [{ operation: 'cast', type: spec.type } as const]),
    ];
    const scaled = this.steps(this.before, `${own.name}/`, own.name, own.shape, steps).tensor;
    const { type: _, elementTypes: __, integer: ___, ...rest } = own;
    this.inputs.set(own.name, {
      ...rest,
      type: uniform ? first : typeOfInterval(types.map(rangeOf).reduce(hull)),
      ...(uniform ? {} : { elementTypes: types }),
      ...(scaled === own.name ? {} : { scaled }),
      objects: spec.objects.map(objectOf),
    });
  }

  output(name: string, spec: IoOutput): void {
    const own = this.outputOf(name, spec);
    if (own === undefined) return;
    const steps = (spec.steps ?? []).map((step, s) => this.step(step, own.shape, ['outputs', name, 'steps', s]));
    const { tensor: made, shape } = this.steps(this.after, `${name}/`, own.tensor, own.shape, steps);
    const objects = spec.objects?.map(({ name: object, count, fields }): PortObject => ({ name: object, ...(count === undefined ? {} : { count }), fields: fields.map(({ name: field, lsb, unit }) => ({ name: field, ...(lsb === undefined ? {} : { lsb }), ...(unit === undefined ? {} : { unit }) })) }));
    const named = objects?.reduce((n, { count = 1, fields }) => n + count * fields.length, 0);
    if (named !== undefined && named !== sizeOf(shape)) this.io.problem(['outputs', name, 'objects'], 'element-count', `the objects have ${named} fields in all, the output has ${sizeOf(shape)} elements.`);
    const { link, ...rest } = own;
    const keepsLink = link !== undefined && steps.length === 0;
    this.outputs.push({ ...rest, name, tensor: made, shape, ...(keepsLink ? { link } : {}), ...(objects === undefined ? {} : { objects }) });
  }

  /** The output of the model that one of the schema is made of. */
  private outputOf(name: string, { from }: IoOutput): GraphOutput | undefined {
    const { outputs } = this.graph;
    const found = outputs.find((output) => output.name === (from ?? name)) ?? (from === undefined && outputs.length === 1 ? outputs[0] : undefined);
    if (found === undefined) this.io.problem(['outputs', name, ...(from === undefined ? [] : ['from'])], 'unknown-output', `the model has no output '${from ?? name}'.`, didYouMean(from ?? name, outputs.map((output) => output.name)));
    return found;
  }

  private step(step: IoStep, shape: readonly number[], path: readonly (string | number)[]): StepOf {
    const type = step.type === undefined ? {} : { type: step.type };
    if (step.do === 'square' || step.do === 'sum' || step.do === 'cast') return { operation: step.do, ...type };
    const given = Array.isArray(step.by) ? step.by : [step.by];
    if (given.length !== 1 && given.length !== sizeOf(shape)) this.io.problem([...path, 'by'], 'element-count', `has ${given.length} values for ${sizeOf(shape)} elements.`);
    if (step.do === 'shift') return { operation: 'multiply', values: Float64Array.from(given, (bits) => 2 ** -bits), ...type };
    return { operation: step.do, values: Float64Array.from(given), ...type };
  }

  /** One node a step that does something; the tensor behind them. */
  private steps(nodes: ModelNode[], prefix: string, from: string, fromShape: readonly number[], steps: readonly StepOf[]): { readonly tensor: string; readonly shape: readonly number[] } {
    let [made, shape] = [from, fromShape];
    for (const { operation, values, type } of steps) {
      const neutral = operation === 'subtract' ? 0 : 1;
      if (values?.every((value) => value === neutral) === true) continue;
      const own = values === undefined ? undefined : tensor(values.length === sizeOf(shape) ? shape : [1], values, true);
      const params: ScalingParams = { operation, ...(own === undefined ? {} : { values: own }), ...(type === undefined ? {} : { type }) };
      const next = this.catalogue.shape('scaling', params, [shape]);
      // What remains are lists that do not fit, which were told already.
      if (typeof next === 'string') break;
      const name = this.freeName(`${prefix}${operation}`);
      nodes.push({ name, kind: 'scaling', params, inputs: [made], output: name, shape: next });
      [made, shape] = [name, next];
    }
    return { tensor: made, shape };
  }

  private freeName(wanted: string): string {
    let name = wanted;
    for (let n = 2; this.taken.has(name); n++) name = `${wanted}_${n}`;
    this.taken.add(name);
    return name;
  }

  finish(): ModelGraph {
    const { graph } = this;
    const scaled = (name: string): string => this.inputs.get(name)?.scaled ?? name;
    const outputs = this.outputs.length > 0 ? this.outputs : graph.outputs;
    const nodes = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(scaled) }));
    const after = this.after.map((node) => ({ ...node, inputs: node.inputs.map(scaled) }));
    return {
      ...graph,
      inputs: graph.inputs.map((input) => this.inputs.get(input.name) ?? input),
      outputs: outputs.map((output) => ({ ...output, tensor: scaled(output.tensor) })),
      nodes: needed([...this.before, ...nodes, ...after], outputs.map((output) => scaled(output.tensor))),
    };
  }
}

/** The layers that the outputs depend on: an output that the schema leaves out takes its layers with it. */
function needed(nodes: readonly ModelNode[], outputs: readonly string[]): readonly ModelNode[] {
  const wanted = new Set(outputs);
  const kept = nodes.toReversed().filter((node) => {
    if (!wanted.has(node.output)) return false;
    for (const input of node.inputs) wanted.add(input);
    return true;
  });
  return kept.toReversed();
}

interface Element {
  readonly type: FixedType;
  readonly offset: number;
  readonly shift: number;
  readonly scale: number;
}

/** The elements of an object in their order: all fields of the first instance, then of the next. */
function elementsOf({ count = 1, fields }: IoObject): Element[] {
  const at = (value: number | readonly number[] | undefined, instance: number, fallback: number): number => (typeof value === 'object' ? (value[instance] as number) : value ?? fallback);
  return Array.from({ length: count }, (_, k) => fields.map((field): Element => ({
    type: fieldType(field),
    offset: at(field.offset, k, 0),
    shift: at(field.shift, k, 0),
    scale: field.scale === 'lsb' ? field.lsb ?? 1 : at(field.scale, k, 1),
  }))).flat();
}

/** The wire of a field: an integer of its width, or its own type. */
function fieldType({ width = 1, signed = false, type }: IoObject['fields'][number]): FixedType {
  const parsed = type === undefined ? fixedType(signed, width, width) : parseFixedType(type);
  if (typeof parsed === 'string') throw new CompileError('internal', { code: 'io-type', where: [], what: `${parsed} in a schema that was read` });
  return parsed;
}

function objectOf({ name, count, fields }: IoObject): PortObject {
  return {
    name, ...(count === undefined ? {} : { count }),
    fields: fields.map((field) => ({ name: field.name, ...(field.lsb === undefined ? {} : { lsb: field.lsb }), ...(field.unit === undefined ? {} : { unit: field.unit }) })),
  };
}
