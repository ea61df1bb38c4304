import type { Problem } from '../errors.js';
import { CompileError } from '../errors.js';

const PROPER_HOLE = /^\{\{[A-Za-z]\w*\}\}$/;

/**
 * A text of templates/ with its `{{holes}}` filled. Values are put in as they are and not looked into for further holes.
 *
 * @throws CompileError of kind `internal`: a hole without a value, a value without a hole, braces that look like a hole and are none
 */
export function renderTemplate(name: string, template: string, values: Readonly<Record<string, string>>): string {
  const found = new Set<string>();
  const problems: Problem[] = [];
  const holes = new Set([...template.matchAll(/\{\{\s*[\w.-]+\s*\}\}/g)].map((match) => match[0]));
  for (const hole of holes) {
    const inside = hole.replace(/[{}\s]/g, '');
    found.add(inside);
    if (!PROPER_HOLE.test(hole)) problems.push({ code: 'template-hole', where: [name], what: `'${hole}' is no proper hole: write {{name}}.` });
    else if (!Object.hasOwn(values, inside)) problems.push({ code: 'template-unfilled', where: [name], what: `nothing fills the hole {{${inside}}}.` });
  }
  for (const value of Object.keys(values)) {
    if (!found.has(value)) problems.push({ code: 'template-unknown', where: [name], what: `there is no hole {{${value}}}.` });
  }
  if (problems.length > 0) throw new CompileError('internal', problems);
  return template.replace(/\{\{(\w+)\}\}/g, (_, inside: string) => values[inside] as string);
}
