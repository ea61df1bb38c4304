import { digitCount } from '../../fixed/signedDigits.js';

/** Signed powers of two a weight may have at most. */
const MOST_DIGITS = 5;

/** A weight has no digit this many places below the greatest magnitude of its column. */
const PLACES = 12;

/** What is added to the diagonal before a covariance is inverted, as a share of its mean. */
const DAMPING = 0.01;

/** The order in which weights are settled one after the other, and how those that are still free make up for each. */
export interface Elimination {
  /** Inputs, those that vary most first. */
  readonly order: Int32Array;
  /** Upper triangular U with UᵀU the inverse of the damped covariance in that order, `[n, n]`. */
  readonly factor: Float64Array;
}

/** Prepares `settle` for one covariance: O(n³), once for all columns. */
export function eliminationOf(covariance: Float64Array): Elimination {
  const n = Math.sqrt(covariance.length);
  const variance = (i: number): number => covariance[i * n + i] as number;
  const order = Int32Array.from({ length: n }, (_, i) => i).sort((a, b) => variance(b) - variance(a) || a - b);
  const damping = DAMPING * (order.reduce((sum, i) => sum + variance(i), 0) / n) || 1;
  // With the order reversed, C = LLᵀ; then U is L's inverse, transposed and turned back.
  const turned = order.toReversed();
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = (covariance[(turned[i] as number) * n + (turned[j] as number)] as number) + (i === j ? damping : 0);
      for (let k = 0; k < j; k++) sum -= (lower[i * n + k] as number) * (lower[j * n + k] as number);
      lower[i * n + j] = i === j ? Math.sqrt(Math.max(sum, damping * 1e-6)) : sum / (lower[j * n + j] as number);
    }
  }
  const inverse = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = i === j ? 1 : 0;
      for (let k = j; k < i; k++) sum -= (lower[i * n + k] as number) * (inverse[k * n + j] as number);
      inverse[i * n + j] = sum / (lower[i * n + i] as number);
    }
  }
  const factor = Float64Array.from({ length: n * n }, (_, at) => inverse[(n - 1 - Math.floor(at / n)) * n + (n - 1 - (at % n))] as number);
  return { order, factor };
}

/** A column of weights of one output, and what its errors cost. */
export interface Column {
  /** Weights of the float model. */
  readonly weights: Float64Array;
  /** Covariance of the inputs, `[n, n]` in C order, positive semidefinite with a positive diagonal where an input varies. */
  readonly covariance: Float64Array;
  /** The chosen weights: sums of a few signed powers of two. Changed in place. */
  readonly chosen: Float64Array;
  /** covariance · (weights − chosen), kept up to date. */
  readonly gradient: Float64Array;
}

/** A column that begins with its own weights, nearly: with as many digits as are allowed. */
export function beginColumn(weights: Float64Array, covariance: Float64Array): Column {
  const n = weights.length;
  const floor = finestPlace(weights);
  const chosen = weights.map((weight) => candidatesOf(weight, floor).at(-1)?.value ?? 0);
  const gradient = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) gradient[i]! += (covariance[i * n + j] as number) * ((weights[j] as number) - (chosen[j] as number));
  return { weights, covariance, chosen, gradient };
}

/**
 * Makes weights cheaper: minimises dᵀ·C·d + price · (signed digits of all weights) over the chosen weights, d = weights −
 * chosen, one weight at a time, the others fixed. What one weight loses the others make up for, as far as their inputs are
 * correlated; a weight without digits is pruned. `price` is in units of the error's variance. Coordinate descent ends in a
 * local minimum: raise the price in steps, each beginning with the last result.
 */
export function cheapen(column: Column, price: number): void {
  const { weights, covariance, chosen, gradient } = column;
  const n = weights.length;
  const floor = finestPlace(weights);
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let changes = 0;
    for (let i = 0; i < n; i++) {
      const curvature = covariance[i * n + i] as number;
      const own = chosen[i] as number;
      // An input that never varies is the bias' business.
      const value = curvature > 0 ? cheapest(own + (gradient[i] as number) / curvature, curvature, price, floor) : 0;
      if (value === own) continue;
      chosen[i] = value;
      changes++;
      for (let j = 0; j < n; j++) gradient[j]! -= (covariance[i * n + j] as number) * (value - own);
    }
    if (changes === 0) return;
  }
}

/** Descent nearly always stops by itself before. */
const MOST_SWEEPS = 8;

/**
 * Weights at a price, settled one after the other: each takes the value that is cheapest if those behind it make up for what it
 * loses, which they then do (the order and updates of GPTQ, Frantar et al. 2022, with signed digits for a grid). It finds what no
 * change of single weights does: of two inputs that are alike one takes over.
 */
export function settle(column: Column, { order, factor }: Elimination, price: number): void {
  const { weights, covariance, chosen, gradient } = column;
  const n = weights.length;
  const floor = finestPlace(weights);
  const free = Float64Array.from(order, (i) => weights[i] as number);
  for (let k = 0; k < n; k++) {
    const own = factor[k * n + k] as number;
    const i = order[k] as number;
    const target = free[k] as number;
    const value = (covariance[i * n + i] as number) > 0 ? cheapest(target, 1 / (own * own), price, floor) : 0;
    chosen[i] = value;
    const share = (target - value) / own;
    for (let j = k + 1; j < n; j++) free[j]! -= share * (factor[k * n + j] as number);
  }
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += (covariance[i * n + j] as number) * ((weights[j] as number) - (chosen[j] as number));
    gradient[i] = sum;
  }
}

/** What the descent makes as small as it can. */
export function objectiveOf(column: Column, price: number): number {
  return errorOf(column) + price * column.chosen.reduce((sum, value) => sum + digitCount(value), 0);
}

/** The variance of the error that the chosen weights make: dᵀ·C·d. */
export function errorOf({ weights, chosen, gradient }: Column): number {
  return Math.max(0, weights.reduce((sum, weight, i) => sum + (weight - (chosen[i] as number)) * (gradient[i] as number), 0));
}

/** The value of least curvature · (value − target)² + price · digits. */
function cheapest(target: number, curvature: number, price: number, floor: number): number {
  let best = 0;
  let least = curvature * target * target;
  for (const { value, digits } of candidatesOf(target, floor)) {
    const cost = curvature * (value - target) ** 2 + price * digits;
    if (cost < least) [best, least] = [value, cost];
  }
  return best;
}

/** Approximations by 1, 2, … signed powers of two not below 2^floor, each the last one and the power nearest to what is left. */
function candidatesOf(target: number, floor: number): { readonly value: number; readonly digits: number }[] {
  const found: { value: number; digits: number }[] = [];
  let value = 0;
  for (let digits = 1; digits <= MOST_DIGITS; digits++) {
    const rest = target - value;
    const place = nearestPlace(Math.abs(rest));
    if (place < floor) break;
    value += Math.sign(rest) * 2 ** place;
    found.push({ value, digits });
  }
  return found;
}

/** The exponent of the power of two nearest to a positive number. */
function nearestPlace(x: number): number {
  return x > 0 ? Math.floor(Math.log2(x / 0.75)) : -Infinity;
}

function finestPlace(weights: Float64Array): number {
  return nearestPlace(weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0)) - PLACES;
}
