import { shapeOf } from '../onnx/values.js';
import type { Argument } from './call.js';

/** Arithmetic on lengths, known once the batch is one; undefined for what only checks. */
export type SymbolOperator = (args: readonly Argument[], fail: (what: string) => never) => number | boolean | undefined;

function ofNumbers(f: (a: number, b: number) => number | boolean): SymbolOperator {
  return (args, fail) => {
    const [a, b = 0] = args.map(Number) as [number, number?];
    const result = f(a, b);
    return typeof result === 'boolean' || Number.isFinite(result) ? result : fail(`has no result for ${a} and ${b}.`);
  };
}

const nothing: SymbolOperator = () => undefined;

const SYMBOLS: Readonly<Record<string, SymbolOperator>> = {
  'torch.ops.aten.sym_size.int': ([x, axis], fail) => {
    const shape = typeof x === 'object' && x !== null && 'kind' in x ? shapeOf(x) : fail('reads the size of what is no tensor.');
    const at = Number(axis) < 0 ? Number(axis) + shape.length : Number(axis);
    return shape[at] ?? fail(`reads axis ${String(axis)} of a tensor of rank ${shape.length}.`);
  },
  'torch.ops.aten.sym_numel.default': ([x], fail) => (typeof x === 'object' && x !== null && 'kind' in x ? shapeOf(x).reduce((a, b) => a * b, 1) : fail('counts what is no tensor.')),
  '_operator.add': ofNumbers((a, b) => a + b),
  '_operator.sub': ofNumbers((a, b) => a - b),
  '_operator.mul': ofNumbers((a, b) => a * b),
  '_operator.floordiv': ofNumbers((a, b) => Math.floor(a / b)),
  '_operator.truediv': ofNumbers((a, b) => a / b),
  '_operator.mod': ofNumbers((a, b) => a - b * Math.floor(a / b)),
  '_operator.neg': ofNumbers((a) => -a),
  '_operator.pow': ofNumbers((a, b) => a ** b),
  '_operator.ge': ofNumbers((a, b) => a >= b),
  '_operator.le': ofNumbers((a, b) => a <= b),
  '_operator.gt': ofNumbers((a, b) => a > b),
  '_operator.lt': ofNumbers((a, b) => a < b),
  '_operator.eq': ofNumbers((a, b) => a === b),
  '_operator.ne': ofNumbers((a, b) => a !== b),
  'math.ceil': ofNumbers((a) => Math.ceil(a)),
  'math.floor': ofNumbers((a) => Math.floor(a)),
  'math.trunc': ofNumbers((a) => Math.trunc(a)),
  'torch.sym_float': ofNumbers((a) => a),
  'torch.sym_max': ofNumbers((a, b) => Math.max(a, b)),
  'torch.sym_min': ofNumbers((a, b) => Math.min(a, b)),
  'torch._sym_sqrt': ofNumbers((a) => Math.sqrt(a)),
  'torch.ops.aten._assert_scalar.default': nothing,
  'torch.ops.aten._assert_async.msg': nothing,
  'torch.ops.aten._assert_tensor_metadata.default': nothing,
  'torch.ops.aten.sym_constrain_range.default': nothing,
  'torch.ops.aten.sym_constrain_range_for_size.default': nothing,
};

export function symbolOperator(target: string): SymbolOperator | undefined {
  return Object.hasOwn(SYMBOLS, target) ? SYMBOLS[target] : undefined;
}
