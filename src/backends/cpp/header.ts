import type { Circuit, Port } from '../../circuit/circuit.js';
import { elementCount, typeOfElement } from '../../circuit/circuit.js';
import type { FixedType } from '../../fixed/fixedType.js';
import { formatFixedType } from '../../fixed/fixedType.js';
import type { Schedule } from '../../timing/schedule.js';
import type { DesignInfo } from '../backend.js';
import { renderTemplate } from '../template.js';
import { oneLine, portNames } from '../verilog/names.js';
import { titleOf } from '../verilog/verilog.js';
import { rawWords } from './ports.js';

/** Words that C and C++ keep for themselves, and names of our own functions' parameters. */
const RESERVED = new Set(
  ('alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const constexpr const_cast continue decltype default delete do double dynamic_cast ' +
    'else enum explicit export extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public ' +
    'register reinterpret_cast return short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename union ' +
    'unsigned using virtual void volatile wchar_t while xor xor_eq restrict events in out size_t int64_t ElementType').split(' '),
);

/** A tensor at the edge of the emulator. */
export interface CppPort {
  readonly name: string;
  readonly port: Port;
  readonly elements: number;
  readonly words: number;
}

export interface CppPorts {
  readonly inputs: readonly CppPort[];
  readonly outputs: readonly CppPort[];
}

/** `<top>_v<N>`: the namespace, and what every exported name begins with. */
export function namespaceOf(info: DesignInfo): string {
  return `${info.top}_v${info.modelVersion}`;
}

/** A name that is no word of C or C++. No name of ports or objects ends in an underscore: nothing can become equal. */
export function legalName(name: string): string {
  return RESERVED.has(name) ? `${name}_` : name;
}

export function cppPorts(circuit: Circuit): CppPorts {
  const names = portNames(circuit);
  const describe = (port: Port, name: string): CppPort => ({ name: legalName(name), port, elements: elementCount(port), words: rawWords(port) });
  return {
    inputs: circuit.inputs.map((port, i) => describe(port, names.inputs[i] as string)),
    outputs: circuit.outputs.map((port, i) => describe(port, names.outputs[i] as string)),
  };
}

/** Names, shapes and types of the ports, for callers that know nothing of the model: what `<prefix>_schema` gives. */
export function schemaText(info: DesignInfo, ports: CppPorts): string {
  const describe = ({ name, port, words }: CppPort) => ({
    name: port.name, id: name, shape: port.shape, words,
    types: port.types.map(({ signed, width, integer }) => [signed ? 1 : 0, width, integer]),
  });
  return JSON.stringify({ model: info.modelName, version: info.modelVersion, hash: info.hash, inputs: ports.inputs.map(describe), outputs: ports.outputs.map(describe) });
}

const ENTRY_POINTS = [
  { suffix: '_predict', batch: false, raw: false },
  { suffix: '_predict_batch', batch: true, raw: false },
  { suffix: '_predict_raw', batch: false, raw: true },
  { suffix: '_predict_raw_batch', batch: true, raw: true },
] as const;

function signature(info: DesignInfo, { inputs, outputs }: CppPorts, entry: (typeof ENTRY_POINTS)[number]): string {
  const type = entry.raw ? 'int64_t' : 'double';
  const parameters = [
    ...(entry.batch ? ['size_t events'] : []),
    ...inputs.map(({ name }) => `const ${type} *${name}`),
    ...outputs.map(({ name }) => `${type} *${name}`),
  ];
  return `int ${namespaceOf(info)}${entry.suffix}(${parameters.join(', ')})`;
}

/** The definitions of the functions with one parameter a port. */
export function entryPoints(info: DesignInfo, ports: CppPorts): string {
  return ENTRY_POINTS.map((entry) => [
    `${signature(info, ports, entry)} {`,
    `  const ${entry.raw ? 'int64_t' : 'double'}* inputs[] = {${ports.inputs.map(({ name }) => name).join(', ')}};`,
    `  ${entry.raw ? 'int64_t' : 'double'}* outputs[] = {${ports.outputs.map(({ name }) => name).join(', ')}};`,
    `  return ${namespaceOf(info)}_run${entry.raw ? '_raw' : ''}(${entry.batch ? 'events' : '1'}, inputs, outputs);`,
    '}',
  ].join('\n')).join('\n\n');
}

/** `<top>.h` */
export function publicHeader(template: string, schedule: Schedule, info: DesignInfo, ports: CppPorts): string {
  const macro = namespaceOf(info).toUpperCase();
  const all = [...ports.inputs.map((port) => ({ ...port, direction: 'input' })), ...ports.outputs.map((port) => ({ ...port, direction: 'output' }))];
  const struct = (name: string, list: readonly CppPort[], raw: boolean): string =>
    `struct ${name} {\n${list.map((port) => `  ${raw ? 'int64_t' : 'double'} ${port.name}[${port.elements * (raw ? port.words : 1)}];`).join('\n')}\n};`;
  return renderTemplate('cpp/header.h', template, {
    title: titleOf(info).replaceAll('*/', '* /'),
    latency: String(schedule.latencyCycles),
    clock: String(Math.round(schedule.clockMHz * 1000) / 1000),
    ports: all.map(({ direction, name, port, words }) =>
      ` *   ${direction} ${name}${oneLine(port.name) === name ? '' : ` (${oneLine(port.name).replaceAll('*/', '* /')})`} [${port.shape.join(', ')}] ${typesNote(port)}${words > 1 ? `; a raw integer takes ${words} words, lowest first` : ''}`).join('\n'),
    macro,
    prefix: namespaceOf(info),
    namespace: namespaceOf(info),
    version: String(info.modelVersion),
    hash: info.hash,
    declarations: ENTRY_POINTS.map((entry) => `${macro}_API ${signature(info, ports, entry)};`).join('\n'),
    portConstants: all.map(portConstants).join('\n'),
    structs: [struct('Input', ports.inputs, false), struct('Output', ports.outputs, false), struct('RawInput', ports.inputs, true), struct('RawOutput', ports.outputs, true)].join('\n'),
    inNames: ports.inputs.map(({ name }) => `in.${name}`).join(', '),
    outNames: ports.outputs.map(({ name }) => `out.${name}`).join(', '),
  });
}

