/** bfloat16: a model learns as in f32, every pass rounds the same factors on every backend, and only captures that ask for it do. */
import { expect, it } from 'vitest'
import { Engine, openReference, profile, random } from '../tensor/index.ts'
import { openEngine } from '../tensor/open.node.ts'
import type { ModelConfig } from './config.ts'
import { createTrainer } from './trainer.ts'
import { createModel, initialize } from './transformer.ts'

const config: ModelConfig = {
  vocabSize: 40,
  dim: 32,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  ff: 48,
  ropeTheta: 100,
  eps: 1e-5,
  tied: true,
  maxPositions: 16,
}
const optimizer = {
  matrices: 'muon',
  matrixRate: 0.02,
  embeddingRate: 0.01,
  vectorRate: 0.01,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0.95,
  clip: 1,
} as const

/** Losses of `steps` steps on sequences that count upwards from a random start. */
async function losses(engine: Engine, precision: 'f32' | 'bf16', steps: number): Promise<number[]> {
  const model = createModel(engine, config)
  initialize(model, 3)
  const trainer = createTrainer(model, { rows: 8, time: 16, precision }, optimizer)
  expect(engine.precision).toBe('f32')
  const draw = random(1, 'precision.test')
  const found: number[] = []
  for (let t = 1; t <= steps; t++) {
    const first = Array.from({ length: 8 }, () => draw.below(40))
    const at = (shift: number) => Int32Array.from({ length: 128 }, (_, i) => (first[i >> 4]! + (i % 16) + shift) % 40)
    found.push((await trainer.step([{ ids: at(0), targets: at(1), starts: new Int32Array(128) }], t, 1)).loss)
  }
  trainer.free()
  return found
}

it('a model learns in bfloat16 as it does in f32, but not to the same bits', async () => {
  const engine = await openEngine({ backend: 'native', threads: 2 })
  const [full, half] = [await losses(engine, 'f32', 60), await losses(engine, 'bf16', 60)]
  await engine.close()
  expect(full.at(-1)!).toBeLessThan(0.2)
  expect(half).not.toEqual(full)
  for (const t of [0, 10, 30]) expect(Math.abs(half[t]! - full[t]!) / full[t]!).toBeLessThan(0.05)
  expect(half.at(-1)!).toBeLessThan(0.2)
})

it('the first losses are those of the reference, which rounds the same factors in float64', async () => {
  const expected = await losses(new Engine(openReference()), 'bf16', 2)
  for (const backend of ['native', 'wasm'] as const) {
    const engine = await openEngine({ backend, threads: 2 })
    const found = await losses(engine, 'bf16', 2)
    await engine.close()
    found.forEach((loss, t) => expect(Math.abs(loss - expected[t]!) / loss).toBeLessThan(2e-3))
  }
})

it('a profile names every kernel of a step, with the operations that its products have', async () => {
  const engine = await openEngine({ backend: 'native', threads: 1 })
  const model = createModel(engine, config)
  initialize(model, 3)
  const trainer = createTrainer(model, { rows: 2, time: 16 }, optimizer)
  const rows = await profile(engine, [trainer.micro, trainer.update], 3)
  const names = rows.map(({ kernel }) => kernel)
  for (const name of ['gemm', 'attention_backward', 'cross_entropy', 'muon_apply', 'adamw'])
    expect(names).toContain(name)
  expect(rows.reduce((n, { calls }) => n + calls, 0)).toBe(trainer.micro.size.commands + trainer.update.size.commands)
  // The head: 32 tokens x 32 x 40, forward and two products backward.
  expect(rows.find(({ kernel }) => kernel === 'cross_entropy')!.flops).toBe(3 * 2 * 32 * 32 * 40)
  expect(rows.every(({ ms, bytes }) => ms > 0 && bytes > 0)).toBe(true)
  trainer.free()
  await engine.close()
})
