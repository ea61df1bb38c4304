/** A column of a terminal table. */
export interface Column {
  readonly title: string;
  /** Numbers. */
  readonly right?: boolean;
  /** May be cut with an ellipsis where the table is too wide. */
  readonly flexible?: boolean;
  /** Left out, last one first, before anything is cut. */
  readonly optional?: boolean;
}

const GAP = '  ';
const NARROWEST = 8;

/** A title over a rule as wide as the report. */
export function heading(title: string, width: number): string {
  return `── ${title} ${'─'.repeat(Math.max(0, width - title.length - 4))}`;
}

/** Lines of a table with a header, no wider than `width`: the widest flexible columns give way first. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const widths = new Map<number, number>();
  columns.forEach((column, i) => {
    const longest = rows.reduce((most, row) => Math.max(most, (row[i] ?? '').length), 0);
    if (longest > 0) widths.set(i, Math.max(column.title.length, longest));
  });
  dropOptional(columns, widths, width);
  const used = [...widths.keys()];
  shrink(columns, widths, width - GAP.length * (used.length - 1));
  const line = (cells: readonly string[]): string =>
    used.map((i) => pad(cells[i] ?? '', widths.get(i) as number, (columns[i] as Column).right === true)).join(GAP).trimEnd();
  return [line(columns.map((c) => c.title)), ...rows.map(line)];
}

function dropOptional(columns: readonly Column[], widths: Map<number, number>, width: number): void {
  let total = -GAP.length;
  for (const w of widths.values()) total += w + GAP.length;
  for (const i of [...widths.keys()].reverse()) {
    if (total <= width) return;
    if ((columns[i] as Column).optional !== true) continue;
    total -= (widths.get(i) as number) + GAP.length;
    widths.delete(i);
  }
}

function shrink(columns: readonly Column[], widths: Map<number, number>, room: number): void {
  for (;;) {
    let total = 0;
    let widest = -1;
    for (const [i, w] of widths) {
      total += w;
      const shrinkable = (columns[i] as Column).flexible === true && w > NARROWEST;
      if (shrinkable && (widest < 0 || w > (widths.get(widest) as number))) widest = i;
    }
    if (total <= room || widest < 0) return;
    const next = Math.max(NARROWEST, (widths.get(widest) as number) - Math.max(1, Math.floor((total - room) / 4)));
    widths.set(widest, next);
  }
}

function pad(text: string, width: number, right: boolean): string {
  const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return right ? cut.padStart(width) : cut.padEnd(width);
}

/** Breaks at single spaces; a number and its unit stay together only if they fit. Words longer than a line stay whole. */
export function wrapText(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    if (line === '') line = word;
    else if (line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = indent + word;
    }
  }
  lines.push(line);
  return lines;
}
