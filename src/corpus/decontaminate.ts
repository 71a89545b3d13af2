/**
 * Documents that hold evaluation questions, by shared n-grams: a model that has read the questions is not examined by them.
 *
 * 13 words in a row, lower case, without punctuation, as GPT-3 (Brown et al. 2020, appendix C). Chinese has no words to count: 21 characters,
 * which is 13 words at 1.6 characters each. A shorter question has to stand there as a whole, if it has at least `shortest` words or
 * characters (GPT-3's least is 8 words). N-grams that more than ten questions share are the form of the question ("choose the right
 * answer"), and are not looked for. Signs of arithmetic before numbers count as words, so that sums can be found.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { readCsv, readJsonArray, readJsonl } from '../formats/index.ts'
import { UserError } from '../run/errors.ts'
import { dataFile } from '../run/schema.ts'
import { Kind, kindOfPair, kinds } from './filters/characters.ts'
import { atMost } from './filters/check.ts'
import type { Check } from './filters/check.ts'

export const decontaminateConfig = z.strictObject({
  files: z.array(dataFile()).default([]).describe('evaluation questions: .jsonl .json .csv, or .txt with one a line'),
  fields: z
    .array(z.string())
    .default(['question', 'Question', 'prompt', 'problem', 'instruction', 'query', 'input', 'text'])
    .describe('the first of these fields that a row has holds the question'),
  words: z.number().int().min(2).default(13).describe('words in a row that make a document contaminated'),
  characters: z.number().int().min(2).default(21).describe('the same for Chinese characters'),
  shortest: z.number().int().min(2).default(8).describe('shorter questions are not looked for'),
})

type Sizes = Pick<z.infer<typeof decontaminateConfig>, 'words' | 'characters' | 'shortest'>

export interface QuestionIndex {
  /** Hashes of n-grams by their length. */
  grams: ReadonlyMap<number, ReadonlySet<number>>
  /** Bits of the hashes of any length: spares most lookups. */
  bits: Uint8Array
  questions: number
  /** Questions too short to be looked for. */
  skipped: number
}

/** N-grams that more questions share are their form. */
const mostQuestions = 10

