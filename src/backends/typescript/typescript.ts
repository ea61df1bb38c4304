import type { InterfaceDeclarationStructure, OptionalKind } from 'ts-morph';
import { IndentationText, Project, QuoteKind } from 'ts-morph';
import type { Circuit, Port, Table } from '../../circuit/circuit.js';
import { elementCount, kindOf, loOf, Op, typeOfElement } from '../../circuit/circuit.js';
import type { FixedType } from '../../fixed/fixedType.js';
import { fractionBits } from '../../fixed/fixedType.js';
import type { Schedule } from '../../timing/schedule.js';
import type { Backend, DesignInfo, OutputFile } from '../backend.js';
import { isConstant, neededOps, operandsOf } from '../needed.js';
import { oneLine, portNames } from '../verilog/names.js';
import { titleOf } from '../verilog/verilog.js';
import { objectStatements } from './objects.js';
import { isBig, linesOf, tableIsBig } from './expressions.js';

/** Ops a function: what a JavaScript engine still optimises. */
const OPS_A_FUNCTION = 300;

/** `emulator/typescript/<top>.ts`: one file that depends on nothing, for Node and browsers. `runtime` is templates/typescript/runtime.ts. */
export function typescript(runtime: string): Backend {
  return {
    name: 'typescript',
    summary: 'TypeScript emulator in one file, for Node and browsers',
    check: () => [],
    emit: (schedule, info): OutputFile[] => [{ path: `emulator/typescript/${info.top}.ts`, text: new Emitter(schedule, info).file(runtime) }],
  };
}

export interface TsPort {
  readonly name: string;
  readonly title: string;
  readonly elements: number;
  readonly types: readonly FixedType[];
  readonly shape: readonly number[];
  /** Raw integers of the port are bigint: some type is wider than 53 bits. */
  readonly big: boolean;
  readonly port: Port;
}

class Emitter {
  private readonly circuit: Circuit;
  private readonly inputs: readonly TsPort[];
  private readonly outputs: readonly TsPort[];
  /** Needed ops that are computed, in order, and which function computes each. */
  private readonly order: readonly number[];
  private readonly part: Int32Array;
  /** Place of an op in `r` or `w`, −1 where it stays in its function. */
  private readonly slot: Int32Array;
  private readonly counts = { r: 0, w: 0 };

  constructor(
    private readonly schedule: Schedule,
    private readonly info: DesignInfo,
  ) {
    this.circuit = schedule.circuit;
    const names = portNames(this.circuit);
    const describe = (port: Port, name: string): TsPort => ({
      name, port, title: oneLine(port.name), elements: elementCount(port), types: port.types, shape: port.shape, big: port.types.some((type) => type.width > 53),
    });
    this.inputs = this.circuit.inputs.map((port, i) => describe(port, names.inputs[i] as string));
    this.outputs = this.circuit.outputs.map((port, i) => describe(port, names.outputs[i] as string));
    const needed = neededOps(this.circuit);
    this.order = [...needed.keys()].filter((op) => needed[op] === 1 && kindOf(this.circuit, op) !== Op.input && !isConstant(this.circuit, op));
    this.part = new Int32Array(this.circuit.size).fill(-1);
    this.order.forEach((op, i) => {
      this.part[op] = Math.floor(i / OPS_A_FUNCTION);
    });
    this.slot = new Int32Array(this.circuit.size).fill(-1);
    this.allocate(needed);
  }

  private allocate(needed: Uint8Array): void {
    const { circuit } = this;
    const keep = (op: number): void => {
      if (this.slot[op] === -1 && !isConstant(circuit, op)) this.slot[op] = this.counts[isBig(circuit, op) ? 'w' : 'r']++;
    };
    for (let op = 0; op < circuit.size; op++) if (needed[op] === 1 && kindOf(circuit, op) === Op.input) keep(op);
    for (const op of this.order) for (const operand of operandsOf(circuit, op)) if (this.part[operand] !== this.part[op]) keep(operand);
    for (const port of circuit.outputs) for (const op of port.ops) keep(op);
  }

  private place(op: number): string {
    return `${isBig(this.circuit, op) ? 'w' : 'r'}[${this.slot[op]}]`;
  }

