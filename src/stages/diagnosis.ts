/**
 * What ails a run, from its event log: each finding with the event that shows it, and what to try. Only what numbers say; a finding is
 * a reason to look, and thresholds are rules of thumb (each is named below).
 */
import type { RunEvent } from '../run/index.ts'
import { overOptimised } from './over-optimisation.ts'
import { mean } from './statistics.ts'

export interface Sentence {
  en: string
  zh: string
}

export interface Finding {
  code:
    | 'looping'
    | 'no-signal'
    | 'entropy-collapse'
    | 'endless-answers'
    | 'reward-hacking'
    | 'echo'
    | 'overfitting'
    | 'gap'
    | 'starved-vocabulary'
  /** The stage's folder: `03-pretrain`. */
  stage: string | null
  what: Sentence
  /** Of the event that shows it; null where it was counted elsewhere. */
  seq: number | null
  step: number | null
  advice: Sentence
}

type Metric = Extract<RunEvent, { type: 'metric' }>
type Sample = Extract<RunEvent, { type: 'sample' }>

/** Share of groups without signal, over so many steps. */
const NO_SIGNAL = { share: 0.7, steps: 20 }
/** Entropy in nats a token: below this, or below this share of what it was. */
const COLLAPSED = { nats: 0.02, share: 0.1 }
/** Share of answers that are cut off. */
const ENDLESS = 0.5
/** Held-out bits per byte over their best value, and held-out loss over training loss. */
const OVERFIT = 1.03
const GAP = 1.25
/** Tokens of the vocabulary that occur less often than this learn next to nothing; share of the vocabulary. */
const STARVED = { occurrences: 10, share: 0.05 }

/** Findings in the order of the stages. Events as `dropSuperseded` returns them. */
export function diagnose(events: readonly RunEvent[]): Finding[] {
  const stages = [...new Set(events.flatMap(({ stage }) => (stage === undefined ? [] : [stage])))]
  return stages.flatMap((stage) => {
    const own = events.filter((event) => event.stage === stage)
    const metrics = own.filter((event): event is Metric => event.type === 'metric')
    const samples = own.filter((event): event is Sample => event.type === 'sample')
    const series = (name: string, split: string) => metrics.filter((e) => e.name === name && e.split === split)
    const found = [
      looping(samples),
      echo(samples, own),
      noSignal(series('skippedGroups', 'train')),
      collapse(series('entropy', 'train')),
      endless(series('truncated', 'train')),
      rewardHacking(series('rewardModel', 'train'), series('reward', 'train')),
      overfitting(series('bitsPerByte', 'heldout')),
      gap(series('loss', 'heldout').at(-1), own),
    ]
    return found.flatMap((one) => (one ? [{ stage, ...one }] : []))
  })
}

type Partial = Omit<Finding, 'stage'>

const at = ({ seq, step }: Metric | Sample) => ({ seq, step: step ?? null })

/** The latest samples of a stage that go round in circles. */
function looping(samples: readonly Sample[]): Partial | undefined {
  const last = samples.at(-1)
  const latest = samples.filter(({ step }) => step === last?.step)
  const shown = latest.find(({ text }) => loopOf(text) !== undefined)
  if (!shown) return undefined
  const loop = loopOf(shown.text)!
  return {
    code: 'looping',
    what: {
      en: `after “${shown.prompt}” it says “${loop}” again and again`,
      zh: `给它“${shown.prompt}”，它翻来覆去地说“${loop}”`,
    },
    ...at(shown),
    advice: {
      en: 'young models loop at low temperature; if it stays, read more text or more different text, or sample with repetitionPenalty 1.1',
      zh: '刚开始训练的模型在低温度下常会这样。要是一直不好，就多读些、读杂些，或者采样时加 repetitionPenalty 1.1',
    },
  }
}

