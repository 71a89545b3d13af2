/** Sections of the page about what was learned: answers side by side, metrics, controls, curves, samples over time. */
import type {
  Comparison,
  ControlCard,
  Curve,
  ModelAnswer,
  ReportCard,
  SampleSeries,
  Spoken,
  StageCard,
} from './card.ts'
import { lineChart } from './chart.ts'
import { type Markup, markup, type Piece } from './escape.ts'
import { formatDuration, formatInterval, formatNumber, formatShare, formatValue } from './format.ts'
import { controlRows, type Measured, tableMetrics } from './measures.ts'
import { MAIN_CURVES, metricName, splitName, stageWords, wordsOf } from './words.ts'

type Language = ReportCard['language']

export function answers({ comparisons, controls, language }: ReportCard): Piece {
  if (comparisons.length === 0) return null
  const word = wordsOf(language)
  const mark = ({ correct }: Spoken) => {
    if (correct === null) return null
    const [look, title, sign] = correct ? ['yes', word('right'), '✓'] : ['no', word('wrong'), '✗']
    return markup`<span class="mark ${look}" title="${title}">${sign}</span>`
  }
  const said = ({ text, truncated }: Spoken) =>
    text.trim() === '' ? silence(language) : text.trim() + (truncated ? '…' : '')
  const answer = ({ stage, manner, greedy, sampled }: ModelAnswer, _: number, all: readonly ModelAnswer[]) => {
    const askedTwice = all.some((other) => other.stage === stage && other.manner !== manner)
    const isControl = controls.some(({ name }) => name === stage)
    const tags = [...(askedTwice ? [word(manner)] : []), ...(isControl ? [word('control')] : [])]
    return markup`<div class="answer">
<p class="who"><b>${stage}</b>${tags.map((tag) => markup`<span class="tag">${tag}</span>`)}${mark(greedy)}</p>
<p class="said">${said(greedy)}</p>
${sampled && markup`<p class="said drawn">${said(sampled)} ${mark(sampled)}</p>`}
</div>`
  }
  const one = ({ question, expected, answers }: Comparison) => {
    const right = expected !== null && markup`<span class="expected">${word('expected')}${expected}</span>`
    return markup`<article class="card"><h3>${question}${right}</h3><div class="answers">${answers.map(answer)}</div></article>`
  }
  return markup`<section id="questions"><h2>${word('questions')}</h2><p class="note">${word('questionsNote')}</p>
${comparisons.map(one)}</section>`
}

const silence = (language: Language) => markup`<span class="silent">${wordsOf(language)('silent')}</span>`

export function metrics({ stages, language, controls, exams }: ReportCard): Markup {
  const word = wordsOf(language)
  const row = (stage: StageCard) => {
    const isControl = controls.some(({ name }) => name === stage.name)
    const measured = exams.some((exam) => exam.stage === stage.name)
      ? word('see')
      : markup`<dl class="metrics">${tableMetrics(stage).map(([key]) => metric(stage, key, language))}</dl>`
    return markup`<tr><td><b>${stage.name}</b>${isControl && markup` <span class="tag">${word('control')}</span>`}</td>
<td>${stageWords[stage.kind]?.term[language] ?? stage.kind}</td>
<td class="time">${formatDuration(stage.seconds, language)}</td>
<td>${measured}</td></tr>`
  }
  const head = [word('stage'), word('kind'), word('time'), word('measured')].map((title) => markup`<th>${title}</th>`)
  return markup`<section id="metrics"><h2>${word('metrics')}</h2><p class="note">${word('metricsNote')}</p>
<div class="card"><table class="wide"><thead><tr>${head}</tr></thead>
<tbody>${stages.filter(({ state }) => state !== 'waiting').map(row)}</tbody></table></div></section>`
}

function metric(stage: Measured, key: string, language: Language): Markup {
  return markup`<div><dt>${metricName(key, language).label}</dt><dd>${valueOf(stage, key, language)}</dd></div>`
}

