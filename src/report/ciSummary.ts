import type { Comparison } from './compare.js';
import { changeRow } from './compare.js';
import { printable } from './format.js';

/** One thing that `ci` looked at. */
export interface CiCase {
  /** `folder`, `verification`, `gates`. */
  readonly group: string;
  readonly name: string;
  /** `allowed`: a gate that failed and may. */
  readonly outcome: 'passed' | 'failed' | 'allowed' | 'skipped';
  readonly text: string;
}

/** What a summary is made of. */
export interface CiSummary {
  readonly top: string;
  /** The report's own verdict. */
  readonly verdict: string;
  readonly cases: readonly CiCase[];
  /** Absent where the baseline could not be read. */
  readonly comparison?: Comparison;
}

const MARKS: Readonly<Record<CiCase['outcome'], string>> = { passed: '✅', failed: '❌', allowed: '⚠️ allowed', skipped: '⏭️ skipped' };

/** The summary as GitHub-flavoured Markdown, for the page of a pull request. Ends in a newline. */
export function ciSummary({ top, verdict, cases, comparison }: CiSummary): string {
  const failed = cases.filter(({ outcome }) => outcome === 'failed').length;
  const lines = [
    `## ${literal(top)}: ${failed === 0 ? 'all good' : `${failed} of ${cases.length} failed`}`, '',
    literal(verdict), '',
    '| | what | found |', '|---|---|---|',
    ...cases.map(({ name, outcome, text }) => `| ${MARKS[outcome]} | ${literal(name)} | ${literal(text)} |`),
  ];
  if (comparison !== undefined) {
    const { before, after, changes, notes } = comparison;
    lines.push('', `### Against the baseline, ${literal(before.name)} (${before.sha256.slice(0, 12)} → ${after.sha256.slice(0, 12)})`, '');
    if (changes.length === 0) lines.push('Nothing differs.');
    else lines.push('| | what | before | after | change | |', '|---|---|--:|--:|--:|---|', ...changes.map((change) => `| ${change.group} | ${changeRow(change).map(literal).join(' | ')} |`));
    lines.push(...notes.map((note) => `\n${literal(note)}`));
  }
  return `${lines.join('\n')}\n`;
}

/** A text that Markdown shows as it is. */
function literal(text: string): string {
  return printable(text).replace(/[&<>|*`~[\]\\#@$]|\b_(?!\w)|(?<!\w)_/g, (character) => `&#${character.charCodeAt(0)};`);
}
