import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { random } from '../tensor/index.ts'
import { textStart } from '../tokenizer/index.ts'
import { loadTokenizer, saveTokenizer } from './model-folder.ts'
import { encodeDocuments } from './pretrain.ts'
import { readShards, SHARDS, writeShards } from './shards.ts'
import { byteTokenizer } from './tiny.test-helper.ts'
import { corpusTokens, epochsOf, openTokens, tokenCounts } from './token-source.ts'
import { epochTokens, readRows } from './tokens.ts'

let run: string
let documents: string
let tokenizer: string
beforeAll(async () => {
  run = await mkdtemp(join(tmpdir(), 'xueba-shards-'))
  tokenizer = join(run, 'tokenizer')
  await mkdir(tokenizer)
  await saveTokenizer(tokenizer, byteTokenizer())
  documents = join(run, 'documents.jsonl')
  const r = random(3, 'shards')
  // Some 3 MB, so that there are several blocks; among them a document that is longer than one.
  const text = (i: number) => (i === 5 ? '长'.repeat(400_000) : `${i} ${'文字 text '.repeat(r.below(160))}`)
  const rows = Array.from({ length: 1500 }, (_, i) => JSON.stringify({ id: String(i), text: text(i), mixture: i % 3 }))
  await writeFile(documents, `${rows.join('\n')}\n`)
})
afterAll(() => rm(run, { recursive: true, force: true }))

describe('shards', () => {
  it('hold what is encoded in memory, in the same rows, whatever made them', async () => {
    const stream = await encodeDocuments(documents, await loadTokenizer(tokenizer))
    const small = { shardTokens: 500_000 }
    await writeShards(documents, tokenizer, join(run, 'one'), { ...small, workers: 1 })
    const made = await writeShards(documents, tokenizer, join(run, 'two'), { ...small, workers: 2 })
    expect(made).toEqual(await readShards(join(run, 'one')))
    expect(made.shards.length).toBeGreaterThan(1)
    expect(made).toMatchObject({ bytesPerToken: 2, tokens: stream.tokens.length, documents: 1500 })

    const tokens = await openTokens(join(run, 'one'))
    expect(Array.from(tokens.borders)).toEqual([...stream.borders])
    await writeShards(documents, tokenizer, join(run, 'counted/tokens/train'), { ...small, workers: 1 })
    const counts = Array.from({ length: 1500 }, (_, i) => stream.borders[i + 1]! - stream.borders[i]! - 1)
    expect([...(await tokenCounts(join(run, 'counted')))!]).toEqual(counts)
    expect(await tokenCounts(join(run, 'counted'), true)).toBeUndefined()
    const all = new Int32Array(stream.tokens.length)
    tokens.copy(0, all.length, all, 0)
    expect(Buffer.compare(Buffer.from(all.buffer), Buffer.from(stream.tokens.buffer))).toBe(0)
    const [a, b] = [readRows(tokens, 100, 7), readRows(stream, 100, 7)]
    for (const first of [0, 2000, a.rowsPerEpoch - 2, 3 * a.rowsPerEpoch])
      expect(a.batch(first, 4)).toEqual(b.batch(first, 4))
    tokens.close()
  })

  it('go on where they were cut off, and lie as datatrove lays them', async () => {
    const folder = join(run, 'three')
    const whole = await writeShards(documents, tokenizer, folder, { shardTokens: 500_000, workers: 1 })
    const names = whole.shards.map(({ file }) => file)
    await rm(join(folder, SHARDS))
    await rm(join(folder, names.at(-1)!.replace('.ds', '.json')))
    let blocks = 0
    const again = await writeShards(documents, tokenizer, folder, {
      shardTokens: 500_000,
      workers: 1,
      progress: () => void blocks++,
    })
    expect(again).toEqual(whole)
    expect(blocks).toBeLessThan(3)

    const { start } = again
    const [tokens, index] = [await readFile(join(folder, names[0]!)), await readFile(join(folder, `${names[0]}.index`))]
    expect(start).toBe(textStart(await loadTokenizer(tokenizer)))
    expect(index.length).toBe(8 * again.shards[0]!.documents)
    expect(tokens.length).toBe(2 * Number(index.readBigUInt64LE(index.length - 8)))
    for (const document of [0, 1, 2])
      expect(tokens.readUInt16LE(2 * Number(index.readBigUInt64LE(8 * document)))).toBe(start)
  })

  it('that are damaged are refused, and made anew', async () => {
    const folder = join(run, 'four')
    const whole = await writeShards(documents, tokenizer, folder, { shardTokens: 700_000, workers: 1 })
    await appendFile(join(folder, '00001.ds.index'), 'x')
    await expect(openTokens(folder)).rejects.toThrow(/00001\.ds\.index is damaged/)
    await rm(join(folder, SHARDS))
    expect(await writeShards(documents, tokenizer, folder, { shardTokens: 700_000, workers: 1 })).toEqual(whole)
    ;(await openTokens(folder)).close()
  })

  it('name the line that cannot be read', async () => {
    const path = join(run, 'bad.jsonl')
    await writeFile(path, '{"text":"good"}\n{"text":\n')
    await expect(writeShards(path, tokenizer, join(run, 'bad'))).rejects.toThrow(/bad\.jsonl, line 2: /)
    expect((await readdir(join(run, 'bad'))).length).toBe(0)
  })

  it('are made once for a corpus and a tokenizer, and weighted as its sources are', async () => {
    const corpus = join(run, 'corpus')
    await mkdir(corpus)
    await writeFile(join(corpus, 'documents.jsonl'), await readFile(documents))
    const first = await corpusTokens(corpus, tokenizer)
    expect(first.epochs).toBeUndefined()
    first.close()
    let made = 0
    ;(await corpusTokens(corpus, tokenizer, async () => void made++)).close()
    expect(made).toBe(0)
  })
})

