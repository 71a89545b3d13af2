/** The studio's server over HTTP: what it shows, what it does, and what it refuses. Trainers are stood in for by functions. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventBody, readRun, takeLock } from '../../run/index.ts'
import { listRecordings, MOST_RECORDED, readRecording, recordingFile, unpackRecording } from './recording.ts'
import { openStudio, type StudioServer } from './studio.ts'

const base = mkdtempSync(join(tmpdir(), 'xueba-studio-'))
const runs = join(base, 'runs')
const site = join(base, 'site')
const shipped = join(import.meta.dirname, '../../../studio/public/recordings')
process.env.XDG_CACHE_HOME = join(base, 'cache')
const launched: string[] = []
let server: StudioServer

function makeRun(name: string, lines: object[] = []): string {
  const folder = join(runs, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'recipe.yaml'),
    'name: made\nlanguage: en\nseed: 1\nstages:\n  - kind: corpus\n    name: corpus\n',
  )
  const log = lines.map((line, seq) => `${JSON.stringify({ seq, attempt: 1, time: 0, ...line })}\n`).join('')
  writeFileSync(join(folder, 'events.jsonl'), log)
  return folder
}
const metric = (value: number) => ({ type: 'metric', name: 'loss', value, step: 1, stage: '03-pretrain' })

beforeAll(async () => {
  mkdirSync(runs)
  mkdirSync(join(site, 'assets'), { recursive: true })
  writeFileSync(join(site, 'index.html'), '<!doctype html><title>studio</title>')
  writeFileSync(join(site, 'assets/a-1.js'), 'export {}')
  symlinkSync(shipped, join(site, 'recordings'))
  server = await openStudio({
    runs,
    host: '127.0.0.1',
    port: 0,
    site,
    launch: (folder) => void launched.push(folder),
    async prepare(folder, { name }) {
      makeRun(name)
      expect(folder).toBe(join(runs, name))
    },
  })
})
afterAll(async () => {
  await server.close()
  rmSync(base, { recursive: true })
})

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${server.url}${path}`, { headers })
function send(path: string, body: unknown, method = 'POST') {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const options: RequestInit = { method, headers: { 'Content-Type': 'application/json' }, body: text }
  return fetch(`${server.url}${path}`, options)
}
/** With headers and paths that fetch would not send. */
const raw = (path: string, headers: Record<string, string> = {}) =>
  new Promise<number>((resolve, reject) => {
    const { port } = new URL(server.url)
    const asked = request({ host: '127.0.0.1', port, path, headers }, (answer) => {
      answer.resume()
      resolve(answer.statusCode!)
    })
    asked.on('error', reject)
    asked.end()
  })

interface Message {
  event: string
  id: string | undefined
  data: any
}
/** Reads a stream of events until `enough` says so. */
async function watch(path: string, enough: (messages: Message[]) => boolean, headers: Record<string, string> = {}) {
  const stopping = new AbortController()
  const response = await fetch(`${server.url}${path}`, { headers, signal: stopping.signal })
  const messages: Message[] = []
  let text = ''
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    text += part
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
      if (field('event')) messages.push({ event: field('event')!, id: field('id'), data: JSON.parse(field('data')!) })
    }
    if (enough(messages)) break
  }
  stopping.abort()
  return messages
}