/** The shortest piece that a text ends with three times in a row, of 24 characters together at least. */
export function loopOf(text: string): string | undefined {
  for (let length = 1; length * 3 <= text.length; length++) {
    const piece = text.slice(-length)
    if (length * 3 >= 24 && piece.trim() !== '' && text.endsWith(piece.repeat(3))) return piece.trim()
    const times = Math.ceil(24 / length)
    if (times > 3 && piece.trim() !== '' && text.endsWith(piece.repeat(times))) return piece.trim()
  }
  return undefined
}

/** A chat model that says the question again: its loss was on the user's words, too, or it was never told where an answer begins. */
function echo(samples: readonly Sample[], own: readonly RunEvent[]): Partial | undefined {
  const learned = own.some((event) => event.type === 'stage-started' && ['sft', 'rl'].includes(event.kind))
  const shown = samples.findLast(({ prompt, text }) => prompt.length > 7 && text.trim().startsWith(prompt))
  if (!learned || !shown || shown.step !== samples.at(-1)?.step) return undefined
  return {
    code: 'echo',
    what: { en: `asked “${shown.prompt}” it repeats the question`, zh: `问它“${shown.prompt}”，它把问题又说了一遍` },
    ...at(shown),
    advice: {
      en: 'look at the roles of the dialogues: only the assistant’s words may be scored, and every dialogue needs some',
      zh: '检查对话里的角色：只有 assistant 的话才算损失，而且每段对话都要有',
    },
  }
}

function noSignal(skipped: readonly Metric[]): Partial | undefined {
  const latest = skipped.slice(-NO_SIGNAL.steps)
  const share = mean(latest.map(({ value }) => value ?? 0))
  if (latest.length < NO_SIGNAL.steps || share < NO_SIGNAL.share) return undefined
  return {
    code: 'no-signal',
    what: {
      en: `in ${percent(share)} of the groups of the last ${latest.length} steps all answers earned the same`,
      zh: `最近 ${latest.length} 步里，${percent(share)} 的题组得分全都一样`,
    },
    ...at(latest.at(-1)!),
    advice: {
      en: 'exercises that it solves now and then teach most: take easier ones where all fail, harder ones where all succeed, or larger groups',
      zh: '时对时错的题最能教会它：全错就换容易的，全对就换难的，或者加大 groupSize',
    },
  }
}

function collapse(entropy: readonly Metric[]): Partial | undefined {
  if (entropy.length < 10) return undefined
  const before = mean(entropy.slice(0, 5).map(({ value }) => value ?? 0))
  const now = mean(entropy.slice(-5).map(({ value }) => value ?? 0))
  if (now >= COLLAPSED.nats && now >= COLLAPSED.share * before) return undefined
  return {
    code: 'entropy-collapse',
    what: {
      en: `the entropy of its answers fell from ${before.toPrecision(2)} to ${now.toPrecision(2)} nats a token: it has stopped trying anything else`,
      zh: `回答的熵从每词元 ${before.toPrecision(2)} 奈特降到 ${now.toPrecision(2)}：它已经不再尝试别的答法`,
    },
    ...at(entropy.at(-1)!),
    advice: {
      en: 'fewer steps, lower rates, a larger clipHigh, or beta above 0; if the exercises are solved, it is done',
      zh: '减少步数，调低学习率，调大 clipHigh，或让 beta 大于 0；如果题已经都会了，那就是练完了',
    },
  }
}

function endless(truncated: readonly Metric[]): Partial | undefined {
  const latest = truncated.slice(-5)
  const share = mean(latest.map(({ value }) => value ?? 0))
  if (latest.length === 0 || share < ENDLESS) return undefined
  return {
    code: 'endless-answers',
    what: {
      en: `${percent(share)} of its answers are cut off before they end`,
      zh: `${percent(share)} 的回答没说完就被截断`,
    },
    ...at(latest.at(-1)!),
    advice: {
      en: 'raise maxTokens; if answers ramble, the end of a turn was not learnt: study more dialogues, and do not cut them (time)',
      zh: '调大 maxTokens；要是答得没完没了，就是没学会收尾：多看些对话，也别让对话被截断（time）',
    },
  }
}

