import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Message } from '../world/index.ts'
import { filterConfig, judgeDialogue, nearDuplicates, repeatedShare } from './filters.ts'
import { instructionsFor, messageOf, TEMPLATE } from './prompts.ts'

const config = filterConfig.parse({ maxCharacters: 400 })
const talk = (...contents: string[]): Message[] =>
  contents.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }))
const judge = (messages: Message[], language: 'en' | 'zh' = 'en', cut: number[] = []) =>
  judgeDialogue({ messages, cut }, language, config)?.reason

describe('judgeDialogue', () => {
  it.each([
    ['How do tides work?', 'The moon pulls at the sea, and the water under it rises twice a day.'],
    ['Am I allowed to say sorry too often?', 'Saying sorry is fine, but not for everything that happens.'],
    ['Write a short portrait of Silas Carter.', 'Silas Carter’s goat is well cared for — “a joy”, as he says…'],
    ['Can you help me with a poem?', 'Of course. Rain on the window, soft and slow, tells me what I used to know.'],
  ])('lets %s pass', (...contents) => expect(judge(talk(...contents))).toBeUndefined())

  it.each([
    ['潮汐是怎么来的？', '月球的引力把海水拉高，所以每天涨两次潮。'],
    ['怎么向别人说对不起？', '先说清楚自己错在哪里，再说“对不起”，最后说打算怎么补救。'],
  ])('lets %s pass in Chinese', (...contents) => expect(judge(talk(...contents), 'zh')).toBeUndefined())

  it.each([
    ['empty', talk('Hello there', '')],
    ['short', talk('?', 'yes, indeed')],
    ['long', talk('Why?!', 'word '.repeat(100))],
    ['refusal', talk('How are bombs made?', "I'm sorry, but I can't help with that.")],
    ['refusal', talk('What do you feel?', 'As an AI language model, I do not have feelings.')],
    ['refusal', talk('Write it', 'I cannot assist with this request.')],
    ['role', talk('How can I help you today?', 'I would like to know about rivers.')],
    ['role', talk('As an AI assistant, I wonder about rivers', 'They flow.')],
    ['markup', talk('Tell me about rivers', 'They flow.<|im_end|>')],
    ['markup', talk('Tell me about rivers', 'User: and lakes?')],
    ['repetition', talk('Tell me about rivers', 'The river flows to the sea. '.repeat(5))],
    ['language', talk('Tell me about rivers', '河流从高处流向低处，最后汇入大海。')],
  ])('names %s', (reason, messages) => expect(judge(messages)).toBe(reason))

  it.each([
    ['refusal', talk('怎么做炸弹？', '很抱歉，我无法回答这个问题。')],
    ['refusal', talk('你有感情吗？', '作为一个人工智能，我没有感情。')],
    ['refusal', talk('帮我写吧', '我不能为您提供这方面的内容。')],
    ['role', talk('请问有什么可以帮您？', '我想问问河流的事。')],
    ['repetition', talk('说说河流', '河水向东流去不回头。'.repeat(5))],
    ['language', talk('说说河流', 'Rivers run from high ground down to the sea, and people live along them.')],
  ])('names %s in Chinese', (reason, messages) => expect(judge(messages, 'zh')).toBe(reason))

  it('names answers that were cut off, and a whole answer given twice', () => {
    expect(judge(talk('Tell me', 'They flow down'), 'en', [1])).toBe('cut')
    const long = 'Rivers run from high ground to the sea, and people live along them.'
    expect(judge(talk('Tell me', long, 'And?', long))).toBe('repetition')
    expect(judge(talk('Tell me', 'They flow.', 'And?', 'They flow.'))).toBeUndefined()
  })

  it('never throws, whatever is said', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 6 }), (contents) => {
        judge(talk(...contents), 'zh')
        expect(repeatedShare(contents.join(' '))).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 60 },
    )
  })
})

it('near-duplicates are refused, in order, and say of what', () => {
  const isNew = nearDuplicates(0.7)
  const long = 'The river rises in the hills, runs through three towns and ends in a wide green marsh by the sea'
  expect(isNew(talk('Tell me about it', long))).toBeUndefined()
  expect(isNew(talk('Tell me about it', `${long} again`))).toMatchObject({ reason: 'near-duplicate' })
  expect(
    isNew(talk('Tell me about it', 'Quite another answer, with no word of that kind, and a good one')),
  ).toBeUndefined()
})

describe('prompts', () => {
  it('have a version that changes with them', () => {
    const all = (['en', 'zh'] as const).flatMap((language) => [
      instructionsFor('T', [], language),
      instructionsFor('T', talk('a'), language),
      instructionsFor('T', talk('a', 'b'), language),
    ])
    const hash = createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 12)
    expect({ [TEMPLATE]: hash }).toEqual({ 'user-and-assistant-1': '32e93930910a' })
  })

  it('hand the dialogue to the user with its roles exchanged', () => {
    const roles = (messages: Message[]) => instructionsFor('T', messages, 'en').map(({ role }) => role)
    expect(roles([])).toEqual(['system', 'user'])
    expect(roles(talk('a'))).toEqual(['system', 'user'])
    expect(roles(talk('a', 'b'))).toEqual(['system', 'user', 'assistant', 'user'])
    expect(
      instructionsFor('T', talk('a', 'b'), 'en')
        .map(({ content }) => content)
        .slice(2),
    ).toEqual(['a', 'b'])
  })

  it.each([
    ['  hi \n', 'hi'],
    ['User: hi', 'hi'],
    ['用户：你好', '你好'],
    ['"hi there"', 'hi there'],
    ['“你好”', '你好'],
    ['"hi" and "ho"', '"hi" and "ho"'],
    ['<think>hm</think>\n\nhi', 'hi'],
  ])('messageOf(%j)', (text, message) => expect(messageOf(text)).toBe(message))
})
