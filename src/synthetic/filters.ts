/**
 * Which synthetic dialogues are kept, and why not the others: the first rule that fails is the reason. The rules look for what goes wrong when models talk
 * with models: empty or cut answers, an answer that goes round in circles, a refusal, a user who falls out of the role, markup, another language,
 * and dialogues that are like earlier ones. Whether what is said is true, nobody here can tell.
 */
import { z } from 'zod'
import { bandKeys, dedupConfig, detectLanguage, jaccard, normalise, shinglesOf } from '../corpus/index.ts'
import type { Language } from '../tasks/task.ts'
import type { Message } from '../world/index.ts'
import lists from './refusals.json' with { type: 'json' }

export const filterConfig = z.strictObject({
  minCharacters: z.number().int().nonnegative().default(2).describe('of every message'),
  maxCharacters: z.number().int().positive().default(4000).describe('of every message'),
  maxRepeated: z.number().min(0).max(1).default(0.2).describe('share of an answer that it has said before'),
  maxSimilarity: z.number().min(0).max(1).default(0.7).describe('Jaccard similarity to an earlier dialogue'),
})
export type FilterConfig = z.infer<typeof filterConfig>

export const REASONS = [
  'refused',
  'empty',
  'cut',
  'short',
  'long',
  'markup',
  'repetition',
  'refusal',
  'role',
  'language',
  'near-duplicate',
] as const
export type Reason = (typeof REASONS)[number]

export interface Rejection {
  reason: Reason
  detail: string
}

/** A dialogue as it was written; `cut`: the messages that broke off at the most tokens. */
export interface Written {
  messages: readonly Message[]
  cut: readonly number[]
}

/** The first rule that a dialogue by itself fails. */
export function judgeDialogue(
  { messages, cut }: Written,
  language: Language,
  { minCharacters, maxCharacters, maxRepeated }: FilterConfig,
): Rejection | undefined {
  for (const [i, { role, content }] of messages.entries()) {
    const at = (reason: Reason, detail: string): Rejection => ({ reason, detail: `message ${i + 1}: ${detail}` })
    if (content === '') return at('empty', 'nothing')
    if (cut.includes(i)) return at('cut', 'broke off at the most tokens')
    if (content.length < minCharacters) return at('short', `${content.length} characters`)
    if (content.length > maxCharacters) return at('long', `${content.length} characters`)
    const markup = found('markup', content)
    if (markup) return at('markup', markup)
    const repeated = repeatedShare(content)
    if (repeated > maxRepeated) return at('repetition', `${Math.round(100 * repeated)} % was said before`)
    const twin = messages.findIndex((other) => other.role === role && normalise(other.content) === normalise(content))
    // Thanks may come twice, a whole answer may not.
    if (twin < i && content.length > 40) return at('repetition', `is message ${twin + 1} again`)
    const phrase = found(role === 'user' ? 'role' : 'refusal', content)
    if (phrase) return at(role === 'user' ? 'role' : 'refusal', phrase)
  }
  for (const role of ['user', 'assistant'] as const) {
    const text = messages
      .filter((message) => message.role === role)
      .map(({ content }) => content)
      .join('\n')
    // Which Latin language a few words are in is a guess (docs/log.md, 2026-11-25); another script never is.
    if (language === 'en' && text.length < 200 && !/[\u0370-\u1fff\u2e80-\ud7ff\uf900-\uffdc]/.test(text)) continue
    const { language: spoken } = detectLanguage(text)
    if (spoken !== language && spoken !== 'und') return { reason: 'language', detail: `the ${role} writes ${spoken}` }
  }
  return undefined
}

/** Refuses dialogues that are like one it has let through; asked in order. */
export function nearDuplicates(maxSimilarity: number) {
  // 20 bands of 5 hashes: at a similarity of 0.7, 97 % of all pairs meet and are then compared whole.
  const shape = dedupConfig.parse({ bands: 20, rows: 5 })
  const byBand = new Map<string, number[]>()
  const kept: string[] = []
  return (messages: readonly Message[]): Rejection | undefined => {
    const text = messages.map(({ content }) => content).join('\n')
    const keys = bandKeys(text, shape)
    const names = Array.from({ length: shape.bands }, (_, b) => `${b} ${keys[2 * b]} ${keys[2 * b + 1]}`)
    const own = shinglesOf(text, shape)
    for (const other of new Set(names.flatMap((name) => byBand.get(name) ?? []))) {
      const similarity = jaccard(own, shinglesOf(kept[other]!, shape))
      if (similarity > maxSimilarity)
        return { reason: 'near-duplicate', detail: `${similarity.toFixed(2)} like dialogue ${other + 1} of those kept` }
    }
    for (const name of names) byBand.set(name, [...(byBand.get(name) ?? []), kept.length])
    kept.push(text)
    return undefined
  }
}

/** The share of a text's runs of 4 words (of 6 characters in Chinese) that occurred in it before; 0 for short texts. */
export function repeatedShare(text: string): number {
  const isWide = (text.match(/[\u3400-\u9fff]/g)?.length ?? 0) * 3 > text.length
  const units = text.toLowerCase().match(isWide ? /[\p{L}\p{N}]/gu : /[\p{L}\p{N}]+/gu) ?? []
  const n = isWide ? 6 : 4
  const runs = units.length - n + 1
  if (runs < 2 * n) return 0
  const seen = new Set(Array.from({ length: runs }, (_, i) => units.slice(i, i + n).join(' ')))
  return 1 - seen.size / runs
}

// --- internal ---

const PATTERNS = Object.fromEntries(
  Object.entries(lists).map(([name, sources]) => [name, sources.map((source) => new RegExp(source, 'i'))]),
) as Record<keyof typeof lists, RegExp[]>

/** What of a list's phrases a message says: refusals only count near its beginning, where they are made. */
function found(list: keyof typeof lists, content: string): string | undefined {
  const where = list === 'markup' ? content : content.slice(0, 200)
  for (const pattern of PATTERNS[list]) {
    const match = pattern.exec(where.replaceAll('’', "'"))
    if (match) return `“${match[0].trim()}”`
  }
  return undefined
}
