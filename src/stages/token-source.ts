/**
 * Tokens of documents wherever they lie: a stream in memory, or shards on the disk, of which only the index is held. Reading is by
 * position; what is read again and again stays in the system's page cache, as with a mapped file.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FUNNEL_FILE, readFunnel } from '../corpus/index.ts'
import { readManifest, sha256OfFile, sha256OfJson, UserError } from '../run/index.ts'
import { damagedShards, readShards, type Shards, writeShards } from './shards.ts'
import type { TokenStream } from './tokens.ts'

export interface TokenSource {
  /** Where each document begins, and the total length at the end. */
  borders: ArrayLike<number>
  /** How often each document is read in an epoch; undefined: once. */
  epochs?: ArrayLike<number>
  /** Copies `count` tokens from position `from` on. */
  copy(from: number, count: number, into: Int32Array, at: number): void
  close(): void
}

export const sourceOf = ({ tokens, borders }: TokenStream): TokenSource => ({
  borders,
  copy: (from, count, into, at) => into.set(tokens.subarray(from, from + count), at),
  close() {},
})

/** A source's weight in a mixture; see `epochs` and `share` of a corpus' sources. */
export interface Weight {
  epochs?: number | undefined
  share?: number | undefined
}

/**
 * The training documents of a corpus folder as tokens. Shards are made on first use, in `.tokens` of that folder, and are there for whoever trains
 * on the corpus with the same tokenizer. `border` is called now and then while they are made.
 */
export async function corpusTokens(
  corpus: string,
  tokenizerFolder: string,
  border?: () => Promise<void>,
): Promise<TokenSource> {
  const documents = join(corpus, 'documents.jsonl')
  const known = (await readManifest(corpus))?.files['documents.jsonl']
  const tokenizer = await sha256OfFile(join(tokenizerFolder, 'tokenizer.json'))
  const key = sha256OfJson([known ?? (await sha256OfFile(documents)), tokenizer]).slice(0, 16)
  const cache = join(corpus, '.tokens')
  const folder = join(cache, key)
  if (!(await readShards(folder))) {
    for (const other of await readdir(cache).catch(() => []))
      if (other !== key) await rm(join(cache, other), { recursive: true, force: true })
    await writeShards(documents, tokenizerFolder, folder, border ? { progress: border } : {})
  }
  const weights = existsSync(join(corpus, FUNNEL_FILE)) ? (await readFunnel(corpus)).sources : []
  return openTokens(folder, weights)
}

/** Throws a UserError when there is not a batch to be cut from the tokens. */
export function refuseSmall({ borders }: TokenSource, { rows, time }: { rows: number; time: number }): void {
  const length = borders[borders.length - 1]!
  if (length > rows * time) return
  throw new UserError(
    `the corpus has ${length} tokens, less than one batch of ${rows} rows × ${time} tokens: give it more text, or lower rows or time`,
    `语料只有 ${length} 个词元，不够一批（${rows} 行 × ${time} 个词元）：请增加文本，或调小 rows、time`,
  )
}

/** Opens a folder of shards. Throws a UserError when it is not whole, or a file is not as it was written. */
export async function openTokens(folder: string, weights: readonly Weight[] = []): Promise<TokenSource> {
  const shards = await readShards(folder)
  if (!shards) throw new UserError(`${folder} holds no token shards`, `${folder} 里没有词元分片`)
  const damaged = await damagedShards(folder, shards)
  if (damaged.length > 0) {
    const list = damaged.join(', ')
    throw new UserError(
      `${folder}: ${list} is damaged or missing; remove the folder to make it anew`,
      `${folder}：${list} 已损坏或缺失；删掉这个文件夹可重新生成`,
    )
  }
  const borders = new Float64Array(shards.documents + 1)
  const mixture = new Uint16Array(shards.documents)
  const firsts: number[] = [0] // of the shards, in tokens
  let [document, tokens] = [0, 0]
  for (const { file, documents, hashes } of shards.shards) {
    const index = await readFile(join(folder, `${file}.index`))
    const sources = `${file}.mixture` in hashes ? await readFile(join(folder, `${file}.mixture`)) : undefined
    for (let i = 0; i < documents; i++, document++) {
      borders[document + 1] = tokens + Number(index.readBigUInt64LE(8 * i))
      if (sources) mixture[document] = sources.readUInt16LE(2 * i)
    }
    tokens = borders[document]!
    firsts.push(tokens)
  }
  const epochs = epochsOf(borders, mixture, weights)
  const files = shards.shards.map(({ file }) => openSync(join(folder, file), 'r'))
  return {
    borders,
    ...(epochs === undefined ? {} : { epochs }),
    copy(from, count, into, at) {
      let shard = 0
      while (firsts[shard + 1]! <= from) shard++
      for (let done = 0; done < count; shard++) {
        const some = Math.min(count - done, firsts[shard + 1]! - from - done)
        readTokens(files[shard]!, shards, from + done - firsts[shard]!, some, into, at + done)
        done += some
      }
    },
    close() {
      for (const file of files) closeSync(file)
    },
  }
}

