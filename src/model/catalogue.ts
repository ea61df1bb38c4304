import type { z } from 'zod';
import type { Tensor } from './tensor.js';

/**
 * What frontends and the float evaluator know of layers: handed in by compile.ts, so that model/ and frontends/ import
 * no layer. `layers/registry.ts` gives the real one.
 */
export interface LayerCatalogue {
  /** What a kind's parameters must look like when they come from a file; undefined where there is no such kind. */
  readonly params: (kind: string) => z.ZodType | undefined;
  /** The output shape, or a sentence that says what does not fit. Throws if the kind is unknown. */
  readonly shape: (kind: string, params: unknown, inputs: readonly (readonly number[])[]) => readonly number[] | string;
  /** The float64 meaning. */
  readonly evaluate: (kind: string, params: unknown, inputs: readonly Tensor[]) => Tensor;
  /** Whether the layer only moves elements. */
  readonly structural: (kind: string) => boolean;
  readonly hls4mlClass: (kind: string, params: unknown, inputs: readonly (readonly number[])[]) => string;
}
