/** Batched decoding against the whole forward pass, and against itself in other batches, on every backend. */
import { afterAll, describe, expect, it } from 'vitest'
import { createBatch, createModel, freeModel, initialize, tokenLosses, writeBatch } from '../nn/index.ts'
import { fastEngines } from '../tensor/fast.test-helper.ts'
import { Engine, openReference } from '../tensor/index.ts'
import { type BatchOptions, type Completion, generateBatch } from './generate.ts'
import { createSession } from './session.ts'
import { prompts, tinyConfig, tinyModel } from './tiny.test-helper.ts'

describe.each([['reference', new Engine(openReference())] as [string, Engine], ...(await fastEngines())])(
  'generateBatch on %s',
  (name, engine) => {
    const model = tinyModel(engine)
    afterAll(() => engine.close())
    const digits = name === 'reference' ? 9 : 4

    /** log p of each token of `ids` after `prompt`, by the training forward pass. */
    async function scores(prompt: readonly number[], ids: ArrayLike<number>): Promise<number[]> {
      const all = [...prompt, ...Array.from(ids)]
      const time = all.length - 1
      const batch = createBatch(engine, 1, time)
      writeBatch(batch, {
        ids: Int32Array.from(all.slice(0, -1)),
        targets: Int32Array.from(all.slice(1)),
        starts: new Int32Array(time),
      })
      const nll = await engine.scope(() => engine.noGrad(() => tokenLosses(model, batch))).read()
      for (const t of [batch.ids, batch.targets, batch.starts, batch.weights]) t.free()
      return Array.from(nll, (x) => -x).slice(prompt.length - 1)
    }

    const expectSame = (actual: Completion[], expected: Completion[]) => {
      expect(actual.map((c) => [...c.ids])).toEqual(expected.map((c) => [...c.ids]))
      expect(actual.map((c) => c.finish)).toEqual(expected.map((c) => c.finish))
      actual.forEach((c, i) =>
        c.logProbs.forEach((p, k) => expect(p).toBeCloseTo(expected[i]!.logProbs[k]!, digits - 3)),
      )
    }

    it.each<[string, Partial<BatchOptions>]>([
      ['greedy', { temperature: 0 }],
      ['sampled', { temperature: 1.3, topP: 0.95, repetitionPenalty: 1.2, seed: 4 }],
    ])('gives the log-probabilities of the whole forward pass: %s', async (_, settings) => {
      const starts = prompts([1, 2, 5, 6, 17, 21, 40, 63])
      const completions = await generateBatch(model, starts, { maxTokens: 20, ...settings })
      for (const [i, { ids, logProbs, finish }] of completions.entries()) {
        expect(finish).toBe('length')
        expect(ids.length).toBe(Math.min(20, tinyConfig.maxPositions - starts[i]!.length))
        const expected = await scores(starts[i]!, ids)
        // float32 on the way out: 1e-7 of values up to 10
        logProbs.forEach((p, k) => expect(Math.abs(p - expected[k]!)).toBeLessThan(name === 'reference' ? 1e-6 : 1e-4))
      }
    })

    it('does not depend on what else runs: one by one, in waves, all at once, copied beginnings', async () => {
      const [a, b, c] = prompts([12, 30, 3])
      const starts = [
        a!,
        a!,
        b!,
        c!,
        a!,
        [...b!, 1, 2],
        b!.slice(0, 20),
        a!,
        c!,
        b!,
        [...a!, ...a!],
        ...prompts([2, 7, 7, 1, 16]),
      ]
      const options = { maxTokens: 11, seed: 1, stopIds: [3, 17] }
      const together = await generateBatch(model, starts, options)
      const streams = starts.map((_, i) => i)
      const alone: Completion[] = []
      for (const i of streams) alone.push(...(await generateBatch(model, [starts[i]!], { ...options, streams: [i] })))
      expectSame(together, alone)
      expect(new Set(together.map((c) => c.finish))).toEqual(new Set(['stop', 'length']))
      for (const slots of [1, 3, 5]) {
        const session = createSession(model, slots, 50)
        expectSame(await generateBatch(model, starts, { ...options, session }), alone)
        const order = streams.toReversed()
        const reversed = await generateBatch(
          model,
          order.map((i) => starts[i]!),
          { ...options, session, streams: order },
        )
        expectSame(reversed.toReversed(), alone)
        session.free()
      }
    })

    it('differs by seed and stream, and repeats with the same', async () => {
      const [prompt] = prompts([4])
      const run = async (seed: number, stream: number) =>
        [...(await generateBatch(model, [prompt!], { maxTokens: 16, seed, streams: [stream] }))[0]!.ids].join()
      const all = [await run(0, 0), await run(0, 1), await run(1, 0)]
      expect(new Set(all).size).toBe(3)
      expect(await run(0, 1)).toBe(all[1])
    })

    it.each([0, 1, 2, 3, 4])('ends with a stop id, which is the last token: %i others before', async (others) => {
      const starts = prompts([5, 5, 5, 5, 5, 5])
      const free = await generateBatch(model, starts, { maxTokens: 12 })
      const drawn = new Set(free.flatMap(({ ids }) => Array.from(ids)))
      const never = Array.from({ length: 43 }, (_, id) => id).filter((id) => !drawn.has(id))
      const stopIds = [...never.slice(0, others), free[0]!.ids[4]!, free[1]!.ids[7]!].slice(0, 5)
      expect(stopIds.length).toBe(Math.min(5, others + 2))
      for (const [i, { ids, finish, logProbs }] of (
        await generateBatch(model, starts, { maxTokens: 12, stopIds })
      ).entries()) {
        const at = free[i]!.ids.findIndex((id) => stopIds.includes(id))
        expect([...ids]).toEqual([...free[i]!.ids].slice(0, at < 0 ? 12 : at + 1))
        expect(finish).toBe(at < 0 ? 'length' : 'stop')
        expect(logProbs.length).toBe(ids.length)
      }
    })

    it('gives nothing to a prompt that fills the context', async () => {
      const [full, shorter] = await generateBatch(model, prompts([64, 3]), { maxTokens: 2 })
      expect(full).toEqual({ ids: new Int32Array(), logProbs: new Float32Array(), finish: 'length' })
      expect(shorter!.ids.length).toBe(2)
      expect(await generateBatch(model, [], { maxTokens: 2 })).toEqual([])
    })

    it('uses new weights after they changed, with the same session', async () => {
      const other = tinyModel(engine)
      const session = createSession(other, 2, 30)
      const starts = prompts([12, 12])
      const options = { maxTokens: 6, temperature: 0 }
      expectSame(
        await generateBatch(other, starts, { ...options, session }),
        await generateBatch(model, starts, options),
      )
      const weights = (await other.slab.weights.read()).map((w) => -w)
      other.slab.weights.write(weights)
      const after = await generateBatch(other, starts, { ...options, session })
      expectSame(after, await generateBatch(other, starts, options))
      session.free()
      freeModel(other)
    })

    it('gives all memory back', async () => {
      const before = engine.pool.used
      await generateBatch(model, prompts([3, 30]), { maxTokens: 5 })
      expect(engine.pool.used).toBe(before)
    })

    it('says what is wrong', async () => {
      const run = (starts: number[][], options: Partial<BatchOptions> = {}) =>
        generateBatch(model, starts, { maxTokens: 4, ...options })
      await expect(run([[1], []])).rejects.toThrow('prompt 1 is empty')
      await expect(run([[1, 43]])).rejects.toThrow('token 1 of prompt 0 is 43, expected an id from 0 to 42')
      await expect(run(prompts([65]))).rejects.toThrow('prompt 0 has 65 tokens, the context holds 64')
      await expect(run([[1]], { temperature: -1 })).rejects.toThrow('temperature must be 0 or more, got -1')
      await expect(run([[1]], { maxTokens: 2.5 })).rejects.toThrow('maxTokens must be a whole number from 1, got 2.5')
      await expect(run([[1]], { maxTokens: -3 })).rejects.toThrow('maxTokens must be a whole number from 1, got -3')
      await expect(run([[1]], { topP: 0 })).rejects.toThrow('topP')
      await expect(run([[1]], { maxTokens: 0 })).rejects.toThrow('maxTokens')
      await expect(run([[1]], { stopIds: [1, 2, 3, 4, 5, 6] })).rejects.toThrow(
        'stopIds must be at most five ids below 43, got 1, 2, 3, 4, 5, 6',
      )
      await expect(run([[1]], { streams: [1, 2] })).rejects.toThrow('2 streams for 1 prompts')
      expect(() => createSession(model, 1, 65)).toThrow('65 tokens do not fit a model of 64 positions')
    })

    it('says so when logits are no numbers, and the session can be used again', async () => {
      const broken = createModel(engine, tinyConfig, { trainable: false })
      const session = createSession(broken, 4, 30)
      const run = () => generateBatch(broken, prompts([3, 9]), { maxTokens: 4, session })
      broken.slab.weights.write(new Float32Array(broken.slab.weights.size).fill(Number.NaN))
      await expect(run()).rejects.toThrow('not finite numbers')
      initialize(broken, 1)
      expect((await run()).map((c) => c.ids.length)).toEqual([4, 4])
      session.free()
      freeModel(broken)
    })
  },
)
