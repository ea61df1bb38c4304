import type { Circuit, OutputPort } from '../../circuit/circuit.js';
import { elementCount, kindOf, Op, OPERAND_COUNT, opName, typeOfElement } from '../../circuit/circuit.js';
import { demandedTop } from '../../circuit/demand.js';
import { wireSources } from '../../circuit/wires.js';
import { intervalOf } from '../../circuit/circuit.js';
import { formatFixedType } from '../../fixed/fixedType.js';
import { intervalWidth } from '../../fixed/interval.js';
import type { Schedule } from '../../timing/schedule.js';
import type { Backend, DesignInfo, OutputFile } from '../backend.js';
import { bitsOf } from './bits.js';
import type { Reader } from './expressions.js';
import { addressWidth, concatenate, linesOf, literal, select, tableWidth } from './expressions.js';
import { layerNames, oneLine, portNames, wireName } from './names.js';
import type { Mask } from './usage.js';
import { isEmpty, maskOf, runsOf, union, Usage, without } from './usage.js';
import { CELL_MARK } from './luts/cells.js';
import { NetNames } from './luts/names.js';
import { PlainText } from './luts/plainText.js';
import { Plan } from './luts/plan.js';
import { PrimitiveText } from './luts/text.js';

/**
 * One self-contained Verilog-2005 file. Every op is one line that names its layer and element; values that cross a
 * pipeline rank get registers `<wire>_r<rank>` of just the bits that are read later. Bits that nobody reads are named
 * in `unused_bits` vectors, so that `verilator -Wall` has nothing to say.
 */
export const verilog: Backend = {
  name: 'verilog',
  summary: 'one self-contained Verilog-2005 file with valid_in and valid_out',
  check: () => [],
  emit: (schedule, info): OutputFile[] => [{ path: `verilog/${info.top}.v`, text: new Emitter(schedule, info).module() }],
};

/**
 * The wire of each op in the emitted module, or undefined for ops that have none of their own (constants, wires, unread ops,
 * what is lost between vendor cells).
 */
export function wireNameOf(schedule: Schedule, primitives?: 'xilinx'): (op: number) => string | undefined {
  const emitter = new Emitter(schedule, { top: 'top', modelName: '', modelVersion: 0, hash: '', ...(primitives === undefined ? {} : { primitives }) });
  emitter.collect();
  return (op) => (emitter.isDeclared(op) && emitter.isWhole(op) ? emitter.name(op) : undefined);
}

/** Which cells emitted Verilog is made of. */
export function primitivesOf(text: string): 'xilinx' | undefined {
  return text.includes(CELL_MARK) ? 'xilinx' : undefined;
}

/** How many LUT cells a schedule takes with `--primitives xilinx`, without what stays expressions. */
export function lutCells(schedule: Schedule): number {
  const emitter = new Emitter(schedule, { top: 'top', modelName: '', modelVersion: 0, hash: '', primitives: 'xilinx' });
  emitter.collect();
  return emitter.lutCells();
}

class Emitter {
  private readonly circuit: Circuit;
  private readonly source: Int32Array;
  private readonly widths: Int32Array;
  private readonly usage: Usage;
  private readonly layers: string[];
  private readonly ports: { readonly inputs: readonly string[]; readonly outputs: readonly string[] };
  private readonly lines: string[] = [];
  private readonly registers: string[][] = [];
  private readonly unused: string[] = [];
  /** What is made of LUTs of our choice: all there is with `--primitives xilinx`, else forests and what reads them. */
  private readonly plan: Plan | undefined;

