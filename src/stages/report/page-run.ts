/** Sections of the page about how the model came about: time, the corpus's funnel, warnings, machine, recipe, commands. */
import type { Funnel, ReportCard, StageCard } from './card.ts'
import { commandsOf } from './commands.ts'
import { type Markup, markup, type Piece } from './escape.ts'
import { formatCount, formatDuration, formatShare } from './format.ts'
import { funnelWords, stageWords, wordsOf } from './words.ts'

export function timeline({ stages, seconds, language }: ReportCard): Markup {
  const word = wordsOf(language)
  let before = 0
  const percent = (x: number) => Number(((100 * x) / Math.max(seconds, 1e-9)).toFixed(2))
  const row = ({ name, kind, state, seconds: own, model, takenFrom }: StageCard) => {
    const life = stageWords[kind]?.life[language] ?? name
    const place = `left:${percent(before)}%;width:${percent(own ?? 0)}%`
    before += own ?? 0
    const under = state === 'unfinished' ? ` · ${word('running')}` : ''
    return markup`<div class="row"><span><b>${life}</b><small>${name}${takenFrom !== null && ` · ${word('takenFrom')}${takenFrom}`}</small></span>
<span class="track">${own !== null && markup`<i class="bar${model && ' model'}" style="${place}"></i>`}</span>
<span class="time">${state === 'waiting' ? word('waiting') : `${formatDuration(own, language)}${under}`}</span></div>`
  }
  const sum = markup`<div class="sum"><span>${word('total')}</span><b>${formatDuration(seconds, language)}</b></div>`
  return markup`<section id="timeline"><h2>${word('timeline')}</h2><div class="card timeline">${stages.map(row)}${sum}</div></section>`
}

export function funnels({ funnels, language }: ReportCard): Piece {
  if (funnels.length === 0) return null
  const one = (funnel: Funnel) =>
    markup`<article class="card">${funnels.length > 1 && markup`<h3>${funnel.stage}</h3>`}${funnelOf(funnel, language)}</article>`
  return markup`<section id="funnel"><h2>${wordsOf(language)('funnel')}</h2>${funnels.map(one)}</section>`
}

function funnelOf({ steps, rules }: Funnel, language: ReportCard['language']): Markup {
  const most = Math.max(1, ...steps.map(({ documents }) => documents))
  const rows = steps.map(({ step, documents }, i) => {
    const lost = i === 0 ? 0 : steps[i - 1]!.documents - documents
    const width = Number(((100 * documents) / most).toFixed(1))
    return markup`<span title="${step}">${funnelWords[step]?.[language] ?? step}</span>
<span class="track"><i style="width:${width}%"></i></span>
<span class="count">${formatCount(documents, language)}<small>${lost > 0 && `−${formatCount(lost, language)}`}</small></span>`
  })
  const refused = rules.map(
    ({ rule, documents }) => markup`<li class="tag">${rule}<b>${formatCount(documents, language)}</b></li>`,
  )
  return markup`<p class="note">${keptSentence({ steps, rules }, language)}</p><div class="funnel">${rows}</div>
${refused.length > 0 && markup`<ul class="rules">${refused}</ul>`}`
}

export function keptSentence(
  { steps, rules }: Pick<Funnel, 'steps' | 'rules'>,
  language: ReportCard['language'],
): string {
  const kept = formatShare((steps.at(-1)?.documents ?? 0) / Math.max(1, steps[0]?.documents ?? 0))
  const refused = formatCount(
    rules.reduce((sum, { documents }) => sum + documents, 0),
    language,
  )
  return language === 'zh'
    ? `留下 ${kept}，拒收 ${refused} 篇；每一篇为什么被拒，rejected.jsonl 里都有。`
    : `${kept} were kept and ${refused} refused; rejected.jsonl says why for each.`
}

export function warnings({ warnings, language }: ReportCard): Piece {
  if (warnings.length === 0) return null
  const rows = warnings.map(({ stage, message, count }) => {
    const often = count > 1 && markup` <span class="tag">× ${count}</span>`
    return markup`<li>${stage !== null && markup`<b>${stage}</b> `}${message[language]}${often}</li>`
  })
  return markup`<section id="warnings"><h2>${wordsOf(language)('warnings')}</h2><div class="card"><ul>${rows}</ul></div></section>`
}

export function machine({ machine, language }: ReportCard): Piece {
  if (!machine) return null
  const pairs = Object.entries(machine).map(([key, value]) => markup`<dt>${key}</dt><dd>${value}</dd>`)
  return markup`<section id="machine"><h2>${wordsOf(language)('machine')}</h2>
<div class="card"><dl class="pairs">${pairs}</dl></div></section>`
}

export function recipe({ yaml, language }: ReportCard): Markup {
  return markup`<section id="recipe"><h2>${wordsOf(language)('recipe')}</h2>
<details><summary>recipe.yaml</summary><pre>${yaml}</pre></details></section>`
}

export function commands(card: ReportCard, run: string): Markup {
  const lines = commandsOf(card, run).map(({ command, says }) => markup`<i># ${says}</i>\n${command}\n`)
  return markup`<section id="commands"><h2>${wordsOf(card.language)('commands')}</h2><pre>${lines}</pre></section>`
}
