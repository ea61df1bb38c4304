import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { verilog } from '../../src/backends/verilog/verilog.js';
import { elementPortNames, wrappers } from '../../src/backends/wrappers.js';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { circuitFromText } from '../../src/circuit/text.js';
import { compile } from '../../src/compile.js';
import { scheduleFromText } from '../../src/compile/scheduleText.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { deviceOf } from '../../src/timing/device.js';
import type { LatencyRequest } from '../../src/timing/pipeline.js';
import { pipelineCircuit } from '../../src/timing/pipeline.js';
import type { Schedule } from '../../src/timing/schedule.js';
import type { Dut, RawEvent } from '../../src/verify/dut.js';
import { busWidth, dutOf, packBus } from '../../src/verify/dut.js';
import { wrapperTexts } from '../../src/verify/resources.js';
import { findTool } from '../../src/verify/tools.js';
import { verifyVerilog } from '../../src/verify/verilator.js';
import { lintFiles } from '../hdl/lint.js';
import type { Lane } from '../hdl/streams.js';
import { simulateStreams } from '../hdl/streams.js';
import { mergeCircuits } from '../helpers/mergeCircuits.js';
import { randomCircuit, randomInputs } from '../helpers/randomCircuit.js';

/** A design with its files, by name, and events with what the emulator makes of them. */
interface Design {
  readonly top: string;
  readonly schedule: Schedule;
  readonly files: Readonly<Record<string, string>>;
  readonly events: readonly RawEvent[];
  readonly expected: readonly RawEvent[];
}

function placed(circuit: Circuit, clockMHz: number, latency: LatencyRequest): Schedule {
  return pipelineCircuit(circuit, deviceOf('xcvu13p'), clockMHz, latency).schedule;
}

function emitted(schedule: Schedule, top: string): Record<string, string> {
  const info = { top, modelName: `the ${top}`, modelVersion: 1, hash: '0'.repeat(64) };
  const files = [...verilog.emit(schedule, info), ...wrappers(wrapperTexts()).emit(schedule, info)];
  return Object.fromEntries(files.map((file) => [file.path.replace('verilog/', ''), file.text]));
}

/** Every op kind, several tensors with types of their own, some bits wide and some a hundred. */
function randomDesign(top: string, clockMHz: number, latency: LatencyRequest): Design {
  const circuit = mergeCircuits([randomCircuit(61, { ops: 40 }), randomCircuit(62, { ops: 40 }), randomCircuit(63, { ops: 40 })]);
  const schedule = placed(circuit, clockMHz, latency);
  const events = randomInputs(circuit, 7, 150);
  return { top, schedule, files: emitted(schedule, top), events, expected: events.map((event) => evaluateCircuit(circuit, event)) };
}

/** The demo's model through the whole recipe. */
async function anomaly(): Promise<Design> {
  const bytes = readFileSync(join(import.meta.dirname, '../fixtures/anomaly/model.onnx'));
  const { files } = await compile({
    model: { name: 'model.onnx', bytes }, readSide: () => undefined, name: 'anomaly',
    clockMHz: 320, latency: { mode: 'atMost', cycles: 16 }, stated: { text: '16 cycles' },
    part: 'xcvu13p', effort: 'fast', modelVersion: 1, verify: 'none', seed: 1, jobs: 2, command: [], toolVersion: '0',
  });
  const text = (path: string): string => files.find((file) => file.path === path)!.text;
  const circuit = circuitFromText(text('circuit.txt'));
  const { schedule, top } = scheduleFromText(text('circuit.schedule.json'), circuit, 'circuit.schedule.json');
  const events = randomInputs(circuit, 8, 400);
  const verilogFiles = files.filter((file) => /^verilog\/.*\.v$/.test(file.path)).map((file) => [file.path.replace('verilog/', ''), file.text]);
  return { top, schedule, files: Object.fromEntries(verilogFiles), events, expected: compileEmulator(circuit).runRawBatch(events as Int[][][]) };
}

const model = await anomaly();
const pipelined = randomDesign('random_deep', 400, { mode: 'shortest' });
const combinational = randomDesign('random_flat', 40, { mode: 'exactly', cycles: 0 });

/** The ports wrapper as a design of its own, where each element is a port. */
function elementDut({ schedule, top, files }: Design, edit = (text: string): string => text): Dut {
  const core = dutOf(schedule, top, '');
  const names = elementPortNames(schedule, {});
  const split = (ports: Dut['inputs'], names: readonly (readonly string[])[]): Dut['inputs'] =>
    ports.flatMap((port, p) => port.elements.map((element, i) => ({ port: names[p]![i]!, tensor: names[p]![i]!, elements: [element] })));
  const wrapper = files[`${top}_ports.v`]!;
  return {
    ...core, top: `${top}_ports`, verilog: `${edit(wrapper)}\n${files[`${top}.v`]}`,
    inputs: split(core.inputs, names.inputs), outputs: split(core.outputs, names.outputs),
  };
}

