/** The section of the page about “aha moments”: the verdict on each RL stage, the numbers behind it, and the first finds word for word. */
import { sayEvidence, sayVerdict } from '../aha/words.ts'
import type { AhaCard, ReportCard } from './card.ts'
import { type Markup, markup, type Piece } from './escape.ts'
import { wordsOf } from './words.ts'

export function aha({ aha: cards, language }: ReportCard): Piece {
  if (cards.length === 0) return null
  const word = wordsOf(language)
  const one = (card: AhaCard): Markup => {
    const evidence = card.verdict.evidence.map((one) => markup`<li>${sayEvidence(one)[language]}</li>`)
    const firsts = card.firsts.map(
      ({ phrase, step, prompt, text, correct }) =>
        markup`<dt>${word('step')} ${step}</dt><dd><b>${prompt}</b> <span class="tag">${phrase}</span> ${correct ? '✓' : '✗'}
${text}</dd>`,
    )
    return markup`<article class="card"><h3>${card.stage}<span class="expected">${sayVerdict(card)[language]}</span></h3>
<ul>${evidence}</ul>${
      firsts.length > 0 &&
      markup`<details><summary>${word('ahaFirsts')}</summary><dl class="sample">${firsts}</dl></details>`
    }</article>`
  }
  return markup`<section id="aha"><h2>${word('aha')}</h2><p class="note">${word('ahaNote')}</p>${cards.map(one)}</section>`
}
