import type { AtenOperator } from '../call.js';
import { elementOperators } from './elements.js';
import { layerOperators } from './layers.js';
import { movementOperators } from './movement.js';
import { pairOperators } from './pairs.js';
import { reductionOperators } from './reductions.js';
import { selectionOperators } from './selection.js';

/** Every ATen operator, by name with or without its overload. */
export const atenOperators: Readonly<Record<string, AtenOperator>> = { ...layerOperators, ...elementOperators, ...movementOperators, ...pairOperators, ...reductionOperators, ...selectionOperators };

/** `linear.default` → its operator; the overload decides where it changes what is done. */
export function findAten(target: string): AtenOperator | undefined {
  if (Object.hasOwn(atenOperators, target)) return atenOperators[target];
  const base = target.split('.')[0] ?? '';
  if (Object.hasOwn(atenOperators, base)) return atenOperators[base];
  const inPlace = base.endsWith('_') ? base.slice(0, -1) : '';
  return Object.hasOwn(atenOperators, inPlace) ? atenOperators[inPlace] : undefined;
}
