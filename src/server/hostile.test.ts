/** Clients that mean harm, or are broken: slow, malformed, abandoned, huge. The server answers in form, frees slots, and goes on. */
import fc from 'fast-check'
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { MOST_BYTES } from './body.ts'
import { isLoopback, keyCheck } from './guard.ts'
import { endless, head, KEY, openTiny, raw, type TinyServer, until } from './tiny.test-helper.ts'

let tiny: TinyServer
beforeAll(async () => (tiny = await openTiny({ arrival: 1 })))
afterAll(() => tiny.close())

const CHAT = '/v1/chat/completions'
const ask = { model: 'tiny', messages: [{ role: 'user', content: 'x' }], max_tokens: 3 }
const running = async () => (await tiny.metric('xueba_batch')) + (await tiny.metric('xueba_queue'))

afterEach(async () => {
  await until(async () => (await running()) === 0)
  expect((await tiny.post(CHAT, ask)).status).toBe(200)
})

describe('bodies', () => {
  it.each<[string, string | Uint8Array, number, string]>([
    ['no JSON', '{"model": tiny}', 400, 'invalid_json'],
    ['half of a JSON', '{"model": "tiny", "messages": [', 400, 'invalid_json'],
    ['nothing', '', 400, 'invalid_json'],
    ['NaN', '{"model": "tiny", "temperature": NaN}', 400, 'invalid_json'],
    ['an array', '[]', 400, 'invalid_type'],
    ['null', 'null', 400, 'invalid_type'],
    ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 400, 'invalid_json'],
    ['an abyss', '['.repeat(MOST_BYTES - 1), 400, 'invalid_json'],
    ['a deep abyss', `{"model":"tiny","messages":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, 400, 'invalid_type'],
    ['a prototype', '{"model":"tiny","__proto__":{"messages":[]}}', 400, 'unknown_parameter'],
    [
      'a number beyond all',
      '{"model":"tiny","messages":[{"role":"user","content":"x"}],"max_tokens":1e999}',
      400,
      'invalid_type',
    ],
    [
      'a megabyte of prompt',
      JSON.stringify({ ...ask, messages: [{ role: 'user', content: 'x'.repeat(MOST_BYTES - 200) }] }),
      400,
      'context_length_exceeded',
    ],
    ['too many bytes', 'x'.repeat(MOST_BYTES + 1), 413, 'request_too_large'],
  ])('%s', async (_, body, status, code) => {
    const response = await fetch(tiny.url + CHAT, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: body as BodyInit,
    })
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    expect([response.status, error.code]).toEqual([status, code])
    expect(error.message.length).toBeLessThan(600)
  })

  const format = (schema: unknown) => ({ type: 'json_schema', json_schema: { name: 'x', schema } })
  const many = (make: () => unknown) => Array.from({ length: 300_000 }, make)
  const abyss = `${'['.repeat(200_000)}${']'.repeat(200_000)}` // stands where "@abyss" is written
  it.each<[string, string, object]>([
    ['half a million ids', 'completions', { prompt: Array(500_000).fill(1) }],
    ['ids, and then a text', 'completions', { prompt: [...Array(250_000).fill(1), 'a'] }],
    ['lists of nothing', 'completions', { prompt: many(() => []) }],
    ['messages that are none', 'chat/completions', { messages: many(() => ({})) }],
    ['parts that are none', 'chat/completions', { messages: [{ role: 'user', content: many(() => ({})) }] }],
    ['many stops', 'chat/completions', { ...ask, stop: Array(400_000).fill(1) }],
    ['an abyss as a schema', 'chat/completions', { ...ask, response_format: format('@abyss') }],
    ['an abyss as a type', 'chat/completions', { ...ask, response_format: format({ type: '@abyss' }) }],
    [
      'many names',
      'chat/completions',
      { ...ask, response_format: format({ type: 'object', required: Array(200_000).fill('a') }) },
    ],
    ['many values', 'chat/completions', { ...ask, response_format: format({ enum: Array(400_000).fill(1) }) }],
    [
      'many alternatives',
      'chat/completions',
      { ...ask, response_format: format({ anyOf: Array.from({ length: 30_000 }, (_, i) => ({ const: i })) }) },
    ],
  ])('of %s are refused before they cost anything', async (_, path, more) => {
    const text = JSON.stringify({ model: 'tiny', ...more }).replace('"@abyss"', abyss)
    expect(text.length).toBeLessThanOrEqual(MOST_BYTES)
    const from = performance.now()
    const { status, body } = await tiny.post(`/v1/${path}`, text)
    expect(performance.now() - from).toBeLessThan(700) // most of it the parser's and the socket's
    expect(status).toBe(400)
    expect(body.error.message.length).toBeLessThan(600)
  })

  it('of unknown length are cut off at the limit', async () => {
    const status = await new Promise<number | string>((resolve) => {
      const call = request(tiny.url + CHAT, { method: 'POST', headers: { 'Content-Type': 'application/json' } })
      call.on('response', (response) => {
        resolve(response.statusCode!)
        call.destroy()
      })
      call.on('error', (error) => resolve(String(error)))
      const part = Buffer.alloc(1 << 16, 32)
      const more = () =>
        void (call.writableLength < 1 << 20 && !call.destroyed && call.write(part, () => setImmediate(more)))
      more()
    })
    expect(status).toBe(413)
  })

  it('must say that they are JSON, as a page of another origin cannot', async () => {
    const plain = await tiny.post(CHAT, ask, { 'Content-Type': 'text/plain' })
    expect(plain).toMatchObject({ status: 415, body: { error: { code: 'unsupported_media_type' } } })
  })

  it('with the most absurd numbers that are allowed get an answer', async () => {
    const extremes = {
      temperature: [0, 5e-324, 1e-300, 1e-40, 1e-20, 2],
      top_p: [0, 5e-324, 1e-30, 1],
      min_p: [0, 5e-324, 1e-40, 1],
      top_k: [0, 1, Number.MAX_SAFE_INTEGER],
      repetition_penalty: [0.01, 100],
      seed: [Number.MIN_SAFE_INTEGER, -1, Number.MAX_SAFE_INTEGER],
      max_tokens: [1, Number.MAX_SAFE_INTEGER],
    }
    const schema = { type: 'array', items: { type: 'boolean' }, minItems: 1 }
    for (const [name, values] of Object.entries(extremes))
      for (const value of values)
        for (const more of [{ logprobs: true, top_logprobs: 20 }, { response_format: format(schema) }]) {
          const { status, body } = await tiny.post(CHAT, { ...ask, max_tokens: 40, seed: 1, ...more, [name]: value })
          if (name === 'max_tokens' && value === 1 && 'response_format' in more) expect(status).toBe(400)
          else expect([name, value, status, body.error]).toEqual([name, value, 200, undefined])
        }
  })

  it('whatever they hold, get an answer in form', async () => {
    const names = fc.constantFrom(
      'model',
      'messages',
      'stop',
      'seed',
      'n',
      'temperature',
      'response_format',
      'stream_options',
      'max_tokens',
      'top_p',
      'tools',
      'x',
    )
    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, fc.jsonValue({ maxDepth: 3 })), async (more) => {
        const { status, body } = await tiny.post(CHAT, { ...ask, ...more })
        expect([200, 400, 404]).toContain(status)
        expect(status === 200 || typeof body.error.message === 'string').toBe(true)
      }),
      { numRuns: 150 },
    )
  })
})

describe('sockets', () => {
  it.each<[string, (string | number)[], RegExp]>([
    ['a body that stops', [head(CHAT, 100), '{"mod'], /^(HTTP\/1\.1 408|$)/],
    [
      'a body that trickles',
      [head(CHAT, 100), ...Array.from({ length: 12 }, () => ['{', 250]).flat()],
      /^(HTTP\/1\.1 408|$)/,
    ],
    ['a head that stops', ['POST / HTTP/1.1\r\nHost: local'], /^(HTTP\/1\.1 408|$)/],
    ['no HTTP', ['\x16\x03\x01 hello\r\n\r\n'], /^HTTP\/1\.1 400/],
    ['two lengths', [head(CHAT, 5, 'Content-Length: 6\r\n'), 'hello!'], /^HTTP\/1\.1 400/],
    ['a length and chunks', [head(CHAT, 5, 'Transfer-Encoding: chunked\r\n'), '0\r\n\r\n'], /^HTTP\/1\.1 400/],
    ['an endless head', [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(1 << 17)}`], /^HTTP\/1\.1 431/],
    ['no host', ['GET /v1/models HTTP/1.1\r\n\r\n'], /^HTTP\/1\.1 400/],
  ])('%s', async (_, parts, answer) => {
    expect(await raw(tiny.url, parts)).toMatch(answer)
  })

  it('a body that never ends holds no slot, and its connection is closed in time', async () => {
    const from = performance.now()
    await raw(tiny.url, [head(CHAT, 100), '{'])
    expect(performance.now() - from).toBeLessThan(4000)
  })

  it('names of other machines are refused on loopback (DNS rebinding)', async () => {
    const get = (host: string) =>
      raw(tiny.url, [`GET /v1/models HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`])
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io:80', '10.0.0.1', '[::2]'])
      expect(await get(host), host).toMatch(/^HTTP\/1\.1 40[03]/)
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:8000', '[::1]:8000'])
      expect(await get(host), host).toMatch(/^HTTP\/1\.1 200/)
  })
})

