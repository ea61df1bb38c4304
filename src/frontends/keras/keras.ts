import { CompileError } from '../../errors.js';
import { isZip, readZip } from '../../io/zip.js';
import type { ModelGraph } from '../../model/graph.js';
import type { Frontend, FrontendContext, ModelSource } from '../frontend.js';
import { modelName, readSideFile } from '../frontend.js';
import { headText } from '../jsonText.js';
import { NetworkBuilder } from '../network.js';
import { describeLayer, isModelClass } from './description.js';
import type { Hdf5Group } from './hdf5.js';
import { isHdf5, openHdf5 } from './hdf5.js';
import type { Json } from './json.js';
import { isObject, MAX_JSON_CHARACTERS, parsePythonJson } from './json.js';
import { ModelWalker } from './model.js';
import type { LayerWeights } from './weights.js';
import { NamedModelWeights, TreeWeights, VariableReader } from './weights.js';

/** The most files beside a model.json that are looked into for its weights. */
const MAX_SIBLINGS = 64;

/** What every container comes down to. */
interface KerasModel {
  readonly config: Json;
  /** `2.14.0`, where the file says it. */
  readonly version: string | undefined;
  readonly weights: Hdf5Group;
}

/** Keras 2 and 3: `.keras`, `.h5`, and `model.json` with weights beside it. */
export const kerasFrontend: Frontend = {
  name: 'keras',
  summary: 'Keras .keras, full-model .h5, or model.json with weights',
  detects: (source) => {
    if (isHdf5(source.bytes)) return 0.9;
    if (isZip(source.bytes)) return hasConfig(source) ? 1 : 0;
    const head = headText(source);
    return /^\s*["{]/.test(head) && /\\?"class_name\\?"\s*:/.test(head) && /\\?"config\\?"\s*:/.test(head) ? 0.8 : 0;
  },
  parse: (source, context) => {
    if (isZip(source.bytes)) return build(source, context, openArchive(source));
    if (isHdf5(source.bytes)) return build(source, context, openFullModel(source));
    return build(source, context, openJson(source, context));
  },
};

function hasConfig(source: ModelSource): boolean {
  try {
    const { names } = readZip(source.bytes, [source.name]);
    return names.includes('config.json') && names.some((name) => name.endsWith('.weights.h5'));
  } catch {
    return false;
  }
}

function build(source: ModelSource, context: FrontendContext, { config, version, weights }: KerasModel): ModelGraph {
  const description = describeLayer(config, [source.name]);
  if (!isModelClass(description.plainClass)) {
    throw new CompileError('unsupported', {
      code: 'subclassed-model',
      where: [source.name],
      what: `holds a model of class ${description.className.slice(0, 80)}; Sequential and Functional models are read.`,
      mend: 'A subclassed model keeps its layers in Python code: build the same with keras.Sequential or the functional API.',
    });
  }
  const network = new NetworkBuilder(context.catalogue, source.name);
  const reader = new VariableReader([source.name]);
  const walker = new ModelWalker(network, majorVersion(config, version));
  const outputs = walker.walk(description, layerWeights(weights, reader, source.name));
  return network.finish({ name: modelName(source), format: 'keras', outputs, parameters: reader.parameters });
}

/** Keras 3 writes modules and no version into a model.json, Keras 2 a version. */
function majorVersion(config: Json, version: string | undefined): 2 | 3 {
  const stated = version ?? (isObject(config) && typeof config['keras_version'] === 'string' ? config['keras_version'] : undefined);
  if (stated !== undefined) return Number.parseInt(stated, 10) >= 3 ? 3 : 2;
  return isObject(config) && typeof config['module'] === 'string' ? 3 : 2;
}

function openArchive(source: ModelSource): KerasModel {
  const archive = readZip(source.bytes, [source.name]);
  const texts = readZip(source.bytes, [source.name], { maxEntryBytes: MAX_JSON_CHARACTERS, maxTotalBytes: 2 * MAX_JSON_CHARACTERS, maxEntries: 65536 });
  const text = (entry: string): string => new TextDecoder().decode(texts.read(entry));
  const where = (entry: string): readonly string[] => [source.name, entry];
  const metadata = archive.has('metadata.json') ? parsePythonJson(text('metadata.json'), where('metadata.json')) : null;
  const weights = archive.names.find((name) => name.endsWith('.weights.h5')) ?? 'model.weights.h5';
  return {
    config: parsePythonJson(text('config.json'), where('config.json')),
    version: isObject(metadata) && typeof metadata['keras_version'] === 'string' ? metadata['keras_version'] : undefined,
    weights: openHdf5(archive.read(weights), where(weights)),
  };
}

function openFullModel(source: ModelSource): KerasModel {
  const root = openHdf5(source.bytes, [source.name]);
  const config = root.text('model_config');
  if (config === undefined) {
    throw new CompileError('input', {
      code: 'weights-only',
      where: [source.name],
      what: 'is HDF5 without a model in it: it holds weights only, or something else than a Keras model.',
      mend: 'Save the whole model (model.save), or give the model.json and this file with --weights.',
    });
  }
  return { config: parsePythonJson(config, [source.name, 'model_config']), version: root.text('keras_version'), weights: root };
}

function openJson(source: ModelSource, context: FrontendContext): KerasModel {
  const config = parsePythonJson(new TextDecoder().decode(source.bytes), [source.name]);
  const { name, bytes } = source.weights ?? findWeights(source, context);
  if (!isHdf5(bytes)) throw new CompileError('input', { code: 'bad-weights', where: [name], what: 'is not HDF5; the weights of a Keras model.json are.' });
  const weights = openHdf5(bytes, [name]);
  return { config, version: weights.text('keras_version'), weights };
}

/** `<stem>_weights.h5`, `<stem>.weights.h5`, or the only weights file beside the model. */
function findWeights(source: ModelSource, context: FrontendContext): { readonly name: string; readonly bytes: Uint8Array } {
  const stem = modelName(source);
  const siblings = (source.siblings?.() ?? []).filter((name) => /\.(h5|hdf5)$/i.test(name));
  for (const name of [`${stem}_weights.h5`, `${stem}.weights.h5`]) {
    if (siblings.includes(name) || context.readSide(name) !== undefined) return { name, bytes: readSideFile(context, name, [source.name]) };
  }
  const files = siblings.slice(0, MAX_SIBLINGS).map((name) => ({ name, bytes: readSideFile(context, name, [source.name]) }));
  const weightFiles = files.filter(({ name, bytes }) => isHdf5(bytes) && openHdf5(bytes, [name]).text('model_config') === undefined);
  const [only, ...others] = weightFiles.length > 0 ? weightFiles : files;
  if (only !== undefined && others.length === 0) return only;
  throw new CompileError('input', {
    code: only === undefined ? 'no-weights' : 'which-weights',
    where: [source.name],
    what: only === undefined ? `holds the layers; there is no weights file beside it (${stem}_weights.h5 or ${stem}.weights.h5).` : `holds the layers; ${others.length + 1} weights files are beside it: ${[only, ...others].map((file) => file.name).join(', ').slice(0, 300)}.`,
    mend: 'Name the weights with --weights FILE.',
  });
}

function layerWeights(root: Hdf5Group, reader: VariableReader, file: string): LayerWeights {
  const model = root.group('model_weights');
  const lists = (group: Hdf5Group): boolean => group.texts('layer_names') !== undefined || group.texts('layer_names0') !== undefined;
  if (model !== undefined && lists(model)) return new NamedModelWeights(model, reader);
  if (lists(root)) return new NamedModelWeights(root, reader);
  if (['layers', '_layer_checkpoint_dependencies', 'vars'].some((name) => root.names.includes(name))) return new TreeWeights(root, '', reader);
  throw new CompileError('input', { code: 'no-weights', where: [file], what: 'its HDF5 has no weights as Keras writes them: neither layer_names nor a group layers.', mend: 'Save the model with its weights.' });
}
