/**
 * HTML of a crawled page: one of four designs that differ in tags, class names and the order of the furniture, as sites do.
 *
 * `chrome` is the language of the furniture, `lang` what the page claims. Text is escaped; scripts and styles are there so that an extractor
 * has to leave them out.
 */
import type { Random } from '../tensor/random.ts'
import type { Junk, Language } from './data.ts'
import { JUNK } from './data.ts'
import type { Page } from './pages.ts'

export function renderHtml(page: Page, options: { chrome: Language; lang: string; design: number; r: Random }): string {
  const { chrome, lang, design, r } = options
  const junk = JUNK[chrome]
  const title = escapeHtml(page.title)
  const body = [
    title === '' ? '' : `<h1>${title}</h1>`,
    ...page.lines.map((line) => `<p>${escapeHtml(line).replaceAll('\n', '<br>\n')}</p>`),
  ]
  const main = DESIGNS[design % DESIGNS.length]!(body.filter((line) => line !== '').join('\n'), junk, r)
  const site = escapeHtml(r.pick(junk.navigation))
  return `<!DOCTYPE html>
<html lang="${lang === 'zh' ? 'zh-CN' : lang}">
<head>
<meta charset="utf-8">
<title>${title === '' ? site : `${title} - ${site}`}</title>
<style>body { margin: 0 auto; max-width: 60em } .ad { color: #c00 }</style>
<script>window.dataLayer = window.dataLayer || []; dataLayer.push({ page: ${r.below(100_000)} });</script>
</head>
<body>
${main}
</body>
</html>
`
}

export function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}

// --- internal ---

type Design = (body: string, junk: Junk, r: Random) => string

const DESIGNS: Design[] = [
  (body, junk, r) => `<header><nav><ul>${list(junk.navigation, 8, r)}</ul></nav></header>
<main><article>
${body}
</article>
<aside class="related"><ul>${list(junk.related, 5, r)}</ul></aside></main>
<footer><p>${escapeHtml(r.pick(junk.footers))}</p></footer>
<div class="cookie-banner" role="dialog">${escapeHtml(r.pick(junk.cookies))}</div>`,

  (body, junk, r) => `<div id="cookie-consent">${escapeHtml(r.pick(junk.cookies))}</div>
<div id="nav">${links(junk.navigation, 10, r)}</div>
<div id="sidebar"><h3>${escapeHtml(r.pick(junk.sidebar))}</h3><ul>${list(junk.advertisements, 4, r)}</ul></div>
<div id="content" class="post-content">
${body}
</div>
<div id="footer">${escapeHtml(r.pick(junk.footers))}</div>`,

  (body, junk, r) => `<div class="topbar">${links(junk.navigation, 6, r)}</div>
<div class="ad">${links(junk.advertisements, 2, r)}</div>
<div class="wrapper"><div class="entry">
${body}
</div></div>
<div class="share">${links(junk.related, 6, r)}</div>
<div class="ad">${links(junk.advertisements, 1, r)}</div>
<div class="copyright">${escapeHtml(r.pick(junk.footers))}</div>`,

  (body, junk, r) => `<table width="960"><tr><td colspan="2">${links(junk.navigation, 9, r)}</td></tr>
<tr><td valign="top"><b>${escapeHtml(r.pick(junk.sidebar))}</b><br>${links(junk.advertisements, 3, r)}</td>
<td class="text">
${body}
</td></tr>
<tr><td colspan="2"><small>${escapeHtml(r.pick(junk.footers))}</small></td></tr></table>`,
]

function link(text: string): string {
  return `<a href="#">${escapeHtml(text)}</a>`
}

function links(texts: readonly string[], count: number, r: Random): string {
  return r.shuffle(texts).slice(0, count).map(link).join(' ')
}

function list(texts: readonly string[], count: number, r: Random): string {
  return r
    .shuffle(texts)
    .slice(0, count)
    .map((text) => `<li>${link(text)}</li>`)
    .join('')
}
