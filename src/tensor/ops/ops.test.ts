/**
 * Every kernel, forward and backward, against the float64 reference, on random shapes: sizes of 1, odd sizes, sizes that fit
 * no tile. And the errors of each operation.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { backward } from '../autograd.ts'
import { openReference } from '../backends/reference.ts'
import { Engine } from '../engine.ts'
import { fastEngines } from '../fast.test-helper.ts'
import { random } from '../random.ts'
import { type Shape, sizeOf, Tensor } from '../tensor.ts'
import * as ops from './index.ts'

/** Makes the same inputs on any engine: float32 values, drawn in order. */
class Inputs {
  readonly parameters: Tensor[] = []
  private readonly draw
  readonly engine: Engine
  /** Moves one element of one parameter, to see how the loss follows. */
  private readonly nudge?: { parameter: number; element: number; by: number }
  constructor(engine: Engine, seed: number, nudge?: Inputs['nudge']) {
    this.engine = engine
    this.draw = random(seed, 'ops.test')
    this.nudge = nudge
  }
  private normals(shape: readonly number[]): Float64Array {
    return Float64Array.from(Float32Array.from({ length: sizeOf(shape) }, () => this.draw.normal()))
  }
  tensor(...shape: number[]): Tensor {
    return this.engine.tensor(this.normals(shape), shape)
  }
  parameter(...shape: number[]): Tensor {
    const values = this.normals(shape)
    if (this.nudge?.parameter === this.parameters.length) values[this.nudge.element]! += this.nudge.by
    const t = this.engine.tensor(values, shape)
    t.requiresGrad = true
    t.grad = this.tensor(...shape) // gradients are added to what is there
    this.parameters.push(t)
    return t
  }
  /**
   * ±(p² + 0.1) of a parameter p: norms divide by the size of a row, and float32 cannot tell the gradient of a tiny row from
   * rounding.
   */
  awayFromZero(...shape: number[]): Tensor {
    const p = this.parameter(...shape)
    const signs = Float32Array.from({ length: p.size }, () => (this.draw.uniform() < 0.5 ? -1 : 1))
    const size = ops.add(ops.multiply(p, p), this.engine.full([1], 0.1))
    return ops.multiply(size, this.engine.tensor(signs, shape))
  }
  integers(n: number, below: number, from = 0): Tensor {
    return this.engine.tensor(
      Int32Array.from({ length: n }, () => from + this.draw.below(below - from)),
      [n],
      'i32',
    )
  }
  oneOf(values: readonly number[], n: number): Tensor {
    return this.engine.tensor(
      Float32Array.from({ length: n }, () => values[this.draw.below(values.length)]!),
      [n],
    )
  }
  /** First tokens of documents, as in packed rows. */
  starts(batch: number, time: number): Tensor {
    const starts = new Int32Array(batch * time)
    for (let i = 0; i < starts.length; i++)
      starts[i] = i % time === 0 ? 0 : this.draw.uniform() < 0.2 ? i % time : starts[i - 1]!
    return this.engine.tensor(starts, [starts.length], 'i32')
  }
}

/** What to compare besides gradients: tensors. When the last is a scalar loss with a node, it is differentiated. */
type Graph = (inputs: Inputs) => Tensor[]

async function evaluate(engine: Engine, seed: number, graph: Graph): Promise<Float64Array[]> {
  const inputs = new Inputs(engine, seed)
  const outputs = graph(inputs)
  const forward: Float64Array[] = []
  for (const t of outputs) forward.push(Float64Array.from(await t.read()))
  const last = outputs.at(-1)!
  if (last.node) {
    const loss = last.size === 1 ? last : ops.sum(ops.multiply(last, inputs.tensor(...last.shape)))
    backward(loss)
  }
  for (const p of inputs.parameters) forward.push(Float64Array.from(await p.grad!.read()))
  return forward
}

function compare(expected: readonly Float64Array[], actual: readonly Float64Array[], what: string): void {
  expect(actual.length).toBe(expected.length)
  expected.forEach((want, k) => {
    const scale = want.reduce((a, b) => Math.max(a, Math.abs(b)), 1)
    const worst = want.reduce((a, b, j) => Math.max(a, Math.abs(b - actual[k]![j]!)), 0)
    expect(worst / scale, `output ${k} of ${what}`).toBeLessThan(1e-5)
  })
}

const reference = new Engine(openReference())
const small = fc.integer({ min: 1, max: 9 })
const size = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(1, 16, 31, 64, 65, 128))

