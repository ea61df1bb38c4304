import { z } from 'zod';
import { CompileError } from '../../errors.js';

/*
 * The part of torch.export's serialised program (schema versions 5 to 8) that a compiler needs. Arguments are tagged unions
 * written as objects with one field; they stay `unknown` here and are read by `argumentOf`.
 */

const name = z.string().max(4096);
const argument = z.record(z.string(), z.unknown());
const named = z.object({ name });
const node = z.object({
  target: z.string().max(400),
  inputs: z.array(z.object({ name: z.string().max(400), arg: argument })).max(4096),
  outputs: z.array(argument).max(4096),
  metadata: z.record(z.string(), z.unknown()).optional(),
  name: name.nullish(),
});
const meta = z.object({
  dtype: z.int(),
  sizes: z.array(argument).max(32),
  strides: z.array(argument).max(32).optional(),
  storage_offset: argument.optional(),
});
const program = z.object({
  graph_module: z.object({
    graph: z.object({
      nodes: z.array(node).max(2 ** 18),
      tensor_values: z.record(z.string(), meta),
    }),
    signature: z.object({
      input_specs: z.array(argument).max(2 ** 18),
      output_specs: z.array(argument).max(4096),
    }),
  }),
});
const weights = z.object({
  config: z.record(z.string(), z.object({ path_name: z.string().max(400), use_pickle: z.boolean().optional(), tensor_meta: meta.nullish() })),
});

export type Program = z.infer<typeof program>['graph_module'];
export type ProgramNode = z.infer<typeof node>;
export type TensorMeta = z.infer<typeof meta>;
export type WeightsConfig = z.infer<typeof weights>['config'];

/** Deeper nesting is no program: the parser must not run out of stack. */
const MAX_JSON_BYTES = 2 ** 28;

function parseJson<T>(bytes: Uint8Array, schema: z.ZodType<T>, where: readonly string[]): T {
  if (bytes.length > MAX_JSON_BYTES) throw new CompileError('unsupported', { code: 'too-large', where, what: `has ${bytes.length} bytes; at most ${MAX_JSON_BYTES} are read.` });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes).replace(/(?<=[:[,]\s*)-?(?:NaN|Infinity)(?=\s*[,\]}])/g, 'null'));
  } catch (error) {
    throw new CompileError('input', { code: 'bad-json', where, what: `is no JSON: ${String(error instanceof Error ? error.message : error).slice(0, 120)}.` });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CompileError('input', parsed.error.issues.slice(0, 5).map((issue) => ({ code: 'bad-field', where: [...where, issue.path.map(String).join('.').slice(0, 200)], what: `${issue.message}.`.slice(0, 300) })));
}

export function parseProgram(bytes: Uint8Array, where: readonly string[]): Program {
  return parseJson(bytes, program, where).graph_module;
}

export function parseWeights(bytes: Uint8Array, where: readonly string[]): WeightsConfig {
  return parseJson(bytes, weights, where).config;
}

/** The name in `{ "name": … }`. */
export function nameIn(value: unknown): string | undefined {
  return named.safeParse(value).data?.name;
}

/** A size, stride or offset that is one number. */
export function fixedInteger(value: unknown): number | undefined {
  const found = (value as { as_int?: unknown } | null | undefined)?.as_int;
  return typeof found === 'number' && Number.isSafeInteger(found) ? found : undefined;
}
