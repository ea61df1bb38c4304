import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { Random } from './random.js';

/** A tree of sums and differences of shifted inputs, and some of its sums as further outputs. */
export function adderTree(seed: number, leaves: number): Circuit {
  const random = new Random(seed);
  const builder = new CircuitBuilder('tree', { share: false });
  const inputs = [...builder.addInput({ name: 'x', shape: [leaves], types: [fixedType(random.chance(0.7), random.int(3, 9), 4)] })];
  const outputs: number[] = [];
  const terms = inputs.map((op) => builder.shift(op, random.int(-2, 3)));
  while (terms.length > 1) {
    const [x, y] = [0, 1].map(() => terms.splice(random.int(0, terms.length - 1), 1)[0]!);
    const sum = random.chance(0.5) ? builder.add(x!, y!, random.int(-3, 3)) : builder.sub(x!, y!, random.int(-3, 3));
    if (random.chance(0.15)) outputs.push(sum);
    terms.push(sum);
  }
  builder.addOutput('y', [outputs.length + 1], [...outputs, terms[0]!]);
  return builder.finish();
}
