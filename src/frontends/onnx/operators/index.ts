import type { Operator, OperatorTable } from '../operator.js';
import { activations } from './activations.js';
import { arithmetic } from './arithmetic.js';
import { codes } from './codes.js';
import { integers, microsoft } from './integers.js';
import { functions } from './functions.js';
import { matrix } from './matrix.js';
import { movement } from './movement.js';
import { normalisations } from './normalisation.js';
import { quantisers } from './quantisers.js';
import { recurrentOperators } from './recurrent.js';
import { reductions } from './reductions.js';
import { resizing } from './resize.js';
import { shapes } from './shapes.js';
import { trees } from './trees.js';
import { windows } from './windows.js';

/** Operators of ai.onnx. */
const standard: OperatorTable = { ...activations, ...arithmetic, ...functions, ...integers, ...normalisations, ...resizing, ...matrix, ...movement, ...recurrentOperators, ...reductions, ...shapes, ...windows };

/** Operators by domain; the quantisers have had three homes. */
export const operatorsByDomain: ReadonlyMap<string, OperatorTable> = new Map([
  ['', standard],
  ['ai.onnx', standard],
  ['ai.onnx.ml', trees],
  ['com.microsoft', microsoft],
  ['onnx.brevitas', quantisers],
  ['qonnx.custom_op.general', quantisers],
  ['finn.custom_op.general', quantisers],
]);

export function findOperator(domain: string, type: string): Operator | undefined {
  const table = operatorsByDomain.get(domain);
  return table !== undefined && Object.hasOwn(table, type) ? table[type] : undefined;
}

/** Whether a node is one of QONNX's: a file with such nodes is QONNX. */
export function isQonnx(domain: string, type: string): boolean {
  return operatorsByDomain.get(domain) === quantisers && Object.hasOwn(quantisers, type);
}

/** Whether a node quantises: constants on a coarse grid are then meant as they are. */
export function isQuantiser(domain: string, type: string): boolean {
  return isQonnx(domain, type) || Object.hasOwn(codes, type) || type.startsWith('QLinear');
}
