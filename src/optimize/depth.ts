import type { CircuitBuilder } from '../circuit/builder.js';
import { Op } from '../circuit/circuit.js';
import { castOverflows } from '../fixed/fixedType.js';
import { intervalWidth } from '../fixed/interval.js';

const known = new WeakMap<CircuitBuilder, { levels: Float32Array; count: number }>();

/**
 * Logic depth of an op in adder levels, a unit free of any device: adder trees are ordered by it. Computed once an op,
 * in the order they were added.
 */
export function depthOf(builder: CircuitBuilder, op: number): number {
  let cache = known.get(builder);
  if (cache === undefined) known.set(builder, (cache = { levels: new Float32Array(1024), count: 0 }));
  if (op >= cache.count) {
    if (builder.size > cache.levels.length) {
      const grown = new Float32Array(Math.max(builder.size, cache.levels.length * 2));
      grown.set(cache.levels);
      cache.levels = grown;
    }
    for (let i = cache.count; i < builder.size; i++) cache.levels[i] = levelOf(builder, i, cache.levels);
    cache.count = builder.size;
  }
  return cache.levels[op] as number;
}

/** Whether the bits of an addition's operands do not overlap: then it is wires. */
function isConcatenation(builder: CircuitBuilder, op: number): boolean {
  const x = builder.intervalOf(builder.operand(op, 0));
  const other = builder.intervalOf(builder.operand(op, 1));
  const y = { ...other, exp: other.exp + builder.paramOf(op) };
  const [low, high] = x.exp <= y.exp ? [x, y] : [y, x];
  return low.lo >= 0 && low.exp + intervalWidth(low) <= high.exp;
}

function levelOf(builder: CircuitBuilder, op: number, levels: Float32Array): number {
  const kind = builder.kindOf(op);
  const a = (): number => levels[builder.operand(op, 0)] as number;
  const b = (): number => levels[builder.operand(op, 1)] as number;
  switch (kind) {
    case Op.input:
    case Op.const:
      return 0;
    case Op.shift:
      return a();
    case Op.add:
      return Math.max(a(), b()) + (isConcatenation(builder, op) ? 0 : 1);
    case Op.sub:
    case Op.lt:
    case Op.eq:
      return Math.max(a(), b()) + 1;
    case Op.mul:
      return Math.max(a(), b()) + 4;
    case Op.and:
    case Op.or:
    case Op.xor:
      return Math.max(a(), b()) + 0.5;
    case Op.mux:
      return Math.max(a(), b(), levels[builder.operand(op, 2)] as number) + 0.5;
    case Op.lookup:
      return a() + 1.5;
    case Op.cast: {
      const type = builder.typeOf(op);
      const from = builder.intervalOf(builder.operand(op, 0));
      const rounds = type.rounding !== 'TRN' && from.exp < type.integer - type.width;
      const saturates = type.overflow !== 'WRAP' && castOverflows(from, type);
      return a() + (rounds ? 1 : 0) + (saturates ? 0.5 : 0);
    }
  }
}
