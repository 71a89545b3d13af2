/** What the sieve's steps and rules are called, and why they are there (FineWeb's pipeline: docs of src/corpus/). */
import { ruleText } from '../../../src/corpus/filters/rules.ts'
import type { Sentence } from './language.svelte.ts'
import type { Document } from './types.ts'

const steps: Record<string, Sentence> = {
  read: { en: 'found', zh: '找到的' },
  url: { en: 'address is fine', zh: '网址没问题' },
  extract: { en: 'has a main text', zh: '有正文' },
  language: { en: 'in a language we read', zh: '是看得懂的语言' },
  'min-length': { en: 'long enough', zh: '够长' },
  'gopher-repetition': { en: 'does not repeat itself', zh: '不翻来覆去' },
  'gopher-quality': { en: 'reads like prose', zh: '像正经文章' },
  c4: { en: 'has whole sentences', zh: '有完整的句子' },
  fineweb: { en: 'is no list or menu', zh: '不是列表和菜单' },
  'blocked-words': { en: 'no banned words', zh: '没有违禁词' },
  'toxic-words': { en: 'not abusive', zh: '不带脏字' },
  decontamination: { en: 'holds no exam questions', zh: '没有考题' },
  'exact-duplicate': { en: 'not the same again', zh: '不是一模一样的' },
  'near-duplicate': { en: 'not nearly the same', zh: '不是大同小异的' },
}

export const stepOf = (step: string): Sentence => steps[step] ?? { en: step, zh: step }

const reasons: Record<string, Sentence & { why: Sentence }> = {
  url: {
    en: 'bad address',
    zh: '网址可疑',
    why: { en: 'The address itself gives such a page away.', zh: '光看网址就知道是什么页面。' },
  },
  extract: {
    en: 'no text',
    zh: '没有正文',
    why: {
      en: 'Menus, pictures and advertisements, and nothing to read.',
      zh: '只有菜单、图片和广告，没有可读的内容。',
    },
  },
  language: {
    en: 'another language',
    zh: '别的语言',
    why: { en: 'Written in a language that this model does not learn.', zh: '用的不是这个模型要学的语言。' },
  },
  'min-length': {
    en: 'too short',
    zh: '太短',
    why: { en: 'Too short to learn from.', zh: '太短了，学不到东西。' },
  },
  'gopher-repetition': {
    en: 'repeats itself',
    zh: '翻来覆去',
    why: { en: 'Says the same things over and over, as spam does.', zh: '同样的话说了又说，垃圾网页就是这样。' },
  },
  'gopher-quality': {
    en: 'no prose',
    zh: '不像文章',
    why: { en: 'Symbols, lists, odd words: not how people write.', zh: '满是符号、列表、怪词，不像人写的文章。' },
  },
  c4: {
    en: 'no sentences',
    zh: '没有句子',
    why: { en: 'Too few whole sentences.', zh: '完整的句子太少。' },
  },
  fineweb: {
    en: 'a list',
    zh: '是列表',
    why: { en: 'Looks like a list or a menu.', zh: '看起来是列表或菜单。' },
  },
  'blocked-words': {
    en: 'banned words',
    zh: '违禁词',
    why: { en: 'Full of words that spam is made of.', zh: '满是垃圾信息里的词。' },
  },
  'toxic-words': {
    en: 'abuse',
    zh: '脏字',
    why: { en: 'Full of words that insult people.', zh: '满是骂人的话。' },
  },
  decontamination: {
    en: 'exam questions',
    zh: '考题',
    why: {
      en: 'Holds questions of the exam: who has read them proves nothing.',
      zh: '里面有考题，读过了再考就说明不了什么。',
    },
  },
  'exact-duplicate': {
    en: 'the same again',
    zh: '一模一样',
    why: { en: 'The same text was there before.', zh: '同样的文字前面已经有了。' },
  },
  'near-duplicate': {
    en: 'nearly the same',
    zh: '大同小异',
    why: {
      en: 'Another page says almost the same; its twin stands beside it.',
      zh: '另一个网页几乎一样，旁边就是那一篇。',
    },
  },
}

/** A rule's name may say more behind a slash: `gopher-repetition/duplicate-8-grams`. */
export function ruleOf(rule: string): Sentence & { why: Sentence } {
  const [family = '', detail] = rule.split('/')
  const known = reasons[family]
  if (!known) return { en: rule, zh: rule, why: { en: '', zh: '' } }
  const grams = /duplicate-(\d+)-grams/.exec(detail ?? '')?.[1]
  return grams ? { ...known, en: `${known.en} (${grams}-grams)`, zh: `${known.zh}（${grams} 元组）` } : known
}

/** "0.354 of the characters > 0.198": a measured value against a limit. */
export interface Limit {
  value: number
  limit: number
  /** It is dropped when the value is below. */
  below: boolean
}

export function limitOf(detail: string | undefined): Limit | null {
  const [, value, sign, limit] = /^(-?[\d.]+)[^<>≥≤]*([<>])\s*(-?[\d.]+)/.exec(detail ?? '') ?? []
  if (!value || !limit) return null
  return { value: Number(value), limit: Number(limit), below: sign === '<' }
}

/** The document that stays in its place, of one that says the same. */
export const twinOf = ({ of, detail }: Document): string | undefined =>
  of ?? /(?:same text as|in common with(?: the cluster of)?) (\S+)$/.exec(detail ?? '')?.[1]

/** What was measured, and what it was held against, in both languages; older logs say it in English only, in the same few forms. */
export function detailOf(document: Document): Sentence {
  const { rule = '', detail = '' } = document
  const limit = limitOf(detail)
  const text = ruleText(rule)
  const own = text.en !== rule
  if (limit) {
    const figures = `${limit.value} ${limit.below ? '<' : '>'} ${limit.limit}`
    return { en: detail, zh: own ? `${text.zh} ${figures}` : figures }
  }
  const [, language, sure, wanted, least] =
    /(\w+(?:-\w+)?) with confidence ([\d.]+); wanted (.*?) with ≥ ([\d.]+)/.exec(detail) ?? []
  if (language)
    return {
      en: `${language} with confidence ${sure}; wanted ${wanted} with ≥ ${least}`,
      zh: `像是 ${language}，把握 ${sure}；要的是 ${wanted}，把握 ≥ ${least}`,
    }
  if (detail === 'no text') return { en: 'no text', zh: '没有正文' }
  const twin = twinOf(document)
  if (twin !== undefined && detail.startsWith('the same text')) return { en: detail, zh: `和 ${twin} 一模一样` }
  const [, met, all] = /^(\d+) of (\d+) bands/.exec(detail) ?? []
  if (met) return { en: detail, zh: `和 ${twin ?? '别的文档'} 的 ${all} 个指纹段里有 ${met} 个相同` }
  return { en: detail, zh: own && text.presence ? detail.replace(text.en, text.zh) : detail }
}
