import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { arrayPorts } from '../../src/compile/arrayPorts.js';
import { typeModel } from '../../src/compile/model.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { parseModel } from '../../src/frontends/registry.js';
import { matchArrays, readArrays } from '../../src/io/arrays.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';

const ROOT = 'test/fixtures/forests';
const STEP = 2 ** -8;
const BASE = { inputType: 'ap_fixed<26,18,RND,SAT>', effort: 'fast', part: 'xcvu13p' } as const;

const graphs = readdirSync(ROOT).flatMap((name) => {
  const file = readdirSync(`${ROOT}/${name}`).find((own) => own.startsWith('model.'));
  if (file === undefined || !existsSync(`${ROOT}/${name}/inputs.npy`)) return [];
  const graph = parseModel({ name: file, bytes: new Uint8Array(readFileSync(`${ROOT}/${name}/${file}`)) }, { catalogue, readSide: () => undefined });
  return graph.nodes.length === 1 && graph.nodes[0]?.kind === 'forest' ? [{ name, graph }] : [];
});

describe('leaves under --max-loss 0', () => {
  it.each(graphs)('$name decides as in float on every event, missing values as flags', async ({ name, graph }) => {
    const array = readArrays(new Uint8Array(readFileSync(`${ROOT}/${name}/inputs.npy`)), name)[0] as ReturnType<typeof readArrays>[number];
    const events = array.shape[0] as number;
    const x = { ...array, data: array.data.map((value) => Math.round(value / STEP) * STEP) };
    const typed = await typeModel(graph, { ...BASE, missing: x.data.some(Number.isNaN) ? 'flag' : 'none', data: { arrays: [x], file: name }, maxLoss: 0 }, {});
    const [score] = compileEmulator(lowerGraph(typed.graph)).run(matchArrays([x], arrayPorts(typed.graph), name).inputs, events) as [Float64Array];
    const expected = [...evaluateBatch(graph, catalogue, new Map([[graph.inputs[0]?.name as string, x.data]]), events).values()][0] as Float64Array;
    const width = expected.length / events;
    const decide = (data: Float64Array, row: number): number => (width === 1 ? Number((data[row] as number) >= 0) : data.subarray(row * width, (row + 1) * width).reduce((best, value, k, all) => (value > (all[best] as number) ? k : best), 0));
    expect(Array.from({ length: events }, (_, row) => decide(score, row))).toEqual(Array.from({ length: events }, (_, row) => decide(expected, row)));
  });

  it('are refused where the forest is not on an input', async () => {
    const { graph } = graphs[0] as (typeof graphs)[number];
    const node = graph.nodes[0] as (typeof graph.nodes)[number];
    const two = { ...graph, nodes: [node, { ...node, name: 'second', output: 'second' }] };
    const file = `${ROOT}/${graphs[0]?.name}/inputs.npy`;
    const arrays = readArrays(new Uint8Array(readFileSync(file)), file);
    await expect(typeModel(two, { ...BASE, missing: 'none', data: { arrays, file }, maxLoss: 0 }, {})).rejects.toThrow(/not the only one/);
  });
});
