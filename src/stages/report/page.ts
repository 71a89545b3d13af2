/**
 * The report as one HTML page that asks for nothing else: no script, no font, no image; a content policy forbids what a mistake
 * might let in. Sections in page-results.ts (what was learned) and page-run.ts (how it came about).
 */
import type { ReportCard } from './card.ts'
import { type Markup, markup } from './escape.ts'
import { formatDuration, formatValue } from './format.ts'
import { aha } from './page-aha.ts'
import { exams } from './page-exam.ts'
import { answers, controls, curves, metrics, samples } from './page-results.ts'
import { commands, funnels, machine, recipe, timeline, warnings } from './page-run.ts'
import { storyOf } from './story.ts'
import { style } from './style.ts'
import { metricName, wordsOf } from './words.ts'

const POLICY = "default-src 'none'; style-src 'unsafe-inline'"
const sections = [timeline, answers, exams, metrics, controls, aha, curves, samples, funnels, warnings, machine, recipe]

/** `run` is the folder, for the commands to copy. */
export function toPage(card: ReportCard, run: string): string {
  const { name, language, xueba, started } = card
  const word = wordsOf(language)
  const made = [word('madeBy'), xueba, started?.slice(0, 10)].filter(Boolean).join(' · ')
  return markup`<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${name} · ${word('card')}</title>
<style>${style}</style>
</head>
<body>
<main>
${head(card)}
${sections.map((section) => section(card))}
${commands(card, run)}
<footer>${made}</footer>
</main>
</body>
</html>
`.source
}

function head(card: ReportCard): Markup {
  const { name, language, finished } = card
  const word = wordsOf(language)
  const figure = ([value, label]: [string, string]) => markup`<div><b>${value}</b><span>${label}</span></div>`
  return markup`<header>
<div><p class="eyebrow">${word('card')}${!finished && ` · ${word('unfinished')}`}</p><h1>${name}</h1></div>
<div class="seal" lang="zh" aria-hidden="true">学霸</div>
<p class="story">${storyOf(card).join(language === 'zh' ? '' : ' ')}</p>
</header>
<div class="figures">${figures(card).map(figure)}</div>`
}

/** The few numbers that stand out: the last of each, of stages that are no controls, in an examination or in training. */
function figures({ stages, exams, controls, language, seconds }: ReportCard): [string, string][] {
  const real = <T>(all: readonly T[], nameOf: (one: T) => string) =>
    all.filter((one) => !controls.some(({ name }) => name === nameOf(one)))
  const measured = [
    ...real(stages, ({ name }) => name).filter(({ kind }) => kind !== 'eval'),
    ...real(exams.at(-1)?.models ?? [], ({ stage }) => stage),
  ]
  const found = ['parameters', 'bitsPerByte', 'accuracy'].flatMap((name): [string, string][] => {
    // Prediction is what reading is for: later stages are trained for something else.
    const from = name === 'bitsPerByte' ? measured.filter((one) => 'kind' in one && one.kind === 'pretrain') : measured
    for (const { metrics } of from.toReversed()) {
      const key = Object.keys(metrics).find((key) => key === name || key.endsWith(`.${name}`))
      if (key === undefined || metrics[key] == null) continue
      const { label, unit } = metricName(key, language)
      return [[formatValue(metrics[key], unit, language), label]]
    }
    return []
  })
  return [...found, [formatDuration(seconds, language), wordsOf(language)('time')]]
}
