import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { readFunnel } from '../corpus/index.ts'
import { readJsonl } from '../formats/index.ts'
import { taskSchema } from '../tasks/index.ts'
import { openTask } from '../tasks/open.node.ts'
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

it("drops documents that hold the run's own held-out exercises, and counts them", async () => {
  const spec = { name: 'arithmetic', digits: 2 } as const
  const context = await testContext(engine, run, '03-corpus', [])
  const tasks = [{ task: spec, count: 20 }]
  const { task } = await openTask(taskSchema.parse(spec), context.language)
  const held = task.test(20, context.seed).map(({ prompt }) => prompt)
  const taught = task
    .train(200, context.seed)
    .map(({ prompt }) => prompt)
    .filter((prompt) => !held.includes(prompt))
    .slice(0, 12)
  const page = (i: number, question: string) => ({
    id: `${i}`,
    text: `A page of ${own(i)}.\n${question}\nThat was page ${own(i)}.`,
  })
  const rows = [...held.slice(0, 7), ...taught].map((question, i) => JSON.stringify(page(i, question)))
  const path = join(run, 'c.jsonl')
  await writeFile(path, rows.join('\n'))
  const sources = [{ path }]
  const options = corpus.config.parse({ sources, decontaminate: { tasks, shortest: 3 }, dedup: { near: false } })
  await corpus.run(context, options)
  const ids: string[] = []
  for await (const row of readJsonl(join(context.folder, 'rejected.jsonl')))
    if ('value' in row && (row.value as { rule: string }).rule === 'decontamination')
      ids.push((row.value as { id: string }).id)
  expect(ids.toSorted()).toEqual(['0', '1', '2', '3', '4', '5', '6'])
  const { funnel, rules } = await readFunnel(context.folder)
  const [before, after] = ['toxic-words', 'decontamination'].map((name) => funnel.find(({ step }) => step === name)!)
  expect(before!.documents - after!.documents).toBe(7)
  expect(rules['decontamination']).toBe(7)
})
