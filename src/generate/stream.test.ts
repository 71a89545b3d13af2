import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { fastEngines } from '../tensor/fast.test-helper.ts'
import { Engine, openReference } from '../tensor/index.ts'
import { generateBatch } from './generate.ts'
import { createSession } from './session.ts'
import { distribution, type StreamedToken, type StreamOptions, streamText } from './stream.ts'
import { createTextStream, splitAtStop, type TokenText } from './text.ts'
import { prompts, tinyConfig, tinyModel } from './tiny.test-helper.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

/** Tokens of one or two bytes, so that most characters take several; the last id is special, and the model has two more. */
const pieces = ['学', '霸', '😀', ' a', 'b', 'ab'].flatMap((text) =>
  [...bytes(text)].map((byte) => Uint8Array.of(byte)),
)
while (pieces.length < 40)
  pieces.push(bytes(String.fromCharCode(97 + (pieces.length % 7)) + (pieces.length % 2 ? '' : 'c')))
const tokenizer: TokenText = {
  vocabSize: 41,
  isSpecialId: (id) => id === 40,
  bytesOf: (id) => [...pieces, bytes('<|end|>')][id]!,
}
const decode = (ids: readonly number[]) =>
  new TextDecoder().decode(Uint8Array.from(ids.filter((id) => id < 40).flatMap((id) => [...pieces[id]!])))

describe('text', () => {
  const all = { vocabSize: 256, isSpecialId: () => false, bytesOf: (id: number) => Uint8Array.of(id) }

  it('comes in whole characters, whatever the tokens', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const stream = createTextStream(all)
        const parts = [...bytes(text)].map((byte) => stream.push(byte))
        expect(parts.join('') + stream.end()).toBe(text)
        for (const part of parts) expect(part.isWellFormed()).toBe(true)
      }),
    )
    const stream = createTextStream(all)
    expect([0xe5, 0xad].map((byte) => stream.push(byte))).toEqual(['', ''])
    expect(stream.end()).toBe('�')
  })

  it('ends before the stop string that is complete first, and shows nothing that may become one', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '学'), maxLength: 20 })
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '学'), minLength: 1, maxLength: 4 }), {
      maxLength: 3,
    })
    fc.assert(
      fc.property(letters, stops, (text, stops) => {
        const ends = [...text].map((_, i) => stops.filter((stop) => text.slice(0, i + 1).endsWith(stop)))
        const end = ends.findIndex((complete) => complete.length > 0)
        const first = end < 0 ? text.length : end + 1 - Math.max(...ends[end]!.map((stop) => stop.length))
        const stream = createTextStream(all, stops)
        let shown = ''
        for (const byte of bytes(text)) {
          shown += stream.push(byte)
          expect(text.slice(0, first).startsWith(shown)).toBe(true)
        }
        expect(stream.stopped).toBe(stops.some((s) => text.includes(s)))
        expect(shown + stream.end()).toBe(text.slice(0, first))
        expect(stream.decoded).toBe(text.length)
      }),
      { numRuns: 2000 },
    )
    expect(splitAtStop('say <|e', ['<|end|>', 'e'])).toEqual({ before: 'say <|', rest: '', found: true })
    expect(splitAtStop('xabab', ['b', 'abab', 'ab'])).toEqual({ before: 'x', rest: '', found: true })
    expect(splitAtStop('say <|', ['<|end|>'])).toEqual({ before: 'say ', rest: '<|', found: false })
    expect(() => createTextStream(all, [''])).toThrow('empty stop string')
  })
})

