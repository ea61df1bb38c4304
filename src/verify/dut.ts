import { portNames } from '../backends/verilog/names.js';
import type { Port } from '../circuit/circuit.js';
import { elementCount, typeOfElement } from '../circuit/circuit.js';
import type { Schedule } from '../timing/schedule.js';

/** An exact integer, as everywhere: `number` while it is safe, `bigint` beyond. */
export type Raw = number | bigint;

/** One event: raw integers (two's complement values of the port's types) as `[port][element]`. */
export type RawEvent = readonly (readonly Raw[])[];

/** Bits of one element on its bus. */
export interface BusElement {
  readonly width: number;
  readonly signed: boolean;
}

/** One bus of the design: element 0 in the lowest bits, each at its own width. */
export interface BusPort {
  /** Name of the Verilog port. */
  readonly port: string;
  /** Name of the tensor, for messages. */
  readonly tensor: string;
  readonly elements: readonly BusElement[];
}

/** A design under test: emitted Verilog and what its edge looks like. */
export interface Dut {
  readonly top: string;
  readonly verilog: string;
  /** Register ranks from input to output; 0 is combinational, without `clk` and `rst`. */
  readonly latencyCycles: number;
  readonly inputs: readonly BusPort[];
  readonly outputs: readonly BusPort[];
}

/** The design that the Verilog backend emits for a schedule. */
export function dutOf(schedule: Schedule, top: string, verilog: string): Dut {
  const { circuit, latencyCycles } = schedule;
  const names = portNames(circuit);
  return {
    top, verilog, latencyCycles,
    inputs: circuit.inputs.map((port, i) => busPort(port, names.inputs[i] as string)),
    outputs: circuit.outputs.map((port, i) => busPort(port, names.outputs[i] as string)),
  };
}

/** The bus of a circuit port under its Verilog name. */
export function busPort(port: Port, verilogName: string): BusPort {
  const elements: BusElement[] = [];
  for (let i = 0; i < elementCount(port); i++) {
    const { width, signed } = typeOfElement(port, i);
    elements.push({ width, signed });
  }
  return { port: verilogName, tensor: port.name, elements };
}

export function busWidth(port: BusPort): number {
  return port.elements.reduce((bits, element) => bits + element.width, 0);
}

/** Words of 32 bits of all ports side by side; at least 3, so that Verilator always makes a word array of it. */
export function busWords(ports: readonly BusPort[]): number {
  const bits = ports.reduce((sum, port) => sum + busWidth(port), 0);
  return Math.max(3, Math.ceil(bits / 32));
}

/** The event's elements side by side, first port's first element lowest, as words of 32 bits, lowest first. */
export function packBus(ports: readonly BusPort[], event: RawEvent): Uint32Array {
  const words = new Uint32Array(busWords(ports));
  let at = 0;
  ports.forEach((port, p) => {
    port.elements.forEach((element, i) => {
      putBits(words, at, element.width, event[p]?.[i] as Raw);
      at += element.width;
    });
  });
  return words;
}

/** 8 hexadecimal digits a word, highest word first. */
export function hexOfWords(words: Uint32Array): string {
  let text = '';
  for (let w = words.length - 1; w >= 0; w--) text += (words[w] as number).toString(16).padStart(8, '0');
  return text;
}

function putBits(words: Uint32Array, at: number, width: number, raw: Raw): void {
  let rest = raw;
  for (let done = 0; done < width; ) {
    const bit = (at + done) % 32;
    const take = Math.min(32 - bit, width - done);
    const low = typeof rest === 'bigint' ? Number(BigInt.asUintN(take, rest)) : modulo(rest, 2 ** take);
    const word = Math.floor((at + done) / 32);
    words[word] = ((words[word] as number) | (low << bit)) >>> 0;
    rest = typeof rest === 'bigint' ? rest >> BigInt(take) : Math.floor(rest / 2 ** take);
    done += take;
  }
}

function modulo(n: number, m: number): number {
  const rest = n % m;
  return rest < 0 ? rest + m : rest;
}
