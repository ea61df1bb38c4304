import type { Circuit, Port, Table } from '../../circuit/circuit.js';
import { intervalOf, kindOf, Op, typeOfElement } from '../../circuit/circuit.js';
import { invariant } from '../../errors.js';
import type { FixedType } from '../../fixed/fixedType.js';
import { fixedType, rangeOf, typeOfInterval } from '../../fixed/fixedType.js';
import type { Int } from '../../fixed/integer.js';
import { toNumber } from '../../fixed/integer.js';
import type { Interval } from '../../fixed/interval.js';
import { hull } from '../../fixed/interval.js';
import type { Device } from '../../timing/device.js';
import type { Schedule } from '../../timing/schedule.js';
import type { Backend, DesignInfo, OutputFile } from '../backend.js';
import { apType, cppPorts, legalName } from '../cpp/header.js';
import { isConstant, neededOps } from '../needed.js';
import { renderTemplate } from '../template.js';
import { layerNames, oneLine, wireName } from '../verilog/names.js';
import { titleOf } from '../verilog/verilog.js';

/** The texts that the HLS project is made from, all of templates/vitis. */
export interface VitisTexts {
  readonly header: string;
  readonly source: string;
  readonly testbench: string;
  readonly project: string;
  readonly makefile: string;
}

/** Full part names for the vendor's tools. */
const FULL_PARTS: Readonly<Record<string, string>> = {
  xcvu13p: 'xcvu13p-flga2577-2-e', xcvu9p: 'xcvu9p-flga2104-2-e', xcku115: 'xcku115-flva1517-2-e', xc7vx690t: 'xc7vx690tffg1927-2',
  xczu7ev: 'xczu7ev-ffvc1156-2-e', xc7z020: 'xc7z020clg484-1',
};

/** The device as AMD's tools name it: with the user's own package and speed grade, if given; undefined where it is none of AMD's. */
export function vendorPart({ part, ordered }: Pick<Device, 'part' | 'ordered'>): string | undefined {
  const full = FULL_PARTS[part];
  return full === undefined ? undefined : (ordered ?? full);
}

/** Tcl that sets `part`: PART of the environment, else the device; where it is no device of AMD's, PART must be given. */
export function partTcl(device: Pick<Device, 'part' | 'ordered'>): string {
  const known = vendorPart(device);
  if (known !== undefined) return `set part [expr {[info exists ::env(PART)] ? $::env(PART) : "${known}"}]`;
  return `if {![info exists ::env(PART)]} {\n  puts "ERROR: compiled for ${device.part}, which these tools do not make: set PART to a device of theirs"\n  exit 1\n}\nset part $::env(PART)`;
}

/** `vitis/`: HLS C++ of the same circuit in ap_fixed types, with testbench, Makefile and Tcl project. */
export function vitis(texts: VitisTexts): Backend {
  return {
    name: 'vitis',
    summary: 'HLS C++ with ap_fixed types, Tcl project and testbench',
    check: () => [],
    emit: (schedule, info): OutputFile[] => new Emitter(schedule, info).files(texts),
  };
}

interface HlsPort {
  readonly name: string;
  readonly typeName: string;
  readonly port: Port;
  readonly elements: number;
  /** Holds every value of every element. */
  readonly type: FixedType;
}

class Emitter {
  private readonly circuit: Circuit;
  private readonly inputs: readonly HlsPort[];
  private readonly outputs: readonly HlsPort[];
  private readonly layers: readonly string[];
  private readonly needed: Uint8Array;

  constructor(
    private readonly schedule: Schedule,
    private readonly info: DesignInfo,
  ) {
    this.circuit = schedule.circuit;
    const ports = cppPorts(this.circuit);
    const describe = ({ name, port, elements }: (typeof ports.inputs)[number]): HlsPort => ({ name, typeName: `${name}_t`, port, elements, type: commonType(port) });
    this.inputs = ports.inputs.map(describe);
    this.outputs = ports.outputs.map(describe);
    this.layers = layerNames(this.circuit);
    this.needed = neededOps(this.circuit);
  }

