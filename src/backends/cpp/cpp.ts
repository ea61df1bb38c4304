import type { Circuit, Table } from '../../circuit/circuit.js';
import { elementCount, opName, kindOf } from '../../circuit/circuit.js';
import type { Schedule } from '../../timing/schedule.js';
import type { Backend, DesignInfo, OutputFile } from '../backend.js';
import { renderTemplate } from '../template.js';
import { oneLine } from '../verilog/names.js';
import { titleOf } from '../verilog/verilog.js';
import type { CppPorts } from './header.js';
import { checkPorts, cppPorts, entryPoints, modelHoles, namespaceOf, publicHeader, schemaText } from './header.js';
import { objectsHeader } from './objects.js';
import type { CppPlan, Segment } from './plan.js';
import { planCpp } from './plan.js';
import { inputFunctions, outputFunctions, rawWords, wideInputsOf, wideOutputLines, wideOutputsOf } from './ports.js';
import { slowCode, slowIndex, wideTableName, wideWords, wideWordsText } from './slow.js';
import type { SegmentCode, TableUse } from './vector.js';
import { literal, segmentCode, SLOTS, tableName } from './vector.js';

/** The texts that the emulator is made from, all of templates/cpp. Read elsewhere: there is no file access here. */
export interface CppTexts {
  readonly runtime: string;
  readonly driver: string;
  readonly header: string;
  readonly model: string;
  readonly check: string;
  readonly makefile: string;
  readonly objects: string;
}

/** Events a block: a row of 16-bit lanes fills whole vectors, and a block of a common model stays in the second cache. */
const BLOCK_EVENTS = 128;
/** Ops of a source file, about. */
const PART_OPS = 3000;

/** `emulator/cpp/`: dependency-free C++17 in a namespace of model and version, with a C ABI. */
export function cpp(texts: CppTexts): Backend {
  return {
    name: 'cpp',
    summary: 'C++17 emulator with a C ABI, vectorised by the compiler',
    check: () => [],
    emit: (schedule, info): OutputFile[] => new Emitter(texts, schedule.circuit, info).files(schedule),
  };
}

class Emitter {
  private readonly plan: CppPlan;
  private readonly ports: CppPorts;
  private readonly namespace: string;

  constructor(
    private readonly texts: CppTexts,
    private readonly circuit: Circuit,
    private readonly info: DesignInfo,
  ) {
    this.plan = planCpp(circuit);
    this.ports = cppPorts(circuit);
    this.namespace = namespaceOf(info);
  }

  files(schedule: Schedule): OutputFile[] {
    const { texts, circuit, namespace } = this;
    const { top } = this.info;
    const tables: TableUse[] = [];
    const parts = this.parts((use) => tables.push(use));
    const slow = slowCode(circuit, this.plan, wideInputsOf(circuit, this.plan));
    const sources = [top, `${top}_tables`, ...parts.map((_, i) => `${top}_part${i}`), ...slow.functions.map((_, i) => `${top}_wide${i}`)];
    const file = (name: string, text: string): OutputFile => ({ path: `emulator/cpp/${name}`, text });
    const objects = objectsHeader(texts.objects, this.info, this.ports);
    const common = { title: titleOf(this.info), namespace: namespace, top };
    return [
      file(`${top}.h`, publicHeader(texts.header, schedule, this.info, this.ports)),
      ...(objects === undefined ? [] : [file(`${top}_objects.h`, objects)]),
      file(`${top}_runtime.h`, renderTemplate('cpp/runtime.h', texts.runtime, { namespace: namespace, events: String(BLOCK_EVENTS), words: String(wideWords(circuit)) })),
      file(`${top}_internal.h`, this.internalHeader(uniqueTables(tables), slow.tables, parts.length, slow.functions.length)),
      file(`${top}.cpp`, this.driver(parts.length, slow.functions.length)),
      file(`${top}_tables.cpp`, this.tables(uniqueTables(tables), slow.tables)),
      ...parts.map((text, i) => file(`${top}_part${i}.cpp`, text)),
      ...slow.functions.map((lines, i) => file(`${top}_wide${i}.cpp`, this.source([`void wide_${i}(const Block& b, int e, Wide* v) {`, '  (void)b;', '  (void)e;', ...lines.map((line) => `  ${line}`), '}']))),
      file(`${top}_model.cpp`, renderTemplate('cpp/model.cpp', texts.model, { ...common, macro: namespace.toUpperCase(), version: String(this.info.modelVersion), ...modelHoles(this.info, this.ports) })),
      file(`${top}_check.cpp`, renderTemplate('cpp/check.cpp', texts.check, {
        ...common, inputPorts: String(circuit.inputs.length), outputPorts: String(circuit.outputs.length),
        inputTypes: checkPorts(this.ports.inputs), outputTypes: checkPorts(this.ports.outputs),
      })),
      file('exports.map', `{\n  global: ${namespace}_*; create_model; destroy_model;\n  local: *;\n};\n`),
      file('Makefile', renderTemplate('cpp/Makefile', texts.makefile, { title: titleOf(this.info), top, namespace: namespace, sources: sources.map((name) => `${name}.cpp`).join(' ') })),
    ];
  }

