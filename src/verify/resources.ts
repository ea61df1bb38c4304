import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CppTexts } from '../backends/cpp/cpp.js';
import type { VhdlTexts } from '../backends/vhdl/vhdl.js';
import type { VitisTexts } from '../backends/vitis/vitis.js';
import type { RegisterTexts } from '../backends/registers.js';
import type { VivadoTexts } from '../backends/vivado/vivado.js';
import type { WrapperTexts } from '../backends/wrappers.js';
import { PACKAGE_ROOT } from './tools.js';

/** A text that ships with the package, by its path from the package's root. */
export function readResource(path: 'testbench/harness.cpp' | `templates/${string}` | `hdl/${string}`): string {
  return readFileSync(join(PACKAGE_ROOT, path), 'utf8');
}

/** What the wrapper backend is made with. */
export function wrapperTexts(): WrapperTexts {
  return { ports: readResource('templates/ports.v'), axis: readResource('templates/axis.v'), apCtrl: readResource('templates/ap_ctrl.v'), stream: readResource('hdl/trigforge_stream.v') };
}

/** What constants and registers are made with. */
export function registerTexts(): RegisterTexts {
  return { axil: readResource('templates/axil.v'), constants: readResource('templates/constants.vh'), registers: readResource('hdl/trigforge_registers.v') };
}

/** What the C++ emulator is made with. */
export function cppTexts(): CppTexts {
  const text = (name: string): string => readResource(`templates/cpp/${name}`);
  return { runtime: text('runtime.h'), driver: text('driver.cpp'), header: text('header.h'), model: text('model.cpp'), check: text('check.cpp'), makefile: text('Makefile'), objects: text('objects.h') };
}

/** What every TypeScript emulator ends with. */
export function typescriptRuntime(): string {
  return readResource('templates/typescript/runtime.ts');
}

/** What the HLS project is made with. */
export function vitisTexts(): VitisTexts {
  const text = (name: string): string => readResource(`templates/vitis/${name}`);
  return { header: text('header.h'), source: text('source.cpp'), testbench: text('testbench.cpp'), project: text('project.tcl'), makefile: text('Makefile') };
}

/** What the VHDL package and entity are made with. */
export function vhdlTexts(): VhdlTexts {
  return { package: readResource('templates/vhdl/package.vhd'), entity: readResource('templates/vhdl/entity.vhd') };
}

/** What the Vivado scripts are made with. */
export function vivadoTexts(): VivadoTexts {
  return { script: readResource('templates/vivado/synth.tcl'), constraints: readResource('templates/vivado/clock.xdc') };
}
