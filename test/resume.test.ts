/**
 * A run killed with SIGKILL at random moments, or with a full disk, and resumed each time, ends with the same bits as one that was
 * left alone. XUEBA_KILLS and XUEBA_KILL_RECIPE make the long study of it: XUEBA_KILLS=20 XUEBA_KILL_RECIPE=full npm test -- test/resume
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dropSuperseded, readEvents, runFiles } from '../src/run/index.ts'
import { random } from '../src/tensor/random.ts'
import { startXueba, trainerOf, weightsOf, xueba } from './run.test-helper.ts'

const kills = Number(process.env.XUEBA_KILLS ?? 3)
const short = [
  'stages.pretrain.steps=60',
  'stages.pretrain.checkpointEvery=10',
  'stages.pretrain.evaluateEvery=30',
  'stages.sft.steps=30',
  'stages.sft.checkpointEvery=8',
  'stages.sft.evaluateEvery=15',
  'stages.rl.steps=9',
  'stages.rl.checkpointEvery=3',
  'stages.rl.evaluateEvery=5',
]
const settings = process.env.XUEBA_KILL_RECIPE === 'full' ? [] : short.flatMap((s) => ['--set', s])
const LONG = 30 * 60_000

/** False when the process had just ended by itself. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

describe('resume', () => {
  // Each run in a folder of its own: beside another it would take over what that one has made.
  const folder = mkdtempSync(join(tmpdir(), 'xueba-resume-'))
  let expected: Record<string, string>
  let seconds = 0

  beforeAll(async () => {
    const begin = performance.now()
    const alone = await xueba(['run', 'tiny', '--out', join(folder, 'alone', 'run'), ...settings])
    expect(alone.err).toBe('')
    expect(alone.code).toBe(0)
    seconds = (performance.now() - begin) / 1000
    expected = await weightsOf(join(folder, 'alone', 'run'))
    expect(Object.keys(expected)).toEqual(['pretrain', 'sft', 'rl'])
  }, LONG)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it(`survives kill -9 at ${kills} random moments`, { timeout: LONG }, async () => {
    let run = join(folder, 'killed', 'run')
    const draw = random(Number(process.env.XUEBA_KILL_SEED ?? 1), 'kill -9')
    let args = ['run', 'tiny', '--out', run, ...settings]
    let killed = 0
    let before: number | undefined
    for (let attempt = 0; killed < kills && attempt < 4 * kills; attempt++) {
      const child = startXueba(args)
      const working = () => child.exitCode === null
      // The lock of the trainer that was killed last is still there: wait for that of the new one.
      while (working() && (trainerOf(run) === undefined || trainerOf(run) === before)) await sleep(5)
      before = trainerOf(run)
      await Promise.race([child.finished, sleep(1000 * draw.uniform() * seconds)])
      if (before !== undefined && kill(before)) killed++
      await child.finished
      args = ['run', '--resume', '--out', run]
      if (killed < kills && (await weightsOf(run)).rl) {
        expect(await weightsOf(run)).toEqual(expected) // it came to its end: begin anew
        run = join(folder, `killed-${attempt}`, 'run')
        args = ['run', 'tiny', '--out', run, ...settings]
        before = undefined
      }
    }
    console.log(`killed ${killed} times`)
    expect(killed).toBe(kills)
    const last = await xueba(args)
    expect(last.err).toBe('')
    expect(last.code).toBe(0)
    expect(await weightsOf(run)).toEqual(expected)
    const events = dropSuperseded(readEvents(runFiles(run).events).events)
    const steps = events
      .filter((e) => e.type === 'metric' && e.split === 'heldout' && e.stage === '03-pretrain')
      .map((e) => ('step' in e ? e.step : 0))
    expect(steps).toEqual([...steps].sort((a, b) => a! - b!)) // one history, nothing twice
  })

  it('refuses a second trainer, naming the first', { timeout: LONG }, async () => {
    const run = join(folder, 'twice', 'run')
    const child = startXueba(['run', 'tiny', '--out', run, ...settings])
    while (trainerOf(run) === undefined) await sleep(20)
    const second = await xueba(['run', '--resume', '--out', run])
    expect(second.code).toBe(1)
    expect(second.err).toMatch(new RegExp(`pid ${trainerOf(run)}`))
    child.kill('SIGTERM') // asks the trainer to stop and save
    expect((await child.finished).code).toBe(130)
    expect((await xueba(['run', '--resume', '--out', run])).code).toBe(0)
    expect(await weightsOf(run)).toEqual(expected)
  })

  it('survives a full disk', { timeout: LONG }, async (context) => {
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      return context.skip('mounting a tmpfs needs root')
    }
    try {
      const run = join(disk, 'run')
      const full = await xueba(['run', 'tiny', '--out', run, ...settings])
      expect(full.code).toBe(1)
      expect(full.out + full.err).toMatch(/disk is full/)
      execFileSync('mount', ['-o', 'remount,size=200m', disk])
      expect((await xueba(['run', '--resume', '--out', run])).code).toBe(0)
      expect(await weightsOf(run)).toEqual(expected)
    } finally {
      execFileSync('umount', ['-l', disk])
    }
  })
})
