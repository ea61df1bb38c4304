import type { FixedType } from '../fixed/fixedType.js';
import type { Circuit, Table } from '../circuit/circuit.js';
import { elementCount, Op } from '../circuit/circuit.js';
import type { Lane } from './castPlan.js';
import { ChunkEmitter } from './chunkCode.js';
import type { ChunkPlan } from './chunks.js';
import { planChunks } from './chunks.js';
import type { EdgeLayout } from './edges.js';
import { hasFastConversion, inputFunctions, outputFunctions } from './edges.js';
import type { EmulatorEngine, EmulatorOptions } from './emulator.js';
import type { LanePlan } from './lanes.js';
import { planLanes } from './lanes.js';
import { encodeModule, FunctionBody, Wasm } from './wasm.js';

/** Vector operations a chunk computes, about: enough to amortise loads and stores, few enough to optimise well. */
const CHUNK_WEIGHT = 300;
/** Beyond this many vector operations, small groups keep the code small. */
const LARGE_CODE = 200000;
/** Events a block, to amortise the calls, and the memory of its records and floats, which should stay in the second-level cache. */
const BLOCK_EVENTS = 256;
const BLOCK_BYTES = 2 ** 19;

/** A compiled circuit: code, memory layout and initial memory. */
export interface EmulatorModule {
  readonly plan: LanePlan;
  readonly chunks: ChunkPlan;
  readonly bytes: Uint8Array;
  readonly engine: EmulatorEngine;
  readonly memoryPages: number;
  /** Events a group (one vector of the smallest lanes) and groups a block. */
  readonly groupEvents: number;
  readonly blockGroups: number;
  /** Byte addresses of the first record, and of each port's staged events. */
  readonly records: number;
  readonly recordStride: number;
  readonly staging: { readonly inputs: readonly number[]; readonly outputs: readonly number[] };
  /** Input op of each element of each port, −1 where none is needed. */
  readonly inputOps: readonly Int32Array[];
  readonly tables: readonly { readonly address: number; readonly lane: Lane; readonly table: Table }[];
  /** Ports whose types the generated conversion handles; others go value by value. */
  readonly hasFastInputs: boolean;
}

/** Generates the module; undefined where the circuit needs more than lanes of 64 bits offer. */
export function compileModule(circuit: Circuit, options: EmulatorOptions): EmulatorModule | undefined {
  const plan = choosePlan(circuit, options.least);
  if (plan === undefined || !hasFastOutputs(circuit)) return undefined;
  const chunks = planChunks(circuit, plan, options.chunkWeight ?? CHUNK_WEIGHT);
  const recordStride = chunks.recordBytes;
  const groupEvents = 128 / plan.least;
  const blockGroups = Math.max(1, Math.min(BLOCK_EVENTS / groupEvents, Math.floor(BLOCK_BYTES / (recordStride + stagedBytes(circuit) * groupEvents))));
  const memory = layOut(circuit, plan, groupEvents * blockGroups);
  const inputOps = inputOpsOf(circuit, plan);
  const edges: EdgeLayout = { circuit, plan, chunks, recordStride };
  const hasFastInputs = inputOps.every((ops, p) => ops.every((op, i) => op < 0 || hasFastConversion(typeAt(circuit, p, i))));
  const emitter = new ChunkEmitter(circuit, plan, chunks, memory.addressOf, recordStride);
  const code = chunks.order.length === 0 ? [] : Array.from({ length: chunks.starts.length - 1 }, (_, chunk) => emitter.emit(chunk));
  const inputs = hasFastInputs ? inputOps.map((ops, p) => inputFunctions(edges, p, ops)) : [];
  const outputs = circuit.outputs.map((port) => outputFunctions(edges, port));
  const functions = [...code, ...inputs.flat(), ...outputs.flat()];
  const drivers = driversOf(code.length, inputs, outputs, memory);
  const exports = new Map(['compute', 'convert', 'deliver'].map((name, i) => [name, functions.length + i]));
  const memoryPages = Math.ceil((memory.records + recordStride * blockGroups + 64) / 65536);
  const bytes = encodeModule([...functions, ...drivers], exports, memoryPages);
  return {
    plan, chunks, bytes, memoryPages, groupEvents, blockGroups, recordStride, inputOps, hasFastInputs,
    records: memory.records,
    staging: memory.staging,
    tables: memory.tables,
    engine: { kind: 'wasm', least: plan.least, ...countLanes(circuit, plan), functions: functions.length, codeBytes: bytes.length },
  };
}

function typeAt(circuit: Circuit, port: number, element: number): FixedType {
  const types = circuit.inputs[port]?.types as readonly FixedType[];
  return (types.length === 1 ? types[0] : types[element]) as FixedType;
}

