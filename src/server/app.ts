/** The routes: what comes in is checked here, in order: may it ask, is it well formed, is there room. */
import { type Context, Hono } from 'hono'
import type { Message } from '../tokenizer/index.ts'
import type { Batcher, Task } from './batcher.ts'
import { readJson } from './body.ts'
import { ApiError, asApiError, CLIENT_GONE, invalid } from './errors.ts'
import { chatForm, completionForm, type Form } from './forms.ts'
import { originGuard, requireKey, requireLoopbackHost } from './guard.ts'
import type { Metrics } from './metrics.ts'
import { chatParameters, type CommonParameters, completionParameters, readParameters } from './parameters.ts'
import { eventsOf, streamOf, wholeAnswer } from './respond.ts'
import { chatPrompt, type Served, tasksOf, textPrompt } from './tasks.ts'

export interface AppOptions {
  served: Served
  batcher: Batcher
  metrics: Metrics
  fingerprint: string
  /** Asked of every request but /health; null: none. */
  apiKey: string | null
  /** Only names of this machine are answered. */
  loopback: boolean
  origins: readonly string[]
  /** Milliseconds from a request to the end of its answer. */
  timeout: number
  /** True once no new requests are taken. */
  draining(): boolean
}

const PATHS = ['/v1/models', '/v1/completions', '/v1/chat/completions', '/health', '/metrics']

export function createApp(options: AppOptions): Hono {
  const { served, batcher, metrics, loopback, apiKey, origins } = options
  const created = Math.floor(Date.now() / 1000)
  const model = { id: served.id, object: 'model', created, owned_by: 'xueba' }
  const app = new Hono()

  app.use(async (c, next) => {
    const from = performance.now()
    await next()
    const path = PATHS.includes(c.req.path) ? c.req.path : 'other'
    metrics.count('xueba_requests_total', `path="${path}",status="${c.res.status}"`)
    if (!c.req.path.endsWith('completions'))
      metrics.observe('xueba_request_seconds', `path="${path}"`, secondsSince(from))
    c.header('X-Content-Type-Options', 'nosniff')
    c.header('Cache-Control', 'no-store')
  })
  if (loopback) app.use(requireLoopbackHost)
  app.use(originGuard(origins))
  app.get('/health', (c) =>
    options.draining() ? c.json({ status: 'draining' }, 503) : c.json({ status: 'ok', model: served.id }),
  )
  if (apiKey !== null) app.use(requireKey(apiKey))

  app.get('/metrics', (c) => {
    const { rss, heapUsed, external } = process.memoryUsage()
    const text = metrics.render({
      xueba_queue: [batcher.waiting, 'Sequences that wait for a slot.'],
      xueba_batch: [batcher.running, 'Sequences that run.'],
      xueba_slots: [batcher.slots, 'Sequences that can run.'],
      process_resident_memory_bytes: [rss, 'Resident memory.'],
      xueba_heap_bytes: [heapUsed + external, 'JavaScript objects and buffers, those not yet collected counted.'],
    })
    return c.body(text, 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' })
  })
  app.get('/v1/models', (c) => c.json({ object: 'list', data: [model] }))
  app.get('/v1/models/:id', (c) => {
    checkModel(served, c.req.param('id'))
    return c.json(model)
  })

  app.post('/v1/chat/completions', async (c) => {
    const given = readParameters(chatParameters, await readJson(c))
    checkModel(served, given.model)
    if (!served.chats)
      throw invalid('model', 'This is a base model, which knows no dialogue: use /v1/completions.', 'unsupported_model')
    if (given.top_logprobs !== undefined && !given.logprobs)
      throw invalid('top_logprobs', "Invalid 'top_logprobs': 'logprobs' must be true.")
    const messages = given.messages.map(({ role, content }): Message => ({
      role: role === 'developer' ? 'system' : role,
      content: content ?? '',
    }))
    const prompts = [chatPrompt(served, messages)]
    const tasks = tasksOf(served, 'messages', prompts, given, given.logprobs ? (given.top_logprobs ?? 0) : null)
    return respond(c, options, chatForm, given, prompts, tasks)
  })

  app.post('/v1/completions', async (c) => {
    const given = readParameters(completionParameters, await readJson(c))
    checkModel(served, given.model)
    const { prompt } = given
    const isOne = typeof prompt === 'string' || typeof prompt[0] === 'number'
    const prompts = (isOne ? [prompt] : prompt).map((one) => textPrompt(served, one as string | number[]))
    const tasks = tasksOf(served, 'prompt', prompts, given, given.logprobs ?? null)
    return respond(c, options, completionForm, given, prompts, tasks)
  })

  app.all('*', (c) => {
    const { method, path } = c.req
    if (PATHS.includes(path)) throw new ApiError(405, 'method_not_allowed', `${path} does not take ${method}.`)
    throw new ApiError(404, 'unknown_url', `Unknown request URL: ${method} ${path.slice(0, 200)}.`)
  })
  app.onError((error, c) => {
    const failure = asApiError(error)
    return c.json(failure.body, failure.status, failure.headers)
  })
  return app
}

const secondsSince = (from: number) => (performance.now() - from) / 1000

function checkModel({ id }: Served, asked: string): void {
  if (asked === id) return
  const message = `The model '${asked.slice(0, 200)}' does not exist; this server has '${id}'.`
  throw new ApiError(404, 'model_not_found', message, { param: 'model' })
}

async function respond(
  c: Context,
  { served, batcher, metrics, fingerprint, timeout, draining }: AppOptions,
  form: Form,
  given: CommonParameters,
  prompts: readonly number[][],
  tasks: readonly Task[],
): Promise<Response> {
  if (given.stream_options && !given.stream)
    throw invalid('stream_options', "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
  if (draining())
    throw new ApiError(503, 'shutting_down', 'The server is shutting down.', { headers: { Connection: 'close' } })
  const from = performance.now()
  const path = `path="${c.req.path}"`
  const { signal } = c.req.raw
  if (signal.aborted) throw CLIENT_GONE
  const ticket = batcher.submit(tasks)
  const promptTokens = prompts.reduce((sum, prompt) => sum + prompt.length, 0)
  metrics.count('xueba_tokens_total', 'kind="prompt"', promptTokens)
  const cancel = (error: ApiError) => {
    metrics.count('xueba_cancelled_total')
    ticket.cancel(error)
  }
  const leave = () => cancel(CLIENT_GONE)
  signal.addEventListener('abort', leave)
  const late = () =>
    new ApiError(504, 'timeout', `The answer took longer than ${timeout / 1000} seconds.`, {
      headers: { 'X-Should-Retry': 'false' }, // OpenAI's clients would ask for the same again
    })
  const timer = setTimeout(() => cancel(late()), timeout)
  let first = true
  const order = {
    form,
    model: served.id,
    fingerprint,
    ticket,
    choices: tasks.length,
    scored: tasks.some(({ top }) => top !== null),
    promptTokens,
    includeUsage: given.stream_options?.include_usage ?? false,
    onFirst() {
      if (first) metrics.observe('xueba_first_token_seconds', path, secondsSince(from))
      first = false
    },
    onEnd() {
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
      metrics.observe('xueba_request_seconds', path, secondsSince(from))
    },
  }
  if (!given.stream) return c.json(await wholeAnswer(order))
  return c.body(streamOf(eventsOf(order)), 200, { 'Content-Type': 'text/event-stream; charset=utf-8' })
}
