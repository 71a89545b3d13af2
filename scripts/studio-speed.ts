/**
 * `npm run study -- studio`: what the studio costs. How long a log of 200,000 events takes to open (from the request to the whole fold, and again
 * from a warm server), how large the fold is; and how much speed a trainer of the quickstart's model loses to the server with one event stream
 * attached, no browser, on the same cores, and the server's processor time meanwhile.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readEvents, runFiles, sendControl } from '../src/run/index.ts'

const root = join(import.meta.dirname, '..')
const EVENTS = 200_000
const PORT = 5199

export async function studyStudio(pairs: number): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'xueba-studio-speed-'))
  const runs = join(base, 'runs')
  mkdirSync(runs, { recursive: true })
  try {
    writeLog(join(runs, 'long'))
    const server = await serve(runs)
    for (const which of ['first', 'again']) {
      const from = performance.now()
      const bytes = await firstFold(`http://127.0.0.1:${PORT}/api/runs/long/events`)
      console.log(`${EVENTS} events, ${which}: ${Math.round(performance.now() - from)} ms, ${bytes} bytes of fold`)
    }
    server.kill('SIGTERM')
    await once(server, 'exit')

    const { ratios, server: used } = await watchedRatios(base, pairs)
    const sorted = ratios.toSorted((x, y) => x - y)
    const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!.toFixed(4)
    console.log(
      `a trainer's speed watched over unwatched, ${pairs} pairs of ${SEGMENT} s: median ${at(0.5)}, quartiles ${at(0.25)} and ${at(0.75)}; the server took ${(100 * used).toFixed(2)} % of a core; load ${loadavg()[0]!.toFixed(1)}`,
    )
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

/** A log as a long run writes it: progress and a metric a step, a sample and a checkpoint now and then. */
function writeLog(folder: string): void {
  mkdirSync(folder)
  writeFileSync(
    join(folder, 'recipe.yaml'),
    'name: long\nlanguage: en\nseed: 1\nstages:\n  - kind: pretrain\n    name: pretrain\n',
  )
  const lines: string[] = []
  const add = (body: object) =>
    lines.push(
      JSON.stringify({ ...body, seq: lines.length, attempt: 1, time: 1.7e12 + lines.length, stage: '01-pretrain' }),
    )
  add({ type: 'stage-started', kind: 'pretrain', name: 'pretrain' })
  for (let step = 1; lines.length < EVENTS; step++) {
    const loss = 5 / Math.sqrt(step) + 0.1 * Math.sin(step)
    add({
      type: 'progress',
      step,
      steps: EVENTS / 2,
      loss,
      tokensPerSecond: 26_000 + (step % 97),
      etaSeconds: 1,
      peakShare: 0.4,
    })
    add({ type: 'metric', name: 'gradNorm', value: 1 + Math.cos(step), step, split: 'train' })
    if (step % 500 === 0) add({ type: 'sample', prompt: 'Once', text: 'upon a time '.repeat(12), step })
    if (step % 500 === 0) add({ type: 'checkpoint', step, folder: `step-${step}` })
  }
  writeFileSync(join(folder, 'events.jsonl'), `${lines.join('\n')}\n`)
}

const xueba = (args: string[]) =>
  spawn(process.execPath, [join(root, 'src/cli/main.ts'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })

async function serve(runs: string) {
  const child = xueba(['studio', '--port', String(PORT), '--runs', runs])
  await once(child.stdout!, 'data')
  return child
}

/** Bytes up to the end of the first message. */
async function firstFold(url: string): Promise<number> {
  const stopping = new AbortController()
  const response = await fetch(url, { signal: stopping.signal })
  let bytes = 0
  for await (const part of response.body!) {
    bytes += part.length
    if (Buffer.from(part).includes('\n\n')) break
  }
  stopping.abort()
  return bytes
}

/** Seconds that the server is awake, or stopped. The first second of each is not looked at. */
const SEGMENT = 5
const STEPS = 100_000

/**
 * One trainer with the quickstart's model on the embedded town, one server, one stream of events. Every few seconds the server is stopped (SIGSTOP)
 * or goes on, so that what else a machine does in minutes falls on both alike.
 */
async function watchedRatios(base: string, pairs: number): Promise<{ ratios: number[]; server: number }> {
  const runs = join(base, 'watched')
  mkdirSync(runs)
  const server = await serve(runs)
  const options = { 'model.depth': 2, 'stages.pretrain.steps': STEPS }
  const never = { 'stages.pretrain.evaluateEvery': STEPS, 'stages.pretrain.checkpointEvery': STEPS }
  const sizes = Object.entries({ ...options, ...never }).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const trainer = xueba(['run', 'tiny', '--out', join(runs, 'run'), ...sizes])
  trainer.stdout!.resume()
  const ended = once(trainer, 'exit')
  const stopping = new AbortController()
  void drain(`http://127.0.0.1:${PORT}/api/runs/run/events`, stopping.signal)
  const { events, control } = runFiles(join(runs, 'run'))
  const progress = () =>
    readEvents(events).events.flatMap((event) =>
      event.type === 'progress' && event.stage === '03-pretrain' ? [event] : [],
    )
  while ((progress().at(-1)?.step ?? 0) < 200) {
    if (trainer.exitCode !== null) throw new Error('the trainer ended early')
    await sleep(500)
  }
  const segments: { watched: boolean; from: number; to: number }[] = []
  let used = 0
  for (let n = 0; n < 2 * pairs; n++) {
    const watched = n % 4 === 0 || n % 4 === 3 // A B B A
    server.kill(watched ? 'SIGCONT' : 'SIGSTOP')
    await sleep(1000)
    const before = processorSeconds(server)
    const from = Date.now()
    await sleep(1000 * (SEGMENT - 1))
    segments.push({ watched, from, to: Date.now() })
    if (watched) used += processorSeconds(server) - before
  }
  server.kill('SIGCONT')
  sendControl(control, { type: 'stop' })
  await ended
  stopping.abort()
  server.kill('SIGTERM')
  await once(server, 'exit')
  const all = progress()
  const speeds = segments.map(({ watched, from, to }) => {
    const inside = all.filter(({ time }) => time >= from && time <= to)
    const [first, last] = [inside[0]!, inside.at(-1)!]
    return { watched, speed: (last.step - first.step) / (last.time - first.time) }
  })
  const ratios = Array.from({ length: pairs }, (_, i) => {
    const pair = speeds.slice(2 * i, 2 * i + 2)
    return pair.find(({ watched }) => watched)!.speed / pair.find(({ watched }) => !watched)!.speed
  })
  return { ratios, server: used / (pairs * (SEGMENT - 1)) }
}

/** Fields 14 and 15 of proc(5) stat, in hundredths; 0 where there is no /proc. */
function processorSeconds(process: { pid?: number | undefined } | undefined): number {
  const path = `/proc/${process?.pid}/stat`
  if (!existsSync(path)) return 0
  const fields = readFileSync(path, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Reads a stream of events until told to stop; the run may not be there yet. */
async function drain(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const response = await fetch(url, { signal })
      if (response.ok) for await (const _ of response.body!) void _
    } catch {
      // not there yet, or told to stop
    }
    await sleep(200)
  }
}
