import { CompileError } from '../../errors.js';
import type { Json, JsonObject } from './json.js';
import { ConfigReader, isObject, shown } from './json.js';
import type { LayerId } from './weights.js';

/** A serialised Keras object that is a layer. */
export interface LayerDescription {
  /** With its package (`hgq>QDense`, `ops>Add`) where it has one. */
  readonly className: string;
  /** Without it. */
  readonly plainClass: string;
  readonly name: string;
  readonly config: ConfigReader;
  readonly inboundNodes: Json;
}

const MODEL_CLASSES: readonly string[] = ['Sequential', 'Functional', 'Model'];

export function isModelClass(className: string): boolean {
  return MODEL_CLASSES.includes(className);
}

/** Reads the frame of a serialised layer; `where` is the file and what is around it. */
export function describeLayer(value: Json | undefined, where: readonly string[]): LayerDescription {
  if (!isObject(value) || typeof value['class_name'] !== 'string') {
    throw new CompileError('input', { code: 'bad-layer', where, what: `holds ${shown(value)} where a layer { class_name, config } is expected.` });
  }
  const className = qualifiedClass(value, value['class_name']);
  const config = value['config'];
  const fields: JsonObject = isObject(config) ? config : { layers: config ?? null };
  const name = typeof value['name'] === 'string' ? value['name'] : typeof fields['name'] === 'string' ? fields['name'] : '';
  if (name.length > 500) throw new CompileError('input', { code: 'bad-layer', where, what: `holds a layer whose name has ${name.length} characters.` });
  const plainClass = className.slice(className.lastIndexOf('>') + 1);
  const shownName = name === '' ? plainClass : name;
  return { className, plainClass, name: shownName, config: new ConfigReader(fields, [...where, shownName]), inboundNodes: value['inbound_nodes'] ?? null };
}

/** Operations of keras.ops have classes of the same names as layers (`Add`); their module tells them apart. */
function qualifiedClass(value: JsonObject, className: string): string {
  const registered = value['registered_name'];
  if (typeof registered === 'string' && registered.includes('>')) return registered;
  const moduleName = value['module'];
  if (typeof moduleName === 'string' && /^keras\.(src\.)?ops\b/.test(moduleName)) return `ops>${className}`;
  if (isBareOperation(value, moduleName)) return `ops>${className}`;
  return className;
}

/** The layers of a Sequential or Functional model. */
export function layersOf(model: LayerDescription): LayerDescription[] {
  const list = model.config.json('layers');
  if (!Array.isArray(list) || list.length === 0) return model.config.bad('layers', 'a list of layers');
  return (list as readonly Json[]).map((layer) => describeLayer(layer, model.config.where));
}

export function layerIds(layers: readonly LayerDescription[]): LayerId[] {
  return layers.map(({ name, plainClass }) => ({ name, className: plainClass }));
}

/** Operations whose configuration has a dtype, as that of layers has. */
const TYPED_OPERATIONS: ReadonlySet<Json> = new Set(['Cast', 'ConvertToTensor', 'Cumprod', 'Cumsum', 'FullLike', 'OneHot', 'OnesLike', 'Prod', 'SaturateCast', 'ZerosLike']);

/** HDF5 files keep no module. A layer's configuration says whether it trains, or its dtype; an operation's call has no say in it. */
function isBareOperation({ config, inbound_nodes: nodes, class_name: name }: JsonObject, moduleName: Json | undefined): boolean {
  if (moduleName !== undefined || !isObject(config) || !Array.isArray(nodes) || nodes.length === 0) return false;
  const isKeras3 = (nodes as readonly Json[]).every((node) => isObject(node) && 'args' in node);
  const ofLayers = ['trainable', 'layers', 'batch_shape', ...(TYPED_OPERATIONS.has(name ?? null) ? [] : ['dtype'])];
  return isKeras3 && !ofLayers.some((field) => field in config);
}
