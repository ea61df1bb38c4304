import type { Int } from '../fixed/integer.js';
import { fromBigInt, shift } from '../fixed/integer.js';
import type { Circuit, OutputPort, Port } from '../circuit/circuit.js';
import { elementCount, loOf, typeOfElement } from '../circuit/circuit.js';
import type { Lane } from './castPlan.js';
import type { Emulator } from './emulator.js';
import type { EmulatorModule } from './module.js';
import { writeTables } from './module.js';
import { checkInputs, rawOfValue } from './reference.js';

/** The part of the WebAssembly JavaScript interface in use; Node's own types leave it out. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: { readonly env: { readonly memory: object } }) => { readonly exports: unknown };
};

interface Exports {
  readonly compute: (record: number, end: number) => void;
  readonly convert: (record: number, end: number) => number;
  readonly deliver: (record: number, end: number) => void;
}

/** Runs a generated module block by block. */
export function fastEmulator(circuit: Circuit, module: EmulatorModule): Emulator {
  const memory = new WebAssembly.Memory({ initial: module.memoryPages, maximum: module.memoryPages });
  const view = new DataView(memory.buffer);
  writeTables(module, view);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.bytes), { env: { memory } });
  const exports = instance.exports as Exports;
  const runRawBatch = (events: readonly (readonly (readonly Int[])[])[]): Int[][][] => {
    const blockEvents = module.groupEvents * module.blockGroups;
    const results: Int[][][] = [];
    for (let from = 0; from < events.length; from += blockEvents) {
      const block = events.slice(from, from + blockEvents);
      const end = module.records + Math.ceil(block.length / module.groupEvents) * module.recordStride;
      writeRaw(module, view, block);
      exports.compute(module.records, end);
      for (let event = 0; event < block.length; event++) results.push(readRaw(circuit, module, view, event));
    }
    return results;
  };
  return {
    run: (inputs, count) => runBlocks(circuit, module, memory.buffer, exports, inputs, count),
    runRaw: (inputs) => runRawBatch([inputs])[0] as Int[][],
    runRawBatch,
    engine: module.engine,
  };
}

function runBlocks(circuit: Circuit, module: EmulatorModule, buffer: ArrayBuffer, exports: Exports, inputs: readonly Float64Array[], count: number): Float64Array[] {
  checkInputs(circuit, inputs, count);
  const view = new DataView(buffer);
  const floats = new Float64Array(buffer);
  const inputSizes = circuit.inputs.map(elementCount);
  const outputSizes = circuit.outputs.map(elementCount);
  const outputs = outputSizes.map((elements) => new Float64Array(count * elements));
  const blockEvents = module.groupEvents * module.blockGroups;
  for (let from = 0; from < count; from += blockEvents) {
    const events = Math.min(blockEvents, count - from);
    const groups = Math.ceil(events / module.groupEvents);
    const end = module.records + groups * module.recordStride;
    for (let p = 0; p < inputSizes.length; p++) {
      const elements = inputSizes[p] as number;
      const staged = (module.staging.inputs[p] as number) / 8;
      floats.set((inputs[p] as Float64Array).subarray(from * elements, (from + events) * elements), staged);
      // The last group is filled with copies of the last event: its values are within the circuit's intervals.
      for (let event = events; event < groups * module.groupEvents; event++) {
        floats.copyWithin(staged + event * elements, staged + (events - 1) * elements, staged + events * elements);
      }
    }
    if (!module.hasFastInputs || exports.convert(module.records, end) === 0) convertExactly(circuit, module, view, floats, groups * module.groupEvents, from);
    exports.compute(module.records, end);
    exports.deliver(module.records, end);
    for (let p = 0; p < outputSizes.length; p++) {
      const elements = outputSizes[p] as number;
      const staged = (module.staging.outputs[p] as number) / 8;
      (outputs[p] as Float64Array).set(floats.subarray(staged, staged + events * elements), from * elements);
    }
  }
  return outputs;
}

/** Converts every staged value by `castInteger`: for those that the generated conversion cannot take. */
function convertExactly(circuit: Circuit, module: EmulatorModule, view: DataView, floats: Float64Array, events: number, from: number): void {
  circuit.inputs.forEach((port: Port, p) => {
    const ops = module.inputOps[p] as Int32Array;
    const staged = (module.staging.inputs[p] as number) / 8;
    for (let event = 0; event < events; event++) {
      for (let element = 0; element < ops.length; element++) {
        const op = ops[element] as number;
        if (op < 0) continue;
        const value = floats[staged + event * ops.length + element] as number;
        writeLane(module, view, op, event, rawOfValue(value, typeOfElement(port, element), port, from + event, element));
      }
    }
  });
}

/** Byte address of an op's lane for an event of the block. */
function laneAddress(module: EmulatorModule, op: number, event: number): number {
  const group = Math.floor(event / module.groupEvents);
  const bytes = (module.plan.lane[op] as number) / 8;
  return module.records + group * module.recordStride + (module.chunks.slot[op] as number) + (event % module.groupEvents) * bytes;
}

function writeLane(module: EmulatorModule, view: DataView, op: number, event: number, n: Int): void {
  const at = laneAddress(module, op, event);
  const lane = module.plan.lane[op] as Lane;
  if (lane === 64) view.setBigInt64(at, BigInt.asIntN(64, BigInt(n)), true);
  else if (lane === 32) view.setInt32(at, typeof n === 'number' ? n : Number(BigInt.asIntN(32, n)), true);
  else view.setInt16(at, typeof n === 'number' ? n : Number(BigInt.asIntN(16, n)), true);
}

/** Writes raw inputs, and copies of the last event to the end of its group. */
function writeRaw(module: EmulatorModule, view: DataView, block: readonly (readonly (readonly Int[])[])[]): void {
  const last = block.length - 1;
  const filled = Math.ceil(block.length / module.groupEvents) * module.groupEvents;
  for (let event = 0; event < filled; event++) {
    const ports = block[Math.min(event, last)] as readonly (readonly Int[])[];
    module.inputOps.forEach((ops, p) => {
      for (let element = 0; element < ops.length; element++) {
        if ((ops[element] as number) >= 0) writeLane(module, view, ops[element] as number, event, ports[p]?.[element] as Int);
      }
    });
  }
}

function readRaw(circuit: Circuit, module: EmulatorModule, view: DataView, event: number): Int[][] {
  return circuit.outputs.map((port: OutputPort) =>
    Array.from(port.ops, (op, i) => {
      const type = typeOfElement(port, i);
      return shift(readLane(circuit, module, view, op, event), (circuit.exp[op] as number) - (type.integer - type.width));
    }),
  );
}

/** The exact integer of an output's op. */
function readLane(circuit: Circuit, module: EmulatorModule, view: DataView, op: number, event: number): Int {
  if (module.plan.isConst[op] === 1) return loOf(circuit, op);
  const root = module.plan.root[op] as number;
  const at = laneAddress(module, root, event);
  const lane = module.plan.lane[root] as Lane;
  const n = lane === 64 ? fromBigInt(view.getBigInt64(at, true)) : lane === 32 ? view.getInt32(at, true) : view.getInt16(at, true);
  return module.plan.isMask[root] === 1 && n !== 0 ? 1 : n;
}
