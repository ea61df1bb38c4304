import type { Check } from './verilator.js';

/** JUnit XML, one test case a check; `failure` is the text of the first that failed. */
export function junitXml(suite: string, checks: readonly Check[], failure: string | undefined): string {
  const failed = checks.filter((check) => check.mismatches > 0).length;
  const cases = checks.map((check) => {
    const open = `    <testcase classname="${escape(suite)}" name="${escape(check.name)} (${check.vectors} events)"`;
    return check.mismatches === 0 ? `${open}/>` : `${open}>\n      <failure message="${check.mismatches} mismatches">${escape(failure ?? '')}</failure>\n    </testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites>`,
    `  <testsuite name="${escape(suite)}" tests="${checks.length}" failures="${failed}">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function escape(text: string): string {
  const safe = text.replace(/[^\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd]/g, ' ');
  return safe.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
