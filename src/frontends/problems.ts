import type { Problem } from '../errors.js';
import { CompileError } from '../errors.js';

type Kind = 'input' | 'unsupported';

/** Everything wrong in one file, gathered while its graph is walked and thrown together: what readers of graphs share. */
export class GraphProblems {
  /** Results of steps that failed: what reads them has nothing of its own to say. */
  protected readonly failed = new Set<string>();
  protected readonly problems: { readonly kind: Kind; readonly problem: Problem }[] = [];

  constructor(
    /** For messages. */
    private readonly fileName: string,
  ) {}

  /** Runs one step; its CompileErrors are collected and its results count as failed. */
  protected guard(step: () => void, results: readonly string[]): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof CompileError) || (error.kind !== 'input' && error.kind !== 'unsupported')) throw error;
      for (const problem of error.problems) this.problems.push({ kind: error.kind, problem });
      results.forEach((result) => this.failed.add(result));
    }
  }

  protected report(kind: Kind, code: string, where: readonly string[], what: string): void {
    this.problems.push({ kind, problem: { code, where: [this.fileName, ...where], what } });
  }

  protected throwIfInput(): void {
    if (this.problems.some(({ kind }) => kind === 'input')) this.throwProblems();
  }

  protected throwProblems(): void {
    if (this.problems.length === 0) return;
    const kind = this.problems.some((entry) => entry.kind === 'input') ? 'input' : 'unsupported';
    throw new CompileError(kind, this.problems.map(({ problem }) => problem));
  }
}