export function questionIndex(
  questions: readonly string[],
  sizes: Sizes = decontaminateConfig.parse({}),
): QuestionIndex {
  const grams = new Map<number, Map<number, number>>()
  let skipped = 0
  for (const question of questions) {
    const tokens = tokensOf(question)
    if (tokens.size < sizes.shortest) {
      skipped++
      continue
    }
    const full = 2 * tokens.characters > tokens.size ? sizes.characters : sizes.words
    const n = Math.min(full, tokens.size)
    const counts = grams.get(n) ?? new Map<number, number>()
    grams.set(n, counts)
    const own = new Set<number>()
    eachGram(tokens, n, (key) => own.add(key))
    for (const key of own) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const bits = new Uint8Array(1 << 17)
  const sets = [...grams].map(([n, counts]): [number, Set<number>] => {
    const keys = [...counts].filter(([, count]) => count <= mostQuestions).map(([key]) => key)
    for (const key of keys) bits[bitOf(key) >> 3]! |= 1 << (bitOf(key) & 7)
    return [n, new Set(keys)]
  })
  return { grams: new Map(sets.sort((a, b) => a[0] - b[0])), bits, questions: questions.length - skipped, skipped }
}

/** How many n-grams of the questions the text holds; the first is quoted. */
export function* decontaminate(text: string, { grams, bits }: QuestionIndex): Generator<Check, void> {
  if (grams.size === 0) return
  const tokens = tokensOf(text)
  let shared = 0
  let quote: string | undefined
  for (const [n, keys] of grams) {
    eachGram(tokens, n, (key, i) => {
      if ((bits[bitOf(key) >> 3]! & (1 << (bitOf(key) & 7))) === 0 || !keys.has(key)) return
      shared++
      quote ??= text.slice(tokens.starts[i], tokens.ends[i + n - 1])
    })
  }
  yield atMost('decontamination', shared, 0, quote)
}

/** Reads the files of a recipe. Throws a UserError for a file that cannot be read, a broken row, or a row without a question. */
export async function loadQuestions(config: z.infer<typeof decontaminateConfig>): Promise<QuestionIndex> {
  const questions: string[] = []
  for (const file of config.files) for await (const { text } of readQuestions(file, config.fields)) questions.push(text)
  return questionIndex(questions, config)
}

async function* readQuestions(file: string, fields: readonly string[]): AsyncGenerator<{ text: string }> {
  const fail = (where: string, en: string, zh: string) =>
    new UserError(`evaluation questions ${file}${where}: ${en}`, `评测题 ${file}${where}：${zh}`)
  const textOf = (row: unknown, line: number): string => {
    if (typeof row === 'string') return row
    const found = fields
      .map((field) => (row as Record<string, unknown> | null)?.[field])
      .find((v) => typeof v === 'string')
    if (found === undefined)
      throw fail(
        `, row ${line}`,
        `no text in any of the fields ${fields.join(', ')}`,
        `${fields.join('、')} 这些字段都没有文本`,
      )
    return found as string
  }
  const name = file.toLowerCase().replace(/\.gz$/, '')
  try {
    if (name.endsWith('.jsonl') || name.endsWith('.csv')) {
      for await (const item of name.endsWith('.csv') ? readCsv(file) : readJsonl(file)) {
        if ('defect' in item) throw fail(`, line ${item.line}`, item.defect, item.defect)
        yield { text: textOf('row' in item ? item.row : item.value, item.line) }
      }
    } else if (name.endsWith('.json')) {
      for (const [i, row] of (await readJsonArray(file)).entries()) yield { text: textOf(row, i + 1) }
    } else {
      for (const line of (await readFile(file, 'utf8')).split('\n')) if (line.trim() !== '') yield { text: line }
    }
  } catch (error) {
    if (error instanceof UserError) throw error
    throw fail('', `cannot be read: ${(error as Error).message}`, `读不了：${(error as Error).message}`)
  }
}

interface Tokens {
  starts: Int32Array
  ends: Int32Array
  hashes: Int32Array
  size: number
  /** How many tokens are characters of Chinese or Japanese. */
  characters: number
}

/** Words, characters and signs of arithmetic; case and punctuation do not matter. */
function tokensOf(text: string): Tokens {
  const kindOf = kinds()
  const lower = text.toLowerCase()
  // A few letters change their length in lower case; then places are of the lowered text, which only the quote would notice.
  const [starts, ends, hashes] = [
    new Int32Array(lower.length),
    new Int32Array(lower.length),
    new Int32Array(lower.length),
  ]
  let size = 0
  let characters = 0
  for (let i = 0; i < lower.length;) {
    const code = lower.charCodeAt(i)
    let kind = kindOf[code]!
    let length = 1
    if (kind === Kind.surrogate && i + 1 < lower.length) {
      kind = kindOfPair(code, lower.charCodeAt(i + 1))
      length = 2
    }
    const isWord = kind === Kind.letter || kind === Kind.digit || kind === Kind.mark
    if (!isWord && kind !== Kind.cjk && !(isSign(code) && isBeforeDigit(lower, i + 1))) {
      i += length
      continue
    }
    const from = i
    i += length
    if (isWord) while (i < lower.length && isInner(kindOf[lower.charCodeAt(i)]!)) i++
    let hash = 0x811c9dc5 | 0
    for (let k = from; k < i; k++) hash = Math.imul(hash ^ lower.charCodeAt(k), 0x01000193)
    starts[size] = from
    ends[size] = i
    hashes[size++] = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
    if (kind === Kind.cjk) characters++
  }
  return { starts, ends, hashes, size, characters }
}

const isInner = (kind: number) => kind === Kind.letter || kind === Kind.digit || kind === Kind.mark

/** + - * / × ÷ − before a number; elsewhere they are punctuation. */
const isSign = (code: number) =>
  code === 0x2b || code === 0x2d || code === 0x2a || code === 0x2f || code === 0xd7 || code === 0xf7 || code === 0x2212

function isBeforeDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(text.charCodeAt(at) === 0x20 ? at + 1 : at)
  return code >= 0x30 && code <= 0x39
}

/** Rolling polynomial hashes to two bases modulo 2³², of which 53 bits make the key. */
function eachGram({ hashes, size }: Tokens, n: number, visit: (key: number, at: number) => void) {
  const [baseA, baseB] = [0x01000193, 0x5bd1e995]
  let [powerA, powerB] = [1, 1]
  for (let k = 0; k < n; k++) [powerA, powerB] = [Math.imul(powerA, baseA), Math.imul(powerB, baseB)]
  let [a, b] = [0, 0]
  for (let i = 0; i < size; i++) {
    a = (Math.imul(a, baseA) + hashes[i]!) | 0
    b = (Math.imul(b, baseB) + hashes[i]!) | 0
    if (i >= n) {
      a = (a - Math.imul(powerA, hashes[i - n]!)) | 0
      b = (b - Math.imul(powerB, hashes[i - n]!)) | 0
    }
    if (i >= n - 1) visit((a >>> 0) * 0x200000 + (b >>> 11), i - n + 1)
  }
}

const bitOf = (key: number) => (key % 1_048_573) & 0xfffff
