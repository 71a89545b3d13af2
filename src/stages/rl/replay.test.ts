/** Reading between exercises: the gradient that is added, and the stage with it, resumed to the same bytes. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freeModel } from '../../nn/index.ts'
import { sha256 } from '../../run/index.ts'
import { Stopped } from '../stage.ts'
import { anyEngine, testContext, tinyModel, writeModelFolder } from '../tiny.test-helper.ts'
import { rlOptions } from './options.ts'
import { openReplay } from './replay.ts'
import { rl } from './rl.ts'

const engine = await anyEngine()
let run: string
let earlier: { kind: string; name: string; folder: string }[]

beforeAll(async () => {
  run = await mkdtemp(join(tmpdir(), 'xueba-replay-'))
  const [corpus, sft] = [join(run, '01-corpus'), join(run, '02-sft')]
  await mkdir(corpus)
  const rows = Array.from({ length: 40 }, (_, i) => JSON.stringify({ id: `${i}`, text: `The ferry leaves at ${i}.` }))
  await writeFile(join(corpus, 'documents.jsonl'), `${rows.join('\n')}\n`)
  const model = tinyModel(engine)
  await writeModelFolder(sft, model)
  freeModel(model)
  earlier = [
    { kind: 'corpus', name: 'corpus', folder: corpus },
    { kind: 'sft', name: 'sft', folder: sft },
  ]
})
afterAll(async () => {
  await engine.close()
  await rm(run, { recursive: true })
})

it('adds the weighted gradient of the language-modelling loss, of other rows at every update', async () => {
  const context = await testContext(engine, run, '03-gradient', earlier)
  const gradient = async (replay: number, update: number) => {
    const model = tinyModel(engine)
    const reading = await openReplay(context, model, earlier[1]!.folder, { replay, rows: 2, time: 48 })
    const loss = await reading.accumulate(update)
    const gradients = Float64Array.from(await model.slab.grads!.read())
    reading.free()
    freeModel(model)
    return { loss, gradients }
  }
  const [one, half, next] = [await gradient(1, 1), await gradient(0.5, 1), await gradient(1, 2)]
  expect(one.loss).toBeGreaterThan(3) // nothing is known yet: log 259 is 5.6
  expect(half.loss).toBeCloseTo(one.loss, 5)
  expect(Math.max(...one.gradients.map(Math.abs))).toBeGreaterThan(1e-3)
  one.gradients.forEach((value, i) => expect(Math.abs(half.gradients[i]! - value / 2)).toBeLessThan(1e-6))
  expect(next.loss).not.toBe(one.loss)
})

const options = (more: object = {}) =>
  rlOptions.parse({
    tasks: [{ task: { name: 'arithmetic', digits: 1, operations: ['+'] } }],
    steps: 4,
    promptsPerStep: 2,
    groupSize: 4,
    maxTokens: 6,
    rows: 4,
    time: 64,
    advantage: 'mean',
    curriculum: 'none',
    checkpointEvery: 2,
    evaluateEvery: 9,
    evaluateProblems: 2,
    passAtK: [],
    replay: 1,
    rewardFrom: 'shuffled',
    ...more,
  })

it('goes on after a stop with the same bits', async () => {
  const hash = async (folder: string) => sha256(await readFile(join(folder, 'model.safetensors')))
  const whole = await testContext(engine, run, '04-whole', earlier)
  await rl.run(whole, options())
  const stopped = await testContext(engine, run, '05-stopped', earlier, { stopAfter: 2 })
  await expect(rl.run(stopped, options())).rejects.toThrow(Stopped)
  const resumed = await testContext(engine, run, '05-stopped', earlier)
  await rl.run(resumed, options())
  expect(await hash(resumed.folder)).toBe(await hash(whole.folder))
})

it('needs a corpus, and enough of it, and says so', async () => {
  const context = await testContext(engine, run, '06-none', earlier.slice(1))
  await expect(rl.run(context, options())).rejects.toThrow(/replay reads the corpus again/)
  const long = await testContext(engine, run, '07-long', earlier)
  await expect(rl.run(long, options({ rows: 400 }))).rejects.toThrow(/less than one batch of 400 rows × 64 tokens/)
})
