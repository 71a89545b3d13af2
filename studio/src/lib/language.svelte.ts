/**
 * Two languages as equals: a sentence is written once in each, side by side, and the compiler refuses one without the other. Switching
 * changes words and nothing else: everything on the page reads `t` again, no state is lost.
 */
export type Language = 'zh' | 'en'

/** A sentence from the server. */
export interface Sentence {
  en: string
  zh: string
}

const initial = (): Language => {
  const asked = new URLSearchParams(location.search).get('lang')
  if (asked === 'zh' || asked === 'en') return asked
  const kept = remembered()
  if (kept) return kept
  return navigator.languages.some((one) => /^zh/i.test(one)) ? 'zh' : 'en'
}

function remembered(): Language | undefined {
  try {
    const kept = localStorage.getItem('language')
    return kept === 'zh' || kept === 'en' ? kept : undefined
  } catch {
    return undefined // storage may be forbidden
  }
}

let current = $state<Language>(initial())

export const language = (): Language => current

export function setLanguage(next: Language): void {
  current = next
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en'
  try {
    localStorage.setItem('language', next)
  } catch {
    // it will be asked for again
  }
}

/** The sentence in the reader's language. Chinese writes 3 万字, without a second blank. */
export const t = (en: string, zh: string): string =>
  current === 'zh' ? zh.replace(/(?<=[万亿]) (?=\p{Script=Han})/gu, '') : en

export const say = (sentence: Sentence): string => (current === 'zh' ? sentence.zh : sentence.en)
