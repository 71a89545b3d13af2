/** A comparison as tables of text, which the terminal and the page draw: titles, a column for each run, cells of one line or more. */
import { sayVerdict } from '../aha/words.ts'
import { formatCount, formatDuration, formatGain, formatInterval, formatValue } from '../report/format.ts'
import { metricName, stageWords } from '../report/words.ts'
import type { Language } from '../stage.ts'
import type { Compared, ComparedRun, Measured } from './compare.ts'

export interface Table {
  title: string
  note?: string
  rows: { label: string; cells: string[] }[]
}

const words = {
  what: { en: 'What they are', zh: '各是什么' },
  scores: { en: 'What the last model of each scored', zh: '各自最后的模型考得怎样' },
  scoresNote: {
    en: 'Brackets hold 95 % intervals. Beneath, where both sat the same paper: points gained on the first run, question by question.',
    zh: '方括号里是 95% 置信区间。两边做的是同一张卷子时，下面写着逐题对照、比第一个运行多对了几个百分点。',
  },
  practice: { en: 'Practice: before → after', zh: '刷题：之前 → 之后' },
  practiceNote: {
    en: 'On the held-out exercises of each RL stage; a control has rewards that go to random answers.',
    zh: '用每个强化学习阶段留出的题目来考；对照的奖励是随机发放的。',
  },
  aha: { en: 'Aha moments', zh: '“顿悟”' },
  options: { en: 'What their recipes say otherwise', zh: '食谱哪里不一样' },
  recipe: { en: 'recipe', zh: '食谱' },
  language: { en: 'language', zh: '语言' },
  seed: { en: 'seed', zh: '随机种子' },
  order: { en: 'order', zh: '顺序' },
  time: { en: 'time, all stages', zh: '全部阶段用时' },
  own: { en: 'of it spent here (the rest was taken over)', zh: '其中自己花的（其余取自别的运行）' },
  tokens: { en: 'tokens trained on', zh: '学过的词元' },
  model: { en: 'examined', zh: '参加考试的' },
  control: { en: ' (control)', zh: '（对照）' },
} as const

export function tablesOf({ runs, measures, differences, options }: Compared, language: Language): Table[] {
  const word = (key: keyof typeof words) => words[key][language]
  const row = (label: string, cell: (run: ComparedRun, i: number) => string) => ({ label, cells: runs.map(cell) })
  const value = (measured: Measured | undefined, unit: ReturnType<typeof metricName>['unit']) => {
    const { value = null, low, high } = measured ?? {}
    const bounds = low === undefined || high === undefined ? '' : ` ${formatInterval({ low, high }, unit)}`
    return `${formatValue(value, unit, language)}${bounds}`
  }
  const what = [
    row(word('recipe'), ({ recipe }) => recipe),
    row(word('language'), (run) => run.language),
    row(word('seed'), ({ seed }) => String(seed)),
    row(word('order'), ({ stages }) =>
      stages
        .filter(({ kind }) => !['corpus', 'tokenizer'].includes(kind))
        .map(({ kind }) => kind)
        .join(' → '),
    ),
    row(word('time'), ({ seconds }) => formatDuration(seconds, language)),
    row(word('own'), ({ ownSeconds }) => formatDuration(ownSeconds, language)),
    row(word('tokens'), ({ tokens }) => formatCount(tokens, language)),
    ...timeRows(runs, language),
  ]
  const scores = measures.map((measure) => {
    const { label, unit } = metricName(measure, language)
    return row(label, ({ scores }, i) => {
      const gained = i > 0 ? differences[measure]?.[i - 1] : undefined
      return [value(scores[measure], unit), ...(gained ? [formatGain(gained.value, gained, unit)] : [])].join('\n')
    })
  })
  const practised = [...new Set(runs.flatMap(({ practice }) => practice.map(({ stage }) => stage)))]
  const ofStage = (run: ComparedRun, stage: string) => run.practice.find((one) => one.stage === stage)
  const practice = practised.flatMap((stage) => {
    const all = runs.map((run) => ofStage(run, stage))
    const isControl = all.some((one) => one?.isControl)
    return [...new Set(all.flatMap((one) => one?.rows.map(({ measure }) => measure) ?? []))].map((measure) => {
      const { label, unit } = metricName(measure, language)
      return row(`${stage}${isControl ? word('control') : ''} · ${label}`, (_, i) => {
        const found = all[i]?.rows.find((one) => one.measure === measure)
        const gain = all[i]?.gains.find((one) => one.measure === measure)?.gain
        if (!found) return '–'
        const gained =
          gain?.value != null && gain.low !== undefined && gain.high !== undefined
            ? [formatGain(gain.value, { low: gain.low, high: gain.high }, unit)]
            : []
        return [`${value(found.before, unit)} → ${value(found.after, unit)}`, ...gained].join('\n')
      })
    })
  })
  const aha = practised
    .filter((stage) => runs.some((run) => ofStage(run, stage)?.aha))
    .map((stage) =>
      row(stage, (run) => {
        const card = ofStage(run, stage)?.aha
        return card ? sayVerdict(card)[language] : '–'
      }),
    )
  const tables: Table[] = [
    { title: word('what'), rows: what },
    {
      title: word('scores'),
      note: word('scoresNote'),
      rows: scores.length === 0 ? [] : [row(word('model'), ({ model }) => model ?? '–'), ...scores],
    },
    { title: word('practice'), note: word('practiceNote'), rows: practice },
    { title: word('aha'), rows: aha },
    {
      title: word('options'),
      rows: options.map(({ option, values }) => ({ label: option, cells: values.map((v) => v ?? '–') })),
    },
  ]
  return tables.filter(({ rows }) => rows.length > 0)
}

/** The time of each stage, by name. */
function timeRows(runs: readonly ComparedRun[], language: Language): Table['rows'] {
  const names = [...new Set(runs.flatMap(({ stages }) => stages.map(({ name }) => name)))]
  const kindOf = (name: string) => runs.flatMap(({ stages }) => stages).find((stage) => stage.name === name)!.kind
  return names.map((name) => {
    const kind = kindOf(name)
    const term = name === kind ? stageWords[kind]?.term[language] : undefined
    const cells = runs.map(({ stages }) => {
      const found = stages.find((stage) => stage.name === name)
      if (!found) return '–'
      const from = found.takenFrom === null ? '' : ` ← ${found.takenFrom}`
      return `${formatDuration(found.seconds, language)}${from}`
    })
    return { label: `  ${term ?? name}`, cells }
  })
}
