import { describe, expect, it } from 'vitest';
import type { BusPort, Raw, RawEvent } from '../../src/verify/dut.js';
import type { Packing } from '../../src/verify/links.js';
import { decodeEvents, encodeEvents, linkMap, linkMaps, placeElements } from '../../src/verify/links.js';
import { readPattern, writePattern } from '../../src/io/patterns/formats.js';
import { Random } from '../helpers/random.js';

function bus(tensor: string, ...widths: readonly number[]): BusPort {
  return { port: tensor, tensor, elements: widths.map((width) => ({ width: Math.abs(width), signed: width < 0 })) };
}

function randomEvents(ports: readonly BusPort[], count: number, seed: number): RawEvent[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => ports.map(({ elements }) => elements.map(({ width, signed }): Raw => {
    let n = 0n;
    for (let i = 0; i < width; i += 32) n = (n << 32n) | BigInt(random.bits());
    const value = signed ? BigInt.asIntN(width, n) : BigInt.asUintN(width, n);
    return width > 53 && (value > 2n ** 53n - 1n || value < 1n - 2n ** 53n) ? value : Number(value);
  })));
}

/** Where elements should be, as one row of bits. */
function startsOf(widths: readonly number[], packing: Packing): number[] {
  let at = 0;
  return widths.map((width) => {
    const slot = typeof packing === 'number' ? packing : width;
    if (packing !== 'tight') while (at % 64 !== 0 && Math.floor(at / 64) !== Math.floor((at + slot - 1) / 64)) at++;
    at += slot;
    return at - slot;
  });
}

const PORTS = [bus('a', 13, -13, 7, 1, 64, -9), bus('b', 100, 3, -33, 33)];
const WIDTHS = PORTS.flatMap(({ elements }) => elements.map(({ width }) => width));

describe('elements in words', () => {
  it.each(['tight', 'whole'] as const)('%s', (packing) => {
    const placements = placeElements(PORTS, packing);
    expect(typeof placements === 'string' ? placements : placements.map(({ word, bit }) => 64 * word + bit)).toEqual(startsOf(WIDTHS, packing));
  });

  it.each([16, 20, 32, 64])('in slots of %i', (packing) => {
    const ports = [bus('a', 13, -13, 7, 1, -16, 9, 2)];
    const placements = placeElements(ports, packing);
    expect(typeof placements === 'string' ? placements : placements.map(({ word, bit }) => 64 * word + bit)).toEqual(startsOf([13, 13, 7, 1, 16, 9, 2], packing));
  });

  it.each([
    ['tight on as many links as it takes', 'tight', {}, 1],
    ['tight on 2 links', 'tight', { links: [9, 4] }, 3],
    ['whole, 3 frames, one left over', 'whole', { links: [1, 2], frames: 4, interval: 6 }, 6],
  ] as const)('come back from frames: %s', (_, packing, given, interval) => {
    const map = linkMap(PORTS, { packing, ...given });
    if (typeof map === 'string') throw new Error(map);
    expect(map.interval).toBe(interval);
    const events = randomEvents(PORTS, 20, 3);
    const pattern = encodeEvents(PORTS, map, events);
    expect(pattern.frames).toBe(20 * interval);
    expect(decodeEvents(PORTS, map, pattern)).toEqual(events);
  });

  it.each(['tight', 'whole', 20] as const)('of 32 bits, as boards of 32-bit links have them: %s', (packing) => {
    const ports = packing === 20 ? [bus('a', 13, -13, 7, 1, -16, 20)] : PORTS;
    const map = linkMap(ports, { packing, wordBits: 32, links: [2, 5, 6] });
    if (typeof map === 'string') throw new Error(map);
    const events = randomEvents(ports, 20, 4);
    const pattern = encodeEvents(ports, map, events);
    expect(pattern.data.every((word) => word < 2n ** 32n)).toBe(true);
    expect(decodeEvents(ports, map, pattern)).toEqual(events);
    const text = writePattern('emp1', pattern, 'board');
    expect(text).toMatch(/^Frame 0000 :( {3}1v[0-9a-f]{8}){3}$/m);
    const read = readPattern(text, 'mp7.txt');
    expect([read.format, read.wordBits]).toEqual(['emp1', 32]);
    expect(decodeEvents(ports, map, read)).toEqual(events);
    for (const format of ['emp2', 'apx', 'hex'] as const) expect(decodeEvents(ports, map, readPattern(writePattern(format, pattern, 'board'), format))).toEqual(events);
    expect(() => readPattern(text.replace(/1v([0-9a-f]{8})$/m, '1v00000000$1'), 'mp7.txt')).toThrow("mp7.txt:4: '1v00000000");
  });

  it('are where layout and documentation say: words fill the links of a frame, then the next', () => {
    const ports = [bus('x', 60, 60, 60)];
    const map = linkMap(ports, { links: [7, 3], packing: 'whole' });
    if (typeof map === 'string') throw new Error(map);
    const { data, flags, frames } = encodeEvents(ports, map, [[[1, 2, 3]]]);
    expect([frames, [...data], [...flags]]).toEqual([2, [1n, 2n, 3n, 0n], [11, 11, 5, 5]]);
  });

  it('fill slots with their sign', () => {
    const ports = [bus('x', -3, 3)];
    const map = linkMap(ports, { packing: 8 });
    if (typeof map === 'string') throw new Error(map);
    expect([...encodeEvents(ports, map, [[[-2, 6]]]).data]).toEqual([0x06fen]);
  });
});

describe('maps', () => {
  it('take one frame up to 128 links, then more', () => {
    const words = (n: number): BusPort[] => [bus('x', ...Array.from({ length: n }, () => 64))];
    expect(linkMap(words(128), {})).toMatchObject({ frames: 1, interval: 1 });
    expect(linkMap(words(129), {})).toMatchObject({ frames: 2, links: Array.from({ length: 65 }, (_, l) => l) });
    expect(linkMap(words(7), { frames: 3 })).toMatchObject({ frames: 3, links: [0, 1, 2] });
  });

  it('space results as events', () => {
    expect(linkMaps([bus('x', 64, 64, 64)], [bus('y', 8)], { inputs: { links: [0] } })).toMatchObject({ inputs: { frames: 3, interval: 3 }, outputs: { frames: 1, interval: 3 } });
    expect(linkMaps([bus('x', 64)], [bus('y', 8)], { inputs: { interval: 6 } }).outputs).toMatchObject({ frames: 1, interval: 6 });
  });

  it.each([
    [{ inputs: { links: [0, 1], frames: 1 } }, 'inputs', 'an event has 3 words of 64 bits; 1 frame on 2 links hold 2'],
    [{ inputs: { packing: 16 } }, 'inputs', 'x[0] has 64 bits, more than a slot of 16'],
    [{ outputs: { frames: 2, interval: 1 } }, 'outputs', 'an event takes 2 frames, and the next begins after 1'],
  ] as const)('say why an event does not fit', (given, side, expected) => {
    expect(linkMaps([bus('x', 64, 64, 64)], [bus('y', 8)], given)[side]).toBe(expected);
  });
});