/** Narrow lanes run most events at once but take the most code: very large circuits get wider ones. */
function choosePlan(circuit: Circuit, least: Lane | undefined): LanePlan | undefined {
  if (least !== undefined) return planLanes(circuit, least);
  for (const lane of [16, 32] as const) {
    const plan = planLanes(circuit, lane);
    if (plan === undefined) return undefined;
    let vectors = 0;
    for (const bits of plan.lane) vectors += bits / lane;
    if (vectors <= LARGE_CODE) return plan;
  }
  return planLanes(circuit, 64);
}

/** Scaling results by a power of two must stay far from the ends of float64. */
function hasFastOutputs(circuit: Circuit): boolean {
  return circuit.outputs.every((port) => port.ops.every((op) => Math.abs(circuit.exp[op] as number) <= 900));
}

function countLanes(circuit: Circuit, plan: LanePlan): { ops16: number; ops32: number; ops64: number } {
  const counts = { ops16: 0, ops32: 0, ops64: 0 };
  for (let op = 0; op < circuit.size; op++) {
    if (circuit.kind[op] === Op.input) continue;
    if (plan.lane[op] === 16) counts.ops16++;
    if (plan.lane[op] === 32) counts.ops32++;
    if (plan.lane[op] === 64) counts.ops64++;
  }
  return counts;
}

function inputOpsOf(circuit: Circuit, plan: LanePlan): Int32Array[] {
  const ops = circuit.inputs.map((port) => new Int32Array(elementCount(port)).fill(-1));
  for (let op = 0; op < circuit.size; op++) {
    if (circuit.kind[op] === Op.input && plan.lane[op] !== 0) (ops[circuit.a[op] as number] as Int32Array)[circuit.b[op] as number] = op;
  }
  return ops;
}

interface MemoryLayout {
  readonly addressOf: (table: number, lane: Lane) => number;
  readonly tables: EmulatorModule['tables'];
  readonly staging: EmulatorModule['staging'];
  readonly records: number;
}

/** Bytes of the float64 values of an event. */
function stagedBytes(circuit: Circuit): number {
  return 8 * [...circuit.inputs, ...circuit.outputs].reduce((sum, port) => sum + elementCount(port), 0);
}

/** Tables first, then staged inputs and outputs of a block, then its records. */
function layOut(circuit: Circuit, plan: LanePlan, blockEvents: number): MemoryLayout {
  let at = 0;
  const take = (bytes: number): number => {
    const address = at;
    at = Math.ceil((at + bytes) / 64) * 64;
    return address;
  };
  const addresses = new Map<string, number>();
  const tables: { address: number; lane: Lane; table: Table }[] = [];
  for (let op = 0; op < circuit.size; op++) {
    if (circuit.kind[op] !== Op.lookup || plan.lane[op] === 0) continue;
    const lane = plan.lane[op] as Lane;
    const key = `${circuit.param[op]}:${lane}`;
    if (addresses.has(key)) continue;
    const table = circuit.tables[circuit.param[op] as number] as Table;
    const address = take((table.values.length * lane) / 8);
    addresses.set(key, address);
    tables.push({ address, lane, table });
  }
  const inputs = circuit.inputs.map((port) => take(8 * elementCount(port) * blockEvents));
  const outputs = circuit.outputs.map((port) => take(8 * elementCount(port) * blockEvents));
  return { addressOf: (table, lane) => addresses.get(`${table}:${lane}`) as number, tables, staging: { inputs, outputs }, records: at };
}

/** Functions (record, end of records) that call all others: compute, convert (→ 1 if all went the fast way), deliver. */
function driversOf(chunks: number, inputs: readonly (readonly FunctionBody[])[], outputs: readonly (readonly FunctionBody[])[], memory: MemoryLayout): FunctionBody[] {
  const compute = new FunctionBody(2);
  for (let chunk = 0; chunk < chunks; chunk++) {
    compute.get(0);
    compute.get(1);
    compute.call(chunk);
  }
  const convert = new FunctionBody(2, true);
  convert.int(1);
  let next = chunks;
  const callAll = (body: FunctionBody, functions: readonly FunctionBody[], staged: number): void => {
    for (const { returnsInt } of functions) {
      body.get(0);
      body.get(1);
      body.int(staged);
      body.call(next++);
      if (returnsInt) body.op(Wasm.i32And);
    }
  };
  inputs.forEach((functions, port) => callAll(convert, functions, memory.staging.inputs[port] as number));
  const deliver = new FunctionBody(2);
  outputs.forEach((functions, port) => callAll(deliver, functions, memory.staging.outputs[port] as number));
  return [compute, convert, deliver];
}

/** Writes the tables' entries, modulo the lanes they are read in. */
export function writeTables(module: EmulatorModule, memory: DataView): void {
  for (const { address, lane, table } of module.tables) {
    table.values.forEach((value, i) => {
      const at = address + (i * lane) / 8;
      const n = BigInt(value);
      if (lane === 64) memory.setBigInt64(at, BigInt.asIntN(64, n), true);
      else if (lane === 32) memory.setInt32(at, Number(BigInt.asIntN(32, n)), true);
      else memory.setInt16(at, Number(BigInt.asIntN(16, n)), true);
    });
  }
}