describe('mixtures', () => {
  const borders = [0, 100, 200, 300, 400, 500, 600] // two documents of each of three sources
  const mixture = [0, 0, 1, 1, 2, 2]
  const source = (epochs: ArrayLike<number> | undefined) => ({
    borders,
    ...(epochs === undefined ? {} : { epochs }),
    copy: (from: number, count: number, into: Int32Array, at: number) => {
      for (let i = 0; i < count; i++) into[at + i] = Math.floor((from + i) / 200)
    },
    close() {},
  })

  it('shares become epochs; without weights nothing is weighed', () => {
    expect(epochsOf(borders, mixture, [{}, { epochs: 1 }, {}])).toBeUndefined()
    expect([...epochsOf(borders, mixture, [{ share: 0.5 }, {}, { epochs: 2 }])!]).toEqual([3, 3, 1, 1, 2, 2])
    expect([...epochsOf(borders, mixture, [{ share: 0.5 }, { share: 0.25 }, { share: 0.25 }])!]).toEqual([
      1.5, 1.5, 0.75, 0.75, 0.75, 0.75,
    ])
  })

  it.each([[[{ epochs: 2.5 }, { epochs: 0.25 }, {}]], [[{ share: 0.6 }, {}, { share: 0.1 }]]])(
    'over many epochs every source is read as often as its weight says: %j',
    (weights) => {
      const epochs = epochsOf(borders, mixture, weights)!
      const tokens = source(epochs)
      const reader = readRows(tokens, 10, 3)
      const seen = [0, 0, 0]
      const rows = 40 * reader.rowsPerEpoch
      for (const id of reader.batch(0, rows).ids) seen[id]!++
      const total = epochTokens(tokens)
      for (const [i, count] of seen.entries()) {
        const wanted = (200 * epochs[2 * i]!) / total
        expect(Math.abs(count / (10 * rows) - wanted)).toBeLessThan(0.03)
      }
    },
  )
})
