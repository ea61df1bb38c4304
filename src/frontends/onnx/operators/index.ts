import type { Operator, OperatorTable } from '../operator.js';
import { activations } from './activations.js';
import { arithmetic } from './arithmetic.js';
import { matrix } from './matrix.js';
import { movement } from './movement.js';
import { quantisers } from './quantisers.js';
import { reductions } from './reductions.js';
import { shapes } from './shapes.js';
import { windows } from './windows.js';

/** Operators of ai.onnx. */
const standard: OperatorTable = { ...activations, ...arithmetic, ...matrix, ...movement, ...reductions, ...shapes, ...windows };

/** Operators by domain; the quantisers have had three homes. */
const domains: ReadonlyMap<string, OperatorTable> = new Map([
  ['', standard],
  ['ai.onnx', standard],
  ['onnx.brevitas', quantisers],
  ['qonnx.custom_op.general', quantisers],
  ['finn.custom_op.general', quantisers],
]);

export function findOperator(domain: string, type: string): Operator | undefined {
  const table = domains.get(domain);
  return table !== undefined && Object.hasOwn(table, type) ? table[type] : undefined;
}

/** Whether a node quantises: a file with such nodes is QONNX. */
export function isQuantiser(domain: string, type: string): boolean {
  return domains.get(domain) === quantisers && Object.hasOwn(quantisers, type);
}
