// Yosys as WebAssembly: takes the arguments of the native program, reads the files of the current folder, writes what is
// new there. node yosys.mjs -q -s script.ys
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { runYosys } from '@yowasp/yosys';

const names = readdirSync('.', { withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => entry.name);
const files = Object.fromEntries(names.map((name) => [name, readFileSync(name)]));
const print = (stream) => (bytes) => bytes !== null && stream.write(bytes);
try {
  const result = await runYosys(process.argv.slice(2), files, { stdout: print(process.stdout), stderr: print(process.stderr), decodeASCII: false });
  for (const [name, content] of Object.entries(result ?? {})) {
    if (content instanceof Uint8Array && !(name in files)) writeFileSync(name, content);
  }
} catch (error) {
  if (typeof error.code !== 'number') throw error;
  process.exitCode = error.code;
}
