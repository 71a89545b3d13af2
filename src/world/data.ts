/** The lexicon and the grammar of each language: typed views of the JSON files beside this one. */
import type { Language } from '../tasks/task.ts'
import lexiconZh from './lexicon.zh.json' with { type: 'json' }
import lexiconEn from './lexicon.en.json' with { type: 'json' }
import grammarZh from './grammar.zh.json' with { type: 'json' }
import grammarEn from './grammar.en.json' with { type: 'json' }
import junkZh from './junk.zh.json' with { type: 'json' }
import junkEn from './junk.en.json' with { type: 'json' }

export type { Language } from '../tasks/task.ts'

export const ATTRIBUTES = ['job', 'street', 'pet', 'food', 'hobby', 'color', 'month'] as const
export type Attribute = (typeof ATTRIBUTES)[number]
export type Gender = 'male' | 'female'

export interface Lexicon {
  towns: string[]
  surnames: string[]
  given: Record<Gender, string[]>
  /** Each value with its article or measure word, which may be empty. */
  attributes: Record<Attribute, string[][]>
  shops: { name: string; goods: string[][] }[]
  weather: string[]
  events: string[]
  places: string[]
  monthWeather: string[]
  vocabulary: Record<string, string[]>
  numbers: string[]
}

/** Wordings of one attribute. The three lists of questions are disjoint: what is scored was never read nor taught. */
export interface AttributeGrammar {
  statements: string[]
  answers: string[]
  corpusQuestions: string[]
  sftQuestions: string[]
  evalQuestions: string[]
}

export type Audience = 'corpus' | 'sft' | 'eval'

export interface Grammar {
  pronouns: Record<Gender, string>
  listComma: string
  prefixes: Record<Audience, string[]>
  attributes: Record<Attribute, AttributeGrammar>
  article: { titles: string[]; openers: string[]; fillers: string[]; closers: string[] }
  faq: { personTitles: string[]; mixedTitles: string[]; question: string; answer: string }
  directory: { titles: Record<Attribute, string>; lines: Record<Attribute, string> }
  stories: { titles: string[]; sentences: string[][] }[]
  prices: { titles: string[]; openers: string[]; lines: string[]; questions: string[][]; closers: string[] }
  calendar: { titles: string[]; openers: string[]; lines: string[] }
  textbook: {
    sumTitles: string[]
    tableTitle: string
    timesTitle: string
    dictationTitle: string
    dictationOpeners: string[]
    dictationAnswer: string
    columnTitle: string
    columnLines: string[]
    columnTails: string[]
    carryTitle: string
    beforeSteps: string[]
    wordTitle: string
    wordOpeners: string[]
    wordLines: string[]
    countTitle: string
    countLines: string[]
  }
  dialogue: {
    smallTalk: { user: string[]; assistant: string[] }[]
    /** Asked about anybody; people of the town are known, strangers are not. */
    acquaintance: { questions: string[]; known: string[] }
    unknownAnswers: string[]
    essayPrompts: string[]
    followUps: string[]
    followUpAnswers: string[]
  }
}

/** What surrounds and pollutes the articles of a crawl. */
export interface Junk {
  domains: string[]
  navigation: string[]
  advertisements: string[]
  sidebar: string[]
  cookies: string[]
  footers: string[]
  related: string[]
  contact: string[]
  kinds: Record<'spam' | 'gambling' | 'adult' | 'drugs', { domains: string[]; titles: string[]; sentences: string[] }>
  boilerplate: string[]
  short: string[]
  foreign: { language: string; title: string; paragraphs: string[] }[]
  edits: string[]
}

export const LEXICON: Record<Language, Lexicon> = { zh: lexiconZh, en: lexiconEn }
export const GRAMMAR: Record<Language, Grammar> = { zh: grammarZh, en: grammarEn }
export const JUNK: Record<Language, Junk> = { zh: junkZh, en: junkEn }

/** Replaces `{slot}`; a capital first letter, `{They}`, capitalises. Throws when a slot has no value. */
export function fill(template: string, slots: Record<string, string | number>): string {
  return template.replace(/\{(\w+)\}/g, (_, slot: string) => {
    const value = slots[slot] ?? slots[slot[0]!.toLowerCase() + slot.slice(1)]
    if (value === undefined) throw new Error(`the template “${template}” wants {${slot}}, which has no value`)
    return slot in slots ? String(value) : capitalize(String(value))
  })
}

/** Upper-case first letter; Chinese is unchanged. */
export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
