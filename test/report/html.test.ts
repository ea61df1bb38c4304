import { expect, test } from 'vitest';
import { escapeHtml, html } from '../../src/report/html/markup.js';
import { layoutModel } from '../../src/report/html/layout.js';
import { DARK, LIGHT, type Palette } from '../../src/report/html/style.js';
import { htmlReport } from '../../src/report/html.js';
import type { Report } from '../../src/report/schema.js';
import { bareReport, hostileReport, sampleDraft, sampleReport, unmetReport } from './sample.js';

const VOID = new Set(['meta']);

/** The tags of a page, checked to be balanced; attribute values must be quoted. */
function tagsOf(page: string): readonly string[] {
  const open: string[] = [];
  const names: string[] = [];
  const body = page.replace(/^<!doctype html>/, '').replace(/<style>[^<]*<\/style>/, '');
  for (const [tag, close, name, attributes, self] of body.matchAll(/<(\/?)([a-z0-9]+)((?:\s+[a-zA-Z0-9-]+="[^"<>]*")*)\s*(\/?)>/g)) {
    names.push(name as string);
    if (close === '/') expect(open.pop(), tag).toBe(name);
    else if (self !== '/' && !VOID.has(name as string)) open.push(name as string);
    expect((attributes as string).replace(/"[^"]*"/g, '')).not.toMatch(/\son[a-z]+=/i);
  }
  expect(open).toEqual([]);
  expect(body.replace(/<\/?[a-z0-9]+(?:\s+[a-zA-Z0-9-]+="[^"<>]*")*\s*\/?>/g, ''), 'nothing that looks like a tag is left').not.toMatch(/[<>]/);
  return names;
}

const numbersOf = (value: unknown): readonly number[] =>
  typeof value === 'number' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : [];

/** Every number the page holds exactly, as a machine reads it, as often as it is there. */
function dataValues(page: string): readonly number[] {
  return [...page.matchAll(/<data value="([^"]*)">/g)].map((m) => Number(m[1]));
}

/** What of `wanted` is not in `found`, each as often as it is wanted. */
function missingFrom(found: readonly number[], wanted: readonly number[]): readonly number[] {
  const left = new Map<number, number>();
  for (const n of found) left.set(n, (left.get(n) ?? 0) + 1);
  return wanted.filter((n) => {
    const times = left.get(n) ?? 0;
    left.set(n, times - 1);
    return times <= 0;
  });
}

test('holes are escaped unless they are markup', () => {
  expect(html`<p title="${`"'&`}">${'<b>'}${html`<i>${1}</i>`}${['x<', html`<u></u>`]}${undefined}</p>`.markup).toBe(
    '<p title="&quot;&#39;&amp;">&lt;b&gt;<i>1</i>x&lt;<u></u></p>',
  );
  expect(escapeHtml('a\u0000\u202e')).toBe('a\\x00\\u202e');
});

test('no name can break out: the hostile page has the tags of the plain one', () => {
  const hostile = htmlReport(hostileReport());
  expect(tagsOf(hostile)).toEqual(tagsOf(htmlReport(sampleReport({ suggestions: unmetReport().suggestions ?? [], layers: sampleDraft.layers.map((l) => ({ ...l, outputType: 'no type' })) }))));
  expect(hostile).not.toMatch(/<script|<img/i);
  expect(hostile).toContain('&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;');
  expect(hostile).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
});

test('the page needs nothing but itself', () => {
  for (const report of [sampleReport(), unmetReport(), bareReport()]) {
    const page = htmlReport(report);
    expect(tagsOf(page)).not.toContain('script');
    expect(page).not.toMatch(/https?:|\ssrc=|@import|url\(/);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect([...page.matchAll(/href="([^"]*)"/g)].every((m) => m[1]?.startsWith('#'))).toBe(true);
  }
});

test('every number of the report is on the page', () => {
  const report = sampleReport({
    resources: { ...sampleDraft.resources, synthesised: { flow: 'yosys-xilinx', lut: 5003, ff: 1921, carry: 407, dsp: 1, bram: 2 } },
    layers: sampleDraft.layers.map((l, i) => ({ ...l, resources: { ...l.resources, dsp: 31 + i, bram: 53 + i } })),
  });
  const values = dataValues(htmlReport(report));
  const { model, latency, timing, resources, device, accuracy, verification, passes, layers } = report;
  const { curves: _, ...judged } = accuracy ?? { curves: undefined };
  const parts: readonly unknown[] = [
    model.parameters, model.operations, latency.cycles, latency.ns, timing.criticalPathNs, timing.fmaxMHz, resources, device?.capacity, judged,
    verification?.vectors, verification?.mismatches, verification?.checks, passes, layers.map((l) => [l.cycles, l.resources]), report.criticalPath?.map((s) => s.ns),
  ];
  expect(missingFrom(values, numbersOf(parts))).toEqual([]);
  expect(numbersOf(parts).length).toBeGreaterThan(80);
});

test('ranges, stages, types and hashes are on the page', () => {
  const report = sampleReport();
  const page = htmlReport(report);
  for (const layer of report.layers) {
    for (const range of [layer.range?.proven, layer.range?.observed]) expect(page).toContain(`title="${range?.[0]} to ${range?.[1]}"`);
    expect(page).toContain(escapeHtml(layer.outputType ?? ''));
  }
  for (const { path, sha256 } of report.artifacts) expect(page).toContain(`<code>${path}</code></th><td class="text"><code class="hash">${sha256}</code>`);
  expect(page).toContain(escapeHtml(`--input-type 'fixed<18,13>'`));
});

test('links reach a section, sections have titles, tables captions, charts names', () => {
  const page = htmlReport(unmetReport());
  const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map((m) => m[1]);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, target] of page.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(target);
  for (const [, target] of page.matchAll(/aria-labelledby="([^"]*)"/g)) expect(ids).toContain(target);
  const count = (pattern: RegExp): number => [...page.matchAll(pattern)].length;
  expect(count(/<table/g)).toBe(count(/<caption>/g));
  expect(count(/<svg/g)).toBe(count(/<svg[^>]*(?:aria-hidden="true"|role="(?:img|group)" aria-label="[^"]+)/g));
  for (const landmark of ['<main id="main">', '<header>', '<nav aria-label="Contents">', '<footer>', '<html lang="en">']) expect(page).toContain(landmark);
  expect(count(/<h1>/g)).toBe(1);
});

test('the outcome is in words, not in colour alone', () => {
  const failed = { ...sampleDraft.verification, mismatches: 2 } as NonNullable<Report['verification']>;
  expect(htmlReport(sampleReport())).toContain('<strong>Budget met</strong>');
  expect(htmlReport(unmetReport())).toContain('<strong>Budget not met</strong>');
  expect(htmlReport(sampleReport({ verification: failed }))).toContain('<strong>Verification found a mismatch</strong>');
  expect(htmlReport(bareReport())).toContain('Nothing has been verified.');
});

test('what the report does not have is not on the page', () => {
  const page = htmlReport(bareReport());
  for (const id of ['warnings', 'precision', 'suggestions', 'pipeline']) expect(page).not.toContain(`id="${id}"`);
  expect(page).not.toContain('Accuracy');
  expect(page).not.toMatch(/undefined|NaN|Infinity/);
  tagsOf(page);
});

test('a combinational design has a page, too', () => {
  const page = htmlReport(sampleReport({
    latency: { cycles: 0, ns: 0, initiationInterval: 1, combinational: true }, layers: sampleDraft.layers.map((l) => ({ ...l, cycles: 0, stages: [0, 0] as const })),
    budget: { clockMHz: 40, latencyNs: 20 }, timing: { ...sampleDraft.timing, criticalPathNs: 18.4, criticalStage: 0 }, pipeline: [{ ns: 18.4 }],
  }));
  tagsOf(page);
  expect(page).toContain('budget 20 ns');
  expect(page).not.toMatch(/undefined|NaN|Infinity/);
});

test('a pure function: same report, same bytes', () => {
  expect(htmlReport(sampleReport())).toBe(htmlReport(sampleReport()));
});

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string): number => {
    const [r, g, bl] = [1, 3, 5].map((i) => {
      const c = parseInt(hex.slice(i, i + 2), 16) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
  };
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

test.each([['light', LIGHT], ['dark', DARK]] as const)('text of the %s scheme has enough contrast', (_, palette: Palette) => {
  for (const colour of ['ink', 'muted', 'accent', 'good', 'bad', 'warn'] as const) {
    for (const ground of ['paper', 'panel'] as const) expect(contrast(palette[colour], palette[ground]), `${colour} on ${ground}`).toBeGreaterThanOrEqual(4.5);
  }
  expect(contrast(palette.accent, palette.track), 'bars on their track').toBeGreaterThanOrEqual(3);
});

test('the graph has a box a layer, each leading to its row, and a line a connection', async () => {
  const report = sampleReport();
  const page = htmlReport(report, await layoutModel(report));
  tagsOf(page);
  report.layers.forEach((_, i) => {
    expect(page).toContain(`<a href="#layer-${i}">`);
    expect(page).toContain(`<span id="layer-${i}">`);
  });
  const graph = /<svg class="graph[\s\S]*?<\/svg>/.exec(page)?.[0] ?? '';
  expect([...graph.matchAll(/<path /g)].length).toBe(report.layers.length);
  expect(page).toContain('Verilog 20–45');
  expect(page).toBe(htmlReport(report, await layoutModel(report)));
});

test('no graph is drawn of layers whose inputs are not known, nor of hundreds', async () => {
  const { layers } = sampleDraft;
  const unknown = layers.map(({ inputs: _, ...layer }) => layer);
  expect(await layoutModel(sampleReport({ layers: unknown }))).toBeUndefined();
  expect(await layoutModel(sampleReport({ layers: Array.from({ length: 151 }, (_, i) => ({ ...layers[0]!, name: `layer ${i}` })) }))).toBeUndefined();
});

test('bits above the proven range are marked, and slack is what the slowest stage of a layer leaves', () => {
  const layer = { ...sampleDraft.layers[0]!, outputType: 'fixed<16,8>', range: { proven: [-3, 4] as const, observed: [-1, 1.5] as const }, stages: [1, 2] as const };
  const page = htmlReport(sampleReport({ layers: [layer] }));
  expect(page).toContain('fixed&lt;16,8&gt;: 16 bits, 4 never used, 2 more not used by the events');
  expect(page).toContain('<span class="sk">0.21</span>');
  const late = htmlReport(sampleReport({ layers: [layer], pipeline: [{ ns: 1 }, { ns: 3.25 }, { ns: 2 }] }));
  expect(late).toContain('<span class="bad">-0.13</span>');
});

test('accuracy is drawn in float and fixed point', () => {
  const page = htmlReport(sampleReport());
  expect([...page.matchAll(/<figure class="plot">/g)].length).toBe(3);
  for (const name of ['Distribution of score over 24 events', 'ROC curve of score', 'Signal efficiency of score']) expect(page).toContain(name);
});
