/** Digits grouped by three: `4 812`; deterministic, whatever the machine's locale. */
export function formatCount(value: number): string {
  const sign = value < 0 ? '-' : '';
  return sign + String(Math.abs(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** At most `digits` decimals, none that are zero: `28.1`, `50`, `0.004`; small values keep two significant digits. */
export function formatDecimal(value: number, digits = 1): string {
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e15 || magnitude < 1e-6) return trimZeros(value.toPrecision(3));
  const needed = magnitude < 1 ? Math.max(digits, 1 - Math.floor(Math.log10(magnitude))) : digits;
  const [whole, fraction] = value.toFixed(Math.min(needed, 20)).split('.') as [string, string | undefined];
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ' ');
  return fraction === undefined ? grouped : trimZeros(`${grouped}.${fraction}`);
}

function trimZeros(text: string): string {
  const [mantissa, exponent] = text.split('e') as [string, string | undefined];
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return exponent === undefined ? short : `${short}e${exponent}`;
}

/** Two values with as many decimals as it takes to tell them apart: 50.02 and 50, never 50 and 50. */
export function formatApart(a: number, b: number, digits = 1): [string, string] {
  for (let d = digits; d < 12; d++) {
    const pair: [string, string] = [formatDecimal(a, d), formatDecimal(b, d)];
    if (a === b || pair[0] !== pair[1]) return pair;
  }
  return [String(a), String(b)];
}

/** A share in percent: `0.28%`, `<0.01%`, `12%`. */
export function formatPercent(part: number, whole: number): string {
  if (whole === 0) return part === 0 ? '0%' : 'more than there is';
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.01) return '<0.01%';
  return `${formatDecimal(percent, percent >= 10 ? 0 : percent >= 1 ? 1 : 2)}%`;
}

/** `[-12.5, 31.97]`, four significant decimals at most. */
export function formatRange(range: readonly [number, number]): string {
  return `[${formatDecimal(range[0], 4)}, ${formatDecimal(range[1], 4)}]`;
}

/** `57`, `10×14`, `scalar`. */
export function formatShape(shape: readonly number[]): string {
  return shape.length === 0 ? 'scalar' : shape.join('×');
}

/** `0–3`, or `4`. */
export function formatStages(stages: readonly [number, number]): string {
  return stages[0] === stages[1] ? String(stages[0]) : `${stages[0]}–${stages[1]}`;
}

/**
 * Text from a model or a user made harmless to look at: control characters, terminal escapes and bidirectional
 * overrides are spelled out (`\x1b`, `\u202e`), so that a layer's name cannot repaint a terminal or reverse a line.
 */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, (c) => {
    const code = c.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** A command line as a POSIX shell reads it back. */
export function shellCommand(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** `1 vector`, `2 vectors`. */
export function plural(n: number, noun: string): string {
  return `${formatCount(n)} ${noun}${n === 1 ? '' : 's'}`;
}
