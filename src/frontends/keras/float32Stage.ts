import type { TensorRef } from '../network.js';

/**
 * A layer that the library evaluates in float32 although it is affine on paper: a batch normalisation. A quantiser behind
 * it can take its place, as a function of the stage's own, discrete input.
 */
export interface Float32Stage {
  readonly input: TensorRef;
  /** Of the channels. */
  readonly axis: number;
  /** For each channel its function, operation for operation in float32. */
  readonly channels: readonly ((x: number) => number)[];
}

/** A batch normalisation's parameters, one a channel. */
export interface Normalisation {
  readonly gamma: ArrayLike<number>;
  readonly beta: ArrayLike<number>;
  readonly mean: ArrayLike<number>;
  readonly variance: ArrayLike<number>;
  readonly epsilon: number;
}

/**
 * What Keras evaluates on processors: `x * inv + (beta − mean * inv)` with inv = rsqrt(variance + ε) · gamma, or, by
 * TensorFlow's fused kernel for images in Keras 2, `(x − mean) * inv + beta`.
 */
export function float32Normalisation({ gamma, beta, mean, variance, epsilon }: Normalisation, fused: boolean): readonly ((x: number) => number)[] {
  const f32 = Math.fround;
  return Array.from(variance, (v, c) => {
    const inv = f32(f32(1 / Math.sqrt(f32(f32(v) + f32(epsilon)))) * (gamma[c] as number));
    const centre = f32(mean[c] as number);
    const offset = f32(fused ? (beta[c] as number) : (beta[c] as number) - f32(centre * inv));
    return (x: number): number => f32(f32((fused ? f32(x - centre) : x) * inv) + offset);
  });
}

const stages = new WeakMap<TensorRef, Float32Stage>();

/** Remembers what a tensor of the graph under construction is in float32. */
export function recordStage(output: TensorRef, stage: Float32Stage): TensorRef {
  stages.set(output, stage);
  return output;
}

/** The stage that a tensor is the output of, if any. */
export function stageOf(tensor: TensorRef): Float32Stage | undefined {
  return stages.get(tensor);
}
