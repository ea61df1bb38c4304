import { formatCount, formatDecimal, printable } from '../format.js';

/** Markup that is safe to put into the page as it is; only `html` makes it. */
export interface Html {
  readonly markup: string;
}

export type Content = Html | string | number | undefined | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as harmless element content or quoted attribute value, control and bidirectional characters spelled out. */
export function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"']/g, (c) => ENTITIES[c] as string);
}

/**
 * Markup from a template. Every hole is escaped unless it is itself `Html`; arrays are joined, undefined is nothing.
 * Attribute values must be quoted in the template.
 */
export function html(strings: TemplateStringsArray, ...holes: readonly Content[]): Html {
  let markup = strings[0] as string;
  holes.forEach((hole, i) => {
    markup += render(hole) + (strings[i + 1] as string);
  });
  return { markup };
}

function render(content: Content): string {
  if (content === undefined) return '';
  if (typeof content === 'string') return escapeHtml(content);
  if (typeof content === 'number') return escapeHtml(String(content));
  if ('markup' in content) return content.markup;
  return content.map(render).join('');
}

/** A number as the reader wants it, with the exact value from report.json beside it for machines. */
export function number(value: number, shown: string = Number.isInteger(value) ? formatCount(value) : formatDecimal(value, 3)): Html {
  return html`<data value="${value}">${noBreak(shown)}</data>`;
}

/** Digit groups held together: the spaces inside numbers become narrow no-break ones. */
export function noBreak(text: string): string {
  return text.replace(/(?<=\d) (?=\d{3}(?!\d))/g, '\u202f');
}

export interface TableColumn<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Content;
  /** Numbers, right-aligned. */
  readonly numeric?: boolean;
}

/** A captioned table that scrolls sideways on narrow screens; the first column holds the row headers and stays put; `wide` fills the page. */
export function dataTable<Row>(caption: Content, label: string, columns: readonly TableColumn<Row>[], rows: readonly Row[], wide = false): Html {
  const align = (column: TableColumn<Row>): Html => (column.numeric === true ? html` class="n"` : html` class="text"`);
  const head = columns.map((c) => html`<th scope="col"${align(c)}>${c.title}</th>`);
  const body = rows.map((row) => {
    const cells = columns.map((c, i) => (i === 0 ? html`<th scope="row">${c.cell(row)}</th>` : html`<td${align(c)}>${c.cell(row)}</td>`));
    return html`<tr>${cells}</tr>\n`;
  });
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table${wide ? html` class="wide"` : undefined}>
<caption><span>${caption}</span></caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table></div>
`;
}

/** Terms and their values. */
export function factList(facts: readonly (readonly [string, Content] | undefined)[]): Html {
  const rows = facts.filter((f) => f !== undefined && f[1] !== undefined) as readonly (readonly [string, Content])[];
  const full = (term: string): Html | undefined => (term === 'SHA-256' ? html` class="full"` : undefined);
  return html`<dl class="facts">${rows.map(([term, value]) => html`<div${full(term)}><dt>${term}</dt><dd>${value}</dd></div>\n`)}</dl>\n`;
}

/** A titled part of the page that the contents list can reach. */
export function section(id: string, title: string, lead: Content, ...content: readonly Content[]): Html {
  const intro = lead === undefined ? undefined : html`<p class="lead">${lead}</p>\n`;
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${intro}${content}</section>
`;
}

export function code(text: string): Html {
  return html`<code>${text}</code>`;
}

/** Where a number comes from, as a small label. */
export function sourceTag(source: string): Html {
  return html`<span class="source">${source}</span>`;
}
