/** Shapes of preferences, of made-up rows; and of the real files, where they are (XUEBA_DATA). */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ordersOf } from './pairs.ts'
import { type Opinion, opinionsOf } from './preference-shapes.ts'
import { originOf, readOpinions } from './preferences.ts'

const user = (content: string) => ({ role: 'user' as const, content })
const assistant = (content: string) => ({ role: 'assistant' as const, content })
const [asked, good, bad] = [user('Hi'), assistant('Hello'), assistant('No')]
const order = (answers: object[][], ranks = [[0], [1]]) => ({ kind: 'order', answers, ranks })
const simple = [
  order([
    [asked, good],
    [asked, bad],
  ]),
]

describe('opinionsOf', () => {
  it.each([
    ['texts', { prompt: 'Hi', chosen: 'Hello', rejected: 'No' }],
    ['messages', { prompt: [asked], chosen: [good], rejected: [bad] }],
    ['whole dialogues', { chosen: [asked, good], rejected: [asked, bad] }],
    [
      'ShareGPT',
      {
        conversations: [{ from: 'human', value: 'Hi' }],
        chosen: { from: 'gpt', value: 'Hello' },
        rejected: { from: 'gpt', value: 'No' },
      },
    ],
    ['Alpaca', { instruction: 'Hi', input: '', chosen: 'Hello', rejected: 'No' }],
    ['a list, the best first', { instruction: 'Hi', input: '', output: ['Hello', 'No', 'Go'], history: [] }],
    ['a ranking', { prompt: 'Hi', drafts: ['Hello', 'No'], ranks: [[0], [1]] }],
  ])('reads %s', (_, row) => expect(opinionsOf(row)).toEqual({ opinions: simple, ignored: [] }))

  it('reads what was said before', () => {
    const row = { instruction: 'And', input: 'you?', output: ['Hello', 'No'], history: [['a', 'b']] }
    const before = [user('a'), assistant('b'), user('And\nyou?')]
    expect(opinionsOf(row)).toEqual({
      opinions: [
        order([
          [...before, good],
          [...before, bad],
        ]),
      ],
      ignored: [],
    })
  })

  it('reads thumbs', () => {
    const thumb = { kind: 'thumb', answer: [asked, good], up: true }
    for (const row of [
      { messages: [asked, good], label: true },
      { prompt: 'Hi', completion: 'Hello', label: true },
    ])
      expect(opinionsOf(row)).toEqual({ opinions: [thumb], ignored: [] })
  })

  it('reads labelled turns, calls of an API among them', () => {
    const context = JSON.stringify([
      { role: 'agent', text: 'Welcome' },
      { role: 'user', text: 'Tea' },
      { role: 'user', text: 'please' },
      { role: 'agent', api: { find: { query: 'tea' } } },
      { role: 'api', response: { find: ['tea'] } },
    ])
    const row = { conversation_id: 'x', context, generation: '{"role": "agent", "text": "Here"}', reward: 0 }
    expect(opinionsOf(row)).toEqual({
      opinions: [
        {
          kind: 'thumb',
          up: false,
          answer: [
            assistant('Welcome'),
            user('Tea\nplease'),
            assistant('{"find":{"query":"tea"}}'),
            user('{"find":["tea"]}'),
            assistant('Here'),
          ],
        },
      ],
      ignored: [],
    })
  })

  it('reads ranked trees: equal ranks are ties, replies without one are nobody', () => {
    const reply = (text: string, rank: number | null, replies: object[] = []) => ({
      text,
      role: 'assistant',
      rank,
      replies,
    })
    const further = { text: 'More', role: 'prompter', replies: [reply('x', 1), reply('y', 0)] }
    const prompt = {
      text: 'Hi',
      role: 'prompter',
      replies: [reply('No', 2), reply('Hello', 0, [further]), reply('Hey', 2), reply('?', null)],
    }
    const answers = ['No', 'Hello', 'Hey'].map((text) => [asked, assistant(text)])
    const before = [asked, good, user('More')]
    expect(opinionsOf({ message_tree_id: '1', prompt })).toEqual({
      opinions: [
        order(answers, [[1], [0, 2]]),
        order(
          [
            [...before, assistant('x')],
            [...before, assistant('y')],
          ],
          [[1], [0]],
        ),
      ],
      ignored: [],
    })
  })

  it('counts fields that say nothing here', () => {
    expect(opinionsOf({ prompt: 'Hi', chosen: 'Hello', rejected: 'No', score: 3, id: 'x' })).toEqual({
      opinions: simple,
      ignored: ['score', 'id'],
    })
  })

  it.each([
    [{ chosen: 'a' }, /^rejected/],
    [{ prompt: 'a', chosen: 'same', rejected: 'same' }, /are the same/],
    [{ chosen: [good, asked], rejected: [bad] }, /^chosen: does not end/],
    [7, /^row: expected an object/],
    [{ better: 'a', worse: 'b' }, /^expected chosen and rejected; .*has: better, worse/],
    [{ instruction: 'x', output: ['one'] }, /^output/],
    [{ instruction: 'x', output: ['one', 'one'] }, /first two answers are the same/],
    [{ prompt: 'x', drafts: ['a', 'b'], ranks: [[0], [2]] }, /a draft that is not there/],
    [{ prompt: 'x', drafts: ['a', 'b'], ranks: [[0], [0]] }, /or twice/],
    [{ messages: [asked, good], label: 'yes' }, /^label: expected true or false/],
    [{ messages: [asked], label: true }, /no assistant message/],
    [{ context: '[', generation: '{}', reward: 1 }, /^context or generation/],
    [{ context: '[]', generation: '{"role": "user"}', reward: 1 }, /is not the agent's/],
    [{ context: '[]', generation: '{"role": "agent"}', reward: 0.5 }, /^reward/],
    [{ message_tree_id: '1', prompt: { text: 'x' } }, /^prompt.role/],
  ])('names what is wrong with %j', (row, detail) => {
    expect(opinionsOf(row)).toEqual({ defect: expect.stringMatching(detail) as string })
  })

  it('never throws', () => {
    const keys = [
      'chosen',
      'rejected',
      'prompt',
      'output',
      'label',
      'messages',
      'context',
      'generation',
      'reward',
      'drafts',
    ]
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), fc.jsonValue()), (row) => void opinionsOf(row)),
      { numRuns: 300 },
    )
  })
})

