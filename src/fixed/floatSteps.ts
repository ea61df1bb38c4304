/** Float types of the libraries that train models. */
export type FloatKind = 'float32' | 'float64';

const view = new DataView(new ArrayBuffer(8));

/** The nearest number of the type. */
export function roundTo(value: number, kind: FloatKind): number {
  return kind === 'float32' ? Math.fround(value) : value;
}

/** The least number of the type above `value`, which is one of it and finite; Infinity above the greatest. */
export function nextFloat(value: number, kind: FloatKind): number {
  // Bits of floats ascend with their size, and +0 is as good as −0.
  const step = value >= 0 ? 1 : -1;
  if (kind === 'float32') {
    view.setFloat32(0, value + 0);
    view.setInt32(0, view.getInt32(0) + step);
    return view.getFloat32(0);
  }
  view.setFloat64(0, value + 0);
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(step));
  return view.getFloat64(0);
}

/** The greatest number of the type below `value`. */
export function previousFloat(value: number, kind: FloatKind): number {
  return -nextFloat(-value, kind);
}

/** Whether the last bit of the mantissa is 0: what a tie rounds to. */
export function isEvenFloat(value: number, kind: FloatKind): boolean {
  if (kind === 'float32') {
    view.setFloat32(0, value);
    return (view.getUint8(3) & 1) === 0;
  }
  view.setFloat64(0, value);
  return (view.getUint8(7) & 1) === 0;
}
