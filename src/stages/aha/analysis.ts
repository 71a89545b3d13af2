/**
 * What an RL stage's answers looked like, step by step: length, marks of verification and backtracking (marks.ts), right answers, pass@k; where each
 * series changes (change-point.ts); and the first answers with a mark, word for word. Answers of step 1 are those of the model
 * before any practice, since weights change after they are sampled: they are the step 0 that the rest is compared with.
 */
import type { RolloutLine } from '../rl/rollout-log.ts'
import { mean, passAtK } from '../statistics.ts'
import { changePoint, type ChangePoint, holm } from './change-point.ts'
import { type Mark, markFinder, MARKS, type Phrases } from './marks.ts'

export const SERIES = ['answerLength', ...MARKS, 'correct', 'passAtK'] as const
export type SeriesName = (typeof SERIES)[number]

export interface Counts {
  answers: number
  correct: number
  /** Answers with the mark, and the right ones of them. */
  verification: number
  verificationCorrect: number
  backtracking: number
  backtrackingCorrect: number
}

export interface Change extends Omit<ChangePoint, 'at'> {
  series: SeriesName
  /** The first step after the change. */
  step: number
  /** p, corrected for the number of series. */
  corrected: number
}

export interface First {
  mark: Mark
  phrase: string
  step: number
  task: string
  prompt: string
  text: string
  correct: boolean
}

export interface Analysis {
  format: 1
  /** k of pass@k. */
  k: number
  phrases: Phrases
  steps: number[]
  /** A value for each step. */
  series: Record<SeriesName, number[]>
  counts: Counts[]
  changes: Change[]
  firsts: First[]
}

/** k of pass@k, or the size of a group where that is smaller. */
const K = 4

interface Step {
  lengths: number[]
  passed: number[]
  counts: Counts
}

/** Takes groups in the order of steps. */
export function createAnalysis(phrases: Phrases, seed: number) {
  const marksOf = markFinder(phrases)
  const steps = new Map<number, Step>()
  const firsts = new Map<Mark, First>()
  let k = K

  const add = ({ step, task, prompt, answers }: RolloutLine) => {
    const at = steps.get(step) ?? { lengths: [], passed: [], counts: noCounts() }
    steps.set(step, at)
    k = Math.min(k, answers.length)
    at.passed.push(
      passAtK(answers.length, answers.filter(({ correct }) => correct).length, Math.min(K, answers.length)),
    )
    for (const { text, ids, correct } of answers) {
      at.lengths.push(ids.length)
      at.counts.answers++
      at.counts.correct += Number(correct)
      for (const [mark, phrase] of Object.entries(marksOf(text)) as [Mark, string][]) {
        at.counts[mark]++
        at.counts[`${mark}Correct`] += Number(correct)
        if (!firsts.has(mark)) firsts.set(mark, { mark, phrase, step, task, prompt, text, correct })
      }
    }
  }

  const finish = (): Analysis => {
    const ordered = [...steps].sort(([a], [b]) => a - b)
    const of = (value: (step: Step) => number) => ordered.map(([, step]) => value(step))
    const series = {
      answerLength: of(({ lengths }) => mean(lengths)),
      verification: of(({ counts }) => counts.verification / counts.answers),
      backtracking: of(({ counts }) => counts.backtracking / counts.answers),
      correct: of(({ counts }) => counts.correct / counts.answers),
      passAtK: of(({ passed }) => mean(passed)),
    }
    const numbers = ordered.map(([step]) => step)
    return {
      format: 1,
      k,
      phrases,
      steps: numbers,
      series,
      counts: ordered.map(([, { counts }]) => counts),
      changes: changesOf(series, numbers, seed),
      firsts: [...firsts.values()],
    }
  }
  return { add, finish }
}

/** Series that cannot be tested count among the tests all the same: nobody knew before. */
function changesOf(series: Analysis['series'], steps: readonly number[], seed: number): Change[] {
  const tested = SERIES.map((name) => ({ name, found: changePoint(series[name], seed) }))
  const corrected = holm(tested.map(({ found }) => found?.p ?? 1))
  return tested.flatMap(({ name, found }, i) => {
    if (!found) return []
    const { at, before, after, p } = found
    return [{ series: name, step: steps[at]!, before, after, p, corrected: corrected[i]! }]
  })
}

const noCounts = (): Counts => ({
  answers: 0,
  correct: 0,
  verification: 0,
  verificationCorrect: 0,
  backtracking: 0,
  backtrackingCorrect: 0,
})

/** Of some steps together. */
export function sumCounts(counts: readonly Counts[]): Counts {
  const total = noCounts()
  for (const one of counts) for (const key of Object.keys(total) as (keyof Counts)[]) total[key] += one[key]
  return total
}
