/**
 * The run in one paragraph: what each stage took in and what changed, with the numbers. Says nothing that was not measured, and
 * calls a difference one only where the 95 % intervals do not overlap.
 */
import type { Language } from '../stage.ts'
import type { ControlCard, ReportCard, StageCard } from './card.ts'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatInterval,
  formatNumber,
  formatShare,
  formatValue,
} from './format.ts'
import { controlRows, type Measured } from './measures.ts'
import { metricName, wordsOf } from './words.ts'

/** Sentences, in order. */
export function storyOf(card: ReportCard): string[] {
  const { language, stages, controls } = card
  const isControl = (name: string) => controls.some((control) => control.name === name)
  const done = stages.filter(({ state, name }) => state === 'done' && !isControl(name))
  const told = done.flatMap(
    (stage) => sentences[stage.kind]?.(new Numbers(stage, language), card, stage)[language] ?? [],
  )
  const compared = controls.flatMap((control) => comparedWith(card, control)?.[language] ?? [])
  const all = [opening(card)[language], ...told, ...compared, ...(card.finished ? [] : [unfinished(card)[language]])]
  return all.map((sentence) => sentence.replace(/(?<=[万亿]) (?=\p{Script=Han})/gu, ''))
}

type Sentence = Record<Language, string>

function opening({ name, seconds, language, stages, machine }: ReportCard): Sentence {
  const time = formatDuration(seconds, language)
  const count = stages.filter(({ state }) => state === 'done').length
  const isImported = stages.some(({ kind }) => kind === 'import')
  const cpu = machine && typeof machine.cpu === 'string' ? machine.cpu : undefined
  return {
    zh: `“${name}”从一个${isImported ? '别人练好的' : '参数全是随机数的'}模型开始${cpu ? `，在一块 ${cpu} 上` : ''}走完了 ${count} 个阶段，一共用了 ${time}。`,
    en: `“${name}” began with a model ${isImported ? 'that somebody else had trained' : 'of random weights'}${cpu ? ` on ${cpu}` : ''} and went through ${count} ${count === 1 ? 'stage' : 'stages'} in ${time}.`,
  }
}

function unfinished({ stages, language }: ReportCard): Sentence {
  const next = stages.find(({ state }) => state !== 'done')!
  const spent = next.state === 'unfinished' ? formatDuration(next.seconds, language) : undefined
  return {
    zh: `运行还没有结束：接下来是 ${next.name}${spent ? `，已经做了 ${spent}` : ''}。`,
    en: `The run is not over: ${next.name} comes next${spent ? `, ${spent} into it` : ''}.`,
  }
}

/** The measure that shows best what a control is without. */
const TELLING = {
  weights: ['exam.world.untaught', 'heldOutLoss'],
  reward: ['exam.accuracy', 'accuracy'],
}

function comparedWith(card: ReportCard, control: ControlCard): Sentence | undefined {
  const { language } = card
  const { peer } = controlRows(card, control)
  const key = TELLING[control.without].find((key) => control.metrics[key] != null && peer?.metrics[key] != null)
  if (key === undefined || !peer) return undefined
  const { label, unit } = metricName(key.replace(/^exam\./, ''), language)
  const of = ({ metrics, intervals }: Measured) =>
    `${formatValue(metrics[key]!, unit, language)}${intervals[key] ? ` ${formatInterval(intervals[key], unit)}` : ''}`
  const why = wordsOf(language)(control.without === 'weights' ? 'withoutWeights' : 'withoutReward')
  return {
    zh: `对照 ${control.name}（${why}）：${label} ${of(control)}，而 ${control.of} 是 ${of(peer)}。`,
    en: `The control ${control.name} (${why}): ${label} ${of(control)}, against ${of(peer)} of ${control.of}.`,
  }
}

