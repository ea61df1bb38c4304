/** A tree to be fitted; node 0 is the root. Conditions are on integers of the feature's grid. */
export interface FitTree {
  readonly output: number;
  /** Feature per node, −1 at a leaf. */
  readonly feature: Int32Array;
  /** Per node: the condition holds where an even number of limits is at most x. */
  readonly limits: (readonly number[])[];
  readonly whenTrue: Int32Array;
  readonly whenFalse: Int32Array;
  /** Leaf values in steps. */
  readonly leaf: Float64Array;
}

/** Events to fit to. */
export interface FitData {
  readonly rows: number;
  readonly nFeatures: number;
  /** `[rows, nFeatures]` on the features' grids. */
  readonly x: Int32Array;
  /** `[rows, nOutputs]` scores to reach, in steps. */
  readonly target: Float64Array;
  /** `[rows, nOutputs]`: how much an error of the score matters. */
  readonly weight: Float64Array;
  readonly nOutputs: number;
}

export interface FitOptions {
  /** Weighted squared error, in steps² a row, that one LUT is worth. */
  readonly price: number;
  readonly sweeps: number;
  /** Bits of a feature's type. */
  readonly featureBits: number;
}

/** LUTs that a split costs besides its comparison; what the first split of a tree adds, an adder and a table. */
const SPLIT_COST = 0.8;
const TREE_COST = 4;
/** A comparison may move this share of the feature's range. */
const MOVE_SHARE = 1 / 48;

/**
 * Fits trees anew to the scores of a forest, with whole leaves: tree by tree, the others fixed, leaves are weighted means of
 * what is missing, rounded; thresholds move to ones that are in use or read fewer bits; a split stays only if it saves
 * more error than its LUTs are worth. The price rises from sweep to sweep.
 */
export function fitForest(trees: readonly FitTree[], data: FitData, options: FitOptions): readonly FitTree[] {
  const fitted = trees.map(copyOf);
  const sums = new Float64Array(data.rows * data.nOutputs);
  const all = Int32Array.from({ length: data.rows }, (_, row) => row);
  const uses = new Map<string, number>();
  for (const tree of fitted) {
    addTo(sums, tree, data, 1);
    countKeys(uses, tree, 1);
  }
  const residual = new Float64Array(data.rows);
  for (let sweep = 0; sweep < options.sweeps; sweep++) {
    const price = options.price * data.rows * ((sweep + 1) / options.sweeps);
    for (const tree of fitted) {
      addTo(sums, tree, data, -1);
      for (let row = 0; row < data.rows; row++) {
        const at = row * data.nOutputs + tree.output;
        residual[row] = (data.target[at] as number) - (sums[at] as number);
      }
      countKeys(uses, tree, -1);
      new TreeFit(tree, data, residual, uses, price, options.featureBits).run(all.slice());
      countKeys(uses, tree, 1);
      addTo(sums, tree, data, 1);
    }
  }
  return fitted;
}

function copyOf(tree: FitTree): FitTree {
  return {
    output: tree.output, feature: tree.feature.slice(), limits: [...tree.limits],
    whenTrue: tree.whenTrue.slice(), whenFalse: tree.whenFalse.slice(), leaf: tree.leaf.slice(),
  };
}

/** Whether the condition of a node holds for a value. */
function holds(limits: readonly number[], x: number): boolean {
  if (limits.length === 1) return x < (limits[0] as number);
  let count = 0;
  while (count < limits.length && (limits[count] as number) <= x) count++;
  return count % 2 === 0;
}

/** The leaf that a row reaches. */
function leafOf(tree: FitTree, data: FitData, row: number, from = 0): number {
  let node = from;
  const offset = row * data.nFeatures;
  for (let feature = tree.feature[node] as number; feature >= 0; feature = tree.feature[node] as number) {
    node = (holds(tree.limits[node] as readonly number[], data.x[offset + feature] as number) ? tree.whenTrue[node] : tree.whenFalse[node]) as number;
  }
  return node;
}

function addTo(sums: Float64Array, tree: FitTree, data: FitData, sign: 1 | -1): void {
  for (let row = 0; row < data.rows; row++) {
    const at = row * data.nOutputs + tree.output;
    sums[at] = (sums[at] as number) + sign * (tree.leaf[leafOf(tree, data, row)] as number);
  }
}

/** Scores of fitted trees, `[rows, nOutputs]`. */
export function fittedScores(trees: readonly FitTree[], data: Pick<FitData, 'rows' | 'nFeatures' | 'x' | 'nOutputs'>): Float64Array {
  const sums = new Float64Array(data.rows * data.nOutputs);
  for (const tree of trees) addTo(sums, tree, data as FitData, 1);
  return sums;
}

function countKeys(uses: Map<string, number>, tree: FitTree, sign: 1 | -1): void {
  const stack = [0];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const feature = tree.feature[node] as number;
    if (feature < 0) continue;
    for (const limit of tree.limits[node] as readonly number[]) {
      const key = `${feature}:${limit}`;
      const count = (uses.get(key) ?? 0) + sign;
      if (count === 0) uses.delete(key);
      else uses.set(key, count);
    }
    stack.push(tree.whenTrue[node] as number, tree.whenFalse[node] as number);
  }
}

/** Sums over the rows of a leaf, from which its best value and error follow. */
interface Moments {
  weight: number;
  first: number;
  second: number;
}

/** The best whole value for a leaf and what error is left. */
function bestLeaf({ weight, first, second }: Moments): { readonly value: number; readonly error: number } {
  const value = weight > 0 ? Math.round(first / weight) + 0 : 0;
  return { value, error: second - 2 * value * first + value * value * weight };
}

