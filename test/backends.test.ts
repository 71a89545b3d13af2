/** A whole training step on every backend: the same losses as the float64 reference, the same bits with the same number of threads. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { openFast } from '../src/tensor/fast.test-helper.ts'
import { Engine, openReference } from '../src/tensor/index.ts'
import { train } from './train.test-helper.ts'

const STEPS = 5
let expected: number[]
beforeAll(async () => {
  expected = await train(new Engine(openReference()), STEPS)
})

describe.each([
  ['native', 1],
  ['native', 2],
  ['wasm', 1],
  ['wasm', 2],
] as const)('%s on %i threads', (name, threads) => {
  it('trains as the reference does, twice to the same bits', async ({ skip }) => {
    const run = async () => {
      const engine = await openFast(name, threads)
      if (!engine) return skip()
      expect(engine.backend.threads).toBe(threads)
      const losses = await train(engine, STEPS)
      await engine.close()
      return losses
    }
    const losses = await run()
    expect(losses.length).toBe(STEPS)
    losses.forEach((loss, step) => expect(Math.abs(loss / expected[step]! - 1), `step ${step + 1}`).toBeLessThan(1e-4))
    expect(await run()).toEqual(losses)
  })
})

it('ends a process cleanly while pool threads still spin', () => {
  const open = join(import.meta.dirname, '../src/tensor/open.node.ts')
  const program = `import { openEngine } from ${JSON.stringify(open)}
    const engine = await openEngine({ threads: 2 })
    for (let i = 0; i < 50; i++) engine.full([100_000], i)
    await engine.full([1], 1).read()`
  for (let i = 0; i < 8; i++) {
    const { status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' })
    expect([status, signal]).toEqual([0, null])
  }
})
