import { describe, expect, it } from 'vitest';
import type { Pattern } from '../../src/io/patterns/pattern.js';
import { Flag } from '../../src/io/patterns/pattern.js';
import type { CaptureQuestion } from '../../src/verify/capture.js';
import { compareCapture } from '../../src/verify/capture.js';
import type { BusPort, RawEvent } from '../../src/verify/dut.js';
import type { GivenLinks } from '../../src/verify/links.js';
import { encodeEvents, linkMaps } from '../../src/verify/links.js';
import { Random } from '../helpers/random.js';

const INPUTS: readonly BusPort[] = [{ port: 'x', tensor: 'x', elements: [{ width: 40, signed: false }] }];
const OUTPUTS: readonly BusPort[] = [{ port: 'y', tensor: 'y', elements: [{ width: 30, signed: true }, { width: 50, signed: false }] }];

function question(given: { readonly inputs?: GivenLinks; readonly outputs?: GivenLinks } = {}, events = 100, values = 1000): CaptureQuestion & { readonly pattern: Pattern } {
  const random = new Random(9);
  const expected: RawEvent[] = Array.from({ length: events }, () => [[random.int(0, values) - 400, random.int(0, values)]]);
  const { inputs, outputs } = linkMaps(INPUTS, OUTPUTS, given);
  if (typeof inputs === 'string' || typeof outputs === 'string') throw new Error('maps');
  return { ports: OUTPUTS, map: outputs, inputInterval: inputs.interval, expected, file: 'c.txt', pattern: encodeEvents(OUTPUTS, outputs, expected) };
}

/** A pattern behind `before` frames of something else, with `after` at its end, and fewer frames at its front. */
function shifted(pattern: Pattern, before: number, flags: number, after = 0, cut = 0): Pattern {
  const columns = pattern.links.length;
  const frames = pattern.frames - cut + before + after;
  const data = new BigUint64Array(frames * columns).fill(0xdead_beefn);
  const own = new Uint8Array(frames * columns).fill(flags);
  data.set(pattern.data.subarray(cut * columns), before * columns);
  own.set(pattern.flags.subarray(cut * columns), before * columns);
  return { ...pattern, frames, data, flags: own };
}

const MAPS: readonly [string, { readonly inputs?: GivenLinks; readonly outputs?: GivenLinks }][] = [
  ['a frame an event', {}],
  ['several frames an event', { outputs: { links: [5] } }],
  ['gaps between events', { inputs: { interval: 6 }, outputs: { links: [8, 3], frames: 2 } }],
];

describe.each(MAPS)('a capture, %s', (_, given) => {
  const asked = question(given);

  it.each([
    ['at once', 0, 0], ['behind frames that are not valid', 17, 0], ['behind valid frames of something else', 23, Flag.valid],
  ])('agrees %s', (__, before, flags) => {
    const result = compareCapture(asked, shifted(asked.pattern, before, flags, 5));
    expect(result).toMatchObject({ latencyFrames: [before, before], events: 100, firstEvent: 0, mismatches: 0, alternatives: 0, first: undefined });
  });

  it('agrees where it begins late and ends early', () => {
    const cut = 12 * asked.map.interval;
    const late = shifted(asked.pattern, 0, 0, 0, cut);
    const short = { ...late, frames: late.frames - 1, data: late.data.subarray(0, -late.links.length), flags: late.flags.subarray(0, -late.links.length) };
    const result = compareCapture(asked, short);
    const lastFrameIsValid = asked.map.frames === asked.map.interval;
    expect(result).toMatchObject({ latencyFrames: [-cut, -cut], firstEvent: 12, events: lastFrameIsValid ? 87 : 88, mismatches: 0 });
  });

  it('of plain numbers, which say nothing of valid, agrees', () => {
    const result = compareCapture(asked, { ...shifted(asked.pattern, 31, Flag.valid, 3), flags: new Uint8Array((asked.pattern.frames + 34) * asked.pattern.links.length).fill(Flag.valid), tellsValid: false });
    expect(result).toMatchObject({ latencyFrames: [31, 31], events: 100, mismatches: 0 });
  });

  it('may have anything in bits that hold no element', () => {
    const data = asked.pattern.data.map((word, i) => (i % (asked.map.links.length * asked.map.interval) === 1 && asked.map.links.length > 1 ? word | (1n << 63n) : word));
    expect(compareCapture(asked, { ...asked.pattern, data }).mismatches).toBe(0);
  });

  it.each([[0, 0], [29, 0], [30, 1], [63, 1], [64, 1], [79, 1]])('shows the first element that differs: bit %i', (bit, element) => {
    const capture = shifted(asked.pattern, 7, 0);
    const data = capture.data.slice();
    const { links, interval } = asked.map;
    const at = (event: number): number => 7 * links.length + event * interval * links.length + Math.floor(bit / 64);
    for (const event of [41, 60]) data[at(event)] = (data[at(event)] as bigint) ^ (1n << BigInt(bit % 64));
    const result = compareCapture(asked, { ...capture, data });
    const expected = BigInt(asked.expected[41]?.[0]?.[element] as number);
    const flipped = expected ^ (1n << BigInt(element === 0 ? bit : bit - 30));
    expect(result).toMatchObject({ latencyFrames: [7, 7], events: 100, mismatches: 2, first: { event: 41, port: 0, element, expected, got: element === 0 ? BigInt.asIntN(30, flipped) : BigInt.asUintN(50, flipped) } });
    // Both elements begin in the event's first word.
    expect(result.first).toMatchObject({ frame: 7 + 41 * interval, link: links[0] });
  });
});

