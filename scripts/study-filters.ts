/**
 * What the corpus filters are worth, measured: languages, unhealthy pages, personal data, and speed. Planted pages and numbers are ours; the
 * real texts are those of the shared data folder (XUEBA_DATA), of which each part that is missing is left out. See docs/log.md.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  cleanDocument,
  corpusConfig,
  detectLanguage,
  explainDocument,
  loadLists,
  maskPii,
  passes,
} from '../src/corpus/index.ts'
import { blockedWords, toxicIndex, toxicWords, viewOf } from '../src/corpus/filters/index.ts'
import { plantedPages, sets } from '../src/corpus/filters/pages.test-helper.ts'
import { plantPii } from '../src/corpus/pii-planted.test-helper.ts'

const root = process.env['XUEBA_DATA'] ?? join(import.meta.dirname, '../../shared/data')
const config = corpusConfig.parse({ sources: [{ path: '-' }], languages: [] })
const { filters } = config
const percent = (part: number, all: number) => `${((100 * part) / Math.max(1, all)).toFixed(1)} %`

export async function studyFilters(parts: readonly string[]) {
  const all = { language: studyLanguage, unhealthy: studyUnhealthy, pii: studyPii, speed: studySpeed }
  for (const [name, study] of Object.entries(all)) {
    if (parts.length > 0 && !parts.includes(name)) continue
    console.log(`\n## ${name}`)
    await study()
  }
}

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const jsonl = (path: string): string[] =>
  existsSync(join(root, path))
    ? read(path)
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { text: string }).text)
    : []
const folder = (path: string): string[] =>
  existsSync(join(root, path)) ? readdirSync(join(root, path)).map((name) => read(join(path, name))) : []
const pieces = (texts: readonly string[], size: number) =>
  texts.flatMap((text) =>
    Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size)),
  )

/** Real texts that should pass, by name. */
function cleanTexts(): Record<string, string[]> {
  const cmrc = existsSync(join(root, 'zh-cmrc2018/cmrc2018_dev.json'))
    ? (JSON.parse(read('zh-cmrc2018/cmrc2018_dev.json')) as { data?: Cmrc[] } | Cmrc[])
    : []
  return {
    'zh-laws (1,000 characters)': pieces(jsonl('zh-laws/cn-laws.jsonl'), 1000),
    'zh-cmrc2018': (Array.isArray(cmrc) ? cmrc : (cmrc.data ?? [])).flatMap(
      (item) => item.context_text ?? item.paragraphs?.map(({ context }) => context) ?? [],
    ),
    'zh-d2l': jsonl('zh-d2l/d2l-zh.jsonl'),
    'zh-classics (1,000 characters)': pieces(folder('zh-classics'), 1000),
    'en-wikitext2': folder('en-wikitext2').flatMap((text) => text.split(/\n(?= = [^=])/)),
    'en-onestop': jsonl('en-onestop/onestop-english.jsonl'),
    'en-openstax': [...jsonl('en-openstax/anthropology.jsonl'), ...jsonl('en-openstax/us-history-life-liberty.jsonl')],
    'en-chilit (3,000 characters)': pieces(folder('en-chilit'), 3000),
    'web-text-samples (C4)': jsonl('web-text-samples/c4_demo.jsonl'),
  }
}
interface Cmrc {
  context_text?: string
  paragraphs?: { context: string }[]
}

function studyLanguage() {
  console.log(
    '| language | sentences | right | right with confidence ≥ 0.5 | first 5 words or 12 characters | 20 sentences together | mistaken for |',
  )
  console.log('|---|---|---|---|---|---|---|')
  for (const file of existsSync(join(root, 'langid')) ? readdirSync(join(root, 'langid')) : []) {
    const language = file.replace(/^lingua-|\.txt$/g, '')
    const sentences = read(join('langid', file)).split('\n').filter(Boolean)
    const found = sentences.map(detectLanguage)
    const right = found.filter((one) => one.language === language)
    const short = sentences.map((text) =>
      ['zh', 'ja', 'th'].includes(language) ? text.slice(0, 12) : text.split(' ').slice(0, 5).join(' '),
    )
    const long = Array.from({ length: Math.floor(sentences.length / 20) }, (_, i) =>
      sentences.slice(20 * i, 20 * i + 20).join('\n'),
    )
    const share = (texts: readonly string[]) =>
      percent(texts.filter((text) => detectLanguage(text).language === language).length, texts.length)
    const wrong = new Map<string, number>()
    for (const one of found) if (one.language !== language) wrong.set(one.language, (wrong.get(one.language) ?? 0) + 1)
    const mistaken = [...wrong].sort((a, b) => b[1] - a[1]).slice(0, 4)
    console.log(
      `| ${language} | ${sentences.length} | ${percent(right.length, sentences.length)} | ${percent(right.filter(({ confidence }) => confidence >= 0.5).length, sentences.length)} | ${share(short)} | ${share(long)} | ${mistaken.map(([name, count]) => `${name} ${count}`).join(', ')} |`,
    )
  }
}