/** What there is to say of a finished stage of a kind; undefined where its metrics do not say it. */
const sentences: Record<string, (n: Numbers, card: ReportCard, stage: StageCard) => Partial<Sentence>> = {
  corpus(n, { funnels }, { name }) {
    const read = funnels.find(({ stage }) => stage === name)?.steps[0]?.documents
    const [documents, heldOut] = [n.count('documents'), n.count('heldOut')]
    if (!documents) return {}
    const size = n.text('bytes', formatBytes)
    const of = read === undefined ? undefined : formatCount(read, n.language)
    return {
      zh: `它${of ? `翻了 ${of} 篇` : '找来读物'}，挑出 ${documents} 篇来读（${size}）${heldOut ? `，另有 ${heldOut} 篇留着不读，专门用来考它` : ''}。`,
      en: `It ${of ? `looked through ${of} documents and` : ''} kept ${documents} to read (${size})${heldOut ? ` and ${heldOut} that it never reads, to be tested on` : ''}.`,
    }
  },
  tokenizer(n) {
    const [vocab, each] = [n.count('vocab'), n.number('charactersPerToken')]
    if (!vocab) return {}
    return {
      zh: `它认了 ${vocab} 个词元${each ? `，平均一个词元顶 ${each} 个字符` : ''}。`,
      en: `It learned ${vocab} tokens${each ? `, ${each} characters each on average` : ''}.`,
    }
  },
  import(n) {
    const parameters = n.count('parameters')
    if (!parameters) return {}
    return {
      zh: `它不是从零开始的：请来的是别人练好的模型，有 ${parameters}参数。`,
      en: `It did not begin at zero: it is a model that somebody else trained, with ${parameters} parameters.`,
    }
  },
  pretrain(n, { curves }, { name }) {
    const first = curves.find((c) => c.stage === name && c.name === 'bitsPerByte')?.points[0]
    const [parameters, tokens, epochs, bits] = [
      n.count('parameters'),
      n.count('tokens'),
      n.number('epochs'),
      n.number('bitsPerByte'),
    ]
    if (!parameters || !tokens) return {}
    const from =
      first && formatNumber(first.value) !== bits ? { step: first.step, bits: formatNumber(first.value) } : undefined
    const zh = bits
      ? `，预测没读过的文本，每字节要 ${bits} 比特${from ? `（第 ${from.step} 步时是 ${from.bits}）` : ''}`
      : ''
    const en = bits
      ? `; on text never read it needs ${bits} bits a byte${from ? ` (${from.bits} at step ${from.step})` : ''}`
      : ''
    return {
      zh: `${parameters} 个参数读了 ${tokens} 个词元${epochs ? `，相当于把书读了 ${epochs} 遍` : ''}${zh}。`,
      en: `${parameters} parameters read ${tokens} tokens${epochs ? `, ${epochs} times the corpus` : ''}${en}.`,
    }
  },
  sft(n) {
    const [dialogues, epochs, loss] = [n.count('dialogues'), n.number('epochs'), n.number('heldOutLoss')]
    if (!dialogues) return {}
    return {
      zh: `看例题时，${dialogues} 段对话看了 ${epochs ?? '?'} 遍${loss ? `，在没看过的对话上损失是 ${loss}` : ''}。`,
      en: `It studied ${dialogues} dialogues ${epochs ?? '?'} times${loss ? `; the loss on dialogues never seen is ${loss}` : ''}.`,
    }
  },
  'reward-model'(n, _, { metrics, intervals }) {
    const [pairs, accuracy, byLength] = [n.count('pairs'), metrics.accuracy, n.text('lengthAccuracy', formatShare)]
    if (!pairs || accuracy == null) return {}
    const right = `${formatShare(accuracy)}${intervals.accuracy ? ` ${formatInterval(intervals.accuracy, 'share')}` : ''}`
    return {
      zh: `奖励模型看了 ${pairs} 对排过先后的草稿；没看过的草稿，它判对 ${right}${byLength ? `（只看长短能判对 ${byLength}）` : ''}。`,
      en: `The reward model read ${pairs} pairs of drafts that somebody had put in order; of pairs it had not read it judged ${right} rightly${byLength ? ` (length alone: ${byLength})` : ''}.`,
    }
  },
  rl(n, _, { metrics, intervals }) {
    const steps = n.count('steps')
    const [was, is] = [metrics.rewardBefore, metrics.reward]
    if (steps && was != null && is != null) {
      const bounded = (key: string, value: number) =>
        `${formatNumber(value)}${intervals[key] ? ` ${formatInterval(intervals[key], 'number')}` : ''}`
      const [before, after] = [bounded('rewardBefore', was), bounded('reward', is)]
      return {
        zh: `练了 ${steps} 步写作，文章真正的分数从 ${before} 变成 ${after}。`,
        en: `After ${steps} steps of practice the true worth of its essays went from ${before} to ${after}.`,
      }
    }
    const tasks = Object.keys(metrics).filter((key) => /(^|\.)accuracy$/.test(key))
    if (!steps || tasks.length === 0) return {}
    const told = tasks.map((task) => practice(task, metrics, intervals))
    const each = (language: Language) => told.flatMap((one) => one?.[language] ?? [])
    if (each('zh').length === 0) return {}
    return {
      zh: `刷了 ${steps} 步题，${each('zh').join('；')}。`,
      en: `After ${steps} steps of practice ${each('en').join('; ')}.`,
    }
  },
  'best-of-n'(n, _, { metrics }) {
    const most = Object.keys(metrics).findLast((key) => /^best-of-\d+\.reward$/.test(key))
    const [first, best] = [n.text('best-of-1.reward', formatNumber), most && n.text(most, formatNumber)]
    if (!most || !best || !first) return {}
    const count = /\d+/.exec(most)![0]
    return {
      zh: `不训练，只让奖励模型从 ${count} 篇里挑一篇，真正的分数是 ${best}（只写一篇是 ${first}）。`,
      en: `Without any training, the one of ${count} essays that the reward model likes best is truly worth ${best} (a single one: ${first}).`,
    }
  },
  eval(_, { exams, controls, language }, { name }) {
    const models = exams.find(({ stage }) => stage === name)?.models ?? []
    const last = models.findLast(({ stage }) => !controls.some((control) => control.name === stage))
    const known = (key: string) => {
      const [value, interval] = [last?.metrics[key], last?.intervals[key]]
      if (value == null) return []
      return [
        `${metricName(key, language).label} ${formatShare(value)}${interval ? ` ${formatInterval(interval, 'share')}` : ''}`,
      ]
    }
    const keys = Object.keys(last?.metrics ?? {}).filter((key) =>
      /(^|\.)accuracy$|^world\.(un)?taught$|^world\.chance$/.test(key),
    )
    if (!last || keys.length === 0) return {}
    return {
      zh: `最后考试，${last.stage} 的成绩是：${keys.flatMap(known).join('，')}。`,
      en: `In the exam ${last.stage} scored: ${keys.flatMap(known).join(', ')}.`,
    }
  },
}