/** Random shapes of an operation, and its graph for a shape. */
const cases: Record<string, [fc.Arbitrary<number[]>, (shape: number[]) => Graph]> = {
  arithmetic: [
    fc.tuple(size, size),
    ([n, m]) =>
      (i) => {
        const [a, b] = [i.parameter(n!, m!), i.parameter(n!, m!)]
        const s = ops.scale(i.parameter(1), 0.05) // its gradient sums thousands of terms that may cancel: so does their rounding
        return [ops.subtract(ops.multiply(ops.add(a, s), ops.scale(b, 0.7)), ops.multiply(a, s))]
      },
  ],
  'sum and mean': [
    fc.tuple(size, size),
    ([n, m]) =>
      (i) => [ops.add(ops.mean(i.parameter(n!, m!)), ops.sum(i.parameter(n! * 90), 0.01))],
  ],
  'linear with residual': [
    fc.tuple(size, size, size),
    ([n, k, m]) =>
      (i) => [ops.linear(i.parameter(n!, k!), i.parameter(m!, k!), i.parameter(n!, m!))],
  ],
  combine: [
    fc.tuple(size, size),
    ([m, n]) =>
      (i) => [ops.combine(i.tensor(m!, n!), i.parameter(n!))],
  ],
  'gemm, all layouts': [
    fc.tuple(size, size, size, fc.integer({ min: 0, max: 3 })),
    ([m, n, k, layout]) =>
      (i) => {
        const [ta, tb] = [layout! % 2 === 1, layout! > 1]
        const c = i.tensor(m!, n!)
        ops.gemm(ta ? i.tensor(k!, m!) : i.tensor(m!, k!), tb ? i.tensor(n!, k!) : i.tensor(k!, n!), c, {
          transposeA: ta,
          transposeB: tb,
          alpha: 0.5,
          beta: -0.3,
          residual: i.tensor(m!, n!),
        })
        return [c]
      },
  ],
  'linear with weights of 8 bits': [
    fc.tuple(fc.integer({ min: 1, max: ops.INT8_ROWS }), size, fc.integer({ min: 1, max: 50 })),
    ([m, n, words]) =>
      (i) => {
        const k = 4 * words!
        const draw = random(7, 'weights')
        const values = Float32Array.from({ length: n! * k }, () => draw.normal())
        const w = i.tensor(n!, k)
        w.int8 = ops.int8Of(i.engine, ops.roundToInt8(values, n!, k))
        const x = i.tensor(m!, k)
        return [ops.linear(x, w), ops.linear(x, w, i.tensor(m!, n!))]
      },
  ],
  'gemm in bfloat16': [
    fc.tuple(size, size, size, fc.integer({ min: 0, max: 3 })),
    ([m, n, k, layout]) =>
      (i) => {
        const [ta, tb] = [layout! % 2 === 1, layout! > 1]
        const [sum, other] = [i.tensor(m!, n!), i.tensor(m!, n!)]
        i.engine.precision = 'bf16'
        const [a, b] = [ta ? i.tensor(k!, m!) : i.tensor(m!, k!), tb ? i.tensor(n!, k!) : i.tensor(k!, n!)]
        ops.gemm(a, b, sum, { transposeA: ta, transposeB: tb, beta: 1 })
        ops.gemm(a, b, other, { transposeA: ta, transposeB: tb, alpha: 0.5, beta: -0.3, residual: i.tensor(m!, n!) })
        i.engine.precision = 'f32'
        return [sum, other]
      },
  ],
  embedding: [
    fc.tuple(size, size, small),
    ([n, c, v]) =>
      (i) => [ops.embedding(i.integers(n!, v! + 1, -1), i.parameter(v!, c!))],
  ],
  gatherRows: [
    fc.tuple(size, size, small),
    ([n, c, m]) =>
      (i) => [ops.gatherRows(i.tensor(n!, c!), i.integers(m!, n!))],
  ],
  rmsNorm: [
    fc.tuple(size, size),
    ([n, c]) =>
      (i) => [ops.rmsNorm(i.awayFromZero(n!, c!), i.parameter(c!), 1e-6)],
  ],
  swiglu: [
    fc.tuple(size, size),
    ([n, f]) =>
      (i) => [ops.swiglu(i.parameter(n!, 2 * f!))],
  ],
  attention: [
    fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      size,
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(4, 8, 16, 20, 64),
    ),
    ([batch, time, kvHeads, group, headDim]) =>
      (i) => {
        const [b, t, hkv, d] = [batch!, time!, kvHeads!, headDim!]
        const h = hkv * group!
        // Small values: where a token sees itself only, the gradient of its score is a difference of equal numbers.
        const width = (h + 2 * hkv) * d
        const sizes = Float32Array.from({ length: b * t * width }, (_, k) => (k % width < (h + hkv) * d ? 1 : 0.05))
        const qkv = ops.multiply(i.awayFromZero(b * t, width), i.engine.tensor(sizes, [b * t, width]))
        const inputs = {
          qkv,
          qNorm: i.parameter(d),
          kNorm: i.parameter(d),
          rope: i.tensor(t, d),
          starts: i.starts(b, t),
        }
        return [ops.attention(inputs, { batch: b, time: t, heads: h, kvHeads: hkv, headDim: d, eps: 1e-6 })]
      },
  ],
  'attention without norms': [
    fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      size,
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(4, 8, 16, 20, 64),
    ),
    ([batch, time, kvHeads, group, headDim]) =>
      (i) => {
        const [b, t, hkv, d] = [batch!, time!, kvHeads!, headDim!]
        const h = hkv * group!
        // Small values: where a token sees itself only, the gradient of its score is a difference of equal numbers.
        const width = (h + 2 * hkv) * d
        const sizes = Float32Array.from({ length: b * t * width }, (_, k) => (k % width < (h + hkv) * d ? 1 : 0.05))
        const qkv = ops.multiply(i.awayFromZero(b * t, width), i.engine.tensor(sizes, [b * t, width]))
        const inputs = {
          qkv,
          qNorm: null,
          kNorm: null,
          rope: i.tensor(t, d),
          starts: i.starts(b, t),
        }
        return [ops.attention(inputs, { batch: b, time: t, heads: h, kvHeads: hkv, headDim: d, eps: 1e-6 })]
      },
  ],
  crossEntropy: [
    fc.tuple(size, size, size),
    ([n, c, v]) =>
      (i) => {
        const nll = i.tensor(n!)
        const head = { x: ops.scale(i.parameter(n!, c!), 1), w: i.parameter(v!, c!), targets: i.integers(n!, v!, -1) }
        const weight = i.tensor(n!)
        return [nll, ops.crossEntropy(head, ops.multiply(weight, weight), nll)]
      },
  ],
  negativeLogProbs: [
    fc.tuple(size, size, size),
    ([n, c, v]) =>
      (i) => [
        ops.negativeLogProbs({ x: i.parameter(n!, c!), w: i.parameter(v!, c!), targets: i.integers(n!, v!, -1) }),
      ],
  ],
  'negativeLogProbs and policyLoss': [
    fc.tuple(size, size, size),
    ([n, c, v]) =>
      (i) => {
        const entropy = i.tensor(n!)
        // Logits of the size that a model's have: float32 cannot tell a ratio of probabilities e⁻³⁰ apart to 1e-5.
        const x = ops.scale(i.parameter(n!, c!), 1 / Math.sqrt(c!))
        const nll = ops.negativeLogProbs({ x, w: i.parameter(v!, c!), targets: i.integers(n!, v!, -1) }, entropy)
        // Ratios stay off the clip's two corners, where rounding would choose the side.
        const near = (t: Tensor) => ops.add(ops.scale(t, -1), i.oneOf([-0.3, -0.15, -0.05, 0.02, 0.08, 0.16, 0.3], n!))
        const [oldLogProbs, referenceLogProbs] = i.engine.noGrad(() => [near(nll), near(nll)]) as [Tensor, Tensor]
        const { loss, statistics } = ops.policyLoss(
          { nll, oldLogProbs, referenceLogProbs, advantages: i.tensor(n!), weights: i.tensor(n!) },
          { clipLow: 0.1, clipHigh: 0.2, beta: 0.3 },
        )
        return [entropy, nll, statistics, loss]
      },
  ],
  adamw: [
    fc.tuple(size, size),
    ([n, m]) =>
      (i) => {
        const [weights, grads, moment, square] = [
          i.tensor(n!, m!),
          i.tensor(n!, m!),
          i.tensor(n!, m!),
          i.tensor(n!, m!),
        ]
        const v = ops.multiply(square, square)
        const squares = i.tensor(1)
        const clip = i.tensor(2)
        ops.sumSquares(grads, squares)
        ops.clipScale(squares, clip, 3)
        ops.adamw(
          { weights, grads, m: moment, v, hyper: i.engine.tensor([0.01, 0.2, 0.1]), clip },
          { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 },
        )
        return [clip, weights, grads, moment, v]
      },
  ],
  'cached attention': [
    fc.tuple(
      small,
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 2 }),
      fc.constantFrom(4, 8, 64),
      fc.integer({ min: 1, max: 40 }),
    ),
    ([m, kvHeads, group, headDim, capacity]) =>
      (i) => {
        const [hkv, d, p] = [kvHeads!, headDim!, capacity!]
        const h = hkv * group!
        const [keys, values] = [i.tensor(m! + 1, hkv, p, d), i.tensor(m! + 1, hkv, p, d)]
        const slots = i.engine.tensor(
          Int32Array.from({ length: m! }, (_, k) => (k % 4 === 3 ? -1 : k)),
          [m!],
          'i32',
        )
        const inputs = {
          qkv: i.tensor(m!, (h + 2 * hkv) * d),
          qNorm: i.tensor(d),
          kNorm: i.tensor(d),
          rope: i.tensor(p, d),
          keys,
          values,
          slots,
          positions: i.integers(m!, p),
        }
        const y = ops.cachedAttention(inputs, { heads: h, kvHeads: hkv, headDim: d, eps: 1e-6 })
        return [keys, values, y]
      },
  ],
  'cached attention without norms': [
    fc.tuple(
      small,
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 2 }),
      fc.constantFrom(4, 8, 64),
      fc.integer({ min: 1, max: 40 }),
    ),
    ([m, kvHeads, group, headDim, capacity]) =>
      (i) => {
        const [hkv, d, p] = [kvHeads!, headDim!, capacity!]
        const h = hkv * group!
        const [keys, values] = [i.tensor(m! + 1, hkv, p, d), i.tensor(m! + 1, hkv, p, d)]
        const slots = i.engine.tensor(
          Int32Array.from({ length: m! }, (_, k) => (k % 4 === 3 ? -1 : k)),
          [m!],
          'i32',
        )
        const inputs = {
          qkv: i.tensor(m!, (h + 2 * hkv) * d),
          qNorm: null,
          kNorm: null,
          rope: i.tensor(p, d),
          keys,
          values,
          slots,
          positions: i.integers(m!, p),
        }
        const y = ops.cachedAttention(inputs, { heads: h, kvHeads: hkv, headDim: d, eps: 1e-6 })
        return [keys, values, y]
      },
  ],
}

