/** Memory and lifetimes: scopes, programs, the tape; and that no public operation crashes on what it should refuse. */
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { backward } from './autograd.ts'
import type { Backend } from './backend.ts'
import { openReference } from './backends/reference.ts'
import { Engine } from './engine.ts'
import { fastEngines } from './fast.test-helper.ts'
import * as ops from './ops/index.ts'
import type { Shape, Tensor } from './tensor.ts'

/** A backend that counts the bytes it has given out. */
function counting(): { backend: Backend; held: () => number } {
  const backend = openReference()
  const { reserve, release } = backend
  let held = 0
  return {
    held: () => held,
    backend: Object.assign(backend, {
      reserve(bytes: number) {
        held += bytes
        return reserve.call(backend, bytes)
      },
      release(address: number, bytes: number) {
        held -= bytes
        release.call(backend, address, bytes)
      },
    }),
  }
}

const engine = new Engine(openReference())
const other = new Engine(openReference())
const fast = await fastEngines()
afterAll(async () => {
  for (const [, one] of fast) await one.close()
})

describe.each([['reference', engine] as [string, Engine], ...fast])('programs on %s', (_, engine) => {
  it('refuse to run when something they use was freed, before or after the first run', () => {
    for (const runsFirst of [false, true]) {
      const [x, w] = [engine.zeros([2, 3]), engine.zeros([4, 3])]
      const program = engine.capture(() => engine.noGrad(() => ops.linear(x, w)))
      if (runsFirst) program.run()
      w.free()
      expect(() => program.run()).toThrow('a tensor that this program uses has been freed')
      program.free()
      x.free()
    }
  })

  it('take their outputs with them: reading one later is an error, not a crash', async () => {
    const x = engine.tensor([1, 2])
    const program = engine.capture(() => engine.noGrad(() => ({ y: ops.scale(x, 2) })))
    program.run()
    const { y } = program.outputs
    const waiting = ops.add(y, x) // still in the queue when the program goes
    program.free()
    expect([...(await waiting.read())]).toEqual([3, 6])
    await expect(y.read()).rejects.toThrow('has been freed')
    expect(() => ops.add(y, x)).toThrow(/add: tensor \(2\) has been freed/)
    const user = engine.capture(() => engine.noGrad(() => ops.scale(x, 3)))
    expect(() => engine.capture(() => user.run())).toThrow('run: not possible while a program is being captured')
    user.free()
  })
})

