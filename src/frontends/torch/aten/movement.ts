import { sizeOf } from '../../../model/tensor.js';
import type { Value } from '../../onnx/values.js';
import { constant, shapeOf } from '../../onnx/values.js';
import type { AtenOperator, AtenTable, Call } from '../call.js';
import { integers } from '../operators.js';

/** What only a runtime sees: copies, views, asserts. */
const same: AtenOperator = (call) => call.tensor('self');

function transpose(call: Call): Value {
  const x = call.tensor('self');
  const rank = shapeOf(x).length;
  const [a, b] = [call.axis('dim0', rank), call.axis('dim1', rank)];
  const perm = Array.from({ length: rank }, (_, i) => (i === a ? b : i === b ? a : i));
  return call.op('Transpose', [x], { perm });
}

function permute(call: Call): Value {
  const x = call.tensor('self');
  const rank = shapeOf(x).length;
  return call.op('Transpose', [x], { perm: (call.list('dims') ?? []).map((axis) => call.normal(axis, rank)) });
}

function flatten(call: Call): Value {
  const x = call.tensor('self');
  const shape = shapeOf(x);
  const [start, end] = [call.axis('start_dim', shape.length, 0), call.axis('end_dim', shape.length, -1)];
  return call.reshape(x, [...shape.slice(0, start), sizeOf(shape.slice(start, end + 1)), ...shape.slice(end + 1)]);
}

function unflatten(call: Call): Value {
  const x = call.tensor('self');
  const shape = shapeOf(x);
  const axis = call.axis('dim', shape.length);
  const sizes = call.list('sizes') ?? [];
  const known = sizes.reduce((product, n) => (n === -1 ? product : product * n), 1);
  const whole = sizes.map((n) => (n === -1 ? (shape[axis] as number) / known : n));
  return call.reshape(x, [...shape.slice(0, axis), ...whole, ...shape.slice(axis + 1)]);
}

function squeeze(call: Call): Value {
  const x = call.tensor('self');
  const shape = shapeOf(x);
  const named = (call.list('dim') ?? shape.map((_, i) => i).slice(1)).map((axis) => call.normal(axis, shape.length));
  const axes = new Set(named.filter((axis) => shape[axis] === 1));
  return axes.size === 0 ? x : call.reshape(x, shape.filter((_, axis) => !axes.has(axis)));
}

function unsqueeze(call: Call): Value {
  const x = call.tensor('self');
  return call.op('Unsqueeze', [x, integers([call.integer('dim')])]);
}

/** −1 keeps a length. */
function expand(call: Call): Value {
  const x = call.tensor('self');
  const shape = shapeOf(x);
  const size = call.target.startsWith('expand_as') ? shapeOf(call.tensor('other')) : (call.list('size') ?? []);
  const ahead = size.length - shape.length;
  return call.op('Expand', [x, integers(size.map((n, i) => (n === -1 ? (shape[i - ahead] ?? 1) : n)))]);
}

function repeat(call: Call): Value {
  const x = call.tensor('self');
  const counts = call.list('repeats') ?? call.list('dims') ?? [];
  const shape = shapeOf(x);
  const ahead = Math.max(0, counts.length - shape.length);
  const lifted = ahead === 0 ? x : call.reshape(x, [...new Array<number>(ahead).fill(1), ...shape], 'rank');
  const all = [...new Array<number>(Math.max(0, shape.length - counts.length)).fill(1), ...counts];
  return call.op('Tile', [lifted, integers(all)]);
}

function slice(call: Call): Value {
  const axis = call.integer('dim', 0);
  const bound = (name: string, fallback: number): number => (call.has(name) ? call.number(name) : fallback);
  return call.op('Slice', [call.tensor('self'), integers([bound('start', 0)]), integers([Math.min(bound('end', Infinity), 2 ** 31 - 1)]), integers([axis]), integers([call.integer('step', 1)])]);
}

function select(call: Call): Value {
  return call.op('Gather', [call.tensor('self'), constant('', [], [call.integer('index')], { integer: true })], { axis: call.integer('dim') });
}

function concat(call: Call): Value {
  return call.op('Concat', call.tensors('tensors'), { axis: call.integer('dim', 0) });
}

function stack(call: Call): Value {
  const parts = call.tensors('tensors') as Value[];
  const axis = call.axis('dim', shapeOf(parts[0] as Value).length + 1, 0);
  return call.op('Concat', parts.map((part, i) => call.op('Unsqueeze', [part, integers([axis])], {}, `part${i}`)), { axis });
}

/** Parts of given lengths along an axis. */
function parts(call: Call, lengths: readonly number[], axis: number): readonly Value[] {
  return call.ops('Split', [call.tensor('self'), integers(lengths)], { axis }, lengths.length);
}

