import type { Check } from './verilator.js';

/** One test case of a result file. */
export interface JunitCase {
  /** Part of the suite that it belongs to; the suite itself where empty. */
  readonly group?: string;
  readonly name: string;
  readonly failure?: { readonly message: string; readonly text: string };
  /** Why it was not looked at. */
  readonly skipped?: string;
}

/** A test case a check of a simulation; `failure` is the text of the first that failed. */
export function checkCases(checks: readonly Check[], failure: string | undefined): JunitCase[] {
  return checks.map(({ name, vectors, mismatches }) => ({
    name: `${name} (${vectors} events)`,
    ...(mismatches === 0 ? {} : { failure: { message: `${mismatches} mismatches`, text: failure ?? '' } }),
  }));
}

/** JUnit XML of one suite. */
export function junitXml(suite: string, cases: readonly JunitCase[]): string {
  const failed = cases.filter(({ failure }) => failure !== undefined).length;
  const skipped = cases.filter(({ skipped: why }) => why !== undefined).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites>`,
    `  <testsuite name="${escape(suite)}" tests="${cases.length}" failures="${failed}" skipped="${skipped}">`,
    ...cases.map((one) => caseXml(suite, one)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function caseXml(suite: string, { group, name, failure, skipped }: JunitCase): string {
  const open = `    <testcase classname="${escape(group === undefined ? suite : `${suite}.${group}`)}" name="${escape(name)}"`;
  if (failure !== undefined) return `${open}>\n      <failure message="${escape(failure.message)}">${escape(failure.text)}</failure>\n    </testcase>`;
  return skipped === undefined ? `${open}/>` : `${open}>\n      <skipped message="${escape(skipped)}"/>\n    </testcase>`;
}

function escape(text: string): string {
  const safe = text.replace(/[^\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd]/g, ' ');
  return safe.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
