import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import type { LayerDefinition } from './definition.js';
import { entriesOf } from './indexing.js';
import { quantBounds, quantiserShape, roundQonnx, scaleProblem } from './quant.js';
import { lowerTrunc } from './quantLowering.js';
import { gridOf } from './ranges.js';
import { qonnxRoundingSchema, tensorSchema } from './schemas.js';

/**
 * QONNX Trunc: the integer q = round-half-even(x / scale + zeroPoint) loses its low bits under the rounding mode.
 *
 * Version 1: round(q / 2^(inBits − outBits)), − zeroPoint, · scale.
 * Version 2, when `version2` is given: with 2^t = outputScale / scale, round(q / 2^t) clamped to outBits, − zeroPoint / 2^t,
 * · outputScale (qonnx 1.0 `trunc_v1`, `trunc_v2`).
 */
export interface TruncParams {
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
  readonly inBits: number;
  readonly outBits: number;
  readonly rounding: 'ROUND' | 'CEIL' | 'FLOOR' | 'UP' | 'DOWN' | 'HALF_UP' | 'HALF_DOWN';
  readonly version2?: { readonly outputScale: Tensor; readonly signed: boolean; readonly narrow: boolean };
}

/** How one element is truncated. */
export interface Truncation {
  readonly scale: number;
  readonly zeroPoint: number;
  /** Low bits dropped. */
  readonly bits: number;
  readonly outputScale: number;
  readonly outputZeroPoint: number;
  readonly bounds: readonly [number, number] | undefined;
}

/** The truncation of every element of a tensor of this shape. */
export function truncationsOf(params: TruncParams, shape: readonly number[]): Truncation[] {
  const { version2, inBits, outBits, rounding } = params;
  const zero = entriesOf(params.zeroPoint, shape);
  const outputScale = entriesOf(version2?.outputScale ?? params.scale, shape);
  return [...entriesOf(params.scale, shape)].map((scale, e) => {
    const zeroPoint = zero[e] as number;
    if (version2 === undefined) return { scale, zeroPoint, bits: inBits - outBits, outputScale: scale, outputZeroPoint: zeroPoint, bounds: undefined };
    const bits = roundQonnx('ROUND', Math.log2((outputScale[e] as number) / scale));
    const bounds = quantBounds({ bitWidth: outBits, signed: version2.signed, narrow: version2.narrow, rounding });
    return { scale, zeroPoint, bits, outputScale: outputScale[e] as number, outputZeroPoint: zeroPoint / 2 ** bits, bounds };
  });
}

/** QONNX's truncation, versions 1 and 2. */
export const truncLayer: LayerDefinition<TruncParams> = {
  kind: 'trunc',
  params: z.strictObject({
    scale: tensorSchema,
    zeroPoint: tensorSchema,
    inBits: z.number().positive().max(1024),
    outBits: z.number().positive().max(1024),
    rounding: qonnxRoundingSchema,
    version2: z.strictObject({ outputScale: tensorSchema, signed: z.boolean(), narrow: z.boolean() }).exactOptional(),
  }),
  hls4mlClass: () => 'Trunc',
  shape: ({ scale, zeroPoint, version2, inBits, outBits }, [input = []]) => {
    if (!(outBits > 0 && outBits <= 64)) return `the output width must be from 1 to 64 bits, found ${outBits}`;
    if (version2 === undefined && !(Number.isInteger(inBits - outBits) && inBits >= outBits)) return `cannot truncate ${inBits} bits to ${outBits}`;
    const scales = version2 === undefined ? [scale] : [scale, version2.outputScale];
    return scales.map(scaleProblem).find((problem) => problem !== undefined) ?? quantiserShape(input, [zeroPoint, ...scales]);
  },
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    const truncations = truncationsOf(params, input.shape);
    const data = input.data.map((v, e) => {
      const t = truncations[e] as Truncation;
      const whole = roundQonnx('ROUND', v / t.scale + t.zeroPoint);
      const kept = roundQonnx(params.rounding, whole / 2 ** t.bits);
      const clamped = t.bounds === undefined ? kept : Math.min(Math.max(kept, t.bounds[0]), t.bounds[1]);
      return (clamped - t.outputZeroPoint) * t.outputScale;
    });
    return tensor(input.shape, data, true);
  },
  lower: lowerTrunc,
  grid: ({ scale }) => gridOf(scale.data),
  precision: 'none',
  quantiser: () => undefined,
};
