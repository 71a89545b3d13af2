/** A model from a folder, and from a server on this machine that speaks as the Hugging Face Hub does and misbehaves on request. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { safetensorsShards } from '../formats/index.ts'
import { createModel, initialize, type ModelConfig, saveWeights } from '../nn/index.ts'
import { modelFiles, readModel, saveTokenizer } from '../stages/model-folder.ts'
import { Engine, openReference } from '../tensor/index.ts'
import { trainTokenizer } from '../tokenizer/index.ts'
import { documents } from '../tokenizer/text.test-helper.ts'
import { readSafetensors, type SafetensorsTensor } from '../formats/safetensors.ts'
import { importModel } from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'xueba-import-'))
afterAll(() => rmSync(root, { recursive: true }))

const SHA = 'a'.repeat(40)
const config: ModelConfig = {
  vocabSize: 304,
  dim: 16,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 8,
  ff: 24,
  ropeTheta: 10_000,
  eps: 1e-6,
  tied: true,
  maxPositions: 32,
  qkNorm: false,
  qkvBias: true,
}
/** A whole model, its weights in shards of bf16. */
const files = new Map<string, Uint8Array>()

beforeAll(async () => {
  const tokenizer = await trainTokenizer(documents(50), { vocabSize: 300 })
  const folder = join(root, 'tokenizer')
  mkdirSync(folder)
  await saveTokenizer(folder, tokenizer)
  const model = createModel(new Engine(openReference()), config, { trainable: false })
  initialize(model, 1)
  for (const [name, bytes] of Object.entries(await modelFiles(model, folder))) files.set(name, bytes)
  files.delete('model.safetensors')
  const tensors = new Map<string, SafetensorsTensor>()
  for (const [name, tensor] of readSafetensors(await saveWeights(model)).tensors)
    tensors.set(name, { ...tensor, dtype: 'BF16' })
  for (const [name, bytes] of safetensorsShards(tensors, 5000)) files.set(name, bytes)
  files.set('LICENSE', Buffer.from('for everyone'))
  files.set('pytorch_model.bin', Buffer.alloc(10))
})

function write(folder: string, change: (files: Map<string, Uint8Array>) => void = () => {}): string {
  const copy = new Map(files)
  change(copy)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, bytes] of copy) writeFileSync(join(folder, name), bytes)
  return folder
}

let count = 0
const fresh = () => join(root, `out${count++}`, 'model')
const json = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>
const shards = () => [...files.keys()].filter((name) => name.endsWith('.safetensors'))

describe('from a folder', () => {
  test('takes what belongs to the model, and says where it is from', async () => {
    const [source, out] = [write(join(root, 'theirs')), fresh()]
    const facts = await importModel(source, { out, revision: 'main' })
    expect(facts).toMatchObject({ config, chats: true, known: false })
    expect(readdirSync(out).sort()).toEqual(
      [...files.keys(), 'xueba.json'].filter((name) => name !== 'pytorch_model.bin').sort(),
    )
    expect((await readModel(out)).weights).toEqual((await readModel(source)).weights)
    expect(json(readFileSync(join(out, 'xueba.json')))).toMatchObject({ source, name: 'theirs', kind: 'import' })
    await expect(importModel(source, { out, revision: 'main' })).rejects.toThrow(/is there already/)
  })

  test.each<[string, (files: Map<string, Uint8Array>) => void, RegExp]>([
    ['a missing shard', (f) => f.delete(shards()[0]!), /ENOENT.*model-00001/],
    ['a missing tokenizer', (f) => f.delete('tokenizer.json'), /tokenizer\.json/],
    ['a broken config', (f) => f.set('config.json', Buffer.from('{')), /config\.json/],
    [
      'experts',
      (f) => f.set('config.json', Buffer.from(JSON.stringify({ ...json(f.get('config.json')!), num_experts: 4 }))),
      /config\.json: num_experts 4 is not supported/,
    ],
    [
      'a vocabulary that is too small',
      (f) => f.set('config.json', Buffer.from(JSON.stringify({ ...json(f.get('config.json')!), vocab_size: 200 }))),
      /tokenizer\.json has 300 tokens, config\.json says vocab_size 200/,
    ],
    [
      'weights that are no numbers',
      (f) => {
        const bytes = Uint8Array.from(f.get(shards()[0]!)!)
        bytes.set([0xff, 0xff], bytes.length - 2)
        f.set(shards()[0]!, bytes)
      },
      /weights: model\..* holds NaN at place \d+: the file is damaged/,
    ],
    [
      'a shard cut short',
      (f) => f.set(shards()[0]!, f.get(shards()[0]!)!.subarray(0, -2)),
      /model-00001.* lies at bytes/,
    ],
  ])('names %s, and leaves nothing', async (_, change, message) => {
    const out = fresh()
    await expect(importModel(write(join(root, 'broken'), change), { out, revision: 'main' })).rejects.toThrow(message)
    expect(() => readdirSync(out)).toThrow('ENOENT')
  })
})

