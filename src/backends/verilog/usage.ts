/** A set of bit positions: a small integer while all are below 31, else a bigint. */
export type Mask = number | bigint;

export function maskOf(from: number, to: number): Mask {
  if (to <= 31) return (2 ** to - 2 ** from) | 0;
  return (1n << BigInt(to)) - (1n << BigInt(from));
}

export function union(a: Mask, b: Mask): Mask {
  return typeof a === 'number' && typeof b === 'number' ? a | b : BigInt(a) | BigInt(b);
}

export function without(a: Mask, b: Mask): Mask {
  return typeof a === 'number' && typeof b === 'number' ? a & ~b : BigInt(a) & ~BigInt(b);
}

export function isEmpty(a: Mask): boolean {
  return typeof a === 'number' ? a === 0 : a === 0n;
}

/** [lowest, highest + 1); [0, 0) if empty. */
export function rangeOfMask(a: Mask): readonly [number, number] {
  if (isEmpty(a)) return [0, 0];
  if (typeof a === 'number') return [31 - Math.clz32(a & -a), 32 - Math.clz32(a)];
  const text = a.toString(2);
  return [text.length - 1 - text.lastIndexOf('1'), text.length];
}

/** The maximal runs [from, to) of the set, lowest first. */
export function runsOf(a: Mask): [number, number][] {
  const runs: [number, number][] = [];
  const text = (typeof a === 'number' ? (a >>> 0).toString(2) : a.toString(2)).split('').reverse();
  let from = -1;
  text.forEach((bit, i) => {
    if (bit === '1' && from < 0) from = i;
    if (bit === '0' && from >= 0) {
      runs.push([from, i]);
      from = -1;
    }
  });
  if (from >= 0) runs.push([from, text.length]);
  return isEmpty(a) ? [] : runs;
}

/**
 * Which bits of which op are read in which stage. Behind each rank the registers hold the range from the lowest to the
 * highest bit that any later stage reads.
 */
export class Usage {
  private readonly masks: (Mask[] | undefined)[];
  private readonly stage: Int32Array;

  constructor(stage: Int32Array) {
    this.stage = stage;
    this.masks = new Array<Mask[] | undefined>(stage.length);
  }

  read(op: number, atStage: number, from: number, to: number): void {
    const age = Math.max(0, atStage - (this.stage[op] as number));
    const list = (this.masks[op] ??= []);
    while (list.length <= age) list.push(0);
    list[age] = union(list[age] as Mask, maskOf(from, to));
  }

  isRead(op: number): boolean {
    return this.masks[op] !== undefined;
  }

  /** How many ranks the value crosses. */
  ranks(op: number): number {
    return Math.max(0, (this.masks[op]?.length ?? 1) - 1);
  }

  /** Bits read directly when `age` ranks old. */
  direct(op: number, age: number): Mask {
    return this.masks[op]?.[age] ?? 0;
  }

  /** Range of bits held behind `age` ranks (age ≥ 1), or needed at all (age 0). */
  held(op: number, age: number): readonly [number, number] {
    const list = this.masks[op] ?? [];
    let low = Infinity;
    let high = 0;
    for (let i = age; i < list.length; i++) {
      const [from, to] = rangeOfMask(list[i] as Mask);
      if (to === 0) continue;
      low = Math.min(low, from);
      high = Math.max(high, to);
    }
    return high === 0 ? [0, 0] : [low, high];
  }
}