/** Shapes that take more than one block or tile of everything: what the runs of every day compute. */
const LARGE: [name: string, shape: number[]][] = [
  ...[0, 1, 2, 3].map((layout): [string, number[]] => ['gemm, all layouts', [37, 800, 900, layout]]),
  ...[0, 1, 2, 3].map((layout): [string, number[]] => ['gemm in bfloat16', [37, 90, 1100, layout]]),
  ['linear with residual', [130, 420, 400]], // few rows: `narrow` in kernels/gemm.c
  ['gemm, all layouts', [200, 770, 388, 2]], // more rows, more than one block of columns and of K
  ['crossEntropy', [700, 24, 1500]],
  ['negativeLogProbs and policyLoss', [300, 24, 2100]],
  ['attention', [2, 300, 1, 2, 64]],
  ['rmsNorm', [300, 500]],
  ['swiglu', [300, 500]],
  ['sum and mean', [70, 900]],
]

/** Σ of everything the graph returns last, times fixed random numbers: what is differentiated. */
function lossOf(seed: number, graph: Graph, nudge?: { parameter: number; element: number; by: number }) {
  const inputs = new Inputs(reference, seed, nudge)
  const last = graph(inputs).at(-1)!
  const loss = last.size === 1 ? last : ops.sum(ops.multiply(last, inputs.tensor(...last.shape)))
  return { inputs, loss }
}

