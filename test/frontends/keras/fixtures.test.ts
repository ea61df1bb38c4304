import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../src/frontends/registry.js';
import { readArrays } from '../../../src/io/arrays.js';
import { catalogue } from '../../../src/layers/registry.js';
import { evaluateBatch } from '../../../src/model/evaluate.js';
import type { ModelGraph } from '../../../src/model/graph.js';

const ROOT = 'test/fixtures';

const FILES = readdirSync(ROOT).filter((folder) => /^keras[23]_/.test(folder)).flatMap((folder) =>
  readdirSync(`${ROOT}/${folder}`).filter((file) => /\.(keras|json)$|^model\.h5$/.test(file)).map((file) => [folder, file] as const));

function parse(folder: string, file: string): ModelGraph {
  const path = `${ROOT}/${folder}`;
  const readSide = (name: string): Uint8Array | undefined => (existsSync(`${path}/${name}`) ? readFileSync(`${path}/${name}`) : undefined);
  return parseModel({ name: file, bytes: readFileSync(`${path}/${file}`), siblings: () => readdirSync(path) }, { catalogue, readSide });
}

describe('models that Keras saved give what Keras gives', () => {
  it('in all the forms there are', () => {
    expect(new Set(FILES.map(([, file]) => file))).toEqual(new Set(['model.h5', 'model.json', 'model.keras']));
  });

  it.each(FILES)('%s/%s', (folder, file) => {
    const graph = parse(folder, file);
    const given = readArrays(readFileSync(`${ROOT}/${folder}/inputs.npz`), 'inputs.npz');
    const expected = readArrays(readFileSync(`${ROOT}/${folder}/outputs.npz`), 'outputs.npz');
    const inputs = new Map(given.map((array) => [array.name, array.data] as const));
    const events = given[0]?.shape[0] as number;
    expect(graph.inputs.map((input) => input.name)).toEqual([...inputs.keys()]);
    expect(graph.outputs.length).toBe(expected.length);
    const outputs = evaluateBatch(graph, catalogue, inputs, events);
    graph.outputs.forEach((output, i) => {
      const wanted = expected.find((array) => array.name === String(i)) as (typeof expected)[number];
      expect([events, ...output.shape.slice(1)]).toEqual(wanted.shape);
      const found = outputs.get(output.name) as Float64Array;
      const worst = Math.max(...found.map((value, k) => Math.abs(value - (wanted.data[k] as number)) / (1 + Math.abs(wanted.data[k] as number))));
      expect(worst).toBeLessThan(2e-6);
    });
  });
});
