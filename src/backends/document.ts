import { typeOfElement } from '../circuit/circuit.js';
import { formatFixedType } from '../fixed/fixedType.js';
import type { Schedule } from '../timing/schedule.js';
import type { Backend, DesignInfo, ObjectLayout, OutputFile } from './backend.js';
import { elementPortNames } from './wrappers.js';
import { oneLine } from './verilog/names.js';
import { titleOf } from './verilog/verilog.js';
import type { Bus } from './wrappers.js';
import { busesOf } from './wrappers.js';

/** `io.md`: where every named element is and what its integer means; only with an I/O schema. */
export const document: Backend = {
  name: 'document',
  summary: 'a page on the elements that an I/O schema names',
  check: () => [],
  emit: (schedule, info): OutputFile[] => (info.objects === undefined ? [] : [{ path: 'io.md', text: page(schedule, info) }]),
};

function page(schedule: Schedule, info: DesignInfo): string {
  const { inputs, outputs } = busesOf(schedule);
  const names = elementPortNames(schedule, info);
  const latency = `Latency ${schedule.latencyCycles} cycles at ${Math.round(schedule.clockMHz * 1000) / 1000} MHz.`;
  return [
    `# ${titleOf(info)}`, '',
    `Elements of the buses of \`verilog/${info.top}.v\`; ports of \`verilog/${info.top}_ports.v\` have their names. Integers are raw: value · 2^(fraction bits). ${latency}`, '',
    ...inputs.flatMap((bus, p) => section('Input', bus, names.inputs[p] as string[], info.objects?.get(bus.port.name))),
    ...outputs.flatMap((bus, p) => section('Output', bus, names.outputs[p] as string[], info.objects?.get(bus.port.name))),
  ].join('\n');
}

function section(direction: string, { port, name, width }: Bus, names: readonly string[], objects: readonly ObjectLayout[] | undefined): string[] {
  const fields = objects?.flatMap(({ count, fields: own }) => Array.from({ length: count ?? 1 }, () => own).flat()) ?? [];
  let at = 0;
  const rows = names.map((element, i) => {
    const type = typeOfElement(port, i);
    const from = at;
    at += type.width;
    const { lsb, unit } = fields[i] ?? {};
    return `| ${i} | \`${element}\` | ${at - 1}..${from} | \`${formatFixedType(type)}\` | ${lsb === undefined ? '' : lsb}${unit === undefined ? '' : ` ${cell(unit)}`} |`;
  });
  return [`## ${direction} \`${name}\`: ${cell(port.name)} [${port.shape.join(', ')}], ${width} bits`, '', '| element | name | bits | type | one unit is |', '|---|---|---|---|---|', ...rows, ''];
}

/** Text from a schema or model in a table. */
function cell(text: string): string {
  return oneLine(text).replace(/[|`<>]/g, ' ');
}
