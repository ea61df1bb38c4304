import { bench, describe } from 'vitest';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { Random } from '../helpers/random.js';
import { adderGraph } from './adderGraph.js';

/** Events a call: samples/s = EVENTS · hz, at best EVENTS / min. */
const EVENTS = 10240;

describe(`float64 array to float64 array, ${EVENTS} events a call`, () => {
  for (const ops of [250, 1500, 3000]) {
    const circuit = adderGraph(ops);
    const emulator = compileEmulator(circuit);
    const elements = circuit.inputs[0]?.shape[0] as number;
    const random = new Random(ops);
    const data = Float64Array.from({ length: EVENTS * elements }, () => random.int(-160, 160) / 16);
    bench(`${circuit.size} ops`, () => {
      emulator.run([data], EVENTS);
    }, { time: 2000, warmupTime: 500, throws: true });
  }
});