  constructor(
    private readonly schedule: Schedule,
    private readonly info: DesignInfo,
  ) {
    this.circuit = schedule.circuit;
    this.source = wireSources(this.circuit);
    this.widths = demandedTop(this.circuit).map((bits, op) => Math.max(1, Math.min(bits, intervalWidth(intervalOf(this.circuit, op)))));
    this.usage = new Usage(schedule.stage);
    this.layers = layerNames(this.circuit);
    this.ports = portNames(this.circuit);
    const mapped = info.primitives === 'xilinx' ? (): boolean => true : schedule.device.lutInputs < 6 ? undefined : behindForests(this.circuit);
    if (mapped !== undefined) this.plan = new Plan({ circuit: this.circuit, widths: this.widths }, schedule, (op, stage, bit) => this.usage.read(op, stage, bit, bit + 1), mapped);
  }

  name(op: number): string {
    return wireName(this.circuit, op, this.layers);
  }

  isDeclared(op: number): boolean {
    const kind = kindOf(this.circuit, op);
    return this.source[op] === op && kind !== Op.const && this.usage.isRead(op);
  }

  /** Whether the op's wire holds all of its bits: of cells only those are made that are read. */
  isWhole(op: number): boolean {
    return this.plan?.handles(op) !== true || this.plan.drivesAll(op) || isEmpty(without(maskOf(0, this.width(op)), this.readMask(op)));
  }

  /** Bits of the op's own wire. */
  private width(op: number): number {
    return this.widths[op] as number;
  }

  /** First pass, last op first: notes every bit that is read, so that nothing unread is declared. */
  collect(): void {
    const ranks = this.schedule.latencyCycles;
    const reading = (stage: number): Reader => ({
      circuit: this.circuit,
      widths: this.widths,
      signal: (op, from, to) => {
        this.usage.read(op, stage, from, to);
        return '';
      },
    });
    for (const port of this.circuit.outputs) this.outputText(port, reading(ranks));
    for (let op = this.circuit.size - 1; op >= 0; op--) {
      const kind = kindOf(this.circuit, op);
      if (!this.isDeclared(op) || kind === Op.input) continue;
      if (this.plan?.handles(op) === true) this.plan.make(op, this.width(op), bitsOfMask(this.readMask(op)));
      else linesOf(reading(this.schedule.stage[op] as number), op, this.width(op), '');
    }
  }

  module(): string {
    this.collect();
    this.header();
    this.tables();
    this.body();
    this.outputs();
    const modules = this.cells();
    this.registerBlocks();
    this.unusedBits();
    this.lines.push('endmodule', '', ...modules);
    return this.lines.join('\n');
  }

  private header(): void {
    const { circuit, info, schedule } = this;
    const ranks = schedule.latencyCycles;
    const bus = (width: number): string => `[${width - 1}:0]`;
    this.lines.push(
      `// ${titleOf(info)}`,
      `// Written by Trigforge. Latency ${ranks} cycles at ${trim(schedule.clockMHz)} MHz, a new event every cycle.`,
      '// Elements are packed in C order, element 0 in the lowest bits.',
    );
    const list = (direction: string, ports: readonly { name: string; width: number; note: string }[]): string[] =>
      ports.map((port) => `  ${direction} wire ${bus(port.width)} ${port.name}, // ${port.note}`);
    const describe = (port: (typeof circuit.inputs)[number], name: string): { name: string; width: number; note: string } => ({
      name,
      width: busWidth(port),
      note: `${oneLine(port.name)} [${port.shape.join(', ')}] ${port.types.length === 1 ? formatFixedType(typeOfElement(port, 0)) : 'one type an element'}`,
    });
    this.lines.push(`module ${info.top} (`);
    if (ranks > 0) this.lines.push('  input wire clk,', '  input wire rst, // synchronous, clears valid');
    this.lines.push('  input wire valid_in,');
    this.lines.push(...list('input', circuit.inputs.map((port, i) => describe(port, this.ports.inputs[i] as string))));
    this.lines.push(...list('output', circuit.outputs.map((port, i) => describe(port, this.ports.outputs[i] as string))));
    this.lines.push('  output wire valid_out', ');');
  }

