import type { Operator, OperatorTable } from '../operator.js';
import { activations } from './activations.js';
import { arithmetic } from './arithmetic.js';
import { choices } from './choices.js';
import { codes } from './codes.js';
import { integers, microsoft } from './integers.js';
import { channelsLastOperators, finn } from './finn.js';
import { functions } from './functions.js';
import { matrix } from './matrix.js';
import { movement } from './movement.js';
import { normalisations } from './normalisation.js';
import { ordering } from './ordering.js';
import { quantisers } from './quantisers.js';
import { recurrentOperators } from './recurrent.js';
import { reductions } from './reductions.js';
import { resizing } from './resize.js';
import { selection } from './selection.js';
import { shapes } from './shapes.js';
import { trees } from './trees.js';
import { windows } from './windows.js';

/** Operators of ai.onnx. */
const standard: OperatorTable = { ...activations, ...arithmetic, ...choices, ...functions, ...integers, ...normalisations, ...ordering, ...resizing, ...matrix, ...movement, ...recurrentOperators, ...reductions, ...selection, ...shapes, ...windows };

/** QONNX' quantisers and FINN's operators beside them. */
const qonnx: OperatorTable = { ...quantisers, ...finn };

/** Operators by domain; the quantisers have had three homes. */
export const operatorsByDomain: ReadonlyMap<string, OperatorTable> = new Map([
  ['', standard],
  ['ai.onnx', standard],
  ['ai.onnx.ml', trees],
  ['com.microsoft', microsoft],
  ['onnx.brevitas', qonnx],
  ['qonnx.custom_op.general', qonnx],
  ['finn.custom_op.general', qonnx],
  ['qonnx.custom_op.channels_last', channelsLastOperators],
]);

export function findOperator(domain: string, type: string): Operator | undefined {
  const table = operatorsByDomain.get(domain);
  return table !== undefined && Object.hasOwn(table, type) ? table[type] : undefined;
}

/** Whether a node is one of QONNX's: a file with such nodes is QONNX. */
export function isQonnx(domain: string, type: string): boolean {
  return operatorsByDomain.get(domain) === qonnx && Object.hasOwn(qonnx, type);
}

/** Whether a node quantises: constants on a coarse grid are then meant as they are. */
export function isQuantiser(domain: string, type: string): boolean {
  return isQonnx(domain, type) || Object.hasOwn(codes, type) || type.startsWith('QLinear');
}
