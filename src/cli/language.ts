/** The reader's language: --lang, XUEBA_LANG, then the locale. Every sentence of the command line has both forms. */
export type Language = 'zh' | 'en'

export interface Sentence {
  en: string
  zh: string
}

let current: Language = localeOf(process.env)

export function localeOf(env: NodeJS.ProcessEnv): Language {
  const name = env.XUEBA_LANG || env.LC_ALL || env.LC_MESSAGES || env.LANG || ''
  return /^zh/i.test(name) ? 'zh' : 'en'
}

export const language = (): Language => current

export function setLanguage(to: Language): void {
  current = to
}

/** The sentence in the reader's language. */
export const say = (sentence: Sentence): string => sentence[current]
