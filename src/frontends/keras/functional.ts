import { CompileError } from '../../errors.js';
import type { Tensor } from '../../model/tensor.js';
import { tensor } from '../../model/tensor.js';
import type { TensorRef } from '../network.js';
import type { LayerDescription } from './description.js';
import { isModelClass, layerIds, layersOf } from './description.js';
import type { ConfigReader, Json } from './json.js';
import { isObject } from './json.js';
import type { Argument, KerasCall } from './layer.js';
import type { History, NodeDescription, Reference } from './nodes.js';
import { endsOf, historiesOf, nodesOf } from './nodes.js';
import type { LayerWeights } from './weights.js';

/** What a functional model needs of the walker around it. */
interface NodeCaller {
  /** Builds one call of a layer; undefined where that is a problem, which is noted. */
  readonly callNode: (layer: LayerDescription, name: string, weights: LayerWeights, call: KerasCall) => readonly TensorRef[] | undefined;
  /** A layer whose input could not be built: at least whether it is known. */
  readonly check: (layer: LayerDescription, name: string) => void;
}

/** An input of a model, before it is one of the graph. */
export interface InputFacts {
  readonly name: string;
  readonly config: ConfigReader;
  readonly shape: Json;
}

export function inputShapeOf(config: ConfigReader): Json {
  return config.json('batch_shape') ?? config.json('batch_input_shape');
}

/** One pass through a functional model: its calls are built when something needs their outputs. */
export class FunctionalRun {
  private readonly layers: ReadonlyMap<string, LayerDescription>;
  private readonly weights = new Map<string, LayerWeights>();
  private readonly nodes = new Map<string, readonly NodeDescription[]>();
  private readonly offsets = new Map<string, number>();
  private readonly results = new Map<string, readonly TensorRef[] | 'failed' | 'open'>();

  constructor(
    private readonly walker: NodeCaller,
    private readonly model: LayerDescription,
    weights: LayerWeights,
    private readonly prefix: string,
  ) {
    const list = layersOf(model);
    this.layers = new Map(list.map((layer) => [layer.name, layer]));
    if (this.layers.size !== list.length) throw new CompileError('input', { code: 'duplicate-layer', where: model.config.where, what: 'has two layers of one name.' });
    const own = weights.layers(layerIds(list));
    list.forEach((layer, i) => this.weights.set(layer.name, own[i] as LayerWeights));
    const names = new Set(this.layers.keys());
    for (const layer of list) this.nodes.set(layer.name, nodesOf(layer, names));
    this.countOffsets();
  }

  /** Keras counts the calls of a nested model from 1: call 0 made the model itself. Seen by references past the last call. */
  private countOffsets(): void {
    const all = [...this.nodes.values()].flat().flatMap((node) => historiesOf([...node.args, ...Object.values(node.kwargs)]));
    for (const { layer, node } of [...all, ...endsOf(this.model, 'output_layers').map((end) => end.of)]) {
      const calls = this.nodes.get(layer)?.length ?? 0;
      if (calls > 0 && node >= calls && isModelClass(this.layers.get(layer)?.plainClass ?? '')) this.offsets.set(layer, 1);
    }
  }

  inputFacts(of: History): InputFacts {
    const layer = this.layerOf(of);
    return { name: layer.name, config: layer.config, shape: inputShapeOf(layer.config) };
  }

  setInput(of: History, value: TensorRef): void {
    this.results.set(key(of.layer, 0), [value]);
  }

  /** Builds what a tensor depends on, without recursion, and gives it; undefined where a problem came in between. */
  resolve(of: History): TensorRef | undefined {
    const stack: History[] = [of];
    while (stack.length > 0) {
      const current = stack[stack.length - 1] as History;
      const call = this.callOf(current);
      const known = this.results.get(key(current.layer, call));
      if (known !== undefined && known !== 'open') {
        stack.pop();
        continue;
      }
      const node = this.nodes.get(current.layer)?.[call];
      if (node === undefined) throw this.error(current.layer, 'bad-reference', `has no call ${current.node}, which another layer refers to.`);
      const needed = historiesOf([...node.args, ...Object.values(node.kwargs)]).filter((other) => {
        const state = this.results.get(key(other.layer, this.callOf(other)));
        return state === undefined || state === 'open';
      });
      if (needed.length === 0) {
        stack.pop();
        this.results.set(key(current.layer, call), this.build(current.layer, call, node) ?? 'failed');
        continue;
      }
      if (known === 'open') throw this.error(current.layer, 'cycle', 'depends on its own output.');
      this.results.set(key(current.layer, call), 'open');
      stack.push(...needed);
    }
    return this.valueOf(of);
  }

