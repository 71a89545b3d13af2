/**
 * Loss and every gradient norm against PyTorch: golden numbers that PyTorch computed once for a fixed small model, always; and
 * PyTorch itself (bench/torch_qwen3.py of the shared folder, or XUEBA_TORCH_CHECK) where python3-torch is installed.
 * Packed rows are compared with the same documents in rows of their own.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openReference } from '../tensor/backends/reference.ts'
import { fastEngines } from '../tensor/fast.test-helper.ts'
import { backward, Engine, random } from '../tensor/index.ts'
import golden from '../../test/fixtures/golden-model.json' with { type: 'json' }
import type { ModelConfig } from './config.ts'
import { toHuggingFace } from './config-json.ts'
import { type Batch, createBatch, languageModelLoss, writeBatch } from './loss.ts'
import { createModel, initialize, type Model } from './transformer.ts'
import { saveWeights } from './weights.ts'

const base: ModelConfig = {
  vocabSize: 97,
  dim: 48,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  ff: 80,
  ropeTheta: 10_000,
  eps: 1e-6,
  tied: true,
  maxPositions: 64,
}
const shapes: [name: string, config: ModelConfig, documents: number][] = [
  ['tied, grouped queries', base, 1],
  [
    'untied, heads of 64, three layers',
    { ...base, tied: false, layers: 3, dim: 64, heads: 2, kvHeads: 2, headDim: 64, ff: 96 },
    1,
  ],
  ['packed documents', { ...base, kvHeads: 1, vocabSize: 131 }, 2],
]

interface Check {
  loss: number
  /** By Hugging Face name without `model.`. */
  grad_norms: Record<string, number>
}

/** 3 rows of 24 tokens; with `documents` 2 each row packs two documents of 12. */
function makeBatch(vocabulary: number, documents: number): Batch {
  const draw = random(11, 'torch.test')
  const ids = Int32Array.from({ length: 72 }, () => draw.below(vocabulary))
  const targets = Int32Array.from({ length: 72 }, (_, i) => (i % 7 === 3 ? -100 : draw.below(vocabulary)))
  const length = 24 / documents
  return { ids, targets, starts: Int32Array.from({ length: 72 }, (_, i) => Math.floor((i % 24) / length) * length) }
}

function makeModel(engine: Engine, config: ModelConfig): Model {
  const model = createModel(engine, config)
  initialize(model, 3)
  return model
}

async function check(model: Model, batch: Batch): Promise<Check> {
  const { engine, slab } = model
  const tensors = createBatch(engine, 3, 24)
  writeBatch(tensors, batch)
  const loss = languageModelLoss(model, tensors, engine.zeros([72]))
  backward(loss)
  const grads = await slab.grads!.read()
  const norms = slab.parameters.map(({ name, shape, offset }) => {
    const size = shape.reduce((a, b) => a * b)
    return [
      name.replace(/^model\./, ''),
      Math.sqrt(Array.from(grads.slice(offset, offset + size)).reduce((a, g) => a + g * g, 0)),
    ] as const
  })
  return { loss: await loss.item(), grad_norms: Object.fromEntries(norms) }
}

function expectClose(actual: Check, expected: Check): void {
  expect(Math.abs(actual.loss / expected.loss - 1)).toBeLessThan(1e-4)
  const names = Object.keys(actual.grad_norms)
  expect(names.length).toBeGreaterThan(10)
  for (const name of names)
    expect(Math.abs(actual.grad_norms[name]! / expected.grad_norms[name]! - 1), name).toBeLessThan(1e-4)
}

const peer = process.env.XUEBA_TORCH_CHECK ?? join(import.meta.dirname, '../../../shared/bench/torch_qwen3.py')
const python = '/usr/bin/python3'
const hasTorch = (() => {
  try {
    execFileSync(python, ['-c', 'import torch'], { stdio: 'ignore', timeout: 60_000 })
    return existsSync(peer)
  } catch {
    return false
  }
})()

async function askTorch(model: Model, batch: Batch, documents: number): Promise<Check> {
  const folder = mkdtempSync(join(tmpdir(), 'xueba-torch-'))
  const rows = (values: Int32Array) =>
    Array.from({ length: 3 * documents }, (_, i) =>
      Array.from(values.subarray((i * 24) / documents, ((i + 1) * 24) / documents)),
    )
  writeFileSync(join(folder, 'config.json'), JSON.stringify(toHuggingFace(model.config)))
  writeFileSync(join(folder, 'model.safetensors'), await saveWeights(model))
  writeFileSync(join(folder, 'ids.json'), JSON.stringify({ ids: rows(batch.ids), targets: rows(batch.targets) }))
  const args = [peer, 'check', '--model', folder, '--ids', join(folder, 'ids.json'), '--out', join(folder, 'out.json')]
  execFileSync(python, args, { stdio: 'ignore', timeout: 120_000 })
  return JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8')) as Check
}

const engines: [string, Engine][] = [['reference', new Engine(openReference())], ...(await fastEngines())]

describe.each(engines)('%s', (_, engine) => {
  it.each(shapes)('equals the golden numbers: %s', async (name, config, documents) => {
    const model = makeModel(engine, config)
    expectClose(await check(model, makeBatch(config.vocabSize, documents)), (golden as Record<string, Check>)[name]!)
  })

  it.skipIf(!hasTorch).each(shapes)('equals PyTorch: %s', async (_name, config, documents) => {
    const model = makeModel(engine, config)
    const batch = makeBatch(config.vocabSize, documents)
    expectClose(await check(model, batch), await askTorch(model, batch, documents))
  })
})

// XUEBA_WRITE_GOLDEN=1 rewrites the fixture from PyTorch.
it.runIf(process.env.XUEBA_WRITE_GOLDEN)('writes the golden numbers', async () => {
  const found: Record<string, Check> = {}
  for (const [name, config, documents] of shapes)
    found[name] = await askTorch(makeModel(engines[0]![1], config), makeBatch(config.vocabSize, documents), documents)
  writeFileSync(
    join(import.meta.dirname, '../../test/fixtures/golden-model.json'),
    `${JSON.stringify(found, null, 1)}\n`,
  )
})
