import { CompileError } from '../errors.js';
import type { NamedArray } from './arrays.js';

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NOT_FINITE: ReadonlyMap<string, number> = new Map([
  ['nan', NaN], ['inf', Infinity], ['+inf', Infinity], ['-inf', -Infinity],
  ['infinity', Infinity], ['+infinity', Infinity], ['-infinity', -Infinity],
]);

/**
 * Reads comma-, semicolon- or tab-separated numbers, one event a line: shape [events, columns]. A first line that is
 * not all numbers is a header; lines that start with `#` are comments; empty lines are skipped.
 */
export function readCsv(text: string, where: readonly string[]): NamedArray {
  const values: number[] = [];
  let columns = -1;
  let columnsLine = 0;
  let events = 0;
  let separator = ',';
  let lineNumber = 0;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < text.length) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const line = text.slice(at, end).trim();
    at = end + 1;
    lineNumber++;
    if (line === '' || line.startsWith('#')) continue;
    const isFirst = columns < 0;
    if (isFirst) separator = line.includes(',') ? ',' : line.includes(';') ? ';' : line.includes('\t') ? '\t' : ',';
    const cells = line.split(separator);
    if (isFirst) {
      columns = cells.length;
      columnsLine = lineNumber;
      if (cells.some((cell) => Number.isNaN(Number(cell)) && !NOT_FINITE.has(cell.trim().toLowerCase()))) continue;
    }
    if (cells.length !== columns) {
      throw bad(where, 'csv-columns', `line ${lineNumber} has ${cells.length} values, line ${columnsLine} has ${columns}.`);
    }
    for (let i = 0; i < columns; i++) values.push(parseCell((cells[i] as string).trim(), i, lineNumber, where));
    events++;
  }
  if (events === 0) throw bad(where, 'csv-empty', 'the file has no line of numbers.');
  return { name: '', shape: [events, columns], data: Float64Array.from(values) };
}

function parseCell(cell: string, column: number, lineNumber: number, where: readonly string[]): number {
  if (!NUMBER.test(cell)) {
    const special = NOT_FINITE.get(cell.toLowerCase());
    if (special !== undefined) return special;
    throw bad(where, 'csv-number', `line ${lineNumber}, column ${column + 1}: '${cell.slice(0, 40)}' is no number.`);
  }
  const value = Number(cell);
  if (Math.abs(value) >= 2 ** 53 && /^[+-]?\d+$/.test(cell) && !isExact(value, cell)) {
    throw bad(where, 'array-integer', `line ${lineNumber}, column ${column + 1}: ${cell.slice(0, 40)} is beyond ±2^53 and cannot be held exactly.`);
  }
  return value;
}

/** Whether float64 holds the whole number that the digits write. */
function isExact(value: number, digits: string): boolean {
  return Number.isFinite(value) && BigInt(value) === BigInt(digits.replace(/^\+/, ''));
}

/** Arrays side by side, one event a line, behind a header `name[i]`; numbers in the shortest form that reads back exactly. */
export function writeCsv(arrays: readonly NamedArray[]): string {
  const events = arrays[0]?.shape[0] ?? 0;
  const columns = arrays.map((array) => array.shape.slice(1).reduce((product, n) => product * n, 1));
  const header = arrays.flatMap((array, a) => Array.from({ length: columns[a] as number }, (_, i) => (columns[a] === 1 ? label(array) : `${label(array)}[${i}]`)));
  const lines = [header.join(',')];
  for (let event = 0; event < events; event++) {
    lines.push(arrays.map((array, a) => array.data.subarray(event * (columns[a] as number), (event + 1) * (columns[a] as number)).join(',')).join(','));
  }
  return `${lines.join('\n')}\n`;
}

/** A name that is no number and splits no column. */
function label(array: NamedArray): string {
  const safe = array.name.replace(/[^\x21-\x7e]|[,;"]/g, '_');
  return safe === '' || NUMBER.test(safe) ? `y_${safe}` : safe;
}

function bad(where: readonly string[], code: string, what: string): CompileError {
  return new CompileError('input', { code, where, what });
}