  files(texts: VitisTexts): OutputFile[] {
    const { info, schedule } = this;
    const { top } = info;
    // A model may be called as C++ calls something else: float.onnx.
    const called = legalName(top);
    const title = titleOf(info);
    const all = [...this.inputs, ...this.outputs];
    const parameters = [...this.inputs.map((port) => `const ${port.typeName} ${port.name}[${port.elements}]`), ...this.outputs.map((port) => `${port.typeName} ${port.name}[${port.elements}]`)].join(', ');
    const file = (name: string, text: string): OutputFile => ({ path: `vitis/${name}`, text });
    return [
      file(`${top}.h`, renderTemplate('vitis/header.h', texts.header, {
        title, top, function: called, parameters, guard: `${top.toUpperCase()}_H_`, macro: top.toUpperCase(), version: String(this.info.modelVersion), hash: this.info.hash,
        types: all.map((port) => `typedef ${apType(port.type)} ${port.typeName}; // ${oneLine(port.port.name)} [${port.port.shape.join(', ')}]${port.port.types.length === 1 ? '' : ': holds every element, each of a type of its own'}`).join('\n'),
      })),
      file(`${top}.cpp`, renderTemplate('vitis/source.cpp', texts.source, { title, top, function: called, parameters, tables: this.tables(), pragmas: this.pragmas(all), body: this.body() })),
      file(`${top}_test.cpp`, renderTemplate('vitis/testbench.cpp', texts.testbench, {
        title, top, function: called, vectors: '../testbench/vectors.txt',
        declarations: all.map((port) => `    ${port.typeName} ${port.name}[${port.elements}];`).join('\n'),
        reads: this.inputs.flatMap((port) => elements(port).map((type, i) => `    take<${apType(type)} >(in, at, ${port.name}[${i}]);`)).join('\n'),
        arguments: all.map((port) => port.name).join(', '),
        compares: this.outputs.flatMap((port) => elements(port).map((type, i) =>
          `    {\n      ${port.typeName} expected;\n      take<${apType(type)} >(out, at, expected);\n      if (${port.name}[${i}] != expected && ++mismatches == 1) std::printf("event %ld, ${port.name}[${i}]: should be %s, is %s\\n", e, expected.to_string(10).c_str(), ${port.name}[${i}].to_string(10).c_str());\n    }`)).join('\n'),
      })),
      file('project.tcl', renderTemplate('vitis/project.tcl', texts.project, { title, top, function: called, part: partTcl(schedule.device), period: String(Math.round(1e6 / schedule.clockMHz) / 1000) })),
      file('Makefile', renderTemplate('vitis/Makefile', texts.makefile, { title, top })),
    ];
  }

  private pragmas(ports: readonly HlsPort[]): string {
    return ['#pragma HLS PIPELINE II=1', ...ports.map((port) => `#pragma HLS ARRAY_PARTITION variable=${port.name} complete`), ...ports.map((port) => `#pragma HLS INTERFACE ap_none port=${port.name}`)].join('\n');
  }

  private tables(): string {
    const { circuit } = this;
    const read = new Set<number>();
    for (let op = 0; op < circuit.size; op++) if (this.needed[op] === 1 && kindOf(circuit, op) === Op.lookup) read.add(circuit.param[op] as number);
    return [...read].map((id) => {
      const table = circuit.tables[id] as Table;
      const type = tableType(table);
      const integer = integerType(type);
      if (integer !== undefined) return `const ${integer} table_${id}[${table.values.length}] = {${rawValues(table, type).join(', ')}}; // bits of ${apType(type)}`;
      return `const ${apType(type)} table_${id}[${table.values.length}] = {${table.values.map((n) => constantText({ lo: n, hi: n, exp: table.exp }, type)).join(', ')}};`;
    }).join('\n');
  }

  private body(): string {
    const { circuit } = this;
    const lines: string[] = [];
    let origin = -2;
    for (let op = 0; op < circuit.size; op++) {
      if (this.needed[op] === 0 || isConstant(this.circuit, op)) continue;
      if (circuit.origin[op] !== origin) {
        origin = circuit.origin[op] as number;
        const layer = circuit.origins[origin];
        lines.push('', `  // ${layer === undefined ? 'inputs' : `${oneLine(layer.layer)} (${layer.kind})`}`);
      }
      lines.push(`  const ${apType(this.typeOf(op))} ${this.name(op)} = ${this.expression(op)};`);
    }
    lines.push('', '  // outputs');
    this.outputs.forEach((port, p) => circuit.outputs[p]?.ops.forEach((op, i) => lines.push(`  ${port.name}[${i}] = ${this.read(op)};`)));
    return lines.join('\n').trimStart().replace(/^/, '  ');
  }

  private name(op: number): string {
    return wireName(this.circuit, op, this.layers);
  }