function studyUnhealthy() {
  if (filters.blockedWords === false || filters.toxicWords === false) return
  const own = filters.blockedWords
  const toxicConfig = filters.toxicWords
  const ours = toxicIndex()
  const refusal = (text: string) => [...blockedWords(viewOf(text), own)].find((check) => !passes(check))
  const bad = (text: string) =>
    refusal(text) ?? [...toxicWords(viewOf(text), toxicConfig, ours)].find((check) => !passes(check))
  console.log(
    '| pages | language | planted | found | right kind | clean | wrongly refused | precision | recall |\n|---|---|---|---|---|---|---|---|---|',
  )
  for (const set of sets) {
    for (const language of ['en', 'zh'] as const) {
      const pages = plantedPages(set).filter((page) => page.language === language)
      const planted = pages.filter(({ kind }) => kind !== 'none')
      const hits = planted.filter(({ text }) => bad(text) !== undefined)
      const kind = hits.filter(({ kind, text }) => bad(text)!.rule.includes(kind))
      const clean = pages.filter(({ kind }) => kind === 'none')
      const wrong = clean.filter(({ text }) => bad(text) !== undefined)
      const precision = hits.length / Math.max(1, hits.length + wrong.length)
      console.log(
        `| ${set} | ${language} | ${planted.length} | ${hits.length} | ${kind.length} | ${clean.length} | ${wrong.length} | ${precision.toFixed(3)} | ${(hits.length / Math.max(1, planted.length)).toFixed(3)} |`,
      )
    }
  }
  const lists = ['en', 'zh'].map((name) => `wordlists/ldnoobw-${name}`).filter((path) => existsSync(join(root, path)))
  const toxic = [toxicIndex(), toxicIndex(lists.map(read))]
  console.log(
    '\n| real text | documents | called unhealthy | toxic, own list | toxic, with LDNOOBW |\n|---|---|---|---|---|',
  )
  for (const [name, texts] of Object.entries(cleanTexts())) {
    const counts = [0, 0, 0]
    for (const text of texts) {
      if (refusal(text) !== undefined) counts[0]!++
      for (const [i, index] of toxic.entries())
        for (const check of toxicWords(viewOf(text), filters.toxicWords, index)) if (!passes(check)) counts[i + 1]!++
    }
    console.log(`| ${name} | ${texts.length} | ${counts.join(' | ')} |`)
  }
}

function studyPii() {
  if (config.pii === false) return
  const pii = config.pii
  console.log('| planted | numbers | found | masked as another kind | missed |\n|---|---|---|---|---|')
  const planted = plantPii(1000, 2)
  for (const kind of ['email', 'ip', 'phone', 'identity', 'card'] as const) {
    const own = planted.filter((item) => item.kind === kind).map((item) => ({ ...item, ...maskPii(item.text, pii) }))
    const found = own.filter(({ counts }) => counts[kind] > 0).length
    const missed = own.filter(({ text, secret }) => text.includes(secret)).length
    console.log(`| ${kind} | ${own.length} | ${found} | ${own.length - found - missed} | ${missed} |`)
  }
  console.log('\n| real text | MB | email | ip | phone | identity | card |\n|---|---|---|---|---|---|---|')
  for (const [name, texts] of Object.entries(cleanTexts())) {
    const sums = { email: 0, ip: 0, phone: 0, identity: 0, card: 0 }
    let bytes = 0
    for (const text of texts) {
      bytes += Buffer.byteLength(text)
      for (const [kind, count] of Object.entries(maskPii(text, pii).counts)) sums[kind as keyof typeof sums] += count
    }
    console.log(`| ${name} | ${(bytes / 1e6).toFixed(1)} | ${Object.values(sums).join(' | ')} |`)
  }
}

/** Processor time, best of seven: others may use the machine. */
async function studySpeed() {
  const lists = await loadLists(config)
  const texts = cleanTexts()
  const sets = {
    en: [...texts['web-text-samples (C4)']!, ...texts['en-onestop']!],
    zh: [...texts['zh-d2l']!, ...texts['zh-cmrc2018']!, ...texts['zh-laws (1,000 characters)']!],
  }
  console.log('| text | MB | cleaning (stops at the first refusal) | every check of every filter |\n|---|---|---|---|')
  for (const [name, docs] of Object.entries(sets)) {
    const bytes = docs.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    const raws = docs.map((text, i) => ({ id: String(i), source: name, text }))
    const speed = (work: (raw: (typeof raws)[number]) => void) => {
      let best = Infinity
      for (let round = 0; round < 7; round++) {
        const start = process.cpuUsage()
        for (const raw of raws) work(raw)
        best = Math.min(best, process.cpuUsage(start).user / 1e6)
      }
      return `${(bytes / 1e6 / best).toFixed(1)} MB/s`
    }
    const cleaning = speed((raw) => cleanDocument(raw, config, true, lists, () => {}))
    const every = speed((raw) => explainDocument(raw, config, lists))
    console.log(`| ${name} | ${(bytes / 1e6).toFixed(1)} | ${cleaning} | ${every} |`)
  }
}
