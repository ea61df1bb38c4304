import { CompileError } from '../../errors.js';
import type { ZipArchive } from '../../io/zip.js';
import { isZip, readZip } from '../../io/zip.js';
import type { GraphInput, GraphOutput, ModelGraph } from '../../model/graph.js';
import { GraphProblems } from '../problems.js';
import type { Frontend, FrontendContext, ModelSource } from '../frontend.js';
import { modelName } from '../frontend.js';
import { GraphBuilder } from '../onnx/builder.js';
import { finishGraph } from '../onnx/finish.js';
import { TensorReader } from '../onnx/tensors.js';
import type { Value } from '../onnx/values.js';
import { constant, describeValue, modelShape } from '../onnx/values.js';
import { findAten } from './aten/index.js';
import type { Argument } from './call.js';
import { Call } from './call.js';
import { Operators } from './operators.js';
import { liveNodes, sharedMutations } from './liveness.js';
import type { Program, ProgramNode, TensorMeta, WeightsConfig } from './program.js';
import { fixedInteger, nameIn, parseProgram, parseWeights } from './program.js';
import { symbolOperator } from './symbols.js';
import type { TorchSave } from './save.js';
import { readTorchSave } from './save.js';
import type { StoredTensor } from './tensors.js';
import { typeOfNumber, valuesOf } from './tensors.js';

/** Entries of an archive together may unpack to this: far past any device. */
const LIMITS = { maxEntryBytes: 2 ** 29, maxTotalBytes: 2 ** 30, maxEntries: 65536 };

/** torch.export.save's archive. */
export const pt2Frontend: Frontend = {
  name: 'pt2',
  summary: 'PyTorch programs saved by torch.export.save (.pt2)',
  detects: (source) => (isZip(source.bytes) && hasMarker(source.bytes) ? 0.9 : 0),
  parse: (source, context) => new ProgramWalk(source, context).run(),
};

/** A program with other weights: a state_dict saved beside it. */
export function parseProgramWith(source: ModelSource, context: FrontendContext, weights: TorchSave): ModelGraph {
  return new ProgramWalk(source, context, weights).run();
}

/** Names that only a program's archive has, in the zip's directory at its end. */
const MARKERS = ['models/model.json', 'archive_format', 'serialized_exported_program.json'];

function hasMarker(bytes: Uint8Array): boolean {
  const tail = new TextDecoder('latin1').decode(bytes.subarray(Math.max(0, bytes.length - 2 ** 20)));
  return MARKERS.some((marker) => tail.includes(marker)) || (/\/models\/[^/]+\.json/.test(tail) && tail.includes('model_weights_config.json'));
}

/** Prefix and program of the archive: what `read` needs to find everything else. */
interface Layout {
  readonly program: string;
  readonly prefix: string;
  readonly modern: boolean;
}

function layoutOf(archive: ZipArchive, where: string): Layout {
  const modern = archive.names.find((name) => /(^|\/)models\/[^/]+\.json$/.test(name));
  if (modern !== undefined) return { program: modern, prefix: modern.replace(/models\/[^/]+$/, ''), modern: true };
  const old = archive.names.find((name) => name.endsWith('serialized_exported_program.json'));
  if (old !== undefined) return { program: old, prefix: old.replace(/serialized_exported_program\.json$/, ''), modern: false };
  throw new CompileError('input', { code: 'no-program', where: [where], what: 'holds no program (models/….json).', mend: 'Save it with torch.export.save(torch.export.export(model.eval(), (example,)), \'model.pt2\'). An AOTInductor package holds compiled code, which is not read.' });
}

/** One reading of one program. */
class ProgramWalk extends GraphProblems {
  private readonly archive: ZipArchive;
  private readonly layout: Layout;
  private readonly program: Program;
  private readonly tensors: TensorReader;
  private readonly values = new Map<string, Argument>();
  /** Tensors that something reads. */
  private readonly read: ReadonlySet<string>;
  /** What the outputs depend on. */
  private readonly live: readonly ProgramNode[];
  private readonly inputs: GraphInput[] = [];
  private readonly builder: GraphBuilder;
  private readonly operators: Operators;

