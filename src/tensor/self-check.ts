/** A backend's self-check: one step of a small network, forward and backward, against the float64 reference. */
import { backward } from './autograd.ts'
import { openReference } from './backends/reference.ts'
import { Engine } from './engine.ts'
import { attention, crossEntropy, embedding, linear, rmsNorm, swiglu } from './ops/index.ts'
import { random } from './random.ts'
import type { Tensor } from './tensor.ts'

const [BATCH, TIME, HEADS, HEAD_DIM, VOCABULARY] = [2, 19, 2, 8, 23]

/** The largest difference of any gradient, relative to the largest gradient. Below 1e-4 is healthy. */
export async function selfCheck(engine: Engine): Promise<number> {
  const expected = await gradients(new Engine(openReference()))
  const actual = await gradients(engine)
  let worst = 0
  expected.forEach((want, k) => {
    const scale = want.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-6)
    want.forEach((value, i) => {
      const difference = Math.abs(value - actual[k]![i]!) / scale
      worst = Math.max(worst, Number.isNaN(difference) ? Infinity : difference)
    })
  })
  return worst
}

async function gradients(engine: Engine): Promise<Float64Array[]> {
  const draw = random(1, 'self-check')
  const n = BATCH * TIME
  const c = HEADS * HEAD_DIM
  const values = (size: number) => Float32Array.from({ length: size }, () => draw.normal())
  const parameters: Tensor[] = []
  const parameter = (...shape: number[]) => {
    const t = engine.tensor(values(shape.reduce((a, b) => a * b)), shape)
    t.requiresGrad = true
    t.grad = engine.zeros(shape)
    parameters.push(t)
    return t
  }
  const integers = (below: number) =>
    engine.tensor(
      Int32Array.from({ length: n }, () => draw.below(below)),
      [n],
      'i32',
    )
  const table = parameter(VOCABULARY, c)
  const x = embedding(integers(VOCABULARY), table)
  const qkv = linear(rmsNorm(x, parameter(c), 1e-6), parameter(3 * c, c))
  const rope = engine.tensor(values(TIME * HEAD_DIM), [TIME, HEAD_DIM])
  const starts = engine.tensor(
    Int32Array.from({ length: n }, (_, i) => (i % TIME > 10 ? 11 : 0)),
    [n],
    'i32',
  )
  const shape = { batch: BATCH, time: TIME, heads: HEADS, kvHeads: HEADS, headDim: HEAD_DIM, eps: 1e-6 }
  const y = attention({ qkv, qNorm: parameter(HEAD_DIM), kNorm: parameter(HEAD_DIM), rope, starts }, shape)
  const z = linear(swiglu(linear(y, parameter(2 * c, c))), parameter(c, c), x)
  const weights = engine.full([n], 1 / n)
  backward(crossEntropy({ x: z, w: table, targets: integers(VOCABULARY) }, weights, engine.zeros([n])))
  return Promise.all(parameters.map(async (p) => Float64Array.from(await p.grad!.read())))
}
