/**
 * Trainers that the studio starts: processes of their own, detached, so that they outlive the page, the tab and the server. Whether one is at
 * work is the lock's to say, never what the studio remembers: a run started in a terminal is the same to it.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { lockedBy, runFiles, sendControl, UserError } from '../../run/index.ts'
import type { ControlRequest } from '../../run/index.ts'
import type { RunState } from './stream.ts'

/** Starts a trainer on a run directory, in a process of its own, its stderr going to a file. */
export type Launch = (folder: string, stderr: string) => void

/** What a trainer says before its log is open. */
const STDERR = '.trainer.stderr.tmp'
/** Longer than any trainer needs from its start to its lock, ms. */
const STARTING = 10_000

export interface Trainers {
  state(folder: string): RunState
  start(folder: string): void
  ask(folder: string, request: ControlRequest): void
}

export function createTrainers(launch: Launch): Trainers {
  const started = new Map<string, number>()
  const ownerOf = (folder: string) => lockedBy(runFiles(folder).lock)
  const locked = (folder: string) => ownerOf(folder) !== undefined
  const isStarting = (folder: string) => Date.now() - (started.get(folder) ?? 0) < STARTING
  const complaintOf = (folder: string): string | null => {
    const path = join(folder, STDERR)
    const said = existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
    return said === '' ? null : said.slice(-2000)
  }
  return {
    state(folder) {
      const complaint = complaintOf(folder)
      const owner = ownerOf(folder)
      if (owner === undefined) return { running: complaint === null && isStarting(folder), complaint, memory: null }
      started.delete(folder)
      return { running: true, complaint: null, memory: memoryOf(owner) }
    },
    start(folder) {
      if (locked(folder) || (isStarting(folder) && complaintOf(folder) === null))
        throw new UserError('a trainer is already at work on this run', '这个运行里已经有一个训练进程在工作')
      const stderr = join(folder, STDERR)
      rmSync(stderr, { force: true })
      started.set(folder, Date.now())
      launch(folder, stderr)
    },
    ask(folder, request) {
      if (!locked(folder)) throw new UserError('no trainer is at work on this run', '这个运行里没有训练进程在工作')
      sendControl(runFiles(folder).control, request)
    },
  }
}

const MEBIBYTE = 2 ** 20

/** What a process holds in memory, in whole tens of MiB so that a stream need not say it every second; proc(5), statm: pages of 4 KiB. */
function memoryOf(pid: number): number | null {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
    return Math.round((pages * 4096) / (10 * MEBIBYTE)) * 10 * MEBIBYTE
  } catch {
    return null
  }
}
