import { CompileError } from '../../errors.js';
import type { ModelGraph } from '../../model/graph.js';
import type { Frontend, FrontendContext, ModelSource } from '../frontend.js';
import { readSideFile } from '../frontend.js';
import type { TensorRef } from '../network.js';
import { NetworkBuilder } from '../network.js';
import type { Alias, Call, TopFunction, Variable } from './cpp.js';
import { Definitions, readTopFunction } from './cpp.js';
import { FUNCTIONS } from './layers.js';
import type { LayerFunction } from './project.js';
import { Project } from './project.js';

/**
 * A project folder of hls4ml, versions 0.5 to 1.3, any of its HLS backends that write `firmware/` as Vivado's does: types
 * and numbers from `defines.h` and `parameters.h`, layers from the top function, weights from `weights/`.
 */
export const hls4mlFrontend: Frontend = {
  name: 'hls4ml-project',
  summary: 'a project folder of hls4ml, with its firmware/',
  detects: (source) => (source.folder === true && source.siblings?.().some((name) => /(^|\/)firmware\/parameters\.h$/.test(name)) === true ? 1 : 0),
  parse: parseProject,
};

/** Largest text that is read whole: hls4ml's generated files are far smaller. */
const MAX_TEXT_BYTES = 64 * 2 ** 20;

function parseProject(source: ModelSource, context: FrontendContext): ModelGraph {
  const files = source.siblings?.() ?? [];
  const parameters = files.find((name) => /(^|\/)firmware\/parameters\.h$/.test(name)) as string;
  const folder = parameters.slice(0, -'parameters.h'.length);
  const text = (path: string): string => {
    const bytes = readSideFile(context, path, [source.name]);
    if (bytes.length > MAX_TEXT_BYTES) throw new CompileError('unsupported', { code: 'too-large', where: [source.name, path], what: `has ${bytes.length} bytes; at most ${MAX_TEXT_BYTES} are read.` });
    return new TextDecoder().decode(bytes);
  };
  const definitions = new Definitions();
  definitions.read(text(`${folder}defines.h`));
  definitions.read(text(parameters));
  const { top, file } = topFunction(files, folder, text, source.name);
  const net = new NetworkBuilder(context.catalogue, source.name);
  let count = 0;
  const project = new Project(net, definitions, (name, layer) => {
    const values = readWeights(files, folder, name, layer, text, source.name);
    count += values.length;
    return values;
  });
  const outputs = build(top, project, file);
  return net.finish({ name: top.name, format: 'hls4ml-project', outputs, parameters: count });
}

/** The function that a .cpp file of the folder is named after. */
function topFunction(files: readonly string[], folder: string, text: (path: string) => string, where: string): { readonly top: TopFunction; readonly file: string } {
  const candidates = files.filter((name) => name.startsWith(folder) && /^[^/]+\.cpp$/.test(name.slice(folder.length)));
  for (const file of candidates) {
    const top = readTopFunction(text(file), file.slice(folder.length, -'.cpp'.length));
    if (top !== undefined && top.steps.length > 0) return { top, file };
  }
  throw new CompileError('input', { code: 'no-top-function', where: [where], what: `${folder} has no .cpp file with a top function of its name that calls nnet:: layers.`, mend: 'Give the project folder as hls4ml wrote it.' });
}

/** Numbers of `weights/<name>.txt`, else of the array in `weights/<name>.h`. */
function readWeights(files: readonly string[], folder: string, name: string, layer: string, text: (path: string) => string, where: string): Float64Array {
  const fail = (what: string): never => {
    throw new CompileError('input', { code: 'weights', where: [where, layer], what });
  };
  if (!/^\w+$/.test(name)) return fail(`its weights '${name.slice(0, 60)}' are no array of the project.`);
  const plain = `${folder}weights/${name}.txt`;
  const header = `${folder}weights/${name}.h`;
  const list = files.includes(plain) ? text(plain) : files.includes(header) ? (/\{([^{}]*)\}/.exec(text(header).replace(/\/\/[^\n]*/g, ''))?.[1] ?? '') : fail(`its weights ${plain} are not in the project.`);
  const values = list.split(/[,\s]+/).filter((item) => item !== '');
  const numbers = Float64Array.from(values, Number);
  const bad = numbers.findIndex((value) => !Number.isFinite(value));
  return bad < 0 ? numbers : fail(`its weights ${name} hold '${(values[bad] as string).slice(0, 30)}', which is no number.`);
}