  private tables(): void {
    const read = new Set<number>();
    for (let op = 0; op < this.circuit.size; op++) {
      if (kindOf(this.circuit, op) === Op.lookup && this.isDeclared(op) && this.plan?.handles(op) !== true) read.add(this.circuit.param[op] as number);
    }
    for (const id of read) this.table(id);
  }

  private table(id: number): void {
    const table = this.circuit.tables[id] as (typeof this.circuit.tables)[number];
    const width = tableWidth(this.circuit, id);
    const address = addressWidth(table);
    const constant = (value: number | bigint): string => literal(BigInt.asUintN(width, BigInt(value)), width);
    this.lines.push('', `  function [${width - 1}:0] table_${id}(input [${address - 1}:0] index);`, '    case (index)');
    table.values.forEach((value, i) => {
      const label = BigInt.asUintN(address, BigInt(table.base) + BigInt(i));
      this.lines.push(`      ${literal(label, address)}: table_${id} = ${constant(value)};`);
    });
    this.lines.push(`      default: table_${id} = ${constant(0)};`, '    endcase', '  endfunction');
  }

  /** Reads as of the stage: a wire of the same stage, or the register behind the stage's rank. */
  private reader(stage: number): Reader {
    return {
      circuit: this.circuit,
      widths: this.widths,
      signal: (op, from, to) => {
        const age = Math.max(0, stage - (this.schedule.stage[op] as number));
        const name = age === 0 ? this.name(op) : this.registerName(op, age);
        const [low, high] = age === 0 ? [0, this.declaredWidth(op)] : this.usage.held(op, age);
        if (from === low && to === high) return name;
        if (to - from === 1) return `${name}[${from}]`;
        return `${name}[${to - 1}:${from}]`;
      },
    };
  }

  private declaredWidth(op: number): number {
    return kindOf(this.circuit, op) === Op.input ? this.usage.held(op, 0)[1] : this.width(op);
  }

  private registerName(op: number, age: number): string {
    return `${this.name(op)}_r${(this.schedule.stage[op] as number) + age}`;
  }

  private body(): void {
    let origin = -2;
    for (let op = 0; op < this.circuit.size; op++) {
      if (!this.isDeclared(op)) continue;
      const from = this.circuit.origin[op] as number;
      if (from !== origin) {
        origin = from;
        const layer = this.circuit.origins[from];
        this.lines.push('', layer === undefined ? '  // inputs' : `  // ${oneLine(layer.layer)} (${layer.kind})`);
      }
      this.declare(op);
      this.hold(op);
    }
  }

  private declare(op: number): void {
    const name = this.name(op);
    const stage = this.schedule.stage[op] as number;
    const width = this.declaredWidth(op);
    if (kindOf(this.circuit, op) === Op.input) {
      const port = this.circuit.a[op] as number;
      const element = this.circuit.b[op] as number;
      const from = elementOffset(this.circuit.inputs[port] as (typeof this.circuit.inputs)[number], element);
      this.wire(name, width, select(this.ports.inputs[port] as string, busWidth(this.circuit.inputs[port] as never), from, from + width), '');
    } else if (this.plan?.handles(op) === true) {
      this.lines.push(`  wire ${width === 1 ? '' : `[${width - 1}:0] `}${name}; // ${this.place(op)} ${opName(kindOf(this.circuit, op))}, stage ${stage}`);
      if (this.plan.drivesAll(op)) return this.leave(name, without(maskOf(0, width), this.readMask(op)), width);
      for (const [from, to] of runsOf(without(maskOf(0, width), this.readMask(op)))) this.lines.push(`  assign ${select(name, width, from, to)} = ${literal(0n, to - from)};`);
    } else {
      const comment = ` // ${this.place(op)} ${opName(kindOf(this.circuit, op))}, stage ${stage}`;
      for (const line of linesOf(this.reader(stage), op, width, name)) {
        const own = line.suffix === '' ? name : `${name}_${line.suffix}`;
        this.wire(own, line.width, line.value, line.suffix === '' ? comment : '');
        if (line.readBits !== undefined) {
          let read: Mask = 0;
          for (const [low, high] of line.readBits) read = union(read, maskOf(low, high));
          this.leave(own, without(maskOf(0, line.width), read), line.width);
        }
      }
    }
    this.leave(name, without(maskOf(0, width), this.readMask(op)), width);
  }

