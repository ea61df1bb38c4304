import type { LayerCatalogue } from '../../model/catalogue.js';
import type { ModelGraph } from '../../model/graph.js';
import type { Observed } from '../grow.js';
import type { Events } from './fixedEvaluate.js';
import { scoresOf } from './fixedEvaluate.js';
import type { Scores } from './metrics.js';

/** The float model on calibration events. */
export interface Calibration {
  /** By tensor name: inputs and outputs of layers. */
  readonly observed: ReadonlyMap<string, Observed>;
  readonly reference: Scores;
}

export function calibrate(graph: ModelGraph, catalogue: LayerCatalogue, events: Events): Calibration {
  const observed = new Map<string, { low: number; high: number }>();
  const reference = scoresOf(graph, catalogue, events, (name, { data }) => {
    const own = observed.get(name) ?? { low: Infinity, high: -Infinity };
    observed.set(name, own);
    for (const value of data) {
      if (value < own.low) own.low = value;
      if (value > own.high) own.high = value;
    }
  });
  return { observed, reference };
}