describe('clients that go away', () => {
  const bodyOf = (more: object) => JSON.stringify({ ...endless, ...more })

  it.each([
    ['a stream', { stream: true, n: 4 }],
    ['a whole answer', { n: 4 }],
  ])('in the middle of %s free their slots', async (_, more) => {
    const before = await tiny.metric('xueba_cancelled_total')
    const body = bodyOf(more)
    const left = new AbortController()
    const call = fetch(tiny.url + CHAT, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
      signal: left.signal,
    })
    call.then((response) => response.text()).catch(() => {})
    await until(async () => (await tiny.metric('xueba_batch')) === 4)
    left.abort()
    await until(async () => (await running()) === 0, 300) // an answer takes seconds
    expect(await tiny.metric('xueba_cancelled_total')).toBe(before + 1)
  })

  it('in the queue give their place back', async () => {
    const long = new AbortController()
    const call = (signal: AbortSignal, n: number) =>
      void fetch(tiny.url + CHAT, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: bodyOf({ n }),
        signal,
      }).catch(() => {})
    call(long.signal, 8)
    await until(async () => (await tiny.metric('xueba_batch')) === 8)
    const waits = new AbortController()
    call(waits.signal, 5)
    await until(async () => (await tiny.metric('xueba_queue')) === 5)
    waits.abort()
    await until(async () => (await tiny.metric('xueba_queue')) === 0, 300)
    expect(await tiny.metric('xueba_batch')).toBe(8)
    long.abort()
  })

  it.each<[string, (body: string) => string]>([
    ['their head', () => head(CHAT, 10).slice(0, 30)],
    ['their body', (body) => head(CHAT, body.length) + body.slice(0, 20)],
    ['asking, at once', (body) => head(CHAT, body.length) + body],
  ])('in the middle of %s leave nothing behind', async (_, said) => {
    const { hostname, port } = new URL(tiny.url)
    const ends = Array.from({ length: 20 }, async (_, i) => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      socket.write(said(bodyOf({ stream: i % 2 === 0 })))
      await new Promise((done) => setTimeout(done, i))
      if (i % 3 === 0) socket.resetAndDestroy()
      else socket.destroy()
    })
    await Promise.all(ends)
    await until(async () => (await running()) === 0, 1000)
  })

  it('by resetting the socket, again and again', async () => {
    const body = bodyOf({ stream: true })
    await Promise.all(
      Array.from({ length: 8 }, () => raw(tiny.url, [head(CHAT, body.length), body], /"content":"[tf]/)),
    )
    await until(async () => (await running()) === 0, 1000)
  })
})

