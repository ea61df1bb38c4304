import { CompileError, didYouMean } from '../../errors.js';
import type { Problem } from '../../errors.js';
import type { LayerKind, LayerParams } from '../../layers/registry.js';
import type { Tensor } from '../../model/tensor.js';
import type { NetworkBuilder, TensorRef } from '../network.js';
import type { LayerDescription } from './description.js';
import { describeLayer, isModelClass, layerIds, layersOf } from './description.js';
import type { Json } from './json.js';
import { ConfigReader, isObject, shown } from './json.js';
import { FunctionalRun, inputShapeOf } from './functional.js';
import type { InputFacts } from './functional.js';
import type { Argument, KerasCall, KerasContext, LayerHandler } from './layer.js';
import { endsOf } from './nodes.js';
import { activations, layerHandlers } from './tables.js';
import { TransposeKeeper } from './transposes.js';
import type { LayerWeights } from './weights.js';

/** A model inside a model inside … at most this often. */
const MAX_NESTING = 16;

/** A named output of a model. */
export interface ModelOutput {
  readonly name: string;
  readonly of: TensorRef;
}

/** Walks the description of a model and builds the graph, collecting every problem on the way. */
export class ModelWalker implements KerasContext {
  private readonly problems: Problem[] = [];
  private readonly transposes: TransposeKeeper;
  private kinds = new Set<'input' | 'unsupported'>();
  private nesting = 0;

  constructor(
    private readonly network: NetworkBuilder,
    readonly kerasVersion: 2 | 3,
  ) {
    this.transposes = new TransposeKeeper(network);
  }

  /** The whole model: its inputs join the graph's. Throws all problems at once. */
  walk(model: LayerDescription, weights: LayerWeights): ModelOutput[] {
    const outputs = this.collect(() => (model.plainClass === 'Sequential' ? this.sequential(model, weights, '', undefined) : this.functional(model, weights, '', undefined)));
    if (this.problems.length > 0) throw new CompileError(this.kinds.has('input') ? 'input' : 'unsupported', this.problems);
    if (outputs === undefined) throw new CompileError('internal', { code: 'no-outputs', where: model.config.where, what: 'gave neither outputs nor problems.' });
    return outputs;
  }

  add<K extends LayerKind>(kind: K, params: LayerParams[K], inputs: readonly TensorRef[], name: string): TensorRef {
    return this.transposes.add(kind, params, inputs, name);
  }

  constant(name: string, value: Tensor): TensorRef {
    return this.network.constant(name, value);
  }

  fail(kind: 'input' | 'unsupported', layer: string, code: string, what: string, mend?: string): never {
    throw this.network.error(kind, code, layer, what, mend);
  }

  activation(specification: Json, x: TensorRef, name: string, ownName = false): TensorRef {
    const { key, config } = this.activationOf(specification, name);
    if (key === undefined) return x;
    const label = ownName ? name : `${name}_${afterPackage(key)}`;
    const handler = find(activations, key);
    if (handler !== undefined) return handler(config, x, label, this);
    const layer = find(layerHandlers, key);
    if (layer !== undefined && isObject(specification)) {
      const [y] = this.callLayer(specification, label, NO_WEIGHTS, [x]);
      if (y !== undefined) return y;
    }
    return this.fail('unsupported', name, 'unknown-activation', `has the activation ${shown(specification)}, which is not supported.`, didYouMean(key, Object.keys(activations)));
  }

  /** What an activation is called in the tables, and its configuration. */
  private activationOf(specification: Json, name: string): { readonly key: string | undefined; readonly config: ConfigReader } {
    const where = [this.network.fileName, name];
    if (specification === null || specification === 'linear') return { key: undefined, config: new ConfigReader({}, where) };
    if (typeof specification === 'string') {
      const call = /^\s*([\w>.]+)\s*\((.*)\)\s*$/s.exec(specification);
      const key = call?.[1] ?? specification.trim();
      return { key, config: new ConfigReader(call === null ? {} : { text: specification }, where) };
    }
    if (!isObject(specification)) return this.fail('input', name, 'bad-field', `has the activation ${shown(specification)}; a name or an object is needed.`);
    const { class_name: className, config } = specification;
    if (className === 'function' && typeof config === 'string') {
      const registered = specification['registered_name'];
      return this.activationOf(typeof registered === 'string' && registered.includes('>') ? registered : config, name);
    }
    if (typeof className !== 'string') return this.fail('input', name, 'bad-field', `has the activation ${shown(specification)}, which names no class.`);
    return { key: className, config: new ConfigReader(isObject(config) ? config : {}, where) };
  }

