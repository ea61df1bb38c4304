/** The page's colours in both schemes: text colours keep a contrast of at least 4.5 on `paper` and on `panel`. */
export interface Palette {
  readonly paper: string;
  readonly panel: string;
  readonly ink: string;
  readonly muted: string;
  readonly rule: string;
  readonly track: string;
  readonly accent: string;
  readonly soft: string;
  readonly good: string;
  readonly bad: string;
  readonly warn: string;
}

export const LIGHT: Palette = {
  paper: '#fcfbf9', panel: '#f4f2ed', ink: '#1a1c20', muted: '#5a5d64', rule: '#dcd8cf', track: '#e6e2d9',
  accent: '#23527c', soft: '#9db8d0', good: '#17633f', bad: '#a32020', warn: '#7c5200',
};

export const DARK: Palette = {
  paper: '#131518', panel: '#1b1e22', ink: '#e9e6e0', muted: '#a5a8ae', rule: '#32363c', track: '#2a2e34',
  accent: '#8cbbe6', soft: '#3f5f7d', good: '#74cda0', bad: '#f3928c', warn: '#e3b765',
};

function variables(palette: Palette): string {
  return Object.entries(palette).map(([name, value]) => `--${name}:${value}`).join(';');
}

/** The whole style sheet: no imports, no fonts from outside. */
export const STYLE = `
:root{color-scheme:light dark;${variables(LIGHT)}}
@media (prefers-color-scheme:dark){:root{${variables(DARK)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 "Source Sans 3","Segoe UI",Lato,system-ui,-apple-system,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums lining-nums;overflow-wrap:break-word}
code,pre{font-family:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86em}
a{color:var(--accent);text-underline-offset:.18em}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem 1rem;z-index:9}
.page{max-width:68rem;margin:0 auto;padding:2.75rem 2rem 4rem}
.eyebrow{margin:0;color:var(--muted);font-size:.875rem}
h1{margin:.1rem 0 0;overflow-wrap:anywhere;font-size:clamp(1.75rem,1.3rem + 2vw,2.5rem);line-height:1.15;font-weight:650;letter-spacing:-.015em}
h2{margin:0 0 .35rem;font-size:1.3rem;line-height:1.25;font-weight:650;letter-spacing:-.005em}
h3{margin:2rem 0 .35rem;font-size:1rem;font-weight:650}
p{margin:.4rem 0}
.lead{max-width:52rem;color:var(--muted)}
section{margin-top:3.25rem;scroll-margin-top:1rem}
nav{margin-top:1.75rem;border-block:1px solid var(--rule);padding:.55rem 0}
nav ul{display:flex;flex-wrap:wrap;gap:.15rem 1.35rem;margin:0;padding:0;list-style:none}
nav a{display:inline-block;padding:.2rem 0;text-decoration:none;font-size:.92rem}
nav a:hover{text-decoration:underline}
.verdict{display:flex;gap:1.1rem;align-items:flex-start;margin-top:1.6rem;padding:1.15rem 1.35rem;background:var(--panel);border-radius:10px;border-left:6px solid var(--tone)}
.verdict svg{flex:none;width:2.3rem;height:2.3rem;margin-top:.15rem}
.verdict strong{display:block;font-size:1.35rem;line-height:1.2;color:var(--tone)}
.verdict>div{min-width:0;overflow-wrap:anywhere}
.verdict p{margin:.2rem 0 0;font-size:1.04rem}
.met{--tone:var(--good)}.unmet,.mismatch{--tone:var(--bad)}
.figures{display:grid;grid-template-columns:repeat(6,auto);justify-content:space-between;gap:1.3rem 1.6rem;margin:1.9rem 0 0}
.figures dt{color:var(--muted);font-size:.875rem}
.figures dd{margin:0}
.figures .value{display:block;font-size:1.85rem;line-height:1.2;font-weight:600;letter-spacing:-.015em;white-space:nowrap}
.figures .value small{font-size:.95rem;font-weight:500;letter-spacing:0;margin-left:.28em}
.figures .note{display:block;color:var(--muted);font-size:.875rem}
.basis{max-width:52rem;margin-top:.7rem;color:var(--muted);font-size:.875rem}
.source{color:var(--muted);font-size:.82rem;font-style:italic;white-space:nowrap}
.facts{margin:.9rem 0 0;display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:0 2.5rem}
.facts>div{display:grid;grid-template-columns:8.8rem 1fr;gap:.9rem;padding:.38rem 0;border-bottom:1px solid var(--rule)}
.facts>.full{grid-column:1/-1}
.facts dt{color:var(--muted)}
.facts dd{margin:0;min-width:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin-top:1rem}
table{border-collapse:collapse;min-width:min(100%,36rem);font-size:.92rem;line-height:1.4}
table.wide{width:100%}
caption>span{display:block;max-width:min(52rem,calc(100vw - 2.4rem))}
caption{text-align:left;color:var(--muted);font-size:.875rem;padding-bottom:.4rem}
th,td{padding:.42rem 1.4rem .42rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule);font-weight:400}
thead th{border-bottom:1.5px solid var(--muted);font-weight:600;font-size:.84rem;white-space:nowrap;vertical-align:bottom}
tbody th{font-weight:600;min-width:7.5rem;max-width:18rem;overflow-wrap:anywhere}
td.text{min-width:5rem;max-width:36rem;overflow-wrap:break-word}
th:last-child,td:last-child{padding-right:0}
.n{text-align:right;white-space:nowrap}
dd code{white-space:normal}
td code{white-space:nowrap}
.sub{display:block;color:var(--muted);font-size:.82rem;font-weight:400}
.bar{display:block;width:100%;min-width:5.2rem;max-width:9rem;margin-left:auto;height:5px;margin-top:5px}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
figure{margin:1.3rem 0 0}
figcaption{color:var(--muted);font-size:.875rem;margin-top:.45rem;max-width:46rem}
.chart{display:block;width:100%;overflow:visible}
.chart text{font-size:12.5px;fill:var(--ink)}
.chart .m{fill:var(--muted);font-size:11.5px}
.chart .k{fill:var(--bad);font-weight:600}
.fa{fill:var(--accent)}.fs{fill:var(--soft)}.ft{fill:var(--track)}.fb{fill:var(--bad)}
.sr{stroke:var(--rule)}.sm{stroke:var(--muted)}.sp{stroke:var(--paper)}.si{stroke:var(--ink)}.st{stroke:var(--tone)}
.fp{fill:var(--panel)}.pa{stroke:var(--accent)}.pw{stroke:var(--warn)}.pi{stroke:var(--ink)}
.plots{display:flex;flex-wrap:wrap;gap:0 2rem}
.plot{flex:1 1 17rem;max-width:26rem}
.graph{width:auto;max-width:none;margin:0 auto}
.graph a:hover rect,.graph a:focus-visible rect{stroke:var(--accent);stroke-width:2.2}
tr:has(:target){background:var(--panel)}
.band{fill:var(--bad);opacity:.1}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:0 3rem}
.notes{margin:.8rem 0 0;padding:0;list-style:none}
.notes li{padding:.5rem 0 .5rem .9rem;border-left:3px solid var(--warn);margin-bottom:.6rem}
pre{margin:.9rem 0 0;padding:.9rem 1.1rem;background:var(--panel);border-radius:8px;white-space:pre-wrap;overflow-wrap:anywhere}
.hash{color:var(--muted);font-size:.78rem}
footer{margin-top:3.5rem;padding-top:.9rem;border-top:1px solid var(--rule);color:var(--muted);font-size:.875rem}
@media (max-width:60rem){.figures{grid-template-columns:repeat(3,1fr)}}
@media (max-width:40rem){
th,td{padding-right:.95rem}
.bar{min-width:3.6rem}
.page{padding:1.6rem 1.1rem 3rem}
section{margin-top:2.5rem}
.verdict{padding:1rem;gap:.8rem}
.verdict svg{width:1.8rem;height:1.8rem}
.figures{grid-template-columns:1fr 1fr;gap:1.1rem 1rem}
.figures .value{font-size:1.5rem}
.facts>div{grid-template-columns:7rem 1fr}
tbody th,thead th:first-child{position:sticky;left:0;background:var(--paper);min-width:6.5rem;max-width:9rem}
}
@media print{
:root{${variables({ ...LIGHT, paper: '#ffffff' })}}
body{font-size:10pt}
.page{max-width:none;padding:0}
nav,.skip{display:none}
section{margin-top:1.6rem}
h2,h3,caption{break-after:avoid}
figure,tr,.verdict,.figures{break-inside:avoid}
.scroll{overflow:visible}
svg,.verdict{-webkit-print-color-adjust:exact;print-color-adjust:exact}
@page{margin:16mm}
}
`;
