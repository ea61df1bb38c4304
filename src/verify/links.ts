import type { Pattern } from '../io/patterns/pattern.js';
import { Flag } from '../io/patterns/pattern.js';
import type { BusPort, Raw, RawEvent } from './dut.js';

/** How the events of one side lie on links: what an I/O schema may say, with everything decided. */
export interface LinkMap {
  readonly links: readonly number[];
  /** Frames that an event takes on every link. */
  readonly frames: number;
  /** Frames from the beginning of an event to that of the next. */
  readonly interval: number;
  readonly packing: Packing;
  /** Bits of a word: 32 on boards such as the MP7; 64 where nothing is said. */
  readonly wordBits?: WordBits;
}

export type WordBits = 32 | 64;

/** Bit after bit; no element across two words; or slots of so many bits. */
export type Packing = 'tight' | 'whole' | number;

/** Where an element is: its lowest bit in the event's words, which fill the links of a frame, then the next frame. */
export interface Placement {
  readonly port: number;
  readonly element: number;
  readonly word: number;
  readonly bit: number;
  readonly width: number;
  readonly signed: boolean;
  /** Bits that are written: more than the width in slots, filled with the sign. */
  readonly slot: number;
  readonly wordBits: WordBits;
}

const WORD_BITS = 64;

/** Links that an event takes at most by itself; what needs more words takes more frames. */
const MOST_LINKS = 128;

/** What of a map was given, by an I/O schema. */
export type GivenLinks = { readonly [Key in keyof LinkMap]?: LinkMap[Key] };

/** The place of every element, ports in order, elements in C order; or why they do not fit. */
export function placeElements(ports: readonly BusPort[], packing: Packing, wordBits: WordBits = WORD_BITS): readonly Placement[] | string {
  const placements: Placement[] = [];
  let at = 0;
  for (const [port, { elements, tensor }] of ports.entries()) {
    for (const [element, { width, signed }] of elements.entries()) {
      if (typeof packing === 'number' && width > packing) return `${tensor}[${element}] has ${width} bits, more than a slot of ${packing}`;
      const slot = typeof packing === 'number' ? packing : width;
      const used = at % wordBits;
      if (packing !== 'tight' && used > 0 && used + slot > wordBits) at += wordBits - used;
      placements.push({ port, element, word: Math.floor(at / wordBits), bit: at % wordBits, width, signed, slot, wordBits });
      at += slot;
    }
  }
  return placements;
}

/** Words that an event takes. */
export function wordsOf(placements: readonly Placement[]): number {
  const last = placements.at(-1);
  return last === undefined ? 1 : Math.ceil((last.word * last.wordBits + last.bit + last.slot) / last.wordBits);
}

/**
 * The map of one side: what is given, else one frame an event on as many links as it takes, up to 128. Gives the sentence
 * that says why an event does not fit.
 */
export function linkMap(ports: readonly BusPort[], given: GivenLinks): LinkMap | string {
  const packing = given.packing ?? 'tight';
  const { wordBits = WORD_BITS } = given;
  const placements = placeElements(ports, packing, wordBits);
  if (typeof placements === 'string') return placements;
  const words = wordsOf(placements);
  const frames = given.frames ?? (given.links === undefined ? Math.ceil(words / MOST_LINKS) : Math.ceil(words / given.links.length));
  const links = given.links ?? Array.from({ length: Math.ceil(words / frames) }, (_, l) => l);
  if (links.length * frames < words) return `an event has ${words} words of ${wordBits} bits; ${frames} ${frames === 1 ? 'frame' : 'frames'} on ${links.length} ${links.length === 1 ? 'link' : 'links'} hold ${links.length * frames}`;
  return { links, frames, interval: given.interval ?? frames, packing, ...(given.wordBits === undefined ? {} : { wordBits }) };
}

/** The maps of both sides: unless told otherwise a result follows the last as an event does. */
export function linkMaps(inputs: readonly BusPort[], outputs: readonly BusPort[], given: { readonly inputs?: GivenLinks; readonly outputs?: GivenLinks }): { readonly inputs: LinkMap | string; readonly outputs: LinkMap | string } {
  const first = { inputs: linkMap(inputs, given.inputs ?? {}), outputs: linkMap(outputs, given.outputs ?? {}) };
  if (typeof first.inputs === 'string' || typeof first.outputs === 'string') return first;
  const interval = given.inputs?.interval ?? given.outputs?.interval ?? Math.max(first.inputs.interval, first.outputs.interval);
  const spaced = (map: LinkMap, own: GivenLinks | undefined): LinkMap | string => {
    if ((own?.interval ?? interval) < map.frames) return `an event takes ${map.frames} frames, and the next begins after ${own?.interval ?? interval}`;
    return { ...map, interval: own?.interval ?? interval };
  };
  return { inputs: spaced(first.inputs, given.inputs), outputs: spaced(first.outputs, given.outputs) };
}

