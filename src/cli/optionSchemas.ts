import { z } from 'zod';
import type { OptionName } from './optionTable.js';
import { optionOf, TARGETS } from './optionTable.js';
import { parseShare } from './units.js';
import { invariant } from '../errors.js';

/** Text that is not empty; numbers of an option file become text. */
const text = z.union([z.string(), z.number().transform(String)]).pipe(z.string().trim().min(1, 'needs a value'));
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')]);

function whole(least: number, most: number): z.ZodType<number> {
  const message = `must be a whole number from ${least} to ${most}`;
  const digits = z.string().trim().regex(/^-?\d{1,16}$/, message).transform(Number);
  return z.union([z.number(message), digits], message).pipe(z.int(message).min(least, message).max(most, message));
}

/** A share: `0.5%` or `0.005`. */
const share = text.transform((value) => parseShare(value) ?? NaN).pipe(z.number('must be a share such as 0.5% or 0.005').max(1, 'must be at most 100%'));

/** One of the values that the table lists. */
function choiceOf(name: OptionName): z.ZodType<string> {
  const { choices } = optionOf(name);
  invariant(choices !== undefined, `--${name} has no list of values`);
  return text.pipe(z.enum(choices, `must be one of ${choices.join(', ')}`));
}

const targets = z.union([text, z.array(text).transform((list) => list.join(','))]).pipe(
  z.string().transform((list) => list.split(',').map((name) => name.trim()).join(',')),
).refine((list) => list.split(',').every((name) => name === 'all' || (TARGETS as readonly string[]).includes(name)), `must be a list of ${TARGETS.join(', ')}`);

/** What each option takes, from the command line or an option file. */
export const OPTION_SCHEMAS: Readonly<Record<OptionName, z.ZodType<string | number | boolean>>> = {
  out: text,
  clock: text,
  latency: text,
  part: text,
  'input-type': text,
  precision: text,
  data: text,
  labels: text,
  metric: choiceOf('metric'),
  'max-loss': share,
  target: targets,
  verify: choiceOf('verify'),
  vectors: text,
  'score-type': text,
  missing: choiceOf('missing'),
  head: text.refine((value) => /^(score|probability|class|decision=\S+)$/.test(value), 'must be score, probability, class, decision=THRESHOLD or decision=port'),
  ii: whole(1, 1_000_000),
  primitives: choiceOf('primitives'),
  'max-dsp': whole(0, 1_000_000),
  'max-bram': whole(0, 1_000_000),
  'max-lut': whole(0, 1_000_000_000),
  'io-schema': text,
  name: text.refine((value) => /^[A-Za-z_]\w{0,62}$/.test(value), 'must be an identifier: letters, digits and _, not a digit first, at most 63'),
  'model-version': whole(0, 0xffff_ffff),
  weights: text,
  effort: choiceOf('effort'),
  synth: flag,
  seed: whole(0, 0xffff_ffff),
  jobs: whole(1, 1024),
  quiet: flag,
  json: flag,
  'dump-after': text,
};
