import { hgqLayers } from './hgq/index.js';
import { hgq1Layers } from './hgq1.js';
import type { ActivationTable, HandlerTable } from './layer.js';
import { activationLayers, activationTable } from './layers/activations.js';
import { attentionLayers } from './layers/attention.js';
import { categoryLayers } from './layers/categories.js';
import { contribLayers } from './layers/contrib.js';
import { convolutionLayers } from './layers/convolution.js';
import { coreLayers } from './layers/core.js';
import { einsumLayers } from './layers/einsum.js';
import { mergeLayers } from './layers/merge.js';
import { normalisationLayers } from './layers/normalisation.js';
import { operationLayers } from './operations/index.js';
import { poolingLayers } from './layers/pooling.js';
import { recurrentLayers } from './layers/recurrent.js';
import { shapeLayers } from './layers/shapes.js';
import { qkerasActivations, qkerasLayers } from './qkeras/index.js';

/** Every layer class that is read. */
export const layerHandlers: HandlerTable = {
  ...activationLayers,
  ...attentionLayers,
  ...categoryLayers,
  ...contribLayers,
  ...convolutionLayers,
  ...coreLayers,
  ...einsumLayers,
  ...hgq1Layers,
  ...hgqLayers,
  ...mergeLayers,
  ...normalisationLayers,
  ...operationLayers,
  ...poolingLayers,
  ...qkerasLayers,
  ...recurrentLayers,
  ...shapeLayers,
};

/** Every activation. */
export const activations: ActivationTable = { ...activationTable, ...qkerasActivations };