/** Walks the top function; every layer that is not supported is named before any error is thrown. */
function build(top: TopFunction, project: Project, file: string): { readonly name: string; readonly of: TensorRef }[] {
  const unsupported = top.steps.filter((step) => isCall(step) && FUNCTIONS[step.name] === undefined && !isCopy(step));
  if (unsupported.length > 0) {
    throw new CompileError('unsupported', (unsupported as Call[]).map((call) => ({
      code: 'unsupported-layer', where: [file, call.layer === '' ? (call.args.at(-1) ?? '') : call.layer],
      what: `nnet::${call.name} is not supported.`, mend: 'Give the trained model instead.',
    })));
  }
  const values = new Values(top);
  const written = new Set(top.steps.flatMap((step) => (isCall(step) ? [outputOf(step)] : [])));
  for (const variable of top.parameters) {
    // Weights may be parameters too: only types that are a layer's data have dimensions that no weight file has.
    if (!written.has(variable.name) && isRead(variable, top)) values.set(variable.name, inputOf(variable, top, project));
  }
  for (const step of top.steps) {
    if (!isCall(step)) continue;
    if (isCopy(step)) for (const copy of step.args.slice(1)) values.set(copy, known(values, step.args[0] ?? '', copy, project));
    else values.set(outputOf(step), layerOf(step, values, project));
  }
  return top.parameters.filter((variable) => written.has(variable.name)).map((variable) => ({ name: variable.name, of: values.get(variable.name) as TensorRef }));
}

/** Tensors by their names in the code; other names of a tensor are declared before it is written. */
class Values {
  private readonly tensors = new Map<string, TensorRef>();
  private readonly aliases: ReadonlyMap<string, string>;

  constructor(top: TopFunction) {
    this.aliases = new Map(top.steps.flatMap((step) => (isCall(step) ? [] : [[step.name, step.of] as const])));
  }

  set(name: string, value: TensorRef): void {
    this.tensors.set(name, value);
  }

  get(name: string): TensorRef | undefined {
    let own: string | undefined = name;
    for (let steps = 0; own !== undefined && steps <= this.aliases.size; steps++) {
      const value = this.tensors.get(own);
      if (value !== undefined) return value;
      own = this.aliases.get(own);
    }
    return undefined;
  }
}

function isCall(step: Call | Alias): step is Call {
  return 'args' in step;
}

/** Copies of streams and repacking of their words change no value. */
function isCopy(call: Call): boolean {
  return call.name === 'clone_stream' || call.name === 'repack_stream';
}

/** How many arrays of data a layer reads. */
function inputCount(call: Call): number {
  return FUNCTIONS[call.name]?.inputs(call) ?? 1;
}

function outputOf(call: Call): string {
  const result = FUNCTIONS[call.name]?.hasWeights === true ? call.args[inputCount(call)] : call.args.at(-1);
  return result ?? '';
}

function isRead(variable: Variable, top: TopFunction): boolean {
  return top.steps.some((step) => (isCall(step) ? step.args.slice(0, inputCount(step)).includes(variable.name) : step.of === variable.name));
}

/** An input of the top function: its size from its dimensions, or for streams from the first layer's config. */
function inputOf(variable: Variable, top: TopFunction, project: Project): TensorRef {
  const sizes = variable.dimensions.map((text) => project.definitions.number(text));
  const reader = top.steps.find((step): step is Call => isCall(step) && step.args.slice(0, inputCount(step)).includes(variable.name));
  const size = sizes.length > 0 && sizes.every((n) => n !== undefined) ? (sizes as number[]).reduce((a, b) => a * b, 1) : streamSize(reader, project);
  if (size === undefined || size < 1 || size > 2 ** 24) return project.fail('input', variable.name, 'input-size', `the size of this input '${variable.dimensions.join('][')}' is not known.`);
  return project.net.input(variable.name, [1, size], { type: project.type(variable.type, variable.name) });
}

/** Elements of a stream, as its first reader counts them. */
function streamSize(reader: Call | undefined, project: Project): number | undefined {
  const config = project.definitions.config(reader?.types.at(-1) ?? '');
  if (config === undefined) return undefined;
  const of = (field: string): number | undefined => project.optionalOf(config, field);
  const spatial = of('in_width') === undefined ? undefined : (of('in_height') ?? 1) * (of('in_width') as number) * (of('n_chan') ?? of('n_filt') ?? 1);
  return spatial ?? of('n_in') ?? of('n_elem');
}

function known(values: Values, name: string, layer: string, project: Project): TensorRef {
  return values.get(name) ?? project.fail('input', layer, 'unknown-tensor', `reads '${name}', which nothing before it writes.`);
}

function layerOf(call: Call, values: Values, project: Project): TensorRef {
  const name = call.layer === '' ? outputOf(call) : call.layer;
  const inputs = call.args.slice(0, inputCount(call)).map((arg) => known(values, arg, name, project));
  const config = project.definitions.config(call.types.at(-1) ?? '') ?? { fields: new Map(), types: new Map() };
  return (FUNCTIONS[call.name] as LayerFunction).build({ call, name, inputs, config, project });
}
