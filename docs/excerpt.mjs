// What README.md shows of a text report, and where. Used by docs/screenshot.mjs and by the test that keeps it true.

/** Sections of the text report that README.md shows, whole. */
const SHOWN = ['Budget and timing', 'Layers', 'Verification'];

/** The verdict and the sections shown, with … where something is left out. */
export function excerpt(report) {
  const sections = report.trimEnd().split(/\n\n(?=── )/);
  const lines = [];
  let skipped = false;
  sections.forEach((section, index) => {
    const title = /^── (.*?)(?: \(.*?\))? ─/.exec(section)?.[1];
    if (index > 0 && !SHOWN.includes(title)) {
      skipped = true;
      return;
    }
    if (skipped) lines.push('', '…');
    skipped = false;
    if (lines.length > 0) lines.push('');
    lines.push(section);
  });
  if (skipped) lines.push('', '…');
  return lines.join('\n');
}

/** The text between `<!-- name… -->` and `<!-- end -->` replaced. */
export function replaceBlock(document, name, text) {
  const [before, after] = blockEnds(document, name);
  return `${document.slice(0, before)}${text}\n${document.slice(after)}`;
}

/** The text between the two marks. */
export function readBlock(document, name) {
  const [before, after] = blockEnds(document, name);
  return document.slice(before, after).trimEnd();
}

function blockEnds(document, name) {
  const start = document.indexOf(`<!-- ${name}`);
  const before = document.indexOf('-->\n', start) + 4;
  const after = document.indexOf('<!-- end -->', before);
  if (start < 0 || before < 4 || after < 0) throw new Error(`no place for '${name}'`);
  return [before, after];
}