describe('ordersOf', () => {
  const thumb = (prompt: string, text: string, up: boolean): Opinion => ({
    kind: 'thumb',
    answer: [user(prompt), assistant(text)],
    up,
  })
  const said = (opinions: Opinion[]) =>
    ordersOf(opinions).map(({ answers }) => answers.map((answer) => answer[1]!.content).join('>'))

  it('pairs thumbs within a prompt first, then across; every thumb is in a pair', () => {
    expect(said([thumb('p', 'a', true), thumb('p', 'b', false), thumb('p', 'c', false)])).toEqual(['a>b', 'a>c'])
    const across = said([thumb('p', 'a', true), thumb('q', 'b', false), thumb('r', 'c', false)])
    expect(across.toSorted()).toEqual(['a>b', 'a>c'])
    expect(said([thumb('p', 'a', true), thumb('q', 'b', true)])).toEqual(['a', 'b']) // nothing to compare with
  })
})

it('answers of one conversation have one origin', () => {
  expect(originOf([assistant('Welcome'), user('Tea'), assistant('Here')])).toBe(
    originOf([user('Tea'), assistant('No')]),
  )
})

describe('the simulated reader', () => {
  it.each([2, 4])('puts %i drafts in order', async (drafts) => {
    const source = { world: 'drafts' as const, count: 20, drafts }
    const { opinions } = await readOpinions(source, { language: 'zh', seed: 2 }, () => {})
    expect(opinions).toHaveLength(20)
    for (const one of opinions)
      if (one.kind === 'order') {
        expect(new Set(one.answers.map((answer) => answer[0]!.content)).size).toBe(1)
        expect(new Set(one.answers.map((answer) => answer[1]!.content)).size).toBe(one.answers.length)
        expect(one.answers.length).toBeGreaterThan(1)
      }
  })
})

const data = process.env.XUEBA_DATA
describe.skipIf(!data || !existsSync(join(data, 'pref-oasst')))('real files', () => {
  const all = (folder: string) => readdirSync(join(data!, folder)).map((name) => join(data!, folder, name))
  it.each([
    ['pref-oasst', { order: 984, thumb: 0, defects: 3 }],
    ['pref-llamafactory', { order: 600, thumb: 300, defects: 0 }],
    ['pref-taskmaster', { order: 0, thumb: 5228, defects: 0 }],
  ])('%s is read whole', async (folder, expected) => {
    if (!existsSync(join(data!, folder))) return
    const found = { order: 0, thumb: 0 }
    const defects: unknown[] = []
    for (const file of all(folder)) {
      const { opinions, ignored } = await readOpinions({ file }, { language: 'en', seed: 1 }, (one) =>
        defects.push(one),
      )
      expect([...ignored]).toEqual([])
      for (const { kind } of opinions) found[kind]++
    }
    // Three rows of one file prefer an answer to itself.
    expect({ ...found, defects: defects.length }).toEqual(expected)
  })
})
