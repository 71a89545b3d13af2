/** `xueba synthesize` as a user starts it: against a server of ours, against one that is killed under it, and killed itself. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTiny, until } from '../src/server/tiny.test-helper.ts'
import { type FakeEndpoint, faults, openFake } from '../src/synthetic/fake.test-helper.ts'
import { startXueba, xueba } from './run.test-helper.ts'

const home = mkdtempSync(join(tmpdir(), 'xueba-synthesize-'))
const KEY = 'sk-never-to-be-seen'
let fake: FakeEndpoint
beforeAll(async () => {
  fake = await openFake()
})
afterAll(async () => {
  await fake.close()
  rmSync(home, { recursive: true, force: true })
})

const lines = (path: string) => readFileSync(path, 'utf8').split('\n').slice(0, -1)
const ask = (out: string, ...more: string[]) => [
  'synthesize',
  '--out',
  out,
  '--base-url',
  fake.baseUrl,
  '--model',
  'm',
  '--requests-per-minute',
  '100000',
  ...more,
]

it('goes on after kill -9 without paying twice, and ends with the same dialogues', async () => {
  const [killed, whole] = [join(home, 'killed'), join(home, 'whole')]
  const options = ['--count', '30', '--min-turns', '2', '--turns', '2', '--concurrency', '3', '--json']
  fake.delay = 5
  expect((await xueba(ask(whole, ...options), { OPENAI_API_KEY: KEY })).code).toBe(0)
  const needed = fake.asked.length
  expect(needed).toBe(120)

  fake.asked = []
  fake.delay = 20
  const child = startXueba(ask(killed, ...options), { OPENAI_API_KEY: KEY })
  await until(() => Promise.resolve(fake.asked.length >= 40), 60_000)
  child.kill('SIGKILL')
  await child.finished
  const paid = lines(join(killed, 'answers.jsonl')).length
  expect(paid).toBeGreaterThan(30)
  expect(existsSync(join(killed, 'dialogues.jsonl'))).toBe(false)
  const atKill = fake.asked.length
  expect(atKill - paid).toBeLessThanOrEqual(3) // what was under way

  fake.delay = 0
  fake.faults = [faults.status(429, { 'Retry-After': '0' }), faults.cut, faults.malformed]
  const again = await xueba(ask(killed, ...options), { OPENAI_API_KEY: KEY })
  expect(again.code, again.err).toBe(0)
  expect(fake.asked.length - atKill).toBe(needed - paid + 3)
  const done = JSON.parse(again.out.trim().split('\n').at(-1)!) as Record<string, unknown>
  expect(done).toMatchObject({ type: 'done', written: 30, answers: needed, reused: paid, retries: 3 })
  const said = (folder: string) =>
    lines(join(folder, 'dialogues.jsonl')).map((line) => (JSON.parse(line) as { messages: unknown }).messages)
  expect(said(killed)).toEqual(said(whole))
  expect(said(killed).length).toBeGreaterThan(20)
  for (const folder of [killed, whole])
    for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file), 'utf8')).not.toContain(KEY)
  expect(again.out + again.err).not.toContain(KEY)
}, 120_000)

it('stops at its limits, and says what it would ask for before it asks', async () => {
  const out = join(home, 'limited')
  const before = fake.asked.length
  const dry = await xueba(ask(out, '--count', '10', '--min-turns', '3', '--dry-run', '--json'))
  expect(JSON.parse(dry.out)).toMatchObject({ type: 'estimate', dialogues: 10, requests: 60, paid: { requests: 0 } })
  expect(fake.asked.length).toBe(before)
  const topics = join(home, 'topics.txt')
  writeFileSync(topics, 'rivers\n')
  const limited = await xueba(ask(out, '--count', '10', '--topics', topics, '--max-requests', '9'))
  expect(limited.code, limited.err).toBe(0)
  expect(limited.out).toMatch(/limit of requests is reached, \d+ dialogues are missing/)
  expect(lines(join(out, 'answers.jsonl'))).toHaveLength(9)
})

it('writes with a model of our own server', async () => {
  const server = await openTiny({ apiKey: KEY })
  try {
    const out = join(home, 'served')
    const args = ['--base-url', `${server.url}/v1`, '--model', 'tiny', '--max-tokens', '24', '--count', '2']
    const refused = await xueba(['synthesize', '--out', out, ...args])
    expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/refuses requests without a key \(401/) })
    const {
      code,
      out: said,
      err,
    } = await xueba(['synthesize', '--out', out, ...args, '--json'], { MY_KEY: KEY, OPENAI_API_KEY: '' })
    expect(code, err).toBe(1) // the key is elsewhere
    const served = await xueba(['synthesize', '--out', out, ...args, '--json', '--key-env', 'MY_KEY'], { MY_KEY: KEY })
    expect(served.code, served.err + said).toBe(0)
    // A random model says nothing that would be kept: every reject has its reason.
    const summary = JSON.parse(served.out.trim().split('\n').at(-1)!) as Record<string, any>
    expect(summary).toMatchObject({ written: 2, stopped: null })
    expect(summary.kept + lines(join(out, 'rejected.jsonl')).length).toBe(2)
    const row = JSON.parse(lines(join(out, 'rejected.jsonl'))[0]!) as Record<string, any>
    expect(row.provenance).toMatchObject({ model: 'tiny', endpoint: new URL(server.url).host, language: 'en' })
  } finally {
    await server.close()
  }
}, 60_000)

it('says what is wrong with the command, in both languages', async () => {
  const out = join(home, 'wrong')
  const wrong = async (args: string[], env = {}) => (await xueba(['synthesize', ...args], env)).err
  expect(await wrong([])).toMatch(/where to\?/)
  expect(await wrong(['--out', out, '--base-url', fake.baseUrl])).toMatch(/which model\?/)
  expect(await wrong(['--out', out, '--base-url', 'nowhere', '--model', 'm'])).toMatch(/no http\(s\) address/)
  expect(await wrong(['--out', out, '--topics', 'x'], { XUEBA_LANG: 'zh' })).toMatch(/内置的老师只知道小镇上的事/)
  expect(await wrong(ask(out, '--body', '[1]').slice(1))).toMatch(/no JSON object/)
}, 60_000)
