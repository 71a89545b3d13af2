import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IM_END, textStream, trainTokenizer } from './index.ts'
import { anyText, documents } from './text.test-helper.ts'

const tokenizer = await trainTokenizer(documents(50), { vocabSize: 400 })

test('the pieces joined are the text of all ids', () => {
  const ids = fc.oneof(
    fc.array(fc.integer({ min: 0, max: 399 }), { maxLength: 30 }),
    anyText.map((text) => tokenizer.encode(text)),
  )
  fc.assert(
    fc.property(ids, fc.boolean(), (ids, special) => {
      const stream = textStream(tokenizer, { special })
      const pieces = ids.map((id) => stream.push(id))
      expect(pieces.join('') + stream.end()).toBe(tokenizer.decode(ids, { special }))
    }),
  )
})

test('a character comes when its last byte does', () => {
  const stream = textStream(tokenizer)
  expect([...new TextEncoder().encode('é🙂a')].map((byte) => stream.push(byte))).toEqual([
    '',
    'é',
    '',
    '',
    '',
    '🙂',
    'a',
  ])
  expect(stream.end()).toBe('')
})

test('special tokens are left out, half a character is marked at the end', () => {
  const stream = textStream(tokenizer)
  expect(stream.push(tokenizer.idOf(IM_END))).toBe('')
  expect(stream.push(0xe6)).toBe('')
  expect(stream.end()).toBe('\ufffd')
  expect(stream.push(0x61)).toBe('a')
  expect(() => stream.push(400)).toThrow('token id 400')
})
