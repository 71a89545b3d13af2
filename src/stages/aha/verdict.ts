/**
 * Whether an “aha moment” happened in an RL stage, by rules stated beforehand. A model is said to have come to check itself, or to go back,
 * at step N when all of these hold for one kind of mark:
 *   change    the share of answers with the mark changes, p < 0.01 after correction for the number of series, and is larger from step N on;
 *   start     it is larger from N on than at step 0, before any practice (95 % interval of the difference above zero);
 *   worth     from N on, answers with the mark are not less often right than the rest (the interval is not below zero);
 *   learning  from N on, answers are more often right than at step 0 (the interval is above zero);
 *   control   the same practice with rewards to random answers does not fulfil the first rule.
 * Intervals are Newcombe's for two independent shares (1998); answers to one exercise are alike, so that they are a little narrow.
 */
import { differenceOfShares, type Interval } from '../statistics.ts'
import { type Analysis, type Change, type Counts, sumCounts } from './analysis.ts'
import { SHORTEST } from './change-point.ts'
import { type Mark, MARKS } from './marks.ts'

export const RULES = ['change', 'start', 'worth', 'learning', 'control'] as const
export type Rule = (typeof RULES)[number]

const ALPHA = 0.01

export interface Share extends Interval {
  value: number
}

export interface MarkEvidence {
  mark: Mark
  /** Where the series changes most, whether or not that counts; null when it never does. */
  step: number | null
  corrected: number | null
  /** Answers with the mark, of how many. */
  atStart: { found: number; answers: number }
  after: { found: number; answers: number }
  /** Differences in shares: marked answers after N less at step 0; right ones with the mark less the rest; right ones after N less at step 0. */
  more: Share | null
  worth: Share | null
  learned: Share | null
  /** Rules that do not hold, in order. */
  fails: Rule[]
}

export interface Verdict {
  /** `unconfirmed`: everything holds, but there is no control to stand beside it. `too-short`: too few steps to see a change. */
  verdict: 'happened' | 'did-not-happen' | 'unconfirmed' | 'too-short'
  /** N, and the mark; null unless it happened or is unconfirmed. */
  step: number | null
  mark: Mark | null
  /** One for each kind of mark. */
  evidence: MarkEvidence[]
  /** Whether a mark becomes more in the control with shuffled rewards, too; null where there is none. */
  control: 'changes' | 'stays' | null
}

/** `control`: the analysis of the same practice with shuffled rewards; undefined: there is none. */
export function judgeAha(analysis: Analysis, control: Analysis | undefined): Verdict {
  const changes = control?.changes.filter((change) => isMore(change)).map(({ series }) => series)
  const evidence = MARKS.map((mark) => {
    const own = evidenceOf(analysis, mark)
    return changes?.includes(mark) ? { ...own, fails: [...own.fails, 'control' as const] } : own
  })
  const held = evidence.filter(({ fails }) => fails.length === 0)
  const isShort = analysis.steps.length < SHORTEST
  const best = held.toSorted((a, b) => a.step! - b.step!)[0]
  return {
    verdict: best ? (control ? 'happened' : 'unconfirmed') : isShort ? 'too-short' : 'did-not-happen',
    step: best?.step ?? null,
    mark: best?.mark ?? null,
    evidence,
    control: changes === undefined ? null : MARKS.some((mark) => changes.includes(mark)) ? 'changes' : 'stays',
  }
}

/** By all rules but the last. */
function evidenceOf({ steps, counts, changes }: Analysis, mark: Mark): MarkEvidence {
  const change = changes.find(({ series }) => series === mark)
  const start = sumCounts(counts.slice(0, 1))
  const after = sumCounts(change ? counts.filter((_, i) => steps[i]! >= change.step) : counts)
  const right = `${mark}Correct` as const satisfies keyof Counts
  const rest = { answers: after.answers - after[mark], correct: after.correct - after[right] }
  const more = share(after[mark], after.answers, start[mark], start.answers)
  const worth = share(after[right], after[mark], rest.correct, rest.answers)
  const learned = share(after.correct, after.answers, start.correct, start.answers)
  const holds: Record<Exclude<Rule, 'control'>, boolean> = {
    change: change !== undefined && isMore(change),
    start: more !== null && more.low > 0,
    worth: worth !== null && worth.high >= 0,
    learning: learned !== null && learned.low > 0,
  }
  return {
    mark,
    step: change?.step ?? null,
    corrected: change?.corrected ?? null,
    atStart: { found: start[mark], answers: start.answers },
    after: { found: after[mark], answers: after.answers },
    more,
    worth,
    learned,
    fails: RULES.filter((rule) => rule !== 'control' && !holds[rule]),
  }
}

const isMore = ({ corrected, before, after }: Change) => corrected < ALPHA && after > before

const share = (a: number, n: number, b: number, m: number): Share | null =>
  n === 0 || m === 0 ? null : differenceOfShares(a, n, b, m)
