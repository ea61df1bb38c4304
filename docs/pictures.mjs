#!/usr/bin/env node
// Draws the pictures of how-it-works.md that are made of numbers: node docs/pictures.mjs
//
//   numbers.svg   a value, what a type keeps of it, and what the type does where it does not fit
//   circuit.svg   relu(3x + y) as operations with their intervals
//   schedule.svg  the same operations placed in stages, and the registers between
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const INK = '#222';
const MUTED = '#666';
const EDGE = '#24507d';
const FILL = '#f2f5f9';
const LOST = '#b33';

const text = (x, y, content, { fill = INK, size = 14, anchor = 'start' } = {}) => `<text x="${x}" y="${y}" fill="${fill}" font-size="${size}" text-anchor="${anchor}">${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
const rect = (x, y, w, h, { fill = FILL, stroke = EDGE, dash = '' } = {}) => `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="3" fill="${fill}" stroke="${stroke}"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}/>`;
const arrow = (x1, y1, x2, y2) => `<path d="M${x1} ${y1} L${x2} ${y2}" stroke="#444" fill="none" marker-end="url(#a)"/>`;

function picture(name, width, height, label, parts) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" role="img" aria-label="${label.replaceAll('<', '&lt;')}">
<rect width="${width}" height="${height}" fill="#ffffff"/>
<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#444"/></marker></defs>
${parts.join('\n')}
</svg>
`;
  writeFileSync(join(import.meta.dirname, 'images', name), svg);
}

/** A number's bits in two's complement around the binary point, from 2^(integer − 1) down to 2^−fraction. */
function bitsOf(value, integer, fraction) {
  const whole = Math.floor(value * 2 ** fraction);
  return Array.from({ length: integer + fraction }, (_, i) => Math.floor(whole / 2 ** (integer + fraction - 1 - i)) & 1);
}

/** Bits as boxes, those outside of the kept columns in red dashes. */
function bitRow(x, y, bits, kept, points) {
  const box = 30;
  const parts = bits.flatMap((bit, i) => {
    const isKept = i >= kept[0] && i < kept[1];
    return [rect(x + i * box, y, box - 4, 28, isKept ? {} : { fill: '#fff', stroke: LOST, dash: '3 3' }), text(x + i * box + 13, y + 19, String(bit), { anchor: 'middle', fill: isKept ? INK : LOST })];
  });
  return [...parts, `<circle cx="${x + points * box - 2}" cy="${y + 30}" r="3" fill="${INK}"/>`];
}

const value = 5.40625;
const stored = Math.floor(value * 4) / 4;
const wrapped = ((stored + 4) % 8) - 4;
picture('numbers.svg', 640, 190, 'A value of ten bits in ap_fixed<5,3>: five bits stay, low ones round, high ones overflow', [
  text(20, 34, `${value} =`), ...bitRow(150, 14, bitsOf(value, 5, 5), [0, 10], 5),
  text(20, 94, 'ap_fixed<5,3>'), ...bitRow(150, 74, bitsOf(value, 5, 5), [2, 7], 5),
  text(136, 126, 'overflow', { fill: LOST, size: 12 }), text(362, 126, 'rounding', { fill: LOST, size: 12 }), text(214, 126, '3 integer bits', { fill: MUTED, size: 12 }), text(300, 126, '2 more', { fill: MUTED, size: 12 }),
  text(20, 158, `TRN, WRAP gives ${wrapped}; RND, SAT gives 3.75.`, { size: 13 }),
  text(20, 178, 'Its values are n·2^−2 with n from −16 to 15: the interval [−4, 3.75].', { size: 13 }),
]);

/** The operations of relu(3x + y), x and y of four bits: where they stand, what they are, their interval, who reads them. */
const OPS = [
  { id: 'x', at: [60, 75], interval: '[−8, 7]', reads: [] },
  { id: 'y', at: [60, 155], interval: '[−8, 7]', reads: [] },
  { id: 'shift 1', at: [180, 42], interval: '[−16, 14]', reads: ['x'] },
  { id: 'add', at: [290, 75], interval: '[−24, 21]', reads: ['x', 'shift 1'] },
  { id: 'add ', at: [400, 105], interval: '[−32, 28]', reads: ['add', 'y'] },
  { id: 'lt 0', at: [505, 50], interval: '[0, 1]', reads: ['add '] },
  { id: 'mux', at: [590, 105], interval: '[0, 28]', reads: ['lt 0', 'add '] },
];

function operations(places) {
  const at = (id) => places.get(id);
  const lines = OPS.flatMap(({ id, reads }) => reads.map((from) => {
    const [[x1, y1], [x2, y2]] = [at(from), at(id)];
    const length = Math.hypot(x2 - x1, y2 - y1);
    const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
    return arrow(x1 + dx * 30, y1 + dy * 18, x2 - dx * 32, y2 - dy * 20);
  }));
  return [...lines, ...OPS.flatMap(({ id, interval }) => {
    const [x, y] = at(id);
    return [rect(x - 29, y - 16, 58, 32), text(x, y + 5, id, { anchor: 'middle' }), text(x, id === 'shift 1' ? y - 22 : y + 33, interval, { anchor: 'middle', size: 12, fill: MUTED })];
  })];
}

picture('circuit.svg', 640, 200, 'relu(3x + y) as seven operations, each with the interval of its values', operations(new Map(OPS.map(({ id, at }) => [id, at]))));

const STAGES = [['x', 'y', 'shift 1', 'add'], ['add '], ['lt 0', 'mux']];
const places = new Map([['x', [60, 75]], ['y', [60, 200]], ['shift 1', [140, 75]], ['add', [140, 135]], ['add ', [300, 165]], ['lt 0', [430, 100]], ['mux', [520, 165]]]);
const ranks = [220, 365, 590];
picture('schedule.svg', 640, 270, 'The operations of relu(3x + y) in three stages, with a register rank behind each', [
  ...ranks.map((x) => `<path d="M${x} 34 V240" stroke="${LOST}" stroke-width="2" stroke-dasharray="6 4"/>`),
  ...STAGES.map((_, s) => text(((s === 0 ? 20 : ranks[s - 1]) + ranks[s]) / 2, 24, `stage ${s}`, { anchor: 'middle', fill: MUTED, size: 13 })),
  ...operations(places),
  text(20, 260, 'Red: register ranks. Only the bits that are read later cross: y crosses the first with the sum, the comparison none.', { fill: MUTED, size: 12 }),
]);
