import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../src/frontends/registry.js';
import { readArrays } from '../../src/io/arrays.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { sizeOf } from '../../src/model/tensor.js';

const ROOT = '../shared/models/networks';
const present = existsSync(ROOT);

/** The tolerance all of them state, `float32 rtol 1e-5 atol 1e-6`: Keras computes in float32, the reference in float64. */
const RELATIVE = 1e-5;
const ABSOLUTE = 1e-6;

/** Every file of every Keras model: the model files, and each model.json with the weights beside it. */
const FILES = present
  ? readdirSync(ROOT).filter((name) => /^(em_keras_|em_garnet|em_jettagger|k2_|k3_)/.test(name)).flatMap((name) => readdirSync(`${ROOT}/${name}`).filter(isModelFile).map((file) => `${name}/${file}`))
  : [];

function isModelFile(file: string): boolean {
  return (/\.(keras|h5)$/.test(file) && !/weights\.h5$/.test(file)) || (file.endsWith('.json') && !/^(meta|config|h5_layout)\.json$/.test(file));
}

function parse(path: string): ModelGraph {
  const slash = path.lastIndexOf('/');
  const folder = `${ROOT}/${path.slice(0, slash)}`;
  const readSide = (name: string): Uint8Array | undefined => (existsSync(`${folder}/${name}`) ? readFileSync(`${folder}/${name}`) : undefined);
  return parseModel({ name: path.slice(slash + 1), bytes: readFileSync(`${ROOT}/${path}`), siblings: () => readdirSync(folder) }, { catalogue, readSide });
}

/** The only array `<stem>.npy`, or the one of a name, `<stem>_<name>.npy`. */
function arrayOf(folder: string, stem: string, name: string, index: number): ReturnType<typeof readArrays>[number] {
  const files = readdirSync(`${ROOT}/${folder}`).filter((file) => file.startsWith(stem) && file.endsWith('.npy') && !file.includes('overflow'));
  const file = files.find((own) => own === `${stem}_${name}.npy`) ?? (files.length === 1 ? files[0] : undefined) ?? GARNET_INPUTS[index];
  return readArrays(readFileSync(`${ROOT}/${folder}/${file}`), `${file}`)[0] as ReturnType<typeof readArrays>[number];
}

/** Its arrays are called after what they are, not after the inputs. */
const GARNET_INPUTS = ['inputs_x.npy', 'inputs_n.npy'];

describe.runIf(present)('Keras models against Keras', () => {
  it.each(FILES)('%s', (path) => {
    const folder = path.slice(0, path.lastIndexOf('/'));
    const graph = parse(path);
    let events = Infinity;
    const inputs = new Map(graph.inputs.map((input, i) => {
      const { shape, data } = arrayOf(folder, 'inputs', input.name, i);
      events = Math.min(events, shape[0] as number);
      return [input.name, data.subarray(0, events * sizeOf(input.shape))] as const;
    }));
    const outputs = evaluateBatch(graph, catalogue, inputs, events);
    graph.outputs.forEach((output, i) => {
      const expected = arrayOf(folder, 'outputs', output.name, i).data;
      const found = outputs.get(output.name) as Float64Array;
      expect(found.length).toBe(events * sizeOf(output.shape));
      const worst = Math.max(...found.map((value, k) => Math.abs(value - (expected[k] as number)) / (ABSOLUTE + RELATIVE * Math.abs(expected[k] as number))));
      expect(worst).toBeLessThanOrEqual(1);
    });
  });
});
