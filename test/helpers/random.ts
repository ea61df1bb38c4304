import type { Int } from '../../src/fixed/integer.js';
import { add, fromBigInt, sub } from '../../src/fixed/integer.js';

/** A seeded generator (mulberry32): the same seed gives the same numbers everywhere. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 32 uniform bits. */
  bits(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** A whole number from lo to hi, both included. */
  int(lo: number, hi: number): number {
    return lo + (this.bits() % (hi - lo + 1));
  }

  chance(probability: number): boolean {
    return this.bits() < probability * 4294967296;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T;
  }

  /** An exact integer from lo to hi, both included; the ends themselves are drawn often. */
  exact(lo: Int, hi: Int): Int {
    const draw = this.int(0, 7);
    if (draw === 0) return lo;
    if (draw === 1) return hi;
    if (draw === 2 && lo <= 0 && hi >= 0) return 0;
    const span = BigInt(add(sub(hi, lo), 1));
    let n = 0n;
    for (let have = 1n; have < span << 32n; have <<= 32n) n = (n << 32n) | BigInt(this.bits());
    return fromBigInt(BigInt(lo) + (n % span));
  }
}