  callLayer(serialised: Json, name: string, weights: LayerWeights, inputs: readonly TensorRef[]): readonly TensorRef[] {
    const layer = describeLayer(serialised, [this.network.fileName, name]);
    const args = inputs.map((input): Argument => ({ kind: 'tensor', tensor: input }));
    return this.call(layer, name, weights, { inputs, args, kwargs: {} });
  }

  private call(layer: LayerDescription, name: string, weights: LayerWeights, call: KerasCall): readonly TensorRef[] {
    if (isModelClass(layer.plainClass)) return this.submodel(layer, name, weights, call.inputs);
    const handler = this.handlerOf(layer, name);
    const mask = call.kwargs['mask'];
    if (mask !== undefined && mask.kind !== 'json') this.fail('unsupported', name, 'mask', 'is called with a mask, which is not supported.', 'Remove the masking: events have a fixed shape.');
    const config = new ConfigReader(layer.config.fields, [this.network.fileName, name]);
    return handler({ className: layer.className, name, config, weights }, call, this);
  }

  private handlerOf(layer: LayerDescription, name: string): LayerHandler {
    const handler = find(layerHandlers, layer.className);
    if (handler !== undefined) return handler;
    const what = layer.className.startsWith('ops>') ? `is the operation keras.ops ${layer.plainClass}, which is not supported.` : `is of class ${layer.className.slice(0, 80)}, which is not supported.`;
    return this.fail('unsupported', name, 'unknown-layer', what, 'Supported layers are listed in docs/formats-and-layers.md; build the same from them.');
  }

  private submodel(model: LayerDescription, name: string, weights: LayerWeights, inputs: readonly TensorRef[]): readonly TensorRef[] {
    if (++this.nesting > MAX_NESTING) this.fail('unsupported', name, 'nesting', `is a model nested more than ${MAX_NESTING} deep.`);
    const build = model.plainClass === 'Sequential' ? this.sequential(model, weights, `${name}/`, inputs) : this.functional(model, weights, `${name}/`, inputs);
    this.nesting--;
    return build.map((output) => output.of);
  }

  /** `given`: the tensors a nested model is called with; undefined for the whole model, which makes its inputs. */
  private sequential(model: LayerDescription, weights: LayerWeights, prefix: string, given: readonly TensorRef[] | undefined): ModelOutput[] {
    const layers = layersOf(model);
    const own = weights.layers(layerIds(layers.filter((layer) => layer.plainClass !== 'InputLayer')));
    let x = given === undefined ? this.input(firstInput(model, layers, 0)) : given[0];
    if (given !== undefined && given.length !== 1) this.fail('input', prefix.slice(0, -1), 'inputs', `has ${given.length} inputs; 1 is needed.`);
    let name = layers[0]?.name ?? 'output';
    let index = 0;
    for (const layer of layers) {
      if (layer.plainClass === 'InputLayer') continue;
      const layerWeights = own[index++] as LayerWeights;
      const current = x;
      name = layer.name;
      if (current === undefined) {
        this.check(layer, `${prefix}${layer.name}`);
        continue;
      }
      const result = this.collect(() => this.call(layer, `${prefix}${layer.name}`, layerWeights, { inputs: [current], args: [{ kind: 'tensor', tensor: current }], kwargs: {} }));
      x = result?.[0];
      if (result !== undefined && result.length !== 1) this.collect(() => this.fail('unsupported', `${prefix}${layer.name}`, 'outputs', `has ${result.length} outputs inside a Sequential model; 1 is allowed.`));
    }
    if (x === undefined) throw new Unfinished();
    return [{ name, of: x }];
  }

  private functional(model: LayerDescription, weights: LayerWeights, prefix: string, given: readonly TensorRef[] | undefined): ModelOutput[] {
    const inputs = endsOf(model, 'input_layers');
    const outputs = endsOf(model, 'output_layers');
    const run = new FunctionalRun(this, model, weights, prefix);
    if (given !== undefined && given.length !== inputs.length) this.fail('input', prefix.slice(0, -1), 'inputs', `has ${given.length} inputs; ${inputs.length} are needed.`);
    inputs.forEach(({ of }, i) => run.setInput(of, given === undefined ? this.input(run.inputFacts(of)) : (given[i] as TensorRef)));
    const results = outputs.map(({ of }) => run.resolve(of));
    const names = new Set<string>();
    return outputs.map(({ name, of }, i) => {
      const result = results[i];
      if (result === undefined) throw new Unfinished();
      let own = name ?? of.layer;
      for (let k = 1; names.has(own); k++) own = `${name ?? of.layer}_${k}`;
      names.add(own);
      return { name: own, of: result };
    });
  }