async function verifyPorts(design: Design, edit?: (text: string) => string): Promise<number> {
  const split = (event: RawEvent): RawEvent => event.flatMap((port) => port.map((value) => [value]));
  const result = await verifyVerilog({ dut: elementDut(design, edit), vectors: design.events.map(split), expected: design.expected.map(split) });
  return result.checks.filter((check) => check.name !== 'lint').reduce((sum, check) => sum + check.mismatches, 0);
}

/**
 * The HLS-style wrapper behind the core's own ports, with ap_ready, the negation of ap_idle, and the `*_ap_vld` all seen
 * in one more output: an event's outputs stand while the block is busy, and every flag agrees with ap_done.
 */
function apCtrlDut(design: Design): { readonly dut: Dut; readonly vectors: readonly RawEvent[]; readonly expected: readonly RawEvent[] } {
  const { top, files } = design;
  const elements = elementDut(design);
  const declared = (direction: string, ports: Dut['inputs']): string[] => ports.map((port) => `${direction} wire [${busWidth(port) - 1}:0] ${port.port}`);
  const outputs = elements.outputs.map((port) => port.port);
  const shim = [
    `module shim (input wire clk, input wire rst, input wire valid_in,`,
    [...declared('input', elements.inputs), ...declared('output', elements.outputs), 'output wire [1:0] flags', 'output wire valid_out);'].join(',\n'),
    `  wire idle; wire ready; wire [${outputs.length - 1}:0] vld;`,
    '  assign flags = {!idle && ready == valid_in, vld == {' + outputs.length + '{valid_out}}};',
    `  ${top}_ap_ctrl block (.ap_clk(clk), .ap_rst(rst), .ap_start(valid_in), .ap_done(valid_out), .ap_idle(idle), .ap_ready(ready),`,
    [...elements.inputs.map((port) => port.port), ...outputs].map((name) => `.${name}(${name})`).concat(outputs.map((name, i) => `.${name}_ap_vld(vld[${i}])`)).join(', ') + ');',
    'endmodule',
  ].join('\n');
  const flat = (event: RawEvent): RawEvent => event.flatMap((port) => port.map((value) => [value]));
  return {
    dut: { ...elements, top: 'shim', verilog: `${shim}\n${files[`${top}_ap_ctrl.v`]}\n${files[`${top}.v`]}`, outputs: [...elements.outputs, { port: 'flags', tensor: 'flags', elements: [{ width: 2, signed: false }] }] },
    vectors: design.events.map(flat),
    expected: design.expected.map((event) => [...flat(event), [3]]),
  };
}

/** The AXI4-Stream wrapper between valid/ready on both sides. */
function axisLane({ top, schedule, events, expected }: Design): Lane {
  const dut = dutOf(schedule, top, '');
  const bits = (ports: Dut['inputs']): number => 8 * Math.ceil(ports.reduce((sum, port) => sum + busWidth(port), 0) / 8);
  return {
    latency: schedule.latencyCycles, inBits: bits(dut.inputs), outBits: bits(dut.outputs),
    events: events.map((event, e) => ({ input: packBus(dut.inputs, event), output: packBus(dut.outputs, expected[e]!) })),
    instance: (p) => `${top}_axis lane_${top} (.aclk(clk), .aresetn(!rst), .s_axis_tdata(${p.sData}), .s_axis_tvalid(${p.sValid}), .s_axis_tready(${p.sReady}), .m_axis_tdata(${p.mData}), .m_axis_tvalid(${p.mValid}), .m_axis_tready(${p.mReady}));`,
  };
}

/** Files of both designs but the ports wrappers: two models in one project. */
function axisFiles(designs: readonly Design[]): Record<string, string> {
  return Object.fromEntries(designs.flatMap(({ files }) => Object.entries(files)).filter(([name]) => !name.endsWith('_ports.v') && !name.endsWith('_ap_ctrl.v')));
}

