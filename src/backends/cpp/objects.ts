import type { DesignInfo } from '../backend.js';
import type { PlacedObject } from '../objects.js';
import { fieldNote, fieldWidth, placed } from '../objects.js';
import { renderTemplate } from '../template.js';
import { oneLine } from '../verilog/names.js';
import { titleOf } from '../verilog/verilog.js';
import type { CppPort, CppPorts } from './header.js';
import { legalName, namespaceOf } from './header.js';

interface ObjectPort extends CppPort {
  /** Undefined for a port that the schema does not name. */
  readonly objects: readonly PlacedObject[] | undefined;
}

/** `<top>_objects.h`: events as structs of named integers; undefined where no I/O schema names anything. */
export function objectsHeader(template: string, info: DesignInfo, ports: CppPorts): string | undefined {
  const named = (list: readonly CppPort[]): ObjectPort[] => list.map((port) => {
    const objects = info.objects?.get(port.port.name);
    return { ...port, objects: objects === undefined || port.words > 1 ? undefined : placed(objects) };
  });
  const [inputs, outputs] = [named(ports.inputs), named(ports.outputs)];
  const all = [...inputs, ...outputs];
  if (all.every((port) => port.objects === undefined)) return undefined;
  const members = (list: readonly ObjectPort[]): string => list.map(({ name, objects, elements, words }) => (objects === undefined ? `  int64_t ${name}[${elements * words}];` : `  ${name}_t ${name};`)).join('\n');
  return renderTemplate('cpp/objects.h', template, {
    title: oneLine(titleOf(info)),
    top: info.top,
    namespace: namespaceOf(info),
    structs: all.flatMap((port) => (port.objects === undefined ? [] : [structText(port, port.objects)])).join('\n\n'),
    inputs: members(inputs),
    outputs: members(outputs),
    pack: inputs.map((port) => movesText(port, 'in', (element, member) => `raw_in.${port.name}[${element}] = int64_t(${member});`)).join('\n'),
    unpack: outputs.map((port) => movesText(port, 'out', (element, member, type) => `${member} = ${type}(raw_out.${port.name}[${element}]);`)).join('\n'),
  });
}

function structText({ name, port }: CppPort, objects: readonly PlacedObject[]): string {
  const lines = objects.flatMap((object) => [
    `  struct ${object.name}_t {`,
    ...object.fields.map((field, f) => `    ${integerType(fieldWidth(port, object, f))} ${legalName(field.name)}; // ${oneLine(fieldNote(port, object, f))}`),
    '  };',
    `  ${object.name}_t ${legalName(object.name)}${object.count === undefined ? '' : `[${object.count}]`};`,
  ]);
  return [`// ${oneLine(port.name)}`, `struct ${name}_t {`, ...lines, '};'].join('\n');
}

/** The smallest integer type that holds all instances. */
function integerType({ width, signed }: { readonly width: number; readonly signed: boolean }): string {
  const bits = [8, 16, 32, 64].find((size) => size >= width) ?? 64;
  return `${signed ? '' : 'u'}int${bits}_t`;
}

/** The statements that move every element between the structs and raw integers. */
function movesText({ name, port, objects, elements, words }: ObjectPort, from: string, move: (element: string, member: string, type: string) => string): string {
  if (objects === undefined) return `  for (size_t i = 0; i < ${elements * words}; ++i) { ${move('i', `${from}.${name}[i]`, 'int64_t')} }`;
  return objects.map((object) => {
    const { fields, first, count } = object;
    const moves = fields.map((field, f) => {
      const member = `${from}.${name}.${legalName(object.name)}${count === undefined ? '' : '[k]'}.${legalName(field.name)}`;
      return move(count === undefined ? String(first + f) : `${first + f} + ${fields.length} * k`, member, integerType(fieldWidth(port, object, f)));
    });
    return count === undefined ? `  ${moves.join('\n  ')}` : `  for (size_t k = 0; k < ${count}; ++k) {\n    ${moves.join('\n    ')}\n  }`;
  }).join('\n');
}
