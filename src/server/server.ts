/** An HTTP server over one model: opens it, and closes it without breaking off what runs. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { createSession, usualContext } from '../generate/index.ts'
import { tokenTree } from '../generate/json/index.ts'
import type { Model } from '../nn/index.ts'
import { UserError, version } from '../run/index.ts'
import type { Tokenizer } from '../tokenizer/index.ts'
import { createApp } from './app.ts'
import { createBatcher } from './batcher.ts'
import { isLoopback } from './guard.ts'
import { listen } from './listen.ts'
import { createMetrics } from './metrics.ts'

/**
 * Tokens of prompts between two tokens of everybody else: as many as four more rows-of-sixteen in a step, so that a step takes a few times as
 * long while a long prompt is read, and not as long as the prompt.
 */
const PREFILL = 64

export interface ServeOptions {
  /** The model's name in the API. */
  id: string
  /** False for a base model. */
  chats: boolean
  host: string
  /** 0: any that is free. */
  port: number
  /** Needed where others than this machine reach the host. */
  apiKey: string | null
  /** Origins of web pages that may ask. */
  origins: readonly string[]
  /** Sequences that run at once. Default: 64, or what 1 GiB of cache holds. */
  slots?: number
  /** Sequences that may wait. */
  queue: number
  /** Seconds from a request to the end of its answer. */
  timeout: number
  /** Seconds in which a request must arrive. Default 30. */
  arrival?: number
}

export interface ApiServer {
  url: string
  slots: number
  /** Takes no new requests, waits for those that run (at most the timeout), then frees everything. */
  close(): Promise<void>
  /** Breaks off what runs. */
  abort(): void
}

const MOST_SLOTS = 64
const CACHE_BYTES = 2 ** 30
const MOST_CONNECTIONS = 1024

export async function openServer(model: Model, tokenizer: Tokenizer, options: ServeOptions): Promise<ApiServer> {
  const { id, chats, host, port, apiKey, origins, queue, timeout, arrival = 30 } = options
  const loopback = isLoopback(host)
  if (!loopback && apiKey === null)
    throw new UserError(
      `${host} is reached by other machines: an API key is needed (XUEBA_API_KEY or --api-key-file)`,
      `${host} 会让别的机器也能访问：必须设置 API 密钥（环境变量 XUEBA_API_KEY 或 --api-key-file）`,
    )
  const { vocabSize } = model.config
  const context = usualContext(model.config)
  const slots = options.slots ?? slotsOf(model, context)
  const session = createSession(model, slots, context, { exact: true, prefill: PREFILL })
  const metrics = createMetrics()
  const batcher = createBatcher(session, tokenizer, queue, metrics)
  const longest = tokenizer.vocabulary.tokens.reduce((most, token) => Math.max(most, token.length), 1)
  const served = { id, tokenizer, tree: tokenTree(tokenizer), vocabSize, context, longest, chats, slots }
  let draining = false
  const app = createApp({
    served,
    batcher,
    metrics,
    fingerprint: `xueba-${version()}`,
    apiKey,
    loopback,
    origins,
    timeout: timeout * 1000,
    draining: () => draining,
  })
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: Math.min(10, arrival) * 1000,
      requestTimeout: arrival * 1000, // its answer's end is not counted
      connectionsCheckingInterval: 500,
      keepAliveTimeout: 5000,
    },
  }) as Server
  server.maxConnections = MOST_CONNECTIONS
  server.timeout = (timeout + 30) * 1000 // nothing read or written: a client that has stopped reading
  try {
    await listen(server, port, host)
  } catch (error) {
    session.free()
    throw error
  }
  const at = server.address() as AddressInfo
  return {
    url: `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`,
    slots,
    async close() {
      draining = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await batcher.idle()
      // The last answers are being written; connections are closed as they are done, and cut off after two seconds.
      const sweeping = setInterval(() => server.closeIdleConnections(), 20)
      const timer = setTimeout(() => server.closeAllConnections(), 2000)
      await closed
      clearInterval(sweeping)
      clearTimeout(timer)
      session.free()
    },
    abort: () => server.closeAllConnections(),
  }
}

/** As many as the cache of 1 GiB holds, 64 at most. */
function slotsOf({ config: { layers, kvHeads, headDim } }: Model, context: number): number {
  const bytes = layers * kvHeads * headDim * context * 2 * 4
  return Math.max(1, Math.min(MOST_SLOTS, Math.floor(CACHE_BYTES / bytes)))
}
