import { existsSync, readFileSync } from 'node:fs';
import type { Circuit } from '../../src/circuit/circuit.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { parseModel } from '../../src/frontends/registry.js';
import { matchArrays, readArrays } from '../../src/io/arrays.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { growTypes } from '../../src/quantize/grow.js';
import { applyInputTypes } from '../../src/quantize/inputTypes.js';

type Arrays = ReturnType<typeof readArrays>;

/** A file of arrays of a folder, `.npy` or `.npz`. */
export function arraysOf(folder: string, stem: string): Arrays | undefined {
  const file = ['.npy', '.npz'].map((ending) => `${folder}/${stem}${ending}`).find((path) => existsSync(path));
  return file === undefined ? undefined : readArrays(readFileSync(file), file);
}

export function readGraph(folder: string, bytes: Uint8Array = readFileSync(`${folder}/model.keras`)): ModelGraph {
  return parseModel({ name: 'model.keras', bytes }, { catalogue, readSide: () => undefined });
}

/** The circuit as a user gets it, with no option but the model. */
export function circuitOf(folder: string): Circuit {
  return lowerGraph(growTypes(applyInputTypes(readGraph(folder), {}, catalogue), {}, catalogue).graph);
}

/** Values that differ from the library's, in words; every row of every pair of files `inputs…`, `outputs…`. */
export function differences(folder: string, circuit: Circuit): string[] {
  const emulator = compileEmulator(circuit);
  return ['', '_overflow'].flatMap((suffix) => {
    const [inputs, expected] = [arraysOf(folder, `inputs${suffix}`), arraysOf(folder, `outputs${suffix}`)];
    if (inputs === undefined || expected === undefined) return suffix === '' ? ['no arrays'] : [];
    const matched = matchArrays(inputs, circuit.inputs, folder);
    const found = emulator.run(matched.inputs, matched.count);
    return circuit.outputs.flatMap((port, n) => {
      const values = (expected.find((array) => array.name === port.name) ?? expected[n])?.data as ArrayLike<number>;
      const own = found[n] as Float64Array;
      if (own.length !== values.length) return [`${port.name} has ${own.length} values, not ${values.length}`];
      const wrong = [...own.keys()].filter((k) => own[k] !== values[k]);
      return wrong.slice(0, 5).map((k) => `${port.name}${suffix}[${k}] is ${own[k]}, not ${values[k]} (${wrong.length} of ${own.length} differ)`);
    });
  });
}