/** The words of an event, links of the first frame first. */
export function packEvent(placements: readonly Placement[], words: number, event: RawEvent): BigUint64Array {
  const packed = new BigUint64Array(words);
  for (const { port, element, word, bit, slot, wordBits } of placements) {
    let rest = BigInt.asUintN(slot, BigInt(event[port]?.[element] as Raw));
    for (let w = word, shift = bit; rest > 0n; w++, shift = 0) {
      packed[w] = (packed[w] as bigint) | BigInt.asUintN(wordBits, rest << BigInt(shift));
      rest >>= BigInt(wordBits - shift);
    }
  }
  return packed;
}

/** The element's integer in the words of an event. */
export function unpackElement({ word, bit, width, signed, wordBits }: Placement, words: BigUint64Array): bigint {
  let value = 0n;
  for (let w = word, done = 0; done < width; w++) {
    const shift = done === 0 ? bit : 0;
    value |= (BigInt.asUintN(wordBits, words[w] as bigint) >> BigInt(shift)) << BigInt(done);
    done += wordBits - shift;
  }
  return signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
}

/** The bits of each word that hold elements. */
export function usedBits(placements: readonly Placement[], words: number): BigUint64Array {
  const mask = new BigUint64Array(words);
  for (const { word, bit, width, wordBits } of placements) {
    let rest = (1n << BigInt(width)) - 1n;
    for (let w = word, shift = bit; rest > 0n; w++, shift = 0) {
      mask[w] = (mask[w] as bigint) | BigInt.asUintN(wordBits, rest << BigInt(shift));
      rest >>= BigInt(wordBits - shift);
    }
  }
  return mask;
}

/** Events one after the other, from frame 0 on; frames between them are not valid. */
export function encodeEvents(ports: readonly BusPort[], map: LinkMap, events: readonly RawEvent[]): Pattern {
  const placements = placeElements(ports, map.packing, map.wordBits) as readonly Placement[];
  const columns = map.links.length;
  const frames = events.length * map.interval;
  const data = new BigUint64Array(frames * columns);
  const flags = new Uint8Array(frames * columns);
  events.forEach((event, e) => {
    const from = e * map.interval * columns;
    data.set(packEvent(placements, map.frames * columns, event), from);
    for (let f = 0; f < map.frames; f++) {
      const own = Flag.valid | (f === 0 ? Flag.start : 0) | (f === map.frames - 1 ? Flag.end : 0) | (e === 0 && f === 0 ? Flag.orbit : 0);
      flags.fill(own, from + f * columns, from + (f + 1) * columns);
    }
  });
  return { format: 'emp2', links: map.links, frames, data, flags, tellsValid: true, ...(map.wordBits === undefined ? {} : { wordBits: map.wordBits }) };
}

/** The events of a pattern of ours, in its valid frames. */
export function decodeEvents(ports: readonly BusPort[], map: LinkMap, pattern: Pattern): RawEvent[] {
  const placements = placeElements(ports, map.packing, map.wordBits) as readonly Placement[];
  const columns = map.links.length;
  const valid = Array.from({ length: pattern.frames }, (_, f) => f).filter((f) => ((pattern.flags[f * columns] as number) & Flag.valid) !== 0);
  return Array.from({ length: Math.floor(valid.length / map.frames) }, (_, e) => {
    const words = new BigUint64Array(map.frames * columns);
    for (let f = 0; f < map.frames; f++) {
      const from = (valid[e * map.frames + f] as number) * columns;
      words.set(pattern.data.subarray(from, from + columns), f * columns);
    }
    const event: Raw[][] = ports.map(() => []);
    for (const placement of placements) (event[placement.port] as Raw[]).push(exact(unpackElement(placement, words)));
    return event;
  });
}

function exact(n: bigint): Raw {
  return n >= BigInt(Number.MIN_SAFE_INTEGER) && n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n;
}
