/**
 * How long does a vocabulary of 32,000 take on 100 MB? Text of $XUEBA_DATA in English and in Chinese, each trained on with one thread and with
 * two, in a process of its own, so that its peak of memory is its own. Where there is less text, it is gone through again with variations:
 * 3 words in 100 with two letters swapped, 5 Han characters in 100 replaced. That makes more different words than new text would.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { textsOf } from '../src/stages/tokenizer.ts'
import { random } from '../src/tensor/random.ts'
import { trainTokenizerOnThreads } from '../src/tokenizer/threads.node.ts'

const VOCABULARY = 32_000
const languages = ['en', 'zh'] as const
type Language = (typeof languages)[number]

export interface TrainTime {
  language: Language
  megabytes: number
  /** Megabytes that are not variations. */
  own: number
  threads: number
  seconds: number
  cpuSeconds: number
  peakMB: number
  /** Of tokenizer.json: the same for any number of threads. */
  hash: string
}

/** Throws when XUEBA_DATA is not set. */
export function studyTokenizer(megabytes: number): TrainTime[] {
  const data = process.env.XUEBA_DATA
  if (!data) throw new Error('XUEBA_DATA is not set: expected the folder of the test data')
  const folder = mkdtempSync(join(tmpdir(), 'xueba-tokenizer-'))
  try {
    const texts = textsIn(data)
    return languages.flatMap((language) => {
      const file = join(folder, `${language}.jsonl`)
      const sizes = writeText(file, language, texts[language], megabytes)
      return [1, 2].map((threads) => {
        const { stdout, stderr, status } = spawnSync(process.execPath, [import.meta.filename, file, `${threads}`], {
          encoding: 'utf8',
        })
        if (status !== 0) throw new Error(stderr)
        return { language, ...sizes, threads, ...(JSON.parse(stdout) as Pick<TrainTime, 'seconds'>) } as TrainTime
      })
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Every text of 40 characters or more in the data's .txt, .json and .jsonl files, once, by its language. */
function textsIn(data: string): Record<Language, string[]> {
  const found: Record<Language, string[]> = { en: [], zh: [] }
  const seen = new Set<string>()
  const take = (value: unknown) => {
    if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) take(one)
    if (typeof value !== 'string' || value.length < 40 || seen.has(value)) return
    seen.add(value)
    const share = (pattern: RegExp) => (value.match(pattern)?.length ?? 0) / value.length
    if (share(/\p{Script=Han}/gu) > 0.3) found.zh.push(value)
    else if (share(/[a-z ]/gi) > 0.7) found.en.push(value)
  }
  const folders = readdirSync(data).filter((name) => /^(en|zh|sft|math|eval|web-text)-/.test(name))
  for (const folder of folders.sort())
    for (const name of readdirSync(join(data, folder), { recursive: true, encoding: 'utf8' }).sort()) {
      const path = join(data, folder, name)
      if (!/\.(txt|jsonl?)$/.test(name) || !statSync(path).isFile()) continue
      const text = readFileSync(path, 'utf8')
      if (name.endsWith('.txt')) text.match(/[^]{1,20000}(?:\n|$)/g)?.forEach(take)
      else for (const one of name.endsWith('.json') ? [text] : text.split('\n')) take(parsed(one))
    }
  return found
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined // a line that is not JSON is not text
  }
}

function writeText(path: string, language: Language, texts: string[], megabytes: number) {
  if (texts.length === 0) throw new Error(`XUEBA_DATA holds no ${language} text`)
  const lines: string[] = []
  const draw = random(1, `variations ${language}`)
  let [size, own] = [0, 0]
  for (let i = 0; size < megabytes * 1e6; i++) {
    const given = texts[i % texts.length]!
    const text = i < texts.length ? given : varied(given, language, draw)
    size += Buffer.byteLength(text)
    if (i < texts.length) own = size
    lines.push(`${JSON.stringify({ text })}\n`)
  }
  writeFileSync(path, lines.join(''))
  return { megabytes: size / 1e6, own: own / 1e6 }
}

function varied(text: string, language: Language, draw: ReturnType<typeof random>): string {
  if (language === 'zh')
    return text.replace(/\p{Script=Han}/gu, (c) => (draw.below(20) === 0 ? text.charAt(draw.below(text.length)) : c))
  return text.replace(/[a-z]{4,}/gi, (word) => {
    if (draw.below(100) >= 3) return word
    const at = 1 + draw.below(word.length - 2)
    return word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2)
  })
}

if (import.meta.main) {
  const [path, threads] = process.argv.slice(2) as [string, string]
  const begin = performance.now()
  const trained = await trainTokenizerOnThreads(textsOf(path), { vocabSize: VOCABULARY, threads: Number(threads) })
  const seconds = (performance.now() - begin) / 1000
  const { user, system } = process.cpuUsage()
  const hash = createHash('sha256').update(JSON.stringify(trained.toJson())).digest('hex').slice(0, 16)
  const peakMB = process.resourceUsage().maxRSS / 1024
  console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, peakMB, hash }))
}
