import { CompileError } from '../../errors.js';

/** Options that a sweep takes lists of, in the order in which its points are run and shown. */
export const AXES = ['part', 'clock', 'latency', 'input-type', 'precision', 'max-loss', 'score-type', 'effort'] as const;

export type Axis = (typeof AXES)[number];

/** Points are compilations: more is a mistake. */
const MOST_POINTS = 10_000;

/** The values of each axis that was given as a list. */
export type Axes = ReadonlyMap<Axis, readonly string[]>;

/** One compilation of the grid: what differs, by option. */
export type GridPoint = ReadonlyMap<Axis, string>;

/**
 * `50ns,100ns` as its values: separated by semicolons, or by commas outside of `<…>`. Types of several inputs have commas
 * of their own, so `--input-type` is only separated by semicolons.
 */
export function listOf(axis: Axis, text: string): readonly string[] {
  const isCommas = axis !== 'input-type' && !text.includes(';');
  const parts = isCommas ? text.split(/,(?![^<]*>)/) : text.split(';');
  return parts.map((part) => part.trim());
}

/**
 * The lists among the options of a command line.
 *
 * @throws CompileError (`config`): values that are empty or repeat
 */
export function axesOf(argv: Readonly<Record<string, unknown>>): Axes {
  const axes = new Map<Axis, readonly string[]>();
  for (const axis of AXES) {
    if (argv[axis] === undefined) continue;
    const values = listOf(axis, String(argv[axis]));
    const empty = values.findIndex((value) => value === '');
    if (empty >= 0) throw new CompileError('config', { code: 'bad-option', where: [`--${axis}`], what: `value ${empty + 1} of '${String(argv[axis])}' is empty.` });
    const twice = values.find((value, i) => values.indexOf(value) !== i);
    if (twice !== undefined) throw new CompileError('config', { code: 'bad-option', where: [`--${axis}`], what: `has ${twice} twice.` });
    axes.set(axis, values);
  }
  return axes;
}

/** Every combination of the axes' values, the last axis fastest. */
export function gridOf(axes: Axes): readonly GridPoint[] {
  const count = [...axes.values()].reduce((product, values) => product * values.length, 1);
  if (count > MOST_POINTS) throw new CompileError('config', { code: 'large-sweep', where: [[...axes.keys()].map((axis) => `--${axis}`).join(' ')], what: `these are ${count} compilations; at most ${MOST_POINTS} are made at once.`, mend: 'Shorten the lists.' });
  let points: readonly GridPoint[] = [new Map()];
  for (const [axis, values] of axes) points = points.flatMap((point) => values.map((value) => new Map([...point, [axis, value] as const])));
  return points;
}
