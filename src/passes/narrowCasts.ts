import type { FixedType, Rounding } from '../fixed/fixedType.js';
import { castInterval, castOverflows, fixedType, sameType } from '../fixed/fixedType.js';
import type { Interval } from '../fixed/interval.js';
import { intervalWidth } from '../fixed/interval.js';
import type { Pass } from './pass.js';
import { rewriteCircuit } from './rewrite.js';

/**
 * Casts as small as their operand's range allows: one that cannot overflow wraps at the width that its results need,
 * and a rounding by sign becomes the plain one where no value is negative. Equal casts then look equal, too.
 */
export const narrowCasts: Pass = {
  name: 'narrow-casts',
  summary: 'casts that cannot overflow stop saturating and get the width they need',
  run: (circuit) =>
    rewriteCircuit(circuit, ({ builder, a, type }) => {
      if (type === undefined) return undefined;
      const narrow = narrowType(builder.intervalOf(a), type);
      return sameType(narrow, type) ? undefined : builder.cast(a, narrow);
    }),
};

function narrowType(x: Interval, type: FixedType): FixedType {
  const grid = type.integer - type.width;
  const rounding = plainRounding(x, type.rounding, grid - x.exp);
  if (castOverflows(x, type)) return { ...type, rounding };
  const result = castInterval(x, type);
  const width = intervalWidth(result);
  return fixedType(result.lo < 0, width, width + grid, rounding, 'WRAP');
}

/** The simplest mode with the same results when `dropped` bits are rounded away. */
function plainRounding(x: Interval, rounding: Rounding, dropped: number): Rounding {
  if (dropped <= 0) return 'TRN';
  if (x.lo < 0) return rounding;
  if (rounding === 'TRN_ZERO') return 'TRN';
  if (rounding === 'RND_INF') return 'RND';
  return rounding === 'RND_ZERO' ? 'RND_MIN_INF' : rounding;
}