  /** A source file of functions inside the namespace. */
  private source(lines: readonly string[]): string {
    return [
      `// ${titleOf(this.info)}`, `#include "${this.info.top}_internal.h"`, '', `namespace ${this.namespace} {`, 'namespace detail {', '',
      ...lines, '', '} // namespace detail', `} // namespace ${this.namespace}`, '',
    ].join('\n');
  }

  /** Source files of some segments each: `part_<i>` calls them in turn. */
  private parts(onTable: (use: TableUse) => void): string[] {
    const groups: Segment[][] = [];
    let weight = Infinity;
    for (const segment of this.plan.segments) {
      if (weight + segment.ops.length > PART_OPS) {
        groups.push([]);
        weight = 0;
      }
      (groups[groups.length - 1] as Segment[]).push(segment);
      weight += segment.ops.length;
    }
    return groups.map((segments, i) => this.part(segments, i, onTable));
  }

  private part(segments: readonly Segment[], index: number, onTable: (use: TableUse) => void): string {
    const lines = ['namespace {', ''];
    segments.forEach((segment, s) => {
      const code: SegmentCode = segmentCode(this.plan, segment);
      code.tables.forEach(onTable);
      lines.push(`// ${this.place(segment)}`, `void segment_${s}(Block& b) {`, ...code.lines.map((line) => `  ${line}`), '}', '');
    });
    lines.push('} // namespace', '', `void part_${index}(Block& b) {`, ...segments.map((_, s) => `  segment_${s}(b);`), '}');
    return this.source(lines);
  }

  /** Which layers a segment belongs to. */
  private place({ kind, ops }: Segment): string {
    const { fast } = this.plan;
    const layers = new Set(ops.map((op) => oneLine(fast.origins[fast.origin[op] as number]?.layer ?? 'inputs')));
    const kinds = new Set(ops.map((op) => opName(kindOf(fast, op))));
    return `${[...layers].slice(0, 8).join(', ')}: ${kind === 'lookup' ? 'tables' : [...kinds].sort().join(', ')}`;
  }

  private internalHeader(tables: readonly TableUse[], wideTables: readonly number[], parts: number, wides: number): string {
    const { circuit, plan, namespace } = this;
    const rows = (count: number): number => Math.max(1, count);
    const slots = ([16, 32, 64] as const).map((lane) => `  alignas(64) i${lane} ${SLOTS[lane]}[${rows(plan.slotCounts[lane])}][N];`);
    const wideIn = wideInputsOf(circuit, plan).size;
    const wideOut = wideOutputsOf(circuit, plan).length;
    const staged = circuit.inputs.map((port, p) => `  double x${p}[N * ${elementCount(port)}];\n  i64 r${p}[N * ${elementCount(port) * rawWords(port)}];`);
    return [
      `// ${titleOf(this.info)}`, '#pragma once', `#include "${this.info.top}_runtime.h"`, '',
      '#if defined(__GNUC__)', '#pragma GCC visibility push(hidden)', '#endif', `namespace ${namespace} {`, 'namespace detail {', '',
      '// The values of N events, a row each, by lane; rows are reused.', 'struct Block {', ...slots,
      ...(plan.slow.length > 0 ? [`  Wide v[${plan.slow.length}];`, `  Wide in[${rows(wideIn)}][N];`, `  Wide out[${rows(wideOut)}][N];`] : []),
      '  // Inputs of the last, incomplete block.', ...staged, '};', '',
      ...Array.from({ length: parts }, (_, i) => `void part_${i}(Block& b);`),
      ...Array.from({ length: wides }, (_, i) => `void wide_${i}(const Block& b, int e, Wide* v);`),
      ...tables.map((use) => `extern const i${use.lane} ${tableName(use)}[${entriesOf(circuit, use.table)}];`),
      ...wideTables.map((table) => `extern const u64 ${wideTableName(table)}[${entriesOf(circuit, table)}][K];`),
      '', '} // namespace detail', `} // namespace ${namespace}`, '#if defined(__GNUC__)', '#pragma GCC visibility pop', '#endif', '',
    ].join('\n');
  }

