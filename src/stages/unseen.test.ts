import { expect, it } from 'vitest'
import { trainTokenizer } from '../tokenizer/index.ts'
import { streamOfDocuments } from './tokens.ts'
import { tokensOfLines } from './unseen.ts'

it('marks the tokens of the lines that are named, and nothing else', async () => {
  const texts = ['学霸读书。\n小猫睡觉。\n学霸读书。', 'A cat sat.\n\nA dog ran.', '小猫睡觉。']
  // Merges across words, so that tokens have several bytes.
  const tokenizer = await trainTokenizer([...texts, ...texts, ...texts], { vocabSize: 275 })
  const end = tokenizer.idOf('<|endoftext|>')
  const stream = streamOfDocuments(
    texts.map((text) => tokenizer.encode(text)),
    end,
  )
  const marked = (lines: string[]) => {
    const marks = tokensOfLines(stream, tokenizer, new Set(lines))
    return tokenizer.decode([...stream.tokens].filter((_, i) => marks[i] === 1))
  }
  expect(marked(['小猫睡觉。'])).toBe('小猫睡觉。\n小猫睡觉。')
  expect(marked(['A dog ran.'])).toBe('A dog ran.')
  expect(marked(['学霸读书。', 'A cat sat.'])).toBe('学霸读书。\n学霸读书。A cat sat.\n')
  expect(marked([])).toBe('')
})
