import { expect, test } from 'vitest';
import { compareReports, textComparison } from '../../src/report/compare.js';
import type { ReportDraft } from '../../src/report/schema.js';
import { bareReport, hostileReport, sampleDraft, sampleReport, unmetReport } from './sample.js';

const against = (changes: Partial<ReportDraft>) => compareReports(sampleReport(), sampleReport(changes));
const { model, resources, timing, overflow } = sampleDraft;

test('a report against itself differs in nothing', () => {
  const comparison = compareReports(sampleReport(), sampleReport());
  expect(comparison).toMatchObject({ changes: [], sameInterface: true, notes: [] });
  expect(textComparison(comparison)).toContain('nothing else differs');
});

test('area and timing changes leave the interface alone', () => {
  const comparison = against({ resources: { ...resources, estimated: { lut: 5012, ff: 1900, dsp: 0, bram: 0 } }, timing: { ...timing, criticalPathNs: 3 } });
  expect(comparison.sameInterface).toBe(true);
  expect(comparison.changes).toEqual([
    { group: 'timing', name: 'critical path (estimated)', before: 2.914, after: 3, unit: 'ns', direction: 'worse', interface: false },
    { group: 'area', name: 'LUT (estimated)', before: 4812, after: 5012, direction: 'worse', interface: false },
    { group: 'area', name: 'FF (estimated)', before: 1930, after: 1900, direction: 'better', interface: false },
  ]);
});

test('ports, their types, their order and the latency are the interface', () => {
  const input = model.inputs[0] as (typeof model.inputs)[number];
  const changed = against({ model: { ...model, inputs: [{ ...input, type: 'fixed<16,11>' }], outputs: [...model.outputs, { name: 'loss', shape: [], type: 'ufixed<8,8>' }] } });
  expect(changed.sameInterface).toBe(false);
  expect(changed.changes.map((c) => [c.group, c.name, c.before, c.after])).toEqual([
    ['types', 'input objects', 'fixed<18,13>', 'fixed<16,11>'],
    ['ports', 'output loss', undefined, 'scalar'],
  ]);
  expect(compareReports(sampleReport(), unmetReport()).changes.filter((c) => c.interface).map((c) => c.name)).toEqual(['latency', 'latency in time']);
  for (const inputs of [[{ ...input, shape: [3, 19] }], []]) {
    const other = against({ model: { ...model, inputs } });
    expect(other).toMatchObject({ sameInterface: false, changes: [{ group: 'ports', name: 'input objects', before: '57' }] });
  }
  const two = [input, { ...input, name: 'b' }];
  const swapped = compareReports(sampleReport({ model: { ...model, inputs: two } }), sampleReport({ model: { ...model, inputs: [...two].reverse() } }));
  expect(swapped.changes.map((c) => [c.name, c.before, c.after])).toEqual([['order of inputs', 'objects, b', 'b, objects']]);
});

test('one element type that differs is seen', () => {
  const input = model.inputs[0] as (typeof model.inputs)[number];
  const typed = (last: string): Partial<ReportDraft> => ({ model: { ...model, inputs: [{ ...input, shape: [2], elementTypes: ['fixed<18,13>', last] }] } });
  expect(compareReports(sampleReport(typed('fixed<4,4>')), sampleReport(typed('fixed<5,5>'))).sameInterface).toBe(false);
});

test('figures of different sources are not compared, and that is said', () => {
  const comparison = against({ timing: { ...timing, criticalPathNs: 1, source: 'synthesised' }, resources: { ...resources, synthesised: { flow: 'yosys-xilinx', lut: 1, ff: 1 } } });
  expect(comparison.changes).toEqual([]);
  expect(comparison.notes).toEqual([
    'critical path: estimated before, synthesised after, so not compared',
    'synthesised area: none before, yosys-xilinx after, so not compared',
  ]);
});

test('a lost proof is worse; layers come and go', () => {
  expect(against({ overflow: { ...overflow, provenSafe: false } }).changes).toMatchObject([{ name: 'proven free of overflow', before: 'yes', after: 'no', direction: 'worse' }]);
  const fewer = against({ layers: sampleDraft.layers.slice(1) });
  expect(fewer.changes).toEqual([{ group: 'layers', name: 'input_offset', before: 'elementwise', direction: 'neutral', interface: false }]);
});

test('flipped decisions are listed where they are known', () => {
  const comparison = compareReports(sampleReport(), sampleReport(), { events: 1000, flipped: 3, differing: 40, rule: 'score > 0.5' });
  expect(comparison.changes).toEqual([['flipped (score > 0.5)', 3], ['outputs that differ', 40]].map(([name, after]) => ({ group: 'decisions', name: `${name}, of 1 000 events`, after, direction: 'neutral', interface: false })));
  const note = (flipped: number, differing: number): readonly string[] => compareReports(sampleReport(), sampleReport(), { events: 9, flipped, differing, rule: 'y' }).notes;
  expect([note(0, 0), note(0, 2), note(1, 1)]).toEqual([['decisions: every output is the same on 9 events'], ['decisions: none flips on 9 events (y)'], []]);
  expect(compareReports(sampleReport(), sampleReport(), 'no events').notes).toEqual(['decisions: no events']);
});

test('text, as a snapshot; hostile names stay harmless; reports of any fullness compare', () => {
  expect(textComparison(compareReports(sampleReport(), unmetReport(), { events: 1000, flipped: 3, differing: 40, rule: 'score > 0.5' }), 90)).toMatchSnapshot();
  const hostile = textComparison(compareReports(bareReport(), hostileReport()));
  expect(hostile).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});
