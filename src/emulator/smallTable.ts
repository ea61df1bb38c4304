import type { Table } from '../circuit/circuit.js';
import type { Lane } from './castPlan.js';

/** A table of few entries, read by choosing bytes of constant vectors: an event's entry is `bias` plus its bytes. */
export interface SmallTable {
  /** Sixteen entries a vector, their lowest bytes. */
  readonly low: readonly Uint8Array[];
  /** Their second bytes, where one byte is not enough. */
  readonly high: readonly Uint8Array[];
  readonly bias: number;
}

/** Entries a constant vector holds, and most such vectors: more take longer than reading memory entry by entry. */
const PAGE = 16;
const MOST_PAGES = 4;

/** The table as bytes for lanes of `lane` bits; undefined where it is too large. */
export function smallTableOf({ values }: Table, lane: Lane): SmallTable | undefined {
  if (values.length > PAGE * MOST_PAGES || values.some((value) => !Number.isSafeInteger(Number(value)))) return undefined;
  const numbers = values.map(Number);
  const lo = Math.min(...numbers);
  const hi = Math.max(...numbers);
  const pages = (bytes: readonly number[]): Uint8Array[] => Array.from({ length: Math.ceil(bytes.length / PAGE) }, (_, page) => Uint8Array.from({ length: PAGE }, (_, i) => bytes[page * PAGE + i] ?? 0));
  if (lo >= 0 && hi <= 255) return { low: pages(numbers), high: [], bias: 0 };
  if (hi - lo <= 255) return { low: pages(numbers.map((value) => value - lo)), high: [], bias: lo };
  if (lane > 16 && (lo < -(2 ** 15) || hi >= 2 ** 15)) return undefined;
  const low = pages(numbers.map((value) => ((value % 256) + 256) % 256));
  const high = pages(numbers.map((value) => (((Math.floor(value / 256) % 256) + 256) % 256)));
  return low.length + high.length > MOST_PAGES ? undefined : { low, high, bias: 0 };
}
