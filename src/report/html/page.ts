import { type Content, type Html, html } from './markup.js';
import { STYLE } from './style.js';

/** What every page has around its own parts. */
export interface Page {
  readonly tool: { readonly name: string; readonly version: string };
  /** Of the browser's window. */
  readonly title: string;
  /** Of the link for those who read with a keyboard or by ear: `Skip to the report`. */
  readonly skip: string;
  readonly eyebrow: string;
  readonly heading: string;
  /** Below the heading. */
  readonly lead: Content;
  readonly contents?: Html;
  readonly main: Content;
  /** The file that the page is made of, and its schema version. */
  readonly source: string;
  readonly schema: number;
}

/** One self-contained HTML file: no network, no script (a content policy forbids both). */
export function htmlPage({ tool, title, skip, eyebrow, heading, lead, contents, main, source, schema }: Page): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="${tool.name} ${tool.version}">
<title>${title}</title>
<style>${{ markup: STYLE }}</style>
</head>
<body>
<a class="skip" href="#main">${skip}</a>
<div class="page">
<header>
<p class="eyebrow">${eyebrow}</p>
<h1>${heading}</h1>
${lead}</header>
${contents}<main id="main">
${main}</main>
<footer><p>Made by ${tool.name} ${tool.version} from ${source}, schema version ${schema}.</p></footer>
</div>
</body>
</html>
`;
  return page.markup;
}
