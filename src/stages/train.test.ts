/** The guard of the training loop: an update that breaks the weights is caught before they are used or saved. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createTrainer, freeModel } from '../nn/index.ts'
import { latestCheckpoint } from '../run/index.ts'
import { optimizerOf, trainingOptions } from './options.ts'
import { anyEngine, testContext, tinyModel, writeModelFolder } from './tiny.test-helper.ts'
import { train } from './train.ts'

const engine = await anyEngine()
const run = await mkdtemp(join(tmpdir(), 'xueba-train-'))
afterAll(async () => {
  await engine.close()
  await rm(run, { recursive: true })
})

it('saves no weights that the step before has broken, though its loss was fine', async () => {
  const model = tinyModel(engine)
  const tokenizerFolder = join(run, '01-tokenizer')
  await writeModelFolder(tokenizerFolder, model)
  const context = await testContext(engine, run, '02-pretrain', [])
  const [rows, time] = [2, 8]
  const batch = {
    ids: Int32Array.from({ length: rows * time }, (_, i) => i),
    targets: Int32Array.from({ length: rows * time }, (_, i) => i + 1),
    starts: new Int32Array(rows * time),
  }
  const options = { ...trainingOptions.parse({ steps: 4, rows, time, warmup: 0, checkpointEvery: 1 }), steps: 4 }
  const broken = { ...options, embeddingRate: Infinity }
  const trainer = createTrainer(model, broken, optimizerOf(broken))
  const loop = { trainer, tokenizerFolder, options: broken, batches: () => [batch], evaluate: () => Promise.resolve() }
  const trained = train(context, loop)
  await expect(trained).rejects.toThrow(/diverged at step 1 .*nothing had been saved/)
  expect((await latestCheckpoint(join(context.folder, 'checkpoints'))).checkpoint).toBeUndefined()
  freeModel(model)
})