describe('memory', () => {
  it('of programs, scopes and failures goes back', async () => {
    const { backend, held } = counting()
    const engine = new Engine(backend)
    const x = engine.zeros([64, 64])
    const { used } = engine.pool
    const before = held()
    const program = engine.capture(() => engine.noGrad(() => ops.linear(x, x)))
    expect(held()).toBeGreaterThan(before)
    program.free()
    expect(held()).toBe(before)
    expect(() => ops.linear(x, engine.zeros([3]))).toThrow(/linear/)
    engine.scope(() => void ops.scale(x, 2))
    expect(() => engine.scope(() => ops.add(ops.scale(x, 2), other.zeros([64, 64])))).toThrow(/another engine/)
    expect(engine.pool.used).toBe(used + 64) // the tensor of three elements that was refused
    await engine.close()
    expect(held()).toBe(0)
  })

  const native = fast.find(([name]) => name === 'native')?.[1].backend
  it.runIf(native && process.platform === 'linux')(
    'of the native backend lies on whole huge pages and goes back',
    () => {
      const virtual = () => Number(/VmSize:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024
      const bytes = native!.blockBytes
      const before = virtual()
      for (let i = 0; i < 100; i++) {
        const address = native!.reserve(bytes)
        expect(address % (2 << 20)).toBe(0)
        native!.release(address, bytes)
      }
      expect(virtual() - before).toBeLessThan(100) // MB; two lost with each block would be 200
    },
  )
})

describe('the tape', () => {
  const parameter = (...values: number[]) => {
    const t = engine.tensor(values)
    t.requiresGrad = true
    t.grad = engine.zeros([values.length])
    return t
  }

  it('keeps what a scope made as long as backward needs it, and then frees it', async () => {
    const x = parameter(1, 2)
    const { used } = engine.pool
    const y = engine.scope(() => {
      const mask = engine.tensor([3, 5])
      return ops.multiply(ops.multiply(x, mask), mask)
    })
    const loss = ops.sum(y)
    backward(loss)
    loss.free()
    expect([...(await x.grad!.read())]).toEqual([9, 25])
    expect(engine.pool.used).toBe(used)
  })

  it('survives an error in the middle of backward', async () => {
    const x = parameter(1, 2)
    const doomed = engine.tensor([1, 1])
    const bad = ops.sum(ops.multiply(ops.scale(x, 2), doomed))
    doomed.free()
    expect(() => backward(bad)).toThrow(/freed/)
    expect(engine.recording).toBe(true)
    x.grad!.write([0, 0])
    backward(ops.sum(ops.scale(x, 4)))
    expect([...(await x.grad!.read())]).toEqual([4, 4])
  })

  it('refuses a cross-entropy that is not the loss itself', () => {
    const x = engine.zeros([2, 3])
    x.requiresGrad = true
    const head = { x, w: engine.zeros([4, 3]), targets: engine.tensor([0, 1], [2], 'i32') }
    const loss = ops.crossEntropy(head, engine.full([2], 0.5), engine.zeros([2]))
    expect(() => backward(ops.scale(loss, 0.5))).toThrow(/crossEntropy must be the loss itself/)
  })
})

describe('every operation names itself, and its operands, when one is freed, foreign or of another type', () => {
  const f = (...shape: number[]) => engine.zeros(shape as Shape)
  const i = (n: number) => engine.tensor(new Int32Array(n), [n], 'i32')
  const attend = { heads: 1, kvHeads: 1, headDim: 2, eps: 1 }
  /** Operands by place, f32 first; and how to call. */
  const calls: Record<string, [Tensor[], (t: Tensor[]) => unknown]> = {
    add: [[f(2), f(2)], ([a, b]) => ops.add(a!, b!)],
    subtract: [[f(2), f(2)], ([a, b]) => ops.subtract(a!, b!)],
    multiply: [[f(2), f(2)], ([a, b]) => ops.multiply(a!, b!)],
    scale: [[f(2)], ([a]) => ops.scale(a!, 2)],
    sum: [[f(2)], ([a]) => ops.sum(a!)],
    copy: [[f(2), f(2)], ([a, b]) => ops.copy(a!, b!)],
    linear: [[f(2, 3), f(4, 3), f(2, 4)], ([x, w, r]) => ops.linear(x!, w!, r)],
    gemm: [[f(2, 3), f(3, 4), f(2, 4)], ([a, b, c]) => ops.gemm(a!, b!, c!)],
    embedding: [[f(4, 2), i(3)], ([t, ids]) => ops.embedding(ids!, t!)],
    gatherRows: [[f(4, 2), i(3)], ([x, index]) => ops.gatherRows(x!, index!)],
    rmsNorm: [[f(2, 3), f(3)], ([x, w]) => ops.rmsNorm(x!, w!, 1)],
    combine: [[f(2, 3), f(3)], ([w, x]) => ops.combine(w!, x!)],
    swiglu: [[f(2, 4)], ([x]) => ops.swiglu(x!)],
    attention: [
      [f(3, 6), f(2), f(2), f(3, 2), i(3)],
      ([qkv, qNorm, kNorm, rope, starts]) =>
        ops.attention(
          { qkv: qkv!, qNorm: qNorm!, kNorm: kNorm!, rope: rope!, starts: starts! },
          { batch: 1, time: 3, ...attend },
        ),
    ],
    cachedAttention: [
      [f(3, 6), f(2), f(2), f(5, 2), f(4, 1, 5, 2), f(4, 1, 5, 2), i(3), i(3)],
      ([qkv, qNorm, kNorm, rope, keys, values, slots, positions]) =>
        ops.cachedAttention(
          {
            qkv: qkv!,
            qNorm: qNorm!,
            kNorm: kNorm!,
            rope: rope!,
            keys: keys!,
            values: values!,
            slots: slots!,
            positions: positions!,
          },
          attend,
        ),
    ],
    crossEntropy: [
      [f(2, 3), f(4, 3), f(2), f(2), i(2)],
      ([x, w, weights, nll, targets]) => ops.crossEntropy({ x: x!, w: w!, targets: targets! }, weights!, nll!),
    ],
    negativeLogProbs: [
      [f(2, 3), f(4, 3), f(2), i(2)],
      ([x, w, entropy, targets]) => ops.negativeLogProbs({ x: x!, w: w!, targets: targets! }, entropy!),
    ],
    policyLoss: [
      [f(2), f(2), f(2), f(2), f(2)],
      ([nll, oldLogProbs, referenceLogProbs, advantages, weights]) =>
        ops.policyLoss(
          {
            nll: nll!,
            oldLogProbs: oldLogProbs!,
            referenceLogProbs: referenceLogProbs!,
            advantages: advantages!,
            weights: weights!,
          },
          { clipLow: 1, clipHigh: 1, beta: 1 },
        ),
    ],
    sumSquares: [[f(2), f(1)], ([x, out]) => ops.sumSquares(x!, out!)],
    clipScale: [[f(1), f(2)], ([squares, clip]) => ops.clipScale(squares!, clip!, 1)],
    adamw: [
      [f(2), f(2), f(2), f(2), f(3), f(2)],
      ([weights, grads, m, v, hyper, clip]) =>
        ops.adamw(
          { weights: weights!, grads: grads!, m: m!, v: v!, hyper: hyper!, clip: clip! },
          { beta1: 0.9, beta2: 0.9, eps: 1, weightDecay: 0 },
        ),
    ],
    muon: [
      [f(2, 2), f(2, 2), f(2, 2), f(2), f(2)],
      ([weights, grads, momentum, hyper, clip]) =>
        ops.muon(
          { weights: weights!, grads: grads!, momentum: momentum!, hyper: hyper!, clip: clip! },
          { scale: 1, weightDecay: 0 },
        ),
    ],
  }

  it.each(Object.entries(calls))('%s', (op, [operands, call]) => {
    expect(() => call(operands)).not.toThrow()
    for (const [place, t] of operands.entries()) {
      const instead = (other: Tensor) => () => call(operands.map((one, k) => (k === place ? other : one)))
      const freed = engine.empty(t.shape, t.dtype)
      freed.free()
      expect(instead(freed), `operand ${place}`).toThrow(
        new RegExp(`^${op}: tensor \\(.*\\) has been freed \\(operands: `),
      )
      if (operands.length > 1)
        expect(instead(other.empty(t.shape, t.dtype)), `operand ${place}`).toThrow(
          new RegExp(`^${op}: tensor .* (another engine)`.replace(/[()]/g, '')),
        )
      expect(instead(engine.empty(t.shape, t.dtype === 'f32' ? 'i32' : 'f32')), `operand ${place}`).toThrow(
        new RegExp(`^${op}: .*expected (f32|i32)`),
      )
    }
  })

  it('views stay inside, and their sizes are whole numbers', () => {
    const x = f(4)
    for (const [shape, offset] of [
      [[5], 0],
      [[2], 3],
      [[2], -1],
      [[2], Number.NaN],
      [[1.5], 0],
      [[0], 0],
      [[-1], 2],
    ] as const)
      expect(() => x.view(shape, offset), `${shape.join()} at ${offset}`).toThrow(/view: .* lies outside/)
  })

  it('small operands are refused where a kernel would write beyond them', () => {
    expect(() =>
      ops.muon(
        { weights: f(2, 2), grads: f(1), momentum: f(2, 2), hyper: f(2), clip: f(2) },
        { scale: 1, weightDecay: 0 },
      ),
    ).toThrow(/muon: weights \(2, 2\), but a state of \(1\)/)
    expect(() => ops.clipScale(f(1), f(1), 1)).toThrow(/clipScale: 2 elements/)
    expect(() => ops.negativeLogProbs({ x: f(3, 2), w: f(4, 2), targets: i(3) }, f(2))).toThrow(/entropy of 3 tokens/)
  })
})
