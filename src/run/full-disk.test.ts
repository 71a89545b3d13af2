/** A run on a disk that really is full: a tmpfs of 512 kB in a mount namespace of its own. Skipped where the system allows none. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'xueba-full-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a program (an ES module) with the small disk mounted over `folder`; its last line is JSON. */
function onSmallDisk(program: string) {
  const mounted = `mount -t tmpfs -o size=512k tmpfs "$1" && exec "$2" --input-type=module -e "$3" "$1"`
  const args = ['-rm', 'sh', '-c', mounted, 'sh', folder, process.execPath, program]
  return spawnSync('unshare', args, { encoding: 'utf8' })
}
const possible = process.platform === 'linux' && onSmallDisk('').status === 0

it.skipIf(!possible)('keeps the log whole and the earlier checkpoints, and goes on when there is room', () => {
  const { stdout, stderr } = onSmallDisk(`
    import { rmSync, writeFileSync } from 'node:fs'
    import { join } from 'node:path'
    import { latestCheckpoint, saveCheckpoint } from ${JSON.stringify(join(import.meta.dirname, 'checkpoint.ts'))}
    import { openEvents, readEvents } from ${JSON.stringify(join(import.meta.dirname, 'events.ts'))}
    const disk = process.argv[1], log = join(disk, 'events.jsonl'), checkpoints = join(disk, 'checkpoints'), said = []
    const save = (step) => saveCheckpoint(checkpoints, { step, seq: step, state: {}, files: { weights: new Uint8Array(120_000) } })
    const attempt = async (what) => { try { await what() } catch (error) { said.push(error.message.split(':')[0]) } }
    const events = openEvents(log)
    const sample = () => events.emit({ type: 'sample', prompt: '', text: 'x'.repeat(3000) })
    await save(1)
    await save(2)
    writeFileSync(join(disk, 'ballast'), new Uint8Array(160_000))
    await attempt(() => save(3))
    await attempt(() => { for (;;) sample() })
    const full = readEvents(log)
    await attempt(() => save(4))
    const latest = await latestCheckpoint(checkpoints)
    rmSync(join(disk, 'ballast'))
    const next = sample()
    console.log(JSON.stringify({
      said, unknown: readEvents(log).unknown, damaged: latest.damaged, step: latest.checkpoint.step,
      gaps: readEvents(log).events.filter(({ seq }, index) => seq !== index).length, next: next.seq - full.events.length,
    }))`)
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual({
    said: ['the disk is full', 'the disk is full', 'the disk is full'],
    unknown: 0,
    damaged: [],
    step: 2,
    gaps: 0,
    next: 0,
  })
})