  private input({ name, config, shape }: InputFacts): TensorRef {
    if (!Array.isArray(shape) || shape.length === 0) return this.fail('input', name, 'input-shape', `has the shape ${shown(shape)}; a list is needed.`);
    const sizes = (shape as readonly Json[]).slice(1);
    if (sizes.some((size) => size === null)) {
      this.fail('unsupported', name, 'open-shape', `has the shape ${shown(shape)}: a circuit needs every size but the batch's.`, 'Build the model with a fixed input shape and save it again.');
    }
    if (!sizes.every((size) => Number.isSafeInteger(size) && (size as number) > 0)) this.fail('input', name, 'input-shape', `has the shape ${shown(shape)}; whole numbers are needed.`);
    const dtype = config.json('dtype');
    const integer = typeof dtype === 'string' && /^u?int|^bool/.test(dtype);
    return this.network.input(name, [1, ...(sizes as number[])], integer ? { integer } : {});
  }

  /** Runs one step; its problems are kept, and undefined is its result then. */
  collect<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      if (error instanceof Unfinished) return undefined;
      if (!(error instanceof CompileError) || (error.kind !== 'input' && error.kind !== 'unsupported')) throw error;
      this.kinds.add(error.kind);
      this.problems.push(...error.problems);
      return undefined;
    }
  }

  /** A layer whose input could not be built: at least whether it is known. */
  check(layer: LayerDescription, name: string): void {
    if (layer.plainClass !== 'InputLayer' && !isModelClass(layer.plainClass)) this.collect(() => this.handlerOf(layer, name));
  }

  callNode(layer: LayerDescription, name: string, weights: LayerWeights, call: KerasCall): readonly TensorRef[] | undefined {
    return this.collect(() => this.call(layer, name, weights, call));
  }
}

/** Thrown where a problem that is already noted leaves nothing to go on with. */
class Unfinished extends Error {}

/** Where a Sequential model says what its input is: an InputLayer, the first layer, a nested model's first, or itself. */
function firstInput(model: LayerDescription, layers: readonly LayerDescription[], depth: number): InputFacts {
  const [first] = layers as readonly [LayerDescription, ...LayerDescription[]];
  const stated = inputShapeOf(first.config);
  if (stated !== null) return { name: first.plainClass === 'InputLayer' ? first.name : `${first.name}_input`, config: first.config, shape: stated };
  const own = model.config.json('build_input_shape');
  if (own === null && isModelClass(first.plainClass) && depth < MAX_NESTING) {
    if (first.plainClass === 'Sequential') return firstInput(first, layersOf(first), depth + 1);
    const [end] = endsOf(first, 'input_layers');
    const layer = layersOf(first).find((candidate) => candidate.name === end?.of.layer);
    if (layer !== undefined) return { name: `${first.name}_input`, config: layer.config, shape: inputShapeOf(layer.config) };
  }
  if (own === null) {
    throw new CompileError('input', {
      code: 'no-input-shape',
      where: model.config.where,
      what: 'does not say the shape of its input: it was saved before it was built.',
      mend: 'Begin it with keras.Input(shape=…), or call it once, and save it again.',
    });
  }
  return { name: `${first.name}_input`, config: first.config, shape: own };
}

function afterPackage(name: string): string {
  return name.slice(name.lastIndexOf('>') + 1);
}

/** An entry of a table by its full name, else without its package; operations keep theirs. */
function find<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  if (Object.hasOwn(table, name)) return table[name];
  const plain = afterPackage(name);
  return !name.startsWith('ops>') && Object.hasOwn(table, plain) ? table[plain] : undefined;
}

const NO_WEIGHTS: LayerWeights = {
  variables: (names) => {
    if (names.length === 0) return [];
    throw new CompileError('unsupported', { code: 'missing-weights', where: [], what: `an activation that has variables (${names.join(', ')}) is not supported.`, mend: 'Make it a layer of its own.' });
  },
  count: 0,
  part: () => NO_WEIGHTS,
  partNames: [],
  layers: (ids) => ids.map(() => NO_WEIGHTS),
};
