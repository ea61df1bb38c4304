import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { Random } from '../helpers/random.js';

/**
 * A network-like adder graph: layers of shift-add trees over the layer before, each ended by relu and a saturating cast
 * to `bits` bits, until about `ops` ops. 16 to 64 inputs by size.
 */
export function adderGraph(ops: number, bits = 8, seed = 1): Circuit {
  const random = new Random(seed);
  const builder = new CircuitBuilder(`adders_${ops}`, { share: true });
  const inputs = ops < 500 ? 16 : ops < 2000 ? 57 : 64;
  let layer = [...builder.addInput({ name: 'x', shape: [inputs], types: [fixedType(true, bits, 4, 'RND', 'SAT')] })];
  const zero = builder.constant(0);
  const outputType = fixedType(false, bits, 4, 'RND', 'SAT');
  while (builder.size < ops) {
    const width = Math.max(1, Math.min(32, Math.ceil((ops - builder.size) / (layer.length + 4))));
    layer = Array.from({ length: width }, () => {
      let terms = layer.filter(() => random.chance(0.8));
      if (terms.length < 2) terms = layer;
      while (terms.length > 1) {
        const next: number[] = [];
        for (let i = 0; i + 1 < terms.length; i += 2) {
          const [x, y] = [terms[i] as number, terms[i + 1] as number];
          const shift = random.int(-3, 3);
          next.push(random.chance(0.5) ? builder.add(x, y, shift) : builder.sub(x, y, shift));
        }
        if (terms.length % 2 === 1) next.push(terms[terms.length - 1] as number);
        terms = next;
      }
      const sum = terms[0] as number;
      return builder.cast(builder.shift(builder.mux(builder.lt(sum, zero), zero, sum), -3), outputType);
    });
  }
  builder.addOutput('y', [layer.length], layer, [outputType]);
  return builder.finish();
}
