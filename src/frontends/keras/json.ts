import { CompileError } from '../../errors.js';

/** Values as JSON has them, and what Python adds: infinities as numbers, NaN as the text `NaN`. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** 32 MiB, far more than the description of any model for a trigger. */
export const MAX_JSON_CHARACTERS = 2 ** 25;

/** Parses JSON as Python writes it, with bare `Infinity` and `NaN`; a text that is JSON itself (dumped twice) too. */
export function parsePythonJson(text: string, where: readonly string[]): Json {
  if (text.length > MAX_JSON_CHARACTERS) {
    throw new CompileError('unsupported', { code: 'too-large', where, what: `has ${text.length} characters of JSON; at most ${MAX_JSON_CHARACTERS} are read.` });
  }
  const plain = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) => (token.startsWith('"') ? token : token === 'NaN' ? '"NaN"' : token.startsWith('-') ? '-1e999' : '1e999'));
  try {
    const value = JSON.parse(plain) as Json;
    return typeof value === 'string' && value.trimStart().startsWith('{') ? parsePythonJson(value, where) : value;
  } catch (error) {
    if (error instanceof CompileError) throw error;
    const reason = error instanceof Error ? error.message.replace(/\s+/g, ' ').slice(0, 120) : 'unreadable';
    throw new CompileError('input', { code: 'bad-json', where, what: `is broken JSON (${text.length} characters): ${reason}.`, mend: 'The file may be cut short; save the model again.' });
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A short form of any JSON for messages. */
export function shown(value: unknown): string {
  return briefly(value, 0).slice(0, 60);
}

/** JSON cut off where it is deep or long, so that no file can make it costly. */
function briefly(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth > 4) return '…';
  const entries = Array.isArray(value) ? value.slice(0, 8).map((item) => briefly(item, depth + 1)) : Object.entries(value).slice(0, 8).map(([key, item]) => `${JSON.stringify(key.slice(0, 60))}:${briefly(item, depth + 1)}`);
  return Array.isArray(value) ? `[${entries.join(',')}]` : `{${entries.join(',')}}`;
}

/** The configuration of one layer or object, read field by field; what is of a wrong type is a CompileError naming it. */
export class ConfigReader {
  constructor(
    readonly fields: JsonObject,
    /** File and layer. */
    readonly where: readonly string[],
  ) {}

  /** Whether the field is there and not null. */
  has(field: string): boolean {
    return Object.hasOwn(this.fields, field) && this.fields[field] !== null;
  }

  /** As it is; null where it is missing. */
  json(field: string): Json {
    return this.has(field) ? (this.fields[field] as Json) : null;
  }

  number(field: string, fallback?: number): number {
    const value = this.json(field);
    if (value === null && fallback !== undefined) return fallback;
    return typeof value === 'number' && !Number.isNaN(value) ? value : this.bad(field, 'a number');
  }

  /** A whole number of at least 0. */
  int(field: string, fallback?: number): number {
    const value = this.number(field, fallback);
    return Number.isSafeInteger(value) && value >= 0 ? value : this.bad(field, 'a whole number of at least 0');
  }

  boolean(field: string, fallback?: boolean): boolean {
    const value = this.json(field);
    if (value === null && fallback !== undefined) return fallback;
    if (value === 0 || value === 1) return value === 1;
    return typeof value === 'boolean' ? value : this.bad(field, 'true or false');
  }

  string(field: string, fallback?: string): string {
    const value = this.json(field);
    if (value === null && fallback !== undefined) return fallback;
    return typeof value === 'string' ? value : this.bad(field, 'a text');
  }

  /** `count` whole numbers of at least 0; one number stands for all of them. */
  ints(field: string, count: number, fallback?: readonly number[]): readonly number[] {
    const value = this.json(field);
    if (value === null && fallback !== undefined) return fallback;
    const list = typeof value === 'number' ? new Array<Json>(count).fill(value) : value;
    if (!isIntegers(list) || list.length !== count || list.some((n) => n < 0)) return this.bad(field, `${count} whole numbers`);
    return list;
  }

  /** Whole numbers of any sign; one number is a list of one; undefined where the field is missing. */
  integers(field: string): readonly number[] | undefined {
    const value = this.json(field);
    if (value === null) return undefined;
    const list = typeof value === 'number' ? [value] : value;
    return isIntegers(list) ? list : this.bad(field, 'whole numbers');
  }

  bad(field: string, wanted: string): never {
    throw new CompileError('input', { code: 'bad-field', where: [...this.where, field], what: `is ${shown(this.json(field))}; ${wanted} is needed.` });
  }
}

export function isIntegers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n));
}