  file(runtime: string): string {
    const project = new Project({ useInMemoryFileSystem: true, manipulationSettings: { indentationText: IndentationText.TwoSpaces, quoteKind: QuoteKind.Single } });
    const { inputs, outputs, info, schedule } = this;
    const file = project.createSourceFile(`${info.top}.ts`, {
      statements: [
        `// ${titleOf(info)}\n// Written by Trigforge: bit-exact emulator of the firmware, latency ${schedule.latencyCycles} cycles at ${Math.round(schedule.clockMHz * 1000) / 1000} MHz. Depends on nothing.`,
      ],
    });
    file.addInterfaces([
      portInterface('Input', 'Values of one event or of many, `[event, element]` with elements in C order; rounded and overflowed by each element\'s type, as ap_fixed does.', inputs, () => 'ArrayLike<number>'),
      portInterface('Output', 'Exact values (the nearest float64 beyond 53 bits).', outputs, () => 'Float64Array'),
      portInterface('RawInput', 'Raw integers: value · 2^fraction bits.', inputs, (port) => (port.big ? 'ArrayLike<number | bigint>' : 'ArrayLike<number>')),
      portInterface('RawOutput', 'Raw integers: value · 2^fraction bits.', outputs, (port) => (port.big ? 'bigint[]' : 'number[]')),
    ]);
    file.addVariableStatement({
      docs: ['Names, shapes and types (`[signed, width, integer bits]`, one for all elements or one each) of the ports; version and hash of the model.'],
      isExported: true,
      declarationKind: 'const' as never,
      declarations: [{ name: 'model', initializer: `${this.modelText()} as const` }],
    });
    const events = { name: 'events', type: 'number' };
    file.addFunctions([
      { name: 'predict', isExported: true, docs: ['One event. Throws RangeError where an input is NaN or infinite.'], parameters: [{ name: 'input', type: 'Input' }], returnType: 'Output', statements: 'return predictBatch(1, input);' },
      { name: 'predictBatch', isExported: true, docs: ['Many events at once.'], parameters: [events, { name: 'input', type: 'Input' }], returnType: 'Output', statements: this.batch(false) },
      { name: 'predictRaw', isExported: true, docs: ['One event of raw integers; bits beyond a type do not count.'], parameters: [{ name: 'input', type: 'RawInput' }], returnType: 'RawOutput', statements: 'return predictRawBatch(1, input);' },
      { name: 'predictRawBatch', isExported: true, docs: ['Many events of raw integers.'], parameters: [events, { name: 'input', type: 'RawInput' }], returnType: 'RawOutput', statements: this.batch(true) },
    ]);
    // The generated operations are text: as a syntax tree they would take gigabytes for a large model.
    file.addStatements(objectStatements(info, inputs, outputs));
    return [file.getFullText().trimEnd(), '', this.tables(), ...this.functions(), runtime.trimEnd(), ''].join('\n');
  }

  private modelText(): string {
    const port = ({ title, name, shape, types }: TsPort): string =>
      JSON.stringify({ name: title, property: name, shape, types: types.map(({ signed, width, integer }) => [signed, width, integer]) });
    const { info, schedule } = this;
    return `{ name: ${JSON.stringify(oneLine(info.modelName))}, version: ${info.modelVersion}, hash: '${info.hash}', latencyCycles: ${schedule.latencyCycles}, inputs: [${this.inputs.map(port).join(', ')}], outputs: [${this.outputs.map(port).join(', ')}] }`;
  }

  /** The loop over events: inputs into `r` and `w`, the functions, outputs from them. */
  private batch(raw: boolean): string {
    const { circuit } = this;
    const lines = [
      ...this.inputs.map((port) => `if (input.${port.name}.length < events * ${port.elements}) throw new RangeError(\`${port.name}: \${input.${port.name}.length} values for \${events} events of ${port.elements} elements\`);`),
      `const r = new Float64Array(${Math.max(1, this.counts.r)});`,
      `const w: bigint[] = new Array<bigint>(${this.counts.w}).fill(0n);`,
      ...this.outputs.map((port, p) => `const out${p}${raw ? `: ${port.big ? 'bigint' : 'number'}[] = new Array<${port.big ? 'bigint' : 'number'}>` : ' = new Float64Array'}(events * ${port.elements});`),
      'for (let e = 0; e < events; e++) {',
    ];
    for (let op = 0; op < circuit.size; op++) {
      if (kindOf(circuit, op) === Op.input && (this.slot[op] as number) >= 0) lines.push(`  ${this.inputLine(op, raw)}`);
    }
    const parts = Math.ceil(this.order.length / OPS_A_FUNCTION);
    for (let part = 0; part < parts; part++) lines.push(`  part${part}(r, w);`);
    circuit.outputs.forEach((port, p) => port.ops.forEach((op, i) => {
      lines.push(`  out${p}[e * ${port.ops.length} + ${i}] = ${raw ? this.rawOutput(op, typeOfElement(port, i), (this.outputs[p] as TsPort).big) : this.valueOutput(op)};`);
    }));
    return [...lines, '}', `return { ${this.outputs.map((port, p) => `${port.name}: out${p}`).join(', ')} };`].join('\n');
  }

