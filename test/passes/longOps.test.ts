import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { kindOf, Op } from '../../src/circuit/circuit.js';
import { demandedTop } from '../../src/circuit/demand.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { verifyCircuit } from '../../src/circuit/verify.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import type { LongOpLimits } from '../../src/passes/longOps.js';
import { splitLongOps } from '../../src/passes/longOps.js';
import { costOf, opLimits } from '../../src/timing/cost.js';
import { deviceOf, PART_NAMES, stageRoomNs } from '../../src/timing/device.js';
import { Random } from '../helpers/random.js';
import { randomCircuit, randomInputs } from '../helpers/randomCircuit.js';

const TINY: LongOpLimits = { lookupInputs: 2, adderBits: 5, comparedBits: 6, multiplierRows: () => 2 };
const SPLIT: ReadonlySet<number> = new Set([Op.add, Op.sub, Op.lt, Op.mul, Op.lookup]);

function expectSame(circuit: Circuit, split: Circuit, seed: number): void {
  verifyCircuit(split);
  for (const inputs of randomInputs(circuit, seed, 24)) expect(evaluateCircuit(split, inputs)).toEqual(evaluateCircuit(circuit, inputs));
}

/** Wide sums, comparisons, products and a table of 2^bits entries, of both signs. */
function wideCircuit(seed: number, bits: number): Circuit {
  const random = new Random(seed);
  const b = new CircuitBuilder('wide');
  const types = [fixedType(true, random.int(8, bits), 4), fixedType(random.chance(0.5), random.int(8, bits), 9), fixedType(true, 11, 11)];
  const [x, y, z] = b.addInput({ name: 'x', shape: [3], types }) as unknown as [number, number, number];
  const table = { exp: -3, indexExp: 0, base: -1024, values: Array.from({ length: 2048 }, () => random.int(-500, 500)) };
  const ops = [b.add(x, y, random.int(-3, 3)), b.sub(x, y, random.int(-3, 3)), b.lt(x, y), b.lt(y, x), b.mul(x, y), b.mul(x, x), b.lookup(z, table)];
  ops.push(b.mul(ops[0] as number, y), b.sub(ops[4] as number, ops[5] as number));
  b.addOutput('y', [ops.length], ops, ops.map((op) => {
    const { lo, hi, exp } = b.intervalOf(op);
    const width = Math.max(lo.toString(2).length, hi.toString(2).length) + 1;
    return fixedType(lo < 0, width, width + exp);
  }));
  return b.finish();
}

describe('ops too long for a stage', () => {
  it.each(Array.from({ length: 16 }, (_, seed) => seed))('have the same values in parts, circuit %d', (seed) => {
    const circuit = randomCircuit(seed, { ops: 60 });
    expectSame(circuit, splitLongOps(circuit, TINY), seed);
    const wide = wideCircuit(seed, 30);
    const split = splitLongOps(wide, TINY);
    expect(split.size).toBeGreaterThan(wide.size);
    expectSame(wide, split, seed);
  });

  it('stay as they are where they fit', () => {
    const circuit = wideCircuit(1, 20);
    expect(splitLongOps(circuit, { lookupInputs: 11, adderBits: 80, comparedBits: 80, multiplierRows: () => 64 })).toBe(circuit);
  });

  it.each(PART_NAMES.flatMap((part) => [160, 320, 480].map((clock) => [part, clock] as const)))('fit a stage of %s at %d MHz', (part, clock) => {
    const device = deviceOf(part);
    const room = stageRoomNs(device, clock);
    // Two levels of logic and a short carry chain: below that no device does anything in a stage.
    if (room < 2.5 * (device.lutNs + device.routeNs) + device.carryEntryNs) return;
    for (let seed = 0; seed < 3; seed++) {
      const split = splitLongOps(wideCircuit(seed, 40), opLimits(device, room));
      const top = demandedTop(split);
      for (let op = 0; op < split.size; op++) {
        if (SPLIT.has(kindOf(split, op))) expect(costOf(split, op, top[op] as number, device).delayNs, `${part} ${clock} MHz, op ${op}`).toBeLessThanOrEqual(room + 1e-9);
      }
    }
  });
});
