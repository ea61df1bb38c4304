import { findTools } from '../../verify/tools.js';
import type { Terminal } from '../terminal.js';
import { toolVersion } from '../version.js';

/** `doctor`: which tools are there, and how to get the others. Exit code 5 if verification cannot run. */
export async function doctorCommand(terminal: Terminal): Promise<number> {
  terminal.print(`trigforge ${toolVersion()}, Node ${process.versions.node}`);
  let missing = 0;
  for (const { info, found } of await findTools()) {
    const good = found?.recentEnough === true;
    if (!good && info.required) missing++;
    const state = found === undefined ? 'not found' : `${found.version}${good ? '' : ` (too old: ${info.minimum} or newer is needed)`}`;
    terminal.print(`  ${good ? 'ok     ' : info.required ? 'MISSING' : 'absent '} ${info.name.padEnd(10)} ${state}${found === undefined ? '' : `  ${found.command}`}`);
    if (!good) terminal.print(`          ${info.purpose}; get it with: ${info.howToGet}`);
    terminal.event({ event: 'tool', name: info.name, found: found !== undefined, ...(found === undefined ? {} : { version: found.version, command: found.command }), recentEnough: good });
  }
  terminal.print(missing === 0 ? 'Everything that compiling and verifying need is there.' : 'Compiling works; proving the Verilog does not, until the missing tools are there.');
  return missing === 0 ? 0 : 5;
}