/** What practice did to the held-out exercises of one task; nothing where it was not examined before and after. */
function practice(key: string, metrics: StageCard['metrics'], intervals: StageCard['intervals']): Sentence | undefined {
  const [before, after] = [metrics[`${key}Before`], metrics[key]]
  if (before == null || after == null) return undefined
  const [was, is] = [intervals[`${key}Before`], intervals[key]]
  const bounded = (value: number, interval: typeof was) =>
    `${formatShare(value)}${interval ? ` ${formatInterval(interval, 'share')}` : ''}`
  const task = key.replace(/\.?accuracy$/, '')
  const name = {
    zh: `留出题${task && `（${task}）`}的正确率`,
    en: `its accuracy on held-out exercises${task && ` (${task})`}`,
  }
  if (before === after)
    return {
      zh: `${name.zh}没有变化，仍是 ${bounded(after, is)}`,
      en: `${name.en} stayed at ${bounded(after, is)}`,
    }
  const unclear = was !== undefined && is !== undefined && was.low <= is.high && is.low <= was.high
  return {
    zh: `${name.zh}从 ${bounded(before, was)} 变成 ${bounded(after, is)}${unclear ? '，两个区间有重叠，还说不准有没有变化' : ''}`,
    en: `${name.en} went from ${bounded(before, was)} to ${bounded(after, is)}${unclear ? ', with intervals that overlap, so this may be chance' : ''}`,
  }
}

/** A stage's metrics as words; undefined where there is none. */
class Numbers {
  readonly language: Language
  private readonly metrics: StageCard['metrics']
  constructor({ metrics }: StageCard, language: Language) {
    this.metrics = metrics
    this.language = language
  }
  text(key: string, format: (value: number) => string): string | undefined {
    const value = this.metrics[key]
    return value == null ? undefined : format(value)
  }
  count = (key: string) => this.text(key, (value) => formatCount(value, this.language))
  number = (key: string) => this.text(key, formatNumber)
}
