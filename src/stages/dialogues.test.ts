import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dialogueOf, fromSpeakers } from './dialogue-shapes.ts'
import { type Defect, readDialogues } from './dialogues.ts'

const hello = [
  { role: 'user', content: '你好' },
  { role: 'assistant', content: '你好呀' },
]

describe('dialogueOf', () => {
  it.each([
    ['messages', { messages: hello }],
    ['turns without roles', { messages: [{ message: '你好' }, { message: '你好呀', attrs: [] }], name: 'x' }],
    [
      'ShareGPT',
      {
        conversations: [
          { from: 'human', value: '你好' },
          { from: 'gpt', value: '你好呀' },
        ],
      },
    ],
    ['Alpaca', { instruction: '你好', input: '', output: '你好呀', history: [] }],
    ['prompt and response', { prompt: '你好', response: '你好呀' }],
    ['prompt and completion', { prompt: '你好', completion: '你好呀' }],
    ['prompt and completion as messages', { prompt: [hello[0]], completion: [hello[1]] }],
  ])('reads %s', (_name, row) => {
    expect(dialogueOf(row)).toEqual(hello)
  })

  it('puts the history, the system and the input of an Alpaca row in their places', () => {
    expect(
      dialogueOf({ instruction: 'Add', input: '1 and 2', output: '3', history: [['Hi', 'Ho']], system: 'Be short' }),
    ).toEqual([
      { role: 'system', content: 'Be short' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Ho' },
      { role: 'user', content: 'Add\n1 and 2' },
      { role: 'assistant', content: '3' },
    ])
  })

  it.each([
    [{ text: 'a page' }, /expected one of the keys .*; has: text/],
    [null, /has: none/],
    [[1], /expected one of the keys/],
    [{ messages: [{ role: 'user', content: 'alone' }] }, /no assistant message/],
    [{ messages: [{ role: 'robot', content: 'x' }] }, /^messages/],
    [{ conversations: [{ from: 'gpt', value: 3 }] }, /^conversations\.0\.value/],
    [{ instruction: 'x', output: 3 }, /^output/],
  ])('names what is wrong with %j', (row, detail) => {
    expect(dialogueOf(row)).toEqual({ defect: expect.stringMatching(detail) as string })
  })
})

describe('fromSpeakers', () => {
  it('the first speaker is the user; lines without a speaker go on', () => {
    expect(fromSpeakers('A: Hi\nB: Hello\nthere\n\nA：Bye')).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello\nthere' },
      { role: 'user', content: 'Bye' },
    ])
  })
})

describe('readDialogues', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xueba-dialogues-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const read = async (name: string, text: string) => {
    const file = join(folder, name)
    await writeFile(file, text)
    const defects: Defect[] = []
    const dialogues = await readDialogues({ file }, { language: 'zh', seed: 1 }, (defect) => defects.push(defect))
    return { dialogues, defects: defects.map(({ line, detail }) => `${line}: ${detail}`) }
  }

  it('a JSON array and JSON Lines give the same, and name the row of a defect', async () => {
    const rows = [{ messages: hello }, { nothing: 1 }, { prompt: '你好', response: '你好呀' }]
    const array = await read('a.json', JSON.stringify(rows))
    const lines = await read('a.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    expect(array).toEqual(lines)
    expect(array.dialogues).toEqual([hello, hello])
    expect(array.defects).toEqual([expect.stringMatching(/^2: expected one of the keys/)])
  })

  it.each([
    ['broken.json', '[{"a": 1', /broken\.json: malformed JSON/],
    ['object.json', '{"a": 1}', /object\.json: expected an array/],
  ])('refuses %s with its name', async (name, text, message) => {
    await expect(read(name, text)).rejects.toThrow(message)
  })

  it('a CSV column of speakers', async () => {
    const { dialogues, defects } = await read('a.csv', 'id,talk\n1,"A: 你好\nB: 你好呀"\n2,no speaker\n')
    expect(dialogues).toEqual([hello])
    expect(defects).toEqual(['4: fewer than two turns of the form "speaker: words"'])
  })
})
