/**
 * xueba bench tokenizer: encoding speed, alone and against the tokenizers on npm, with the ranks of cl100k.
 *
 * Ours and a peer encode the same documents in turn, A B A B; a ratio is the median of the rounds' ratios. One thread is measured in CPU time
 * of the process, garbage collection included, which neighbours on the machine disturb least; several threads in wall time.
 */
import { readFile } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { z } from 'zod'
import { isRejection, listSource, readDocuments } from '../../corpus/index.ts'
import { UserError } from '../../run/index.ts'
import { readTiktoken, Tokenizer } from '../../tokenizer/index.ts'
import { encodeAll } from '../../tokenizer/threads.node.ts'
import { makePages, makeWorld, pageText } from '../../world/index.ts'
import { help, UsageError } from '../flags.ts'
import { say } from '../language.ts'
import { verb } from '../verb.ts'
import { openPeers, type Peer } from './tokenizer-peers.ts'

const flags = z.object({
  text: help(
    z.array(z.string()).default([]),
    'a text, JSONL or folder to encode; may be repeated (default: the embedded world in both languages)',
    '要编码的文本、JSONL 或文件夹，可以多次给出（默认：自带小镇的中英文网页）',
  ),
  ranks: help(
    z.string().optional(),
    'cl100k_base.tiktoken (default: tokenizer/ in $XUEBA_DATA)',
    'cl100k_base.tiktoken（默认在 $XUEBA_DATA 的 tokenizer/ 里）',
  ),
  megabytes: help(z.number().positive().default(2), 'of each text', '每份文本取多少 MB'),
  rounds: help(z.number().int().positive().default(7), 'rounds', '轮数'),
  threads: help(z.number().int().positive().optional(), 'threads (default: all cores)', '线程数（默认全部核）'),
  json: help(z.boolean().default(false), 'print JSON', '输出 JSON'),
})
type Flags = z.infer<typeof flags>

interface Corpus {
  name: string
  documents: string[]
  bytes: number
}

/** Speeds in MB/s; `same`: documents that got the same ids. */
interface Line {
  text: string
  bytes: number
  what: string
  version: string
  year: number | undefined
  own: number
  other: number
  ratio: number
  same?: string
}

export const tokenizer = verb({
  name: 'tokenizer',
  operands: '',
  summary: { en: 'encoding speed, beside the tokenizers on npm', zh: '分词速度，与 npm 上的分词器轮流比' },
  flags,
  async run(operands, options) {
    if (operands.length > 0) throw new UsageError('xueba bench tokenizer [--text FILE] [--ranks FILE] [--json]')
    const [load] = loadavg() as [number, number, number]
    if (load > 0.7)
      console.error(
        say({
          en: `the machine is not idle (load ${load.toFixed(1)}): trust the ratios, not the speeds`,
          zh: `机器不空闲（负载 ${load.toFixed(1)}）：比值可信，速度偏低`,
        }),
      )
    const ranks = await readRanks(options.ranks)
    const own = new Tokenizer(readTiktoken(ranks.text, ranks.path))
    const { peers, missing } = await openPeers(ranks.text, own)
    for (const { name, reason } of missing)
      console.error(say({ en: `${name} is left out: ${reason}`, zh: `没有和 ${name} 比：${reason}` }))
    const lines: Line[] = []
    for (const corpus of await readCorpora(options)) {
      for (const peer of peers) lines.push(report(comparePeer(own, peer, corpus, options.rounds), options.json))
      const threads = options.threads ?? availableParallelism()
      if (threads > 1) lines.push(report(await compareThreads(own, corpus, threads, options.rounds), options.json))
    }
    if (options.json) console.log(JSON.stringify({ load, node: process.version, lines, missing }, null, 1))
    return 0
  },
})

async function readRanks(given: string | undefined): Promise<{ path: string; text: string }> {
  const data = process.env.XUEBA_DATA
  const path = given ?? (data && join(data, 'tokenizer', 'cl100k_base.tiktoken'))
  if (!path)
    throw new UserError(
      'the ranks of cl100k are not part of this project: name the file with --ranks (cl100k_base.tiktoken), or set XUEBA_DATA',
      '本项目不带 cl100k 的词表：请用 --ranks 给出 cl100k_base.tiktoken，或设置 XUEBA_DATA',
    )
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UserError(`${path} cannot be read: ${String(error)}`, `读不了 ${path}：${String(error)}`)
  })
  return { path, text }
}

