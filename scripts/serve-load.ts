/**
 * `npm run study -- serve`: a server in a process of its own under load: tokens a second with 1, 8 and 64 clients, then 64 clients
 * that stream, wait, ask for JSON or walk away, for minutes: does memory grow, does anything fail? Without `--model` a random model
 * of the quickstart's size is served. The clients run on the same machine and take their share of it.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { configOfDepth } from '../src/nn/index.ts'
import { anyEngine, tinyModel, writeModelFolder } from '../src/stages/tiny.test-helper.ts'

const CLIENTS = [1, 8, 64]
const MEASURE_SECONDS = 10
const MAX_TOKENS = 64
const root = join(import.meta.dirname, '..')

interface Counts {
  answers: number
  tokens: number
  abandoned: number
  errors: Map<string, number>
  /** Milliseconds. */
  first: number[]
  whole: number[]
}

const noCounts = (): Counts => ({ answers: 0, tokens: 0, abandoned: 0, errors: new Map(), first: [], whole: [] })

type Manner = 'stream' | 'whole' | 'json' | 'abandon'
const MIX: Manner[] = ['stream', 'stream', 'stream', 'stream', 'stream', 'whole', 'whole', 'json', 'json', 'abandon']

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer' },
    tags: { type: 'array', items: { enum: ['a', 'b'] } },
  },
  required: ['name', 'age', 'tags'],
}

/** One request, counted. */
async function ask(url: string, model: string, number: number, manner: Manner, counts: Counts): Promise<void> {
  const from = performance.now()
  const stream = manner === 'stream' || manner === 'abandon'
  const body = {
    model,
    messages: [{ role: 'user', content: `${number} ${'how much is it? '.repeat(number % 5)}` }],
    max_tokens: MAX_TOKENS,
    seed: number,
    ...(stream ? { stream, stream_options: { include_usage: true } } : {}),
    ...(manner === 'json' ? { response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } } : {}),
  }
  const left = new AbortController()
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: left.signal,
    })
    if (response.status !== 200) throw new Error(`status ${response.status}`)
    let text = ''
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      if (text === '') counts.first.push(performance.now() - from)
      text += part
      if (manner === 'abandon' && text.includes('"content":"')) {
        left.abort()
        counts.abandoned++
        return
      }
    }
    const usage = /"completion_tokens":(\d+)/.exec(text)
    if (!usage) throw new Error('an answer without its usage')
    if (manner === 'json') JSON.parse((JSON.parse(text) as any).choices[0].message.content)
    counts.answers++
    counts.tokens += Number(usage[1])
    counts.whole.push(performance.now() - from)
  } catch (error) {
    const name = error instanceof Error ? error.message : String(error)
    counts.errors.set(name, (counts.errors.get(name) ?? 0) + 1)
  }
}

/** So many clients that ask again as soon as they are answered. */
async function load(
  url: string,
  model: string,
  clients: number,
  seconds: number,
  mix: readonly Manner[],
): Promise<Counts> {
  const counts = noCounts()
  const end = performance.now() + seconds * 1000
  let number = 0
  const one = async () => {
    while (performance.now() < end) {
      const mine = number++
      await ask(url, model, mine, mix[mine % mix.length]!, counts)
    }
  }
  await Promise.all(Array.from({ length: clients }, one))
  return counts
}

const quantile = (values: number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? 0
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`

async function gauge(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

/** Prints what it measures; resolves with the number of errors. */
export async function studyServe(minutes: number, given: string | undefined): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'xueba-serve-'))
  const model = given ?? join(folder, 'random')
  if (!given) {
    const engine = await anyEngine()
    await writeModelFolder(model, tinyModel(engine, configOfDepth(2, 1024, 512)))
    await engine.close()
  }
  const child = spawn(process.execPath, [join(root, 'src/cli/main.ts'), 'serve', model, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, XUEBA_LANG: 'en' },
  })
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let said = ''
      child.stdout.on('data', (data: Buffer) => {
        said += data.toString()
        const found = /(http:\S+)\/v1/.exec(said)
        if (found) resolve(found[1]!)
      })
      child.on('exit', (code) => reject(new Error(`the server ended with ${code}`)))
    })
    const id = basename(model)
    let failures = 0
    console.log(
      '| clients, streaming | tokens/s | first byte p50, p95 | answer p50, p95 | errors |\n|---|---|---|---|---|',
    )
    for (const clients of CLIENTS) {
      const { tokens, first, whole, errors } = await load(url, id, clients, MEASURE_SECONDS, ['stream'])
      const failed = [...errors.values()].reduce((a, b) => a + b, 0)
      failures += failed
      const ms = (values: number[]) => `${quantile(values, 0.5).toFixed(0)}, ${quantile(values, 0.95).toFixed(0)} ms`
      console.log(`| ${clients} | ${(tokens / MEASURE_SECONDS).toFixed(0)} | ${ms(first)} | ${ms(whole)} | ${failed} |`)
    }
    const memory: number[] = []
    const heap: number[] = []
    const look = async () => {
      memory.push(await gauge(url, 'process_resident_memory_bytes'))
      heap.push(await gauge(url, 'xueba_heap_bytes'))
    }
    const watching = new AbortController()
    const watch = (async () => {
      for (;;) {
        await look()
        await sleep(minutes * 6000, undefined, { signal: watching.signal })
      }
    })().catch(() => {})
    const mixed = await load(url, id, CLIENTS.at(-1)!, minutes * 60, MIX)
    watching.abort()
    await watch
    await sleep(1000)
    const left = (await gauge(url, 'xueba_batch')) + (await gauge(url, 'xueba_queue'))
    await look()
    const list = [...mixed.errors].map(([name, count]) => `${count} × ${name}`).join('; ') || 'none'
    failures += [...mixed.errors.values()].reduce((a, b) => a + b, 0) + left
    console.log(`
${CLIENTS.at(-1)} clients, ${minutes} min, mixed: ${mixed.answers} answers, ${mixed.abandoned} abandoned, ${(mixed.tokens / minutes / 60).toFixed(0)} tokens/s;
errors: ${list}; sequences left behind: ${left};
resident memory: ${memory.map(megabytes).join(', ')};
heap: ${heap.map(megabytes).join(', ')}`)
    return failures
  } finally {
    child.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
}
