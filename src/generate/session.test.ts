/** Logits of cached decoding against the whole forward pass, step by step, and what a session does with its slots. */
import { afterAll, describe, expect, it } from 'vitest'
import { attendRows, hiddenStates, type Model, type ModelConfig } from '../nn/index.ts'
import { fastEngines } from '../tensor/fast.test-helper.ts'
import { Engine, linear, openReference } from '../tensor/index.ts'
import { stepSize } from './cache.ts'
import { createSession } from './session.ts'
import { prompts, tinyConfig, tinyModel } from './tiny.test-helper.ts'

const { vocabSize } = tinyConfig

const ropeScaling = { factor: 4, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 8 }
const layouts: [name: string, layout: Partial<ModelConfig>][] = [
  ['Qwen3', {}],
  ['Qwen2', { qkNorm: false, qkvBias: true }],
  ['Llama', { qkNorm: false, tied: false, ropeScaling }],
]

/** Logits of the last token by the training forward pass. */
async function lastLogits(model: Model, ids: readonly number[]): Promise<number[]> {
  const { engine } = model
  const integers = (values: ArrayLike<number>) => engine.tensor(values, [values.length], 'i32')
  const logits = engine.scope(() =>
    engine.noGrad(() => {
      const starts = integers(new Int32Array(ids.length))
      return linear(hiddenStates(model, integers(ids), attendRows(model, starts, 1, ids.length)), model.head)
    }),
  )
  const last = await logits.view([vocabSize], (ids.length - 1) * vocabSize).read()
  logits.free()
  return Array.from(last)
}

