import { describe, expect, it } from 'vitest';
import { elementCount, typeOfElement } from '../../src/circuit/circuit.js';
import type { Circuit, Port } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import type { EmulatorOptions } from '../../src/emulator/emulator.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { fractionBits, overflowInto } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { toNumber } from '../../src/fixed/integer.js';
import { randomCircuit, randomInputs } from '../helpers/randomCircuit.js';

/** Raw events as float64 arrays; undefined where some value has more than 53 bits. */
function asFloats(circuit: Circuit, events: readonly Int[][][]): Float64Array[] | undefined {
  const arrays = circuit.inputs.map((port, p) =>
    Float64Array.from(events.flatMap((event) => (event[p] as Int[]).map((n, i) => toNumber(n, -fractionBits(typeOfElement(port, i)))))),
  );
  return events.every((event) => event.every((port) => port.every((n) => typeof n === 'number'))) ? arrays : undefined;
}

function check(circuit: Circuit, events: Int[][][], options: EmulatorOptions, seed: number): string {
  const emulator = compileEmulator(circuit, options);
  const expected = events.map((event) => evaluateCircuit(circuit, event));
  expect(emulator.runRawBatch(events), `seed ${seed}`).toEqual(expected);
  const floats = asFloats(circuit, events);
  if (floats !== undefined) {
    // The values of a port are cast into its type: SAT_SYM has no lowest integer.
    const cast = events.map((event) => event.map((port, p) => port.map((n, i) => overflowInto(n, typeOfElement(circuit.inputs[p] as Port, i)))));
    const results = cast.map((event) => evaluateCircuit(circuit, event));
    emulator.run(floats, events.length).forEach((array, p) => {
      const port = circuit.outputs[p] as (typeof circuit.outputs)[number];
      const elements = elementCount(port);
      expect(array.length).toBe(elements * events.length);
      const wanted = results.flatMap((event) => (event[p] as Int[]).map((n, i) => toNumber(n, -fractionBits(typeOfElement(port, i)))));
      expect([...array], `seed ${seed}, output ${p}`).toEqual(wanted);
    });
  }
  return emulator.engine.kind;
}

describe('random circuits', () => {
  for (const [maxWidth, circuits] of [[14, 150], [30, 200], [62, 200], [100, 120]] as const) {
    it(`equals the reference evaluator up to ${maxWidth} bits`, () => {
      const engines = new Map<string, number>();
      for (let i = 0; i < circuits; i++) {
        const seed = 1000 * maxWidth + i;
        const circuit = randomCircuit(seed, { maxWidth, ops: 20 + (i % 5) * 20 });
        const events = randomInputs(circuit, seed, 3 + ((i * 7) % 90));
        const least = ([undefined, 16, 32, 64] as const)[i % 4];
        const engine = check(circuit, events, { chunkWeight: [1, 7, 40, 150][i % 4 === 0 ? 3 : i % 3] as number, ...(least === undefined ? {} : { least }) }, seed);
        engines.set(engine, (engines.get(engine) ?? 0) + 1);
      }
      // The generated code must be what is tested, not the reference against itself.
      expect(engines.get('wasm') ?? 0).toBeGreaterThan(circuits / (maxWidth < 64 ? 1.3 : 2));
      expect(engines.get('reference') ?? 0).toBeLessThan(circuits / 10);
      if (maxWidth === 100) expect(engines.get('split') ?? 0).toBeGreaterThan(circuits / 10);
    });
  }
});
