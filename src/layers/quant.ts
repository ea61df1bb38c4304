import { z } from 'zod';
import { assertNever } from '../errors.js';
import type { FixedType, Rounding } from '../fixed/fixedType.js';
import { fixedType } from '../fixed/fixedType.js';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import type { LayerDefinition } from './definition.js';
import { broadcastsTo, entriesOf, formatShape } from './indexing.js';
import { lowerQuant } from './quantLowering.js';
import { gridOf } from './ranges.js';
import { qonnxRoundingSchema, tensorSchema } from './schemas.js';

/** QONNX Quant: clamp(x / scale + zeroPoint), round, − zeroPoint, · scale. */
export interface QuantParams {
  /** Scalar or broadcastable to the input. */
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
  readonly bitWidth: number;
  readonly signed: boolean;
  readonly narrow: boolean;
  readonly rounding: 'ROUND' | 'CEIL' | 'FLOOR' | 'UP' | 'DOWN' | 'HALF_UP' | 'HALF_DOWN';
  /** The least and the greatest integer, where they are not those of a type: ONNX' QuantizeLinear with a zero point or a Clip behind. */
  readonly bounds?: readonly [number, number];
  /** Gives whole steps, not multiplied by the scale. */
  readonly whole?: true;
}

/** A float64 to a whole number, as qonnx 1.0 (`resolve_rounding_mode`) does it. */
export function roundQonnx(rounding: QuantParams['rounding'], x: number): number {
  switch (rounding) {
    case 'ROUND': {
      const floor = Math.floor(x);
      const rest = x - floor;
      return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
    }
    case 'CEIL':
      return Math.ceil(x) + 0;
    case 'FLOOR':
      return Math.floor(x);
    case 'UP':
      return Math.sign(x) * Math.ceil(Math.abs(x)) + 0;
    case 'DOWN':
      return Math.trunc(x) + 0;
    case 'HALF_UP':
      return Math.sign(x) * Math.floor(Math.abs(x) + 0.5) + 0;
    case 'HALF_DOWN':
      return Math.sign(x) * Math.ceil(Math.abs(x) - 0.5) + 0;
    default:
      return assertNever(rounding);
  }
}

/**
 * The least and the greatest integer that the quantiser gives (qonnx 1.0 `min_int`, `max_int`). A bit width that is not
 * whole gives bounds that are not; qonnx clamps to them first and rounds after, which is clamping to the rounded bounds.
 */
export function quantBounds({ bitWidth, signed, narrow, rounding, bounds }: Pick<QuantParams, 'bitWidth' | 'signed' | 'narrow' | 'rounding' | 'bounds'>): readonly [number, number] {
  if (bounds !== undefined) return bounds;
  const half = 2 ** (bitWidth - 1);
  const low = signed ? (narrow ? 1 - half : -half) : 0;
  const high = signed ? half - 1 : 2 ** bitWidth - (narrow ? 2 : 1);
  return [roundQonnx(rounding, low), roundQonnx(rounding, high)];
}

/** A signed quantiser of one bit gives ±1 (qonnx 1.0 `int_quant`). */
export function isBipolar({ bitWidth, signed, bounds }: QuantParams): boolean {
  return bitWidth === 1 && signed && bounds === undefined;
}

/** The shape rule shared by quantisers: scale and zero point broadcast to the input. */
export function quantiserShape(input: readonly number[], parameters: readonly Tensor[]): readonly number[] | string {
  for (const parameter of parameters) {
    if (!broadcastsTo(parameter.shape, input)) {
      return `a scale or zero point of ${formatShape(parameter.shape)} does not broadcast to ${formatShape(input)}`;
    }
  }
  return input;
}

/** The problem with a scale, if any. */
export function scaleProblem(scale: Tensor): string | undefined {
  const wrong = scale.data.find((s) => !(s > 0 && Number.isFinite(s)));
  return wrong === undefined ? undefined : `the scale must be positive and finite, found ${wrong}`;
}

/** One value through the quantiser, in float64. */
export function quantise(params: QuantParams, scale: number, zeroPoint: number, x: number): number {
  const y = x / scale + zeroPoint;
  const step = params.whole === true ? 1 : scale;
  if (isBipolar(params)) return ((y >= 0 ? 1 : -1) - zeroPoint) * step;
  const [low, high] = quantBounds(params);
  return (Math.min(Math.max(roundQonnx(params.rounding, y), low), high) - zeroPoint) * step;
}

const ROUNDING_OF_QUANT: Partial<Record<QuantParams['rounding'], Rounding>> = {
  ROUND: 'RND_CONV',
  FLOOR: 'TRN',
  DOWN: 'TRN_ZERO',
  HALF_UP: 'RND_INF',
  HALF_DOWN: 'RND_ZERO',
};

/**
 * The fixed-point type whose cast is this quantiser: scales that are one power of two, no zero point, a whole bit width
 * and a rounding that `ap_fixed` has. Otherwise undefined.
 */
function typeOfQuant(params: QuantParams): FixedType | undefined {
  if (params.whole === true && params.scale.data.some((s) => s !== 1)) return undefined;
  const { scale, zeroPoint, bitWidth, signed, narrow } = params;
  const step = scale.data[0];
  const rounding = ROUNDING_OF_QUANT[params.rounding];
  if (step === undefined || rounding === undefined || !Number.isInteger(bitWidth) || bitWidth < (signed ? 2 : 1)) return undefined;
  if (scale.data.some((s) => s !== step) || zeroPoint.data.some((z) => z !== 0) || !(step > 0)) return undefined;
  if (narrow && !signed) return undefined;
  const exp = Math.log2(step);
  if (!Number.isInteger(exp)) return undefined;
  return fixedType(signed, bitWidth, bitWidth + exp, rounding, narrow ? 'SAT_SYM' : 'SAT');
}

/** QONNX's integer quantiser: Quant and IntQuant. */
export const quantLayer: LayerDefinition<QuantParams> = {
  kind: 'quant',
  params: z.strictObject({
    scale: tensorSchema,
    zeroPoint: tensorSchema,
    bitWidth: z.number().positive().max(1024),
    signed: z.boolean(),
    narrow: z.boolean(),
    rounding: qonnxRoundingSchema,
    bounds: z.tuple([z.int(), z.int()]).exactOptional(),
    whole: z.literal(true).exactOptional(),
  }),
  hls4mlClass: () => 'Quant',
  shape: (params, [input = []]) => {
    const { bitWidth, scale } = params;
    if (!(bitWidth > 0 && bitWidth <= 64)) return `the bit width must be above 0 and at most 64, found ${bitWidth}`;
    const [low, high] = quantBounds(params);
    if (!isBipolar(params) && low > high) return `no integer lies between the bounds ${low} and ${high} of a ${bitWidth}-bit quantiser`;
    return scaleProblem(scale) ?? quantiserShape(input, [scale, params.zeroPoint]);
  },
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    const scale = entriesOf(params.scale, input.shape);
    const zero = entriesOf(params.zeroPoint, input.shape);
    return tensor(input.shape, input.data.map((v, e) => quantise(params, scale[e] as number, zero[e] as number, v)), true);
  },
  lower: lowerQuant,
  grid: ({ scale, whole }) => (whole === true ? 0 : gridOf(scale.data)),
  precision: 'none',
  quantiser: typeOfQuant,
};
