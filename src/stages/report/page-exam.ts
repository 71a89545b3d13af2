/** The section of the page about examinations: what was measured down the side, the models across, gains under the values. */
import type { Exam, ReportCard } from './card.ts'
import { type Markup, markup, type Piece } from './escape.ts'
import { hasCounters, measuresOf } from './measures.ts'
import { formatGain } from './format.ts'
import { valueOf } from './page-results.ts'
import { metricName, type Unit, wordsOf } from './words.ts'

export function exams({ exams, controls, language }: ReportCard): Piece {
  if (exams.length === 0) return null
  const word = wordsOf(language)
  const head = ({ stage }: Exam['models'][number]) => {
    const isControl = controls.some(({ name }) => name === stage)
    return markup`<th>${stage}${isControl && markup` <span class="tag">${word('control')}</span>`}</th>`
  }
  const one = (exam: Exam) => {
    const rows = measuresOf(exam).map((measure) => {
      const { label, unit } = metricName(measure, language)
      const cells = exam.models.map((m) => markup`<td>${valueOf(m, measure, language)}${gain(m, measure, unit)}</td>`)
      return markup`<tr><td>${label}</td>${cells}</tr>`
    })
    return markup`<div class="card scroll">${exams.length > 1 && markup`<h3>${exam.stage}</h3>`}
<table><thead><tr><th></th>${exam.models.map(head)}</tr></thead><tbody>${rows}</tbody></table></div>`
  }
  return markup`<section id="exam"><h2>${word('exam')}</h2><p class="note">${word('examNote')}${hasCounters(exams) && markup` ${word('countersNote')}`}</p>${exams.map(one)}</section>`
}

/** Green or red only where the interval excludes no change. */
function gain({ metrics, intervals }: Exam['models'][number], measure: string, unit: Unit): Markup | null {
  const [value, interval] = [metrics[`${measure}Gain`], intervals[`${measure}Gain`]]
  if (value == null || !interval) return null
  const look = interval.low > 0 ? ' yes' : interval.high < 0 ? ' no' : ''
  return markup`<span class="gain${look}">${formatGain(value, interval, unit)}</span>`
}
