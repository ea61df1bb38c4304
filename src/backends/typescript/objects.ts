import type { DesignInfo } from '../backend.js';
import { fieldNote, placed } from '../objects.js';
import type { PlacedObject } from '../objects.js';
import { oneLine } from '../verilog/names.js';
import type { TsPort } from './typescript.js';

interface ObjectPort extends TsPort {
  readonly objects: readonly PlacedObject[] | undefined;
}

/**
 * Events as objects of named integers, where an I/O schema names them: interfaces `InputObjects` and `OutputObjects`, and
 * `predictObjects` between them. Ports that it does not name, and those of more than 53 bits, are raw integers in a row.
 */
export function objectStatements(info: DesignInfo, inputs: readonly TsPort[], outputs: readonly TsPort[]): string[] {
  const named = (list: readonly TsPort[]): ObjectPort[] => list.map((port) => {
    const objects = info.objects?.get(port.port.name);
    return { ...port, objects: objects === undefined || port.big ? undefined : placed(objects) };
  });
  const [ins, outs] = [named(inputs), named(outputs)];
  if ([...ins, ...outs].every((port) => port.objects === undefined)) return [];
  return [
    interfaceText('InputObjects', ins, (port) => (port.big ? 'ArrayLike<number | bigint>' : 'ArrayLike<number>')),
    interfaceText('OutputObjects', outs, (port) => (port.big ? 'readonly bigint[]' : 'readonly number[]')),
    [
      '/** One event of named integers, each the raw bits of its type. */',
      'export function predictObjects(input: InputObjects): OutputObjects {',
      '  const out = predictRaw({',
      ...ins.map((port) => `    ${port.name}: ${port.objects === undefined ? `input.${port.name}` : `[${port.objects.map((object) => packText(port.name, object)).join(', ')}]`},`),
      '  });',
      '  return {',
      ...outs.map((port) => `    ${port.name}: ${port.objects === undefined ? `out.${port.name}` : `{ ${port.objects.map((object) => unpackText(port.name, object)).join(', ')} }`},`),
      '  };',
      '}',
    ].join('\n'),
  ];
}

function interfaceText(name: string, ports: readonly ObjectPort[], plain: (port: ObjectPort) => string): string {
  const member = (port: ObjectPort): string[] => {
    if (port.objects === undefined) return [`  readonly ${port.name}: ${plain(port)};`];
    const objects = port.objects.flatMap((object) => [
      `    readonly ${object.name}: ${object.count === undefined ? '' : 'readonly '}{`,
      ...object.fields.map((field, f) => `      /** ${oneLine(fieldNote(port.port, object, f)).replaceAll('*/', '* /')} */\n      readonly ${field.name}: number;`),
      `    }${object.count === undefined ? '' : '[]'};`,
    ]);
    return [`  readonly ${port.name}: {`, ...objects, '  };'];
  };
  return [`/** ${name === 'InputObjects' ? 'An event' : 'What it gives'}, as the I/O schema has it; arrays have exactly as many objects as it says. */`, `export interface ${name} {`, ...ports.flatMap(member), '}'].join('\n');
}

function packText(port: string, { name, count, fields }: PlacedObject): string {
  const from = `input.${port}.${name}`;
  if (count === undefined) return fields.map((field) => `${from}.${field.name}`).join(', ');
  return `...Array.from({ length: ${count} }, (_, k) => [${fields.map((field) => `${from}[k]!.${field.name}`).join(', ')}]).flat()`;
}

function unpackText(port: string, { name, count, fields, first }: PlacedObject): string {
  if (count === undefined) return `${name}: { ${fields.map((field, f) => `${field.name}: out.${port}[${first + f}]!`).join(', ')} }`;
  return `${name}: Array.from({ length: ${count} }, (_, k) => ({ ${fields.map((field, f) => `${field.name}: out.${port}[${first + f} + ${fields.length} * k]!`).join(', ')} }))`;
}
