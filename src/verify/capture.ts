import { CompileError } from '../errors.js';
import type { Pattern } from '../io/patterns/pattern.js';
import { Flag } from '../io/patterns/pattern.js';
import type { BusPort, RawEvent } from './dut.js';
import type { LinkMap, Placement } from './links.js';
import { packEvent, placeElements, unpackElement, usedBits } from './links.js';

/** The first element of a capture that is not what it should be. */
export interface CaptureDifference {
  readonly event: number;
  readonly port: number;
  readonly element: number;
  readonly expected: bigint;
  readonly got: bigint;
  /** Where its lowest bit stands. */
  readonly frame: number;
  readonly link: number;
}

export interface CaptureComparison {
  /** Frames from an event's first frame in the input pattern to its result's in the capture; both ends where results are not spaced as events. */
  readonly latencyFrames: readonly [number, number];
  /** The first event that is in the capture, and how many are whole. */
  readonly firstEvent: number;
  readonly events: number;
  readonly mismatches: number;
  /** Frames that agree at this latency, of those compared. */
  readonly agreeing: number;
  readonly compared: number;
  /** Other latencies at which as many frames agree. */
  readonly alternatives: number;
  /** Whether half of the frames agree, or most bits: else it may be another latency, or something else altogether. */
  readonly certain: boolean;
  readonly first: CaptureDifference | undefined;
}

export interface CaptureQuestion {
  readonly ports: readonly BusPort[];
  readonly map: LinkMap;
  /** Frames from event to event where they go in. */
  readonly inputInterval: number;
  /** What every event should give. */
  readonly expected: readonly RawEvent[];
  /** Its name, for messages. */
  readonly file: string;
}

/** Positions of one word that are tried: a word that is everywhere tells nothing about the latency. */
const MOST_POSITIONS = 256;

/**
 * A capture against what it should hold, at the latency at which most frames agree. Bits of words that hold no element do
 * not count.
 *
 * @throws CompileError: `input` for links that are not there, no valid frame, not one whole event; `verification` where links disagree
 * about which frames are valid
 */
export function compareCapture(question: CaptureQuestion, capture: Pattern): CaptureComparison {
  const { map, expected } = question;
  const columns = columnsOf(question, capture);
  const rows = validRows(question, capture, columns);
  const placements = placeElements(question.ports, map.packing, map.wordBits) as readonly Placement[];
  const words = map.frames * map.links.length;
  const mask = usedBits(placements, words);
  const packed = expected.map((event) => packEvent(placements, words, event));
  // What frames between events hold is nobody's business; a capture may have them, or leave them out as not valid.
  const spacings = [...new Set(capture.tellsValid ? [map.frames, map.interval] : [map.interval])];
  const stream = { capture, columns, rows, mask, packed };
  const fits = spacings.map((spacing) => align(question, { ...stream, spacing }));
  const best = fits.reduce((one, other) => (other.agreeing > one.agreeing || (other.agreeing === one.agreeing && (other.bits ?? 0) > (one.bits ?? 0)) ? other : one));
  return judge(question, { ...stream, spacing: best.spacing }, best, placements);
}

interface Stream {
  readonly capture: Pattern;
  readonly columns: readonly number[];
  /** Frames of the capture that count. */
  readonly rows: readonly number[];
  readonly mask: BigUint64Array;
  readonly packed: readonly BigUint64Array[];
  /** Rows from event to event. */
  readonly spacing: number;
}

interface Fit {
  /** Event 0 begins in this row; negative where the capture begins later. */
  readonly shift: number;
  readonly agreeing: number;
  readonly alternatives: number;
  readonly spacing: number;
  /** The share of bits that agree, where few frames do. */
  readonly bits?: number;
}

function columnsOf({ map, file }: CaptureQuestion, capture: Pattern): number[] {
  const columns = map.links.map((link) => capture.links.indexOf(link));
  const missing = map.links.filter((_, l) => columns[l] === -1);
  if (missing.length === 0) return columns;
  const shown = (links: readonly number[]): string => links.slice(0, 12).join(', ') + (links.length > 12 ? ', …' : '');
  throw new CompileError('input', {
    code: 'capture-links', where: [file],
    what: `has links ${shown(capture.links)}; the outputs are on ${shown(map.links)}, and ${shown(missing)} ${missing.length === 1 ? 'is' : 'are'} not there.`,
    mend: `Pass --links with the ${map.links.length} of the capture that hold them, or say so under patterns → outputs → links in the I/O schema.`,
  });
}

