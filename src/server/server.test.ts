/** The API as the official client sees it, on a small random model. */
import fc from 'fast-check'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readSchema } from '../generate/json/index.ts'
import { accepts, schemas } from '../generate/json/schemas.test-helper.ts'
import { endless, head, openTiny, raw, type TinyServer, until } from './tiny.test-helper.ts'

let tiny: TinyServer
beforeAll(async () => (tiny = await openTiny()))
afterAll(() => tiny.close())

const ask = { model: 'tiny', messages: [{ role: 'user' as const, content: '你好, what is this?' }], seed: 1 }
const chat = (more: object = {}) =>
  tiny.client.chat.completions.create({ ...ask, max_tokens: 40, ...more }) as Promise<OpenAI.ChatCompletion>
const complete = (more: object = {}) =>
  tiny.client.completions.create({
    model: 'tiny',
    prompt: 'Once',
    max_tokens: 30,
    seed: 2,
    ...more,
  }) as Promise<OpenAI.Completion>

async function chunksOf(more: object = {}): Promise<OpenAI.ChatCompletionChunk[]> {
  const chunks: OpenAI.ChatCompletionChunk[] = []
  for await (const chunk of await tiny.client.chat.completions.create({
    ...ask,
    max_tokens: 40,
    stream: true,
    ...more,
  }))
    chunks.push(chunk)
  return chunks
}
const textOf = (chunks: OpenAI.ChatCompletionChunk[], index = 0) =>
  chunks.flatMap(({ choices }) => choices.filter((c) => c.index === index).map((c) => c.delta.content ?? '')).join('')

