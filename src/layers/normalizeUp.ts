import type { CircuitBuilder } from '../circuit/builder.js';
import { fixedType } from '../fixed/fixedType.js';
import { bitLength } from '../fixed/integer.js';
import { select } from './arithmetic.js';

/** One stage of a normalising shift. */
export interface Stage {
  readonly by: number;
  readonly condition: number;
}

/**
 * x > 0 shifted left, by the sum of `by` of the stages whose condition holds, until of its `bits` bits the top one is set
 * (the top two are not both 0, where only even shifts are wanted).
 */
export function normalizeUp(builder: CircuitBuilder, x: number, even: boolean): { readonly shifted: number; readonly stages: readonly Stage[]; readonly bits: number } {
  const { lo, hi, exp } = builder.intervalOf(x);
  const bits = bitLength(hi);
  const most = bits - bitLength(lo);
  const type = fixedType(false, bits, bits + exp);
  const stages: Stage[] = [];
  let shifted = x;
  for (let by = 2 ** Math.floor(Math.log2(Math.max(1, most))); by >= (even ? 2 : 1) && most > 0; by /= 2) {
    const condition = builder.lt(shifted, builder.constant(1, exp + bits - by));
    shifted = builder.cast(select(builder, condition, builder.shift(shifted, by), shifted), type);
    stages.push({ by, condition });
  }
  return { shifted, stages, bits };
}
