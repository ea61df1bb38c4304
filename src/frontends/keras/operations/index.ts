import type { HandlerTable } from '../layer.js';
import { elementOperations } from './elements.js';
import { neuralOperations } from './neural.js';
import { pickingOperations } from './picking.js';
import { productOperations } from './products.js';
import { reductionOperations } from './reductions.js';
import { shapeOperations } from './shapes.js';
import { tensorflowLayers } from './tensorflow.js';
import { windowOperations } from './windows.js';

/** What a functional model holds of keras.ops. */
const operations: HandlerTable = { ...elementOperations, ...neuralOperations, ...pickingOperations, ...productOperations, ...reductionOperations, ...shapeOperations, ...windowOperations };

export const operationLayers: HandlerTable = {
  ...Object.fromEntries(Object.entries(operations).map(([name, handler]) => [`ops>${name}`, handler])),
  ...tensorflowLayers(operations),
};