describe('keys', () => {
  it('are asked for everywhere but /health', async () => {
    const locked = await openTiny({ apiKey: KEY })
    for (const path of ['/v1/models', '/metrics', '/v1/nothing', '/']) {
      expect((await fetch(locked.url + path)).status, path).toBe(401)
      const wrong = await fetch(locked.url + path, { headers: { Authorization: `Bearer ${KEY}x` } })
      expect(wrong.status).toBe(401)
      expect(((await wrong.json()) as { error: { code: string } }).error.code).toBe('invalid_api_key')
    }
    // before the body is read
    expect(await raw(locked.url, [head(CHAT, 1e9)], /401/)).toMatch(/^HTTP\/1\.1 401/)
    expect((await fetch(`${locked.url}/health`)).status).toBe(200)
    expect((await locked.client.models.list()).data).toHaveLength(1)
    expect((await locked.post(CHAT, ask)).status).toBe(200)
    await locked.close()
  })

  it('are compared whole', () => {
    const isKey = keyCheck('secret')
    expect(['Bearer secret', 'bearer secret'].map(isKey)).toEqual([true, true])
    expect(
      [undefined, '', 'secret', 'Bearer', 'Bearer ', 'Bearer secret ', 'Basic secret', 'Bearer Secret'].map(isKey),
    ).toEqual(Array(8).fill(false))
  })

  it('are needed where others than this machine reach the host', async () => {
    await expect(openTiny({ host: '0.0.0.0' })).rejects.toThrow(/an API key is needed/)
    await expect(openTiny({ host: '::' })).rejects.toThrow(/an API key is needed/)
    const open = await openTiny({ host: '0.0.0.0', apiKey: KEY })
    const port = new URL(open.url).port
    const call = raw(open.url.replace('0.0.0.0', '127.0.0.1'), [
      `GET /v1/models HTTP/1.1\r\nHost: my.example:${port}\r\nAuthorization: Bearer ${KEY}\r\nConnection: close\r\n\r\n`,
    ])
    expect(await call).toMatch(/^HTTP\/1\.1 200/)
    await open.close()
    expect(['localhost', '127.0.0.1', '127.9.9.9', '::1'].every(isLoopback)).toBe(true)
    expect(['0.0.0.0', '::', '127.0.0.1.x', '1127.0.0.1', '', '192.168.0.1'].some(isLoopback)).toBe(false)
  })
})

describe('web pages', () => {
  const preflight = (url: string, origin: string) =>
    fetch(url + CHAT, { method: 'OPTIONS', headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' } })

  it('of other origins are refused, unless they were allowed', async () => {
    expect((await preflight(tiny.url, 'https://a.example')).status).toBe(403)
    expect((await tiny.post(CHAT, ask, { Origin: 'https://a.example' })).status).toBe(403)
    expect((await tiny.post(CHAT, ask, { Origin: 'null' })).status).toBe(403)
    const open = await openTiny({ origins: ['https://a.example'], apiKey: KEY })
    const allowed = await preflight(open.url, 'https://a.example')
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, 'https://a.example'])
    expect((await preflight(open.url, 'https://b.example')).status).toBe(403)
    const answer = await open.post(CHAT, ask, { Origin: 'https://a.example' })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, 'https://a.example'])
    await open.close()
  })
})
