import { algebraicIdentities } from './algebraicIdentities.js';
import { commonSubexpressions } from './commonSubexpressions.js';
import { constantFolding } from './constantFolding.js';
import { deadCode } from './deadCode.js';
import { decidedValues } from './decidedValues.js';
import { narrowCasts } from './narrowCasts.js';
import type { Pass } from './pass.js';
import { redundantCasts } from './redundantCasts.js';
import { tableTrimming } from './tableTrimming.js';

/**
 * The passes every circuit goes through, in this order. Casts merge before they narrow, because a relu merges only
 * into a cast that still saturates; sharing comes late, when equal things look equal; what lost its readers goes last.
 */
export const defaultPasses: readonly Pass[] = [
  constantFolding,
  algebraicIdentities,
  decidedValues,
  redundantCasts,
  narrowCasts,
  tableTrimming,
  commonSubexpressions,
  deadCode,
];
