import type { Port } from '../../circuit/circuit.js';
import { elementCount, typeOfElement } from '../../circuit/circuit.js';
import { formatFixedType } from '../../fixed/fixedType.js';
import type { Schedule } from '../../timing/schedule.js';
import type { Backend, DesignInfo, OutputFile } from '../backend.js';
import { elementNames } from '../objects.js';
import { renderTemplate } from '../template.js';
import { oneLine, portNames, VHDL_WORDS } from '../verilog/names.js';
import { busWidth, titleOf } from '../verilog/verilog.js';

/** templates/vhdl */
export interface VhdlTexts {
  readonly package: string;
  readonly entity: string;
}

/** Names that the package and the entity declare themselves. */
const DECLARED = ['clk', 'rst', 'valid_in', 'valid_out', 'latency_cycles', 'initiation_interval', 'clock_period_ps', 'model_version', 'model_hash'];

/** What a port is called, and all that is declared with its name. */
const DERIVED: readonly ((name: string) => string)[] = ['', '_bus', '_t', '_element_t', '_elements', '_width', '_integer', '_to_bus', '_from_bus'].map((end) => (name) => `${name}${end}`);

/**
 * Names of the wrapper's ports: those of the core, unless VHDL has them already, the case of letters aside. `design` is
 * the name of the core.
 */
function wrapperNames(cores: readonly string[], design: string): string[] {
  const taken = new Set([...DECLARED, ...[design, `${design}_pkg`, `${design}_vhdl`].map((name) => name.toLowerCase())]);
  const isFree = (name: string): boolean => !VHDL_WORDS.has(name.toLowerCase()) && DERIVED.every((made) => !taken.has(made(name).toLowerCase()));
  return cores.map((core) => {
    let name = core;
    for (let i = 0; !isFree(name); i++) name = `${core}_port${i === 0 ? '' : i}`;
    for (const made of DERIVED) taken.add(made(name).toLowerCase());
    return name;
  });
}

/** `vhdl/`: a package with types, constants and the component, and an entity with arrays around the core. */
export function vhdl(texts: VhdlTexts): Backend {
  return {
    name: 'vhdl',
    summary: 'VHDL-2008 package with types, latency and interval, and an entity around the core',
    check: () => [],
    emit: (schedule, info): OutputFile[] => emit(texts, schedule, info),
  };
}

interface VhdlPort {
  readonly direction: 'in' | 'out';
  /** Of the core's port, and of the wrapper's. */
  readonly core: string;
  readonly name: string;
  readonly port: Port;
  readonly width: number;
  /** Width and sign of the elements, where all are alike. */
  readonly element: { readonly width: number; readonly signed: boolean } | undefined;
  /** What each element is called, where an I/O schema says. */
  readonly elementNames: readonly string[] | undefined;
}

