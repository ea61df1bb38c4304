import { expect, test } from 'vitest';
import { textReport } from '../../src/report/text.js';
import { bareReport, hostileReport, sampleReport, unmetReport } from './sample.js';

test('every line but the verdict and the command fits the width', () => {
  for (const width of [80, 100, 120]) {
    for (const report of [sampleReport(), unmetReport(), bareReport(), hostileReport()]) {
      const [, ...lines] = textReport(report, { width }).split('\n');
      const command = report.options === undefined ? -1 : lines.findIndex((l) => l.startsWith('── Reproduce')) + 1;
      expect(lines.filter((l, i) => l.length > width && i !== command)).toEqual([]);
    }
  }
});

test('at 80 columns layers keep their names whole', () => {
  expect(textReport(sampleReport(), { width: 80 })).toContain('input_offset       0       1    412   9  798  fixed<14,6,RND_CONV,SAT>');
});

test('the verdict is the first line, whole', () => {
  const report = sampleReport();
  expect(textReport(report, { width: 80 }).split('\n')[0]).toBe(report.verdict);
});

test('colour only when asked for', () => {
  expect(textReport(unmetReport())).not.toContain('\u001b');
  expect(textReport(unmetReport(), { color: true })).toMatch(/^\u001b\[1;31mNOT MET\u001b\[0m {2}50 ns/);
  expect(textReport(sampleReport(), { color: true })).toMatch(/^\u001b\[1;32mMET\u001b\[0m {2}50 ns/);
});

test('hostile names cannot reach the terminal', () => {
  expect(textReport(hostileReport())).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test('the unmet report says what is not kept and what was tried', () => {
  const text = textReport(unmetReport());
  expect(text).toContain('NOT KEPT         3 cycles (9.4 ns) over the 16 allowed (proven)');
  expect(text).toContain('NOT KEPT         critical path 0.27 ns over the 3.125 ns period (estimated)');
  expect(text).toMatch(/--latency 60ns +yes +19 +59\.38 +4 812/);
});

test('snapshot', () => {
  expect(textReport(sampleReport(), { width: 90 })).toMatchSnapshot();
});
