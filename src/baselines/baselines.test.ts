import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { random } from '../tensor/random.ts'
import { trainNgrams } from './ngram.ts'
import { Numbering } from './numbering.ts'
import { Ppm } from './ppm.ts'

const tokensBelow = (vocabSize: number) => fc.array(fc.integer({ min: 0, max: vocabSize - 1 }), { maxLength: 80 })

test('numbers keys like a Map, large ones too', () => {
  const key = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.maxSafeNat())
  fc.assert(
    fc.property(fc.array(key, { maxLength: 3000 }), (keys) => {
      const [map, numbering] = [new Map<number, number>(), new Numbering()]
      for (const key of keys) {
        expect(numbering.get(key)).toBe(map.get(key) ?? -1)
        if (!map.has(key)) map.set(key, map.size)
        expect(numbering.add(key)).toBe(map.get(key))
      }
      expect(numbering.size).toBe(map.size)
    }),
    { numRuns: 20 },
  )
})

describe('n-grams', () => {
  test('the probabilities of all tokens add up to one after any context', () => {
    fc.assert(
      fc.property(tokensBelow(7), tokensBelow(7), fc.integer({ min: 1, max: 5 }), (training, context, length) => {
        const model = trainNgrams(training, 7, length)
        let sum = 0
        for (let token = 0; token < 7; token++) sum += Math.exp(-model.nats([...context, token], context.length))
        expect(sum).toBeCloseTo(1, 9)
      }),
    )
  })

  test('count as Kneser and Ney say: after an unknown context, what follows many words beats what is frequent after one', () => {
    // "Francisco" (2) is frequent, but only ever after "San" (1); "glasses" (3) follow many words
    const training = [1, 2, 1, 2, 1, 2, 1, 2, 4, 3, 5, 3, 6, 3]
    const model = trainNgrams(training, 9, 2)
    expect(model.nats([8, 3], 1)).toBeLessThan(model.nats([8, 2], 1))
    expect(model.nats([1, 2], 1)).toBeLessThan(model.nats([1, 3], 1))
  })

  test('an example worked out by hand', () => {
    // bigrams: 0→1 twice, 1→0, 1→2. n1 = 2, n2 = 1, so Y = 1/2 and D1 = 1 − 2·½·½ = ½; D2 falls back to ½
    const model = trainNgrams([0, 1, 0, 1, 2], 3, 2)
    // unigrams count predecessors: 0 has one, 1 has one, 2 has one; no count of 2, so Y = 1, D1 = 1 − 0 is not below 1: ½
    const unigram = (1 - 0.5 + 1.5 / 3) / 3
    expect(model.nats([1, 0], 1)).toBeCloseTo(-Math.log((1 - 0.5 + 1 * unigram) / 2), 12)
    expect(model.nats([0, 1], 1)).toBeCloseTo(-Math.log((2 - 0.5 + 0.5 * unigram) / 2), 12)
  })

  test('longer ones know more of text with structure', () => {
    const draw = random(1, 'ngram.test')
    const text = Array.from({ length: 4000 }, () => draw.below(4)).flatMap((a) => [a, (a + 1) % 4, 4, a])
    const bits = (length: number) => {
      const model = trainNgrams(text.slice(0, 12_000), 5, length)
      let sum = 0
      for (let i = 12_000; i < 16_000; i++) sum += model.nats(text, i)
      return sum / 4000 / Math.LN2
    }
    expect(bits(4)).toBeCloseTo(0.5, 1) // two bits every four tokens
    expect(bits(1)).toBeGreaterThan(2)
  })
})

describe('PPM', () => {
  const bitsOf = (bytes: Iterable<number>, order = 6) => {
    const model = new Ppm(order)
    let bits = 0
    for (const byte of bytes) bits += model.add(byte)
    return bits
  }

  test('the probabilities of all bytes add up to one after any text', () => {
    fc.assert(
      fc.property(tokensBelow(5), fc.integer({ min: 0, max: 6 }), (text, order) => {
        let sum = 0
        for (let byte = 0; byte < 256; byte++) {
          const model = new Ppm(order)
          for (const one of text) model.add(one)
          sum += 2 ** -model.add(byte)
        }
        expect(sum).toBeCloseTo(1, 9)
      }),
      { numRuns: 15 },
    )
  })

  test('costs eight bits a byte of noise, and next to nothing for what it knows by heart', () => {
    const draw = random(1, 'ppm.test')
    const noise = Array.from({ length: 20_000 }, () => draw.below(256))
    expect(bitsOf(noise) / noise.length).toBeGreaterThan(7.9)
    expect(bitsOf(noise) / noise.length).toBeLessThan(8.8)
    const phrase = [...Buffer.from('从前有座山，山里有座庙。')]
    const repeated = Array.from({ length: 300 }, () => phrase).flat()
    expect(bitsOf(repeated) / repeated.length).toBeLessThan(0.1)
  })

  test('by hand: with the empty context only', () => {
    const model = new Ppm(0)
    expect(model.add(97)).toBe(8) // nothing is known: one of 256
    expect(model.add(97)).toBeCloseTo(1) // an escape is as likely as not
    expect(model.add(97)).toBeCloseTo(1) // seen twice: another kind of context, unheard of
    expect(model.add(98)).toBeCloseTo(1 + Math.log2(255)) // seen three times, another kind; an escape, then one of 255
  })

  test('a context seen once is trusted where such contexts were never left', () => {
    const costOfSecond = (model: Ppm) => {
      for (const byte of [251, 7]) model.add(byte)
      model.add(251)
      return model.add(7) // it came once after 251
    }
    const model = new Ppm(1)
    const r = random(2, 'ppm.test')
    for (let i = 0; i < 3000; i++) for (const byte of [r.below(200), 7]) model.add(byte)
    expect(costOfSecond(model)).toBeLessThan(0.1)
    expect(costOfSecond(new Ppm(1))).toBeCloseTo(1)
  })
})
