import { portNames } from '../backends/verilog/names.js';
import { elementCount, typeOfElement } from '../circuit/circuit.js';
import { CompileError } from '../errors.js';
import { fractionBits } from '../fixed/fixedType.js';
import { fromBigInt, toNumber } from '../fixed/integer.js';
import { readPattern } from '../io/patterns/formats.js';
import type { Pattern } from '../io/patterns/pattern.js';
import type { BusPort, RawEvent } from '../verify/dut.js';
import { busPort } from '../verify/dut.js';
import type { LinkMap } from '../verify/links.js';
import { decodeEvents } from '../verify/links.js';
import type { LinkMaps } from '../verify/patternFiles.js';
import { EVENTS_FILE, LAYOUT_FILE, readLayout } from '../verify/patternFiles.js';
import type { Events } from './emulate.js';
import type { CompiledFolder } from './folder.js';
import { checkedText } from './folder.js';

/** Buses of the core, as patterns lay them on links. */
export function busPorts({ circuit }: CompiledFolder): { readonly inputs: readonly BusPort[]; readonly outputs: readonly BusPort[] } {
  const names = portNames(circuit);
  return {
    inputs: circuit.inputs.map((port, i) => busPort(port, names.inputs[i] as string)),
    outputs: circuit.outputs.map((port, i) => busPort(port, names.outputs[i] as string)),
  };
}

/** Where the folder's patterns have every element. */
export function layoutOf({ source, report }: CompiledFolder): ReturnType<typeof readLayout> {
  return readLayout(checkedText(source, report, LAYOUT_FILE), `${source.path}/${LAYOUT_FILE}`);
}

/** Whether the folder keeps the events that it was verified with. */
export function hasEvents({ report }: CompiledFolder): boolean {
  return report.artifacts.some(({ path }) => path === EVENTS_FILE);
}

/** Refuses a file whose words have not the bits of the layout's. */
export function checkWordBits({ wordBits }: Pattern, map: LinkMap, file: string): void {
  if (wordBits === undefined || wordBits === map.wordBits) return;
  throw new CompileError('input', { code: 'pattern-words', where: [file], what: `has words of ${wordBits} bits, and the layout's have ${map.wordBits ?? 64}.`, mend: 'Give the links of the I/O schema wordBits: 32.' });
}

/** The events of a pattern file that was laid out as the folder's own; of its own where none is given. */
export function patternEvents(folder: CompiledFolder, maps: LinkMaps, given?: { readonly text: string; readonly file: string }): RawEvent[] {
  const { text, file } = given ?? { text: checkedText(folder.source, folder.report, EVENTS_FILE), file: `${folder.source.path}/${EVENTS_FILE}` };
  const pattern = readPattern(text, file);
  checkWordBits(pattern, maps.inputs, file);
  const missing = maps.inputs.links.filter((link, l) => pattern.links[l] !== link);
  if (missing.length > 0 || pattern.links.length !== maps.inputs.links.length) throw new CompileError('input', { code: 'pattern-links', where: [file], what: `has links ${pattern.links.slice(0, 12).join(', ')}, and the inputs are on ${maps.inputs.links.slice(0, 12).join(', ')}.` });
  const events = decodeEvents(busPorts(folder).inputs, maps.inputs, pattern);
  if (events.length === 0) throw new CompileError('input', { code: 'array-events', where: [file], what: 'has no events.' });
  return events;
}

/** Events as arrays of numbers, named as the inputs: for another folder, whose types may differ. */
export function eventArrays(folder: CompiledFolder, events: readonly RawEvent[]): Events {
  const arrays = folder.circuit.inputs.map((port, p) => {
    const elements = elementCount(port);
    const data = new Float64Array(events.length * elements);
    events.forEach((event, e) => {
      for (let i = 0; i < elements; i++) data[e * elements + i] = toNumber(fromBigInt(BigInt(event[p]?.[i] as number | bigint)), -fractionBits(typeOfElement(port, i)));
    });
    return { name: port.name, shape: [events.length, ...port.shape], data };
  });
  return { arrays, file: folder.source.path };
}
