/** A comparison as one HTML page, in the look of a run's report; it asks for nothing else, and runs no script. */
import { markup } from '../report/escape.ts'
import { style } from '../report/style.ts'
import type { Language } from '../stage.ts'
import type { Compared } from './compare.ts'
import { type Table, tablesOf } from './table.ts'

const TITLE = { en: 'Runs side by side', zh: '几次运行，并排看' }

export function comparisonPage(compared: Compared, language: Language): string {
  const names = compared.runs.map(({ name }) => name)
  const table = ({ title, note, rows }: Table) => {
    const cell = (text: string) => {
      const [first, ...more] = text.split('\n')
      return markup`<td>${first}${more.map((line) => markup`<span class="gain${look(line)}">${line}</span>`)}</td>`
    }
    const body = rows.map(({ label, cells }) => markup`<tr><td>${label.trim()}</td>${cells.map(cell)}</tr>`)
    return markup`<section><h2>${title}</h2>${note !== undefined && markup`<p class="note">${note}</p>`}
<div class="card scroll"><table><thead><tr><th></th>${names.map((name) => markup`<th>${name}</th>`)}</tr></thead><tbody>${body}</tbody></table></div></section>`
  }
  return markup`<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${names.join(' · ')}</title>
<style>${style}</style>
</head>
<body>
<main>
<header><div><p class="eyebrow">${TITLE[language]}</p><h1>${names.join(' · ')}</h1></div><div class="seal" lang="zh" aria-hidden="true">学霸</div></header>
${tablesOf(compared, language).map(table)}
</main>
</body>
</html>
`.source
}

/** Green or red only where the interval excludes no change: `▲ +12 [+3, +20]`. */
function look(gain: string): string {
  const [, low, high] = /\[([+−]?)[\d.]+, ([+−]?)[\d.]+\]$/.exec(gain) ?? []
  return low === '+' ? ' yes' : high === '−' ? ' no' : ''
}
