import { tensor } from '../model/tensor.js';
import type { LayerParams } from '../layers/registry.js';
import type { LayerSink, TensorRef } from './network.js';

/** Functions of two tensors, made of layers that formats share; numpy broadcasting, either may be a constant. */

type Elementwise = LayerParams['elementwise']['operation'];
type FunctionName = LayerParams['activation']['function'];

/** Below this a distance from the origin counts as 0. */
const LEAST_RADIUS = 2 ** -20;

/** Layers by short names, all below one. */
class Maker {
  constructor(
    private readonly sink: LayerSink,
    private readonly name: string,
  ) {}

  of(operation: Elementwise, a: TensorRef, b: TensorRef, part?: string): TensorRef {
    return this.sink.add('elementwise', { operation }, [a, b], this.label(part));
  }

  f(name: FunctionName, x: TensorRef, part?: string): TensorRef {
    return this.sink.add('activation', { function: name }, [x], this.label(part));
  }

  where(condition: TensorRef, a: TensorRef, b: TensorRef, part?: string): TensorRef {
    return this.sink.add('where', {}, [condition, a, b], this.label(part));
  }

  less(a: TensorRef, b: TensorRef, part: string): TensorRef {
    return this.sink.add('compare', { operation: 'lt' }, [a, b], this.label(part));
  }

  number(value: number, label: string): TensorRef {
    return this.sink.constant(`${this.name}/${label}`, tensor([], [value], Number.isInteger(value)));
  }

  private label(part: string | undefined): string {
    return part === undefined ? this.name : `${this.name}/${part}`;
  }
}

/** The angle of (x, y), between −π and π: the arctangent of the smaller over the greater, turned into its octant. */
export function arctan2(sink: LayerSink, y: TensorRef, x: TensorRef, name: string): TensorRef {
  const make = new Maker(sink, name);
  const zero = make.number(0, 'zero');
  const [height, width] = [make.f('abs', y, 'height'), make.f('abs', x, 'width')];
  const greater = make.of('max', make.of('max', height, width, 'greater'), make.number(LEAST_RADIUS, 'least'), 'radius');
  const flat = make.f('atan', make.of('div', make.of('min', height, width, 'smaller'), greater, 'slope'), 'angle');
  const steep = make.where(make.less(width, height, 'steep'), make.of('sub', make.number(Math.PI / 2, 'quarter'), flat, 'rest'), flat, 'quadrant');
  const upper = make.where(make.less(x, zero, 'left'), make.of('sub', make.number(Math.PI, 'half'), steep, 'turned'), steep, 'upper');
  return make.where(make.less(y, zero, 'below'), make.of('mul', upper, make.number(-1, 'minus'), 'lower'), upper);
}

/** √(x² + y²) */
export function hypot(sink: LayerSink, x: TensorRef, y: TensorRef, name: string): TensorRef {
  const make = new Maker(sink, name);
  return make.f('sqrt', make.of('add', make.of('mul', x, x, 'first'), make.of('mul', y, y, 'second'), 'sum'));
}

/** log(eˣ + eʸ) = max(x, y) + log(1 + e^−|x − y|) */
export function logAddExp(sink: LayerSink, x: TensorRef, y: TensorRef, name: string): TensorRef {
  const make = new Maker(sink, name);
  const distance = make.f('abs', make.of('sub', x, y, 'difference'), 'distance');
  const rest = make.f('softplus', make.of('mul', distance, make.number(-1, 'minus'), 'negative'), 'rest');
  return make.of('add', make.of('max', x, y, 'greater'), rest);
}

/** Exponents that are one function. */
const POWERS: ReadonlyMap<number, FunctionName> = new Map([[0.5, 'sqrt'], [-0.5, 'rsqrt'], [-1, 'reciprocal']]);

/** torch writes a distance as the power 1 / (2 + 1e-6). */
const NEARLY = 1e-6;

/** No power of a trigger model is higher. */
const MAX_EXPONENT = 16;

/** What `power` can raise to, in words. */
export const KNOWN_POWERS = `±1, ±0.5 and whole powers up to ${MAX_EXPONENT}`;

/** x raised to a known power: whole ones as products, roots and reciprocals as functions; undefined for others. */
export function power(sink: LayerSink, x: TensorRef, exponent: number, name: string): TensorRef | undefined {
  const make = new Maker(sink, name);
  if (exponent === 1) return x;
  const known = [...POWERS].find(([own]) => Math.abs(own - exponent) < NEARLY)?.[1];
  if (known !== undefined) return make.f(known, x);
  if (!Number.isInteger(exponent) || exponent < 2 || exponent > MAX_EXPONENT) return undefined;
  let y = x;
  for (let i = 2; i <= exponent; i++) y = make.of('mul', y, x, i === exponent ? undefined : `power${i}`);
  return y;
}

/** ⌊x / y⌋ */
export function floorDivide(sink: LayerSink, x: TensorRef, y: TensorRef, name: string): TensorRef {
  const make = new Maker(sink, name);
  return make.f('floor', make.of('div', x, y, 'quotient'));
}

/** x − y · ⌊x / y⌋: of the divisor's sign, as in Python; with `truncated` of x's, as in C. */
export function remainder(sink: LayerSink, x: TensorRef, y: TensorRef, name: string, truncated = false): TensorRef {
  const make = new Maker(sink, name);
  const quotient = make.of('div', x, y, 'quotient');
  const whole = truncated ? sink.add('toInteger', {}, [quotient], `${name}/whole`) : make.f('floor', quotient, 'whole');
  return make.of('sub', x, make.of('mul', whole, y, 'taken'));
}

/** 1 where |x − y| ≤ absolute + relative · |y|. */
export function isClose(sink: LayerSink, x: TensorRef, y: TensorRef, relative: number, absolute: number, name: string): TensorRef {
  const make = new Maker(sink, name);
  const allowed = make.of('add', make.of('mul', make.f('abs', y, 'size'), make.number(relative, 'relative'), 'share'), make.number(absolute, 'absolute'), 'allowed');
  return sink.add('compare', { operation: 'le' }, [make.f('abs', make.of('sub', x, y, 'difference'), 'distance'), allowed], name);
}

/** Euclidean distances (or with p = 1 sums of absolute differences) of all pairs of rows: `[…, n, d]`, `[…, m, d]` → `[…, n, m]`. */
export function distances(sink: LayerSink, a: TensorRef, b: TensorRef, p: 1 | 2, name: string): TensorRef {
  const make = new Maker(sink, name);
  const rank = a.shape.length;
  const apart = (x: TensorRef, axis: number, label: string): TensorRef => sink.add('reshape', { shape: x.shape.toSpliced(axis, 0, 1) }, [x], `${name}/${label}`);
  const difference = make.of('sub', apart(a, rank - 1, 'rows'), apart(b, b.shape.length - 2, 'columns'), 'difference');
  const size = p === 1 ? make.f('abs', difference, 'size') : make.of('mul', difference, difference, 'squares');
  const sum = sink.add('reduce', { operation: 'sum', axes: [difference.shape.length - 1], keepDims: false }, [size], p === 1 ? name : `${name}/sum`);
  return p === 1 ? sum : make.f('sqrt', sum);
}

