import type { Backend, DesignInfo, OutputFile } from '../backends/backend.js';
import { cpp } from '../backends/cpp/cpp.js';
import { verilog } from '../backends/verilog/verilog.js';
import { vhdl } from '../backends/vhdl/vhdl.js';
import { vitis } from '../backends/vitis/vitis.js';
import { document } from '../backends/document.js';
import { vivado } from '../backends/vivado/vivado.js';
import { registers } from '../backends/registers.js';
import { wrappers } from '../backends/wrappers.js';
import { CompileError } from '../errors.js';
import type { Schedule } from '../timing/schedule.js';
import { cppTexts, registerTexts, typescriptRuntime, vhdlTexts, vitisTexts, vivadoTexts, wrapperTexts } from '../verify/resources.js';

/** What `--target` names. Verilog is written whatever is asked for: it is what verification proves. */
const BACKENDS = {
  verilog: () => [verilog, wrappers(wrapperTexts()), registers(registerTexts()), document, vivado(vivadoTexts())],
  vhdl: () => [vhdl(vhdlTexts())],
  vitis: () => [vitis(vitisTexts())],
  cpp: () => [cpp(cppTexts())],
  // Brings the TypeScript compiler with it: only where it is wanted.
  typescript: async () => [(await import('../backends/typescript/typescript.js')).typescript(typescriptRuntime())],
} as const satisfies Readonly<Record<string, () => readonly Backend[] | Promise<readonly Backend[]>>>;

type Target = keyof typeof BACKENDS;

/**
 * The files of the wanted targets (all, if nothing is said), Verilog first.
 *
 * @throws CompileError (`unsupported`): what a target cannot express
 */
export async function emitTargets(targets: readonly string[] | undefined, schedule: Schedule, info: DesignInfo): Promise<OutputFile[]> {
  const names = Object.keys(BACKENDS) as Target[];
  const wanted = names.filter((name) => name === 'verilog' || targets === undefined || targets.includes(name));
  const backends: Backend[] = [];
  for (const name of wanted) backends.push(...(await BACKENDS[name]()));
  const problems = backends.flatMap((backend) => backend.check(schedule));
  if (problems.length > 0) throw new CompileError('unsupported', problems);
  return backends.flatMap((backend) => backend.emit(schedule, info));
}