  constructor(
    private readonly source: ModelSource,
    context: FrontendContext,
    /** Weights that replace the program's own, by parameter name. */
    private readonly weights?: TorchSave,
  ) {
    super(source.name);
    this.archive = readZip(source.bytes, [source.name], LIMITS);
    this.layout = layoutOf(this.archive, source.name);
    const order = this.archive.names.find((name) => name === `${this.layout.prefix}byteorder`);
    if (order !== undefined && new TextDecoder().decode(this.archive.read(order)).trim() !== 'little') {
      throw new CompileError('unsupported', { code: 'byte-order', where: [source.name], what: 'was saved on a big-endian machine.', mend: 'Save it again on a usual one.' });
    }
    this.program = parseProgram(this.archive.read(this.layout.program), [source.name, this.layout.program]);
    this.tensors = new TensorReader(source.name, context);
    this.read = readNames(this.program);
    this.live = liveNodes(this.program);
    this.builder = new GraphBuilder(context.catalogue, this.tensors, source.name, false, this.batch());
    this.operators = new Operators(this.builder, source.name);
  }

  run(): ModelGraph {
    this.checkOperators();
    this.checkMutations();
    this.readParameters();
    for (const spec of this.program.signature.input_specs) this.guard(() => this.readInput(spec), [specName(spec)]);
    for (const node of this.live) this.walk(node);
    const outputs = this.readOutputs();
    this.throwProblems();
    return finishGraph(this.builder, this.inputs, outputs, { name: modelName(this.source), format: 'pt2' });
  }

  /** Length of the first axis of the inputs, where the program was exported for one batch only. */
  private batch(): number | undefined {
    const lengths = new Set(this.program.signature.input_specs.flatMap((spec) => {
      const name = userInput(spec);
      const meta = name === undefined ? undefined : this.program.graph.tensor_values[name];
      return meta === undefined ? [] : [fixedInteger(meta.sizes[0]) ?? 0];
    }));
    const [first] = lengths;
    return lengths.size === 1 && first !== undefined && first > 0 ? first : undefined;
  }

  /** All operators nobody knows, one problem each with the nodes that use it. */
  private checkOperators(): void {
    const unknown = new Map<string, string[]>();
    for (const node of this.live) {
      if (aten(node.target) === undefined && symbolOperator(node.target) === undefined) {
        unknown.set(node.target, [...(unknown.get(node.target) ?? []), layerName(node)]);
      }
    }
    for (const [target, nodes] of unknown) {
      const shown = `${nodes.slice(0, 8).join(', ')}${nodes.length > 8 ? ` and ${nodes.length - 8} more` : ''}`;
      this.report('unsupported', 'unknown-operator', [], `operator ${target.slice(0, 100)} is not supported (${nodes.length === 1 ? 'node' : 'nodes'} ${shown}).`);
    }
  }

  /** Assignments to parts of tensors, which torch.export leaves in place until it decomposes them. */
  private checkMutations(): void {
    for (const node of sharedMutations(this.program)) {
      const mend = 'Save torch.export.export(model.eval(), (example,)).run_decompositions(), which has no such operators, or write it without assigning.';
      this.guard(() => this.fail('unsupported', 'mutation', [layerName(node)], `${node.target.replace('torch.ops.aten.', '')} changes a tensor of which there are views.`, mend), []);
    }
  }

  /** Parameters, buffers and constants under the names that the graph has for them. */
  private readParameters(): void {
    const stored = new Map([...this.storedTensors(), ...this.savedTensors(this.weights)]);
    for (const spec of this.program.signature.input_specs) {
      const [kind, body] = Object.entries(spec)[0] ?? ['', {}];
      const fields = body as Readonly<Record<string, unknown>>;
      const key = kind === 'parameter' ? fields['parameter_name'] : kind === 'buffer' ? fields['buffer_name'] : kind === 'tensor_constant' ? fields['tensor_constant_name'] : undefined;
      const name = nameIn(fields['arg']);
      if (typeof key !== 'string' || name === undefined) continue;
      this.builder.reserveTensor(name);
      this.guard(() => {
        const read = stored.get(key) ?? this.fail('input', 'missing-weight', [key], 'is a parameter that the archive does not hold.');
        this.values.set(name, read(name));
      }, [name]);
    }
  }

