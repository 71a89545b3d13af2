/**
 * One raw document through all steps that need no other document: extraction, language, filters, evaluation questions, personal data.
 *
 * The order is FineWeb's: address, main text, language, Gopher repetition, Gopher quality, C4, FineWeb, then what that pipeline
 * leaves to others: unhealthy and toxic words, decontamination and masking. Each refusal names its rule, the value and the threshold.
 * `cleanDocument` stops at the first; `explainDocument` goes on and tells of every check.
 */
import type { CorpusConfig } from './config.ts'
import { decontaminate } from './decontaminate.ts'
import type { Document, RawDocument, Rejection, Verdict } from './document.ts'
import { extract } from './extract/index.ts'
import {
  blockedWords,
  c4Lines,
  c4Quality,
  finewebQuality,
  gopherQuality,
  gopherRepetition,
  judge,
  minLength,
  toxicWords,
  urlFilter,
  viewOf,
} from './filters/index.ts'
import { atLeast } from './filters/check.ts'
import type { Check, TextView } from './filters/index.ts'
import { detectLanguage } from './language.ts'
import type { Language } from './language.ts'
import type { Lists } from './lists.ts'
import { maskPii } from './pii.ts'
import type { PiiKind } from './pii.ts'
import { toSimplified } from './simplify.ts'

/** Told of each step that a document reaches, with the bytes of text it has there. */
export type Tally = (step: string, bytes: number) => void

export interface Cleaned {
  document: Document
  masked?: Record<PiiKind, number>
}

export const steps = [
  'read',
  'url',
  'extract',
  'language',
  'min-length',
  'gopher-repetition',
  'gopher-quality',
  'c4',
  'fineweb',
  'blocked-words',
  'toxic-words',
  'decontamination',
] as const
type StepName = (typeof steps)[number]

/** What is known of a document on its way; steps change it. */
interface State {
  text: string
  bytes: number
  title?: string
  language?: Language
  /** Lines that C4's rules dropped. */
  dropped: { rule: string; line: string }[]
}

interface Step {
  step: StepName
  checks: Iterable<Check>
  /** There is nothing to go on with. */
  failed?: NonNullable<Verdict>
}

/** `lists` are those that the configuration names (`loadLists`); `web` texts pass all filters, trusted ones only the questions. */
export function cleanDocument(
  raw: RawDocument,
  config: CorpusConfig,
  web: boolean,
  lists: Lists,
  tally: Tally,
): Cleaned | Rejection {
  const { id, source, line, offset, url, date } = raw
  const state: State = { text: raw.text ?? '', bytes: 0, dropped: [] }
  for (const { step, checks, failed } of walk(raw, config, web, lists, state)) {
    const verdict = failed ?? judge(checks)
    if (verdict !== null) {
      const place = {
        ...(line === undefined ? {} : { line }),
        ...(offset === undefined ? {} : { offset }),
        ...(url === undefined ? {} : { url }),
      }
      return { id, source, ...place, ...verdict, text: clip(state.text) }
    }
    tally(step, state.bytes)
  }
  const { text, title, language } = state
  const masked = config.pii === false || !web ? undefined : maskPii(text, config.pii)
  const document: Document = {
    id,
    text: masked?.text ?? text,
    source,
    language: language!.language,
    languageScore: Number(language!.confidence.toFixed(4)),
    ...(url === undefined ? {} : { url }),
    ...(title === undefined ? {} : { title }),
    ...(date === undefined ? {} : { date }),
  }
  return masked === undefined ? { document } : { document, masked: masked.counts }
}

export interface Explained {
  text: string
  title?: string
  language?: Language
  /** Every check of every step that could be made, in order. */
  steps: { step: string; checks: Check[]; failed?: NonNullable<Verdict> }[]
  dropped: { rule: string; line: string }[]
  masked?: Record<PiiKind, number>
}

/** Like `cleanDocument`, but goes on after a refusal. */
export function explainDocument(raw: RawDocument, config: CorpusConfig, lists: Lists): Explained {
  const state: State = { text: raw.text ?? '', bytes: 0, dropped: [] }
  const told: Explained['steps'] = []
  for (const { step, checks, failed } of walk(raw, config, true, lists, state))
    told.push({ step, checks: [...checks], ...(failed === undefined ? {} : { failed }) })
  const { text, title, language, dropped } = state
  const failed = told.some((step) => step.failed !== undefined)
  return {
    text,
    ...(title === undefined ? {} : { title }),
    ...(language === undefined ? {} : { language }),
    steps: told,
    dropped,
    ...(config.pii === false || failed ? {} : { masked: maskPii(text, config.pii).counts }),
  }
}

