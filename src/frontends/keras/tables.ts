import { activationTable } from './layers/activations.js';
import { coreLayers } from './layers/core.js';
import type { ActivationTable, HandlerTable } from './layer.js';

/** Every layer class that is read. */
export const layerHandlers: HandlerTable = { ...coreLayers };

/** Every activation. */
export const activations: ActivationTable = { ...activationTable };