function split(call: Call): readonly Value[] {
  const shape = call.shape('self');
  const axis = call.axis('dim', shape.length, 0);
  const length = shape[axis] as number;
  const sizes = call.list('split_sizes') ?? call.list('split_size') ?? [];
  if (sizes.length !== 1 || call.target.startsWith('split_with_sizes') || call.target.endsWith('.sizes')) return parts(call, sizes, axis);
  return parts(call, evenly(length, Math.max(1, sizes[0] as number)), axis);
}

function chunk(call: Call): readonly Value[] {
  const shape = call.shape('self');
  const axis = call.axis('dim', shape.length, 0);
  const length = shape[axis] as number;
  return parts(call, evenly(length, Math.ceil(length / Math.max(1, call.integer('chunks')))), axis);
}

function evenly(length: number, part: number): readonly number[] {
  return Array.from({ length: Math.ceil(length / part) }, (_, i) => Math.min(part, length - i * part));
}

function unbind(call: Call): readonly Value[] {
  const x = call.tensor('self');
  const shape = shapeOf(x);
  const axis = call.axis('dim', shape.length, 0);
  return Array.from({ length: shape[axis] as number }, (_, i) => call.op('Gather', [x, constant('', [], [i], { integer: true })], { axis }, String(i)));
}

function narrow(call: Call): Value {
  const start = call.integer('start');
  return call.op('Slice', [call.tensor('self'), integers([start]), integers([start + call.integer('length')]), integers([call.integer('dim')])]);
}

/** Elements of one axis in another order. */
function reordered(call: Call, x: Value, axis: number, source: (i: number, length: number) => number, part?: string): Value {
  const length = shapeOf(x)[axis] as number;
  return call.op('Gather', [x, integers(Array.from({ length }, (_, i) => source(i, length)))], { axis }, part);
}

function flip(call: Call): Value {
  let x = call.tensor('self');
  for (const axis of call.list('dims') ?? []) x = reordered(call, x, call.normal(axis, shapeOf(x).length), (i, length) => length - 1 - i, `axis${axis}`);
  return x;
}

function roll(call: Call): Value {
  let x = call.tensor('self');
  const axes = call.list('dims') ?? [];
  if (axes.length === 0) return call.fail('unsupported', 'roll', 'rolls all axes as one; name its axes.');
  const shifts = call.list('shifts') ?? [];
  axes.forEach((axis, i) => (x = reordered(call, x, call.normal(axis, shapeOf(x).length), (k, length) => (((k - (shifts[i] ?? 0)) % length) + length) % length, `axis${axis}`)));
  return x;
}

/** Pads of torch: of the last axis first, begin and end in turn. */
function padded(call: Call, x: Value, pads: readonly number[], mode: string, value: number): Value {
  const rank = shapeOf(x).length;
  const begin = new Array<number>(rank).fill(0);
  const end = new Array<number>(rank).fill(0);
  for (let i = 0; 2 * i + 1 < pads.length; i++) {
    begin[rank - 1 - i] = pads[2 * i] as number;
    end[rank - 1 - i] = pads[2 * i + 1] as number;
  }
  const modes: Readonly<Record<string, string>> = { constant: 'constant', reflect: 'reflect', replicate: 'edge', circular: 'wrap' };
  const own = Object.hasOwn(modes, mode) ? modes[mode] : undefined;
  if (own === undefined) return call.fail('unsupported', 'pad-mode', `pads in mode '${mode.slice(0, 20)}'; ${Object.keys(modes).join(', ')} are supported.`);
  const filling = own === 'constant' ? constant('', [], [value], { quantised: true }) : undefined;
  return call.op('Pad', [x, integers([...begin, ...end]), filling], { mode: own });
}

function pad(mode: string): AtenOperator {
  return (call) => padded(call, call.tensor('self'), call.list(call.has('pad') ? 'pad' : 'padding') ?? [], mode, call.has('value') ? call.number('value') : 0);
}

/** A constant of a shape. */
function filled(value: (call: Call) => number, shape: (call: Call) => readonly number[]): AtenOperator {
  return (call) => {
    const dims = shape(call);
    const size = sizeOf(dims);
    call.operators.builder.tensors.reserve(size, call.name);
    const number = value(call);
    return constant('', dims, new Float64Array(size).fill(number), { integer: false, quantised: Number.isInteger(number) });
  };
}

const sizeArgument = (call: Call): readonly number[] => call.list('size') ?? [];
const likeSelf = (call: Call): readonly number[] => call.shape('self');