describe.each([['reference', new Engine(openReference())] as [string, Engine], ...(await fastEngines())])(
  'a session on %s',
  (name, engine) => {
    const model = tinyModel(engine)
    afterAll(() => engine.close())
    const bound = name === 'reference' ? 1e-9 : 1e-4

    it.each(layouts)('computes the logits of the whole forward pass at every step: %s', async (_, layout) => {
      const model = tinyModel(engine, { ...tinyConfig, ...layout })
      const session = createSession(model, 4, 40)
      const sequences = session.add(
        prompts([1, 25, 6]).map((prompt, stream) => ({ prompt, stream, options: { maxTokens: 30 } })),
      )
      for (let step = 0; step < 12; step++) {
        expect(await session.advance(1)).toEqual([])
        for (const s of sequences) {
          const logits = await session.logits(s)
          const { ids } = await session.read(s, 0, step)
          expect([s.latest]).toEqual([...(await session.read(s, step, step + 1)).ids])
          const expected = await lastLogits(model, [...Array.from(s.request.prompt), ...ids])
          expected.forEach((z, v) => expect(Math.abs(logits[v]! - z)).toBeLessThan(bound))
        }
      }
      session.free()
    })

    it('goes on from what a slot holds, copied or in place', async () => {
      const session = createSession(model, 3, 60)
      const options = { maxTokens: 10 }
      const [prompt] = prompts([20])
      const check = async (ids: readonly number[]) => {
        const [s] = session.add([{ prompt: ids, stream: 1, options }])
        await session.advance(1)
        const logits = await session.logits(s!)
        const expected = await lastLogits(model, ids)
        expected.forEach((z, v) => expect(Math.abs(logits[v]! - z)).toBeLessThan(bound))
        return s!
      }
      const first = await check(prompt!)
      await session.advance(20)
      expect(first.finish).toBe('length')
      const dialogue = [...prompt!, ...first.ids, 5, 6, 7]
      const second = await check(dialogue) // goes on where the first ended
      expect(second.slot).toBe(first.slot)
      const third = await check([...dialogue.slice(0, 25), 1, 2]) // leaves it half way; the other still runs
      expect(third.slot).not.toBe(second.slot)
      session.drop(second)
      session.drop(third)
      expect([session.running, session.room]).toEqual([0, 3])
      await check([...prompt!, 9])
      session.free()
    })

    // Which slot a prompt gets decides which beginnings are copied and which computed, hence the last bits: an RL run that was
    // killed and resumed has a new session, one that was left alone has not.
    it('hands out slots like a new session once it has forgotten', async () => {
      const session = createSession(model, 4, 40)
      const start = (lengths: readonly number[]) =>
        session.add(
          prompts([9, 9, 9, 9]).map((prompt, i) => ({ prompt, stream: i, options: { maxTokens: lengths[i]! } })),
        )
      const first = start([8, 2, 6, 4]).map(({ slot }) => slot)
      for (let i = 0; i < 4; i++) await session.advance(2)
      session.forget()
      expect(start([1, 1, 1, 1]).map(({ slot }) => slot)).toEqual(first)
      session.free()
    })

    it('keeps a sequence apart from those that are dropped, end or start beside it', async () => {
      const options = { maxTokens: 24, seed: 2 }
      const starts = prompts([9, 4, 14, 3, 2])
      const alone = createSession(model, 1, 40)
      const [quiet] = alone.add([{ prompt: starts[0]!, stream: 5, options }])
      await alone.advance(24)
      const busy = createSession(model, 5, 40)
      const [a, b] = busy.add([starts[1]!, starts[0]!].map((prompt, i) => ({ prompt, stream: i + 4, options })))
      await busy.advance(3)
      busy.add([{ prompt: starts[2]!, stream: 1, options: { maxTokens: 2 } }])
      await busy.advance(4)
      busy.drop(a!)
      busy.add(starts.slice(3).map((prompt, stream) => ({ prompt, stream, options })))
      await busy.advance(17)
      expect([...b!.ids]).toEqual([...quiet!.ids])
      expect(b!.ids.length).toBe(24)
      expect(() => busy.add(starts.map((prompt) => ({ prompt, stream: 0, options })))).toThrow(
        '5 sequences for 3 free slots',
      )
      alone.free()
      busy.free()
    })

    it.each(layouts)('gives a sequence the same bits in any crowd, when exact: %s', async (_, layout) => {
      const model = tinyModel(engine, { ...tinyConfig, ...layout })
      const lengths = Array.from({ length: 40 }, (_, i) => 1 + ((i * 7) % 30))
      const starts = prompts(lengths)
      const request = (i: number) => ({ prompt: starts[i]!, stream: i, options: { maxTokens: 12, seed: 9 } })
      const bits: unknown[] = []
      for (let i = 0; i < starts.length; i += 5) {
        const alone = createSession(model, 1, 60, { exact: true })
        const [s] = alone.add([request(i)])
        await alone.advance(12)
        bits.push([[...s!.ids], [...s!.logProbs], [...(await alone.logits(s!))]])
        alone.free()
      }
      for (const first of [1, 17, 33]) {
        const busy = createSession(model, 40, 60, { exact: true })
        const crowd = busy.add(starts.slice(0, first).map((_, i) => request(i)))
        await busy.advance(5)
        crowd.push(...busy.add(starts.slice(first).map((_, i) => request(first + i))))
        const ends = new Map<unknown, number[]>()
        while (busy.running > 0) for (const s of await busy.advance(1)) ends.set(s, [...(await busy.logits(s))])
        const seen = crowd.filter((_, i) => i % 5 === 0).map((s) => [[...s.ids], [...s.logProbs], ends.get(s)])
        expect(seen).toEqual(bits)
        busy.free()
      }
    })

    it('draws only what a mask allows, and leaves the rows beside it alone', async () => {
      const session = createSession(model, 4, 40)
      const mask = (allowed: readonly number[]) =>
        Float32Array.from({ length: vocabSize }, (_, id) => (allowed.includes(id) ? 0 : -Infinity))
      const start = () =>
        session.add(prompts([5, 9, 3]).map((prompt, stream) => ({ prompt, stream, options: { maxTokens: 12 } })))
      const free = start()
      await session.advance(12)
      const [a, b, c] = start()
      for (let n = 0; n < 8; n++) {
        session.constrain(b!, mask([n, n + 20]))
        if (n >= 4) session.constrain(c!, n < 6 ? mask([7]) : null)
        await session.advance(1)
        const { ids } = await session.read(b!, n, n + 1)
        expect([n, n + 20]).toContain(ids[0])
        expect((await session.logits(b!)).every((z) => Number.isFinite(z))).toBe(true) // those before the mask
      }
      session.constrain(b!, mask([]))
      await expect(session.advance(1)).rejects.toThrow('not finite')
      expect(session.room).toBe(4)
      expect(() => session.constrain(a!, null)).toThrow('does not run')
      const [again, , half] = start()
      session.constrain(half!, mask([7]))
      await session.advance(2)
      session.constrain(half!, null)
      await session.advance(10)
      expect([...half!.ids.subarray(0, 2)]).toEqual([7, 7])
      expect(new Set(half!.ids).size).toBeGreaterThan(2)
      expect([...again!.ids]).toEqual([...free[0]!.ids])
      session.free()
    })
  },
)

