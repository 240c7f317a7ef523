import { Html, markup } from '../../lib/markup.ts';
import { compareSeverity } from '../../render/lint/finding.ts';
import { layers } from '../check.ts';
import type { CheckResult, Report } from '../report.ts';
import { listNegotiated } from './negotiated.ts';
import { drawTimings } from './timing-picture.ts';

const style = `
:root{color-scheme:light dark;--page:#f3f5f7;--card:#fff;--ink:#15202b;--soft:#4c5a67;--line:#d3dae1;--brand:#0a5a6e;--hint:#eef3f6;--error:#a3241a;--warning:#7a5200;--info:#33536b;--pass:#1d6b3a}
@media(prefers-color-scheme:dark){:root{--page:#0f151b;--card:#18212a;--ink:#e8eef3;--soft:#a9b7c3;--line:#2e3a45;--brand:#7cd0e4;--hint:#202b35;--error:#ffb9b1;--warning:#ffdf94;--info:#a9cfe8;--pass:#9fdcb4}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:56rem;margin:0 auto;padding:1.5rem 1rem 3rem}
header{display:flex;gap:1.25rem;align-items:center;flex-wrap:wrap}
.grade{font-size:3rem;font-weight:700;line-height:1;padding:.6rem 1rem;border-radius:.75rem;background:var(--card);border:1px solid var(--line)}
h1{font-size:1.25rem;margin:0}h2{font-size:1.0625rem;margin:2rem 0 .75rem}h3{font-size:1rem;margin:0 0 .25rem}
.soft{color:var(--soft)}p{margin:.25rem 0}
article,.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.25rem;margin:0 0 .75rem}
article.error{border-left:.3rem solid var(--error)}article.warning{border-left:.3rem solid var(--warning)}article.info{border-left:.3rem solid var(--info)}
.tag{font-weight:650}.error .tag{color:var(--error)}.warning .tag{color:var(--warning)}.info .tag{color:var(--info)}
pre{margin:.5rem 0 0;padding:.75rem;background:var(--hint);border-radius:.5rem;overflow-x:auto;font:.8125rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre code{display:block;white-space:pre}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;font-weight:400}th{color:var(--soft);white-space:nowrap}
svg{width:100%;height:auto;display:block}svg rect{fill:var(--brand)}svg text{fill:var(--ink);font-size:14px}
summary{cursor:pointer}
`.trim();

const statuses = { pass: 'passed', unknown: 'could not be told', skip: 'not tested' } as const;

/** The report as one file: nothing is loaded from anywhere, and what the endpoint wrote is text (stored XSS). */
export function formatHtml(report: Report): string {
  const { facts, grade, caps, results } = report;
  const failed = results
    .filter(({ status }) => status === 'fail')
    .toSorted((one, other) => compareSeverity(one.severity, other.severity));
  const page = markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'"><title>${grade}: ${facts.target.url}</title><style>${new Html(style)}</style></head>
<body><main>
<header><div class="grade" aria-label="Grade ${grade}">${grade}</div><div><h1>${facts.target.url}</h1><p class="soft">${facts.at}, breakwater doctor ${facts.doctor}</p>${caps.slice(0, 1).map((cap) => markup`<p>${cap}</p>`)}</div></header>
<h2>${failed.length === 0 ? 'Nothing is wrong' : 'What is wrong'}</h2>
${failed.map(formatFinding)}
<h2>Time to the first answer</h2>
<div class="card">${drawTimings(facts)}</div>
<h2>What was agreed on</h2>
<div class="card"><table>${listNegotiated(report).map(([name, value]) => markup`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</table></div>
<h2>Layers</h2>
${layers.map((layer) =>
  formatLayer(
    layer,
    results.filter((each) => each.layer === layer),
  ),
)}
</main></body></html>
`;
  return page.text;
}

function formatFinding({ id, severity, seen, why, reference, fix, evidence, baselined }: CheckResult): Html {
  return markup`<article class="${severity}"><h3><span class="tag">${severity}</span> ${seen}</h3>
<p class="soft">${id}${baselined ? ', in the baseline' : ''}. ${reference}</p>
<p>${why}</p>
${fix === undefined ? undefined : markup`<p><strong>Fix:</strong> ${fix.advice}${fix.front === undefined ? '' : ` (${fix.front})`}</p>${formatLines(fix.lines, `Lines to write for ${id}`)}`}
${formatLines(evidence, `What was seen of ${id}`)}</article>`;
}

function formatLines(lines: readonly string[], title: string): Html | undefined {
  if (lines.length === 0) return undefined;
  // A box that scrolls has to be reached by the keyboard.
  return markup`<pre tabindex="0" role="region" aria-label="${title}">${lines.map((line) => markup`<code>${line === '' ? ' ' : line}</code>`)}</pre>`;
}

function formatLayer(layer: string, results: readonly CheckResult[]): Html {
  const failed = results.filter(({ status }) => status === 'fail').length;
  const passed = results.filter(({ status }) => status === 'pass').length;
  const rows = results
    .filter(({ status }) => status !== 'fail')
    .map(
      ({ title, status, seen }) =>
        markup`<tr><td>${title}</td><td>${status === 'fail' ? '' : statuses[status]}${seen === undefined ? '' : `: ${seen}`}</td></tr>`,
    );
  return markup`<details class="card"><summary>${layer}: ${failed} to look at, ${passed} passed, ${results.length - failed - passed} not told</summary><table>${rows}</table></details>`;
}