  private tables(tables: readonly TableUse[], wideTables: readonly number[]): string {
    const { circuit } = this;
    const words = wideWords(circuit);
    const lines = tables.map((use) => `const i${use.lane} ${tableName(use)}[${entriesOf(circuit, use.table)}] = {\n${folded(valuesOf(circuit, use.table).map((n) => literal(BigInt(n), use.lane).replace(/^i16\((.*)\)$/, '$1')))}\n};`);
    const wide = wideTables.map((table) => `const u64 ${wideTableName(table)}[${entriesOf(circuit, table)}][K] = {\n${folded(valuesOf(circuit, table).map((n) => `{${wideWordsText(BigInt(n), words)}}`))}\n};`);
    return this.source([...lines, ...wide]);
  }

  private driver(parts: number, wides: number): string {
    const { circuit, plan, namespace, texts } = this;
    const wideInputs = wideInputsOf(circuit, plan);
    const outputs = wideOutputLines(circuit, plan, slowIndex(plan));
    const slow = wides === 0 ? [] : [
      '  for (int e = 0; e < count; ++e) {', '    Wide* v = b.v;',
      ...Array.from({ length: wides }, (_, i) => `    wide_${i}(b, e, v);`), ...outputs.map((line) => `    ${line}`), '  }',
    ];
    const loop = [
      ...circuit.inputs.map((port, p) => {
        const stride = `${elementCount(port)} * width(in[${p}], ${rawWords(port)})`;
        return `    if (!load_${p}(staged(in[${p}] + from * ${stride}, ${stride}, count, stage_${p}(b, in[${p}])), b)) return 1;`;
      }),
      '    compute(b, count);',
      ...circuit.outputs.map((port, p) => `    store_${p}(b, out[${p}] + from * ${elementCount(port)} * width(out[${p}], ${rawWords(port)}), count);`),
    ].join('\n');
    return renderTemplate('cpp/driver.cpp', texts.driver, {
      title: titleOf(this.info), top: this.info.top, namespace: namespace, prefix: namespace, hash: this.info.hash, version: String(this.info.modelVersion),
      schema: JSON.stringify(schemaText(this.info, this.ports)),
      inputs: circuit.inputs.flatMap((_, p) => [`double* stage_${p}(Block& b, const double*) { return b.x${p}; }`, `i64* stage_${p}(Block& b, const i64*) { return b.r${p}; }`, '', ...inputFunctions(circuit, plan, wideInputs, p)]).join('\n').trimEnd(),
      outputs: circuit.outputs.flatMap((_, p) => outputFunctions(circuit, plan, p)).join('\n').trimEnd(),
      compute: [...Array.from({ length: parts }, (_, i) => `  part_${i}(b);`), ...slow].join('\n'),
      loop,
      entryPoints: entryPoints(this.info, this.ports),
    });
  }
}

function valuesOf(circuit: Circuit, table: number): readonly (number | bigint)[] {
  return (circuit.tables[table] as Table).values;
}

function entriesOf(circuit: Circuit, table: number): number {
  return valuesOf(circuit, table).length;
}

function uniqueTables(tables: readonly TableUse[]): TableUse[] {
  return [...new Map(tables.map((use) => [tableName(use), use])).values()];
}

/** A list over lines of moderate length. */
function folded(items: readonly string[]): string {
  const lines: string[] = [];
  let line = ' ';
  for (const item of items) {
    if (line.length + item.length > 120) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${item},`;
  }
  return [...lines, line].join('\n');
}
