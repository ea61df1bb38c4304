import type { HandlerTable } from '../layer.js';
import { padsOf } from '../layers/convolution.js';
import { isChannelsFirst, reshape } from '../layers/support.js';
import { checkSize, one } from './operands.js';

/** What lies under each position of a window: `[1, …spatial, channels]` → `[1, …positions, elements of the window]`, channels last. */
const patches = one((layer, x, context) => {
  const { config, name } = layer;
  const rank = x.shape.length - 2;
  if (rank < 1 || rank > 3) return context.fail('unsupported', name, 'bad-rank', `takes patches of an input [${x.shape.join(', ')}]; 1 to 3 spatial axes are supported.`);
  if (isChannelsFirst(config)) config.bad('data_format', "'channels_last'");
  const sizes = (field: string, fallback?: readonly number[]): readonly number[] => {
    const list = config.ints(field, rank, fallback);
    return list.every((n) => n >= 1 && n <= 65536) ? list : config.bad(field, 'sizes of at least 1');
  };
  const size = sizes('size');
  const [strides, dilations] = [sizes('strides', size), sizes('dilation_rate', new Array<number>(rank).fill(1))];
  const padding = config.string('padding', 'valid').toLowerCase();
  if (padding !== 'valid' && padding !== 'same') config.bad('padding', "'valid' or 'same'");
  const spatial = x.shape.slice(1, -1);
  const channels = x.shape.at(-1) as number;
  const pads = padsOf(spatial, size, { strides, dilations, padding, channelsFirst: false });
  const padded = pads.every((n) => n === 0) ? x : context.add('pad', { pads: [0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank), 0], value: 0 }, [x], `${name}/padded`);
  const lengths = padded.shape.slice(1, -1);
  const counts = lengths.map((n, k) => Math.floor((n - (((size[k] as number) - 1) * (dilations[k] as number) + 1)) / (strides[k] as number)) + 1);
  if (counts.some((n) => n < 1)) config.bad('size', `a window inside [${spatial.join(', ')}]`);
  checkSize(layer, [...counts, ...size].reduce((a, b) => a * b, channels), context);
  const starts = grid(counts, strides, lengths);
  const offsets = grid(size, dilations, lengths);
  const places = starts.flatMap((start) => offsets.flatMap((offset) => Array.from({ length: channels }, (_, c) => (start + offset) * channels + c)));
  const flat = reshape(context, padded, [1, lengths.reduce((a, b) => a * b, channels)], `${name}/flat`);
  const indices = { shape: [...counts, offsets.length * channels], data: Float64Array.from(places), quantised: true };
  return context.add('gather', { axis: 1, indices }, [flat], name);
});

/** Positions of a regular grid in row-major order: `counts` of them along each axis, `steps` apart. */
function grid(counts: readonly number[], steps: readonly number[], lengths: readonly number[]): number[] {
  return counts.reduce<number[]>((rows, count, k) => rows.flatMap((row) => Array.from({ length: count }, (_, i) => row * (lengths[k] as number) + i * (steps[k] as number))), [0]);
}

/** Operations of keras.ops that go over windows. */
export const windowOperations: HandlerTable = { ExtractPatches: patches };
