import { elementCount, typeOfElement } from '../circuit/circuit.js';
import { invariant } from '../errors.js';
import { rangeOf } from '../fixed/fixedType.js';
import type { Schedule } from '../timing/schedule.js';
import type { Backend, DesignInfo, OutputFile } from './backend.js';
import { renderTemplate } from './template.js';
import { oneLine } from './verilog/names.js';
import { titleOf } from './verilog/verilog.js';
import type { Bus } from './wrappers.js';
import { busesOf } from './wrappers.js';

/** templates/axil.v, templates/constants.vh, hdl/trigforge_registers.v */
export interface RegisterTexts {
  readonly axil: string;
  readonly constants: string;
  readonly registers: string;
}

/** The most bits of a threshold that the registers hold. */
const THRESHOLD_BITS = 64;

/** What a design is, to be read by what is around it: constants in Verilog, and where there is a clock an AXI4-Lite block, which sets the threshold too. */
export function registers(texts: RegisterTexts): Backend {
  return {
    name: 'registers',
    summary: 'version, hash and latency as constants of Verilog and behind AXI4-Lite, with the threshold',
    check: () => [],
    emit: (schedule, info): OutputFile[] => {
      const constants = { path: `verilog/${info.top}_constants.vh`, text: constantsFile(texts.constants, schedule, info) };
      return schedule.latencyCycles === 0 ? [constants] : [constants, { path: `verilog/${info.top}_axil.v`, text: axilWrapper(texts, schedule, info) }];
    },
  };
}

function constantsFile(template: string, schedule: Schedule, info: DesignInfo): string {
  const { inputs, outputs } = busesOf(schedule);
  const prefix = info.top.toUpperCase();
  const integer = (name: string, value: number): string => `localparam integer ${prefix}_${name} = ${value};`;
  return renderTemplate('constants.vh', template, {
    title: titleOf(info),
    top: info.top,
    constants: [
      `localparam [31:0] ${prefix}_MODEL_VERSION = 32'd${info.modelVersion};`,
      `localparam [255:0] ${prefix}_MODEL_HASH = 256'h${info.hash};`,
      integer('LATENCY_CYCLES', schedule.latencyCycles),
      integer('INITIATION_INTERVAL', schedule.initiationInterval),
      integer('CLOCK_PERIOD_PS', Math.round(1e6 / schedule.clockMHz)),
      ...[...inputs, ...outputs].flatMap(({ name, port, width }) => [integer(`${name.toUpperCase()}_BITS`, width), integer(`${name.toUpperCase()}_ELEMENTS`, elementCount(port))]),
    ].join('\n'),
  });
}

function axilWrapper(texts: RegisterTexts, schedule: Schedule, info: DesignInfo): string {
  const { inputs, outputs } = busesOf(schedule);
  const threshold = inputs.find(({ port, width }) => port.name === info.threshold && width <= THRESHOLD_BITS);
  const open = inputs.filter((bus) => bus !== threshold);
  const declare = (direction: string) => ({ name, port, width }: Bus): string => `${direction} wire [${width - 1}:0] ${name}, // ${oneLine(port.name)}`;
  const connect = ({ name, width }: Bus): string => `.${name}(${name === threshold?.name ? `register_threshold[${width - 1}:0]` : name})`;
  return renderTemplate('axil.v', texts.axil, {
    title: titleOf(info),
    top: info.top,
    ports: ['input wire valid_in,', ...open.map(declare('input')), ...outputs.map(declare('output')), 'output wire valid_out'].join('\n  '),
    connections: ['.clk(clk)', '.rst(rst)', '.valid_in(valid_in)', ...inputs.map(connect), ...outputs.map(connect), '.valid_out(valid_out)'].join(',\n    '),
    version: String(info.modelVersion),
    hash: info.hash,
    latency: String(schedule.latencyCycles),
    thresholdWords: threshold === undefined ? '' : ', and the threshold of its decision, to be set',
    thresholdBits: String(threshold?.width ?? 0),
    // Nothing is above the greatest value.
    thresholdReset: threshold === undefined ? '0' : String(rangeOf(typeOfElement(threshold.port, 0)).hi),
    registers: renamed(texts.registers, `${info.top}_registers`),
  });
}

/** The register block under a name of this design, so that two designs fit in one project. */
function renamed(text: string, name: string): string {
  invariant(text.split('module trigforge_registers ').length === 2, 'hdl/trigforge_registers.v holds the module trigforge_registers');
  return text.replace(/\btrigforge_registers\b/g, name).trimEnd();
}