/** One tree against what the others leave over. */
class TreeFit {
  private readonly reach: number;
  /** Weight, first and second moment by leaf, cleared after use. */
  private readonly sums: Float64Array;

  constructor(
    private readonly tree: FitTree,
    private readonly data: FitData,
    private readonly residual: Float64Array,
    private readonly uses: ReadonlyMap<string, number>,
    private readonly price: number,
    private readonly featureBits: number,
  ) {
    this.sums = new Float64Array(3 * tree.feature.length);
    this.reach = Math.max(1, Math.round(2 ** featureBits * MOVE_SHARE));
  }

  run(rows: Int32Array): void {
    this.fit(0, rows, true);
  }

  /** Fits the subtree to its rows, pruning from below; the error left and its moments. */
  private fit(node: number, rows: Int32Array, isRoot = false): { readonly error: number; readonly moments: Moments } {
    const { tree } = this;
    const feature = tree.feature[node] as number;
    if (feature < 0) {
      const moments = this.momentsOf(rows);
      const { value, error } = bestLeaf(moments);
      if (moments.weight > 0) tree.leaf[node] = value;
      return { error, moments };
    }
    this.moveThreshold(node, feature, rows);
    const [left, right] = this.divide(node, feature, rows);
    const a = this.fit(tree.whenTrue[node] as number, left);
    const b = this.fit(tree.whenFalse[node] as number, right);
    const moments = { weight: a.moments.weight + b.moments.weight, first: a.moments.first + b.moments.first, second: a.moments.second + b.moments.second };
    const whole = bestLeaf(moments);
    const limits = tree.limits[node] as readonly number[];
    const cost = SPLIT_COST + limits.reduce((sum, limit) => sum + this.keyCost(feature, limit), 0) + (isRoot ? TREE_COST : 0);
    if (whole.error <= a.error + b.error + this.price * cost) {
      tree.feature[node] = -1;
      tree.leaf[node] = whole.value;
      return { error: whole.error, moments };
    }
    return { error: a.error + b.error, moments };
  }

  /** LUTs of a comparison: nothing where another node asks it already. */
  private keyCost(feature: number, limit: number): number {
    if ((this.uses.get(`${feature}:${limit}`) ?? 0) > 0) return 0;
    let zeros = 0;
    while (limit !== 0 && limit % 2 ** (zeros + 1) === 0 && zeros < this.featureBits) zeros++;
    const bits = this.featureBits - zeros;
    return bits <= 3 ? 0.3 : bits <= 5 ? 0.5 : bits <= 6 ? 1 : 1.1;
  }

  /** Tries thresholds nearby that cost less, for the one that leaves the least error and cost together. */
  private moveThreshold(node: number, feature: number, rows: Int32Array): void {
    const limits = this.tree.limits[node] as readonly number[];
    const own = limits[0];
    if (own === undefined || limits.length !== 1) return;
    const ownCost = this.keyCost(feature, own);
    if (ownCost === 0) return;
    let best = own;
    let least = this.errorOf(node, feature, own, rows) + this.price * ownCost;
    for (let step = 1; step <= this.reach; step++) {
      for (const limit of [own - step, own + step]) {
        const cost = this.keyCost(feature, limit);
        if (cost >= ownCost) continue;
        const total = this.errorOf(node, feature, limit, rows) + this.price * cost;
        if (total < least) {
          least = total;
          best = limit;
        }
      }
    }
    this.tree.limits[node] = [best];
  }

  /** The error of the subtree with another threshold at its root and the best leaves. */
  private errorOf(node: number, feature: number, limit: number, rows: Int32Array): number {
    const { tree, data, sums } = this;
    const touched: number[] = [];
    for (const row of rows) {
      const child = ((data.x[row * data.nFeatures + feature] as number) < limit ? tree.whenTrue[node] : tree.whenFalse[node]) as number;
      const at = 3 * leafOf(tree, data, row, child);
      const weight = data.weight[row * data.nOutputs + tree.output] as number;
      const residual = this.residual[row] as number;
      if (sums[at] === 0) touched.push(at);
      sums[at]! += weight;
      sums[at + 1]! += weight * residual;
      sums[at + 2]! += weight * residual * residual;
    }
    let error = 0;
    for (const at of touched) {
      error += bestLeaf({ weight: sums[at] as number, first: sums[at + 1] as number, second: sums[at + 2] as number }).error;
      sums.fill(0, at, at + 3);
    }
    return error;
  }

  private momentsOf(rows: Int32Array): Moments {
    const moments = { weight: 0, first: 0, second: 0 };
    for (const row of rows) this.include(moments, row);
    return moments;
  }

  private include(moments: Moments, row: number): void {
    const weight = this.data.weight[row * this.data.nOutputs + this.tree.output] as number;
    const residual = this.residual[row] as number;
    moments.weight += weight;
    moments.first += weight * residual;
    moments.second += weight * residual * residual;
  }

  /** Rows by the node's condition, in place: those it holds for first. */
  private divide(node: number, feature: number, rows: Int32Array): readonly [Int32Array, Int32Array] {
    const limits = this.tree.limits[node] as readonly number[];
    let end = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      if (!holds(limits, this.data.x[row * this.data.nFeatures + feature] as number)) continue;
      rows[i] = rows[end] as number;
      rows[end++] = row;
    }
    return [rows.subarray(0, end), rows.subarray(end)];
  }
}
