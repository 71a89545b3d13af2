/** The API as Vercel's AI SDK uses it: what an application in TypeScript would be written with. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, Output, streamText } from 'ai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { KEY, openTiny, type TinyServer, until } from './tiny.test-helper.ts'

let tiny: TinyServer
let provider: ReturnType<typeof createOpenAICompatible>
beforeAll(async () => {
  tiny = await openTiny({ apiKey: KEY })
  provider = createOpenAICompatible({
    name: 'xueba',
    baseURL: `${tiny.url}/v1`,
    apiKey: KEY,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
})
afterAll(() => tiny.close())

const ask = { prompt: '你好, what is this?', seed: 1, maxOutputTokens: 40, maxRetries: 0 }

it('generates what the official client is given, with its usage', async () => {
  const { text, usage, finishReason } = await generateText({ model: provider('tiny'), ...ask })
  const official = await tiny.client.chat.completions.create({
    model: 'tiny',
    messages: [{ role: 'user', content: ask.prompt }],
    seed: 1,
    max_tokens: 40,
  })
  expect(text).toBe(official.choices[0]!.message.content)
  expect(finishReason).toBe(official.choices[0]!.finish_reason)
  expect([usage.inputTokens, usage.outputTokens]).toEqual([
    official.usage!.prompt_tokens,
    official.usage!.completion_tokens,
  ])
})

it('streams the same text in pieces', async () => {
  const result = streamText({ model: provider('tiny'), ...ask })
  const pieces: string[] = []
  for await (const piece of result.textStream) pieces.push(piece)
  const whole = await generateText({ model: provider('tiny'), ...ask })
  expect(pieces.length).toBeGreaterThan(1)
  expect(pieces.join('')).toBe(whole.text)
  expect((await result.usage).outputTokens).toBe(whole.usage.outputTokens)
})

it('gives objects of a zod schema', async () => {
  const schema = z.object({ mood: z.enum(['glad', '难过']), rank: z.number().int(), tags: z.array(z.string()).max(2) })
  const { output } = await generateText({
    model: provider('tiny'),
    ...ask,
    maxOutputTokens: 400,
    output: Output.object({ schema }),
  })
  expect(schema.parse(output)).toEqual(output)
})

it('completes a text', async () => {
  const { text } = await generateText({ model: provider.completionModel('tiny'), ...ask, prompt: 'Once' })
  expect(text).not.toBe('')
})

it('throws what the server says of an unknown model and a wrong key', async () => {
  const unknown = generateText({ model: provider('gpt-4o'), ...ask })
  await expect(unknown).rejects.toSatisfy((error) => APICallError.isInstance(error) && error.statusCode === 404)
  await expect(unknown).rejects.toThrow(/gpt-4o/)
  const stranger = createOpenAICompatible({ name: 'xueba', baseURL: `${tiny.url}/v1`, apiKey: 'wrong' })
  const refused = generateText({ model: stranger('tiny'), ...ask })
  await expect(refused).rejects.toSatisfy((error) => APICallError.isInstance(error) && error.statusCode === 401)
})

it('an abandoned stream frees its place in the batch', async () => {
  const controller = new AbortController()
  const result = streamText({
    model: provider('tiny'),
    prompt: 'x',
    output: Output.object({ schema: z.object({ flags: z.array(z.boolean()).min(600) }) }), // thousands of tokens
    abortSignal: controller.signal,
  })
  const reading = (async () => {
    for await (const _ of result.textStream);
  })()
  await until(async () => (await tiny.metric('xueba_batch')) === 1)
  controller.abort()
  await reading.catch(() => {})
  await until(async () => (await tiny.metric('xueba_batch')) === 0)
})
