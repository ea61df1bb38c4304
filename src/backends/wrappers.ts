import type { Port } from '../circuit/circuit.js';
import { elementCount, typeOfElement } from '../circuit/circuit.js';
import { invariant } from '../errors.js';
import { formatFixedType } from '../fixed/fixedType.js';
import type { Schedule } from '../timing/schedule.js';
import type { Backend, DesignInfo, OutputFile } from './backend.js';
import { renderTemplate } from './template.js';
import { elementNames } from './objects.js';
import { identifier, oneLine, portNames } from './verilog/names.js';
import { busWidth, titleOf } from './verilog/verilog.js';

/** The texts that wrappers are made from: three of templates/, one of hdl/. Read elsewhere: there is no file access here. */
export interface WrapperTexts {
  /** templates/ports.v */
  readonly ports: string;
  /** templates/axis.v */
  readonly axis: string;
  /** templates/ap_ctrl.v */
  readonly apCtrl: string;
  /** hdl/trigforge_stream.v */
  readonly stream: string;
}

/** Modules around the core of the Verilog backend, which stays as it is: one port an element; AXI4-Stream and an HLS block's handshake where there is a clock. */
export function wrappers(texts: WrapperTexts): Backend {
  return {
    name: 'wrappers',
    summary: 'wrappers of the Verilog: one named port an element, AXI4-Stream, HLS-style ap_ctrl',
    check: () => [],
    emit: (schedule, info): OutputFile[] => {
      const ports = { path: `verilog/${info.top}_ports.v`, text: portsWrapper(texts, schedule, info) };
      if (schedule.latencyCycles === 0) return [ports];
      return [ports, { path: `verilog/${info.top}_axis.v`, text: axisWrapper(texts, schedule, info) }, { path: `verilog/${info.top}_ap_ctrl.v`, text: apCtrlWrapper(texts, schedule, info) }];
    },
  };
}

function portsWrapper(texts: WrapperTexts, schedule: Schedule, info: DesignInfo): string {
  const { inputs, outputs } = busesOf(schedule);
  const names = elementPortNames(schedule, info);
  const clocked = schedule.latencyCycles > 0;
  return renderTemplate('ports.v', texts.ports, {
    title: titleOf(info),
    top: info.top,
    ports: [
      ...(clocked ? ['input wire clk,', 'input wire rst, // synchronous, clears valid'] : []),
      'input wire valid_in,',
      ...declare('input', inputs, names.inputs),
      ...declare('output', outputs, names.outputs),
      'output wire valid_out',
    ].join('\n  '),
    connections: [
      ...(clocked ? ['.clk(clk)', '.rst(rst)'] : []),
      '.valid_in(valid_in)',
      ...connect(inputs, names.inputs),
      ...connect(outputs, names.outputs),
      '.valid_out(valid_out)',
    ].join(',\n    '),
  });
}

/** One port an element. */
function declare(direction: string, buses: readonly Bus[], names: readonly (readonly string[])[]): string[] {
  return buses.flatMap(({ port }, p) => (names[p] as string[]).map((name, i) => {
    const type = typeOfElement(port, i);
    return `${direction} wire [${type.width - 1}:0] ${name}, // ${oneLine(port.name)}[${indexOf(port.shape, i).join(', ')}] ${formatFixedType(type)}`;
  }));
}

function connect(buses: readonly Bus[], names: readonly (readonly string[])[]): string[] {
  return buses.map(({ name }, p) => `.${name}(${joined(names[p] as string[])})`);
}

function apCtrlWrapper(texts: WrapperTexts, schedule: Schedule, info: DesignInfo): string {
  const { inputs, outputs } = busesOf(schedule);
  const names = elementPortNames(schedule, info);
  const latency = schedule.latencyCycles;
  const valids = names.outputs.flat().map((name) => `${name}_ap_vld`);
  return renderTemplate('ap_ctrl.v', texts.apCtrl, {
    title: titleOf(info),
    top: info.top,
    latency: String(latency),
    flightRange: latency === 1 ? '' : `[${latency - 1}:0] `,
    flightNext: latency === 1 ? 'ap_start' : `{flight[${latency - 2}:0], ap_start}`,
    ports: [
      'input wire ap_clk,', 'input wire ap_rst,', 'input wire ap_start,', 'output wire ap_done,', 'output wire ap_idle,',
      ...declare('input', inputs, names.inputs),
      ...declare('output', outputs, names.outputs),
      ...valids.map((name) => `output wire ${name},`),
      'output wire ap_ready',
    ].join('\n  '),
    valids: valids.map((name) => `assign ${name} = ap_done;`).join('\n  '),
    connections: ['.clk(ap_clk)', '.rst(ap_rst)', '.valid_in(ap_start)', ...connect(inputs, names.inputs), ...connect(outputs, names.outputs), '.valid_out(ap_done)'].join(',\n    '),
  });
}

/** Elements of a bus, highest first, as Verilog joins them. */
function joined(names: readonly string[]): string {
  return names.length === 1 ? (names[0] as string) : `{\n      ${[...names].reverse().join(',\n      ')}\n    }`;
}