describe('gradients equal finite differences on the float64 reference', () => {
  const differentiated: [string, number[]][] = [
    ['combine', [3, 4]],
    ['arithmetic', [3, 4]],
    ['sum and mean', [3, 2]],
    ['linear with residual', [3, 4, 5]],
    ['embedding', [5, 3, 4]],
    ['rmsNorm', [3, 4]],
    ['swiglu', [3, 4]],
    ['attention', [2, 5, 1, 2, 4]],
    ['crossEntropy', [4, 3, 5]],
    ['negativeLogProbs', [4, 3, 5]],
  ]
  it.each(differentiated)('%s', async (name, shape) => {
    const graph = cases[name]![1](shape)
    const preset = reference.noGrad(() => lossOf(7, graph)).inputs.parameters.map(({ grad }) => grad!)
    const before = await Promise.all(preset.map(async (grad) => Float64Array.from(await grad.read())))
    const { inputs, loss } = lossOf(7, graph)
    backward(loss)
    const h = 1e-5
    for (const [k, p] of inputs.parameters.entries()) {
      const after = await p.grad!.read()
      for (let element = 0; element < p.size; element++) {
        const at = (by: number) => reference.noGrad(() => lossOf(7, graph, { parameter: k, element, by })).loss.item()
        const slope = ((await at(h)) - (await at(-h))) / (2 * h)
        const gradient = after[element]! - before[k]![element]!
        expect(Math.abs(gradient - slope), `parameter ${k}, element ${element}`).toBeLessThan(
          1e-6 * Math.max(1, Math.abs(slope)),
        )
      }
    }
  })
})

