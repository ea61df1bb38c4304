import type { FixedType } from '../../fixed/fixedType.js';
import { fixedType } from '../../fixed/fixedType.js';
import type { Observed } from '../grow.js';

/** The type of `bits` bits, sign included, that holds what was observed; it rounds to nearest and saturates. */
export function typeOfObserved({ low, high }: Observed, bits: number): FixedType {
  const signed = low < 0;
  const most = Math.max(Math.abs(low), Math.abs(high));
  const integer = most === 0 ? 0 : Math.floor(Math.log2(most)) + 1;
  const width = Math.max(1 + (signed ? 1 : 0), bits);
  return fixedType(signed, width, integer + (signed ? 1 : 0), 'RND', 'SAT');
}
