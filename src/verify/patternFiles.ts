import { z } from 'zod';
import type { OutputFile } from '../backends/backend.js';
import { CompileError } from '../errors.js';
import { writePattern } from '../io/patterns/formats.js';
import { PATTERN_FORMATS } from '../io/patterns/pattern.js';
import type { BusPort, Dut, RawEvent } from './dut.js';
import type { LinkMap, Placement } from './links.js';
import { encodeEvents, placeElements } from './links.js';

/** Frames that buffers of boards hold. */
const BUFFER_FRAMES = 1024;
/** Words of a file: what a model of many elements has more of than that is less events, not larger files. */
const MOST_WORDS = 2 ** 15;

/** What the elements of a bus are called, by the tensor's name. */
type ElementNames = ReadonlyMap<string, readonly string[]>;

export interface LinkMaps {
  readonly inputs: LinkMap;
  readonly outputs: LinkMap;
}

/** `testbench/patterns/`: where every element of an event is, and as many events as a buffer holds in every format. */
export function patternFiles(dut: Pick<Dut, 'top' | 'inputs' | 'outputs'>, maps: LinkMaps, names: ElementNames, events: readonly RawEvent[], expected: readonly RawEvent[]): OutputFile[] {
  const wordsAnEvent = Math.max(maps.inputs.links.length * maps.inputs.interval, maps.outputs.links.length * maps.outputs.interval);
  const count = Math.min(events.length, Math.max(1, Math.min(Math.floor(BUFFER_FRAMES / Math.max(maps.inputs.interval, maps.outputs.interval)), Math.floor(MOST_WORDS / wordsAnEvent))));
  const files: OutputFile[] = [{ path: LAYOUT_FILE, text: layoutText(dut, maps, names) }];
  if (count === 0) return files;
  const sides = [
    ['inputs', encodeEvents(dut.inputs, maps.inputs, events.slice(0, count))],
    ['outputs', encodeEvents(dut.outputs, maps.outputs, expected.slice(0, count))],
  ] as const;
  for (const [side, pattern] of sides) {
    for (const format of PATTERN_FORMATS) files.push({ path: `testbench/patterns/${side}.${format}.txt`, text: writePattern(format, pattern, dut.top) });
  }
  return files;
}

export const LAYOUT_FILE = 'testbench/patterns/layout.json';
/** The file that `compare` takes the events from. */
export const EVENTS_FILE = 'testbench/patterns/inputs.emp2.txt';

function layoutText(dut: Pick<Dut, 'inputs' | 'outputs'>, maps: LinkMaps, names: ElementNames): string {
  return `{\n"inputs": ${sideText(dut.inputs, maps.inputs, names)},\n"outputs": ${sideText(dut.outputs, maps.outputs, names)}\n}\n`;
}

function sideText(ports: readonly BusPort[], map: LinkMap, names: ElementNames): string {
  const placements = placeElements(ports, map.packing, map.wordBits) as readonly Placement[];
  const elements = placements.map(({ port, element, word, bit, width, signed }) => {
    const { tensor } = ports[port] as BusPort;
    const name = names.get(tensor)?.[element];
    return JSON.stringify({ port: tensor, element, ...(name === undefined ? {} : { name }), frame: Math.floor(word / map.links.length), link: map.links[word % map.links.length], bit, width, signed });
  });
  const { links, frames, interval, packing, wordBits } = map;
  return `${JSON.stringify({ links, frames, interval, packing, ...(wordBits === undefined ? {} : { wordBits }) }).slice(0, -1)},"elements":[\n${elements.join(',\n')}\n]}`;
}

const sideSchema = z.object({
  links: z.array(z.int().min(0)).min(1),
  frames: z.int().min(1),
  interval: z.int().min(1),
  packing: z.union([z.enum(['tight', 'whole']), z.int().min(1).max(64)]),
  wordBits: z.literal([32, 64]).exactOptional(),
  elements: z.array(z.object({ port: z.string(), element: z.int(), name: z.string().exactOptional() })),
});

/** The maps of an output folder, and the names of its elements by port. Throws CompileError (`input`). */
export function readLayout(text: string, file: string): { readonly maps: LinkMaps; readonly names: ElementNames } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const parsed = z.object({ inputs: sideSchema, outputs: sideSchema }).safeParse(json);
  if (!parsed.success) throw new CompileError('input', { code: 'bad-layout', where: [file], what: 'is no layout of patterns.', mend: 'Compile the model again.' });
  const names = new Map<string, string[]>();
  for (const { port, element, name } of [...parsed.data.inputs.elements, ...parsed.data.outputs.elements]) {
    if (name === undefined) continue;
    const own = names.get(port) ?? [];
    own[element] = name;
    names.set(port, own);
  }
  return { maps: parsed.data, names };
}
