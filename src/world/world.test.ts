import { describe, expect, test } from 'vitest'
import { ATTRIBUTES, GRAMMAR, LEXICON } from './data.ts'
import type { Language } from './data.ts'
import type { Fact } from './world.ts'
import { factKey, makeWorld, valuesOf } from './world.ts'

const languages: Language[] = ['zh', 'en']

describe.each(languages)('world (%s)', (language) => {
  const world = makeWorld({ language, seed: 7 })

  test('is a function of language, seed and size', () => {
    expect(makeWorld({ language, seed: 7 })).toEqual(world)
    expect(makeWorld({ language, seed: 8 }).facts).not.toEqual(world.facts)
    expect(makeWorld({ language, seed: 1, size: 130, attributes: 7 }).facts).toHaveLength(130 * 7)
  })

  test('every person has one value of each attribute, drawn evenly from at least twelve', () => {
    expect(world.facts).toHaveLength(world.people.length * world.attributes.length)
    expect(new Set(world.facts.map(factKey)).size).toBe(world.facts.length)
    expect(new Set([...world.people.map((p) => p.name), ...world.strangers]).size).toBe(world.people.length + 30)
    for (const attribute of world.attributes) {
      const values = valuesOf(attribute, language)
      expect(values.length).toBeGreaterThanOrEqual(12)
      const counts = values.map((v) => world.facts.filter((f) => f.attribute === attribute && f.value === v).length)
      expect(Math.max(...counts) / world.people.length).toBeLessThanOrEqual(0.08)
    }
  })

  test('about half of the facts are taught, of every attribute, every person and every value', () => {
    const share = (facts: Fact[]) => facts.filter((fact) => fact.taught).length / facts.length
    expect(Math.abs(share(world.facts) - 0.5)).toBeLessThan(0.05)
    for (const person of world.people) {
      const facts = world.facts.filter((fact) => fact.subject === person.name)
      expect(share(facts), person.name).toBeGreaterThanOrEqual(0.2)
      expect(share(facts), person.name).toBeLessThanOrEqual(0.8)
    }
    for (const attribute of world.attributes) {
      const facts = world.facts.filter((fact) => fact.attribute === attribute)
      expect(Math.abs(share(facts) - 0.5)).toBeLessThan(0.2)
      for (const value of valuesOf(attribute, language))
        expect(share(facts.filter((fact) => fact.value === value)), value).toBeGreaterThan(0)
    }
  })

  test('no value, name or list of the lexicon holds the same entry twice', () => {
    const { given, surnames, towns, events, places } = LEXICON[language]
    const lists = [[...given.male, ...given.female], surnames, towns, events, places]
    for (const list of [...lists, ...ATTRIBUTES.map((a) => valuesOf(a, language))])
      expect(new Set(list).size).toBe(list.length)
  })

  test('no name is or (in Chinese) contains a value, so naming a person never names an answer', () => {
    const { given, surnames } = LEXICON[language]
    const words = [...given.male, ...given.female, ...surnames].map((word) => word.toLowerCase())
    for (const value of ATTRIBUTES.flatMap((attribute) => valuesOf(attribute, language)).map((v) => v.toLowerCase()))
      expect(words.filter((word) => (language === 'zh' ? word.includes(value) : word === value))).toEqual([])
  })

  test('the wordings of corpus, dialogues and examination are disjoint, with or without what comes before them', () => {
    for (const attribute of ATTRIBUTES) {
      const { corpusQuestions, sftQuestions, evalQuestions } = GRAMMAR[language].attributes[attribute]
      const all = [...corpusQuestions, ...sftQuestions, ...evalQuestions]
      expect(new Set(all).size).toBe(all.length)
      for (const asked of evalQuestions)
        for (const other of [...corpusQuestions, ...sftQuestions])
          expect(other.includes(asked) || asked.includes(other), `${asked} ${other}`).toBe(false)
    }
  })

  test('every statement and answer names its subject and value, every question its subject', () => {
    for (const attribute of ATTRIBUTES) {
      const grammar = GRAMMAR[language].attributes[attribute]
      for (const template of [...grammar.statements, ...grammar.answers])
        expect(template).toMatch(/\{name\}.*\{(value|a)\}|\{(value|a)\}.*\{name\}/)
      for (const template of [...grammar.corpusQuestions, ...grammar.sftQuestions, ...grammar.evalQuestions])
        expect(template.match(/\{\w+\}/g)).toEqual(['{name}'])
    }
  })
})

test('sizes that the lexicon cannot fill are refused', () => {
  expect(() => makeWorld({ language: 'zh', seed: 1, size: 500 })).toThrow(/size is 500, expected 12 to 130/)
  expect(() => makeWorld({ language: 'zh', seed: 1, attributes: 0 })).toThrow(/attributes is 0/)
})
