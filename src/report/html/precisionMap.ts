import { plural, printable } from '../format.js';
import type { Report, ReportLayer } from '../schema.js';
import { type Html, html } from './markup.js';

const ROW_PX = 36;
const TOP_PX = 24;

/** A type as bits around the binary point: those above `used` can never be set, whatever the inputs. */
interface Bits {
  readonly name: string;
  readonly type: string;
  readonly signed: boolean;
  /** Above and below the binary point; the sign bit counts above. */
  readonly integer: number;
  readonly fraction: number;
  /** Integer bits that the proven range needs. */
  readonly used: number;
  /** Integer bits that the observed range needed, where events were given. */
  readonly observed: number | undefined;
}

/** Bit widths of all layers, aligned at the binary point, with the bits that no event can use. */
export function precisionMap({ layers }: Report): Html | undefined {
  const rows = layers.flatMap((layer) => bitsOf(layer) ?? []);
  if (rows.length === 0) return undefined;
  const above = Math.max(1, ...rows.map((row) => row.integer));
  const below = Math.max(1, ...rows.map((row) => row.fraction));
  const x = (bit: number): string => `${Number(((100 * (above - bit)) / (above + below)).toFixed(3))}%`;
  const width = (bits: number): string => `${Number(((100 * bits) / (above + below)).toFixed(3))}%`;
  const height = TOP_PX + rows.length * ROW_PX + 4;
  const bars = rows.map((row, i) => {
    const y = TOP_PX + i * ROW_PX;
    const wasted = row.integer - row.used;
    const unseen = row.observed === undefined ? 0 : Math.max(0, row.used - row.observed);
    const bar = (top: number, bits: number, tone: string): Html | undefined => (bits <= 0 ? undefined : html`<rect x="${x(top)}" y="${y + 17}" width="${width(bits)}" height="11" class="${tone}"/>`);
    const said = `${row.type}: ${plural(row.integer + row.fraction, 'bit')}${wasted > 0 ? `, ${wasted} never used` : ''}${unseen > 0 ? `, ${unseen} more not used by the events` : ''}`;
    return html`<g><title>${row.name}, ${said}</title><text x="0" y="${y + 12}">${shortened(row.name)} <tspan class="m">${said}</tspan></text>${bar(row.integer, wasted, 'fb')}${bar(row.used, unseen, 'fs')}${bar(row.used - unseen, row.used - unseen + row.fraction, 'fa')}</g>
`;
  });
  const hasWasted = rows.some((row) => row.integer > row.used);
  const hasObserved = rows.some((row) => row.observed !== undefined);
  return html`<figure>
<svg class="chart" height="${height}" role="img" aria-label="Bits of ${plural(rows.length, 'layer')} around the binary point">
<text x="0" y="12" class="m">integer</text><text x="100%" y="12" text-anchor="end" class="m">fraction</text>
${bars}<line x1="${x(0)}" x2="${x(0)}" y1="${TOP_PX - 8}" y2="${height}" stroke-width="1.5" stroke-dasharray="4 3" class="si"/>
</svg>
<figcaption>Bits of each layer's output around the binary point (dashed).${hasWasted ? ' Red: above what any input can reach, proven; such bits cost nothing, since they are not built.' : ''}${hasObserved ? ' Pale: reachable, but not reached by the events that were given.' : ''}</figcaption>
</figure>
`;
}

function bitsOf({ name, outputType, range }: ReportLayer): Bits | undefined {
  const match = /^(?:ap_)?(u?)fixed<\s*(\d+)\s*,\s*(-?\d+)/.exec(outputType ?? '');
  if (match === null || outputType === undefined) return undefined;
  const signed = match[1] === '';
  const integer = Number(match[3]);
  const fraction = Number(match[2]) - integer;
  const needed = (values: readonly [number, number] | undefined): number | undefined => (values === undefined ? undefined : Math.max(-fraction, Math.min(integer, integerBits(values, signed))));
  return { name, type: outputType, signed, integer, fraction, used: needed(range?.proven) ?? integer, observed: needed(range?.observed) };
}

/** Bits above the binary point that hold lo … hi, the sign bit with them; negative for ranges well below 1. */
function integerBits([lo, hi]: readonly [number, number], signed: boolean): number {
  const magnitude = Math.max(hi > 0 ? Math.floor(Math.log2(hi)) + 1 : -Infinity, lo < 0 ? Math.ceil(Math.log2(-lo)) : -Infinity);
  return magnitude + (signed ? 1 : 0);
}

function shortened(name: string): string {
  const shown = printable(name);
  return shown.length > 28 ? `${shown.slice(0, 12)}…${shown.slice(-15)}` : shown;
}
