/**
 * Token shards: a corpus as numbers on the disk, in the layout of datatrove's tokenizer, which nanotron reads.
 *
 *   00000.ds           the tokens, little-endian, 16 bits each where the vocabulary allows it, else 32; a file can be mapped into memory as it is
 *   00000.ds.index     for each document the number of tokens up to its end, from the beginning of the shard; 64 bits, little-endian
 *   00000.ds.mixture   for each document the number of its source (16 bits), where the sources have weights
 *   00000.json         what the shard holds and the SHA-256 of these files; written when it is whole
 *   shards.json        written last: all of them, and the tokenizer's hash
 *
 * A document is the token that begins a text (`<|endoftext|>`) and its own. Shards are written in the order of the documents, whatever the number of
 * threads; those that are whole are not made again. `token-source.ts` reads them.
 */
import { mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { beside, defaultWorkers, inOrder, openPool } from '../corpus/index.ts'
import { openAtomic } from '../formats/index.ts'
import { readJson, sha256OfFile, UserError, writeJson } from '../run/index.ts'
import { type Tokenizer, textStart } from '../tokenizer/index.ts'
import { encodeBlock, type EncodedBlock } from './encode-block.ts'
import { loadTokenizer } from './tokenizer-folder.ts'

export const SHARDS = 'shards.json'

const hash = z.string()
const count = z.number().int().nonnegative()
const shardSchema = z.object({
  file: z.string(),
  tokens: count,
  documents: count,
  /** Where it ends in the file of documents, in bytes. */
  end: count,
  hashes: z.record(z.string(), hash),
})
const schema = z.object({
  version: z.literal(1),
  bytesPerToken: z.union([z.literal(2), z.literal(4)]),
  /** The token that begins a document. */
  start: count,
  vocabulary: count,
  tokenizer: hash,
  tokens: count,
  documents: count,
  shards: z.array(shardSchema),
})
export type Shard = z.infer<typeof shardSchema>
export type Shards = z.infer<typeof schema>

export interface ShardOptions {
  workers?: number
  /** Tokens after which a shard ends. */
  shardTokens?: number
  /** Bytes of the documents that are done, of all. */
  progress?: (done: number, all: number) => void | Promise<void>
}

/** Bytes of documents that a thread gets at a time; a block ends with a line. */
const BLOCK = 1 << 20
const SHARD_TOKENS = 1 << 26

/** Tokenises a documents.jsonl into a folder. Throws a UserError that names a damaged line. */
export async function writeShards(
  documents: string,
  tokenizerFolder: string,
  folder: string,
  { workers, shardTokens = SHARD_TOKENS, progress }: ShardOptions = {},
): Promise<Shards> {
  await mkdir(folder, { recursive: true })
  const tokenizer = await loadTokenizer(tokenizerFolder)
  const tokenizerHash = await sha256OfFile(join(tokenizerFolder, 'tokenizer.json'))
  const { size } = await stat(documents)
  const bytesPerToken = tokenizer.vocabSize <= 1 << 16 ? 2 : 4
  const shards: Shard[] = []
  for (let next = await wholeShard(folder, 0); next; next = await wholeShard(folder, shards.length)) shards.push(next)
  let end = shards.at(-1)?.end ?? 0
  let line = shards.reduce((sum, shard) => sum + shard.documents, 0)

  const encoder = await openEncoder(
    tokenizer,
    tokenizerFolder,
    workers ?? (size - end > 4 * BLOCK ? defaultWorkers() : 1),
  )
  let writer: Awaited<ReturnType<typeof openShard>> | undefined
  try {
    const blocks = inOrder(lineBlocks(documents, end), (block) => encoder.run(block), 2 * encoder.workers)
    for await (const block of blocks) {
      if (block.defect !== undefined) {
        const at = line + block.lengths.length + 1
        throw new UserError(`${documents}, line ${at}: ${block.defect}`, `${documents} 第 ${at} 行：${block.defect}`)
      }
      writer ??= await openShard(folder, shards.length, bytesPerToken)
      await writer.add(block)
      end += block.bytes
      line += block.lengths.length
      if (writer.tokens >= shardTokens) {
        const full = writer
        writer = undefined
        shards.push(await full.close(end))
      }
      await progress?.(end, size)
    }
    if (writer) shards.push(await writer.close(end))
  } catch (error) {
    await writer?.discard()
    throw error
  } finally {
    await encoder.close()
  }
  const made: Shards = {
    version: 1,
    bytesPerToken,
    start: textStart(tokenizer),
    vocabulary: tokenizer.vocabSize,
    tokenizer: tokenizerHash,
    tokens: shards.reduce((sum, { tokens }) => sum + tokens, 0),
    documents: shards.reduce((sum, { documents }) => sum + documents, 0),
    shards,
  }
  await writeJson(join(folder, SHARDS), made)
  return made
}

/** What a folder holds; undefined where shards have not been finished. */
export async function readShards(folder: string): Promise<Shards | undefined> {
  return schema.safeParse(await readJson(join(folder, SHARDS)).catch(() => undefined)).data
}

/** The files that are missing or not as they were written. */
export async function damagedShards(folder: string, { shards }: Shards): Promise<string[]> {
  const damaged: string[] = []
  for (const { hashes } of shards)
    for (const [file, hash] of Object.entries(hashes))
      if ((await sha256OfFile(join(folder, file)).catch(() => undefined)) !== hash) damaged.push(file)
  return damaged
}

async function wholeShard(folder: string, number: number): Promise<Shard | undefined> {
  const shard = shardSchema.safeParse(
    await readJson(join(folder, `${nameOf(number)}.json`)).catch(() => undefined),
  ).data
  if (!shard) return undefined
  const damaged = await damagedShards(folder, { shards: [shard] } as unknown as Shards)
  return damaged.length === 0 ? shard : undefined
}

const nameOf = (number: number) => String(number).padStart(5, '0')

async function openShard(folder: string, number: number, bytesPerToken: 2 | 4) {
  const name = nameOf(number)
  const file = await openAtomic(join(folder, `${name}.ds`))
  const ends: number[] = []
  const mixture: number[] = []
  let tokens = 0
  return {
    get tokens() {
      return tokens
    },
    async add(block: EncodedBlock) {
      const ids = bytesPerToken === 2 ? Uint16Array.from(block.tokens) : Uint32Array.from(block.tokens)
      await file.write(new Uint8Array(ids.buffer))
      for (const length of block.lengths) ends.push((tokens += length))
      for (const source of block.mixture) mixture.push(source)
    },
    async close(end: number): Promise<Shard> {
      const side = async (suffix: string, bytes: Uint8Array) => {
        const out = await openAtomic(join(folder, `${name}.ds.${suffix}`))
        await out.write(bytes)
        await out.close()
      }
      await file.close()
      await side('index', new Uint8Array(BigUint64Array.from(ends, BigInt).buffer))
      const weighted = mixture.length > 0
      if (weighted) await side('mixture', new Uint8Array(Uint16Array.from(mixture).buffer))
      const files = [`${name}.ds`, `${name}.ds.index`, ...(weighted ? [`${name}.ds.mixture`] : [])]
      const hashes: Record<string, string> = {}
      for (const file of files) hashes[file] = await sha256OfFile(join(folder, file))
      const shard = { file: `${name}.ds`, tokens, documents: ends.length, end, hashes }
      await writeJson(join(folder, `${name}.json`), shard)
      return shard
    },
    discard: () => file.discard(),
  }
}

interface Encoder {
  workers: number
  run(block: Uint8Array): Promise<EncodedBlock>
  close(): Promise<void>
}

async function openEncoder(tokenizer: Tokenizer, folder: string, workers: number): Promise<Encoder> {
  if (workers <= 1) return { workers: 0, run: async (block) => encodeBlock(block, tokenizer), close: async () => {} }
  const pool = openPool<Uint8Array, EncodedBlock>(beside(import.meta.filename, 'encode-worker'), workers, folder)
  return { workers, ...pool }
}

/** The bytes of a file from an offset on, in blocks of whole lines; where they are cut does not depend on where reading began. */
async function* lineBlocks(path: string, offset: number): AsyncGenerator<Uint8Array> {
  const file = await open(path)
  try {
    let rest: Uint8Array = new Uint8Array(0)
    for (let at = offset; ;) {
      const chunk = new Uint8Array(BLOCK)
      const { bytesRead } = await file.read(chunk, 0, BLOCK - (at % BLOCK), at)
      if (bytesRead === 0) break
      at += bytesRead
      const end = chunk.subarray(0, bytesRead).lastIndexOf(10) + 1
      const block = Buffer.concat([rest, chunk.subarray(0, end)])
      rest = Buffer.concat([...(end === 0 ? [rest] : []), chunk.subarray(end, bytesRead)])
      if (end > 0) yield new Uint8Array(block)
    }
    if (rest.length > 0) yield new Uint8Array(rest)
  } finally {
    await file.close()
  }
}