describe('events', () => {
  it('come as a fold first, then one by one as they are written', async () => {
    const folder = makeRun('live', [metric(3), metric(2)])
    let written = false
    const messages = await watch('/api/runs/live/events', (all) => {
      // Only once the fold is out; a torn line is not there yet.
      const line = JSON.stringify({ seq: 2, attempt: 1, time: 0, ...metric(1) })
      if (!written) appendFileSync(join(folder, 'events.jsonl'), `${line}\n{"torn`)
      written = true
      return all.some(({ event }) => event === 'event')
    })
    expect(messages[0]).toMatchObject({ event: 'fold', id: '1' })
    expect(messages[0]!.data.series[0].values).toEqual([3, 2])
    expect(messages.at(-1)).toMatchObject({ event: 'event', id: '2', data: { value: 1 } })
    expect(messages.find(({ event }) => event === 'state')?.data.running).toBe(false)
  })

  it('go on from an event id without repeating or losing any', async () => {
    makeRun('again', [metric(4), metric(3), metric(2), metric(1)])
    const headers = { 'Last-Event-ID': '1' }
    const messages = await watch('/api/runs/again/events', (all) => all.length >= 3, headers)
    expect(messages.filter(({ event }) => event === 'event').map(({ id }) => id)).toEqual(['2', '3'])
    expect(messages.some(({ event }) => event === 'fold')).toBe(false)
    const ahead = await watch('/api/runs/again/events', (all) => all.length >= 1, { 'Last-Event-ID': '99' })
    expect(ahead[0]!.event).toBe('fold')
  })

  it('of a log made anew are not those of the old one', async () => {
    makeRun('anew', [metric(5), metric(4), metric(3)])
    await watch('/api/runs/anew/events', (all) => all.length > 0)
    makeRun('anew', [metric(9)])
    const messages = await watch('/api/runs/anew/events', (all) => all.length > 0)
    expect(messages[0]!.data.series[0].values).toEqual([9])
  })

  it('that are damaged are passed over', async () => {
    const folder = makeRun('damaged', [metric(1)])
    appendFileSync(
      join(folder, 'events.jsonl'),
      `not json\nnull\n[]\n{"type":3,"seq":1}\n${JSON.stringify({ ...metric(2), seq: 1, attempt: 1 })}\n`,
    )
    const messages = await watch('/api/runs/damaged/events', (all) => all.length > 0)
    expect(messages[0]!.data.series[0].values).toEqual([1, 2])
  })
})

describe('control', () => {
  it('asks the trainer at work, and starts one where there is none', async () => {
    const folder = makeRun('controlled')
    expect((await send('/api/runs/controlled/control', { type: 'pause' })).status).toBe(400)
    expect((await send('/api/runs/controlled/control', { type: 'start' })).status).toBe(200)
    expect(launched).toEqual([folder])
    expect((await send('/api/runs/controlled/control', { type: 'start' })).status).toBe(400) // it is starting
    const lock = takeLock(join(folder, 'trainer.pid'))
    for (const type of ['pause', 'resume', 'stop'])
      expect((await send('/api/runs/controlled/control', { type })).status).toBe(200)
    const asked = readFileSync(join(folder, 'control.jsonl'), 'utf8').trim().split('\n')
    expect(asked.map((line) => JSON.parse(line).type)).toEqual(['pause', 'resume', 'stop'])
    expect((await send('/api/runs/controlled', { confirm: 'controlled' }, 'DELETE')).status).toBe(400) // at work
    lock.release()
  })

  it('deletes a run only when its name is typed', async () => {
    const folder = makeRun('doomed')
    expect((await send('/api/runs/doomed', { confirm: 'Doomed' }, 'DELETE')).status).toBe(400)
    expect(existsSync(folder)).toBe(true)
    expect((await send('/api/runs/doomed', { confirm: 'doomed' }, 'DELETE')).status).toBe(200)
    expect(existsSync(folder)).toBe(false)
  })

  it('starts a recipe under a fresh name, and says what a form may ask', async () => {
    const form = await (await get('/api/recipes/tiny')).json()
    const steps = form.stages
      .find((s: { kind: string }) => s.kind === 'pretrain')
      .fields.find((f: { key: string }) => f.key === 'steps')
    expect(steps).toMatchObject({ type: 'integer', value: 600 })
    const body = { recipe: 'tiny', name: 'fresh', language: 'en' }
    const made = await send('/api/runs', body)
    expect([made.status, await made.json()]).toEqual([201, { id: 'fresh' }])
    expect(launched.at(-1)).toBe(join(runs, 'fresh'))
    const again = await send('/api/runs', body)
    expect(again.status).toBe(400)
    expect((await again.json()).error.zh).toMatch(/已经有/)
    for (const name of ['../out', 'a/b', '.hidden', '', 'x'.repeat(200), 'a\u0000b'])
      expect((await send('/api/runs', { ...body, name })).status).toBe(400)
  })
})