/** The frames that are valid on all links of the outputs. */
function validRows({ map, file }: CaptureQuestion, capture: Pattern, columns: readonly number[]): number[] {
  const isValid = (frame: number, column: number): boolean => {
    const flags = capture.flags[frame * capture.links.length + column] as number;
    return (flags & Flag.valid) !== 0 && (flags & Flag.idle) === 0;
  };
  const rows: number[] = [];
  for (let frame = 0; frame < capture.frames; frame++) {
    const first = isValid(frame, columns[0] as number);
    const other = columns.findIndex((column) => isValid(frame, column) !== first);
    if (other >= 0) {
      const [valid, not] = first ? [map.links[0], map.links[other]] : [map.links[other], map.links[0]];
      throw new CompileError('verification', { code: 'capture-valid', where: [file], what: `frame ${frame} is valid on link ${valid} and not on link ${not}: the links of the outputs are not in step.` });
    }
    if (first) rows.push(frame);
  }
  if (rows.length > 0) return rows;
  throw new CompileError('input', { code: 'capture-not-valid', where: [file], what: `none of its ${capture.frames} frames is valid on the links of the outputs (${map.links.slice(0, 12).join(', ')}).`, mend: 'Capture while events go through, and from the right links.' });
}

/** The place of the events in the capture at which most frames agree; of several the earliest that begins in it. */
function align({ map, expected, file }: CaptureQuestion, { capture, columns, rows, mask, packed, spacing }: Stream): Fit {
  const links = map.links.length;
  const positions = new Map<string, number[]>();
  packed.forEach((words, e) => {
    for (let f = 0; f < map.frames; f++) {
      const key = keyOf((l) => words[f * links + l] as bigint, mask, f, links);
      const known = positions.get(`${f}:${key}`) ?? [];
      if (known.length < MOST_POSITIONS) known.push(e * spacing + f);
      positions.set(`${f}:${key}`, known);
    }
  });
  const length = expected.length * spacing;
  const votes = new Int32Array(length + rows.length);
  rows.forEach((frame, r) => {
    for (let f = 0; f < map.frames; f++) {
      const key = keyOf((l) => capture.data[frame * capture.links.length + (columns[l] as number)] as bigint, mask, f, links);
      for (const position of positions.get(`${f}:${key}`) ?? []) votes[r - position + length] = (votes[r - position + length] as number) + 1;
    }
  });
  // At least one whole event must be in it.
  const [least, most] = [-(expected.length - 1) * spacing, rows.length - map.frames];
  if (most < 0) {
    throw new CompileError('input', { code: 'capture-short', where: [file], what: `holds ${rows.length} valid ${rows.length === 1 ? 'frame' : 'frames'}, and a result takes ${map.frames}.`, mend: 'Capture more frames.' });
  }
  const order = Array.from({ length: most - least + 1 }, (_, i) => least + i).toSorted((a, b) => Number(a < 0) - Number(b < 0) || Math.abs(a) - Math.abs(b));
  const agreeing = order.reduce((top, shift) => Math.max(top, votes[shift + length] as number), 0);
  const best = order.filter((shift) => votes[shift + length] === agreeing);
  const whole = Math.min(rows.length, packed.length * map.frames);
  // A wire that is stuck changes half of the frames, or all.
  if (2 * agreeing < whole) return alignBits(map, { capture, columns, rows, mask, packed, spacing }, order);
  return { shift: best[0] as number, agreeing, alternatives: best.length - 1, spacing };
}

/** Events that the agreement of bits is judged by. */
const SAMPLED_EVENTS = 48;

