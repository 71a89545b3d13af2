/**
 * Unhealthy pages (gambling, pornography, sales of drugs; 黄赌毒) by their wording, in Chinese and English alike.
 *
 * No word decides alone. Of the different phrases that a page holds, those that only sellers use count 3 points, words of the subject 1 or 2, and
 * words of soliciting (register, bonus, WhatsApp, in stock; you, your) 1, where there is a subject. Words of the police, courts, medicine, science and the
 * arts take 2 away each, so that news, law and textbooks about the same things stay. A page of many words must speak of the subject
 * densely, or its points shrink, unless its beginning or its end is full of sellers' phrases: a page that was broken into. The lists are
 * data and ours (`blocked.zh.json`, `blocked.en.json`); weights and thresholds were set on `unhealthy/dev.pages.txt` and on clean corpora, and
 * are measured on `unhealthy/held-out.pages.txt`.
 */
import { z } from 'zod'
import { atMost } from './check.ts'
import type { Check } from './check.ts'
import { findPhrases, phraseIndex } from './phrases.ts'
import type { Found } from './phrases.ts'
import en from './blocked.en.json' with { type: 'json' }
import zh from './blocked.zh.json' with { type: 'json' }
import type { TextView } from './view.ts'

export const blockedWordsConfig = z.strictObject({
  maxPoints: z
    .number()
    .default(6)
    .describe('3 a seller phrase, 1 a word of the subject or of soliciting, less 2 a word of context'),
  minDensity: z
    .number()
    .default(2)
    .describe('phrases and words of the subject in 100 words (160 characters) below which points shrink'),
})

const subjects = ['gambling', 'adult', 'drugs'] as const
type Subject = (typeof subjects)[number]
interface Role {
  of: Subject | 'offer' | 'reader' | 'context'
  points: number
}

/** More points than these are not had by words of soliciting, or by words of the subject that anyone may use. */
const enough = 5
const most = 6

const lists = [zh, en].flatMap((list): [readonly string[], Role][] => [
  ...subjects.flatMap((of): [readonly string[], Role][] => [
    [list[of].strong, { of, points: 3 }],
    [list[of].core, { of, points: 2 }],
    [list[of].weak, { of, points: 1 }],
  ]),
  [list.offer, { of: 'offer', points: 1 }],
  [list.reader, { of: 'reader', points: 1 }],
  [list.context, { of: 'context', points: -2 }],
])
const index = phraseIndex(lists)

export function* blockedWords(
  { text, words, unit }: TextView,
  { maxPoints, minDensity }: z.infer<typeof blockedWordsConfig>,
): Generator<Check, void> {
  const hundred = Math.max(1, words) / (unit === 'characters' ? 160 : 100)
  // A page of somebody else's into which sellers have put a line: search engines read its beginning and its end.
  const edges = text.length < 2 * EDGE ? [] : [text.slice(0, EDGE), text.slice(-EDGE)]
  const planted = edges.flatMap((edge) => {
    const found = findPhrases(edge, index)
    return found.size < MANY ? [] : [judged(edge, found, (hundred * EDGE) / text.length, minDensity)]
  })
  // Last: the next filter looks at the same folded text.
  const whole = judged(text, findPhrases(text, index), hundred, minDensity)
  for (const [i, subject] of subjects.entries()) {
    const found = [whole, ...planted.filter((edge) => edge[i]!.strong >= MANY)].map((part) => part[i]!)
    const { points, words } = found.reduce((most, next) => (next.points > most.points ? next : most))
    yield atMost(`blocked-words/${subject}`, points, maxPoints, words.slice(0, 8).join(', ') || undefined)
  }
}

/** Characters of a beginning or an end, and different seller's phrases in it that no accident puts together. */
const EDGE = 300
const MANY = 3

/** Points of each subject, phrases found, and how many of them are sellers'; `hundred` is the length in hundreds of words. */
function judged(text: string, found: ReadonlyMap<string, Found<Role>>, hundred: number, minDensity: number) {
  // Who sells speaks to the reader: one point for two such words in a hundred, two for four.
  const addressed = Math.min(2, Math.floor(count(found, 'reader').all / hundred / 2))
  const offers = Math.min(enough, count(found, 'offer').different + addressed + priced(text))
  const context = count(found, 'context')
  // A long text holds many different words of any kind: no more of them count than come in a hundred words.
  const calm = 2 * Math.min(context.different, context.all / hundred)
  return subjects.map((subject) => {
    const [strong, core, weak] = [count(found, subject, 3), count(found, subject, 2), count(found, subject, 1)]
    const own = 3 * strong.different + Math.min(most, 2 * core.different + weak.different)
    let points = 0
    // One phrase alone says nothing without an offer around it, and who only speaks of the subject, and sells nothing, is not meant.
    if ((own > 3 && (strong.different > 0 || offers > 1)) || (own === 3 && offers >= 4)) {
      const density = (strong.all + core.all + weak.all) / hundred
      points = Math.max(0, (own + offers - calm) * Math.min(1, density / minDensity))
    }
    return { points, strong: strong.different, words: [...strong.words, ...core.words, ...weak.words] }
  })
}

const price =
  /[$£€₹¥]\s?\d|\b\d[\d,.]*\s?(?:k|dollars|bucks|quid|euros?|pounds|rupees|pesos|usd|usdt|eur|gbp|rmb|percent|%)(?![a-z])|\b(?:from|for|just|only|at) \d+\b|[\d一二三四五六七八九十百千两]+(?:元|块|刀|折|万块|元起)/gi

/** One point for a price, two for three of them; more says no more. Only the first 2,000 characters are looked at. */
function priced(text: string): number {
  const head = text.length > 2000 ? text.slice(0, 2000) : text
  const times = head.match(price)?.length ?? 0
  return times >= 3 ? 2 : Math.min(1, times)
}

function count(found: ReadonlyMap<string, Found<Role>>, of: Role['of'], points?: number) {
  const words: string[] = []
  let all = 0
  for (const [text, { roles, times }] of found) {
    if (!roles.some((role) => role.of === of && (points === undefined || role.points === points))) continue
    words.push(text)
    all += times
  }
  return { different: words.length, all, words }
}
