/** Starts a trainer on a run directory and shows its events until it ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import {
  commandName,
  followEvents,
  lockedBy,
  readEvents,
  type RunEvent,
  runFiles,
  sendControl,
  UserError,
} from '../run/index.ts'
import { sizeOf } from '../run/lines.ts'
import { sentenceOf } from './errors.ts'
import { createLive } from './live.ts'
import { language, say } from './language.ts'

export interface TrainerOptions {
  strict?: boolean
  /** Take over what a run in the same folder has made already. */
  share?: boolean
  /** Print events as JSON lines instead of sentences. */
  json?: boolean
}

/** One press of Ctrl-C may arrive several times, from the terminal and from npm: repeats within this time are no second press. */
const SAME_PRESS = 1000 // ms

/** What Node is given to be a trainer: its script, the run, and where requests begin to count. */
function trainerArguments(run: string): string[] {
  const script = join(import.meta.dirname, `trainer${extname(import.meta.filename)}`)
  return [script, run, String(sizeOf(runFiles(run).control))]
}

/** A trainer that outlives whoever started it; what it says before its log is open goes to a file. */
export function launchTrainer(run: string, stderr: string): void {
  const file = openSync(stderr, 'a')
  const child = spawn(process.execPath, [...trainerArguments(run), '--share'], {
    detached: true,
    stdio: ['ignore', 'ignore', file],
    env: { ...process.env, XUEBA_LANG: language() },
  })
  closeSync(file)
  child.on('error', (error) => writeFileSync(stderr, String(error)))
  child.unref()
}

/** Exit code of the command: 0 done, 1 failed, 2 the recipe is damaged, 130 stopped by Ctrl-C. */
export async function watchTrainer(
  run: string,
  { strict = false, share = false, json = false }: TrainerOptions = {},
): Promise<number> {
  const files = runFiles(run)
  const other = lockedBy(files.lock)
  if (other !== undefined)
    throw new UserError(
      `a trainer (pid ${other}) is at work in ${run}; wait for it, or stop it first`,
      `${run} 里已有一个训练进程（pid ${other}）在工作；请等它结束，或先让它停下`,
    )
  const begin = readEvents(files.events).events.at(-1)?.seq ?? -1
  const flags = [...(strict ? ['--strict'] : []), ...(share ? ['--share'] : [])]
  const child = spawn(process.execPath, [...trainerArguments(run), ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, XUEBA_LANG: language() },
  })
  let complaints = ''
  child.stderr.on('data', (data: Buffer) => (complaints = (complaints + data.toString()).slice(-4000)))
  const ended = once(child, 'exit').then(([code]) => code as number | null)

  const note = (text: string) => (json ? console.error(text) : live.note(text))
  let pressed: number | undefined
  const interrupt = () => {
    const now = performance.now()
    if (pressed !== undefined) return void (now - pressed > SAME_PRESS && child.kill('SIGKILL'))
    pressed = now
    try {
      sendControl(files.control, { type: 'stop' })
      note(
        say({
          en: 'stopping after this step; everything is saved (Ctrl-C again: at once)',
          zh: '做完这一步就停，进度都会保存（再按一次 Ctrl-C 立刻结束）',
        }),
      )
    } catch (error) {
      note(sentenceOf(error) ?? String(error))
    }
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)

  const live = createLive()
  const over = new AbortController()
  void ended.then(() => setTimeout(() => over.abort(), 150))
  let last: RunEvent | undefined
  for await (const event of followEvents(files.events, over.signal)) {
    if (event.seq <= begin) continue
    last = event
    if (json) console.log(JSON.stringify(event))
    else live.show(event)
  }
  live.end()
  const code = await ended
  process.off('SIGINT', interrupt)
  process.off('SIGTERM', interrupt)
  if (code === 0) return 0
  if (code === 3) return 130
  if (code === 2) {
    console.error(complaints.trim())
    return 2
  }
  if (last?.type !== 'failed')
    console.error(
      complaints.trim() || say({ en: `the trainer ended (code ${code})`, zh: `训练进程意外结束（代码 ${code}）` }),
    )
  const command = `${commandName()} run --resume --out ${run}`
  console.error(say({ en: `go on with: ${command}`, zh: `之后可以接着跑：${command}` }))
  return 1
}
