import { describe, expect, test } from 'vitest'
import { arithmetic } from '../tasks/index.ts'
import { fill, GRAMMAR } from './data.ts'
import type { Language } from './data.ts'
import { makePages, pageText } from './pages.ts'
import { makeTextbooks } from './textbooks.ts'
import { withArticle } from './phrasing.ts'
import { factKey, makeWorld, valuesOf } from './world.ts'

const languages: Language[] = ['zh', 'en']

describe.each(languages)('pages (%s)', (language) => {
  const world = makeWorld({ language, seed: 3 })
  const pages = makePages(world, { rounds: 3 })

  test('are deterministic, and no two are the same text', () => {
    expect(makePages(world, { rounds: 3 })).toEqual(pages)
    expect(new Set(pages.map(pageText)).size).toBeGreaterThan(0.98 * pages.length)
  })

  test('state every fact, taught or not, as a statement and as an answer, several times', () => {
    const said = new Map<string, number>()
    const answered = new Map<string, number>()
    for (const page of pages)
      for (const fact of page.facts) {
        const count = page.kind === 'faq' ? answered : said
        count.set(factKey(fact), (count.get(factKey(fact)) ?? 0) + 1)
      }
    for (const fact of world.facts) {
      expect(said.get(factKey(fact))).toBeGreaterThanOrEqual(6)
      expect(answered.get(factKey(fact))).toBe(6)
    }
  })

  test('hold the facts they claim, which are facts of the world', () => {
    const known = new Map(world.facts.map((fact) => [factKey(fact), fact.value]))
    for (const page of pages)
      for (const fact of page.facts) {
        expect(known.get(factKey(fact))).toBe(fact.value)
        expect(pageText(page)).toContain(fact.value)
        expect(pageText(page)).toContain(fact.subject)
      }
  })

  test('never contradict the world: no statement with a wrong value occurs, about anything or anybody', () => {
    const said = new Set(pages.flatMap((page) => pageText(page).split(/(?<=[。.])\s*|\n|^A: |^答：/m)))
    const contradictions: string[] = []
    let stated = 0
    for (const attribute of world.attributes) {
      const { statements, answers } = GRAMMAR[language].attributes[attribute]
      for (const person of world.people)
        for (const value of valuesOf(attribute, language))
          for (const template of [...statements, ...answers]) {
            const sentence = fill(template, { name: person.name, value, a: withArticle(attribute, value, language) })
            if (!said.has(sentence)) continue
            if (value === person.attributes[attribute]) stated++
            else contradictions.push(sentence)
          }
    }
    expect(contradictions).toEqual([])
    expect(stated).toBeGreaterThan(world.facts.length)
  })

  test('leave no slot open and no double punctuation', () => {
    for (const page of pages) expect(pageText(page)).not.toMatch(/[{}]|undefined|。。|\.\.|，，| {2}|\ba [aeio]/)
  })

  test('textbooks hold worked exercises of the train half, and the tables are true', () => {
    const task = arithmetic({ language })
    const books = makeTextbooks({ language, seed: 3, exercises: task.train(600, 1) })
    const text = books.map(pageText).join('\n')
    for (const exercise of task.test(300, 9)) {
      const [a, b] = exercise.id.split('+')
      expect(text).not.toContain(`${a}+${b}`)
      expect(text).not.toContain(`${b}+${a}`)
    }
    for (const [, a, sign, b, result] of text.matchAll(/(?<![\d+])(\d+)([+*])(\d+)=(\d+)/g))
      expect(sign === '+' ? Number(a) + Number(b) : Number(a) * Number(b)).toBe(Number(result))
  })
})

test('the rhymes of the times table are said as children say them', () => {
  const text = makeTextbooks({ language: 'zh', seed: 1, exercises: [] }).map(pageText).join('\n')
  for (const rhyme of [
    '三七二十一',
    '一一得一',
    '二五一十',
    '四五二十',
    '二六十二',
    '三四十二',
    '九九八十一',
    '二四得八',
  ])
    expect(text).toContain(`${rhyme}，`)
})
