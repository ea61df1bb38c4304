import type { HandlerTable } from '../layer.js';
import { attentionLayers } from './attention.js';
import { denseLayers } from './dense.js';
import { mergingLayers } from './merging.js';
import { recurrentLayers } from './recurrent.js';
import { softmaxLayers } from './softmax.js';
import { tableLayers } from './tableLayers.js';
import { unaryLayers } from './unary.js';

/** Every layer of HGQ2 that is read. */
export const hgqLayers: HandlerTable = {
  ...attentionLayers,
  ...denseLayers,
  ...mergingLayers,
  ...recurrentLayers,
  ...softmaxLayers,
  ...tableLayers,
  ...unaryLayers,
};
