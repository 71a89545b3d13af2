/**
 * trainer.pid: at most one trainer writes in a run directory.
 *
 * The lock is a file that names its owner; it appears whole (a hard link, which fails when the name is taken). An owner is alive when its
 * process is there with the same start time on the same boot of the machine, so that a reused pid locks nobody out and `kill -9` needs no
 * cleaning up. Where there is no /proc, the pid alone decides. Left out: two machines on one network file system.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { codeOf, explainFull, UserError } from './errors.ts'

interface Owner {
  pid: number
  /** When the process started, in clock ticks since boot; null where it cannot be known. */
  started: string | null
  /** Names this boot of the machine. */
  boot: string | null
}

export interface Lock {
  release(): void
}

/** Takes the lock, from a dead owner if need be; refuses with the pid of a live one. */
export function takeLock(path: string): Lock {
  const mine = JSON.stringify(ownerOf(process.pid))
  const draft = `${path}.${process.pid}.tmp`
  for (;;) {
    try {
      writeFileSync(draft, mine)
      linkSync(draft, path)
      return { release: () => release(path, mine) }
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw explainFull(error, path, path)
    } finally {
      rmSync(draft, { force: true })
    }
    const found = read(path)
    if (found === undefined) continue // released in the meantime
    const owner = parse(found)
    if (owner && isAlive(owner)) throw refusal(path, owner.pid)
    removeStale(path, found)
  }
}

/** The pid of the live trainer, if there is one. */
export function lockedBy(path: string): number | undefined {
  const owner = parse(read(path) ?? '')
  return owner && isAlive(owner) ? owner.pid : undefined
}

function refusal(path: string, pid: number): UserError {
  return new UserError(
    `a trainer (process ${pid}) is already working on this run (${path}); stop it, or wait for it.`,
    `这个运行目录里已经有一个训练进程（进程号 ${pid}）在工作（${path}）。请先停掉它，或者等它结束。`,
  )
}

/** Moves a dead owner's file aside; puts it back when, in between, someone else had already taken over. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}.${process.pid}.stale.tmp`
  try {
    renameSync(path, aside)
    if (read(aside) !== stale) linkSync(aside, path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

function release(path: string, mine: string): void {
  if (read(path) === mine) rmSync(path, { force: true })
}

function isAlive(owner: Owner): boolean {
  const now = ownerOf(owner.pid)
  if (now.boot !== owner.boot) return false
  if (now.boot !== null) return now.started !== null && now.started === owner.started
  try {
    process.kill(owner.pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** It does not change while a process lives. */
const BOOT = read('/proc/sys/kernel/random/boot_id')?.trim() ?? null

function ownerOf(pid: number): Owner {
  // Field 22 of proc(5) stat; the second field, a name in brackets, may itself contain brackets and blanks.
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const zombie = fields?.[0] === 'Z' || fields?.[0] === 'X'
  return { pid, started: zombie ? null : (fields?.[19] ?? null), boot: BOOT }
}

function parse(text: string): Owner | undefined {
  try {
    const { pid, started = null, boot = null } = JSON.parse(text) as Partial<Owner>
    return Number.isSafeInteger(pid) && pid! > 0 ? { pid: pid!, started, boot } : undefined
  } catch {
    return undefined
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined
    throw error
  }
}
