import { z } from 'zod';
import { OPTION_SCHEMAS } from './optionSchemas.js';
import { OPTION_NAMES, optionOf, TARGETS } from './optionTable.js';

type JsonSchema = Readonly<Record<string, unknown>>;

/** The JSON schema of option files (`compile-model ./conf.yaml`), for editors: docs/options.schema.json. */
export function optionFileSchema(): JsonSchema {
  const options = OPTION_NAMES.map((name) => [name, { description: describeOption(name), ...valueOf(name) }] as const);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Options of compile-model',
    description: 'A model and how to compile it. Paths are relative to this file. The command line wins.',
    type: 'object',
    required: ['model'],
    additionalProperties: false,
    properties: { model: { description: 'the model: a file or folder', type: 'string', minLength: 1 }, ...Object.fromEntries(options) },
  };
}

function describeOption(name: (typeof OPTION_NAMES)[number]): string {
  const { describe, default: preset } = optionOf(name);
  return preset === undefined ? describe : `${describe} (default: ${preset})`;
}

/** What a value may be: a flag, else of what its check gives choices and whole numbers; all else is text or a number. */
function valueOf(name: (typeof OPTION_NAMES)[number]): JsonSchema {
  if (name === 'target') return { anyOf: [{ type: 'string' }, { type: 'array', items: { enum: ['all', ...TARGETS] } }] };
  if (optionOf(name).flag === true) return { type: 'boolean' };
  const { type, enum: choices, minimum, maximum } = z.toJSONSchema(OPTION_SCHEMAS[name], { io: 'output', unrepresentable: 'any' }) as { type?: string; enum?: readonly string[]; minimum?: number; maximum?: number };
  if (choices !== undefined) return { enum: choices };
  if (type === 'integer') return { type: 'integer', minimum, maximum };
  return { type: ['string', 'number'] };
}