  /** What reads each stored tensor, by its name in the model. */
  private storedTensors(): ReadonlyMap<string, (name: string) => Value> {
    const found = new Map<string, (name: string) => Value>();
    const { prefix, modern } = this.layout;
    if (!modern) {
      for (const file of ['serialized_state_dict.pt', 'serialized_state_dict.json', 'serialized_constants.pt', 'serialized_constants.json']) {
        const bytes = this.archive.has(prefix + file) ? this.archive.read(prefix + file) : new Uint8Array(0);
        if (bytes.length > 0) for (const [key, read] of this.savedTensors(readTorchSave(bytes, [this.source.name, file]))) found.set(key, read);
      }
      return found;
    }
    const base = this.layout.program.replace(/^.*models\//, '').replace(/\.json$/, '');
    for (const [folder, config] of [['weights', `${base}_weights_config.json`], ['constants', `${base}_constants_config.json`]] as const) {
      const path = `${prefix}data/${folder}/${config}`;
      if (!this.archive.has(path)) continue;
      const entries: WeightsConfig = parseWeights(this.archive.read(path), [this.source.name, path]);
      for (const [key, entry] of Object.entries(entries)) {
        found.set(key, (name) => {
          const bytes = this.archive.read(`${prefix}data/${folder}/${entry.path_name}`);
          if (entry.use_pickle === true || entry.tensor_meta === null || entry.tensor_meta === undefined) return this.pickled(bytes, key, name);
          return this.raw(bytes, entry.tensor_meta, key, name);
        });
      }
    }
    return found;
  }

  private savedTensors(saved: TorchSave | undefined): readonly (readonly [string, (name: string) => Value])[] {
    return [...(saved?.tensors ?? [])].map(([key, stored]) => [key, (name: string) => this.constantOf(stored, key, name)] as const);
  }

  private constantOf(stored: StoredTensor, key: string, name: string): Value {
    const data = valuesOf(stored, [this.source.name, key], (count) => this.tensors.reserve(count, key));
    return constant(name, stored.shape, data, { integer: stored.type.integer });
  }

  private pickled(bytes: Uint8Array, key: string, name: string): Value {
    const [stored] = readTorchSave(bytes, [this.source.name, key]).tensors.values();
    return stored === undefined ? this.fail('input', 'missing-weight', [key], 'is a pickle without a tensor.') : this.constantOf(stored, key, name);
  }

  private raw(storage: Uint8Array, meta: TensorMeta, key: string, name: string): Value {
    const type = typeOfNumber(meta.dtype) ?? this.fail('unsupported', 'tensor-type', [key], `has element type ${meta.dtype} of torch.export's schema, which is not supported.`);
    const whole = (list: readonly unknown[]): number[] => list.map((entry) => fixedInteger(entry) ?? -1);
    const shape = whole(meta.sizes);
    const strides = meta.strides === undefined ? shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1)) : whole(meta.strides);
    const offset = meta.storage_offset === undefined ? 0 : (fixedInteger(meta.storage_offset) ?? -1);
    return this.constantOf({ storage, type, shape, strides, offset }, key, name);
  }

  private readInput(spec: Readonly<Record<string, unknown>>): void {
    const name = userInput(spec);
    if (name === undefined) {
      if ('token' in spec) this.fail('unsupported', 'effects', [], 'has side effects (tokens), which no circuit has.');
      return;
    }
    const meta = this.program.graph.tensor_values[name] ?? this.fail('input', 'no-shape', [name], 'is an input whose shape the program does not say.');
    const type = typeOfNumber(meta.dtype) ?? this.fail('unsupported', 'tensor-type', [name], `is an input of element type ${meta.dtype}; numbers are supported.`);
    if (meta.sizes.length === 0) this.fail('unsupported', 'no-batch', [name], 'is an input of rank 0; its first axis must be the batch.');
    const shape = meta.sizes.map((size, axis) => {
      if (axis === 0) return 1;
      const length = fixedInteger(size);
      return length !== undefined && length >= 1 ? length : this.fail('input', 'open-shape', [name], `axis ${axis} of this input has an open length.`, 'Only the batch may be open: export with fixed sizes.');
    });
    const elements = shape.reduce((a, b) => a * b, 1);
    if (elements > 2 ** 24) this.fail('unsupported', 'too-large', [name], `has ${elements} elements; at most ${2 ** 24} are supported.`);
    this.builder.reserveTensor(name);
    this.values.set(name, { kind: 'variable', tensor: name, shape, integer: type.integer });
    this.inputs.push({ name, shape, ...(type.integer ? { integer: true } : {}) });
  }

  private walk(node: ProgramNode): void {
    const names = node.outputs.flatMap(outputNames);
    const reads = node.inputs.flatMap(({ arg }) => argumentNames(arg));
    const operator = aten(node.target);
    const symbol = symbolOperator(node.target);
    if ((operator === undefined && symbol === undefined) || reads.some((name) => this.failed.has(name))) {
      names.forEach((name) => this.failed.add(name));
      return;
    }
    this.guard(() => {
      const args = new Map(node.inputs.map((input) => [input.name, this.argument(input.arg, node)] as const));
      if (symbol !== undefined) {
        const result = symbol([...args.values()], (what) => this.fail('unsupported', 'symbol', [layerName(node)], what));
        if (result !== undefined && names[0] !== undefined) this.values.set(names[0], result);
        return;
      }
      const target = node.target.replace('torch.ops.aten.', '');
      const call = new Call(target, layerName(node), args, names.map((name) => this.read.has(name)), this.operators, this.source.name);
      const made = operator?.(call) ?? [];
      const results: readonly Value[] = 'kind' in made ? [made] : made;
      names.forEach((name, i) => {
        const value = results[i];
        if (value === undefined && this.read.has(name)) this.report('unsupported', 'extra-output', [layerName(node)], `${target}: its result ${i + 1} is not supported.`);
        if (value === undefined) this.failed.add(name);
        else this.values.set(name, value);
      });
    }, names);
  }

  /** An argument with its names resolved. */
  private argument(arg: Readonly<Record<string, unknown>>, node: ProgramNode): Argument {
    const [kind, body] = Object.entries(arg)[0] ?? ['as_none', true];
    const look = (name: string | undefined): Argument => {
      const found = name === undefined ? undefined : this.values.get(name);
      return found ?? this.fail('input', 'missing-tensor', [layerName(node)], `reads '${(name ?? '').slice(0, 100)}', which nothing before it makes.`);
    };
    const symbolic = (value: unknown): Argument => fixedInteger(value) ?? look((value as { as_name?: string } | null)?.as_name);
    switch (kind) {
      case 'as_none':
        return null;
      case 'as_tensor':
        return look(nameIn(body));
      case 'as_tensors':
        return Array.isArray(body) ? body.map((entry) => look(nameIn(entry))) : null;
      case 'as_optional_tensor':
      case 'as_optional_tensors': {
        const list = Array.isArray(body) ? body : [body];
        const found = list.map((entry: Readonly<Record<string, unknown>>): Argument => ('as_tensor' in entry ? look(nameIn(entry['as_tensor'])) : null));
        return kind === 'as_optional_tensors' ? found : (found[0] ?? null);
      }
      case 'as_int':
      case 'as_bool':
      case 'as_string':
      case 'as_scalar_type':
        return typeof body === 'number' || typeof body === 'boolean' || typeof body === 'string' ? body : null;
      case 'as_float':
        return typeof body === 'number' ? body : typeof body === 'string' ? Number(body.replace('inf', 'Infinity')) : null;
      case 'as_ints':
      case 'as_floats':
      case 'as_bools':
        return Array.isArray(body) && body.every((n) => typeof n === 'number' || typeof n === 'boolean') ? (body as readonly number[]) : null;
      case 'as_sym_int':
      case 'as_sym_float':
      case 'as_sym_bool':
        return symbolic(body);
      case 'as_sym_ints':
        return Array.isArray(body) ? body.map(symbolic) : null;
      case 'as_memory_format':
      case 'as_layout':
      case 'as_device':
        return null;
      default:
        return this.fail('unsupported', 'argument', [layerName(node)], `has an argument of kind '${kind.slice(0, 40)}'.`);
    }
  }

  private readOutputs(): readonly GraphOutput[] {
    const outputs: GraphOutput[] = [];
    for (const spec of this.program.signature.output_specs) {
      const body = spec['user_output'] as { readonly arg?: { readonly as_tensor?: unknown } } | undefined;
      if (body === undefined) {
        if (Object.keys(spec).some((key) => key.includes('mutation'))) this.report('unsupported', 'mutation', [], `changes its own state (${Object.keys(spec)[0]}), which a circuit of one event does not.`);
        continue;
      }
      const name = nameIn(body.arg?.as_tensor);
      if (name === undefined || this.failed.has(name)) continue;
      const value = this.values.get(name);
      if (typeof value !== 'object' || value === null || !('kind' in value)) this.report('input', 'missing-output', [], `promises the output '${name.slice(0, 100)}', which nothing makes.`);
      else if (value.kind !== 'variable') this.report('unsupported', 'constant-output', [], `its output '${name}' ${describeValue(value)}.`);
      else if (outputs.every((output) => output.name !== name)) outputs.push({ name, tensor: value.tensor, shape: modelShape(value.shape) });
    }
    if (outputs.length === 0 && this.problems.length === 0) this.report('input', 'no-outputs', [], 'has no outputs.');
    return outputs;
  }

  private fail(kind: 'input' | 'unsupported', code: string, where: readonly string[], what: string, mend?: string): never {
    throw new CompileError(kind, { code, where: [this.source.name, ...where], what, ...(mend === undefined ? {} : { mend }) });
  }
}