  private inputLine(op: number, raw: boolean): string {
    const { circuit } = this;
    const port = this.inputs[circuit.a[op] as number] as TsPort;
    const element = circuit.b[op] as number;
    const type = (port.types.length === 1 ? port.types[0] : port.types[element]) as FixedType;
    const value = `input.${port.name}[e * ${port.elements} + ${element}]`;
    const big = isBig(circuit, op);
    const cast = `${type.signed}, ${type.width}, ${fractionBits(type)}, '${type.rounding}', '${type.overflow}'`;
    if (!raw && type.width <= 53 && !big) return `${this.place(op)} = quantise(${value} as number, ${cast});`;
    const exact = raw ? `wrapRaw(${value} as number${port.big ? ' | bigint' : ''}, ${type.signed}, ${type.width})` : `quantiseBig(${value} as number, ${cast})`;
    return `${this.place(op)} = ${big ? exact : `Number(${exact})`};`;
  }

  private valueOutput(op: number): string {
    const { circuit } = this;
    const exp = circuit.exp[op] as number;
    const n = isConstant(circuit, op) ? String(Number(loOf(circuit, op))) : isBig(circuit, op) ? `Number(${this.place(op)})` : `(${this.place(op)} as number)`;
    return exp === 0 ? n : Math.abs(exp) <= 900 ? `${n} * ${exp < 0 ? `2 ** ${exp}` : 2 ** exp}` : `scale(${n}, ${exp})`;
  }

  private rawOutput(op: number, type: FixedType, big: boolean): string {
    const { circuit } = this;
    const up = (circuit.exp[op] as number) + fractionBits(type);
    if (isConstant(circuit, op)) {
      const n = BigInt(loOf(circuit, op));
      return `${up >= 0 ? n << BigInt(up) : n >> BigInt(-up)}${big ? 'n' : ''}`;
    }
    if (isBig(circuit, op) || big) {
      const n = isBig(circuit, op) ? `(${this.place(op)} as bigint)` : `BigInt(${this.place(op)} as number)`;
      const shifted = up === 0 ? n : up > 0 ? `${n} << ${up}n` : `${n} >> ${-up}n`;
      return big ? shifted : `Number(${shifted})`;
    }
    return up === 0 ? `${this.place(op)} as number` : `(${this.place(op)} as number) * 2 ** ${up}`;
  }

  private tables(): string {
    const { circuit } = this;
    const read = new Set(this.order.filter((op) => kindOf(circuit, op) === Op.lookup).map((op) => circuit.param[op] as number));
    return [...read].map((id) => {
      const table = circuit.tables[id] as Table;
      const big = tableIsBig(table);
      return `const T${id}: readonly ${big ? 'bigint' : 'number'}[] = [${table.values.map((value) => `${value}${big ? 'n' : ''}`).join(', ')}];`;
    }).join('\n');
  }

  private *functions(): Iterable<string> {
    const { circuit } = this;
    for (let from = 0, part = 0; from < this.order.length; from += OPS_A_FUNCTION, part++) {
      const ops = this.order.slice(from, from + OPS_A_FUNCTION);
      const loaded = new Set<number>();
      const lines: string[] = [];
      for (const op of ops) {
        for (const operand of operandsOf(circuit, op)) {
          if (isConstant(circuit, operand) || this.part[operand] === part || loaded.has(operand)) continue;
          loaded.add(operand);
          lines.push(`const n${operand} = ${this.place(operand)} as ${isBig(circuit, operand) ? 'bigint' : 'number'};`);
        }
        lines.push(...linesOf(circuit, op));
        if ((this.slot[op] as number) >= 0) lines.push(`${this.place(op)} = n${op};`);
      }
      yield `\nfunction part${part}(r: Float64Array, w: bigint[]): void {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
    }
  }
}

function portInterface(name: string, doc: string, ports: readonly TsPort[], type: (port: TsPort) => string): OptionalKind<InterfaceDeclarationStructure> {
  return {
    name, isExported: true, docs: [doc],
    properties: ports.map((port) => ({ name: port.name, type: type(port), isReadonly: true, docs: [`${port.title.replaceAll('*/', '* /')} [${port.shape.join(', ')}]`] })),
  };
}