describe('a capture', () => {
  const asked = question();

  it('of results that are all alike tells that the latency could be another', () => {
    const alike = question({}, 20, 0);
    const result = compareCapture(alike, shifted(alike.pattern, 4, 0, 0));
    expect([result.mismatches, result.latencyFrames[0]]).toEqual([0, 4]);
    const longer = compareCapture({ ...alike, expected: alike.expected.slice(0, 10) }, alike.pattern);
    expect(longer.alternatives).toBe(10);
  });

  it('with bubbles of its own has no one latency', () => {
    const columns = asked.pattern.links.length;
    const frames = asked.pattern.frames + 1;
    const data = new BigUint64Array(frames * columns);
    const flags = new Uint8Array(frames * columns);
    const cut = 50 * columns;
    data.set(asked.pattern.data.subarray(0, cut));
    flags.set(asked.pattern.flags.subarray(0, cut));
    data.set(asked.pattern.data.subarray(cut), cut + columns);
    flags.set(asked.pattern.flags.subarray(cut), cut + columns);
    expect(compareCapture(asked, { ...asked.pattern, frames, data, flags })).toMatchObject({ latencyFrames: [0, 1], mismatches: 0, events: 100 });
  });

  it.each([['stuck at 1', (y: number): number => y | 8], ['one too high, always', (y: number): number => y + 1]])('whose output is %s still has its latency', (_, wrong) => {
    const bad = encodeEvents(OUTPUTS, asked.map, asked.expected.map((event) => [[event[0]?.[0] as number, wrong(event[0]?.[1] as number)]]));
    const result = compareCapture(asked, shifted(bad, 9, Flag.valid, 4));
    expect(result).toMatchObject({ latencyFrames: [9, 9], events: 100, certain: true, first: { element: 1 } });
    expect(result.mismatches).toBeGreaterThan(30);
  });

  it('of something else agrees nowhere', () => {
    const result = compareCapture(asked, { ...asked.pattern, data: asked.pattern.data.map((_, i) => BigInt(i) + 5000n) });
    expect(result).toMatchObject({ mismatches: result.events, agreeing: 0, certain: false });
  });

  it.each([
    ['other links', (p: Pattern): Pattern => ({ ...p, links: [4, 5] }), 'c.txt: has links 4, 5; the outputs are on 0, 1, and 0, 1 are not there. Pass --links with the 2 of the capture that hold them, or say so under patterns → outputs → links in the I/O schema.'],
    ['nothing valid', (p: Pattern): Pattern => ({ ...p, flags: new Uint8Array(p.flags.length) }), 'c.txt: none of its 100 frames is valid on the links of the outputs (0, 1). Capture while events go through, and from the right links.'],
    ['links that are not in step', (p: Pattern): Pattern => ({ ...p, flags: p.flags.map((own, i) => (i === 2 * 30 + 1 ? 0 : own)) }), 'c.txt: frame 30 is valid on link 0 and not on link 1: the links of the outputs are not in step.'],
  ])('with %s is refused', (_, change, expected) => {
    expect(() => compareCapture(asked, change(asked.pattern))).toThrow(expected);
  });

  it('shorter than one result is refused', () => {
    const long = question({ outputs: { links: [0] } });
    const capture = { ...long.pattern, frames: 1, data: long.pattern.data.subarray(0, 1), flags: long.pattern.flags.subarray(0, 1) };
    expect(() => compareCapture(long, capture)).toThrow('c.txt: holds 1 valid frame, and a result takes 2. Capture more frames.');
  });
});