function emit(texts: VhdlTexts, schedule: Schedule, info: DesignInfo): OutputFile[] {
  const { circuit } = schedule;
  const names = portNames(circuit);
  const cores = [...names.inputs, ...names.outputs];
  const own = wrapperNames(cores, info.top);
  const describe = (direction: VhdlPort['direction']) => (port: Port, i: number): VhdlPort => {
    const at = direction === 'in' ? i : names.inputs.length + i;
    const core = cores[at] as string;
    const objects = info.objects?.get(port.name);
    const [type] = port.types;
    const element = port.types.length === 1 && type !== undefined ? { width: type.width, signed: type.signed } : undefined;
    return { direction, core: VHDL_WORDS.has(core.toLowerCase()) ? `\\${core}\\` : core, name: own[at] as string, port, width: busWidth(port), element, elementNames: objects && elementNames(objects) };
  };
  const ports = [...circuit.inputs.map(describe('in')), ...circuit.outputs.map(describe('out'))];
  const clocked = schedule.latencyCycles > 0;
  const declare = (type: (port: VhdlPort) => string, name: (port: VhdlPort) => string): string => [
    ...(clocked ? ['clk : in std_logic', 'rst : in std_logic'] : []),
    'valid_in : in std_logic',
    ...ports.map((port) => `${name(port)} : ${port.direction} ${type(port)}`),
    'valid_out : out std_logic',
  ].join(';\n      ');
  const bus = (port: VhdlPort): string => `std_logic_vector(${port.width - 1} downto 0)`;
  const common = { title: titleOf(info), top: info.top };
  return [
    {
      path: `vhdl/${info.top}_pkg.vhd`,
      text: renderTemplate('vhdl/package.vhd', texts.package, {
        ...common,
        latency: String(schedule.latencyCycles), interval: String(schedule.initiationInterval), period: String(Math.round(1e6 / schedule.clockMHz)),
        version: String(info.modelVersion), hash: info.hash,
        types: ports.map(typesOf).join('\n\n'),
        ports: declare(bus, (port) => port.core),
        bodies: ports.map(bodiesOf).join('\n'),
      }),
    },
    {
      path: `vhdl/${info.top}_vhdl.vhd`,
      text: renderTemplate('vhdl/entity.vhd', texts.entity, {
        ...common,
        ports: declare((port) => `${port.name}_t`, (port) => port.name),
        signals: ports.map((port) => `  signal ${port.name}_bus : ${bus(port)};`).join('\n'),
        assignments: ports.map((port) => (port.direction === 'in'
          ? `  ${port.name}_bus <= ${port.element === undefined ? port.name : `${port.name}_to_bus(${port.name})`};`
          : `  ${port.name} <= ${port.element === undefined ? `${port.name}_bus` : `${port.name}_from_bus(${port.name}_bus)`};`)).join('\n'),
        connections: [
          ...(clocked ? ['clk => clk', 'rst => rst'] : []), 'valid_in => valid_in',
          ...ports.map((port) => `${port.core} => ${port.name}_bus`), 'valid_out => valid_out',
        ].join(',\n      '),
      }),
    },
  ];
}

/** Constants, types and conversions of a port. */
function typesOf({ name, port, width, element, elementNames: names }: VhdlPort): string {
  const type = typeOfElement(port, 0);
  const shape = `${oneLine(port.name)} [${port.shape.join(', ')}]`;
  if (element === undefined) {
    return [
      `  -- ${shape}, each element of a type of its own, element 0 in the lowest bits`,
      ...port.types.map((own, i) => `  --   element ${i}${names === undefined ? '' : `, ${names[i]}`}: ${formatFixedType(own)}`),
      `  constant ${name}_ELEMENTS : positive := ${elementCount(port)};`,
      `  subtype ${name}_t is std_logic_vector(${width - 1} downto 0);`,
    ].join('\n');
  }
  return [
    `  -- ${shape}, elements in C order: ${formatFixedType(type)}`,
    `  constant ${name}_ELEMENTS : positive := ${elementCount(port)};`,
    `  constant ${name}_WIDTH    : positive := ${type.width};`,
    `  constant ${name}_INTEGER  : integer := ${type.integer}; -- bits before the binary point, the sign among them`,
    `  subtype ${name}_element_t is ${element.signed ? 'signed' : 'unsigned'}(${type.width - 1} downto 0);`,
    `  type ${name}_t is array (0 to ${elementCount(port) - 1}) of ${name}_element_t;`,
    `  function ${name}_to_bus(x : ${name}_t) return std_logic_vector;`,
    `  function ${name}_from_bus(x : std_logic_vector) return ${name}_t;`,
  ].join('\n');
}

function bodiesOf({ name, port, width, element }: VhdlPort): string {
  if (element === undefined) return '';
  const w = element.width;
  return [
    `  function ${name}_to_bus(x : ${name}_t) return std_logic_vector is`,
    `    variable y : std_logic_vector(${width - 1} downto 0);`,
    '  begin',
    `    for i in 0 to ${elementCount(port) - 1} loop`,
    `      y(${w} * i + ${w - 1} downto ${w} * i) := std_logic_vector(x(i));`,
    '    end loop;',
    '    return y;',
    '  end function;',
    '',
    `  function ${name}_from_bus(x : std_logic_vector) return ${name}_t is`,
    `    alias bits : std_logic_vector(${width - 1} downto 0) is x;`,
    `    variable y : ${name}_t;`,
    '  begin',
    `    for i in 0 to ${elementCount(port) - 1} loop`,
    `      y(i) := ${element.signed ? 'signed' : 'unsigned'}(bits(${w} * i + ${w - 1} downto ${w} * i));`,
    '    end loop;',
    '    return y;',
    '  end function;',
    '',
  ].join('\n');
}
