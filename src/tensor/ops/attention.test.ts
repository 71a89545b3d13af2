/** Attention within one document longer than a block of keys: the running softmax must be carried on, whatever the order of the scores. */
import { afterAll, describe, expect, it } from 'vitest'
import { openReference } from '../backends/reference.ts'
import { Engine } from '../engine.ts'
import { fastEngines } from '../fast.test-helper.ts'
import { random } from '../random.ts'
import { attention } from './index.ts'

const [time, heads, headDim] = [150, 2, 16]

/** (T, H·D), of scores that grow with the position of the key, fall, or neither. */
async function attend(engine: Engine, trend: number): Promise<Float64Array> {
  const draw = random(1, 'attention.test')
  const qkv = Float32Array.from({ length: time * 3 * heads * headDim }, (_, i) => {
    const [t, column] = [Math.floor(i / (3 * heads * headDim)), i % (3 * heads * headDim)]
    if (column < heads * headDim) return 1 + 0.1 * draw.normal() // queries
    if (column < 2 * heads * headDim) return (trend * t) / time + 0.3 * draw.normal() // keys
    return draw.normal()
  })
  const rope = Float32Array.from({ length: time * headDim }, (_, i) => (i % headDim < headDim / 2 ? 1 : 0)) // no rotation
  const inputs = {
    qkv: engine.tensor(qkv, [time, 3 * heads * headDim]),
    qNorm: null,
    kNorm: null,
    rope: engine.tensor(rope, [time, headDim]),
    starts: engine.tensor(new Int32Array(time), [time], 'i32'),
  }
  const y = engine.noGrad(() => attention(inputs, { batch: 1, time, heads, kvHeads: heads, headDim, eps: 1e-6 }))
  return Float64Array.from(await y.read())
}

const reference = new Engine(openReference())

describe.each(await fastEngines())('%s', (_, engine) => {
  afterAll(() => engine.close())
  it.each([3, 0, -3])('equals the reference, trend of the scores %f', async (trend) => {
    const [ours, theirs] = [await attend(engine, trend), await attend(reference, trend)]
    const worst = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)), 0)
    expect(worst).toBeLessThan(1e-5)
  })
})
