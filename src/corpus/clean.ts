/**
 * One raw document through all steps that need no other document: extraction, language, filters, personal data.
 *
 * The order is FineWeb's: address, main text, language, Gopher repetition, Gopher quality, C4, FineWeb, then what that pipeline
 * leaves to others: blocked words and masking. Each refusal names its rule, the value and the threshold.
 */
import type { CorpusConfig } from './config.ts'
import type { Document, RawDocument, Rejection, Verdict } from './document.ts'
import { extract } from './extract/index.ts'
import {
  blockedWords,
  c4Lines,
  c4Quality,
  finewebQuality,
  gopherQuality,
  gopherRepetition,
  minLength,
  urlFilter,
  viewOf,
} from './filters/index.ts'
import type { TextView } from './filters/index.ts'
import { detectLanguage } from './language.ts'
import { maskPii } from './pii.ts'
import type { PiiKind } from './pii.ts'

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
] as const

/** `blockedDomains` are those of the lists that the configuration names. */
export function cleanDocument(
  raw: RawDocument,
  config: CorpusConfig,
  web: boolean,
  blockedDomains: ReadonlySet<string>,
  tally: Tally,
): Cleaned | Rejection {
  const { id, source, line, offset, url, date } = raw
  const place = {
    id,
    source,
    ...(line === undefined ? {} : { line }),
    ...(offset === undefined ? {} : { offset }),
    ...(url === undefined ? {} : { url }),
  }
  let text = raw.text ?? ''
  const refuse = (verdict: NonNullable<Verdict>): Rejection => ({ ...place, ...verdict, text: clip(text) })
  const rawBytes = Buffer.byteLength(raw.html ?? text)
  tally('read', rawBytes)

  const { filters } = config
  if (web && url !== undefined && filters.url !== false) {
    const verdict = urlFilter(url, blockedDomains, filters.url.words)
    if (verdict !== null) return refuse(verdict)
  }
  tally('url', rawBytes)

  let title: string | undefined
  if (raw.html !== undefined) {
    try {
      const page = extract(raw.html)
      title = page.title === '' ? undefined : page.title
      text = config.headline && page.headline !== undefined ? `${page.headline}\n${page.text}` : page.text
    } catch (error) {
      return refuse({ rule: 'extract', detail: (error as Error).message })
    }
  }
  text = text.normalize('NFC').trim()
  if (text === '') return refuse({ rule: 'extract', detail: 'no text' })
  let bytes = Buffer.byteLength(text)
  tally('extract', bytes)

  const { language, confidence, script } = detectLanguage(text)
  const finish = (text: string): Document => ({
    id,
    text,
    source,
    language,
    ...(url === undefined ? {} : { url }),
    ...(title === undefined ? {} : { title }),
    ...(date === undefined ? {} : { date }),
  })
  if (!web) return { document: finish(text) }

  if (config.languages.length > 0 && (!config.languages.includes(language) || confidence < config.languageConfidence)) {
    const found = `${language}${script === undefined ? '' : `-${script}`} with confidence ${confidence.toFixed(2)}`
    return refuse({
      rule: 'language',
      detail: `${found}; wanted ${config.languages.join(', ')} with ≥ ${config.languageConfidence}`,
    })
  }
  tally('language', bytes)

  let view = viewOf(text, language)
  const rules: [step: string, judge: (view: TextView) => Verdict][] = [
    ['min-length', (view) => (filters.minLength === false ? null : minLength(view, filters.minLength))],
    [
      'gopher-repetition',
      (view) => (filters.gopherRepetition === false ? null : gopherRepetition(view, filters.gopherRepetition)),
    ],
    ['gopher-quality', (view) => (filters.gopherQuality === false ? null : gopherQuality(view, filters.gopherQuality))],
    ['c4', (view) => (filters.c4 === false ? null : c4Quality(view, filters.c4))],
    ['fineweb', (view) => (filters.fineweb === false ? null : finewebQuality(view, filters.fineweb))],
    ['blocked-words', (view) => (filters.blockedWords === false ? null : blockedWords(view, filters.blockedWords))],
  ]
  for (const [step, judge] of rules) {
    if (step === 'c4' && filters.c4 !== false) {
      const { text: kept, dropped } = c4Lines(view, filters.c4)
      if (dropped > 0 || kept !== text) {
        ;[text, view] = [kept, viewOf(kept, language)]
        bytes = Buffer.byteLength(text)
      }
    }
    const verdict = judge(view)
    if (verdict !== null) return refuse(verdict)
    tally(step, bytes)
  }
  if (config.pii === false) return { document: finish(text) }
  const masked = maskPii(text, config.pii)
  return { document: finish(masked.text), masked: masked.counts }
}

/** The first 200 characters, never half of one. */
function clip(text: string): string {
  return text.length <= 200 ? text : text.slice(0, 200).replace(/[\ud800-\udbff]$/, '')
}
