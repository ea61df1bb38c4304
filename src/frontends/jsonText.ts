import type { z } from 'zod';
import { CompileError } from '../errors.js';
import type { ModelSource } from './frontend.js';

/** 32 MiB: text that parses to a GiB at worst, and far more than any model for a trigger. */
const MAX_JSON_BYTES = 2 ** 25;

/** 256 MiB: some thousand trees as XML. */
const MAX_TEXT_BYTES = 2 ** 28;

/** A source as text, or a CompileError where it is none. */
export function sourceText(source: ModelSource): string {
  if (source.bytes.length > MAX_TEXT_BYTES) {
    throw new CompileError('unsupported', { code: 'too-large', where: [source.name], what: `is ${source.bytes.length} bytes of text; at most ${MAX_TEXT_BYTES} are read.` });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(source.bytes);
  } catch {
    throw new CompileError('input', { code: 'not-utf8', where: [source.name], what: 'is not UTF-8 text.' });
  }
}

/** The parsed JSON of a source, or a CompileError that says where the text breaks. */
export function parseJsonSource(source: ModelSource): unknown {
  if (source.bytes.length > MAX_JSON_BYTES) {
    throw new CompileError('unsupported', { code: 'too-large', where: [source.name], what: `is ${source.bytes.length} bytes of JSON; at most ${MAX_JSON_BYTES} are read.` });
  }
  const text = sourceText(source);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\s+/g, ' ').slice(0, 120) : 'unreadable';
    throw new CompileError('input', {
      code: 'bad-json',
      where: [source.name],
      what: `is broken JSON (${text.length} characters): ${reason}.`,
      mend: 'The file may be truncated; save the model again.',
    });
  }
}

/** The first characters of a source, for content tests. */
export function headText(source: ModelSource, length = 4096): string {
  return new TextDecoder().decode(source.bytes.subarray(0, length));
}

/** Checks untrusted JSON against a schema; up to five problems, each with its path. */
export function checkSchema<T>(schema: z.ZodType<T>, value: unknown, where: readonly string[]): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 5).map((issue) => ({
    code: 'bad-field',
    where: [...where, issue.path.map(String).join('.').slice(0, 200) || 'top level'],
    what: `${issue.message}.`.slice(0, 300),
  }));
  throw new CompileError('input', problems);
}
