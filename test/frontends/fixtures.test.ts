import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../src/frontends/registry.js';
import { readArrays } from '../../src/io/arrays.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';

const FOLDER = 'test/fixtures';

/** How far the outputs are from the real library's: at most, how many at all, how many by more than float32 rounds. */
function compare(folder: string, file: string): { readonly values: number; readonly largest: number; readonly differ: number; readonly far: number } {
  const path = (name: string): string => `${FOLDER}/${folder}/${name}`;
  const readSide = (name: string): Uint8Array | undefined => (existsSync(path(name)) ? readFileSync(path(name)) : undefined);
  const graph = parseModel({ name: file, bytes: readFileSync(path(file)) }, { catalogue, readSide });
  const arrays = (stem: string): ReturnType<typeof readArrays> => {
    const name = existsSync(path(`${stem}.npz`)) ? `${stem}.npz` : `${stem}.npy`;
    return readArrays(readFileSync(path(name)), name);
  };
  const given = arrays('inputs');
  const inputs = new Map(graph.inputs.map((input, i) => [input.name, (given.find((a) => a.name === input.name) ?? given[i])?.data as Float64Array]));
  const outputs = evaluateBatch(graph, catalogue, inputs, given[0]?.shape[0] as number);
  const golden = arrays('outputs');
  let values = 0;
  let largest = 0;
  let differ = 0;
  let far = 0;
  graph.outputs.forEach((output, i) => {
    const expected = (golden.find((a) => a.name === output.name) ?? golden[i])?.data as Float64Array;
    const found = outputs.get(output.name) as Float64Array;
    expect(found.length).toBe(expected.length);
    expected.forEach((value, k) => {
      const distance = Math.abs(value - (found[k] as number));
      values += 1;
      largest = Math.max(largest, distance);
      if (distance !== 0) differ += 1;
      if (distance > 1e-6 * Math.max(1, Math.abs(value))) far += 1;
    });
  });
  return { values, largest, differ, far };
}

describe('the float reference against the libraries that made the files', () => {
  const torch = ['torch_mlp', 'torch_conv1d', 'torch_conv2d', 'torch_branches', 'torch_embedding'];
  it.each(torch.flatMap((folder) => [[folder, 'legacy.onnx'], [folder, 'dynamo.onnx']] as const))('%s/%s within float32', (folder, file) => {
    expect(compare(folder, file).largest).toBeLessThan(1e-5);
  });

  it.each([['brevitas_mlp', 'model.onnx'], ['brevitas_mlp', 'dynamo.onnx'], ['brevitas_conv1d', 'model.onnx'], ['anomaly', 'model.onnx']] as const)('%s/%s exactly', (folder, file) => {
    expect(compare(folder, file)).toMatchObject({ differ: 0 });
  });

  it('every QONNX quantiser variant, but for ties that qonnx decides in float32', () => {
    const { values, far } = compare('qonnx_quant', 'model.onnx');
    expect(values).toBe(320 * 4 * 32);
    expect(far).toBeLessThanOrEqual(12);
  });

  it.each(['xgboost_binary', 'xgboost_multiclass', 'xgboost_regression'])('%s to the last bit of float32', (folder) => {
    expect(compare(folder, 'model.json')).toMatchObject({ differ: 0 });
  });
});
