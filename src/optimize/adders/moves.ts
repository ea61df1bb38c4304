import { digitCount, digitsOf } from '../../fixed/signedDigits.js';
import type { AdderGraph, Census, Sum } from './graph.js';
import { sortPair, termsOf } from './graph.js';
import type { Column } from './rebuild.js';
import { keyOf } from './rebuild.js';
import type { Reference } from './values.js';

/** A part of a graph to be built anew. */
export interface Move {
  /** Nodes that become columns, operands first. */
  readonly users: readonly number[];
  readonly columns: readonly Column[];
  /** Nodes that may be gone then, and the users: not to be used as if they were there. */
  readonly barred: ReadonlySet<number>;
  /** A pair that is not to be shared this time. */
  readonly tabu: number | undefined;
}

/** What moves are chosen from. */
export interface Scene {
  readonly graph: AdderGraph;
  readonly census: Census;
  /** How late each live node may be. */
  readonly required: Float64Array;
  readonly isRoot: ReadonlySet<number | undefined>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

const MOST_RUINED = 4;
const MOST_COLUMNS = 16;
/** Differences are tried of at most so many digits. */
const MOST_DIGITS = 14;

/** Whether only one other sum reads the node: it belongs to that one's tree. */
function isInner({ census, isRoot }: Scene, node: number): boolean {
  return census.uses[node] === 1 && !isRoot.has(node);
}

/** A few adders are inlined into the trees that read them. */
export function ruinMove(scene: Scene): Move | undefined {
  const { graph, required, isRoot, random } = scene;
  const ruined = chooseRuined(scene);
  const users = usersOf(scene, ruined);
  if (users.length === 0 || users.length > MOST_COLUMNS) return undefined;
  const isOpen = (node: number): boolean => isInner(scene, node) || (ruined.has(node) && !isRoot.has(node));
  const [first] = ruined;
  const [left, right] = sortPair(graph.sums[first as number] as Sum);
  return {
    users,
    columns: users.map((node) => ({ terms: termsOf(graph, node, isOpen), limit: required[node] as number })),
    barred: barredNodes(scene, users, ruined),
    tabu: random() < 0.7 ? keyOf(left, right) : undefined,
  };
}

/** A live adder and some beside it: operands of those chosen, or others. */
function chooseRuined({ graph, census: { order }, random }: Scene): Set<number> {
  const pick = (): number => order[Math.floor(random() * order.length)] as number;
  const ruined = new Set<number>([pick()]);
  for (let more = Math.floor(random() ** 2 * MOST_RUINED); more > 0; more--) {
    const from = [...ruined][Math.floor(random() * ruined.size)] as number;
    const sum = graph.sums[from] as Sum;
    const next = random() < 0.7 ? (random() < 0.5 ? sum.left : sum.right).node : pick();
    if (graph.sums[next] !== undefined) ruined.add(next);
  }
  return ruined;
}

/** The trees that read a ruined node or are one: their topmost nodes, operands first. */
function usersOf(scene: Scene, ruined: ReadonlySet<number>): number[] {
  const { graph, census, isRoot } = scene;
  const touched = new Set<number>();
  const users: number[] = [];
  for (const node of census.order) {
    const { left, right } = graph.sums[node] as Sum;
    const reads = ruined.has(left.node) || ruined.has(right.node) || touched.has(left.node) || touched.has(right.node);
    const isRuined = ruined.has(node);
    if (!reads && !isRuined) continue;
    if (isInner(scene, node) || (isRuined && !isRoot.has(node))) touched.add(node);
    else users.push(node);
  }
  return users;
}

function barredNodes(scene: Scene, users: readonly number[], ruined: ReadonlySet<number>): Set<number> {
  const barred = new Set([...ruined, ...users]);
  const visit = (node: number): void => {
    const sum = scene.graph.sums[node];
    if (sum === undefined) return;
    for (const { node: part } of [sum.left, sum.right]) {
      if (scene.isRoot.has(part) || !(isInner(scene, part) || ruined.has(part))) continue;
      barred.add(part);
      visit(part);
    }
  };
  for (const node of users) visit(node);
  return barred;
}

/** A node becomes some other node, shifted and signed, and the digits of what it differs by. */
export function differenceMove(scene: Scene): Move | undefined {
  const { graph: { values }, census: { order, depth }, required, random } = scene;
  const node = order[Math.floor(random() * order.length)] as number;
  const form = values.forms[node] as Float64Array;
  let best: Reference | undefined;
  let bestScore = MOST_DIGITS;
  for (const other of order) {
    if (other === node || (depth[other] as number) >= (required[node] as number) || random() < 0.5) continue;
    for (const negative of [false, true]) {
      const { shift, digits } = nearest(form, values.forms[other] as Float64Array, negative, bestScore);
      const score = digits + 3 * random();
      if (score >= bestScore || dependsOn(scene, other, node)) continue;
      bestScore = score;
      best = { node: other, shift, negative };
    }
  }
  if (best === undefined) return undefined;
  const other = values.forms[best.node] as Float64Array;
  const scale = (best.negative ? -1 : 1) * 2 ** best.shift;
  const terms: Reference[] = [best];
  for (let i = 0; i < form.length - 1; i++) for (const { shift, negative } of digitsOf((form[i] as number) - scale * (other[i] as number))) terms.push({ node: i, shift, negative });
  return { users: [node], columns: [{ terms, limit: required[node] as number }], barred: new Set([node]), tabu: undefined };
}

/** The shift that leaves the fewest digits of a ∓ b · 2^shift; given up at `most`. */
function nearest(a: Float64Array, b: Float64Array, negative: boolean, most: number): { readonly shift: number; readonly digits: number } {
  let best = { shift: 0, digits: Infinity };
  const last = a.length - 1;
  for (const shift of [0, 1, -1, 2]) {
    const scale = negative ? -(2 ** shift) : 2 ** shift;
    // The last coefficient is that of the constants: they are not taken apart.
    if (a[last] !== scale * (b[last] as number)) continue;
    let digits = 0;
    for (let i = 0; i < last && digits < most; i++) digits += digitCount((a[i] as number) - scale * (b[i] as number));
    if (digits < most && digits < best.digits) best = { shift, digits };
  }
  return best;
}

function dependsOn({ graph, census: { depth } }: Scene, node: number, on: number): boolean {
  const seen = new Set<number>();
  const visit = (at: number): boolean => {
    if (at === on) return true;
    const sum = graph.sums[at];
    if (sum === undefined || seen.has(at) || (depth[at] as number) < (depth[on] as number)) return false;
    seen.add(at);
    return visit(sum.left.node) || visit(sum.right.node);
  };
  return visit(node);
}
