/** How bad and whose: decides the exit code and the wording of the closing line. */
export type ErrorKind = 'input' | 'config' | 'unsupported' | 'budget' | 'verification' | 'tool' | 'internal';

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
export function formatProblem(problem: Problem): string {
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