describe.each(await fastEngines())('%s kernels equal the reference', (_, engine) => {
  afterAll(() => engine.close())

  it.each(LARGE)('%s %j', async (name, shape) => {
    const graph = cases[name]![1](shape)
    compare(await evaluate(reference, 3, graph), await evaluate(engine, 3, graph), JSON.stringify(shape))
  })

  it.each(Object.entries(cases))('%s', async (_name, [shapes, graph]) => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.integer({ min: 0, max: 1000 }), async (shape, seed) => {
        const expected = await evaluate(reference, seed, graph(shape))
        const actual = await evaluate(engine, seed, graph(shape))
        compare(expected, actual, JSON.stringify(shape))
      }),
      { numRuns: 40 },
    )
  })

  // Muon's five steps amplify rounding on ill-conditioned matrices: compared more loosely, on well-conditioned ones.
  it.each([
    [1, 1],
    [5, 8],
    [8, 5],
    [33, 70],
    [64, 64],
  ])('muon on (%i, %i)', async (rows, columns) => {
    const run = async (on: Engine) => {
      const i = new Inputs(on, 5)
      const [weights, grads, momentum] = [i.tensor(rows, columns), i.tensor(rows, columns), i.tensor(rows, columns)]
      ops.muon(
        { weights, grads, momentum, hyper: on.tensor([0.1, 0.9]), clip: on.tensor([0.5, 1]) },
        { scale: 1, weightDecay: 0.1 },
      )
      return Promise.all([weights, momentum, grads].map(async (t) => Float64Array.from(await t.read())))
    }
    const [expected, actual] = [await run(reference), await run(engine)]
    expected.forEach((want, k) =>
      want.forEach((value, j) => expect(Math.abs(value - actual[k]![j]!)).toBeLessThan(2e-4)),
    )
  })

  it('gives the same bits twice', async () => {
    const graph = cases.attention![1]([2, 65, 2, 2, 64])
    expect(await evaluate(engine, 1, graph)).toEqual(await evaluate(engine, 1, graph))
  })

  it('leaves denormals and NaN alone', () => {
    expect(Number.MIN_VALUE * 2 > 0).toBe(true)
    expect(5e-324 + 0).not.toBe(0)
    expect(Number.isNaN(Number.NaN - 1)).toBe(true)
  })
})

describe('errors name the operation and the shapes', () => {
  const t = (...shape: number[]) => reference.zeros(shape as Shape)
  it.each([
    ['linear', () => ops.linear(t(2, 3), t(4, 5)), /linear.*\(2, 3\).*\(4, 5\)/],
    ['combine', () => ops.combine(t(2, 3), t(2)), /combine.*\(2, 3\).*\(2\)/],
    ['add', () => ops.add(t(2, 3), t(3, 2)), /add.*\(2, 3\).*\(3, 2\)/],
    ['gemm', () => ops.gemm(t(2, 3), t(4, 5), t(2, 5)), /gemm.*\(2, 3\)·\(4, 5\)/],
    ['embedding', () => ops.embedding(t(3), t(4, 5)), /embedding.*i32/],
    ['rmsNorm', () => ops.rmsNorm(t(2, 3), t(4), 1), /rmsNorm.*\(2, 3\).*\(4\)/],
    ['swiglu', () => ops.swiglu(t(2, 3)), /swiglu.*\(2, 3\)/],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(message)
  })

  it('a freed tensor, and tensors of two engines', () => {
    const x = t(2, 2)
    x.free()
    expect(() => ops.add(x, t(2, 2))).toThrow(/^add: .*freed/)
    const other = new Engine(openReference())
    expect(() => ops.add(other.zeros([2, 2]), t(2, 2))).toThrow(/^add: .*another engine/)
  })
})