describe('models', () => {
  it('lists and gives the one there is', async () => {
    expect((await tiny.client.models.list()).data.map(({ id }) => id)).toEqual(['tiny'])
    expect((await tiny.client.models.retrieve('tiny')).owned_by).toBe('xueba')
    await expect(tiny.client.models.retrieve('gpt-4o')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })
})

describe('chat completions', () => {
  it('answers, and counts tokens', async () => {
    const answer = await chat()
    expect(answer.object).toBe('chat.completion')
    expect(answer.choices).toHaveLength(1)
    expect(answer.choices[0]!.message.role).toBe('assistant')
    expect(answer.choices[0]!.message.content!.length).toBeGreaterThan(0)
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage!
    // a token for each byte: <|im_start|>user\n … <|im_end|>\n <|im_start|>assistant\n
    expect(prompt_tokens).toBe(1 + 5 + Buffer.byteLength(ask.messages[0]!.content) + 1 + 1 + 1 + 10)
    expect(completion_tokens).toBeGreaterThan(0)
    expect(total_tokens).toBe(prompt_tokens + completion_tokens)
    if (answer.choices[0]!.finish_reason === 'length') expect(completion_tokens).toBe(40)
  })

  it('streams the same answer in the official form', async () => {
    const whole = await chat({ logprobs: true, top_logprobs: 2 })
    const chunks = await chunksOf({ logprobs: true, top_logprobs: 2, stream_options: { include_usage: true } })
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(chunks.every(({ object }) => object === 'chat.completion.chunk')).toBe(true)
    expect(chunks[0]!.choices[0]!.delta).toEqual({ role: 'assistant', content: '', refusal: null })
    expect(textOf(chunks)).toBe(whole.choices[0]!.message.content)
    const finishes = chunks.flatMap(({ choices }) => choices.map((c) => c.finish_reason)).filter((f) => f !== null)
    expect(finishes).toEqual([whole.choices[0]!.finish_reason])
    const scores = chunks.flatMap(({ choices }) => choices.flatMap((c) => c.logprobs?.content ?? []))
    expect(scores).toEqual(whole.choices[0]!.logprobs!.content)
    const last = chunks.at(-1)!
    expect([last.choices, last.usage]).toEqual([[], whole.usage])
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true)
    expect((await chunksOf()).some(({ usage }) => usage)).toBe(false)
    const response = await fetch(`${tiny.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...ask, max_tokens: 3, stream: true }),
    })
    expect(response.headers.get('content-type')).toMatch('text/event-stream')
    expect(await response.text()).toMatch(/^(data: \{.*\}\n\n)+data: \[DONE\]\n\n$/)
  })

  it('gives the same bits to the same seed, whatever else runs', async () => {
    const roomy = await openTiny({ slots: 24, queue: 0 })
    const one = async (more: object = {}) =>
      (await roomy.client.chat.completions.create({ ...ask, max_tokens: 100, top_p: 0.9, logprobs: true, ...more }))
        .choices[0]!
    const alone = await one()
    expect(alone.logprobs!.content!.length).toBeGreaterThan(20)
    const crowd = Array.from({ length: 23 }, (_, i) => {
      const messages = [{ role: 'user' as const, content: 'x'.repeat(1 + i * 30) }]
      return roomy.client.chat.completions.create({ ...endless, seed: i, messages, stream: true })
    })
    await until(async () => (await roomy.metric('xueba_batch')) === 23)
    expect(await one()).toEqual(alone)
    expect(await roomy.metric('xueba_batch')).toBe(23)
    for (const { controller } of await Promise.all(crowd)) controller.abort()
    expect((await one({ seed: 2 })).message.content).not.toBe(alone.message.content)
    expect((await one({ seed: undefined })).message.content).not.toBe((await one({ seed: undefined })).message.content)
    await roomy.close()
  })

  it('gives n answers, each with its own index; the first is that of n = 1', async () => {
    const three = await chat({ n: 3 })
    expect(three.choices.map(({ index }) => index)).toEqual([0, 1, 2])
    const texts = three.choices.map(({ message }) => message.content)
    expect(new Set(texts).size).toBe(3)
    expect(texts[0]).toBe((await chat()).choices[0]!.message.content)
    const chunks = await chunksOf({ n: 3 })
    expect([0, 1, 2].map((index) => textOf(chunks, index))).toEqual(texts)
    expect(three.usage!.prompt_tokens).toBe((await chat()).usage!.prompt_tokens)
  })

  it('stops at strings, also across tokens, and leaves them out with their scores', async () => {
    const whole = (await chat({ temperature: 0.8, max_tokens: 60 })).choices[0]!.message.content!
    for (const stop of [whole.slice(7, 11), ['never', whole.slice(5, 9)]]) {
      const at = Math.min(...[stop].flat().map((s) => (whole.includes(s) ? whole.indexOf(s) : Infinity)))
      const more = { temperature: 0.8, max_tokens: 60, stop, logprobs: true }
      const cut = (await chat(more)).choices[0]!
      expect(cut.message.content).toBe(whole.slice(0, at))
      expect(cut.finish_reason).toBe('stop')
      const bytes = cut.logprobs!.content!.flatMap((one) => one.bytes!)
      expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(whole.slice(0, at))
      expect(textOf(await chunksOf(more))).toBe(whole.slice(0, at))
    }
  })

  it('reports log-probabilities of the whole distribution', async () => {
    const { content } = (await chat({ logprobs: true, top_logprobs: 20, temperature: 0 })).choices[0]!.logprobs!
    for (const one of content!) {
      expect(one.top_logprobs).toHaveLength(20)
      expect(one.top_logprobs[0]).toEqual({ token: one.token, bytes: one.bytes, logprob: one.logprob }) // greedy
      const total = one.top_logprobs.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)
      expect(total).toBeGreaterThan(20 / 259)
      expect(total).toBeLessThanOrEqual(1 + 1e-6)
    }
    expect((await chat()).choices[0]!.logprobs).toBeNull()
    expect((await chat({ top_p: 0, seed: 9 })).choices[0]!.message.content).toBe(
      (await chat({ temperature: 0 })).choices[0]!.message.content,
    )
  })

  it('takes max_completion_tokens, parts of text, system and developer messages', async () => {
    const messages = [
      { role: 'developer', content: 'be brief' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'assistant', content: null },
      { role: 'user', content: 'c', name: 'x' },
    ]
    const a = await chat({
      messages,
      max_tokens: undefined,
      max_completion_tokens: 5,
      user: 'me',
      metadata: { a: 'b' },
    })
    expect(a.usage!.completion_tokens).toBeLessThanOrEqual(5)
    const plain = [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'ab' },
      { role: 'assistant', content: '' },
      { role: 'user', content: 'c' },
    ]
    const b = await chat({ messages: plain, max_tokens: 5 })
    expect(b.choices[0]!.message).toEqual(a.choices[0]!.message)
    expect(b.usage).toEqual(a.usage)
  })
})

describe('json_schema', () => {
  const Person = z.object({
    name: z.string(),
    age: z.number().nullable(),
    tags: z.array(z.enum(['a', 'b'])),
    inner: z.object({ ok: z.boolean(), n: z.int().nullable() }),
  })

  it('always gives JSON of the schema, also from a random model in few tokens', async () => {
    const response_format = zodResponseFormat(Person, 'person')
    const least = '{"name":"","age":0,"tags":[],"inner":{"ok":false,"n":0}}'.length
    const seeds = Array.from({ length: 24 }, (_, seed) => seed)
    for (let i = 0; i < seeds.length; i += 8) {
      const answers = seeds
        .slice(i, i + 8)
        .map((seed) => chat({ response_format, seed, max_tokens: least + seed * 3, temperature: 1.5 }))
      for (const { choices } of await Promise.all(answers)) {
        expect(choices[0]!.finish_reason).toBe('stop')
        Person.parse(JSON.parse(choices[0]!.message.content!))
      }
    }
    const parsed = await tiny.client.chat.completions.parse({ ...ask, response_format })
    expect(Person.parse(parsed.choices[0]!.message.parsed)).toBeTruthy()
    const text = textOf(await chunksOf({ response_format, max_tokens: 120, logprobs: true }))
    Person.parse(JSON.parse(text))
  })

  it('whatever the schema is', async () => {
    await fc.assert(
      fc.asyncProperty(schemas, fc.nat(), fc.nat(60), async (schema, seed, more) => {
        const limit = readSchema(schema).cost + more
        fc.pre(limit < 400)
        const response_format = { type: 'json_schema', json_schema: { name: 'x', schema } }
        const { choices } = await chat({ response_format, seed, max_tokens: limit, n: 8, temperature: 1.5 })
        for (const { finish_reason, message } of choices) {
          expect(finish_reason).toBe('stop')
          expect(
            accepts(schema, JSON.parse(message.content!)),
            `${message.content} for ${JSON.stringify(schema)}`,
          ).toBe(true)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('leaves answers beside it alone', async () => {
    const alone = (await chat()).choices[0]!.message.content
    const both = await Promise.all([chat(), chat({ response_format: zodResponseFormat(Person, 'p'), max_tokens: 90 })])
    expect(both[0].choices[0]!.message.content).toBe(alone)
  })

  it('refuses what it cannot keep', async () => {
    const format = (schema: object) => ({ type: 'json_schema', json_schema: { name: 'x', schema } })
    await expect(chat({ response_format: format({ type: 'string', pattern: 'a' }) })).rejects.toThrow(
      /Invalid schema for response_format 'x': schema: "pattern" is not supported/,
    )
    await expect(chat({ response_format: format({ const: 'x'.repeat(50) }) })).rejects.toThrow(
      /has 52 bytes, and only 40/,
    )
    await expect(chat({ response_format: { type: 'json_object' } })).rejects.toThrow(/response_format/)
  })
})

describe('completions', () => {
  it('go on with a text, several texts, ids', async () => {
    const one = await complete()
    expect(one.object).toBe('text_completion')
    expect(one.usage!.prompt_tokens).toBe(5)
    const ids = [256, ...Buffer.from('Once')] // <|endoftext|> first
    expect((await complete({ prompt: ids })).choices[0]!.text).toBe(one.choices[0]!.text)
    const many = await complete({ prompt: ['Once', 'Twice'], n: 2 })
    expect(many.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3])
    expect(many.choices[0]!.text).toBe(one.choices[0]!.text)
    expect((await complete({ max_tokens: undefined, temperature: 0 })).usage!.completion_tokens).toBeLessThanOrEqual(16)
  })

  it('report log-probabilities in the old form, whole and streamed', async () => {
    const { text, logprobs } = (await complete({ logprobs: 3 })).choices[0]!
    expect(logprobs!.tokens!.length).toBe(logprobs!.token_logprobs!.length)
    expect(logprobs!.text_offset![0]).toBe(0)
    for (const [i, top] of logprobs!.top_logprobs!.entries()) {
      expect(Object.keys(top).length).toBeLessThanOrEqual(4)
      expect(top[logprobs!.tokens![i]!]).toBeDefined()
    }
    let streamed = ''
    const finishes: unknown[] = []
    const stream = await tiny.client.completions.create({
      model: 'tiny',
      prompt: 'Once',
      max_tokens: 30,
      seed: 2,
      stream: true,
    })
    for await (const { choices } of stream) {
      streamed += choices[0]!.text
      if (choices[0]!.finish_reason) finishes.push(choices[0]!.finish_reason)
    }
    expect(streamed).toBe(text)
    expect(finishes).toHaveLength(1)
  })
})

describe('errors', () => {
  it.each<[object, number, string | null, string, RegExp]>([
    [{ model: 'gpt-4o' }, 404, 'model', 'model_not_found', /'gpt-4o' does not exist/],
    [{ temprature: 1 }, 400, 'temprature', 'unknown_parameter', /Unknown parameter: 'temprature'/],
    [{ tools: [{ type: 'function' }] }, 400, 'tools', 'unsupported_parameter', /'tools' is not supported/],
    [{ temperature: 2.1 }, 400, 'temperature', 'invalid_value', /<=2/],
    [{ temperature: -1 }, 400, 'temperature', 'invalid_value', />=0/],
    [{ temperature: '1' }, 400, 'temperature', 'invalid_type', /number/],
    [{ top_p: 1e308 }, 400, 'top_p', 'invalid_value', /<=1/],
    [{ max_tokens: 0 }, 400, 'max_tokens', 'invalid_value', />=1/],
    [{ max_tokens: 1e308 }, 400, 'max_tokens', 'invalid_value', /int/],
    [{ max_tokens: 1.5 }, 400, 'max_tokens', 'invalid_type', /int/],
    [{ n: 9 }, 400, 'n', 'invalid_value', /At most 8 answers/],
    [{ n: 1e9 }, 400, 'n', 'invalid_value', /<=128/],
    [{ seed: 1e300 }, 400, 'seed', 'invalid_value', /int/],
    [{ stop: '' }, 400, 'stop', 'invalid_value', /'stop'/],
    [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 400, 'stop', 'invalid_value', /'stop'/],
    [{ top_logprobs: 2 }, 400, 'top_logprobs', 'invalid_value', /'logprobs' must be true/],
    [{ logprobs: true, top_logprobs: 21 }, 400, 'top_logprobs', 'invalid_value', /<=20/],
    [{ presence_penalty: 1 }, 400, 'presence_penalty', 'invalid_value', /only 0/],
    [{ stream_options: { include_usage: true } }, 400, 'stream_options', 'invalid_value', /only allowed when 'stream'/],
    [{ messages: undefined }, 400, 'messages', 'missing_required_parameter', /Missing required parameter: 'messages'/],
    [{ messages: [] }, 400, 'messages', 'invalid_value', /'messages'/],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 400, 'messages[0].role', 'invalid_value', /role/],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      400,
      'messages[0].content',
      'invalid_value',
      /parts of type "text"/,
    ],
    [
      { messages: [{ role: 'user', content: 'x'.repeat(4096) }] },
      400,
      'messages',
      'context_length_exceeded',
      /4096 tokens.* at least 3\d\d|resulted in 4\d\d\d/,
    ],
  ])('%j', async (more, status, param, code, message) => {
    const { status: got, body } = await tiny.post('/v1/chat/completions', { ...ask, ...more })
    expect([got, body.error.param, body.error.code]).toEqual([status, param, code])
    expect(body.error.message).toMatch(message)
    expect(body.error.type).toBe('invalid_request_error')
  })

  it('null and empty parameters are as absent', async () => {
    const nothing = {
      stop: null,
      tools: [],
      logit_bias: {},
      temperature: null,
      stream: null,
      response_format: null,
      tool_choice: 'none',
    }
    expect((await chat(nothing)).choices[0]!.message).toEqual((await chat()).choices[0]!.message)
  })

  it('of paths and methods', async () => {
    expect(await tiny.post('/v1/embeddings', {})).toMatchObject({
      status: 404,
      body: { error: { code: 'unknown_url' } },
    })
    expect(await tiny.post('/v1/models', {})).toMatchObject({ status: 405 })
    expect((await fetch(`${tiny.url}/v1/chat/completions`)).status).toBe(405)
    const long = await tiny.post('/v1/completions', { model: 'tiny', prompt: Array(4096).fill(1) })
    expect(long).toMatchObject({ status: 400, body: { error: { code: 'context_length_exceeded' } } })
    const outside = await tiny.post('/v1/completions', { model: 'tiny', prompt: [1, 259] })
    expect(outside).toMatchObject({ status: 400, body: { error: { param: 'prompt' } } })
  })

  it('a base model has no dialogue', async () => {
    const base = await openTiny({ chats: false })
    await expect(base.client.chat.completions.create(ask)).rejects.toThrow(/base model/)
    expect((await base.client.completions.create({ model: 'tiny', prompt: 'a' })).choices).toHaveLength(1)
    await base.close()
  })
})

describe('load', () => {
  it('refuses with Retry-After when the queue is full, and recovers', async () => {
    const small = await openTiny({ slots: 2, queue: 1 })
    const streams = await Promise.all(
      [1, 2, 3].map(() => small.client.chat.completions.create({ ...endless, stream: true })),
    )
    await until(async () => (await small.metric('xueba_batch')) === 2)
    expect(await small.metric('xueba_queue')).toBe(1)
    const refused = await small.post('/v1/chat/completions', ask)
    expect(refused).toMatchObject({
      status: 429,
      body: { error: { code: 'rate_limit_exceeded', type: 'rate_limit_error' } },
    })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    for (const { controller } of streams) controller.abort()
    await until(async () => (await small.metric('xueba_batch')) + (await small.metric('xueba_queue')) === 0)
    expect((await small.post('/v1/chat/completions', { ...ask, max_tokens: 2 })).status).toBe(200)
    await small.close()
  })

  it('breaks an answer off that takes too long', async () => {
    const hasty = await openTiny({ timeout: 0.1 })
    const late = await hasty.post('/v1/chat/completions', endless)
    expect(late).toMatchObject({ status: 504, body: { error: { code: 'timeout', type: 'server_error' } } })
    expect(late.headers.get('x-should-retry')).toBe('false')
    const stream = await hasty.client.chat.completions.create({ ...endless, stream: true })
    const seen: unknown[] = []
    await expect(async () => {
      for await (const chunk of stream) seen.push(chunk)
    }).rejects.toThrow(/longer than 0.1 seconds/)
    expect(seen.length).toBeGreaterThan(2)
    expect(await hasty.metric('xueba_batch')).toBe(0)
    await hasty.close()
  })

  it('finishes what runs when it closes, and refuses new requests', async () => {
    const server = await openTiny()
    const stream = await server.client.chat.completions.create({ ...endless, stream: true })
    await until(async () => (await server.metric('xueba_batch')) === 1)
    let text = ''
    const reading = (async () => {
      for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
    })()
    const closing = server.close()
    await expect(fetch(`${server.url}/health`)).rejects.toThrow()
    await Promise.all([closing, reading])
    expect((JSON.parse(text) as unknown[]).length).toBeGreaterThanOrEqual(600)
  })

  it('refuses a request that arrives whole only while it closes', async () => {
    const server = await openTiny()
    const stream = await server.client.chat.completions.create({ ...endless, stream: true })
    const body = JSON.stringify({ model: 'tiny', messages: endless.messages })
    const late = raw(server.url, [head('/v1/chat/completions', body.length), body.slice(0, 5), 200, body.slice(5)])
    await new Promise((done) => setTimeout(done, 100))
    const closing = server.close()
    expect(await late).toMatch(/^HTTP\/1\.1 503 [^]*connection: close[^]*"shutting_down"/i)
    for await (const { choices } of stream) if (choices[0]?.finish_reason) break
    await closing
  })

  it('answers 500 while the weights are broken, and goes on once they are not', async () => {
    const server = await openTiny()
    const { weights } = server.model.slab
    const before = await weights.read()
    weights.write(new Float32Array(weights.size).fill(Number.NaN))
    const { error } = console
    const said: unknown[] = []
    console.error = (...all: unknown[]) => void said.push(...all)
    const broken = await server.post('/v1/chat/completions', { ...ask, n: 3 })
    console.error = error
    expect(broken).toMatchObject({ status: 500, body: { error: { code: 'internal_error', type: 'server_error' } } })
    expect(broken.body.error.message).not.toMatch(/finite/)
    expect(String(said)).toMatch(/not finite numbers/) // for the operator
    weights.write(before)
    expect((await server.post('/v1/chat/completions', { ...ask, max_tokens: 3, n: 8 })).status).toBe(200)
    await server.close()
  })

  it('counts', async () => {
    const before = await tiny.metric('xueba_tokens_total{kind="generated"}')
    const { usage } = await chat({ n: 2 })
    expect((await tiny.metric('xueba_tokens_total{kind="generated"}')) - before).toBe(usage!.completion_tokens)
    expect(await tiny.metric('xueba_requests_total{path="/v1/chat/completions",status="200"}')).toBeGreaterThan(0)
    expect(await tiny.metric('xueba_first_token_seconds_count{path="/v1/chat/completions"}')).toBeGreaterThan(0)
    expect(await (await fetch(`${tiny.url}/health`)).json()).toEqual({ status: 'ok', model: 'tiny' })
  })
})