  private build(name: string, call: number, node: NodeDescription): readonly TensorRef[] | undefined {
    const layer = this.layers.get(name) as LayerDescription;
    const own = `${this.prefix}${name}${call === 0 ? '' : `_call${call + 1}`}`;
    const values = historiesOf([...node.args, ...Object.values(node.kwargs)]).map((of) => this.valueOf(of));
    if (values.some((value) => value === undefined)) {
      this.walker.check(layer, own);
      return undefined;
    }
    const args = node.args.map((arg) => this.argument(arg));
    const kwargs = Object.fromEntries(Object.entries(node.kwargs).map(([field, arg]) => [field, this.argument(arg)]));
    return this.walker.callNode(layer, own, this.weights.get(name) as LayerWeights, { inputs: values as TensorRef[], args, kwargs });
  }

  private argument(reference: Reference): Argument {
    switch (reference.kind) {
      case 'history':
        return { kind: 'tensor', tensor: this.valueOf(reference.of) as TensorRef };
      case 'list':
        return { kind: 'list', items: reference.items.map((item) => this.argument(item)) };
      case 'json':
        return pythonValue(reference.value);
    }
  }

  private valueOf(of: History): TensorRef | undefined {
    const result = this.results.get(key(of.layer, this.callOf(of)));
    if (result === undefined || result === 'failed' || result === 'open') return undefined;
    const value = result[of.tensor];
    if (value === undefined) throw this.error(of.layer, 'bad-reference', `has ${result.length} outputs; another layer refers to number ${of.tensor}.`);
    return value;
  }

  private callOf({ layer, node }: History): number {
    return node - (this.offsets.get(layer) ?? 0);
  }

  private layerOf(of: History): LayerDescription {
    const layer = this.layers.get(of.layer);
    if (layer === undefined) throw this.error(of.layer, 'bad-reference', 'is referred to, but is no layer of the model.');
    return layer;
  }

  private error(layer: string, code: string, what: string): CompileError {
    return new CompileError('input', { code, where: [...this.model.config.where, layer.slice(0, 200)], what });
  }
}

function key(layer: string, call: number): string {
  return `${call}:${layer}`;
}

/** What JSON stands for that is not plain: slices, `...`, constant arrays. */
function pythonValue(value: Json): Argument {
  if (!isObject(value)) return { kind: 'json', value };
  const config = value['config'];
  const fields = isObject(config) ? config : {};
  switch (value['class_name']) {
    case '__slice__':
    case 'slice': {
      const part = (field: string): number | null => (typeof fields[field] === 'number' ? fields[field] : null);
      return { kind: 'slice', start: part('start'), stop: part('stop'), step: part('step') };
    }
    case '__ellipsis__':
      return { kind: 'ellipsis' };
    case '__tensor__':
    case '__numpy__': {
      const constant = arrayOf(fields['value'] ?? null);
      return constant === undefined ? { kind: 'json', value } : { kind: 'constant', value: constant };
    }
    default:
      return { kind: 'json', value };
  }
}

/** Nested lists of numbers as a tensor; undefined where they are none. */
function arrayOf(value: Json): Tensor | undefined {
  const shape: number[] = [];
  for (let level: Json | undefined = value; Array.isArray(level); level = (level as readonly Json[])[0]) {
    shape.push(level.length);
    if (shape.length > 16) return undefined;
  }
  const flat: unknown[] = shape.length === 0 ? [value] : (value as unknown[]).flat(16 as 1);
  if (flat.length !== shape.reduce((product, n) => product * n, 1) || !flat.every((n) => typeof n === 'number' && Number.isFinite(n))) return undefined;
  return tensor(shape, flat as number[]);
}
