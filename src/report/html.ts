import { pathLimit, periodNs, synthesisOfDevice } from './budget.js';
import { formatApart, formatDecimal, plural } from './format.js';
import { gauge } from './html/charts.js';
import type { GraphLayout } from './html/layout.js';
import { type Content, type Html, html, noBreak, number, sourceTag } from './html/markup.js';
import { htmlPage } from './html/page.js';
import { sections } from './html/sections.js';
import type { Report } from './schema.js';
import { type Outcome, outcomeOf, statedBudget, verdictSentence } from './verdict.js';

const OUTCOME_TITLES: Readonly<Record<Outcome, string>> = { met: 'Budget met', unmet: 'Budget not met', mismatch: 'Verification found a mismatch' };

/**
 * The report as one HTML file: no network, no script, light and dark, for screens of
 * any width and for paper; `graph` is the drawing of the model that `layoutModel` made. A pure function of the report; all text in it is taken for hostile and escaped.
 */
export function htmlReport(report: Report, graph?: GraphLayout): string {
  const parts = sections(report, graph);
  const links = parts.map((s) => html`<li><a href="#${s.id}">${s.title}</a></li>`);
  return htmlPage({
    tool: report.tool,
    title: `${report.model.name}: ${OUTCOME_TITLES[outcomeOf(report)].toLowerCase()}`,
    skip: 'Skip to the report',
    eyebrow: 'Trigger firmware report',
    heading: report.model.name,
    lead: html`${verdictBox(report)}${figures(report)}`,
    contents: html`<nav aria-label="Contents"><ul><li><a href="#budget">Budget</a></li>${links}</ul></nav>\n`,
    main: html`${budgetSection(report)}${parts.map((s) => s.body)}`,
    source: 'report.json',
    schema: report.schema,
  });
}

function verdictBox(report: Report): Html {
  const outcome = outcomeOf(report);
  const mark = outcome === 'met' ? html`<path d="M10.5 18.5l5.2 5.2L26 13"/>` : html`<path d="M12 12l12 12M24 12L12 24"/>`;
  return html`<div class="verdict ${outcome}">
<svg viewBox="0 0 36 36" aria-hidden="true" fill="none" class="st" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"><circle cx="18" cy="18" r="16"/>${mark}</svg>
<div><strong>${OUTCOME_TITLES[outcome]}</strong><p>${noBreak(verdictSentence(report))}</p></div>
</div>
`;
}

function figure(term: string, value: Content, unit: string, note: Content): Html {
  return html`<div><dt>${term}</dt><dd><span class="value">${value}<small>${unit}</small></span><span class="note">${note}</span></dd></div>
`;
}

/** The handful of numbers to know, each with its source. */
function figures(report: Report): Html {
  const { latency, timing, resources, verification } = report;
  const synthesised = synthesisOfDevice(report);
  const area = synthesised ?? resources.estimated;
  const areaSource = synthesised === undefined ? 'estimated' : 'synthesised';
  const path = number(timing.criticalPathNs, formatApart(timing.criticalPathNs, pathLimit(report).ns, 2)[0]);
  return html`<dl class="figures">
${latency.combinational
    ? figure('Latency', number(latency.cycles), 'cycles', 'combinational')
    : figure('Latency', number(latency.ns, formatDecimal(latency.ns, 1)), 'ns', html`${number(latency.cycles)} ${latency.cycles === 1 ? 'cycle' : 'cycles'}, ${sourceTag('proven')}`)}${
    figure('Critical path', path, 'ns', sourceTag(timing.source))}${
    figure('Logic', number(area.lut), 'LUT', sourceTag(areaSource))}${
    figure('Registers', number(area.ff), 'FF', sourceTag(areaSource))}${
    verification === undefined || verification.vectors === 0
      ? figure('Verified', 'no', '', 'not verified')
      : figure('Mismatches', number(verification.mismatches), '', html`of ${number(verification.vectors)} vectors, ${sourceTag(verification.simulator === undefined ? 'emulated' : 'simulated')}`)}${
    report.overflow.provenSafe ? figure('Overflow', 'none', '', sourceTag('proven')) : figure('Overflow', report.overflow.wraps.length > 0 ? 'possible' : 'unproven', '', 'not excluded')}</dl>
`;
}

/** Latency against the budget, critical path against the period. */
function budgetSection(report: Report): Html {
  const { budget, latency, timing } = report;
  const period = periodNs(report);
  const gauges: Html[] = [];
  if (!latency.combinational && budget.latencyNs !== undefined) {
    const [used, allowed] = formatApart(latency.ns, budget.latencyNs);
    const inCycles = budget.latencyCycles === undefined ? '' : `, ${plural(budget.latencyCycles, 'cycle')}`;
    gauges.push(gauge({
      title: 'Latency', value: latency.ns, limit: limitNs(report, budget.latencyNs), step: period,
      valueLabel: `Latency ${used} ns, ${plural(latency.cycles, 'cycle')}`,
      limitLabel: `${budget.locked === true ? 'locked at' : 'budget'} ${allowed} ns${inCycles}`,
    }));
  }
  const allowed = pathLimit(report);
  const [path, limit] = formatApart(timing.criticalPathNs, allowed.ns, 3);
  gauges.push(gauge({
    title: 'Critical path', value: timing.criticalPathNs, limit: allowed.ns,
    valueLabel: `Critical path ${path} ns, ${timing.source}`,
    limitLabel: `${allowed.by === 'period' ? 'clock period' : 'budget'} ${limit} ns`,
  }));
  const fmax = timing.fmaxMHz === undefined ? undefined : html` Fmax is ${number(timing.fmaxMHz, formatDecimal(timing.fmaxMHz))} MHz (${timing.source}).`;
  const rate = latency.combinational ? undefined : html` A new event can enter every ${latency.initiationInterval === 1 ? 'cycle' : html`${number(latency.initiationInterval)} cycles`}.`;
  return html`<section id="budget" aria-labelledby="budget-title">
<h2 id="budget-title">Budget</h2>
<p class="lead">Stated: ${statedBudget(report)}; clock ${number(budget.clockMHz)} MHz.${rate}${fmax}</p>
<div class="columns">${gauges.map((g) => html`<figure>${g}</figure>`)}</div>
</section>
`;
}

/** Where cycles are what counts, the limit is that many periods: 2 BX is 16 cycles, though 49.9 ns. */
function limitNs(report: Report, statedNs: number): number {
  const { latencyCycles } = report.budget;
  return latencyCycles === undefined ? statedNs : latencyCycles * periodNs(report);
}
