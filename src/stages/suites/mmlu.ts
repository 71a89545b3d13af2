/**
 * MMLU (Hendrycks et al., "Measuring massive multitask language understanding", 2021) and CMMLU (Li et al., 2023, in Chinese): questions
 * with four choices, worked examples of the same subject before them, and the likeliest letter is the answer.
 *
 * A subject is a CSV: with the header `question,choice0,…,choice3,answer`, with CMMLU's `,Question,A,B,C,D,Answer`, or Hendrycks' six columns without one; or rows with `subject`, `question`,
 * `choices`, `answer`, as on the Hub. Worked examples are the first five of `SUBJECT_dev` (or `dev/SUBJECT`); where only that file is there,
 * its other questions. They are left out from the end until the prompt fits the context, as in Hendrycks' code.
 */
import type { Tokenizer } from '../../tokenizer/index.ts'
import { choicesAfterPrefix, type SuiteTask, textIds } from './question.ts'
import { type DataFile, fail, readRows, type Row } from './rows.ts'
import subjects from './cmmlu-subjects.json' with { type: 'json' }
import { subset } from './subset.ts'

/** What CMMLU's prompts call its subjects (src/categories.py). */
const chineseSubjects: Record<string, string> = subjects

const LETTERS = ['A', 'B', 'C', 'D'] as const
const SHOTS = 5

interface Item {
  question: string
  choices: string[]
  answer: number
}

export interface MmluOptions {
  language: 'en' | 'zh'
  /** Ids that a prompt may have. */
  context: number
  limit: number | undefined
  seed: number
}

export async function mmluTasks(
  files: readonly DataFile[],
  tokenizer: Tokenizer,
  options: MmluOptions,
): Promise<SuiteTask[]> {
  const subjects = await subjectsOf(files)
  return [...subjects].map(([name, { asked, examples }]): SuiteTask => {
    const items = subset(asked, options.limit, options.seed, name)
    const shared = examples.slice(0, SHOTS)
    return {
      name,
      chance: 1 / LETTERS.length,
      shots: shared.length > 0 ? shared.length : Math.min(SHOTS, asked.length - 1),
      size: items.length,
      question(index) {
        const item = items[index]!
        const before = shared.length > 0 ? shared : asked.filter((other) => other !== item).slice(0, SHOTS)
        return ask(tokenizer, name, item, before, options)
      },
    }
  })
}

function ask(
  tokenizer: Tokenizer,
  subject: string,
  item: Item,
  before: readonly Item[],
  { language, context }: MmluOptions,
) {
  const { head, frame, letter } = language === 'zh' ? chinese(subject) : english(subject)
  for (let shots = before.length; ; shots--) {
    const examples = before.slice(0, shots).map((one) => `${frame(one)}${letter(LETTERS[one.answer]!)}\n\n`)
    const prompt = `${head}${examples.join('')}${frame(item)}`
    const texts = LETTERS.map((one) => textIds(tokenizer, prompt + letter(one)))
    if (shots === 0 || texts[0]!.length <= context)
      return { kind: 'likeliest', choices: choicesAfterPrefix(texts), gold: item.answer, by: 'sum' } as const
  }
}

/** The wording of Hendrycks' evaluate.py. */
function english(subject: string) {
  return {
    head: `The following are multiple choice questions (with answers) about ${subject.replaceAll('_', ' ')}.\n\n`,
    frame: ({ question, choices }: Item) => `${question}\n${lettered(choices)}\nAnswer:`,
    letter: (letter: string) => ` ${letter}`,
  }
}

/** The wording of CMMLU's src/mp_utils.py. */
function chinese(subject: string) {
  return {
    head: `以下是关于${chineseSubjects[subject] ?? subject.replaceAll('_', ' ')}的单项选择题，请直接给出正确答案的选项。\n\n`,
    frame: ({ question, choices }: Item) => `题目：${question}\n${lettered(choices)}\n答案是：`,
    letter: (letter: string) => letter,
  }
}

const lettered = (choices: readonly string[]) => choices.map((text, i) => `${LETTERS[i]}. ${text}`).join('\n')

/** What is asked of each subject, and its worked examples where they have a file of their own. */
async function subjectsOf(files: readonly DataFile[]) {
  const found = new Map<string, { dev: Item[]; test: Item[] }>()
  const of = (subject: string) => {
    const known = found.get(subject) ?? { dev: [], test: [] }
    found.set(subject, known)
    return known
  }
  for (const file of files) {
    const path = file.name.replace(/\.(csv|jsonl|json|parquet)(\.\w+)?$/i, '').split('/')
    const [, own = '', part = path.at(-2)] = /^(.*?)(?:_(dev|val|test))?$/.exec(path.at(-1)!)!
    const isDev = part === 'dev' || /^dev\b/.test(own)
    if (part === 'val') continue // neither the paper's questions nor its examples
    for (const row of await rowsOf(file)) {
      const { subject } = row.value
      const entry = of(typeof subject === 'string' && subject !== '' ? subject : own)
      entry[isDev ? 'dev' : 'test'].push(itemOf(row))
    }
  }
  const subjects = new Map<string, { asked: readonly Item[]; examples: readonly Item[] }>()
  for (const [name, { dev, test }] of found)
    subjects.set(name, test.length > 0 ? { asked: test, examples: dev } : { asked: dev, examples: [] })
  return subjects
}

/** Hendrycks' files have no header. */
async function rowsOf(file: DataFile): Promise<Row[]> {
  if (!/\.csv(\.\w+)?$/i.test(file.name)) return readRows(file)
  const rows = await readRows(file)
  if (keysOf(rows[0]!).some((key) => key.toLowerCase() === 'question')) return rows
  if (keysOf(rows[0]!).length === 6) return readRows(file, ['question', ...LETTERS, 'answer'])
  return fail(
    `${file.name}:1`,
    `expected the columns question, choice0 … choice3, answer, or question, A … D, answer; found ${keysOf(rows[0]!).join(', ').slice(0, 80)}`,
    `列应是 question、choice0 … choice3、answer，或 question、A … D、answer；读到的是 ${keysOf(rows[0]!).join('、').slice(0, 80)}`,
  )
}

const keysOf = ({ value }: Row) => Object.keys(value)

function itemOf(row: Row): Item {
  const value = Object.fromEntries(Object.entries(row.value).map(([key, one]) => [key.toLowerCase(), one]))
  const choices = Array.isArray(value.choices)
    ? value.choices
    : LETTERS.map((letter, i) => value[letter.toLowerCase()] ?? value[`choice${i}`])
  const { question } = value
  if (typeof question !== 'string' || question === '')
    fail(row.place, '"question" must be a text', '“question”应是一段文字')
  if (choices.length !== LETTERS.length || choices.some((one) => typeof one !== 'string'))
    fail(row.place, 'expected four choices, all texts', '应有四个选项，都是文字')
  const said = typeof value.answer === 'bigint' ? Number(value.answer) : value.answer
  const letter = LETTERS.indexOf(String(said).trim().toUpperCase() as 'A')
  const answer = letter >= 0 ? letter : Number(said === '' ? Number.NaN : said)
  if (!Number.isInteger(answer) || answer < 0 || answer >= LETTERS.length)
    fail(
      row.place,
      `"answer" is ${JSON.stringify(said)}, expected A to D or 0 to 3`,
      `“answer”是 ${JSON.stringify(said)}，应为 A 到 D 或 0 到 3`,
    )
  return { question: question as string, choices: choices as string[], answer }
}