describe('by name', () => {
  let server: Server
  let other: Server
  let asked: { url: string; range?: string; authorization?: string; elsewhere: boolean }[]
  let slept: number[]
  /** Called before the answer; true: it has answered. */
  let misbehave: (request: IncomingMessage, response: ServerResponse) => boolean
  const patience = { sleep: (ms: number) => (slept.push(ms), Promise.resolve()), silence: 400 }
  const load = (out: string, name = 'some/model') => importModel(name, { out, revision: 'main', patience })

  const content = (path: string) => files.get(path.split('/').at(-1)!)
  const sibling = ([rfilename, bytes]: [string, Uint8Array]) => ({
    rfilename,
    size: bytes.length,
    blobId: createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
    ...(rfilename.endsWith('.safetensors')
      ? { lfs: { sha256: createHash('sha256').update(bytes).digest('hex') } }
      : {}),
  })

  function send(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const range = { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(from > 0 ? 206 : 200, { 'Content-Length': bytes.length - from, ...(from > 0 ? range : {}) })
    response.end(bytes.subarray(from))
  }

  const listen = (elsewhere: boolean) =>
    new Promise<Server>((resolve) => {
      const made = createServer((request, response) => {
        const { range, authorization } = request.headers
        asked.push({ url: request.url!, range, authorization, elsewhere })
        if (misbehave(request, response)) return
        if (request.url!.startsWith('/api/models/some/model/revision/main'))
          return void response.end(JSON.stringify({ sha: SHA, siblings: Array.from(files, sibling) }))
        const bytes = content(request.url!)
        if (!bytes || !request.url!.includes(SHA)) response.writeHead(404).end()
        else if (request.url!.endsWith('.safetensors') && !elsewhere)
          response.writeHead(302, { Location: `${address(other)}/cdn${request.url}` }).end()
        else send(request, response, bytes)
      })
      made.listen(0, '127.0.0.1', () => resolve(made))
    })
  const address = (one: Server) => `http://127.0.0.1:${(one.address() as AddressInfo).port}`

  beforeAll(async () => {
    ;[server, other] = [await listen(false), await listen(true)]
  })
  beforeEach(() => {
    ;[asked, slept, misbehave] = [[], [], () => false]
    process.env.HF_ENDPOINT = `${address(server)}/`
  })
  afterEach(() => {
    delete process.env.HF_ENDPOINT
    delete process.env.HF_TOKEN
  })
  afterAll(() => {
    server.closeAllConnections()
    other.closeAllConnections()
    server.close()
    other.close()
  })

  const isShard = ({ url }: { url?: string }) => url!.includes('cdn') && url!.includes('model-00001')
  /** Misbehaves so many times with requests of one kind. */
  const times = (
    n: number,
    which: (r: IncomingMessage) => boolean,
    how: (r: IncomingMessage, s: ServerResponse) => void,
  ) => {
    misbehave = (request, response) => {
      if (!which(request) || n-- <= 0) return false
      how(request, response)
      return true
    }
  }

  async function expectWhole(out: string) {
    const names = [...files.keys()].filter((name) => name !== 'pytorch_model.bin')
    for (const name of names) expect(Buffer.compare(readFileSync(join(out, name)), files.get(name)!), name).toBe(0)
    expect(readdirSync(out).sort()).toEqual([...names, 'xueba.json'].sort())
    expect(readdirSync(join(out, '..'))).toEqual(['model'])
    expect(json(readFileSync(join(out, 'xueba.json')))).toMatchObject({ source: 'some/model', revision: SHA })
  }

  test('pins the revision, follows redirects, and gives the token to nobody else', async () => {
    process.env.HF_TOKEN = 'hf_secret'
    const out = fresh()
    expect(await load(out)).toMatchObject({ config, chats: true, known: false })
    await expectWhole(out)
    expect(asked.filter((one) => one.elsewhere).length).toBe(shards().length)
    for (const { elsewhere, authorization } of asked)
      expect(authorization).toBe(elsewhere ? undefined : 'Bearer hf_secret')
    expect(asked.some(({ url }) => url.includes('pytorch_model'))).toBe(false)
    asked = []
    expect(await load(out)).toMatchObject({ known: true })
    expect(asked.length).toBe(1)
  })

  test.each([
    [429, { 'Retry-After': '7' }, [7000, 7000]],
    [503, {}, [1000, 2000]],
    [500, { 'Retry-After': 'Thu, 01 Jan 1970 00:00:00 GMT' }, [0, 0]],
    [502, { 'Retry-After': 'nonsense' }, [1000, 2000]],
    [429, { 'Retry-After': '99999' }, [300_000, 300_000]],
  ])('waits at %s as it is told: %j', async (status, headers, waits) => {
    times(
      2,
      (r) => r.url!.endsWith('config.json'),
      (_, s) => void s.writeHead(status, headers as Record<string, string>).end(),
    )
    const out = fresh()
    await load(out)
    expect(slept).toEqual(waits)
    await expectWhole(out)
  })

  test('goes on where a connection was cut', async () => {
    times(3, isShard, (request, response) => {
      const bytes = content(request.url!)!
      const from = Number(/\d+/.exec(request.headers.range ?? '0')![0])
      const range = { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
      response.writeHead(from > 0 ? 206 : 200, { 'Content-Length': bytes.length - from, ...range })
      response.write(bytes.subarray(from, from + 1000), () => response.destroy())
    })
    const out = fresh()
    await load(out)
    await expectWhole(out)
    expect(asked.filter(isShard).map(({ range }) => range)).toEqual([
      undefined,
      'bytes=1000-',
      'bytes=2000-',
      'bytes=3000-',
    ])
  })

  test('hangs up on a server that says nothing, before the answer or within it', async () => {
    let [first, half] = [true, true]
    misbehave = (request, response) => {
      if (!isShard(request)) return false
      if (first) return !(first = false)
      if (!half) return false
      half = false
      response.writeHead(200, { 'Content-Length': content(request.url!)!.length })
      response.write(content(request.url!)!.subarray(0, 500))
      return true
    }
    const out = fresh()
    await load(out)
    await expectWhole(out)
    expect(asked.filter(isShard).map(({ range }) => range)).toEqual([undefined, undefined, 'bytes=500-'])
  })

  test('goes on in a later run', async () => {
    const out = fresh()
    misbehave = (request, response) => {
      if (!isShard(request)) return false
      if (request.headers.range) return !!response.writeHead(503).end()
      response.writeHead(200, { 'Content-Length': content(request.url!)!.length })
      response.write(content(request.url!)!.subarray(0, 1234), () => response.destroy())
      return true
    }
    await expect(load(out)).rejects.toThrow(/model-00001.*gave up after 6 tries: 127.0.0.1:\d+ answered 503/)
    expect(() => readdirSync(out)).toThrow('ENOENT')
    ;[asked, misbehave] = [[], () => false]
    await load(out)
    await expectWhole(out)
    expect(asked.filter(isShard).map(({ range }) => range)).toEqual(['bytes=1234-'])
    expect(asked.some(({ url }) => url.endsWith('/config.json'))).toBe(false)
  })

  test('begins anew where the server cannot go on, or the upstream moved', async () => {
    const out = fresh()
    times(1, isShard, (request, response) => {
      response.writeHead(200, { 'Content-Length': content(request.url!)!.length })
      response.write(content(request.url!)!.subarray(0, 100), () => response.destroy())
    })
    const cut = misbehave
    let refused = 0
    misbehave = (request, response) => {
      if (isShard(request) && request.headers.range && refused++ < 1) return !!response.writeHead(416).end()
      if (isShard(request) && request.headers.range) return !!response.writeHead(200).end(content(request.url!))
      return cut(request, response)
    }
    await load(out)
    await expectWhole(out)
    expect(refused).toBe(1)
  })

  test('refuses what is not what the checksum says, after a second try', async () => {
    const out = fresh()
    const wrong = (request: IncomingMessage, response: ServerResponse) => {
      const bytes = Uint8Array.from(content(request.url!)!)
      bytes[bytes.length >> 1]! ^= 1
      send(request, response, bytes)
    }
    times(1, isShard, wrong)
    await load(out)
    await expectWhole(out)
    for (const which of [isShard, ({ url }: { url?: string }) => url!.endsWith('/tokenizer_config.json')]) {
      times(9, which, wrong)
      await expect(load(fresh())).rejects.toThrow(/what came is not what the server's checksum says, twice/)
    }
  })

  test('refuses more than was announced', async () => {
    times(
      1,
      isShard,
      (request, response) => void response.end(Buffer.concat([content(request.url!)!, Buffer.alloc(9)])),
    )
    await expect(load(fresh())).rejects.toThrow(/sends more than the \d+ bytes it announced/)
  })

  test('asks for no weights where the model cannot be run', async () => {
    const kept = files.get('config.json')!
    files.set('config.json', Buffer.from(JSON.stringify({ ...json(kept), use_sliding_window: true })))
    await expect(load(fresh())).rejects.toThrow(/use_sliding_window true is not supported/)
    expect(asked.some(({ elsewhere }) => elsewhere)).toBe(false)
    files.set('config.json', kept)
  })

  test.each([
    ['a name nobody has', 'some/other', 404, /some\/other.*404: there is no such model, revision or file/],
    ['a gated model', 'some/model', 403, /403.*HF_TOKEN/],
    ['a server that is no Hub', 'some/model', 200, /this is no answer of a Hugging Face Hub/],
    ['something that is no name', 'a/b/c', 200, /neither a folder nor a name like/],
  ])('says what is wrong with %s', async (_, name, status, message) => {
    if (status !== 404) misbehave = (_request, response) => !!response.writeHead(status).end('<html>')
    await expect(load(fresh(), name)).rejects.toThrow(message)
    expect(slept).toEqual([])
  })

  test('gives up on a server that is not there', async () => {
    process.env.HF_ENDPOINT = 'http://127.0.0.1:59999'
    await expect(load(fresh())).rejects.toThrow(/some\/model: gave up after 6 tries/)
    expect(slept).toEqual([1000, 2000, 4000, 8000, 16_000])
  })
})
