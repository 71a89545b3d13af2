/**
 * Forms of words by which an answer checks itself or goes back. They are marks, not thoughts: what an answer with a mark is worth is
 * measured beside it. The two kinds are those of Gandhi et al. ("Cognitive behaviors that enable self-improving reasoners", 2025); English
 * phrases go by the words that Liu et al. count ("There may not be aha moment in R1-Zero-like training", 2025). A recipe may name others.
 */
import type { Language } from '../stage.ts'

export const MARKS = ['verification', 'backtracking'] as const
export type Mark = (typeof MARKS)[number]
export type Phrases = Record<Mark, readonly string[]>

export const PHRASES: Record<Language, Phrases> = {
  en: {
    verification: ['check', 'recheck', 'double-check', 'verify', 'make sure', 'let me see if'],
    backtracking: [
      'wait',

      'not right',
      'wrong',
      'mistake',
      'go back',
      'try again',
      'try another',
      'rethink',
      'reconsider',
      'actually',
    ],
  },
  zh: {
    verification: ['检查', '验算', '验证', '核对', '再算一遍', '确认一下'],
    backtracking: ['等等', '不对', '错了', '算错', '重来', '重新', '回到', '换一种', '换一个', '再试'],
  },
}

/** The first phrase of each kind that a text holds. Letters are compared whatever their case; a Latin phrase begins and ends with a word. */
export function markFinder(phrases: Phrases): (text: string) => Partial<Record<Mark, string>> {
  const patterns = MARKS.map((mark) => [mark, patternOf(phrases[mark])] as const)
  return (text) => {
    const found: Partial<Record<Mark, string>> = {}
    for (const [mark, pattern] of patterns) {
      const [phrase] = pattern?.exec(text) ?? []
      if (phrase !== undefined) found[mark] = phrase
    }
    return found
  }
}

function patternOf(phrases: readonly string[]): RegExp | undefined {
  if (phrases.length === 0) return undefined
  const one = (phrase: string) => {
    const plain = phrase.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    const begin = /^[a-z0-9]/i.test(phrase) ? '(?<![\\p{Script=Latin}\\p{N}])' : ''
    const end = /[a-z0-9]$/i.test(phrase) ? '(?![\\p{Script=Latin}\\p{N}])' : ''
    return begin + plain + end
  }
  return new RegExp(phrases.map(one).join('|'), 'iu')
}
