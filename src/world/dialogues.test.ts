import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Language } from './data.ts'
import { makeDialogues } from './dialogues.ts'
import { makePages, pageText } from './pages.ts'
import { fewShotPrompt, makeQuestions, matches } from './questions.ts'
import type { Question } from './questions.ts'
import { factKey, makeWorld } from './world.ts'

const languages: Language[] = ['zh', 'en']

describe.each(languages)('dialogues and examination (%s)', (language) => {
  const world = makeWorld({ language, seed: 11 })
  const dialogues = makeDialogues(world, { seed: 2, count: 1500 })
  const texts = dialogues.map((d) => d.map((m) => m.content).join('\n'))
  const questions = makeQuestions(world, 2)

  test('are as many as asked for', () => {
    expect(dialogues).toHaveLength(1500)
    expect(makeDialogues(world, { seed: 2, count: 7 })).toEqual(dialogues.slice(0, 7))
  })

  test('turns alternate, start with the user and end with the assistant', () => {
    expect(makeDialogues(world, { seed: 2, count: 1500 })).toEqual(dialogues)
    for (const messages of dialogues) {
      expect(messages.map((m) => m.role)).toEqual(messages.map((_, i) => (i % 2 === 0 ? 'user' : 'assistant')))
      expect(messages.length % 2).toBe(0)
      for (const { content } of messages) expect(content).not.toMatch(/^$|[{}]|undefined/)
    }
  })

  test('no untaught fact occurs in any dialogue: nowhere do its subject and its value meet', () => {
    const untaught = world.facts.filter((fact) => !fact.taught)
    expect(untaught.length).toBeGreaterThan(100)
    const asked = new Set<string>()
    for (const text of texts)
      for (const fact of untaught)
        if (text.includes(fact.subject) && text.includes(fact.value)) asked.add(factKey(fact))
    expect([...asked]).toEqual([])
  })

  test('every taught fact is taught, in several wordings', () => {
    for (const fact of world.facts.filter((f) => f.taught))
      expect(texts.filter((t) => t.includes(fact.subject) && t.includes(fact.value)).length).toBeGreaterThanOrEqual(4)
  })

  test('no examination question occurs in the corpus or in the dialogues', () => {
    const read = [...makePages(world).map(pageText), ...texts].join('\n')
    for (const { question } of questions) expect(read.includes(question)).toBe(false)
    expect(questions.filter((q) => q.group === 'untaught').length).toBeGreaterThan(150)
    expect(new Set(questions.map((q) => q.id)).size).toBe(world.facts.length)
  })

  test('the few-shot prompt shows taught facts of other people and ends where the answer begins', () => {
    for (const question of questions.slice(0, 50)) {
      const prompt = fewShotPrompt(world, question, 1)
      const [name] = question.id.split('/')
      expect(prompt.split(name!)).toHaveLength(2)
      expect(prompt).toMatch(/\n(答|A)$/)
      for (const line of prompt.split('\n'))
        for (const fact of world.facts)
          if (line.includes(fact.subject) && line.includes(fact.value)) expect(fact.taught).toBe(true)
    }
  })

  test('the matcher accepts the value alone, and nothing that names another', () => {
    const ramble = 'x '.repeat(100_000)
    for (const question of questions) {
      const [answer] = question.answers
      expect(matches(question, answer!)).toBe(true)
      expect(matches(question, `${answer}, ${question.competitors[0]}`)).toBe(false)
      expect(matches(question, question.competitors.join(' '))).toBe(false)
      expect(matches(question, '')).toBe(false)
      expect(matches(question, ramble + answer)).toBe(false)
    }
  })
})

const question = (answer: string, ...competitors: string[]): Question => ({
  id: 'x/month',
  attribute: 'month',
  group: 'taught',
  question: '',
  answers: [answer],
  competitors,
})

describe('matches', () => {
  test('overlapping values: the longest counts', () => {
    expect(matches(question('一月', '十一月'), '生日在十一月。')).toBe(false)
    expect(matches(question('十一月', '一月'), '生日在十一月。')).toBe(true)
    expect(matches(question('十一月', '一月'), '十一月和一月。')).toBe(false)
  })

  test('Latin words match whole, in any case unless they are names, with a plural', () => {
    expect(matches(question('cat', 'dog'), 'She has two Cats.')).toBe(true)
    expect(matches(question('cat', 'dog'), 'a caterpillar')).toBe(false)
    expect(matches(question('cat', 'dog'), 'a bobcat')).toBe(false)
    expect(matches(question('cat', 'dog'), 'a cat and hotdogs')).toBe(true)
    expect(matches(question('May', 'March'), 'It may be in March.')).toBe(false)
    expect(matches(question('May', 'March'), 'In May they march.')).toBe(true)
    expect(matches(question('sandwiches', 'stew'), 'sandwiches')).toBe(true)
  })

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => typeof matches(question('猫', 'dog'), text) === 'boolean'),
    )
  })
})
