import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { trainTokenizer } from '../../../src/tokenizer/train.ts'
import { heated } from './heated.ts'
import { markedParts } from './marked.ts'
import { mergesOf } from './merges.ts'
import { hex, shown } from './pieces.ts'
import { optionsOf } from './recipe.ts'
import { detailOf, limitOf, ruleOf, twinOf } from './rules.ts'
import { beginning, commonParts, sharedParts } from './shared.ts'

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
    for (const text of ['carpenter', ' the', '木匠', 'xyz', '钓鱼', 'the carpenter, 木匠 and the harbour']) {
      const states = mergesOf(tokenizer.vocabulary, text)
      expect(states[0]!.parts).toHaveLength(new TextEncoder().encode(text).length)
      expect(states.at(-1)!.parts).toEqual(tokenizer.encode(text).map((id) => [...tokenizer.bytesOf(id)]))
      const ranks = states.slice(1).map(({ rank }) => rank!)
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b))
      for (const { parts, fresh, rank } of states) {
        expect(parts.flat()).toEqual(states[0]!.parts.flat())
        expect(fresh).toHaveLength(parts.length)
        expect(fresh.includes(true)).toBe(rank !== null)
      }
    }
  })
})

describe('marking what decided', () => {
  it('parts put together are the text; a cut quote is found by its beginning, whatever the white space', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', '镇', ' ', '(') }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '(', ' ') })),
        (text, quotes) => {
          expect(
            markedParts(text, quotes)
              .map((part) => part.text)
              .join(''),
          ).toBe(text)
        },
      ),
    )
    const marked = (text: string, ...quotes: string[]) =>
      markedParts(text, quotes)
        .filter((part) => part.marked)
        .map((part) => part.text)
    expect(marked('buy now, buy\nnow', 'buy now')).toEqual(['buy now', 'buy\nnow'])
    expect(marked('one two three', 'two th…')).toEqual(['two th'])
    expect(marked('one two three', 'one two', 'two three')).toEqual(['one two three'])
    expect(marked('one', '')).toEqual([])
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
    ).toEqual(['he ', ' tea'])
    expect(
      commonParts('他常说，日子要慢慢过', '日子慢慢过')[0]
        .filter(({ shared }) => shared)
        .map(({ text }) => text),
    ).toEqual(['日子', '慢慢过'])
  })

  it('a beginning cuts no word', () => {
    expect(beginning('Q: I am new here. On which', 13)).toBe('Q: I am new here')
    expect(beginning('认识一下杨加林，他', 5)).toBe('认识一下杨')
    fc.assert(
      fc.property(word, fc.nat(70), (text, size) => {
        const cut = beginning(text, size)
        expect(text.startsWith(cut) && (cut.length >= size || cut === text)).toBe(true)
      }),
    )
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

it('what a rule said is said in Chinese, too', () => {
  const zh = (rule: string, detail: string, of?: string) => detailOf({ id: 'x', rule, detail, of }).zh
  expect(
    zh('gopher-repetition/duplicate-8-grams', '0.356 of the characters lie in 8-grams that came before > 0.198'),
  ).toBe('重复出现的 8 元组占全文 0.356 > 0.198')
  expect(zh('min-length/words', '9 words < 20')).toBe('词数 9 < 20')
  for (const [rule, detail] of [
    ['language', 'the language: ru with confidence 1.00; wanted zh, en with ≥ 0.5'],
    ['extract', 'no text'],
    ['exact-duplicate', 'the same text as web#1'],
    ['near-duplicate', '9 of 14 bands in common with the cluster of web#1'],
    ['near-duplicate', '9 of 14 bands in common with web#1'],
    ['url/domain', 'the domain is on a blocklist: a.example'],
  ] as const)
    expect(zh(rule, detail)).toMatch(/^[^a-z]*(?:ru|web#1|zh|a\.example)?[^a-z]*(?:zh, en)?[^a-z]*$/)
  const twin = (detail: string, of?: string) => twinOf({ id: 'x', detail, of })
  expect(twin('the same text as web#1')).toBe('web#1')
  expect(twin('9 of 14 bands in common with the cluster of web#1')).toBe('web#1')
  expect(twin('9 of 14 bands in common with the cluster of web#1', 'web#2')).toBe('web#2')
  expect(twin('9 words < 20')).toBeUndefined()
})

it('a resolved recipe tells a stage’s plain options', () => {
  const recipe =
    'name: a\nstages:\n  - kind: pretrain\n    name: pretrain\n    steps: 8000\n    decay: 0.5\n    list:\n      - 3\n  - kind: sft\n    steps: 3\n'
  expect(optionsOf(recipe, 'pretrain')).toEqual({ steps: 8000, decay: 0.5 })
  expect(optionsOf(recipe, 'rl')).toEqual({})
})