describe('safety', () => {
  it('run names do not leave the runs folder', async () => {
    const outside = join(base, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'recipe.yaml'), 'name: x\nlanguage: en\nstages:\n  - { kind: corpus, name: corpus }\n')
    symlinkSync(outside, join(runs, 'link'))
    for (const name of ['..%2Foutside', '%2e%2e%2foutside', 'link', '@..%2f..%2foutside', '@none', 'none', '%00'])
      expect(await raw(`/api/runs/${name}`)).toBe(404)
    const listed = (await (await get('/api/runs')).json()) as { id: string }[]
    expect(listed.map(({ id }) => id)).not.toContain('link')
  })

  it('other hosts, other origins and other sites get nothing', async () => {
    const { host } = new URL(server.url)
    expect(await raw('/api/runs', { Host: 'evil.example' })).toBe(403)
    expect(await raw('/', { Host: 'evil.example' })).toBe(403)
    expect(await raw('/api/runs', { Host: host, Origin: 'http://evil.example' })).toBe(403)
    expect(await raw('/api/runs', { Host: host, Origin: 'null' })).toBe(403)
    expect(await raw('/api/runs', { Host: host, 'Sec-Fetch-Site': 'cross-site' })).toBe(403)
    expect(await raw('/api/runs', { Host: host, Origin: `http://${host}`, 'Sec-Fetch-Site': 'same-origin' })).toBe(200)
    expect(await raw('/', { Host: host, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' })).toBe(200)
    expect(await raw('/api/runs', { Host: host, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' })).toBe(
      403,
    )
  })

  it('plain text, oversized and malformed bodies are refused', async () => {
    const text = await fetch(`${server.url}/api/runs`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain' },
      body: '{}',
    })
    expect(text.status).toBe(415)
    expect((await send('/api/runs', `"${'x'.repeat(1 << 21)}"`)).status).toBe(413)
    expect((await send('/api/runs', '{')).status).toBe(400)
    expect((await send('/api/runs', { recipe: 'tiny', name: 'a', language: 'fr' })).status).toBe(400)
    expect((await send('/api/runs', { recipe: 'tiny', name: 'a', language: 'en', extra: 1 })).status).toBe(400)
  })

  it('the page may run its own scripts and WebAssembly, and nothing else', async () => {
    const page = await get('/chat?run=live')
    const policy = page.headers.get('content-security-policy')!
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';")
    expect(policy).not.toContain('unsafe-inline')
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect((await get('/assets/none.js')).status).toBe(404)
    expect((await get('/assets/../index.html')).status).toBe(200)
    expect((await get('/assets/a-1.js')).headers.get('cache-control')).toContain('immutable')
  })

  it('a host that others reach wants its token', async () => {
    const open = await openStudio({
      runs,
      host: '0.0.0.0',
      port: 0,
      site,
      token: 'secret',
      launch() {},
      async prepare() {},
    })
    const { port } = new URL(open.url)
    const at = `http://127.0.0.1:${port}`
    expect(open.url).toContain('?token=secret')
    expect((await fetch(`${at}/api/runs`)).status).toBe(401)
    expect((await fetch(`${at}/?token=wrong`)).status).toBe(401)
    const visit = await fetch(`${at}/map?run=a&token=secret`, { redirect: 'manual' })
    expect([visit.status, visit.headers.get('location')]).toEqual([302, '/map?run=a'])
    const cookie = visit.headers.get('set-cookie')!
    expect(cookie).toMatch(/HttpOnly/)
    expect(cookie).toMatch(/SameSite=Strict/)
    expect((await fetch(`${at}/api/runs`, { headers: { Cookie: cookie.split(';')[0]! } })).status).toBe(200)
    await open.close()
  })
})

describe.each(['quickstart-zh', 'quickstart-en'])('the recording %s', (name) => {
  it('is small, whole, and unpacks into a finished run', async () => {
    expect(listRecordings(shipped)).toContain(name)
    const file = recordingFile(shipped, name)
    expect(readFileSync(file).length).toBeLessThanOrEqual(MOST_RECORDED)
    const files = readRecording(file)
    const log = files.find(({ path }) => path === 'events.jsonl')
    const lines = 'text' in log! ? log.text.trimEnd().split('\n') : []
    expect(lines.length).toBeGreaterThan(500)
    for (const line of lines) eventBody.parse(JSON.parse(line))
    const run = await readRun(await unpackRecording(shipped, name))
    expect(run.stages.every(({ manifest }) => manifest)).toBe(true)
    expect(run.language).toBe(name.slice(-2))
  })

  it('can be looked at and talked with, and not be changed', async () => {
    const at = `/api/runs/@${name}`
    const rollouts = await (await get(`${at}/rollouts?step=1`)).json()
    expect(rollouts.groups[0].answers.length).toBeGreaterThan(1)
    const later = await (await get(`${at}/rollouts?step=${rollouts.steps.at(-1)}`)).json()
    expect(later.groups.every(({ step }: { step: number }) => step === rollouts.steps.at(-1))).toBe(true)
    const dropped = await (await get(`${at}/documents?rule=near-duplicate&count=20`)).json()
    expect(dropped.rows).toHaveLength(20)
    const twins = dropped.rows.map(
      ({ detail }: { detail: string }) => /in common with the cluster of (\S+)/.exec(detail)![1]!,
    )
    const found = await Promise.all(
      twins.map(async (id: string) => (await get(`${at}/document?id=${encodeURIComponent(id)}`)).ok),
    )
    expect(found).not.toContain(false)
    expect((await (await get(`${at}/examples`)).json()).length).toBeGreaterThan(3)

    const models = (await (await get(at)).json()).models as { id: string }[]
    expect(models.map(({ id }) => id)).toEqual(['03-pretrain', '04-sft', '05-rl'])
    const chat = { messages: [{ role: 'user', content: '12+13=？' }], temperature: 0, maxTokens: 24 }
    const answers = await Promise.all(
      models.map(async ({ id }) => (await send(`${at}/chat`, { ...chat, model: id })).text()),
    )
    for (const answer of answers) {
      const lines = answer
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(lines[0].type).toBe('start')
      const tokens = lines.slice(1)
      expect(tokens.at(-1).finish).toMatch(/stop|length/)
      expect(tokens[0].alternatives[0].id).toBe(tokens[0].id) // at temperature 0
    }
    // Going on from another token: the answer is what follows.
    const first = JSON.parse(answers[2]!.split('\n')[1]!)
    const other = first.alternatives[1].id
    const branch = await (await send(`${at}/chat`, { ...chat, model: '05-rl', prefix: [other] })).text()
    expect(JSON.parse(branch.split('\n')[0]!).promptTokens).toBe(
      JSON.parse(answers[2]!.split('\n')[0]!).promptTokens + 1,
    )
    expect((await send(`${at}/chat`, { ...chat, model: '05-rl', prefix: [999999] })).status).toBe(400)
    expect((await send(`${at}/chat`, { ...chat, model: '../05-rl' })).status).toBe(404)

    const next = await (await send(`${at}/next`, { model: '03-pretrain', text: 'a' })).json()
    const sum = next.tokens.reduce(
      (all: number, { probability }: { probability: number }) => all + probability,
      next.rest,
    )
    expect(sum).toBeCloseTo(1, 4)
    const score = await (await send(`${at}/score`, { model: '03-pretrain', text: 'a b c' })).json()
    expect(score.tokens.length).toBeGreaterThan(2)

    expect((await send(`${at}/control`, { type: 'start' })).status).toBe(400)
    expect((await send(at, { confirm: `@${name}` }, 'DELETE')).status).toBe(400)
  })

  it('tells the life of a document: its page, its text, and the line that decided', async () => {
    const at = `/api/runs/@${name}`
    const livesOf = async (query: string) => {
      const { rows } = await (await get(`${at}/documents?${query}`)).json()
      return Promise.all(
        rows.map(async ({ id }: { id: string }) => (await get(`${at}/life?id=${encodeURIComponent(id)}`)).json()),
      )
    }
    const metrics = JSON.parse(
      readFileSync(join(await unpackRecording(shipped, name), '01-corpus/manifest.json'), 'utf8'),
    ).metrics as Record<string, number>
    const repeats = Object.keys(metrics).find((key) => /^rejected\.gopher-repetition.*grams$/.test(key))!
    const dropped = await livesOf(`count=20&rule=${repeats.slice('rejected.'.length)}`)
    expect(dropped.every(({ html }) => html.includes('<body>'))).toBe(true)
    // The recording was made by an older version: some pages would pass today.
    const decided = dropped.flatMap(({ steps, rule, text }) =>
      steps.flatMap(({ checks }: { checks: { rule: string; passes: boolean; quote: string }[] }) =>
        checks.filter((check) => check.rule === rule && !check.passes).map((check) => ({ ...check, text })),
      ),
    )
    expect(decided.length).toBeGreaterThan(5)
    for (const { quote, text, value, threshold } of decided) {
      expect(text).toContain(quote.replace(/…$/, ''))
      expect(value).toBeGreaterThan(threshold)
    }

    const kept = await livesOf('count=20')
    expect(kept.every(({ rule }) => rule === null)).toBe(true)
    expect(kept.filter(({ html }) => html !== null).length).toBeGreaterThan(5)
    expect((await get(`${at}/life?id=nobody`)).status).toBe(404)
  })

  it('is compared with another, in both languages', async () => {
    const { runs, zh, en } = await (await get(`/api/compare?runs=@quickstart-zh,@quickstart-en`)).json()
    expect(runs).toEqual(['@quickstart-zh', '@quickstart-en'])
    expect(zh.length).toBe(en.length)
    expect(en[0].rows[0]).toEqual({ label: 'recipe', cells: ['quickstart', 'quickstart'] })
    expect(zh[0].rows[0].label).toBe('食谱')
    expect((await get(`/api/compare?runs=@${name}`)).status).toBe(400)
    expect((await get(`/api/compare?runs=@${name},../x`)).status).toBe(404)
  })

  it('has drafts to rank; those that were passed over do not come again', async () => {
    const drafts = await (await send(`/api/runs/@${name}/rank/drafts`, { model: '04-sft' })).json()
    expect(drafts.drafts.length).toBeGreaterThanOrEqual(2)
    const others = await (await send(`/api/runs/@${name}/rank/drafts`, { model: '04-sft', skipped: 1 })).json()
    expect(others.drafts).not.toEqual(drafts.drafts)
    const label = { prompt: drafts.prompt, drafts: drafts.drafts, ranks: [] }
    expect((await send(`/api/runs/@${name}/rank`, label)).status).toBe(400)
  })
})

it('shows the tables of a reward model and of best-of-n, and that a base model does not get tired', async () => {
  const folder = makeRun('judged')
  writeFileSync(
    join(folder, 'recipe.yaml'),
    'name: made\nlanguage: en\nstages:\n  - { kind: reward-model, name: judge }\n',
  )
  expect(await (await get('/api/runs/judged/judge')).json()).toEqual({ calibration: {}, best: {} })
  mkdirSync(join(folder, '01-judge'))
  writeFileSync(join(folder, '01-judge/calibration.json'), '{"pairs":3}')
  expect(await (await get('/api/runs/judged/judge')).json()).toEqual({
    calibration: { '01-judge': { pairs: 3 } },
    best: {},
  })
  expect((await send('/api/runs/@quickstart-en/tired', { model: '03-pretrain' })).status).toBe(400)
})

it('a damaged recording is an error that names it', () => {
  const file = join(base, 'bad.jsonl.gz')
  for (const text of [
    '',
    '{"path":"../x","text":""}',
    '{"path":"/etc/x","text":""}',
    '{"path":"a","tensors":{"w":{"shape":[1],"q8":"?"}}}',
  ]) {
    writeFileSync(file, gzipSync(text))
    expect(() => readRecording(file)).toThrow(/bad\.jsonl\.gz/)
  }
  writeFileSync(file, 'no gzip')
  expect(() => readRecording(file)).toThrow(/bad\.jsonl\.gz/)
})
