import type { FixedType } from '../fixed/fixedType.js';
import { castInteger, fractionBits } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { dyadicOf, toNumber } from '../fixed/integer.js';
import { CompileError } from '../errors.js';
import type { Circuit, OutputPort, Port } from '../circuit/circuit.js';
import { elementCount, typeOfElement } from '../circuit/circuit.js';
import { evaluateCircuit } from '../circuit/evaluate.js';
import type { Emulator } from './emulator.js';

/** A float64 as raw integer of an input element's type, exactly. Throws CompileError for NaN and infinities. */
export function rawOfValue(value: number, type: FixedType, port: Port, event: number, element: number): Int {
  if (!Number.isFinite(value)) {
    throw new CompileError('input', { code: 'array-not-finite', where: [port.name], what: `event ${event}, element ${element} is ${value}.`, mend: 'Every value must be a finite number.' });
  }
  const { n, exp } = dyadicOf(value);
  return castInteger(n, exp, type);
}

/** Checks that every input array holds `count` events. */
export function checkInputs(circuit: Circuit, inputs: readonly Float64Array[], count: number): void {
  circuit.inputs.forEach((port, i) => {
    const needed = count * elementCount(port);
    const found = inputs[i]?.length ?? 0;
    if (found < needed) {
      throw new CompileError('input', { code: 'array-length', where: [port.name], what: `${found} values for ${count} events of ${elementCount(port)} elements; ${needed} are needed.` });
    }
  });
}

/** The values of one event as raw integers of the ports' types. */
export function rawEvent(circuit: Circuit, inputs: readonly Float64Array[], event: number): Int[][] {
  return circuit.inputs.map((port, p) => {
    const elements = elementCount(port);
    return Array.from({ length: elements }, (_, i) => rawOfValue((inputs[p] as Float64Array)[event * elements + i] as number, typeOfElement(port, i), port, event, i));
  });
}

/** Writes one event's raw outputs as values. */
export function storeEvent(circuit: Circuit, outputs: readonly Float64Array[], event: number, raw: readonly (readonly Int[])[]): void {
  raw.forEach((values, p) => {
    const port = circuit.outputs[p] as OutputPort;
    values.forEach((n, i) => {
      (outputs[p] as Float64Array)[event * values.length + i] = toNumber(n, -fractionBits(typeOfElement(port, i)));
    });
  });
}

/** Runs the reference evaluator event by event: any width. */
export function referenceEmulator(circuit: Circuit): Emulator {
  const runRaw = (inputs: readonly (readonly Int[])[]): Int[][] => evaluateCircuit(circuit, inputs);
  return {
    run: (inputs, count) => {
      checkInputs(circuit, inputs, count);
      const outputs = circuit.outputs.map((port) => new Float64Array(count * elementCount(port)));
      for (let event = 0; event < count; event++) storeEvent(circuit, outputs, event, runRaw(rawEvent(circuit, inputs, event)));
      return outputs;
    },
    runRaw,
    runRawBatch: (events) => events.map(runRaw),
    engine: { kind: 'reference' },
  };
}
