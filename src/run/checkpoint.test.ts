import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { latestCheckpoint, saveCheckpoint } from './checkpoint.ts'

const base = mkdtempSync(join(tmpdir(), 'xueba-checkpoint-'))
afterAll(() => rmSync(base, { recursive: true }))
let folder = ''
let count = 0
beforeEach(() => (folder = join(base, String(count++), 'checkpoints')))

const save = (step: number, pinned = false) =>
  saveCheckpoint(folder, {
    step,
    seq: step * 10,
    pinned,
    state: { position: step, rng: [1, 2] },
    files: { 'weights.bin': new Uint8Array([step]), 'notes.txt': (path) => writeFile(path, `step ${step}`) },
  })

describe('saveCheckpoint', () => {
  it('brings back what was saved', async () => {
    expect(await latestCheckpoint(folder)).toEqual({ checkpoint: undefined, damaged: [] })
    await save(100)
    const { checkpoint } = await latestCheckpoint(folder)
    expect(checkpoint).toMatchObject({ step: 100, seq: 1000, state: { position: 100, rng: [1, 2] } })
    expect(checkpoint!.folder).toBe(join(folder, 'step-00000100'))
    expect(readFileSync(join(checkpoint!.folder, 'weights.bin'))).toEqual(Buffer.from([100]))
    expect(readFileSync(join(checkpoint!.folder, 'notes.txt'), 'utf8')).toBe('step 100')
  })

  it('keeps the newest two and the pinned', async () => {
    for (const step of [1, 2, 3, 4, 5]) await save(step, step === 2)
    expect(readdirSync(folder).sort()).toEqual(['step-00000002', 'step-00000004', 'step-00000005'])
  })

  it('replaces a checkpoint of the same step', async () => {
    await save(1)
    writeFileSync(join(folder, 'step-00000001', 'stale'), '')
    await save(1)
    expect(readdirSync(join(folder, 'step-00000001')).sort()).toEqual(['notes.txt', 'state.json', 'weights.bin'])
  })

  it('sweeps up what a crash left, and leaves nothing behind when a writer fails', async () => {
    mkdirSync(join(folder, '.step-00000007.tmp'), { recursive: true })
    await save(8)
    const files = { half: new Uint8Array(9), bad: () => Promise.reject(new Error('no')) }
    await expect(saveCheckpoint(folder, { step: 9, seq: 0, state: null, files })).rejects.toThrow('no')
    expect(readdirSync(folder)).toEqual(['step-00000008'])
  })

  it.runIf(process.platform === 'linux')('says that the disk is full, and keeps the earlier ones', async () => {
    await save(1)
    await save(2)
    // The device that is always full.
    const files = { weights: () => writeFile('/dev/full', 'x') }
    const failing = saveCheckpoint(folder, { step: 3, seq: 30, state: null, files })
    await expect(failing).rejects.toMatchObject({
      message: expect.stringContaining('the disk is full: the checkpoint of step 3'),
    })
    expect(readdirSync(folder).sort()).toEqual(['step-00000001', 'step-00000002'])
    expect(await latestCheckpoint(folder)).toMatchObject({ checkpoint: { step: 2 }, damaged: [] })
  })
})

describe('latestCheckpoint', () => {
  it('passes over damaged ones and says why', async () => {
    await save(1)
    await save(2)
    writeFileSync(join(folder, 'step-00000002', 'weights.bin'), new Uint8Array([9]))
    mkdirSync(join(folder, 'step-00000003'))
    const { checkpoint, damaged } = await latestCheckpoint(folder)
    expect(checkpoint!.step).toBe(1)
    expect(damaged).toEqual([
      `${join(folder, 'step-00000003')}: state.json is missing or damaged`,
      `${join(folder, 'step-00000002')}: weights.bin is not what was saved`,
    ])
  })

  it('goes on from an earlier one without the damaged future pushing it out', async () => {
    for (const step of [10, 20]) await save(step)
    writeFileSync(join(folder, 'step-00000020', 'weights.bin'), '')
    await save(15)
    expect(readdirSync(folder).sort()).toEqual(['step-00000010', 'step-00000015'])
    expect(await latestCheckpoint(folder)).toMatchObject({ checkpoint: { step: 15 }, damaged: [] })
  })

  it('finds a whole checkpoint after kill -9 at any moment', async () => {
    const program = `
      import { saveCheckpoint } from ${JSON.stringify(join(import.meta.dirname, 'checkpoint.ts'))}
      for (let step = Number(process.argv[2]); ; step++) {
        await saveCheckpoint(process.argv[1], { step, seq: step, state: step, files: { a: new Uint8Array(200_000).fill(step), b: new Uint8Array(9) } })
        console.log(step)
      }`
    let saved = 0
    for (let round = 0; round < 8; round++) {
      const args = ['--input-type=module', '-e', program, folder, String(saved + 1)]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      let said = ''
      child.stdout.on('data', (chunk) => (said += chunk))
      await once(child.stdout, 'data')
      await new Promise((done) => setTimeout(done, round * 3))
      child.kill('SIGKILL')
      await once(child, 'close')
      const acknowledged = Number(said.trim().split('\n').at(-1))
      const { checkpoint, damaged } = await latestCheckpoint(folder)
      expect(damaged).toEqual([])
      expect(checkpoint!.step).toBeGreaterThanOrEqual(acknowledged)
      saved = checkpoint!.step
    }
  })
})
