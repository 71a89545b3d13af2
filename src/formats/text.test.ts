import fc from 'fast-check'
import { expect, test } from 'vitest'
import { collect } from './bytes.ts'
import { parseText } from './text.ts'

const read = (text: string | Uint8Array, size?: number) => collect(parseText([Buffer.from(text)], size))

test('a short file is one document, whatever its paragraphs', async () => {
  expect(await read('\n\nOne.\r\n\r\nTwo.\n\n')).toEqual([{ line: 1, offset: 0, text: 'One.\n\nTwo.' }])
  expect(await read('')).toEqual([])
  expect(await read(' \n \n')).toEqual([])
})

test('long files are cut at paragraphs, then at lines, then inside a line', async () => {
  const paragraphs = Array.from({ length: 20 }, (_, i) => `Paragraph ${i} has a few words.`)
  const cut = await read(paragraphs.join('\n\n'), 100)
  expect(cut.length).toBeGreaterThan(3)
  expect(cut.map((d) => ('text' in d ? d.text : '')).join('\n\n')).toBe(paragraphs.join('\n\n'))
  const lines = await read(paragraphs.join('\n'), 100)
  expect(lines.map((d) => ('text' in d ? d.text : '')).join('\n')).toBe(paragraphs.join('\n'))
  const sentence = '从前有一个人住在山里。'
  const one = await read(sentence.repeat(200), 50)
  expect(one.length).toBeGreaterThan(9)
  for (const d of one) expect('text' in d && d.text.endsWith('。') && d.text.length <= 200).toBe(true)
})

test('<|endoftext|> on a line of its own ends a document', async () => {
  expect(await read('One.\n<|endoftext|>\nTwo.\n<|endoftext|>\n')).toMatchObject([
    { text: 'One.' },
    { line: 3, text: 'Two.' },
  ])
})

test('lines that are not UTF-8 are named and left out', async () => {
  expect(
    await read(Buffer.concat([Buffer.from('One.\n'), Buffer.from([0xc3, 0x28, 10]), Buffer.from('Two.')])),
  ).toEqual([
    { line: 2, offset: 5, defect: 'invalid UTF-8' },
    { line: 1, offset: 0, text: 'One.\nTwo.' },
  ])
})

test('no character is lost, no character is cut in half', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', '中', '😀', '\n', '\n\n', '. ', '。'), maxLength: 300 })
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 30 }), async (text, size) => {
      const documents = (await read(text, size)).map((d) => ('text' in d ? d.text : 'defect'))
      expect(documents.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''))
      for (const document of documents) expect(document.isWellFormed()).toBe(true)
    }),
  )
})