/** The place at which most bits agree. */
function alignBits({ frames, links }: LinkMap, { capture, columns, rows, mask, packed, spacing }: Stream, order: readonly number[]): Fit {
  const step = Math.max(1, Math.floor(packed.length / SAMPLED_EVENTS));
  const bitsAnEvent = mask.reduce((bits, word) => bits + onesOf(word), 0);
  const shareAt = (shift: number): number => {
    let [events, wrong] = [0, 0];
    for (let e = 0; e < packed.length; e += step) {
      const row = shift + e * spacing;
      if (row < 0 || row + frames > rows.length) continue;
      events++;
      for (let word = 0; word < frames * links.length; word++) {
        const at = (rows[row + Math.floor(word / links.length)] as number) * capture.links.length + (columns[word % links.length] as number);
        wrong += onesOf(((capture.data[at] as bigint) ^ ((packed[e] as BigUint64Array)[word] as bigint)) & (mask[word] as bigint));
      }
    }
    // Of a few events at an end of the capture most bits may agree by chance.
    return events < Math.min(SAMPLED_EVENTS / 4, Math.ceil(packed.length / step)) ? 0 : 1 - wrong / (events * bitsAnEvent);
  };
  const shares = order.map(shareAt);
  const bits = shares.reduce((most, share) => Math.max(most, share), 0);
  return { shift: order[shares.indexOf(bits)] ?? 0, agreeing: 0, alternatives: 0, spacing, bits };
}

function onesOf(word: bigint): number {
  let ones = 0;
  for (let half of [Number(word & 0xffff_ffffn), Number(word >> 32n)]) for (; half !== 0; half = (half & (half - 1)) >>> 0) ones++;
  return ones;
}

function keyOf(word: (link: number) => bigint, mask: BigUint64Array, frame: number, links: number): string {
  let key = '';
  for (let l = 0; l < links; l++) key += `${(word(l) & (mask[frame * links + l] as bigint)).toString(36)},`;
  return key;
}

/** Of results that have nothing to do with each other about half of the bits agree, or more where the highest rarely change. */
const MOST_BITS = 0.8;

/** Every whole event at one place. */
function judge({ map, expected, inputInterval }: CaptureQuestion, { capture, columns, rows, mask, packed }: Stream, { shift, spacing, alternatives, bits = 1 }: Fit, placements: readonly Placement[]): CaptureComparison {
  const links = map.links.length;
  let [firstEvent, events, mismatches, agreeing] = [-1, 0, 0, 0];
  let [least, most] = [Infinity, -Infinity];
  let first: CaptureDifference | undefined;
  for (let e = 0; e < expected.length; e++) {
    const row = shift + e * spacing;
    if (row < 0 || row + map.frames > rows.length) continue;
    if (firstEvent < 0) firstEvent = e;
    events++;
    const begins = rows[row] as number;
    least = Math.min(least, begins - e * inputInterval);
    most = Math.max(most, begins - e * inputInterval);
    const got = new BigUint64Array(map.frames * links);
    let differs = false;
    for (let f = 0; f < map.frames; f++) {
      const frame = rows[row + f] as number;
      columns.forEach((column, l) => {
        got[f * links + l] = capture.data[frame * capture.links.length + column] as bigint;
      });
      const same = columns.every((_, l) => {
        const word = f * links + l;
        return (((got[word] as bigint) ^ ((packed[e] as BigUint64Array)[word] as bigint)) & (mask[word] as bigint)) === 0n;
      });
      if (same) agreeing++;
      else differs = true;
    }
    if (!differs) continue;
    mismatches++;
    first ??= differenceOf(e, placements, packed[e] as BigUint64Array, got, (word) => ({ frame: rows[row + Math.floor(word / links)] as number, link: map.links[word % links] as number }));
  }
  return { latencyFrames: [least, most], firstEvent, events, mismatches, agreeing, compared: events * map.frames, alternatives, certain: bits >= MOST_BITS, first };
}

function differenceOf(event: number, placements: readonly Placement[], expected: BigUint64Array, got: BigUint64Array, place: (word: number) => { readonly frame: number; readonly link: number }): CaptureDifference | undefined {
  for (const placement of placements) {
    const [own, other] = [unpackElement(placement, expected), unpackElement(placement, got)];
    if (own !== other) return { event, port: placement.port, element: placement.element, expected: own, got: other, ...place(placement.word) };
  }
  return undefined;
}