function typesNote(port: Port): string {
  return port.types.length === 1 ? formatFixedType(typeOfElement(port, 0)) : 'one type an element';
}

function portConstants({ name, port, elements, words }: CppPort): string {
  const shape = port.shape.length === 0 ? [1] : port.shape;
  return [
    `namespace ${name} {`,
    `constexpr size_t elements = ${elements};`,
    `constexpr size_t words = ${words};`,
    `constexpr size_t shape[] = {${shape.join(', ')}};`,
    `constexpr ElementType types[] = {${typeList(port)}}; // ${port.types.length === 1 ? 'of all elements' : 'one an element'}`,
    `} // namespace ${name}`,
  ].join('\n');
}

function typeList(port: Port): string {
  return port.types.map(({ signed, width, integer }) => `{${signed}, ${width}, ${integer}}`).join(', ');
}

/** Ports as the check program lists them. */
export function checkPorts(ports: readonly CppPort[]): string {
  return ports.map(({ port, elements, words }) => `  {{${typeList(port)}}, ${elements}, ${words}, ${port.types.some((type) => type.overflow === 'SAT_SYM')}},`).join('\n');
}

/** What the Model interface takes and gives besides the structs of the header. */
export function modelHoles(info: DesignInfo, { inputs, outputs }: CppPorts): Record<'prepare' | 'read' | 'pointers', string> {
  const [input, output] = [inputs[0] as CppPort, outputs[0] as CppPort];
  const prepare = inputs.length === 1
    ? ['double', 'float'].map((type) => take(type, `for (std::size_t i = 0; i < ${input.elements}; ++i) in_.${input.name}[i] = double(p[i]);`))
      .concat(take('std::int64_t', `for (std::size_t i = 0; i < ${input.elements * input.words}; ++i) raw_in_.${input.name}[i] = p[i];\n      is_raw_ = true;`), guarded(info, input, (type) => take(type, `for (std::size_t i = 0; i < ${input.elements}; ++i) in_.${input.name}[i] = p[i].to_double();`)))
    : [`    if (const auto* p = std::any_cast<const double* const*>(&any)) {\n${inputs.map(({ name, elements }, i) => `      for (std::size_t i = 0; i < ${elements}; ++i) in_.${name}[i] = (*p)[${i}][i];`).join('\n')}\n      return;\n    }`];
  const read = outputs.length === 1
    ? ['double', 'float'].map((type) => give(type, `for (std::size_t i = 0; i < ${output.elements}; ++i) p[i] = ${type}(out_.${output.name}[i]);`))
      .concat(give('std::int64_t', `raws();\n      for (std::size_t i = 0; i < ${output.elements * output.words}; ++i) p[i] = raw_out_.${output.name}[i];`), guarded(info, output, (type) => give(type, `for (std::size_t i = 0; i < ${output.elements}; ++i) p[i] = out_.${output.name}[i];`)))
    : [`    if (const auto* p = std::any_cast<double* const*>(&any)) {\n${outputs.map(({ name, elements }, i) => `      for (std::size_t i = 0; i < ${elements}; ++i) (*p)[${i}][i] = out_.${name}[i];`).join('\n')}\n      return;\n    }`];
  const pointers = (type: string, name: string, member: string, ports: readonly CppPort[]): string => `  ${type} ${name}[${ports.length}] = {${ports.map((port) => `${member}.${port.name}`).join(', ')}};`;
  return {
    prepare: prepare.join('\n'),
    read: read.join('\n'),
    pointers: [
      pointers('const double* const', 'in_list_', 'in_', inputs), pointers('const std::int64_t* const', 'raw_in_list_', 'raw_in_', inputs),
      pointers('double* const', 'out_list_', 'out_', outputs), pointers('std::int64_t* const', 'raw_out_list_', 'raw_out_', outputs),
    ].join('\n'),
  };
}

function take(type: string, body: string): string {
  return `    if (const auto* p = pointer<${type}>(any)) {\n      ${body}\n      return;\n    }`;
}

function give(type: string, body: string): string {
  return `    if (auto* p = target<${type}>(any)) {\n      ${body}\n      return;\n    }`;
}

/** Only where ap_fixed.h is there, and for a tensor of one type that float64 holds. */
function guarded(info: DesignInfo, { port }: CppPort, text: (type: string) => string): string[] {
  const [type] = port.types;
  if (port.types.length !== 1 || type === undefined || type.width > 53) return [];
  return [`#if ${namespaceOf(info)}_AP`, text(apType(type)), '#endif'];
}

/** `ap_fixed<16, 6, AP_RND, AP_SAT>`, in full. */
export function apType(type: FixedType): string {
  return `ap_${type.signed ? '' : 'u'}fixed<${type.width}, ${type.integer}, AP_${type.rounding}, AP_${type.overflow}>`;
}
