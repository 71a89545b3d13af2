/** A server on this machine that answers chat completions, and misbehaves on request; and a clock that does not wait. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from './budget.ts'
import type { Instruction } from './prompts.ts'

export interface Body {
  model: string
  messages: Instruction[]
  seed: number
  temperature: number
  max_tokens?: number
}

type Fault = (response: ServerResponse, body: Body) => void

export interface FakeEndpoint {
  baseUrl: string
  /** Bodies of all requests, in order. */
  asked: Body[]
  headers: IncomingMessage['headers'][]
  /** What is answered when nothing goes wrong. */
  reply: (body: Body, number: number) => string
  /** How the next requests go wrong, one each. */
  faults: Fault[]
  /** ms before every answer. */
  delay: number
  close(): Promise<void>
}

export async function openFake(): Promise<FakeEndpoint> {
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (part) => (text += String(part)))
    request.on('end', () => {
      const body = JSON.parse(text) as Body
      fake.asked.push(body)
      fake.headers.push(request.headers)
      const fault = fake.faults.shift()
      if (fault) return fault(response, body)
      setTimeout(() => response.end(answerOf(fake.reply(body, fake.asked.length))), fake.delay)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const fake: FakeEndpoint = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked: [],
    headers: [],
    reply: (body, number) => sentence(body, number),
    faults: [],
    delay: 0,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
  return fake
}

/** A different sentence for every request, which nobody would filter. */
export function sentence({ seed, messages }: Body, number = 0): string {
  const words = ['river', 'bread', 'window', 'garden', 'letter', 'music', 'winter', 'market', 'stone', 'harbour']
  const pick = (i: number) => words[(seed + 7 * i + messages.length) % words.length]!
  return `The ${pick(1)} and the ${pick(2)} of number ${seed}-${messages.length} are with the ${pick(3)} in the ${pick(4)}${number < 0 ? '' : '.'}`
}

export const answerOf = (content: string | null, finish = 'stop') =>
  JSON.stringify({
    id: 'x',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finish }],
    usage: { prompt_tokens: 40, completion_tokens: 10, total_tokens: 50 },
  })

export const faults = {
  status:
    (status: number, headers: Record<string, string> = {}, body: object | string = ''): Fault =>
    (response) =>
      void response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body)),
  /** Half of an answer, then the connection is gone. */
  cut: ((response) => {
    response.writeHead(200, { 'Content-Length': 1000 })
    response.write('{"choices": [{"message": {"content": "half')
    setTimeout(() => response.destroy(), 20)
  }) as Fault,
  malformed: ((response) => response.end('{"choices": [{"message": <html>')) as Fault,
  strange: ((response) => response.end('{"choices": []}')) as Fault,
  silent: (() => {}) as Fault,
  finish:
    (finish: string, text: string | null): Fault =>
    (response) =>
      void response.end(answerOf(text, finish)),
}

/** Time passes only by sleeping. */
export function fakeClock(): Clock & { slept: number[] } {
  let time = Date.UTC(2026, 0, 1)
  const slept: number[] = []
  return {
    slept,
    now: () => time,
    sleep(ms) {
      slept.push(ms)
      time += ms
      return Promise.resolve()
    },
  }
}
