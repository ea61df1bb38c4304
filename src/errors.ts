/** How bad and whose: decides the exit code and the wording of the closing line. */
export type ErrorKind = 'input' | 'config' | 'unsupported' | 'budget' | 'verification' | 'tool' | 'gate' | 'internal';

/** One thing that is wrong, as data; `cli/` prints it. */
export interface Problem {
  /** Machine-readable, kebab-case, stable: `unknown-operator`, `bad-unit`, … */
  readonly code: string;
  /** From file to field, outermost first: `model.onnx`, `dense_2`, `weight`. */
  readonly where: readonly string[];
  /** What was found against what is allowed. */
  readonly what: string;
  /** What the user can do. */
  readonly mend?: string;
}

/** The only error that reaches users: one kind, one or more problems, collected before they are reported. */
export class CompileError extends Error {
  readonly kind: ErrorKind;
  readonly problems: readonly Problem[];

  constructor(kind: ErrorKind, problems: Problem | readonly Problem[]) {
    const list = Array.isArray(problems) ? (problems as readonly Problem[]) : [problems as Problem];
    super(list.map(formatProblem).join('\n'));
    this.name = 'CompileError';
    this.kind = kind;
    this.problems = list;
  }
}

/** `file → layer: what. mend` on one line. */
export function formatProblem(problem: Pick<Problem, 'where' | 'what'> & { readonly mend?: string | undefined }): string {
  const where = problem.where.length > 0 ? `${problem.where.join(' → ')}: ` : '';
  const mend = problem.mend === undefined ? '' : ` ${problem.mend}`;
  return `${where}${problem.what}${mend}`;
}

/** For the end of an exhaustive switch: unreachable by type, and loud if it is reached all the same. */
export function assertNever(value: never): never {
  throw new CompileError('internal', { code: 'unreachable', where: [], what: `unexpected value ${String(value)}` });
}

/** An invariant of our own; a failure is a bug of Trigforge, never of the user. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new CompileError('internal', { code: 'invariant', where: [], what });
}

/** The candidates closest to a misspelt name, best first (at most three): for "did you mean". */
export function closestNames(name: string, candidates: Iterable<string>): string[] {
  const wanted = name.toLowerCase().slice(0, 80);
  const scored: { readonly candidate: string; readonly distance: number }[] = [];
  for (const candidate of candidates) {
    const other = candidate.toLowerCase().slice(0, 80);
    const related = wanted.length >= 3 && other.length >= 3 && (other.includes(wanted) || wanted.includes(other));
    const distance = editDistance(wanted, other) - (related ? 2 : 0);
    if (distance <= Math.max(1, Math.ceil(wanted.length / 3))) scored.push({ candidate, distance });
  }
  scored.sort((a, b) => a.distance - b.distance);
  return scored.slice(0, 3).map((entry) => entry.candidate);
}

/** `Did you mean 'a' or 'b'?`, or the names there are where nothing is close. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const close = closestNames(name, candidates);
  if (close.length > 0) return `Did you mean ${close.map((other) => `'${other}'`).join(' or ')}?`;
  const shown = candidates.slice(0, 20).join(', ');
  return `There are: ${shown}${candidates.length > 20 ? `, … (${candidates.length} in all)` : ''}.`;
}

/** Edits (insert, delete, replace, swap of neighbours) from a to b: optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  const width = b.length + 1;
  const table = new Int32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => table[i * width + j] as number;
  for (let i = 0; i <= a.length; i++) {
    for (let j = 0; j <= b.length; j++) {
      if (i === 0 || j === 0) {
        table[i * width + j] = i + j;
        continue;
      }
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(i - 2, j - 2) + 1);
      table[i * width + j] = best;
    }
  }
  return at(a.length, b.length);
}