  private typeOf(op: number): FixedType {
    return typeOfInterval(intervalOf(this.circuit, op));
  }

  private read(op: number): string {
    return isConstant(this.circuit, op) ? constantText(intervalOf(this.circuit, op), this.typeOf(op)) : this.name(op);
  }

  /** An operand times 2^by. */
  private scaled(op: number, by: number): string {
    return by === 0 ? this.read(op) : `scaled<${by}>(${this.read(op)})`;
  }

  private expression(op: number): string {
    const { circuit } = this;
    const kind = kindOf(circuit, op);
    const [a, b, c] = [circuit.a[op] as number, circuit.b[op] as number, circuit.c[op] as number];
    const param = circuit.param[op] as number;
    const own = apType(this.typeOf(op));
    switch (kind) {
      case Op.input:
        return `${(this.inputs[a] as HlsPort).name}[${b}]`;
      case Op.const:
        return invariant(false, 'constants are read where they are needed') as never;
      case Op.add:
      case Op.sub:
        return `${this.read(a)} ${kind === Op.add ? '+' : '-'} ${this.scaled(b, param)}`;
      case Op.mul:
        return `${this.read(a)} * ${this.read(b)}`;
      case Op.shift:
        return this.scaled(a, param);
      case Op.lt:
        return `${this.read(a)} < ${this.read(b)}`;
      case Op.eq:
        return `${this.read(a)} == ${this.read(b)}`;
      case Op.mux:
        return `${this.read(a)} != 0 ? ${own}(${this.read(b)}) : ${own}(${this.read(c)})`;
      case Op.and:
      case Op.or:
      case Op.xor:
        return `${own}(${this.read(a)}) ${kind === Op.and ? '&' : kind === Op.or ? '|' : '^'} ${own}(${this.read(b)})`;
      case Op.lookup: {
        const table = circuit.tables[param] as Table;
        const base = BigInt(table.base);
        const entry = `table_${param}[${this.scaled(a, -table.indexExp)}.to_int64()${base === 0n ? '' : base > 0n ? ` - ${base}` : ` + ${-base}`}]`;
        const type = tableType(table);
        return integerType(type) === undefined ? entry : `from_integer<${apType(type)} >(${entry})`;
      }
      case Op.cast:
        return `${apType(circuit.types[param] as FixedType)}(${this.read(a)})`;
    }
  }
}

function elements(port: HlsPort): FixedType[] {
  return Array.from({ length: port.elements }, (_, i) => typeOfElement(port.port, i));
}

/** The port's type if all elements share it, else one that holds them all. */
function commonType(port: Port): FixedType {
  const [first] = port.types as readonly [FixedType, ...FixedType[]];
  if (port.types.length === 1) return first;
  const all = port.types.map(rangeOf).reduce<Interval>(hull, rangeOf(first));
  const type = typeOfInterval(all);
  return fixedType(type.signed, type.width, type.integer);
}

function tableType(table: Table): FixedType {
  const values = table.values.map((n) => ({ lo: n, hi: n, exp: table.exp }));
  return typeOfInterval(values.reduce<Interval>(hull, values[0] as Interval));
}

/** The narrowest plain integer that holds a table's entries: a table of classes takes minutes to compile. Undefined where none is wide enough. */
function integerType({ signed, width }: FixedType): string | undefined {
  const bits = signed ? width : width + 1;
  return bits <= 8 ? 'signed char' : bits <= 16 ? 'short' : bits <= 32 ? 'int' : bits <= 63 ? 'long long' : undefined;
}

/** The entries in units of the last bit of their common type. */
function rawValues(table: Table, type: FixedType): string[] {
  const up = BigInt(table.exp - (type.integer - type.width));
  return table.values.map((n) => `${up >= 0n ? BigInt(n) << up : BigInt(n) >> -up}`);
}

/** A constant as a value of its type: a number where float64 holds it, else its bits. */
function constantText({ lo, exp }: Interval, type: FixedType): string {
  const value = toNumber(lo, exp);
  if (typeof lo === 'number' && Math.abs(exp) < 900) return `${apType(type)}(${value})`;
  return `from_bits<${apType(type)} >("${bitsText(lo, exp - (type.integer - type.width), type.width)}")`;
}

function bitsText(n: Int, up: number, width: number): string {
  return BigInt.asUintN(width, up >= 0 ? BigInt(n) << BigInt(up) : BigInt(n) >> BigInt(-up)).toString(16);
}
