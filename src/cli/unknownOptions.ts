import type { Problem } from '../errors.js';
import { didYouMean } from '../errors.js';
import type { OptionName } from './optionTable.js';
import { OPTION_NAMES, optionOf } from './optionTable.js';

/** Keys that the parser adds. */
const KEYS_OF_YARGS: ReadonlySet<string> = new Set(['_', '$0']);

/** Problems for keys of a parsed command line that are not known; `offered` are the options to name instead. */
export function unknownOptions(argv: Readonly<Record<string, unknown>>, known: readonly string[], offered: readonly string[] = known): Problem[] {
  const names = new Set(known.map(kebab));
  const aliases = new Set(known.flatMap((name) => (OPTION_NAMES as readonly string[]).includes(name) ? (optionOf(name as OptionName).alias ?? []) : []));
  const unknown = new Set<string>();
  for (const key of Object.keys(argv)) {
    if (KEYS_OF_YARGS.has(key) || aliases.has(key) || names.has(kebab(key))) continue;
    unknown.add(kebab(key));
  }
  return [...unknown].map((name) => {
    const shown = name.length === 1 ? `-${name}` : `--${name}`;
    return { code: 'unknown-option', where: [shown], what: 'no such option.', mend: didYouMean(shown, offered.map((other) => `--${other}`)) };
  });
}

/** `inputType` and `input_type` as `input-type`. */
export function kebab(name: string): string {
  return name.replaceAll('_', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