  /** Bits of the op's own wire that are read, by logic or by registers. */
  private readMask(op: number): Mask {
    const read = this.usage.direct(op, 0);
    return this.usage.ranks(op) > 0 ? union(read, maskOf(...this.usage.held(op, 1))) : read;
  }

  lutCells(): number {
    return (this.plan?.finish() ?? []).reduce((sum, stage) => sum + stage.sites.length, 0);
  }

  /** LUTs, multiplexers and carry chains, stage by stage; the modules they stand on. */
  private cells(): readonly string[] {
    if (this.plan === undefined) return [];
    const names = new NetNames((op, bit, stage) => this.reader(stage).signal(op, bit, bit + 1));
    const text = this.info.primitives === 'xilinx' ? new PrimitiveText(names) : new PlainText(names, this.info.top);
    this.plan.finish().forEach((stage, at) => text.stage(stage, at));
    this.lines.push('', '  // cells');
    // One by one: as arguments of one call a million lines overflow the stack.
    for (const line of names.declarations()) this.lines.push(line);
    for (const line of text.lines) this.lines.push(line);
    for (const bits of text.unused) this.unused.push(bits);
    return text.modules();
  }

  private place(op: number): string {
    const layer = this.circuit.origins[this.circuit.origin[op] as number];
    const element = this.circuit.element[op] as number;
    return `${layer === undefined ? '' : oneLine(layer.layer)}${element < 0 ? '' : `[${element}]`}`;
  }

  private wire(name: string, width: number, value: string, comment: string): void {
    this.lines.push(`  wire ${width === 1 ? '' : `[${width - 1}:0] `}${name} = ${value};${comment}`);
  }

  /** The registers behind each rank that the value crosses. */
  private hold(op: number): void {
    for (let age = 1; age <= this.usage.ranks(op); age++) {
      const [low, high] = this.usage.held(op, age);
      const name = this.registerName(op, age);
      this.lines.push(`  reg ${high - low === 1 && low === 0 ? '' : `[${high - 1}:${low}] `}${name};`);
      const reader = this.reader((this.schedule.stage[op] as number) + age - 1);
      const rank = (this.schedule.stage[op] as number) + age;
      (this.registers[rank] ??= []).push(`    ${name} <= ${reader.signal(op, low, high)};`);
      let read = this.usage.direct(op, age);
      if (age < this.usage.ranks(op)) read = union(read, maskOf(...this.usage.held(op, age + 1)));
      this.leave(name, without(maskOf(low, high), read), -1);
    }
  }

  /** Notes bits of a vector that nobody reads; `width` 1 is a scalar. */
  private leave(name: string, mask: Mask, width: number): void {
    if (isEmpty(mask)) return;
    for (const [from, to] of runsOf(mask)) {
      this.unused.push(width === 1 || (from === 0 && to === width) ? name : to - from === 1 ? `${name}[${from}]` : `${name}[${to - 1}:${from}]`);
    }
  }

  private outputText(port: OutputPort, reader: Reader): string {
    const parts: string[] = [];
    for (let i = elementCount(port) - 1; i >= 0; i--) {
      const type = typeOfElement(port, i);
      const lo = type.integer - type.width;
      parts.push(concatenate(reader, bitsOf(reader, port.ops[i] as number, lo, lo + type.width)));
    }
    return parts.length === 1 ? (parts[0] as string) : `{\n    ${parts.join(',\n    ')}\n  }`;
  }