/** The first megabytes of each text. */
async function readCorpora({ text, megabytes }: Flags): Promise<Corpus[]> {
  const most = megabytes * 1e6
  if (text.length === 0)
    return (['en', 'zh'] as const).map((language) => {
      const pages = makePages(makeWorld({ language, seed: 1 }), { rounds: 20 })
      return cut(say({ en: `the world (${language})`, zh: `小镇（${language}）` }), pages.map(pageText), most)
    })
  const corpora: Corpus[] = []
  for (const path of text) {
    const documents: string[] = []
    let size = 0
    for (const file of await listSource({ path: resolve(path) })) {
      if ('rule' in file) throw new UserError(`${path}: ${file.detail}`, `${path}：${file.detail}`)
      if (size >= most) break
      for await (const document of readDocuments(file, 'text')) {
        if (isRejection(document) || !document.text) continue
        documents.push(document.text)
        size += Buffer.byteLength(document.text)
        if (size >= most) break
      }
    }
    if (size === 0) throw new UserError(`${path}: there is no text in it`, `${path}：里面没有文本`)
    corpora.push(cut(basename(path), documents, most))
  }
  return corpora
}

/** Documents up to a size. */
function cut(name: string, all: readonly string[], most: number): Corpus {
  const documents: string[] = []
  let bytes = 0
  for (const text of all) {
    if (bytes >= most) break
    documents.push(text)
    bytes += Buffer.byteLength(text)
  }
  return { name, documents, bytes }
}

function comparePeer(own: Tokenizer, peer: Peer, { name, documents, bytes }: Corpus, rounds: number): Line {
  const mine = (text: string) => own.encode(text)
  const theirs = (text: string) => peer.encode(text)
  const same = documents.filter((text) => String(mine(text)) === String(theirs(text))).length // warms both up, too
  const pairs = Array.from({ length: rounds }, () => [cpuTime(mine, documents), cpuTime(theirs, documents)] as const)
  const { version, year } = peer
  const speeds = {
    own: bytes / 1e3 / median(pairs.map(([a]) => a)),
    other: bytes / 1e3 / median(pairs.map(([, b]) => b)),
  }
  const ratio = median(pairs.map(([a, b]) => b / a))
  return { text: name, bytes, what: peer.name, version, year, ...speeds, ratio, same: `${same}/${documents.length}` }
}

/** Milliseconds of CPU time for all documents; the ids are summed up, so that nobody can leave them out. */
function cpuTime(encode: (text: string) => ArrayLike<number>, documents: readonly string[]): number {
  const begin = process.cpuUsage()
  let sum = 0
  for (const text of documents) {
    const ids = encode(text)
    sum += ids.length + (ids.length > 0 ? ids[ids.length - 1]! : 0)
  }
  const { user, system } = process.cpuUsage(begin)
  return sum < 0 ? NaN : (user + system) / 1e3
}

async function compareThreads(own: Tokenizer, corpus: Corpus, threads: number, rounds: number): Promise<Line> {
  const times = Math.max(1, Math.ceil(16e6 / corpus.bytes)) // starting workers is part of it, and should not be most of it
  const documents = Array.from({ length: times }, () => corpus.documents).flat()
  const bytes = corpus.bytes * times
  const time = async (threads: number) => {
    const begin = performance.now()
    let sum = 0
    for await (const ids of encodeAll(own, documents, { threads })) sum += ids.length
    return sum < 0 ? NaN : performance.now() - begin
  }
  const pairs: [one: number, all: number][] = []
  for (let round = 0; round < Math.min(rounds, 3); round++) pairs.push([await time(1), await time(threads)])
  const [one, all] = [median(pairs.map(([a]) => a)), median(pairs.map(([, b]) => b))]
  const ratio = median(pairs.map(([a, b]) => a / b))
  const what = say({ en: `1 thread of our ${threads}`, zh: `自己的 1 个线程（共 ${threads} 个）` })
  return {
    text: corpus.name,
    bytes,
    what,
    version: '',
    year: undefined,
    own: bytes / 1e3 / all,
    other: bytes / 1e3 / one,
    ratio,
  }
}

function report(line: Line, json: boolean): Line {
  if (json) return line
  const { text, what, version, year, own, other, ratio, same } = line
  const peer = [what, version, year && `(${year})`].filter(Boolean).join(' ')
  const ids = same ? say({ en: `, same ids in ${same} documents`, zh: `，编号相同的文档 ${same}` }) : ''
  const speeds = [own, other].map((speed) => `${speed.toFixed(1)} MB/s`)
  console.log(`${text}: xueba ${speeds[0]}  |  ${peer} ${speeds[1]}  |  ${ratio.toFixed(2)}×${ids}`)
  return line
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2
}