/** A metric's value with its interval; a dash where the stage has none. */
export function valueOf(stage: Measured | undefined, key: string, language: Language): Markup {
  const { unit } = metricName(key, language)
  const interval = stage?.intervals[key]
  const bounds = interval && markup` <small>${formatInterval(interval, unit)}</small>`
  return markup`${formatValue(stage?.metrics[key] ?? null, unit, language)}${bounds}`
}

export function controls(card: ReportCard): Piece {
  const { controls, language } = card
  if (controls.length === 0) return null
  const word = wordsOf(language)
  const one = (control: ControlCard) => {
    const { name, without, of } = control
    const { peer, keys } = controlRows(card, control)
    const rows = keys.map((key) => {
      const cells = [peer, control].map((stage) => markup`<td>${valueOf(stage, key, language)}</td>`)
      return markup`<tr><td>${metricName(key, language).label}</td>${cells}</tr>`
    })
    const why = word(without === 'weights' ? 'withoutWeights' : 'withoutReward')
    return markup`<article class="card"><h3>${name}<span class="expected">${why}</span></h3>
<table><thead><tr><th></th><th>${of ?? '–'}</th><th>${name}</th></tr></thead><tbody>${rows}</tbody></table></article>`
  }
  return markup`<section id="controls"><h2>${word('controls')}</h2>${controls.map(one)}</section>`
}

/** One metric of one stage, with a line for each split. */
interface Chart {
  stage: string
  metric: string
  lines: Curve[]
}

export function curves({ curves, stages, language }: ReportCard): Piece {
  const charts = stages.flatMap(({ name }): Chart[] => {
    const own = curves.filter(({ stage, points }) => stage === name && points.length > 1)
    const metrics = [...new Set(own.map((curve) => curve.name))].sort((a, b) => rank(a) - rank(b))
    return metrics.map((metric) => ({ stage: name, metric, lines: own.filter((curve) => curve.name === metric) }))
  })
  if (charts.length === 0) return null
  const word = wordsOf(language)
  const [main, others] = [charts.filter(isMain), charts.filter((chart) => !isMain(chart))]
  const draw = (chart: Chart) => figure(chart, language)
  const more = markup`<details><summary>${word('moreCurves')}</summary><div class="charts">${others.map(draw)}</div></details>`
  return markup`<section id="curves"><h2>${word('curves')}</h2><p class="note">${word('curvesNote')}</p>
<div class="charts">${main.map(draw)}</div>${others.length > 0 && more}</section>`
}

const rank = (metric: string) => [...MAIN_CURVES, metric].indexOf(metric)
const isMain = ({ metric }: Chart) => MAIN_CURVES.includes(metric)

function figure({ stage, metric, lines }: Chart, language: Language): Markup {
  const { label, unit } = metricName(metric, language)
  const share = unit === 'share'
  const legend = lines.map(({ split, points }, i) => {
    const { value } = points.at(-1)!
    const name = split !== null && lines.length > 1 ? `${splitName(split, language)} ` : ''
    return markup`<i class="line-${i % 4}"><small>${name}${share ? formatShare(value) : formatNumber(value)}</small></i>`
  })
  return markup`<figure><figcaption><span>${label}</span><small>${stage}</small><span class="legend">${legend}</span></figcaption>
${lineChart(lines, { share, label: `${stage}: ${label}` })}</figure>`
}

export function samples({ samples, language }: ReportCard): Piece {
  if (samples.length === 0) return null
  const word = wordsOf(language)
  const text = ({ step, text }: SampleSeries['texts'][number]) => {
    const said = text.trim() === '' ? silence(language) : text.trim()
    return markup`<dt>${word('step')} ${step}</dt><dd>${said}</dd>`
  }
  const one = ({ stage, prompt, texts }: SampleSeries) =>
    markup`<article class="card"><h3>${prompt}<span class="expected">${stage}</span></h3><dl class="sample">${texts.map(text)}</dl></article>`
  return markup`<section id="samples"><h2>${word('samples')}</h2><p class="note">${word('samplesNote')}</p>
<div class="samples">${samples.map(one)}</div></section>`
}
