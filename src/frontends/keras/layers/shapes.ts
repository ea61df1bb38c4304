import { sizeOf } from '../../../model/tensor.js';
import type { ConfigReader, Json } from '../json.js';
import { isIntegers } from '../json.js';
import type { HandlerTable, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';
import { cut, fromFirst, isChannelsFirst, reshape, transpose } from './support.js';

const flatten = unary(({ config, name }, x, context) => {
  // Channels in front go last before they are flattened, so that weights fit either format.
  const last = isChannelsFirst(config) && x.shape.length > 2 ? fromFirst(context, x, false, name) : x;
  return reshape(context, last, [1, sizeOf(x.shape)], name);
});

/** A target shape without the batch; one −1 takes what is left. */
export function targetShape(target: readonly number[], size: number): readonly number[] | undefined {
  const known = target.filter((n) => n !== -1).reduce((product, n) => product * n, 1);
  const open = target.filter((n) => n === -1).length;
  if (open > 1 || target.some((n) => n < -1 || n === 0) || (open === 1 ? size % known !== 0 : known !== size)) return undefined;
  return target.map((n) => (n === -1 ? size / known : n));
}

const reshapeLayer = unary(({ config, name }, x, context) => {
  const target = config.integers('target_shape') ?? [];
  const shape = targetShape(target, sizeOf(x.shape)) ?? config.bad('target_shape', `a shape of the input's ${sizeOf(x.shape)} elements`);
  return reshape(context, x, [1, ...shape], name);
});

const permute = unary(({ config, name }, x, context) => {
  const dims = config.integers('dims') ?? [];
  const rank = x.shape.length;
  if (dims.length !== rank - 1 || new Set(dims).size !== dims.length || dims.some((n) => n < 1 || n >= rank)) config.bad('dims', `a permutation of 1 to ${rank - 1}`);
  return transpose(context, x, [0, ...dims], name);
});

const repeatVector = unary(({ config, name }, x, context) => {
  const count = config.int('n');
  if (count < 1 || count > 65536 || x.shape.length !== 2) config.bad('n', 'a count of at least 1, and an input of two axes');
  const row = reshape(context, x, [1, 1, x.shape[1] as number], `${name}/row`);
  return context.add('gather', { axis: 1, indices: { shape: [count], data: new Float64Array(count), quantised: true } }, [row], name);
});

/** Pairs in front and behind of each spatial axis: a number, one a number an axis, or pairs. */
function pairs(config: ConfigReader, field: string, rank: number): readonly (readonly [number, number])[] {
  const value = config.json(field) ?? 1;
  const bad = (): never => config.bad(field, `whole numbers or pairs of them for ${rank} axes`);
  const pair = (item: Json): readonly [number, number] => {
    if (typeof item === 'number') return Number.isSafeInteger(item) && item >= 0 ? [item, item] : bad();
    return isIntegers(item) && item.length === 2 && item.every((n) => n >= 0 && n <= 65536) ? [item[0] as number, item[1] as number] : bad();
  };
  if (typeof value === 'number') return new Array<readonly [number, number]>(rank).fill(pair(value));
  if (rank === 1 && isIntegers(value)) return [pair(value as Json)];
  if (!Array.isArray(value) || value.length !== rank) return bad();
  return (value as readonly Json[]).map(pair);
}

function padding(rank: number): LayerHandler {
  return unary(({ config, name }, x, context) => {
    if (x.shape.length !== rank + 2) context.fail('input', name, 'bad-rank', `pads ${rank} axes of an input [${x.shape.join(', ')}].`);
    const amounts = pairs(config, 'padding', rank);
    const around = (side: 0 | 1): readonly number[] => {
      const spatial = amounts.map((pair) => pair[side]);
      return isChannelsFirst(config) ? [0, 0, ...spatial] : [0, ...spatial, 0];
    };
    return context.add('pad', { pads: [...around(0), ...around(1)], value: 0 }, [x], name);
  });
}

function cropping(rank: number): LayerHandler {
  return unary(({ config, name }, x, context) => {
    if (x.shape.length !== rank + 2) context.fail('input', name, 'bad-rank', `crops ${rank} axes of an input [${x.shape.join(', ')}].`);
    const first = isChannelsFirst(config) ? 2 : 1;
    return pairs(config, 'cropping', rank).reduce((y, [front, behind], i) => cut(context, y, i + first, front, (y.shape[i + first] as number) - behind, i === rank - 1 ? name : `${name}/axis${i + first}`), x);
  });
}

const embedding = unary(({ config, weights, name }, x, context) => {
  if (config.boolean('mask_zero', false)) context.fail('unsupported', name, 'mask', 'masks the index 0, which is not supported.', 'Build it with mask_zero=False.');
  const [table] = weights.variables(['embeddings']);
  if (table === undefined || table.shape.length !== 2) return context.fail('input', name, 'bad-weights', `has a table [${table?.shape.join(', ') ?? ''}]; two axes are needed.`);
  return context.add('embedding', { table }, [x], name);
});

export const shapeLayers: HandlerTable = {
  Cropping1D: cropping(1),
  Cropping2D: cropping(2),
  Cropping3D: cropping(3),
  Embedding: embedding,
  Flatten: flatten,
  Permute: permute,
  RepeatVector: repeatVector,
  Reshape: reshapeLayer,
  ZeroPadding1D: padding(1),
  ZeroPadding2D: padding(2),
  ZeroPadding3D: padding(3),
};
