/**
 * Books of the town's school: worked exercises, tables, counting, words by topic. Books reach the corpus as plain documents, not
 * through the crawl: web filters rightly throw out pages of digits. Worked exercises come from the train half of a task only.
 */
import { random } from '../tensor/random.ts'
import type { Random } from '../tensor/random.ts'
import type { Exercise } from '../tasks/task.ts'
import type { Language } from './data.ts'
import { capitalize, fill, GRAMMAR, LEXICON } from './data.ts'
import type { Page } from './pages.ts'

/** Exercises on one page. */
const EXERCISES = 6
/** Pages of each kind of dictation in one round, and numbers read on each. */
const DICTATIONS = 14
const DICTATED = 8

/** One page for every six `exercises`, and `rounds` times the tables, the counting and the words. */
export function makeTextbooks(options: {
  language: Language
  seed: number
  exercises: readonly Exercise[]
  rounds?: number
}): Page[] {
  const { language, seed, exercises, rounds = 3 } = options
  const pages: Page[] = []
  const r = random(seed, `textbooks ${language}`)
  for (let i = 0; i < exercises.length; i += EXERCISES) {
    const chosen = exercises.slice(i, i + EXERCISES)
    const lines = chosen.flatMap(({ prompt, solution }) => {
      const between = fill(r.pick(GRAMMAR[language].textbook.beforeSteps), namesOf(language, r))
      return [prompt, ...(between === '' ? [] : [between]), ...solution.split('\n')]
    })
    pages.push(textbook(r.pick(GRAMMAR[language].textbook.sumTitles), lines))
  }
  for (let round = 0; round < rounds; round++)
    pages.push(
      ...tablePages(language, r),
      ...carryPages(language, r),
      ...dictationPages(language, r),
      countingPage(language, r),
      ...wordPages(language, r),
    )
  return r.shuffle(pages)
}

/** What stands above a page of worked exercises. */
export const pageTitle = (language: Language): string => GRAMMAR[language].textbook.sumTitles[0]!

// --- internal ---

function textbook(title: string, lines: string[]): Page {
  return { kind: 'textbook', title, lines, facts: [] }
}

/** Sums and products of one digit, which the worked steps are built from. */
function tablePages(language: Language, r: Random): Page[] {
  const { tableTitle, timesTitle } = GRAMMAR[language].textbook
  const digits = Array.from({ length: 10 }, (_, i) => i)
  return digits.flatMap((n) => [
    textbook(
      fill(tableTitle, { n }),
      r.shuffle(digits).map((m) => `${n}+${m}=${n + m}`),
    ),
    textbook(
      fill(timesTitle, { n }),
      digits.map((m) => (language === 'zh' ? timesRhyme(n, m) : `${n}*${m}=${n * m}`)),
    ),
  ])
}

/** Sums of a column with what is carried, which the last worked step is. */
function carryPages(language: Language, r: Random): Page[] {
  const digits = Array.from({ length: 10 }, (_, i) => i)
  return digits
    .slice(1)
    .map((n) =>
      textbook(
        fill(GRAMMAR[language].textbook.carryTitle, { n }),
        r.shuffle(digits.flatMap((m) => [0, 1].map((carry) => `${n}+${m}+${carry}=${n + m + carry}`))),
      ),
    )
}

/**
 * Numbers read out and written down, as they are or in columns: what a worked sum begins with, without a result. What stands between
 * is of every length: at a fixed distance a small model learns to look back so many places instead. Two numbers of two digits are
 * never joined by a plus: their sum may be one that is held out.
 */
function dictationPages(language: Language, r: Random): Page[] {
  const { dictationTitle, dictationOpeners, dictationAnswer, columnTitle, columnLines, columnTails } =
    GRAMMAR[language].textbook
  const digit = () => r.below(10)
  const number = () => String(10 + r.below(90))
  const read = (said: string) => fill(r.pick(dictationOpeners), { said, ...namesOf(language, r) })
  const writeDown = () => {
    const said = `${number()}+${digit()}+${number()}`
    return [read(said), fill(dictationAnswer, { said })]
  }
  const writeInColumns = () => {
    const [a, b] = [number(), number()]
    const slots = { said: `${a}-${b}`, ones: `${a[1]}-${b[1]}`, tens: `${a[0]}-${b[0]}`, tail: r.pick(columnTails) }
    return [read(slots.said), ...columnLines.map((line) => fill(line, slots))]
  }
  const page = (title: string, exercise: () => string[]) =>
    textbook(title, Array.from({ length: DICTATED }, exercise).flat())
  return Array.from({ length: DICTATIONS }, () => [
    page(dictationTitle, writeDown),
    page(columnTitle, writeInColumns),
  ]).flat()
}

/** Two pupils. */
function namesOf(language: Language, r: Random): { name: string; other: string } {
  const { given } = LEXICON[language]
  return { name: r.pick(given.female), other: r.pick(given.male) }
}

/** `三七二十一，3*7=21`: the rhyme that every Chinese child learns; zero has none. */
function timesRhyme(n: number, m: number): string {
  const sum = `${n}*${m}=${n * m}`
  if (n === 0 || m === 0 || n > m) return sum
  const words = LEXICON.zh.numbers
  const product = n * m
  const [tens, ones] = [Math.floor(product / 10), product % 10]
  const said =
    product < 10 ? `得${words[ones]}` : `${tens === 1 && ones > 0 ? '' : words[tens]}十${ones === 0 ? '' : words[ones]}`
  return `${words[n]}${words[m]}${said}，${sum}`
}

function countingPage(language: Language, r: Random): Page {
  const { countTitle, countLines } = GRAMMAR[language].textbook
  const words = LEXICON[language].numbers
  const start = r.below(80)
  return textbook(countTitle, [
    ...words.map((word, n) => capitalize(fill(countLines[1]!, { word, n }))),
    ...Array.from({ length: 20 }, (_, i) => fill(countLines[0]!, { n: start + i, next: start + i + 1 })),
  ])
}

function wordPages(language: Language, r: Random): Page[] {
  const { textbook: grammar, listComma } = GRAMMAR[language]
  return Object.entries(LEXICON[language].vocabulary).map(([topic, words]) =>
    textbook(fill(grammar.wordTitle, { topic }), [
      fill(r.pick(grammar.wordOpeners), { topic, words: r.shuffle(words).join(listComma) }),
      ...r.shuffle(words).map((word) => capitalize(fill(r.pick(grammar.wordLines), { topic, word }))),
    ]),
  )
}
