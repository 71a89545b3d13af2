import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { lockedBy, takeLock } from './lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-lock-'))
afterAll(() => rmSync(folder, { recursive: true }))
const program = `
  import { takeLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))}
  try { takeLock(process.argv[1]); console.log('taken') } catch (error) { console.log(error.message) }
  setInterval(() => {}, 1000)`

/** Another process that tries to take the lock; what it says, and a way to kill it. */
async function other(path: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const kill = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { pid: child.pid!, said: said.toString().trim(), kill }
}

it('refuses a second owner with the pid of the first, and opens when released', () => {
  const path = join(folder, 'a.pid')
  const lock = takeLock(path)
  expect(lockedBy(path)).toBe(process.pid)
  expect(() => takeLock(path)).toThrow(`process ${process.pid}`)
  lock.release()
  expect(lockedBy(path)).toBeUndefined()
  takeLock(path).release()
  expect(existsSync(path)).toBe(false)
})

it('is held by a living process and lost by a killed one', async () => {
  const path = join(folder, 'b.pid')
  const first = await other(path)
  expect(first.said).toBe('taken')
  expect(() => takeLock(path)).toThrow(`process ${first.pid}`)
  await first.kill()
  takeLock(path).release()
})

it('takes over from a pid that now is another process', () => {
  const path = join(folder, 'c.pid')
  const lock = takeLock(path)
  const mine = JSON.parse(readFileSync(path, 'utf8')) as { started: string | null }
  lock.release()
  if (mine.started === null) return // no /proc here
  writeFileSync(path, JSON.stringify({ ...mine, started: '1' }))
  takeLock(path).release()
})

it('takes over from a damaged file', () => {
  const path = join(folder, 'd.pid')
  writeFileSync(path, '{"pid":')
  takeLock(path).release()
})

it('lets exactly one of many take over', async () => {
  const path = join(folder, 'e.pid')
  const dead = await other(path)
  await dead.kill()
  const all = await Promise.all(Array.from({ length: 6 }, () => other(path)))
  const owner = all.filter(({ said }) => said === 'taken')
  expect(owner.length).toBe(1)
  expect(lockedBy(path)).toBe(owner[0]!.pid)
  await Promise.all(all.map(({ kill }) => kill()))
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
})