function arange(call: Call): Value {
  const start = call.has('start') ? call.number('start') : 0;
  const step = call.number('step', 1);
  const length = Math.max(0, Math.ceil((call.number('end') - start) / step));
  call.operators.builder.tensors.reserve(length, call.name);
  return constant('', [length], Float64Array.from({ length }, (_, i) => start + i * step), { integer: Number.isInteger(start) && Number.isInteger(step) });
}

/** A cast to integers drops fractions; among floats nothing happens. */
function cast(call: Call): Value {
  const x = call.tensor('self');
  const type = call.has('dtype') ? call.number('dtype') : 7;
  const onnx: Readonly<Record<number, number>> = { 4: 6, 5: 7, 12: 9 };
  const to = onnx[type];
  return to === undefined ? x : call.op('Cast', [x], { to });
}

/** pixel_shuffle: channels first in blocks, as ONNX' CRD mode. */
function pixelShuffle(call: Call): Value {
  return call.op('DepthToSpace', [call.tensor('self')], { blocksize: call.integer('upscale_factor'), mode: 'CRD' });
}

/** Runs of a length from each start, `step` apart. */
function unfold(call: Call): Value {
  const x = call.tensor('self');
  const shape = shapeOf(x);
  const axis = call.axis('dimension', shape.length);
  const [size, step] = [call.integer('size'), call.integer('step')];
  const count = Math.floor(((shape[axis] as number) - size) / step) + 1;
  const indices = constant('', [count, size], Float64Array.from({ length: count * size }, (_, i) => Math.floor(i / size) * step + (i % size)), { integer: true });
  const picked = call.op('Gather', [x, indices], { axis }, 'windows');
  const rank = shape.length + 1;
  const perm = [...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis + 1), axis + 1];
  return call.op('Transpose', [picked], { perm });
}

/** What only moves, copies or makes elements. */
export const movementOperators: AtenTable = {
  view: (call) => call.op('Reshape', [call.tensor('self'), integers(call.list('size') ?? [])], { allowzero: 1 }),
  _unsafe_view: (call) => call.op('Reshape', [call.tensor('self'), integers(call.list('size') ?? [])], { allowzero: 1 }),
  reshape: (call) => call.op('Reshape', [call.tensor('self'), integers(call.list('shape') ?? [])], { allowzero: 1 }),
  view_as: (call) => call.reshape(call.tensor('self'), call.shape('other')),
  flatten,
  unflatten,
  permute,
  transpose,
  swapaxes: transpose,
  t: (call) => (call.rank('self') < 2 ? call.tensor('self') : call.op('Transpose', [call.tensor('self')], { perm: [1, 0] })),
  numpy_T: (call) => call.op('Transpose', [call.tensor('self')], {}),
  squeeze,
  unsqueeze,
  expand,
  expand_as: expand,
  repeat,
  tile: repeat,
  slice,
  select,
  cat: concat,
  concat,
  stack,
  split,
  split_with_sizes: split,
  chunk,
  unbind,
  narrow,
  flip,
  roll,
  unfold,
  pad: (call) => padded(call, call.tensor('self'), call.list('pad') ?? [], call.text('mode', 'constant'), call.has('value') ? call.number('value') : 0),
  constant_pad_nd: pad('constant'),
  reflection_pad1d: pad('reflect'),
  reflection_pad2d: pad('reflect'),
  replication_pad1d: pad('replicate'),
  replication_pad2d: pad('replicate'),
  reflection_pad3d: pad('reflect'),
  replication_pad3d: pad('replicate'),
  pixel_shuffle: pixelShuffle,
  pixel_unshuffle: (call) => call.op('SpaceToDepth', [call.tensor('self')], { blocksize: call.integer('downscale_factor'), mode: 'CRD' }),
  zeros: filled(() => 0, sizeArgument),
  ones: filled(() => 1, sizeArgument),
  full: filled((call) => call.number('fill_value'), sizeArgument),
  zeros_like: filled(() => 0, likeSelf),
  ones_like: filled(() => 1, likeSelf),
  full_like: filled((call) => call.number('fill_value'), likeSelf),
  new_zeros: filled(() => 0, sizeArgument),
  new_ones: filled(() => 1, sizeArgument),
  new_full: filled((call) => call.number('fill_value'), sizeArgument),
  scalar_tensor: filled((call) => call.number('s'), () => []),
  arange,
  to: cast,
  _to_copy: cast,
  type_as: same,
  contiguous: same,
  clone: same,
  alias: same,
  detach: same,
  detach_: same,
  lift_fresh_copy: same,
  dropout: (call) => call.tensor('input'),
  dropout_: (call) => call.tensor('self'),
  feature_dropout: (call) => call.tensor('input'),
  alpha_dropout: (call) => call.tensor('input'),
};
