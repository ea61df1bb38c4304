import { expect, it } from 'vitest';
import { Op } from '../../src/circuit/circuit.js';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import { parseFixedType } from '../../src/fixed/fixedType.js';
import type { FixedType } from '../../src/fixed/fixedType.js';

it('a circuit stops growing at its limit, with the layer that asked for too much', () => {
  const builder = new CircuitBuilder('c', { maxOps: 10 });
  let [last] = builder.addInput({ name: 'x', shape: [1], types: [parseFixedType('ap_fixed<8,4>') as FixedType] }) as Int32Array;
  builder.setOrigin({ layer: 'dense_1', kind: 'dense' });
  const grow = (): void => {
    for (let i = 0; i < 20; i++) last = builder.op(Op.add, last as number, last as number, -1, i % 3);
  };
  expect(grow).toThrow('dense_1: with this layer the circuit has more than 10 operations, the most that are supported. Make the model smaller.');
  expect(builder.size).toBe(10);
});
