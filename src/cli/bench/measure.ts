/** What every benchmark does alike: warns when the machine is busy, lets rivals take turns, takes medians, measures the machine. */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine, Precision, Program } from '../../tensor/index.ts'
import { say } from '../language.ts'

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2
}

/** The load of the last minute; a sentence on stderr when something else is running. */
export function warnIfBusy(): number {
  const [load] = loadavg() as [number, number, number]
  if (load > 0.7)
    console.error(
      say({
        en: `the machine is not idle (load ${load.toFixed(1)}): figures will be low`,
        zh: `机器不空闲（负载 ${load.toFixed(1)}），数字会偏低`,
      }),
    )
  return load
}

/** Threads of a rival that has just ended spin for a while before they sleep (OpenBLAS's some 20 ms), on the cores of the next one. */
const PAUSE = 60 // ms

/**
 * Seconds of each rival in each round, A B A B …. Rivals return the seconds they took; each runs once before it is timed, for cores that
 * have slept are slow to wake.
 */
export async function takeTurns(rounds: number, rivals: readonly (() => Promise<number>)[]): Promise<number[][]> {
  const seconds: number[][] = rivals.map(() => [])
  for (let round = 0; round < rounds; round++)
    for (const [i, rival] of rivals.entries()) {
      await sleep(PAUSE)
      await rival()
      seconds[i]!.push(await rival())
    }
  return seconds
}

/** Seconds of one run of a program, taken over as many runs as last `least` seconds. */
export async function secondsOf(engine: Engine, program: Program, least = 0.02): Promise<number> {
  const begin = performance.now()
  for (let runs = 1; ; runs++) {
    program.run()
    await engine.settle()
    const seconds = (performance.now() - begin) / 1000
    if (seconds >= least) return seconds / runs
  }
}

/**
 * FLOP/s of multiplications in registers, on all threads of the engine, over as many runs as last `least` seconds. 0 without such a unit.
 * A core's clock falls within 20 ms of full work and moves with its neighbours': a share of the peak needs a peak measured in the
 * same moment, and for as long as what it is compared with.
 */
export function peakFlops(engine: Engine, precision: Precision, least = 0.02): number {
  const run = engine.backend.peakFlops
  if (!run) return 0
  const begin = performance.now()
  for (let flops = 0; ;) {
    flops += run(500_000, precision)
    const seconds = (performance.now() - begin) / 1000
    if (seconds >= least) return flops / seconds
  }
}

/** Bytes a second that copying moves (read and written both counted), far beyond the caches: the best of `times`. */
export async function copyBandwidth(engine: Engine, times = 5): Promise<number> {
  const floats = 1 << 26
  const [from, to] = [engine.full([floats], 1), engine.full([floats], 2)]
  const program = engine.capture(() => engine.enqueue('copy', [from, to], [floats]))
  let best = 0
  for (let i = 0; i <= times; i++) best = Math.max(best, (8 * floats) / (await secondsOf(engine, program, 0)))
  program.free()
  from.free()
  to.free()
  return best
}
