/** A server over a small random model with a token for each byte, and raw sockets to it. */
import { connect } from 'node:net'
import OpenAI from 'openai'
import { createModel, type Model, type ModelConfig } from '../nn/index.ts'
import { byteTokenizer, tinyConfig } from '../stages/tiny.test-helper.ts'
import { openFast } from '../tensor/fast.test-helper.ts'
import { Engine, openReference, random } from '../tensor/index.ts'
import { openServer, type ServeOptions } from './server.ts'

export interface TinyServer {
  url: string
  client: OpenAI
  model: Model
  /** The value of a metric, its labels written out; 0 when it is not there yet. */
  metric(name: string): Promise<number>
  /** Posts JSON; the status, and the body parsed. */
  post(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: any; headers: Headers }>
  close(): Promise<void>
}

export const KEY = 'a-key-for-tests'

export async function openTiny(
  options: Partial<ServeOptions> = {},
  config: Partial<ModelConfig> = {},
): Promise<TinyServer> {
  const engine = (await openFast('native', 1)) ?? (await openFast('wasm', 1)) ?? new Engine(openReference())
  const model = createModel(engine, { ...tinyConfig, maxPositions: 4096, ...config }, { trainable: false })
  const draw = random(1, 'server')
  model.slab.weights.write(Float32Array.from({ length: model.slab.weights.size }, () => 0.15 * draw.normal()))
  const settings = { id: 'tiny', chats: true, host: '127.0.0.1', port: 0, apiKey: null, origins: [], slots: 8 }
  const server = await openServer(model, byteTokenizer(), { ...settings, queue: 8, timeout: 30, ...options })
  const headers = { Authorization: `Bearer ${options.apiKey ?? KEY}` }
  return {
    url: server.url,
    model,
    client: new OpenAI({ baseURL: `${server.url}/v1`, apiKey: options.apiKey ?? KEY, maxRetries: 0 }),
    async metric(name) {
      const text = await (await fetch(`${server.url}/metrics`, { headers })).text()
      const line = text.split('\n').find((one) => one.startsWith(`${name} `))
      return Number(line?.slice(name.length) ?? 0)
    },
    async post(path, body, more = {}) {
      const response = await fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json', ...more },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
      return { status: response.status, body: await response.json(), headers: response.headers }
    },
    async close() {
      await server.close()
      await engine.close()
    },
  }
}

/** A request that takes thousands of tokens, whatever the model draws. */
export const endless = {
  model: 'tiny',
  messages: [{ role: 'user' as const, content: 'x' }],
  response_format: {
    type: 'json_schema' as const,
    json_schema: { name: 'flags', schema: { type: 'array', items: { type: 'boolean' }, minItems: 600 } },
  },
}

/** Sends bytes as they are; resolves with all that came back when the other side closes, or at `until`. */
export function raw(url: string, parts: readonly (string | number)[], until?: RegExp): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let said = ''
    socket.on('data', (data) => {
      said += data.toString('latin1')
      if (until?.test(said)) socket.destroy()
    })
    socket.on('close', () => resolve(said))
    socket.on('error', (error) => (said === '' && !until ? reject(error) : resolve(said)))
    void (async () => {
      for (const part of parts) {
        if (typeof part === 'string') socket.write(part)
        else await new Promise((done) => setTimeout(done, part)) // milliseconds
      }
    })()
  })
}

/** The head of a POST with a body of this many bytes. */
export const head = (path: string, length: number | string, more = '') =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`

/** Waits until it holds. */
export async function until(condition: () => Promise<boolean>, milliseconds = 5000): Promise<void> {
  for (const end = performance.now() + milliseconds; !(await condition());) {
    if (performance.now() > end) throw new Error('it never came to hold')
    await new Promise((done) => setTimeout(done, 20))
  }
}
