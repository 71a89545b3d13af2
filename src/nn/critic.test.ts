/** A critic's loss: its gradient against finite differences, clip included, and that it learns to foresee. */
import { expect, it } from 'vitest'
import { random } from '../tensor/index.ts'
import { createCritic, valueLoss, type ValueTargets } from './critic.ts'
import { plainAdamw, tinyModel } from './tiny.test-helper.ts'

it('has the gradient of finite differences, and foresees after some updates', async () => {
  const model = tinyModel({ seed: 4, score: true })
  const { engine } = model
  const draw = random(1, 'critic.test')
  model.slab.weights.write(Float64Array.from(await model.slab.weights.read(), (w) => w + 0.3 * draw.normal()))
  const [rows, time] = [2, 6]
  const n = rows * time
  const critic = createCritic(
    model,
    { rows, time },
    { ...plainAdamw, matrixRate: 0.02, embeddingRate: 0.02, vectorRate: 0.02 },
  )
  const integers = (below: number) => Int32Array.from({ length: n }, () => draw.below(below))
  const batch = { ids: integers(model.config.vocabSize), targets: new Int32Array(n), starts: new Int32Array(n) }
  const oldValues = Float64Array.from(await critic.values(batch), (v, i) => v + (i % 4 < 2 ? 0.3 : -0.3))
  const targets: ValueTargets = {
    oldValues,
    returns: Float64Array.from(oldValues, (v, i) => v + (i % 2 === 0 ? 2 : -2)),
    weights: Float64Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 0 : 1 / 8)),
  }
  const { clipped } = await critic.accumulate(batch, targets, 0.1)
  expect(clipped).toBeGreaterThan(0)
  expect(clipped).toBeLessThan(1)
  const grads = Float64Array.from(await model.slab.grads!.read())
  const weights = Float64Array.from(await model.slab.weights.read())
  const lossAt = async (w: Float64Array) => {
    model.slab.weights.write(w)
    return valueLoss(await critic.values(batch), targets, 0.1).loss
  }
  const h = 1e-5
  let largest = 0
  for (const { name, shape, offset } of model.slab.parameters) {
    const i =
      offset + (name.includes('embed') ? batch.ids[1]! * model.config.dim : 7919 % shape.reduce((a, b) => a * b))
    const [up, down] = [weights.slice(), weights.slice()]
    up[i]! += h
    down[i]! -= h
    const numeric = ((await lossAt(up)) - (await lossAt(down))) / (2 * h)
    largest = Math.max(largest, Math.abs(numeric))
    expect(Math.abs(numeric - grads[i]!), name).toBeLessThan(2e-6 * Math.max(1, Math.abs(numeric)))
  }
  expect(largest).toBeGreaterThan(0.001)
  model.slab.weights.write(weights)
  critic.update(1, 1)
  const losses: number[] = []
  for (let t = 2; t <= 60; t++) {
    losses.push((await critic.accumulate(batch, targets, 0)).loss)
    critic.update(t, 1)
  }
  expect(losses.at(-1)).toBeLessThan(0.1 * losses[0]!)
  critic.free()
  await engine.close()
})

it('takes the larger of both errors, as PPO’s code does', () => {
  const one = (value: number, old: number, target: number, clip: number) => {
    const { loss, derivative, clipped } = valueLoss(
      [value],
      { returns: [target], oldValues: [old], weights: [1] },
      clip,
    )
    return [loss, derivative[0], clipped]
  }
  expect(one(3, 1, 4, 1)).toEqual([2, 0, 1]) // moved past the clip, towards the target: no further
  expect(one(3, 1, 0, 1)).toEqual([4.5, 3, 0]) // away from it: pulled back
  expect(one(1.5, 1, 4, 1)).toEqual([3.125, -2.5, 0])
  expect(one(3, 1, 4, 0)).toEqual([0.5, -1, 0])
})