  private outputs(): void {
    const ranks = this.schedule.latencyCycles;
    this.lines.push('', '  // outputs');
    this.circuit.outputs.forEach((port, i) => {
      this.lines.push(`  assign ${this.ports.outputs[i]} = ${this.outputText(port, this.reader(ranks))};`);
    });
    if (ranks === 0) {
      this.lines.push('  assign valid_out = valid_in;');
    } else {
      this.lines.push(`  reg ${ranks === 1 ? '' : `[${ranks - 1}:0] `}valid;`);
      this.lines.push(`  assign valid_out = ${ranks === 1 ? 'valid' : `valid[${ranks - 1}]`};`);
    }
    // Input elements that no op reads.
    this.circuit.inputs.forEach((port, p) => {
      const bus = this.ports.inputs[p] as string;
      const total = busWidth(port);
      const read = new Uint8Array(total);
      for (let op = 0; op < this.circuit.size; op++) {
        if (kindOf(this.circuit, op) !== Op.input || this.circuit.a[op] !== p || !this.isDeclared(op)) continue;
        const from = elementOffset(port, this.circuit.b[op] as number);
        read.fill(1, from, from + this.declaredWidth(op));
      }
      for (let from = 0; from < total; from++) {
        if (read[from] === 1) continue;
        let to = from + 1;
        while (to < total && read[to] === 0) to++;
        this.unused.push(select(bus, total, from, to));
        from = to;
      }
    });
  }

  private registerBlocks(): void {
    const ranks = this.schedule.latencyCycles;
    if (ranks === 0) return;
    this.lines.push('', '  always @(posedge clk) begin', `    if (rst) valid <= ${ranks}'d0;`);
    this.lines.push(`    else valid <= ${ranks === 1 ? 'valid_in' : `{valid[${ranks - 2}:0], valid_in}`};`, '  end');
    this.registers.forEach((statements, rank) => {
      this.lines.push('', `  // rank ${rank}`, '  always @(posedge clk) begin', ...statements, '  end');
    });
  }

  private unusedBits(): void {
    if (this.unused.length === 0) return;
    this.lines.push('', '  // bits that rounding drops or that no output depends on');
    const CHUNK = 64;
    for (let i = 0; i * CHUNK < this.unused.length; i++) {
      this.lines.push(`  wire unused_bits_${i} = &{1'b0, ${this.unused.slice(i * CHUNK, (i + 1) * CHUNK).join(', ')}};`);
    }
  }
}

/** Which ops are a forest's or read one, if there are any. */
function behindForests(circuit: Circuit): ((op: number) => boolean) | undefined {
  if (!circuit.origins.some(({ kind }) => kind === 'forest')) return undefined;
  const behind = new Uint8Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) {
    const operands = [circuit.a[op], circuit.b[op], circuit.c[op]].slice(0, OPERAND_COUNT[kindOf(circuit, op)]) as number[];
    if (circuit.origins[circuit.origin[op] as number]?.kind === 'forest' || (kindOf(circuit, op) !== Op.input && operands.some((operand) => behind[operand] === 1))) behind[op] = 1;
  }
  return (op) => behind[op] === 1;
}

function bitsOfMask(mask: Mask): number[] {
  return runsOf(mask).flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
}

/** Which model this is, for the first line of a file. */
export function titleOf(info: DesignInfo): string {
  return `${oneLine(info.modelName)}, version ${info.modelVersion}, ${info.hash.slice(0, 16)}`;
}

/** Width of a port's bus. */
export function busWidth(port: { readonly shape: readonly number[]; readonly types: OutputPort['types'] }): number {
  return elementOffset(port, port.shape.reduce((product, n) => product * n, 1));
}

/** Lowest bit of an element in its bus. */
function elementOffset(port: { readonly types: OutputPort['types'] }, element: number): number {
  if (port.types.length === 1) return element * (port.types[0]?.width ?? 0);
  let offset = 0;
  for (let i = 0; i < element; i++) offset += port.types[i]?.width ?? 0;
  return offset;
}

function trim(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

