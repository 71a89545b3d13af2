/** A verdict in words. */
import type { Language } from '../stage.ts'
import { SHORTEST } from './change-point.ts'
import type { Mark } from './marks.ts'
import type { Judged } from './file.ts'
import type { MarkEvidence, Rule } from './verdict.ts'

type Sentence = Record<Language, string>

export const markWords: Record<Mark, Sentence> = {
  verification: { en: 'checking itself', zh: '自己检查' },
  backtracking: { en: 'going back', zh: '回头改正' },
}

/** Why it is none. */
export const ruleWords: Record<Rule, Sentence> = {
  change: { en: 'no change towards more of it', zh: '没有明显变多的转折' },
  start: { en: 'not clearly more than before any practice', zh: '不比刷题之前明显更多' },
  worth: { en: 'answers with it are less often right than the others', zh: '带这种话的答案反而错得更多' },
  learning: { en: 'answers did not get better with it', zh: '答案并没有随之变好' },
  control: {
    en: 'the control with shuffled rewards does the same',
    zh: '奖励打乱的对照也这样',
  },
}

/** One sentence in each language. */
export function sayVerdict({
  isControl,
  control,
  verdict,
}: Pick<Judged, 'isControl' | 'control' | 'verdict'>): Sentence {
  const { verdict: outcome, step, mark, evidence } = verdict
  const own = isControl
    ? { en: ' (a control: rewards are shuffled)', zh: '（这是对照：奖励是打乱的）' }
    : { en: '', zh: '' }
  if (outcome === 'too-short')
    return {
      en: `“aha”: cannot be told from fewer than ${SHORTEST} steps${own.en}`,
      zh: `“顿悟”：不到 ${SHORTEST} 步，看不出来${own.zh}`,
    }
  if (outcome === 'did-not-happen') {
    const theirs = evidence.some(({ fails }) => fails.join() === 'control')
      ? { en: '; its control does the same', zh: '；对照也有同样的变化' }
      : { en: '', zh: '' }
    return {
      en: `“aha”: did not happen${own.en}${theirs.en}`,
      zh: `“顿悟”：没有发生${own.zh}${theirs.zh}`,
    }
  }
  const what = markWords[mark!]
  if (outcome === 'happened')
    return {
      en: `“aha”: happened at step ${step}: ${what.en}; beside "${control}", where it did not`,
      zh: `“顿悟”：发生在第 ${step} 步：${what.zh}；对照“${control}”里没有`,
    }
  return {
    en: `“aha”: ${what.en} from step ${step} on, but not confirmed${own.en || ': no control with shuffled rewards beside it'}`,
    zh: `“顿悟”：第 ${step} 步起开始${what.zh}，但不能确认${own.zh || '：没有奖励打乱的对照'}`,
  }
}

/** The numbers behind a kind of mark. */
export function sayEvidence({ mark, step, corrected, atStart, after, worth, learned, fails }: MarkEvidence): Sentence {
  if (atStart.found + after.found === 0)
    return { en: `${markWords[mark].en}: never`, zh: `${markWords[mark].zh}：一次也没有` }
  const share = ({ found, answers }: MarkEvidence['after']) =>
    answers === 0 ? '–' : `${((100 * found) / answers).toFixed(1)} %`
  const points = (s: MarkEvidence['worth']) =>
    s === null ? '–' : `${(100 * s.value).toFixed(1)} [${(100 * s.low).toFixed(1)}, ${(100 * s.high).toFixed(1)}]`
  const p = corrected === null ? '–' : corrected.toPrecision(2)
  const why = (language: Language) =>
    fails.map((rule) => ruleWords[rule][language]).join(language === 'en' ? '; ' : '；')
  return {
    en: `${markWords[mark].en}: ${share(atStart)} of answers at step 0, ${share(after)} ${step === null ? 'over all steps' : `from step ${step} on (p ${p})`}; right with it less without: ${points(worth)}; right less at step 0: ${points(learned)}${fails.length > 0 ? `. Not: ${why('en')}` : ''}`,
    zh: `${markWords[mark].zh}：第 0 步占 ${share(atStart)}，${step === null ? '全程' : `第 ${step} 步起（p ${p}）`}占 ${share(after)}；带与不带的正确率之差 ${points(worth)}；与第 0 步的正确率之差 ${points(learned)}${fails.length > 0 ? `。不算，因为：${why('zh')}` : ''}`,
  }
}
