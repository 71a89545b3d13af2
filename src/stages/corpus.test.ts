import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { corpus } from './corpus.ts'
import { Stopped } from './stage.ts'
import { anyEngine, testContext } from './tiny.test-helper.ts'

const engine = await anyEngine()
const run = await mkdtemp(join(tmpdir(), 'xueba-corpus-stage-'))
afterAll(async () => {
  await engine.close()
  await rm(run, { recursive: true })
})

const words = ['north', 'south', 'eastern', 'western', 'upper', 'lower']
const own = (i: number) => `${words[i % 6]} ${words[Math.floor(i / 6) % 6]} ${'x'.repeat(20 - String(i).length)}${i}`
const text = (i: number) => `${'the same line for all'.padEnd(own(i).length, '.')}\n${own(i)}`
const rows = Array.from({ length: 60 }, (_, i) => JSON.stringify({ text: text(i) })).join('\n')

it('says how much of what is held out was read word for word', async () => {
  const path = join(run, 'a.jsonl')
  await writeFile(path, rows)
  const options = corpus.config.parse({ sources: [{ path }], heldOut: 0.2, dedup: { near: false } })
  const metrics = await corpus.run(await testContext(engine, run, '01-corpus', []), options)
  expect(metrics.heldOut).toBeGreaterThan(3)
  expect(metrics.heldOutSeen).toBeCloseTo(0.5, 9) // of two lines as long as each other
})

it('stops when asked to while it reads', async () => {
  const path = join(run, 'b.jsonl')
  await writeFile(path, rows)
  const options = corpus.config.parse({ sources: [{ path }] })
  const context = await testContext(engine, run, '02-corpus', [], { stopAfter: 0 })
  await expect(corpus.run(context, options)).rejects.toThrow(Stopped)
})
