/**
 * `npm run study -- studio`: what the studio costs. How long a log of 200,000 events takes to open (from the request to the whole fold, and again
 * from a warm server), how large the fold is; and how much speed a trainer loses to the server with one event stream attached, no browser, on the
 * same cores: pairs of runs, without and with, in turns.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
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

    const ratios: number[] = []
    for (let pair = 0; pair < pairs; pair++) {
      const speeds: Record<string, number> = {}
      for (const watched of pair % 2 === 0 ? [false, true] : [true, false])
        speeds[watched ? 'watched' : 'alone'] = await trainingSpeed(base, `speed-${pair}-${watched}`, watched)
      ratios.push(speeds.watched! / speeds.alone!)
      console.log(
        `pair ${pair + 1}: ${JSON.stringify(speeds)}, ratio ${ratios.at(-1)!.toFixed(4)}, load ${loadavg()[0]!.toFixed(1)}`,
      )
    }
    const sorted = ratios.toSorted((a, b) => a - b)
    console.log(
      `median ratio ${sorted[sorted.length >> 1]!.toFixed(4)}, from ${sorted[0]!.toFixed(4)} to ${sorted.at(-1)!.toFixed(4)}`,
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

/** Median tokens a second of the pre-training of `tiny`, all but the first progress events. */
async function trainingSpeed(base: string, name: string, watched: boolean): Promise<number> {
  const runs = join(base, name) // alone in there: beside its twin it would take over what that one made
  const folder = join(runs, name)
  mkdirSync(runs)
  const server = watched ? await serve(runs) : undefined
  const trainer = xueba(['run', 'tiny', '--out', folder, '--set', 'stages.pretrain.steps=3000'])
  trainer.stdout!.resume()
  const ended = once(trainer, 'exit')
  const stopping = new AbortController()
  if (watched) void drain(`http://127.0.0.1:${PORT}/api/runs/${name}/events`, stopping.signal)
  const { events, control } = runFiles(folder)
  for (;;) {
    await new Promise((resume) => setTimeout(resume, 1000))
    const done = readEvents(events).events.some(({ type, stage }) => type === 'stage-done' && stage === '03-pretrain')
    if (done) break
    if (trainer.exitCode !== null) throw new Error(`${name} ended early`)
  }
  sendControl(control, { type: 'stop' })
  await ended
  stopping.abort()
  if (server) {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  const speeds = readEvents(events).events.flatMap((event) =>
    event.type === 'progress' && event.stage === '03-pretrain' && event.tokensPerSecond ? [event.tokensPerSecond] : [],
  )
  const sorted = speeds.slice(2).sort((a, b) => a - b)
  return sorted[sorted.length >> 1]!
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
    await new Promise((resume) => setTimeout(resume, 200))
  }
}
