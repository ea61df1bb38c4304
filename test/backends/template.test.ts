import { describe, expect, it } from 'vitest';
import { renderTemplate } from '../../src/backends/template.js';
import { CompileError } from '../../src/errors.js';

/** The problems of a template, as `code: what`. */
function problemsOf(template: string, values: Readonly<Record<string, string>>): string[] {
  try {
    renderTemplate('a.v', template, values);
  } catch (error) {
    if (!(error instanceof CompileError) || error.kind !== 'internal') throw error;
    return error.problems.map((problem) => `${problem.where.join(' → ')}: ${problem.code}: ${problem.what}`);
  }
  return [];
}

describe('templates', () => {
  it('are filled, every hole wherever it is, and nothing else', () => {
    expect(renderTemplate('a.v', 'module {{top}};\n  {{top}}_b c({{ports}}); {{2{1\'b0}}, x} {W{1}} $1\nendmodule', { top: 'm', ports: '.a(b)' })).toBe(
      "module m;\n  m_b c(.a(b)); {{2{1'b0}}, x} {W{1}} $1\nendmodule",
    );
  });

  it('take values as they are: neither holes nor $ in them mean anything', () => {
    expect(renderTemplate('a.v', '{{a}}{{b}}', { a: '{{b}} $& $1', b: 'x' })).toBe('{{b}} $& $1x');
  });

  it('with a hole left unfilled, a value too many or a malformed hole are errors, all at once', () => {
    expect(problemsOf('{{a}} {{b}} {{b}} {{ a }} {{a-b}}', { a: '', c: '1', toString: '' })).toEqual([
      'a.v: template-unfilled: nothing fills the hole {{b}}.',
      "a.v: template-hole: '{{ a }}' is no proper hole: write {{name}}.",
      "a.v: template-hole: '{{a-b}}' is no proper hole: write {{name}}.",
      'a.v: template-unknown: there is no hole {{c}}.',
      'a.v: template-unknown: there is no hole {{toString}}.',
    ]);
    expect(problemsOf('{{ a }}', { a: '' })).toEqual(["a.v: template-hole: '{{ a }}' is no proper hole: write {{name}}."]);
    expect(problemsOf('{{toString}}', {})).toEqual(['a.v: template-unfilled: nothing fills the hole {{toString}}.']);
  });
});
