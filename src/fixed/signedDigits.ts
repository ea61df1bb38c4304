import type { Int } from './integer.js';
import { dyadicOf } from './integer.js';

/** One digit of a signed-digit number: ± 2^shift. */
export interface Digit {
  readonly shift: number;
  readonly negative: boolean;
}

/**
 * Canonical signed digits of an integer, lowest first: no two neighbours are nonzero, so the count is minimal
 * (Reitwiesner 1960; Avizienis 1961).
 */
export function canonicalDigits(n: Int): Digit[] {
  const digits: Digit[] = [];
  let rest = BigInt(n);
  let position = 0;
  while (rest !== 0n) {
    if (rest & 1n) {
      const negative = (rest & 3n) === 3n;
      digits.push({ shift: position, negative });
      rest += negative ? 1n : -1n;
    }
    rest >>= 1n;
    position++;
  }
  return digits;
}

/** Canonical signed digits of a finite float64, exactly. */
export function digitsOf(value: number): Digit[] {
  const { n, exp } = dyadicOf(value);
  if (typeof n !== 'number' || Math.abs(n) >= 2 ** 30) return canonicalDigits(n).map((d) => ({ shift: d.shift + exp, negative: d.negative }));
  const digits: Digit[] = [];
  let rest = n;
  for (let position = 0; rest !== 0; position++) {
    if (rest & 1) {
      const negative = (rest & 3) === 3;
      digits.push({ shift: position + exp, negative });
      rest += negative ? 1 : -1;
    }
    rest /= 2;
  }
  return digits;
}

/** How many digits `digitsOf` has: the ones of 3n ⊕ n (Reitwiesner 1960); 32 where n takes more than 29 bits. */
export function digitCount(value: number): number {
  let n = Math.abs(value);
  if (n === 0) return 0;
  while (!Number.isInteger(n)) n *= 2;
  while (n >= 2 ** 29 && n % 2 === 0) n /= 2;
  if (n >= 2 ** 29) return 32;
  let count = 0;
  for (let bits = (3 * n) ^ n; bits !== 0; bits &= bits - 1) count++;
  return count;
}