function axisWrapper(texts: WrapperTexts, schedule: Schedule, info: DesignInfo): string {
  const { inputs, outputs } = busesOf(schedule);
  const sourceWidth = totalWidth(inputs);
  const resultWidth = totalWidth(outputs);
  const [sourcePadding, sinkPadding] = [-sourceWidth & 7, -resultWidth & 7];
  const sourceMsb = sourceWidth + sourcePadding - 1;
  const slices = (bus: string, buses: readonly Bus[]): string[] => buses.map(({ name, from, width }) => `.${name}(${bus}[${from + width - 1}:${from}])`);
  const layout = (bus: string, buses: readonly Bus[]): string[] => buses.map(({ port, from, width }) => `// ${bus}[${from + width - 1}:${from}] ${describe(port)}`);
  return renderTemplate('axis.v', texts.axis, {
    title: titleOf(info),
    top: info.top,
    latency: String(schedule.latencyCycles + 1),
    coreLatency: String(schedule.latencyCycles),
    layout: [...layout('s_axis_tdata', inputs), ...layout('m_axis_tdata', outputs)].join('\n'),
    sourceMsb: String(sourceMsb),
    sinkMsb: String(resultWidth + sinkPadding - 1),
    resultMsb: String(resultWidth - 1),
    resultWidth: String(resultWidth),
    paddedResult: sinkPadding === 0 ? 'result' : `{${sinkPadding}'d0, result}`,
    unusedBits: sourcePadding === 0 ? '' : `, s_axis_tdata[${sourceMsb}:${sourceWidth}]`,
    connections: [
      '.clk(aclk)',
      '.rst(rst)',
      '.valid_in(core_valid_in)',
      ...slices('s_axis_tdata', inputs),
      ...slices('core_data', outputs),
      '.valid_out(core_valid_out)',
    ].join(',\n    '),
    stream: renamedStream(texts.stream, `${info.top}_stream`),
  });
}

/** The handshake module under a name of this design, so that two designs fit in one project. */
function renamedStream(text: string, name: string): string {
  invariant(text.split('module trigforge_stream ').length === 2, 'hdl/trigforge_stream.v holds the module trigforge_stream');
  return text.replace(/\btrigforge_stream\b/g, name).trimEnd();
}

/** A bus of the core, and where it lies among its like, side by side, first port lowest. */
export interface Bus {
  readonly port: Port;
  readonly name: string;
  readonly from: number;
  readonly width: number;
}

export function busesOf({ circuit }: Schedule): { readonly inputs: readonly Bus[]; readonly outputs: readonly Bus[] } {
  const names = portNames(circuit);
  const inRow = (ports: readonly Port[], names: readonly string[]): Bus[] => {
    let end = 0;
    return ports.map((port, p) => {
      const from = end;
      const width = busWidth(port);
      end += width;
      return { port, name: names[p] as string, from, width };
    });
  };
  return { inputs: inRow(circuit.inputs, names.inputs), outputs: inRow(circuit.outputs, names.outputs) };
}

function totalWidth(buses: readonly Bus[]): number {
  return buses.reduce((bits, bus) => bits + bus.width, 0);
}

/**
 * The port of each element: `<bus>_<index>`, for several axes `<bus>_<i>_<j>`; of an I/O schema `<object>_<field>` or
 * `<object>_<i>_<field>`. Where two tensors would give the same name (`x` of shape [2, 3] and `x_0` of [3]) the later one's
 * begin with `<bus>_in` or `<bus>_out`.
 */
export function elementPortNames(schedule: Schedule, info: Pick<DesignInfo, 'objects'>): { readonly inputs: readonly (readonly string[])[]; readonly outputs: readonly (readonly string[])[] } {
  const { inputs, outputs } = busesOf(schedule);
  const taken = new Set(['clk', 'rst', 'valid_in', 'valid_out', 'core', 'flight', 'ap_clk', 'ap_rst', 'ap_start', 'ap_done', 'ap_idle', 'ap_ready']);
  const distinct = (bus: Bus, suffix: string): string[] => {
    const objects = info.objects?.get(bus.port.name);
    const own = objects === undefined ? undefined : elementNames(objects).map((name) => identifier(name, 'port'));
    const isNamed = own !== undefined && new Set(own.map((name) => name.toLowerCase())).size === own.length;
    const indices = isNamed ? own : Array.from({ length: elementCount(bus.port) }, (_, i) => (bus.port.shape.length === 0 ? '0' : indexOf(bus.port.shape, i).join('_')));
    for (let k = isNamed ? -1 : 0; ; k++) {
      const prefix = k === 0 ? bus.name : `${bus.name}_${suffix}${k === 1 ? '' : k}`;
      const names = k < 0 ? indices : indices.map((index) => `${prefix}_${index}`);
      if (names.some((name) => taken.has(name.toLowerCase()))) continue;
      for (const name of names) taken.add(name.toLowerCase());
      return names;
    }
  };
  return { inputs: inputs.map((bus) => distinct(bus, 'in')), outputs: outputs.map((bus) => distinct(bus, 'out')) };
}

/** The index along each axis of an element in C order. */
function indexOf(shape: readonly number[], element: number): number[] {
  const index: number[] = [];
  let rest = element;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] as number;
    index.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return index;
}

function describe(port: Port): string {
  return `${oneLine(port.name)} [${port.shape.join(', ')}] ${port.types.length === 1 ? formatFixedType(typeOfElement(port, 0)) : 'one type an element'}`;
}