/**
 * How often an epoch reads each document. A source with a share gets so many epochs that it makes up that share of an epoch's tokens; the others
 * keep theirs. Where all have shares, an epoch is as long as all documents together. Undefined where every document is read once.
 */
export function epochsOf(
  borders: ArrayLike<number>,
  mixture: ArrayLike<number>,
  weights: readonly Weight[],
): Float64Array | undefined {
  if (weights.every(({ epochs = 1, share }) => epochs === 1 && share === undefined)) return undefined
  const tokens = weights.map(() => 0)
  for (let i = 0; i < mixture.length; i++) tokens[mixture[i]!]! += borders[i + 1]! - borders[i]!
  const shared = weights.reduce((sum, { share = 0 }) => sum + share, 0)
  const own = weights.reduce(
    (sum, { epochs = 1, share }, i) => sum + (share === undefined ? epochs * tokens[i]! : 0),
    0,
  )
  const total = own > 0 ? own / (1 - shared) : tokens.reduce((a, b) => a + b, 0) / shared
  const epochs = weights.map(({ epochs = 1, share }, i) =>
    share === undefined ? epochs : (share * total) / Math.max(1, tokens[i]!),
  )
  return Float64Array.from({ length: mixture.length }, (_, i) => epochs[mixture[i]!]!)
}

let buffer = new Uint8Array(1 << 16)

function readTokens(
  file: number,
  { bytesPerToken }: Shards,
  from: number,
  count: number,
  into: Int32Array,
  at: number,
) {
  const bytes = count * bytesPerToken
  if (buffer.length < bytes) buffer = new Uint8Array(bytes)
  for (let done = 0; done < bytes;) {
    const got = readSync(file, buffer, done, bytes - done, from * bytesPerToken + done)
    if (got === 0) throw new Error('a token shard ended too early')
    done += got
  }
  const ids = bytesPerToken === 2 ? new Uint16Array(buffer.buffer, 0, count) : new Uint32Array(buffer.buffer, 0, count)
  into.set(ids, at)
}

/**
 * How many tokens each document of a corpus folder has, without the one that begins it: from the shards that a run or `xueba corpus build
 * --tokenizer` has made of it. Undefined where it has not been tokenised, or with more than one tokenizer.
 */
export async function tokenCounts(corpus: string, heldOut = false): Promise<Int32Array | undefined> {
  const hidden = heldOut
    ? []
    : (await readdir(join(corpus, '.tokens')).catch(() => [])).map((key) => join('.tokens', key))
  for (const name of [join('tokens', heldOut ? 'heldout' : 'train'), ...(hidden.length === 1 ? hidden : [])]) {
    const folder = join(corpus, name)
    const shards = await readShards(folder)
    if (shards === undefined) continue
    const ends: number[] = []
    let before = 0
    for (const { file, documents } of shards.shards) {
      const index = await readFile(join(folder, `${file}.index`))
      for (let i = 0; i < documents; i++) ends.push(before + Number(index.readBigUInt64LE(8 * i)))
      before = ends.at(-1) ?? before
    }
    return Int32Array.from(ends, (end, i) => end - (ends[i - 1] ?? 0) - 1)
  }
  return undefined
}