/** The reward model likes the answers ever better while what they are truly worth falls. */
function rewardHacking(believed: readonly Metric[], truth: readonly Metric[]): Partial | undefined {
  const numbers = (series: readonly Metric[]) => series.map(({ value }) => value ?? 0)
  const found = overOptimised(numbers(believed), numbers(truth))
  if (!found) return undefined
  const { worthBest, worthNow, likedBest, likedNow } = found
  const top = truth[found.best]!
  return {
    code: 'reward-hacking',
    what: {
      en: `the true reward was best around step ${top.step} (${worthBest.toFixed(2)}) and is ${worthNow.toFixed(2)} now, while the reward model's score rose from ${likedBest.toFixed(2)} to ${likedNow.toFixed(2)}: it has learnt to please the judge (over-optimisation, reward hacking)`,
      zh: `真正的分数在第 ${top.step} 步前后最高（${worthBest.toFixed(2)}），现在是 ${worthNow.toFixed(2)}，而奖励模型打的分从 ${likedBest.toFixed(2)} 升到 ${likedNow.toFixed(2)}：它学会了讨好评委（过度优化）`,
    },
    ...at(truth.at(-1)!),
    advice: {
      en: 'stop there, a larger beta, or more preferences about answers of the kind it writes now',
      zh: '到那里就停，调大 beta，或者针对它现在的写法再收集一些偏好',
    },
  }
}

function overfitting(bits: readonly Metric[]): Partial | undefined {
  const known = bits.filter(({ value }) => value !== null)
  const last = known.at(-1)
  if (!last) return undefined
  const best = known.reduce((a, b) => (b.value! < a.value! ? b : a))
  if (last.value! < OVERFIT * best.value!) return undefined
  return {
    code: 'overfitting',
    what: {
      en: `held-out text was predicted best at step ${best.step} (${best.value!.toPrecision(3)} bits a byte) and worse since (${last.value!.toPrecision(3)})`,
      zh: `对没读过的文本，第 ${best.step} 步时预测得最好（每字节 ${best.value!.toPrecision(3)} 比特），之后变差了（${last.value!.toPrecision(3)}）`,
    },
    ...at(last),
    advice: {
      en: 'it learns its books by heart: more text, fewer steps, or a smaller model',
      zh: '它在背书：多给些文本，少走几步，或换小一点的模型',
    },
  }
}

function gap(heldOut: Metric | undefined, own: readonly RunEvent[]): Partial | undefined {
  const done = own.find((event): event is Extract<RunEvent, { type: 'stage-done' }> => event.type === 'stage-done')
  const training = done?.metrics.loss
  if (heldOut?.value == null || training == null || heldOut.value < GAP * training) return undefined
  return {
    code: 'gap',
    what: {
      en: `the loss is ${training.toPrecision(3)} on what it studied and ${heldOut.value.toPrecision(3)} on what was held out`,
      zh: `在学过的内容上损失是 ${training.toPrecision(3)}，在留出的内容上是 ${heldOut.value.toPrecision(3)}`,
    },
    ...at(heldOut),
    advice: {
      en: 'fewer epochs, or more and more different examples',
      zh: '少学几遍，或者给更多、更杂的例子',
    },
  }
}

/** From how often each token occurs in the corpus. */
export function starvedVocabulary(counts: ArrayLike<number>): Finding | undefined {
  let starved = 0
  for (let i = 0; i < counts.length; i++) if (counts[i]! < STARVED.occurrences) starved++
  if (starved < STARVED.share * counts.length) return undefined
  return {
    code: 'starved-vocabulary',
    stage: null,
    what: {
      en: `${starved} of ${counts.length} tokens of the vocabulary occur less than ${STARVED.occurrences} times in the corpus`,
      zh: `词表的 ${counts.length} 个词元里，有 ${starved} 个在语料中出现不到 ${STARVED.occurrences} 次`,
    },
    seq: null,
    step: null,
    advice: {
      en: 'a smaller vocabulary (stages.tokenizer.vocab), or more text',
      zh: '缩小词表（stages.tokenizer.vocab），或增加文本',
    },
  }
}

const percent = (share: number) => `${Math.round(share * 100)}%`
