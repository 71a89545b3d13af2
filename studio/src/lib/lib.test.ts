import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { trainTokenizer } from '../../../src/tokenizer/train.ts'
import { heated } from './heated.ts'
import { mergesOf } from './merges.ts'
import { hex, shown } from './pieces.ts'
import { optionsOf } from './recipe.ts'
import { limitOf, ruleOf } from './rules.ts'
import { commonParts, sharedParts } from './shared.ts'

describe('temperature', () => {
  const chances = fc
    .array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: 2, maxLength: 30 })
    .map((all) => all.map((p) => p / all.reduce((a, b) => a + b, 0)))

  it('keeps order and sum; 1 changes nothing, 0 leaves the likeliest', () => {
    fc.assert(
      fc.property(chances, fc.double({ min: 0.05, max: 3, noNaN: true }), (all, temperature) => {
        const hot = heated(all, temperature)
        expect(hot.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
        for (let i = 1; i < all.length; i++)
          if (Math.abs(all[i]! - all[i - 1]!) > 1e-9) expect(hot[i]! >= hot[i - 1]!).toBe(all[i]! > all[i - 1]!)
        heated(all, 1).forEach((p, i) => expect(p).toBeCloseTo(all[i]!, 9))
        expect(Math.max(...heated(all, 0))).toBe(1)
      }),
    )
  })
})

describe('merging', () => {
  it('ends with the tokens that the tokenizer gives', async () => {
    const texts = [
      'the carpenter lives in the harbour',
      '木匠住在码头街，木匠喜欢钓鱼',
      'the the carpenter carpenter 木匠 木匠',
    ]
    const tokenizer = await trainTokenizer(texts, { vocabSize: 270 })
    for (const word of ['carpenter', ' the', '木匠', 'xyz', '钓鱼']) {
      const story = mergesOf(tokenizer.vocabulary, word)
      expect(story[0]!.parts).toHaveLength(new TextEncoder().encode(word).length)
      const last = story.at(-1)!.parts
      expect(last).toEqual(tokenizer.encode(word).map((id) => [...tokenizer.bytesOf(id)]))
      const ranks = story.slice(1).map(({ rank }) => rank!)
      expect(ranks.every((rank) => rank >= 0)).toBe(true)
    }
  })
})

describe('what two texts share', () => {
  const word = fc.string({ maxLength: 60, unit: fc.constantFrom('a', 'b', '镇') })

  it.each([sharedParts, commonParts])('%o: parts put together are the texts', (partsOf) => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        const [partsA, partsB] = partsOf(a, b)
        expect(partsA.map(({ text }) => text).join('')).toBe(a)
        expect(partsB.map(({ text }) => text).join('')).toBe(b)
      }),
    )
  })

  it('is lit', () => {
    expect(sharedParts('xx今天天气很好我们去', '今天天气很好我们去yy')[0]).toEqual([
      { text: 'xx', shared: false },
      { text: '今天天气很好我们去', shared: true },
    ])
    expect(
      commonParts('he likes tea', 'he loves tea')[1]
        .filter(({ shared }) => shared)
        .map(({ text }) => text),
    ).toEqual(['he l', 'es tea'])
  })
})

it('bytes that are no text are shown as bytes', () => {
  expect(shown([228, 189, 160])).toEqual({ text: '你', partial: false })
  expect(shown([228, 189])).toEqual({ text: 'E4 BD', partial: true })
  expect(hex([0, 255])).toBe('00 FF')
})

it('limits are read out of what a rule said', () => {
  expect(limitOf('0.354 of the characters > 0.198')).toEqual({ value: 0.354, limit: 0.198, below: false })
  expect(limitOf('15 characters < 40')).toEqual({ value: 15, limit: 40, below: true })
  for (const other of [
    'no text',
    'the same text as web#1',
    'fr with confidence 0.81; wanted zh, en with ≥ 0.5',
    undefined,
  ])
    expect(limitOf(other)).toBeNull()
  expect(ruleOf('gopher-repetition/duplicate-8-grams').zh).toContain('8')
  expect(ruleOf('something-new').en).toBe('something-new')
})

it('a resolved recipe tells a stage’s plain options', () => {
  const recipe =
    'name: a\nstages:\n  - kind: pretrain\n    name: pretrain\n    steps: 8000\n    decay: 0.5\n    list:\n      - 3\n  - kind: sft\n    steps: 3\n'
  expect(optionsOf(recipe, 'pretrain')).toEqual({ steps: 8000, decay: 0.5 })
  expect(optionsOf(recipe, 'rl')).toEqual({})
})