describe('prompts computed in pieces', () => {
  const engine = new Engine(openReference())
  const model = tinyModel(engine)
  afterAll(() => engine.close())
  const options = { maxTokens: 6, temperature: 1, seed: 4 }
  const all = prompts([3, 30, 12, 1])
  const twins = [...all, [...all[1]!], [...all[1]!.slice(0, 20), 1, 2, 3]] // some share their beginning

  /** Runs all prompts, some of them added while others run, and the tokens of each; `dropped` goes away after two steps. */
  async function answers(prefill: number | undefined, dropped = -1) {
    const session = createSession(model, twins.length, 40, { exact: true, ...(prefill ? { prefill } : {}) })
    const start = (from: number, to: number) =>
      session.add(twins.slice(from, to).map((prompt, i) => ({ prompt, stream: from + i, options })))
    const sequences = start(0, 2)
    await session.advance(1)
    sequences.push(...start(2, twins.length))
    let first = 0 // steps until the short prompt has a token
    for (let step = 0; session.running > 0 && step < 100; step++) {
      if (step === 1 && dropped >= 0) session.drop(sequences[dropped]!)
      if (sequences[0]!.row >= 0 && first === 0) first = step + 1
      await session.advance(1)
    }
    expect(session.room).toBe(twins.length)
    const bits = sequences.map(({ ids, logProbs }) => [...ids, ...logProbs])
    // what the slots hold is what they say: prompts that begin alike go on from it
    const again = session.add([{ prompt: twins[1]!, stream: 1, options }])
    while (session.running > 0) await session.advance(1)
    expect([...again[0]!.ids, ...again[0]!.logProbs]).toEqual(bits[1]!.length > 0 ? bits[1] : expect.any(Array))
    session.free()
    return { bits, again: [...again[0]!.ids], first }
  }

  it('give the same bits, and others go on meanwhile', async () => {
    const whole = await answers(undefined)
    for (const prefill of [1, 5, 16, 64]) expect((await answers(prefill)).bits).toEqual(whole.bits)
    expect((await answers(5)).first).toBe(1)
  })

  it('may go away halfway, also where others wait for their beginning', async () => {
    const whole = await answers(undefined)
    for (const prefill of [2, 7]) {
      const { bits, again } = await answers(prefill, 1)
      expect(bits.filter((_, i) => i !== 1)).toEqual(whole.bits.filter((_, i) => i !== 1))
      expect(again).toEqual(whole.again)
    }
  })
})

it('chooses steps of prefill that are at least half full', () => {
  const plan = (n: number) => {
    const sizes: number[] = []
    for (let left = n; left > 0; left -= sizes.at(-1)!) sizes.push(stepSize(left))
    return sizes
  }
  expect(plan(1)).toEqual([1])
  expect(plan(3)).toEqual([4])
  expect(plan(70)).toEqual([64, 4, 4])
  expect(plan(40)).toEqual([64])
  expect(plan(2500)).toEqual([1024, 1024, 256, 256])
  expect([stepSize(100, 16), stepSize(9, 16), stepSize(3, 1)]).toEqual([16, 16, 1])
})
