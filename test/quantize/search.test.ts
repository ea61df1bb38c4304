import { describe, expect, it } from 'vitest';
import { quickCost } from '../../src/compile/quickCost.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { scoresOf } from '../../src/quantize/search/fixedEvaluate.js';
import type { SearchHooks, SearchResult } from '../../src/quantize/search/search.js';
import { searchPrecision } from '../../src/quantize/search/search.js';
import { deviceOf } from '../../src/timing/device.js';
import { Random } from '../helpers/random.js';
import { dense, graphOf } from './graphs.js';

const device = deviceOf('generic-lut6');
const EVENTS = 200;

function eventsOf(width: number, seed = 9): { inputs: Map<string, Float64Array>; count: number } {
  const random = new Random(seed);
  return { inputs: new Map([['x', Float64Array.from({ length: EVENTS * width }, () => random.int(-3000, 3000) / 1001)]]), count: EVENTS };
}

const network = (last: 'softmax' | 'sigmoid' | 'none'): ModelGraph =>
  graphOf({ x: [1, 6] }, [
    dense('fc1', 'x', 6, 5, 3),
    { name: 'relu1', kind: 'activation', params: { function: 'relu' }, inputs: ['fc1'] },
    dense('fc2', 'relu1', 5, last === 'sigmoid' ? 1 : 3, 4),
    ...(last === 'softmax' ? [{ name: 'p', kind: 'softmax', params: { axis: 1 }, inputs: ['fc2'] }] : []),
    ...(last === 'sigmoid' ? [{ name: 'p', kind: 'activation', params: { function: 'sigmoid' }, inputs: ['fc2'] }] : []),
  ]);

function search(graph: ModelGraph, metric: 'agreement' | 'mse', maxLoss: number, changes: { sweeps?: number; pause?: SearchHooks['pause'] } = {}): Promise<SearchResult> {
  return searchPrecision(graph, { events: eventsOf(6), metric: { name: metric, threshold: 0.5 }, maxLoss, sweeps: changes.sweeps ?? 3, work: Infinity, grow: {} }, catalogue, {
    cost: (typed) => quickCost(typed, device),
    pause: changes.pause ?? (() => Promise.resolve(false)),
  });
}

describe('precision search', () => {
  it.each([['softmax', 'agreement'], ['sigmoid', 'agreement'], ['none', 'mse']] as const)('a network with %s keeps its loss, in the circuit too', async (last, metric) => {
    const graph = network(last);
    const { best, uniform, met, metric: judge } = await search(graph, metric, 0.02);
    expect(met).toBe(true);
    expect(best.cost).toBeLessThan(uniform.cost);
    const circuit = lowerGraph(best.grown.graph);
    const events = eventsOf(6);
    const [outputs] = compileEmulator(circuit).run([events.inputs.get('x') as Float64Array], EVENTS);
    const scores = scoresOf(best.grown.graph, catalogue, events);
    // The search judged what the circuit gives: exactly, but for a softmax, whose last bit may differ.
    const step = last === 'softmax' ? 2 ** -(best.plan.get('result:p') as number) : 0;
    outputs?.forEach((value, k) => expect(Math.abs(value - (scores.data[k] as number))).toBeLessThanOrEqual(2 * step));
    expect(judge.measure(scores).loss).toBeLessThanOrEqual(0.02);
  });

  it('a smaller loss costs more', async () => {
    const [strict, loose] = [await search(network('none'), 'mse', 0.0001), await search(network('none'), 'mse', 0.05)];
    expect(strict.best.cost).toBeGreaterThan(loose.best.cost);
  });

  it('without sweeps the best is the narrowest single width', async () => {
    const { best, uniform, front } = await search(network('none'), 'mse', 0.02, { sweeps: 0 });
    expect(best).toBe(uniform);
    expect(new Set(best.plan.values()).size).toBe(1);
    expect(front).toEqual([uniform]);
  });

  it('is deterministic, and keeps the best so far when it is stopped', async () => {
    const plans = [await search(network('none'), 'mse', 0.02), await search(network('none'), 'mse', 0.02)].map(({ best }) => [...best.plan]);
    expect(plans[0]).toEqual(plans[1]);
    let pauses = 0;
    const stopped = await search(network('none'), 'mse', 0.02, { pause: () => Promise.resolve(++pauses > 10) });
    expect(stopped.trials).toBe(11);
    expect(stopped.met).toBe(true);
  });

  it('types that the model has are kept', async () => {
    const graph = network('none');
    const type = { signed: true, width: 7, integer: 3, rounding: 'RND', overflow: 'SAT' } as const;
    const typed = { ...graph, nodes: graph.nodes.map((node) => (node.name === 'relu1' ? { ...node, precision: { result: type, source: 'config' as const } } : node)) };
    const { best } = await search(typed, 'mse', 0.05);
    expect(best.grown.graph.nodes.find((node) => node.name === 'relu1')?.precision?.result).toEqual(type);
    expect([...best.plan.keys()]).not.toContain('result:relu1');
  });
});