describe.each([['reference', new Engine(openReference())] as [string, Engine], ...(await fastEngines())])(
  'streamText on %s',
  (_, engine) => {
    const model = tinyModel(engine)
    afterAll(() => engine.close())
    const [prompt] = prompts([11])

    async function collect(options: Partial<StreamOptions> = {}, from = prompt!): Promise<StreamedToken[]> {
      const tokens: StreamedToken[] = []
      for await (const token of streamText(model, tokenizer, from, { maxTokens: 30, ...options })) tokens.push(token)
      return tokens
    }
    const textOf = (tokens: StreamedToken[]) => tokens.map((t) => t.text).join('')

    it('yields the tokens, log-probabilities and text of the batch', async () => {
      for (const stream of [0, 1, 2]) {
        const [expected] = await generateBatch(model, [prompt!], { maxTokens: 30, streams: [stream], stopIds: [40] })
        const tokens = await collect({ stream, stopIds: [40] })
        expect(tokens.map((t) => t.id)).toEqual([...expected!.ids])
        tokens.forEach((t, i) => expect(t.logProb).toBeCloseTo(expected!.logProbs[i]!, 5))
        expect(textOf(tokens)).toBe(decode(tokens.map((t) => t.id)))
        expect(tokens.map((t) => t.finish)).toEqual([...tokens.slice(1).map(() => null), expected!.finish])
      }
    })

    it('stops at a stop string inside and across tokens, and leaves it out', async () => {
      const whole = textOf(await collect())
      const stop = whole.slice(9, 12)
      const tokens = await collect({ stop: ['never there', stop] })
      expect(textOf(tokens)).toBe(whole.slice(0, whole.indexOf(stop)))
      expect(tokens.at(-1)!.finish).toBe('stop')
      expect(tokens.length).toBeLessThan(30)
    })

    it('leaves the text of the stop id out', async () => {
      const whole = await collect()
      const at = whole.findIndex((t) => t.text.length > 0 && t.id !== whole[0]!.id)
      const tokens = await collect({ stopIds: [whole[at]!.id] })
      expect(tokens.length).toBe(at + 1)
      expect(tokens.at(-1)).toMatchObject({ id: whole[at]!.id, finish: 'stop' })
      expect(textOf(tokens)).toBe(decode(tokens.slice(0, -1).map((t) => t.id)))
    })

    it('reports alternatives with their probabilities, likeliest first', async () => {
      const tokens = await collect({ alternatives: 43, temperature: 0, maxTokens: 5 })
      for (const { id, logProb, alternatives } of tokens) {
        expect(alternatives.map((a) => a.id).toSorted((a, b) => a - b)).toEqual([...Array(43).keys()])
        expect(alternatives.reduce((a, b) => a + b.probability, 0)).toBeCloseTo(1, 6)
        expect(alternatives.map((a) => a.probability)).toEqual(
          alternatives.map((a) => a.probability).toSorted((a, b) => b - a),
        )
        expect(alternatives[0]!.id).toBe(id)
        expect(Math.log(alternatives[0]!.probability)).toBeCloseTo(logProb, 4)
      }
      expect((await collect({ alternatives: 2, maxTokens: 1 }))[0]!.alternatives).toEqual(
        tokens[0]!.alternatives.slice(0, 2),
      )
    })

    it('gives the distribution of the next token', async () => {
      const [first] = await collect({ alternatives: 4, maxTokens: 1 })
      const top = await distribution(model, tokenizer, prompt!, 4)
      expect(top.map((a) => a.id)).toEqual(first!.alternatives.map((a) => a.id))
      top.forEach((a, i) => expect(a.probability).toBeCloseTo(first!.alternatives[i]!.probability, 5))
      expect(await distribution(model, tokenizer, prompts([64])[0]!, 100)).toHaveLength(43)
    })

    it('ends at the end of the context', async () => {
      expect(await collect({}, prompts([64])[0]!)).toEqual([])
      const tokens = await collect({}, prompts([61])[0]!)
      expect(tokens.map((t) => t.finish)).toEqual([null, null, 'length'])
      await expect(collect({}, prompts([65])[0]!)).rejects.toThrow(
        `the prompt has 65 tokens, the context holds ${tinyConfig.maxPositions}`,
      )
    })

    it('gives memory back when the reader breaks off, and keeps a session usable', async () => {
      const before = engine.pool.used
      for await (const { id } of streamText(model, tokenizer, prompt!, { maxTokens: 30 })) if (id >= 0) break
      expect(engine.pool.used).toBe(before)
      const session = createSession(model, 1, 64)
      for await (const { id } of streamText(model, tokenizer, prompt!, { maxTokens: 30, session })) if (id >= 0) break
      expect(textOf(await collect({ session }))).toBe(textOf(await collect()))
      session.add([{ prompt: prompt!, stream: 0, options: { maxTokens: 3 } }])
      await expect(collect({ session })).rejects.toThrow('in use')
      session.free()
    })

    it('lets timers run between tokens', async () => {
      let ticks = 0
      const timer = setInterval(() => ticks++, 1)
      for (let i = 0; i < 40; i++) await collect()
      clearInterval(timer)
      expect(ticks).toBeGreaterThan(0)
    })
  },
)
