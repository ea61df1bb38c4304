import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatApart, formatCount, formatDecimal, formatPercent, printable, shellCommand } from '../../src/report/format.js';
import { wrapText } from '../../src/report/table.js';

test('counts are grouped by three', () => {
  expect([0, 999, 1000, 4812, 1728000, -1234].map(formatCount)).toEqual(['0', '999', '1 000', '4 812', '1 728 000', '-1 234']);
});

test('decimals', () => {
  expect([0, 28.125, 50, 0.0042, -12.55, 1234.5, 1e20, 1.2e-7, 0.96].map((x) => formatDecimal(x))).toEqual([
    '0', '28.1', '50', '0.0042', '-12.6', '1 234.5', '1e+20', '1.2e-7', '0.96',
  ]);
  expect(formatDecimal(3.125, 3)).toBe('3.125');
});

test('a printed decimal is within half of its last place', () => {
  fc.assert(fc.property(fc.double({ min: 1, max: 1e9, noNaN: true }), fc.integer({ min: 0, max: 4 }), (x, digits) => {
    expect(Math.abs(Number(formatDecimal(x, digits).replaceAll(' ', '')) - x)).toBeLessThanOrEqual(0.5000001 * 10 ** -digits + 1e-6);
  }));
});

test('different numbers print differently', () => {
  expect(formatApart(50.02, 50)).toEqual(['50.02', '50']);
  fc.assert(fc.property(fc.double({ min: 0.1, max: 1e4, noNaN: true }), fc.double({ min: 0.1, max: 1e4, noNaN: true }), (a, b) => {
    const [x, y] = formatApart(a, b);
    expect(x === y).toBe(a === b);
  }));
});

test('percentages', () => {
  expect([formatPercent(4812, 1728000), formatPercent(1, 1e6), formatPercent(0, 5), formatPercent(3, 4), formatPercent(1, 0)]).toEqual(['0.28%', '<0.01%', '0%', '75%', 'more than there is']);
});

test('control and bidirectional characters are spelled out', () => {
  expect(printable('a\u001b[31mb\u202ec\nd\u0000\ud800é☃')).toBe('a\\x1b[31mb\\u202ec\\x0ad\\x00\\ud800é☃');
  expect(printable('😀')).toBe('😀');
});

test('a command reads back as it was', () => {
  expect(shellCommand(['compile-model', "it's.onnx", '--input-type', 'fixed<8,4>', '$(x)', ''])).toBe(`compile-model 'it'\\''s.onnx' --input-type 'fixed<8,4>' '$(x)' ''`);
});

test('wrapped lines fit and lose nothing', () => {
  fc.assert(fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }), (words) => {
    const lines = wrapText(words.join(' '), 40, '  ');
    expect(lines.every((l) => l.length <= 40)).toBe(true);
    expect(lines.map((l) => l.trim()).join(' ')).toBe(words.join(' '));
  }));
});
