import { writeFileSync } from 'node:fs';
import { readModel } from '../../compile.js';
import { compileEmulator } from '../../emulator/emulator.js';
import { CompileError } from '../../errors.js';
import type { NamedArray } from '../../io/arrays.js';
import { matchArrays, readArrays } from '../../io/arrays.js';
import { writeNpy } from '../../io/npy.js';
import { writeNpz } from '../../io/npz.js';
import { catalogue } from '../../layers/registry.js';
import { evaluateBatch } from '../../model/evaluate.js';
import { readInputFile, sideFilesOf, systemReason } from '../files.js';
import { openFolder } from '../folder.js';
import type { Terminal } from '../terminal.js';

export interface EmulateOptions {
  readonly target: string;
  readonly inputs: string;
  readonly outputs: string;
  readonly float: boolean;
}

/** `emulate OUT --inputs X.npy --outputs Y.npy`, or `emulate MODEL --float`. */
export function emulateCommand(options: EmulateOptions, terminal: Terminal): number {
  const arrays = readArrays(readInputFile(options.inputs, 'an array'), options.inputs);
  const { results, count, warnings } = options.float ? emulateFloat(options, arrays) : emulateFolder(options, arrays);
  for (const warning of warnings) terminal.warn(warning);
  const bytes = results.length === 1 ? writeNpy((results[0] as NamedArray).shape, (results[0] as NamedArray).data) : writeNpz(results);
  try {
    writeFileSync(options.outputs, bytes);
  } catch (error) {
    throw new CompileError('input', { code: 'unwritable', where: ['--outputs', options.outputs], what: `cannot be written: ${systemReason(error)}.` });
  }
  terminal.print(`${count} events: ${results.map((array) => `${array.name} [${array.shape.join(', ')}]`).join(', ')} written to ${options.outputs}`);
  terminal.event({ event: 'emulated', events: count, outputs: options.outputs });
  return 0;
}

interface Emulated {
  readonly results: readonly NamedArray[];
  readonly count: number;
  readonly warnings: readonly string[];
}

function emulateFolder({ target, inputs }: EmulateOptions, arrays: readonly NamedArray[]): Emulated {
  const { circuit } = openFolder(target);
  const matched = matchArrays(arrays, circuit.inputs, inputs);
  const outputs = compileEmulator(circuit).run(matched.inputs, matched.count);
  return {
    results: circuit.outputs.map((port, i) => ({ name: port.name, shape: [matched.count, ...port.shape], data: outputs[i] as Float64Array })),
    count: matched.count,
    warnings: matched.warnings,
  };
}

function emulateFloat({ target, inputs }: EmulateOptions, arrays: readonly NamedArray[]): Emulated {
  const graph = readModel({ name: target, bytes: readInputFile(target, 'a model') }, sideFilesOf(target));
  const ports = graph.inputs.map((input) => ({ name: input.name, shape: input.shape.slice(1) }));
  const matched = matchArrays(arrays, ports, inputs);
  const values = new Map(graph.inputs.map((input, i) => [input.name, matched.inputs[i] as Float64Array]));
  const outputs = evaluateBatch(graph, catalogue, values, matched.count);
  return {
    results: graph.outputs.map((output) => ({ name: output.name, shape: [matched.count, ...output.shape.slice(1)], data: outputs.get(output.name) as Float64Array })),
    count: matched.count,
    warnings: matched.warnings,
  };
}

