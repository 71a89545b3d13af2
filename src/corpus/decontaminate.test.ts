import fc from 'fast-check'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decontaminate, decontaminateConfig, loadQuestions, questionIndex } from './decontaminate.ts'
import { judge } from './filters/index.ts'

const sizes = decontaminateConfig.parse({})
const verdict = (text: string, questions: string[], more = {}) =>
  judge(decontaminate(text, questionIndex(questions, { ...sizes, ...more })))

const question =
  'A baker sells twelve rolls every hour. How many rolls does she sell on a day on which the shop is open from eight to six?'
const zh = '一位面包师每小时卖出十二个小面包，商店从早上八点营业到晚上六点，她一天一共卖出多少个小面包？'

test('thirteen words, or 21 characters, in a row are too many', () => {
  const words = question.split(' ')
  const before = 'We read this in a book of sums: '
  expect(verdict(before + words.slice(3, 16).join(' '), [question])).toMatchObject({
    rule: 'decontamination',
    value: 1,
    threshold: 0,
    quote: words.slice(3, 16).join(' ').replace(/\W$/, ''),
  })
  expect(verdict(before + words.slice(3, 15).join(' '), [question])).toBeNull()
  // The comma is no character that counts.
  expect(verdict(`课本上说：${zh.slice(0, 22)}。`, [zh])).toMatchObject({ value: 1 })
  expect(verdict(`课本上说：${zh.slice(0, 21)}。`, [zh])).toBeNull()
})

test('case, punctuation and line breaks do not hide a question', () => {
  const hidden = question.toUpperCase().replace(/[.?]/g, ' --- ').replace(/ /g, '\n')
  expect(verdict(`Yes. ${hidden} No.`, [question])?.rule).toBe('decontamination')
})

test('short questions are found whole or not at all, sums only when asked for', () => {
  expect(
    verdict('So: which is the longest river of all Africa, then?', ['Which is the longest river of all Africa?'])?.rule,
  ).toBe('decontamination')
  expect(verdict('Which is the longest river of all Asia?', ['Which is the longest river of all Africa?'])).toBeNull()
  const index = questionIndex(['47+38'])
  expect([index.questions, index.skipped]).toEqual([0, 1])
  expect(verdict('47 + 38 = 85', ['47+38'], { shortest: 3 })?.rule).toBe('decontamination')
  expect(verdict('47 - 38 = 9, and 147 + 38 = 185', ['47+38'], { shortest: 3 })).toBeNull()
})

test('what more than ten questions share is their form', () => {
  const form = 'Read the following passage carefully and then choose the one right answer from the list below'
  const questions = Array.from({ length: 20 }, (_, i) => `${form} number ${i}`)
  expect(verdict(form, questions)).toBeNull()
  expect(verdict(form, questions.slice(0, 5))?.rule).toBe('decontamination')
})

test('a text contains its own questions, and no others', () => {
  const word = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', '中', '文', '字')
  fc.assert(
    fc.property(fc.array(word, { minLength: 8, maxLength: 30 }), fc.array(word, { maxLength: 40 }), (words, text) => {
      const n = 2 * words.filter((w) => /[中文字]/.test(w)).length > words.length ? 6 : 5
      const grams = new Set(words.slice(0, words.length - n + 1).map((_, i) => words.slice(i, i + n).join(' ')))
      const shared = text
        .slice(0, Math.max(0, text.length - n + 1))
        .filter((_, i) => grams.has(text.slice(i, i + n).join(' ')))
      const index = questionIndex([words.join(' ')], { words: 5, characters: 6, shortest: 3 })
      const [check] = [...decontaminate(text.join(' '), index)]
      expect(check?.value ?? 0).toBe(shared.length)
    }),
  )
})

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xueba-questions-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('questions come from JSONL, JSON, CSV and text', async () => {
  const files = {
    'a.jsonl': `${JSON.stringify({ id: 1, problem: question })}\n`,
    'b.json': JSON.stringify([{ question: `${zh} 甲` }]),
    'c.csv': `id,Question,A\n1,"What, then, is the capital city of the old kingdom of Wessex?",x\n`,
    'd.txt': `Name the three rivers that meet below the walls of the old town.\n\n`,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const index = await loadQuestions({ ...sizes, files: Object.keys(files).map((name) => join(folder, name)) })
  expect(index.questions).toBe(4)
  for (const text of [question, zh, 'what then is the capital city of the old kingdom of wessex'])
    expect(judge(decontaminate(text, index))?.rule).toBe('decontamination')
})

test('a row without a question, a broken row and a missing file are named', async () => {
  const load = (name: string) => loadQuestions({ ...sizes, files: [join(folder, name)] })
  await writeFile(join(folder, 'bad.jsonl'), '{"question": "x"}\n{"answer": 4}\n')
  await expect(load('bad.jsonl')).rejects.toThrow(/bad\.jsonl, row 2: no text in any of the fields question/)
  await writeFile(join(folder, 'torn.jsonl'), '{"question": "x"}\n{"quest')
  await expect(load('torn.jsonl')).rejects.toThrow(/torn\.jsonl, line 2/)
  await expect(load('none.jsonl')).rejects.toThrow(/none\.jsonl: cannot be read/)
})