function aten(target: string): ReturnType<typeof findAten> {
  return target.startsWith('torch.ops.aten.') ? findAten(target.slice('torch.ops.aten.'.length)) : undefined;
}

/** Every tensor that a node or an output reads. */
function readNames({ graph, signature }: Program): ReadonlySet<string> {
  const ofOutputs = signature.output_specs.flatMap((spec) => nameIn((spec['user_output'] as { readonly arg?: { readonly as_tensor?: unknown } } | undefined)?.arg?.as_tensor) ?? []);
  return new Set([...ofOutputs, ...graph.nodes.flatMap((node) => node.inputs.flatMap(({ arg }) => argumentNames(arg)))]);
}

/** The tensor of an input that is not the model's own. */
function userInput(spec: Readonly<Record<string, unknown>>): string | undefined {
  const body = spec['user_input'] as { readonly arg?: { readonly as_tensor?: unknown } } | undefined;
  return nameIn(body?.arg?.as_tensor);
}

function specName(spec: Readonly<Record<string, unknown>>): string {
  return userInput(spec) ?? '';
}

/** Names that an output of a node binds: one tensor, a list of them, a symbol. */
function outputNames(output: Readonly<Record<string, unknown>>): readonly string[] {
  const [, body] = Object.entries(output)[0] ?? ['', undefined];
  if (Array.isArray(body)) return body.map((entry) => nameIn(entry) ?? '');
  const symbol = (body as { as_name?: unknown } | null | undefined)?.as_name;
  return [nameIn(body) ?? (typeof symbol === 'string' ? symbol : '')];
}

function argumentNames(arg: Readonly<Record<string, unknown>>): readonly string[] {
  const [kind, body] = Object.entries(arg)[0] ?? ['', undefined];
  if (!kind.includes('tensor')) return [];
  const list: readonly unknown[] = Array.isArray(body) ? body : [body];
  return list.flatMap((entry) => nameIn(entry) ?? nameIn((entry as { as_tensor?: unknown } | null)?.as_tensor) ?? []);
}

/** The module path that a node comes from, where it is a leaf of torch.nn; else the node's own name. */
function layerName(node: ProgramNode): string {
  const own = node.name ?? outputNames(node.outputs[0] ?? {})[0] ?? node.target;
  const stack = node.metadata?.['nn_module_stack'];
  if (typeof stack !== 'string') return own;
  const last = stack.split(';').pop() ?? '';
  const [, path = '', type = ''] = /^[^,]*,([^,]*),(.*)$/.exec(last) ?? [];
  return path !== '' && type.startsWith('torch.nn.modules.') && !type.startsWith('torch.nn.modules.container') ? path : own;
}
