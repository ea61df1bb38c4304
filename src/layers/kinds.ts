/**
 * Every kind of layer, one line each, by the name that graphs and model.json use: the registry. Their parameters' types,
 * schemas and rules all come from the definitions.
 */
export { activationLayer as activation } from './activation.js';
export { argmaxLayer as argmax } from './argmax.js';
export { batchNormalizationLayer as batchNormalization } from './batchNormalization.js';
export { bipolarQuantLayer as bipolarQuant } from './bipolarQuant.js';
export { clipLayer as clip } from './clip.js';
export { compareLayer as compare } from './compare.js';
export { concatLayer as concat } from './concat.js';
export { convLayer as conv } from './conv.js';
export { convTransposeLayer as convTranspose } from './convTranspose.js';
export { denseLayer as dense } from './dense.js';
export { dotLayer as dot } from './dot.js';
export { einsumLayer as einsum } from './einsum.js';
export { elementwiseLayer as elementwise } from './elementwise.js';
export { embeddingLayer as embedding } from './embedding.js';
export { fixedQuantLayer as fixedQuant } from './fixedQuant.js';
export { forestLayer as forest } from './forest.js';
export { gatherLayer as gather } from './gather.js';
export { layerNormalizationLayer as layerNormalization } from './layerNormalization.js';
export { logicLayer as logic } from './logic.js';
export { lutLayer as lut } from './lut.js';
export { matmulLayer as matmul } from './matmul.js';
export { padLayer as pad } from './pad.js';
export { poolLayer as pool } from './pool.js';
export { preluLayer as prelu } from './prelu.js';
export { quantLayer as quant } from './quant.js';
export { reduceLayer as reduce } from './reduce.js';
export { reshapeLayer as reshape } from './reshape.js';
export { scalingLayer as scaling } from './scaling.js';
export { selectLayer as select } from './select.js';
export { sliceLayer as slice } from './slice.js';
export { softmaxLayer as softmax } from './softmax.js';
export { sortLayer as sort } from './sort.js';
export { staircaseLayer as staircase } from './staircase.js';
export { toIntegerLayer as toInteger } from './toInteger.js';
export { topKLayer as topK } from './topK.js';
export { transposeLayer as transpose } from './transpose.js';
export { truncLayer as trunc } from './trunc.js';
export { whereLayer as where } from './where.js';
