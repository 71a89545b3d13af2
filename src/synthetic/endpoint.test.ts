/** An endpoint that misbehaves in every way that servers do. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { openAnswers, type Answers } from './answers.ts'
import { openBudget, openPace } from './budget.ts'
import { type EndpointOptions, endpointOf, openEndpoint } from './endpoint.ts'
import { type FakeEndpoint, fakeClock, faults, openFake } from './fake.test-helper.ts'
import { Refused, type Turn } from './speaker.ts'

const KEY = 'sk-very-secret'
const turn: Turn = { topic: 'rivers', messages: [], length: 2, language: 'en', seed: 7 }
let fake: FakeEndpoint
let folder: string
let answers: Answers
beforeAll(async () => {
  fake = await openFake()
})
afterAll(() => fake.close())
beforeEach(() => {
  fake.asked = []
  fake.headers = []
  fake.faults = []
  folder = mkdtempSync(join(tmpdir(), 'xueba-endpoint-'))
  answers = openAnswers(join(folder, 'answers.jsonl'))
  return () => {
    answers.close()
    rmSync(folder, { recursive: true })
  }
})

function open(options: Partial<EndpointOptions> = {}, perMinute = 6e7, limits = {}) {
  const clock = fakeClock()
  const retries: string[] = []
  const budget = openBudget(limits, { requests: 0, tokens: 0 })
  const speaker = openEndpoint(
    { baseUrl: fake.baseUrl, model: 'm', key: KEY, temperature: 0.8, maxTokens: 64, timeout: 5000, ...options },
    { answers, budget, pace: openPace(perMinute, clock), clock, onRetry: (why) => retries.push(why) },
  )
  return { speaker, clock, retries, budget }
}

it('asks as OpenAI wants to be asked, once for each message, and remembers what it paid', async () => {
  const { speaker, budget } = open({ body: { top_p: 0.9, temperature: null } })
  const first = await speaker.say(turn)
  expect(fake.asked[0]).toMatchObject({ model: 'm', max_tokens: 64, seed: 7, top_p: 0.9 })
  expect(fake.asked[0]).not.toHaveProperty('temperature')
  expect(fake.headers[0]!.authorization).toBe(`Bearer ${KEY}`)
  expect(await speaker.say(turn)).toEqual(first)
  expect(fake.asked).toHaveLength(1)
  expect(budget.spent).toEqual({ requests: 1, tokens: 50 })
  await speaker.say({ ...turn, seed: 8 })
  expect(fake.asked).toHaveLength(2)
})

it.each([
  ['a 500', faults.status(500), /500/],
  ['a 429', faults.status(429, {}, { error: { message: 'slow down' } }), /429: slow down/],
  ['a cut answer', faults.cut, /terminated|closed|aborted/],
  ['malformed JSON', faults.malformed, /no chat completion: \{"choices"/],
  ['no choices', faults.strange, /no chat completion/],
])('asks again after %s', async (_, fault, why) => {
  fake.faults = [fault, fault]
  const { speaker, clock, retries } = open()
  expect((await speaker.say(turn)).text).toMatch(/^The /)
  expect(fake.asked).toHaveLength(3)
  expect(retries).toHaveLength(2)
  expect(retries[0]).toMatch(why)
  // 1 and 2 seconds, each with a jitter of up to a half less
  const [a, b] = clock.slept.filter((ms) => ms > 10)
  expect(a).toBeGreaterThanOrEqual(500)
  expect(a).toBeLessThanOrEqual(1000)
  expect(b).toBeGreaterThanOrEqual(1000)
  expect(b).toBeLessThanOrEqual(2000)
})

it('waits as long as the server says, and gives up politely when that is too long', async () => {
  fake.faults = [faults.status(429, { 'Retry-After': '17' })]
  const { speaker, clock } = open()
  await speaker.say(turn)
  const longest = Math.max(...clock.slept)
  expect(longest).toBeGreaterThanOrEqual(17_000)
  expect(longest).toBeLessThanOrEqual(18_000)
  fake.faults = [faults.status(429, { 'Retry-After': '3600' })]
  await expect(speaker.say({ ...turn, seed: 8 })).rejects.toThrow(/come back in 60 minutes/)
})

it('gives up after six tries, and loses nothing', async () => {
  fake.faults = Array.from({ length: 6 }, () => faults.status(503))
  const { speaker, budget } = open()
  await expect(speaker.say(turn)).rejects.toThrow(/no answer in 6 tries: 503/)
  expect(budget.spent.requests).toBe(0)
  expect((await speaker.say(turn)).text).toMatch(/^The /)
})

it('a silent server counts as broken after the timeout', async () => {
  fake.faults = [faults.silent]
  const { speaker, retries } = open({ timeout: 150 })
  await speaker.say(turn)
  expect(retries).toEqual(['no whole answer within 0.15 s'])
})

it('an endpoint that is down is said to be down', async () => {
  const gone = await openFake()
  await gone.close()
  await expect(open({ baseUrl: gone.baseUrl }).speaker.say(turn)).rejects.toThrow(/6 tries: .*ECONNREFUSED/)
})

it.each([
  [400, Refused, /400: bad words/],
  [401, Error, /refuses this key \(401: bad words/],
  [402, Error, /no credit left/],
  [404, Error, /answered 404: bad words. Is the address right/],
])('status %s is no reason to ask again', async (status, kind, message) => {
  fake.faults = [faults.status(status, {}, { error: { message: 'bad words' } })]
  const said = open().speaker.say(turn)
  await expect(said).rejects.toThrow(message)
  await expect(said).rejects.toBeInstanceOf(kind)
  expect(fake.asked).toHaveLength(1)
})

it('a quota that is used up is no rate limit', async () => {
  fake.faults = [faults.status(429, {}, { error: { message: 'you are out', code: 'insufficient_quota' } })]
  await expect(open().speaker.say(turn)).rejects.toThrow(/no credit left \(429: you are out\)/)
})

it('nothing that a server sends back carries the key further', async () => {
  fake.faults = [faults.status(401, {}, { error: { message: `Incorrect API key: ${KEY}` } })]
  const refused = await open()
    .speaker.say(turn)
    .catch((error: Error) => error.message)
  expect(refused).toMatch(/Incorrect API key: \*\*\*/)
  fake.faults = [faults.status(500, {}, `echo ${KEY}`)]
  const { speaker, retries } = open()
  await speaker.say(turn)
  expect(retries).toEqual(['500: echo ***'])
  expect(readFileSync(join(folder, 'answers.jsonl'), 'utf8')).not.toContain(KEY)
})

it('keeps to the pace and to the limits', async () => {
  const { speaker, clock } = open({}, 30)
  for (let seed = 1; seed <= 3; seed++) await speaker.say({ ...turn, seed })
  expect(clock.slept).toEqual([2000, 2000])
  const limited = open({}, 6e7, { requests: 1 }).speaker
  await limited.say({ ...turn, seed: 4 })
  await limited.say({ ...turn, seed: 4 }) // known
  await expect(limited.say({ ...turn, seed: 5 })).rejects.toThrow(/limit of requests/)
  const poor = open({}, 6e7, { tokens: 100 }).speaker
  await expect(poor.say({ ...turn, seed: 6 })).rejects.toThrow(/limit of tokens/)
})

it('takes addresses with and without their ends, and refuses what is none', () => {
  const url = 'https://api.example.com/v1/chat/completions'
  for (const address of ['https://api.example.com/v1', 'https://api.example.com/v1/', url])
    expect(endpointOf(address)).toEqual({ url, host: 'api.example.com' })
  expect(() => endpointOf('api.example.com/v1')).toThrow(/no http\(s\) address/)
  expect(() => endpointOf('https://me:secret@example.com/v1')).toThrow(/password in the address/)
})
