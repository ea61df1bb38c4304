// Writes docs/options.schema.json, the JSON schema of option files: npx tsx docs/options-schema.ts
import { writeFileSync } from 'node:fs';
import { optionFileSchema } from '../src/cli/optionFileSchema.js';

writeFileSync(new URL('options.schema.json', import.meta.url), `${JSON.stringify(optionFileSchema(), null, 2)}\n`);
