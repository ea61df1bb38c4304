import type { OutputFile } from '../backends/backend.js';
import { renderTemplate } from '../backends/template.js';
import { clockConstraints } from '../backends/vivado/vivado.js';
import { vendorPart } from '../backends/vitis/vitis.js';
import { CompileError } from '../errors.js';
import type { Dut } from '../verify/dut.js';
import { busWidth, dutOf } from '../verify/dut.js';
import { readResource } from '../verify/resources.js';
import type { CompiledFolder, FolderDesign } from './folder.js';
import { checkedFiles, checkWhole, openDesign } from './folder.js';
import type { PackageKind } from './packageKinds.js';

/** The folders of an output folder that each kind takes along. */
const PARTS: Readonly<Record<PackageKind, readonly string[]>> = {
  cmssw: ['emulator/cpp/', 'testbench/vectors.txt'],
  athena: ['emulator/cpp/', 'testbench/vectors.txt'],
  python: ['emulator/cpp/'],
  vivado: ['verilog/', 'vivado/'],
  quartus: ['verilog/'],
  cocotb: ['verilog/', 'testbench/vectors.txt'],
  fusesoc: ['verilog/', 'vivado/'],
};

/** What makes each part, for whoever compiled without it. */
const MAKERS: Readonly<Record<string, string>> = { 'emulator/cpp/': '--target cpp', 'testbench/vectors.txt': '--verify emulator' };

interface Package {
  readonly folder: CompiledFolder;
  readonly design: FolderDesign;
  readonly files: readonly OutputFile[];
  readonly title: string;
  readonly version: string;
  /** `<top>_v<N>` */
  readonly namespace: string;
}

/**
 * The files of `package OUT --for KIND`: parts of the output folder, each the very file that was written, and what KIND needs
 * around them.
 *
 * @throws CompileError: a folder that is mixed, was edited or was compiled without a part that is needed
 */
export function packageFolder(folder: CompiledFolder, kind: PackageKind): OutputFile[] {
  const lacking = PARTS[kind].filter((part) => !folder.report.artifacts.some((artifact) => artifact.path.startsWith(part)));
  if (lacking.length > 0) {
    throw new CompileError('input', lacking.map((part) => ({
      code: 'part-missing', where: [folder.source.path, part], what: `was not written, and --for ${kind} needs it.`, mend: `Compile the model again${MAKERS[part] === undefined ? '' : ` with ${MAKERS[part]}`}.`,
    })));
  }
  checkWhole(folder.source, folder.report);
  const design = openDesign(folder);
  const number = folder.report.model.version ?? 1;
  const files = PARTS[kind].flatMap((part) => checkedFiles(folder, part));
  const title = `${folder.report.model.name}, version ${number}`.replace(/[^\x20-\x7e]|["\\<>&]/g, '_');
  return [...files, ...AROUND[kind]({ folder, design, files, title, version: String(number), namespace: `${design.top}_v${number}` })];
}

const AROUND: Readonly<Record<PackageKind, (own: Package) => OutputFile[]>> = {
  cmssw: ({ title, namespace, design: { top }, version }) => [
    filled('cmssw/Makefile', 'Makefile', { title, namespace, top }),
    filled('cmssw/tool.xml', `${namespace}.xml`, { title, namespace, version, macro: namespace.toUpperCase() }),
  ],
  athena: ({ title, namespace, design: { top }, version, files }) => {
    const names = files.map((file) => file.path);
    const others = [`emulator/cpp/${top}_model.cpp`, `emulator/cpp/${top}_check.cpp`];
    return [filled('athena/CMakeLists.txt', 'CMakeLists.txt', {
      title, namespace, top, version,
      sources: names.filter((name) => name.endsWith('.cpp') && !others.includes(name)).join(' '),
      headers: [`${top}.h`, `${top}_objects.h`].map((name) => `emulator/cpp/${name}`).filter((name) => names.includes(name)).join(' '),
    })];
  },
  python: ({ title, namespace, version }) => [
    filled('python/setup.py', 'setup.py', { title, namespace, version }),
    filled('python/module.py', `${namespace}/__init__.py`, { title, namespace }),
    { path: 'pyproject.toml', text: '[build-system]\nrequires = ["setuptools>=61", "wheel"]\nbuild-backend = "setuptools.build_meta"\n' },
  ],
  vivado: () => [],
  quartus: ({ title, design: { top, schedule } }) => {
    const { inputs, outputs } = dutOf(schedule, top, '');
    const ports = [...(schedule.latencyCycles > 0 ? ['rst'] : []), 'valid_in', 'valid_out', ...[...inputs, ...outputs].map((port) => `${port.port}[*]`)];
    return [
      filled('quartus/project.qpf', `${top}.qpf`, { title, top }),
      filled('quartus/project.qsf', `${top}.qsf`, { title, top, pins: ports.map((port) => `set_instance_assignment -name VIRTUAL_PIN ON -to ${port}`).join('\n') }),
      filled('quartus/clock.sdc', `${top}.sdc`, { title, constraints: clockConstraints(schedule).join('\n') }),
    ];
  },
  cocotb: ({ title, design: { top, schedule } }) => {
    const { inputs, outputs } = dutOf(schedule, top, '');
    const list = (ports: Dut['inputs']): string => `[${ports.map((port) => `("${port.port}", ${busWidth(port)})`).join(', ')}]`;
    return [
      filled('cocotb/Makefile', 'Makefile', { title, top }),
      filled('cocotb/test.py', `test_${top}.py`, { title, latency: String(schedule.latencyCycles), inputs: list(inputs), outputs: list(outputs) }),
    ];
  },
  fusesoc: ({ title, files, design: { top, schedule }, version }) => [
    filled('fusesoc/core.core', `${top}.core`, {
      title, top, version, synth: synthTarget(vendorPart(schedule.device)),
      rtl: files.filter((file) => file.path.startsWith('verilog/')).map((file) => `      - ${file.path}`).join('\n'),
    }),
  ],
};

/** The core's synthesis in Vivado, where the device is one of AMD's. */
function synthTarget(part: string | undefined): string {
  return part === undefined ? '' : `
  synth:
    <<: *default
    default_tool: vivado
    filesets: [rtl, constraints]
    tools:
      vivado:
        part: ${part}
        synth: vivado
        pnr: none
`;
}

function filled(template: string, path: string, holes: Readonly<Record<string, string>>): OutputFile {
  return { path, text: renderTemplate(`package/${template}`, readResource(`templates/package/${template}`), holes) };
}
