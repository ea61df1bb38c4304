import type { FixedType } from '../fixed/fixedType.js';
import { castValue, formatFixedType, rangeOf } from '../fixed/fixedType.js';
import { toNumber } from '../fixed/integer.js';
import { typedValues } from '../layers/constants.js';
import { definitionOf } from '../layers/registry.js';
import type { LayerPrecision } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';
import type { LossCause } from '../report/explanation.js';

/** What float64 itself may be off, relative to the value: sums of thousands of terms that are not exact. */
const FLOAT64_ERROR = 2 ** -44;

/** Whether two values differ by more than float64's own rounding. */
export function isApart(a: number, b: number): boolean {
  return a !== b && Math.abs(a - b) > FLOAT64_ERROR * Math.max(Math.abs(a), Math.abs(b), 2 ** -20);
}

/** Parameters that a precision has types for, by their own names. */
const TYPED_PARAMETERS = ['weight', 'bias', 'scale'] as const;

/** The parameters as their types have them; the very same object where no type says anything of them. */
export function typedParams(params: unknown, precision: LayerPrecision | undefined, layer: string): unknown {
  if (precision === undefined || typeof params !== 'object' || params === null) return params;
  const changed: Record<string, Tensor> = {};
  for (const name of TYPED_PARAMETERS) {
    const value = (params as Readonly<Record<string, unknown>>)[name];
    const type = precision[name];
    if (type === undefined || !isTensor(value)) continue;
    changed[name] = { ...value, data: typedValues(value, type, precision.source, layer) };
  }
  return Object.keys(changed).length === 0 ? params : { ...params, ...changed };
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'data' in value && value.data instanceof Float64Array;
}

/** One element of a layer that lost something. */
export interface Loss {
  readonly kind: string;
  readonly params?: unknown;
  readonly precision?: LayerPrecision | undefined;
  /** Of the result. */
  readonly type: FixedType | undefined;
  /** What the layer as it was trained makes of what it is given. */
  readonly trained?: number;
  /** The same with its parameters as they are in firmware. */
  readonly wanted: number;
  readonly got: number;
}

/** Why an element is not what it should be: the largest part of its loss. */
export function causeOf({ kind, params, precision, type, trained, wanted, got }: Loss): LossCause {
  const ofParameters = Math.abs((trained ?? wanted) - wanted);
  if (ofParameters > Math.abs(got - wanted)) return { kind: 'parameters', wanted: trained ?? wanted, got };
  const typed = type === undefined ? {} : { type: formatFixedType(type), ...limitsOf(type) };
  const accum = precision?.accum;
  if (type !== undefined && (castValue(wanted, type) === got || accum === undefined || holds(accum, wanted))) {
    if (!holds(type, wanted)) return { kind: type.overflow === 'WRAP' ? 'wrap' : 'saturation', wanted, got, ...typed };
    if (castValue(wanted, type) === got) return { kind: 'rounding', wanted, got, ...typed };
  }
  if (accum !== undefined && !holds(accum, wanted)) return { kind: accum.overflow === 'WRAP' ? 'wrap' : 'saturation', wanted, got, accumulator: true, type: formatFixedType(accum), ...limitsOf(accum) };
  if (kind !== 'input' && isTable(kind, params)) return { kind: 'table', wanted, got, ...typed };
  return { kind: 'arithmetic', wanted, got, ...typed };
}

function isTable(kind: string, params: unknown): boolean {
  const resolution = definitionOf(kind).resolution?.(params);
  return resolution === 'table' || resolution === 'function';
}

/** Whether a value, once rounded, is within the type. */
function holds(type: FixedType, value: number): boolean {
  const { least, greatest, step } = limitsOf(type);
  return value > least - step && value < greatest + step;
}

function limitsOf(type: FixedType): { readonly least: number; readonly greatest: number; readonly step: number } {
  const { lo, hi, exp } = rangeOf(type);
  return { least: toNumber(lo, exp), greatest: toNumber(hi, exp), step: 2 ** exp };
}