/** The steps in order. What comes after a yield happens only when the reader goes on. */
function* walk(
  raw: RawDocument,
  config: CorpusConfig,
  web: boolean,
  lists: Lists,
  state: State,
): Generator<Step, void> {
  const { filters } = config
  state.bytes = Buffer.byteLength(raw.html ?? state.text)
  yield { step: 'read', checks: [] }
  const byUrl = web && raw.url !== undefined ? filters.url : false
  yield { step: 'url', checks: byUrl === false ? [] : urlFilter(raw.url!, lists.urls, byUrl) }

  const failed = readText(raw, config, state)
  state.bytes = Buffer.byteLength(state.text)
  yield { step: 'extract', checks: [], ...(failed === undefined ? {} : { failed }) }
  if (failed !== undefined) return

  state.language = detectLanguage(state.text)
  yield { step: 'language', checks: web ? languageChecks(state.language, config) : [] }
  if (config.traditional === 'simplify' && state.language.language === 'zh' && state.language.script !== 'Hans') {
    state.text = toSimplified(state.text)
    state.bytes = Buffer.byteLength(state.text)
  }
  if (web) yield* textSteps(config, lists, state)
  else for (const step of steps.slice(steps.indexOf('min-length'), -1)) yield { step, checks: [] }
  yield { step: 'decontamination', checks: decontaminate(state.text, lists.questions) }
}

/** The text of a page or a file into the state, or why there is none. */
function readText(raw: RawDocument, config: CorpusConfig, state: State): NonNullable<Verdict> | undefined {
  if (raw.html !== undefined) {
    try {
      const page = extract(raw.html)
      if (page.title !== '') state.title = page.title
      state.text = config.headline && page.headline !== undefined ? `${page.headline}\n${page.text}` : page.text
    } catch (error) {
      return { rule: 'extract', detail: (error as Error).message }
    }
  }
  state.text = state.text.normalize('NFC').trim()
  return state.text === '' ? { rule: 'extract', detail: 'no text' } : undefined
}

function languageChecks({ language, confidence, script }: Language, config: CorpusConfig): Check[] {
  if (config.languages.length === 0) return []
  const found = `${language}${script === undefined ? '' : `-${script}`} with confidence ${confidence.toFixed(2)}`
  const wanted = `${found}; wanted ${config.languages.join(', ')} with ≥ ${config.languageConfidence}`
  // A confidence of 0 in what is not wanted fails even where any confidence will do.
  const value = config.languages.includes(language) ? confidence : -1
  return [atLeast('language', value, config.languageConfidence, wanted)]
}

/** The filters of texts; one that is switched off checks nothing. */
function* textSteps({ filters }: CorpusConfig, lists: Lists, state: State): Generator<Step, void> {
  const language = state.language!.language
  let view = viewOf(state.text, language, filters)
  const on = <T>(step: StepName, config: T | false, filter: (view: TextView, config: T) => Iterable<Check>): Step => ({
    step,
    checks: config === false ? [] : filter(view, config),
  })
  yield on('min-length', filters.minLength, minLength)
  yield on('gopher-repetition', filters.gopherRepetition, gopherRepetition)
  yield on('gopher-quality', filters.gopherQuality, gopherQuality)
  if (filters.c4 !== false) {
    const { text, dropped } = c4Lines(view, filters.c4)
    state.dropped = dropped
    if (text !== state.text) {
      state.text = text
      state.bytes = Buffer.byteLength(text)
      view = viewOf(text, language, filters)
    }
  }
  yield on('c4', filters.c4, c4Quality)
  yield on('fineweb', filters.fineweb, finewebQuality)
  yield on('blocked-words', filters.blockedWords, blockedWords)
  yield on('toxic-words', filters.toxicWords, (view, config) => toxicWords(view, config, lists.toxic))
}

/** The first 200 characters, never half of one. */
function clip(text: string): string {
  return text.length <= 200 ? text : text.slice(0, 200).replace(/[\ud800-\udbff]$/, '')
}
