/** The report as Markdown: the same facts as the page, without curves (their last values are in the table). */
import { sayEvidence, sayVerdict } from '../aha/words.ts'
import type { Language } from '../stage.ts'
import type {
  AhaCard,
  Comparison,
  ControlCard,
  Exam,
  Funnel,
  ModelAnswer,
  ReportCard,
  SampleSeries,
  Spoken,
  StageCard,
  Warning,
} from './card.ts'
import { commandsOf } from './commands.ts'
import { codeBlock, codeSpan, escapeMarkdown } from './escape.ts'
import { formatCount, formatDuration, formatGain, formatInterval, formatValue } from './format.ts'
import { controlRows, type Measured, hasCounters, measuresOf, tableMetrics } from './measures.ts'
import { keptSentence } from './page-run.ts'
import { storyOf } from './story.ts'
import { funnelWords, metricName, stageWords, wordsOf } from './words.ts'

/** `run` is the folder, for the commands to copy. */
export function toMarkdown(card: ReportCard, run: string): string {
  const { name, language, finished, comparisons, exams, controls, samples, funnels, machine } = card
  const word = wordsOf(language)
  const commands = commandsOf(card, run).map(({ command, says }) => `${command}  # ${says}`)
  const facts = Object.entries(machine ?? {}).map(([key, value]) => item(`${key}: ${value}`))
  const parts = [
    `# ${escapeMarkdown(name)} · ${word('card')}${finished ? '' : ` (${word('unfinished')})`}`,
    escapeMarkdown(storyOf(card).join(language === 'zh' ? '' : ' ')),
    ...section(
      word('questions'),
      comparisons.map((one) => comparison(one, language)),
      word('questionsNote'),
    ),
    ...section(
      word('exam'),
      exams.map((exam) => examTable(exam, language)),
      hasCounters(exams) ? `${word('examNote')} ${word('countersNote')}` : word('examNote'),
    ),
    ...section(word('metrics'), [metricsTable(card)], word('metricsNote')),
    ...section(word('controls'), [controls.map((control) => controlItem(card, control)).join('\n')]),
    ...section(
      word('aha'),
      card.aha.map((one) => ahaItem(one, language)),
      word('ahaNote'),
    ),
    ...section(
      word('samples'),
      samples.map((series) => sampleList(series, language)),
      word('samplesNote'),
    ),
    ...section(
      word('funnel'),
      funnels.map((funnel) => funnelTable(funnel, language)),
    ),
    ...section(word('warnings'), [card.warnings.map((one) => warningItem(one, language)).join('\n')]),
    ...section(word('machine'), [facts.join('\n')]),
    ...section(word('recipe'), [codeBlock(card.yaml, 'yaml')]),
    ...section(word('commands'), [codeBlock(commands.join('\n'), 'sh')]),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Nothing where there is nothing to say. */
function section(title: string, parts: string[], note?: string): string[] {
  const said = parts.filter((part) => part !== '')
  return said.length === 0 ? [] : [`## ${title}`, ...(note === undefined ? [] : [note]), ...said]
}

const item = (text: string) => `- ${escapeMarkdown(text)}`

function warningItem({ stage, message, count }: Warning, language: Language): string {
  const often = count > 1 ? ` (× ${count})` : ''
  return item(`${stage === null ? '' : `${stage}: `}${message[language]}${often}`)
}

function ahaItem(card: AhaCard, language: Language): string {
  const word = wordsOf(language)
  const firsts = card.firsts.map(
    ({ step, prompt, text }) => `- ${word('step')} ${step}: ${codeSpan(prompt)} → ${codeSpan(text)}`,
  )
  const evidence = card.verdict.evidence.map((one) => item(sayEvidence(one)[language]))
  return [
    `**${escapeMarkdown(card.stage)}**: ${escapeMarkdown(sayVerdict(card)[language])}`,
    '',
    ...evidence,
    ...firsts,
  ].join('\n')
}

function sampleList({ stage, prompt, texts }: SampleSeries, language: Language): string {
  const word = wordsOf(language)
  const items = texts.map(({ step, text }) => `- ${word('step')} ${step}: ${codeSpan(text) || word('silent')}`)
  return [`**${escapeMarkdown(stage)}** ${codeSpan(prompt)}`, '', ...items].join('\n')
}

export const table = (head: string[], rows: string[][]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

function metricsTable({ stages, exams, language }: ReportCard): string {
  const word = wordsOf(language)
  const row = (stage: StageCard) => [
    escapeMarkdown(stage.name),
    stageWords[stage.kind]?.term[language] ?? escapeMarkdown(stage.kind),
    stage.state === 'waiting' ? word('waiting') : formatDuration(stage.seconds, language),
    exams.some((exam) => exam.stage === stage.name)
      ? word('see')
      : tableMetrics(stage)
          .map(([key]) => metric(stage, key, language))
          .join('<br>'),
  ]
  return table([word('stage'), word('kind'), word('time'), ''], stages.map(row))
}

function examTable(exam: Exam, language: Language): string {
  const cell = (model: Exam['models'][number], measure: string) => {
    const [gain, interval] = [model.metrics[`${measure}Gain`], model.intervals[`${measure}Gain`]]
    const gained =
      gain != null && interval
        ? `<br>${escapeMarkdown(formatGain(gain, interval, metricName(measure, language).unit))}`
        : ''
    return `${value(model, measure, language)}${gained}`
  }
  const rows = measuresOf(exam).map((measure) => [
    escapeMarkdown(metricName(measure, language).label),
    ...exam.models.map((model) => cell(model, measure)),
  ])
  return table(['', ...exam.models.map(({ stage }) => escapeMarkdown(stage))], rows)
}

function metric(of: Measured, key: string, language: Language): string {
  return `${escapeMarkdown(metricName(key, language).label)} ${value(of, key, language)}`
}

/** A metric's value with its interval. */
export function value({ metrics, intervals }: Measured, key: string, language: Language): string {
  const { unit } = metricName(key, language)
  const interval = intervals[key]
  return `${formatValue(metrics[key] ?? null, unit, language)}${interval ? ` ${escapeMarkdown(formatInterval(interval, unit))}` : ''}`
}

function controlItem(card: ReportCard, control: ControlCard): string {
  const word = wordsOf(card.language)
  const { peer, keys } = controlRows(card, control)
  const values = (of: Measured) => keys.map((key) => metric(of, key, card.language)).join(', ')
  const why = word(control.without === 'weights' ? 'withoutWeights' : 'withoutReward')
  const beside = peer ? `\n  - ${escapeMarkdown(control.of!)}: ${values(peer)}` : ''
  return `- **${escapeMarkdown(control.name)}** (${why}): ${values(control)}${beside}`
}

function comparison({ question, expected, answers }: Comparison, language: Language): string {
  const word = wordsOf(language)
  const said = ({ text, truncated, correct }: Spoken) =>
    `${codeSpan(text) || word('silent')}${truncated ? ' …' : ''}${correct === null ? '' : correct ? ' ✓' : ' ✗'}`
  const row = ({ stage, manner, greedy, sampled }: ModelAnswer) => [
    `${escapeMarkdown(stage)} (${word(manner)})`,
    said(greedy),
    sampled ? said(sampled) : '–',
  ]
  const head = `### ${codeSpan(question)}${expected === null ? '' : ` (${word('expected')}${codeSpan(expected)})`}`
  return `${head}\n\n${table([word('stage'), word('answer'), word('drawn')], answers.map(row))}`
}

function funnelTable({ steps, rules }: Funnel, language: Language): string {
  const word = wordsOf(language)
  const rows = steps.map(({ step, documents }) => [
    funnelWords[step]?.[language] ?? escapeMarkdown(step),
    formatCount(documents, language),
  ])
  const why = rules
    .map(({ rule, documents }) => `${escapeMarkdown(rule)} ${formatCount(documents, language)}`)
    .join(', ')
  return [
    keptSentence({ steps, rules }, language),
    table(['', ''], rows),
    ...(why ? [`${word('rules')}: ${why}`] : []),
  ].join('\n\n')
}