describe('files', () => {
  it('are a ports wrapper, and an AXI4-Stream wrapper where there is a clock', () => {
    expect(Object.keys(model.files)).toEqual(['anomaly.v', 'anomaly_ports.v', 'anomaly_axis.v', 'anomaly_ap_ctrl.v', 'anomaly_axil.v']);
    expect(Object.keys(combinational.files)).toEqual(['random_flat.v', 'random_flat_ports.v']);
    expect(pipelined.schedule.latencyCycles).toBeGreaterThan(1);
  });

  it('are small and readable', () => {
    const builder = new CircuitBuilder('small');
    const [a, b, c] = builder.addInput({ name: 'x', shape: [3], types: [fixedType(true, 4, 4)] });
    const [d] = builder.addInput({ name: 'a/b', shape: [1, 1], types: [fixedType(false, 1, 1)] });
    const sum = builder.add(builder.add(a!, b!), builder.add(c!, d!));
    builder.addOutput('y', [1], [sum], [fixedType(true, 7, 7)]);
    const files = emitted(placed(builder.finish(), 400, { mode: 'exactly', cycles: 2 }), 'small');
    expect(files['small_ports.v']).toMatchSnapshot();
    expect(files['small_axis.v']!.replace(/\n\/\/ verilator lint_off[^]*/, '\n')).toMatchSnapshot();
  });

  it('name each element once, whatever tensors are called', () => {
    const builder = new CircuitBuilder('names');
    const add = (name: string, shape: readonly number[]) => builder.addInput({ name, shape, types: [fixedType(false, 2, 2)] });
    const x = add('x', [2, 2]);
    add('x_0', [2]);
    add('X', []);
    add('valid', [1]);
    builder.addOutput('x_0_in', [1], [x[0]!]);
    const names = elementPortNames(placed(builder.finish(), 320, { mode: 'shortest' }), {});
    expect(names.inputs).toEqual([['x_0_0', 'x_0_1', 'x_1_0', 'x_1_1'], ['x_0_in_0', 'x_0_in_1'], ['X_in_0'], ['valid_in1_0']]);
    expect(names.outputs).toEqual([['x_0_in_out_0']]);
  });

  it('take the names of an I/O schema, behind that of the bus where they are taken or not distinct', () => {
    const builder = new CircuitBuilder('names');
    const add = (name: string, shape: readonly number[]) => builder.addInput({ name, shape, types: [fixedType(false, 2, 2)] });
    const x = add('x', [3]);
    for (const name of ['y', 'z', 'w']) add(name, [2]);
    builder.addOutput('out', [1], [x[0]!]);
    const one = [{ name: 'jet', count: 2, fields: [{ name: 'pt' }] }];
    const objects = new Map([
      ['x', [{ name: 'met', fields: [{ name: 'in' }] }, { name: 'jet', count: 2, fields: [{ name: 'pt' }] }]],
      ['y', one], ['z', [{ name: 'a', count: 2, fields: [{ name: 'b' }] }]], ['w', [{ name: 'a_1', fields: [{ name: 'b' }] }, { name: 'A_1', fields: [{ name: 'b' }] }]],
    ]);
    const names = elementPortNames(placed(builder.finish(), 320, { mode: 'shortest' }), { objects });
    expect(names.inputs).toEqual([['met_in', 'jet_0_pt', 'jet_1_pt'], ['y_jet_0_pt', 'y_jet_1_pt'], ['a_0_b', 'a_1_b'], ['w_0', 'w_1']]);
  });
});

describe('in Verilator', () => {
  it.each([['pipelined', model], ['combinational', combinational]] as const)('one port an element equals the emulator: %s', async (_, design) => {
    expect(await verifyPorts(design)).toBe(0);
  });

  it.each([['pipelined', model], ['pipelined, of many widths', pipelined]] as const)('the HLS-style block equals the emulator: %s', async (_, design) => {
    const { dut, vectors, expected } = apCtrlDut(design);
    const result = await verifyVerilog({ dut, vectors, expected });
    expect([result.latencyMeasured, result.checks.filter((check) => check.name !== 'lint').reduce((sum, check) => sum + check.mismatches, 0)]).toEqual([design.schedule.latencyCycles, 0]);
  });

  it('swapped elements are seen', async () => {
    // The two highest elements of the last bus with several.
    const swap = (text: string): string => text.replace(/^([^]*\{\n\s+)(\w+)(,\n\s+)(\w+)/, '$1$4$3$2');
    expect(swap(combinational.files['random_flat_ports.v']!)).not.toBe(combinational.files['random_flat_ports.v']);
    expect(await verifyPorts(combinational, swap)).toBeGreaterThan(0);
  });

  it('two models behind AXI4-Stream equal the emulator, with stalls on both sides and resets', async () => {
    const designs = [model, pipelined];
    const { faults } = await simulateStreams(designs.map(axisLane), axisFiles(designs), 4_000);
    expect(faults).toEqual([]);
  });

  it('a shifted bus is seen', async () => {
    const files = axisFiles([pipelined]);
    const broken = files['random_deep_axis.v']!.replace(/assign m_axis_tdata = .*;/, 'assign m_axis_tdata = {1\'d0, result} << 1;');
    const { faults } = await simulateStreams([axisLane(pipelined)], { ...files, 'random_deep_axis.v': broken }, 1_000);
    expect(faults.join('\n')).toContain('wrong event or value');
  });
});

const folder = mkdtempSync(join(tmpdir(), 'trigforge-wrappers-'));
afterAll(() => rmSync(folder, { recursive: true }));
const icarus = await findTool('iverilog');
const wrapped = [model, pipelined, combinational].flatMap(({ top, files }) =>
  Object.keys(files).filter((name) => name !== `${top}.v`).map((name) => [name, { [name]: files[name]!, [`${top}.v`]: files[`${top}.v`]! }] as const));

describe('other readers', () => {
  it.each(wrapped)('verilator -Wall has nothing to say: %s with its core', async (name, files) => {
    expect(await lintFiles(files, name.replace('.v', ''))).toEqual([]);
  });

  it.runIf(icarus !== undefined).each(wrapped)('Icarus Verilog compiles it as Verilog-2005 without a word: %s', (_, files) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const args = ['-g2005', '-Wall', '-Wno-timescale', '-t', 'null', ...Object.keys(files)];
    expect(execFileSync('iverilog', args, { cwd: folder, stdio: 'pipe' }).toString()).toBe('');
  });
});
