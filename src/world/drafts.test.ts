import { describe, expect, test } from 'vitest'
import type { Language } from './data.ts'
import { makeRankedPairs } from './drafts.ts'
import { makeWorld } from './world.ts'

const languages: Language[] = ['zh', 'en']

describe.each(languages)('ranked drafts (%s)', (language) => {
  const world = makeWorld({ language, seed: 4 })
  const pairs = makeRankedPairs(world, { seed: 1, count: 2000 })

  test('are deterministic pairs of different texts about the person of the prompt', () => {
    expect(makeRankedPairs(world, { seed: 1, count: 2000 })).toEqual(pairs)
    for (const { prompt, chosen, rejected } of pairs) {
      expect(chosen.text).not.toBe(rejected.text)
      const person = world.people.find((one) => prompt.includes(one.name))!
      expect(`${chosen.text} ${rejected.text}`).toContain(person.name)
    }
  })

  test('the labeller follows Bradley and Terry: the share of better drafts chosen is that of the logistic curve', () => {
    const decided = pairs.filter(({ chosen, rejected }) => chosen.quality !== rejected.quality)
    const better = decided.filter(({ chosen, rejected }) => chosen.quality > rejected.quality).length
    const expected = decided.reduce(
      (sum, p) => sum + 1 / (1 + Math.exp(-Math.abs(p.chosen.quality - p.rejected.quality))),
      0,
    )
    expect(Math.abs(better - expected) / decided.length).toBeLessThan(0.03)
    expect(better).toBeLessThan(decided.length)
  })

  test('a draft without faults states taught facts only; a false one states something untrue', () => {
    const drafts = pairs.flatMap((pair) => [pair.chosen, pair.rejected])
    const spotless = drafts.filter((draft) => draft.faults.length === 0)
    expect(spotless.length).toBeGreaterThan(300)
    for (const { text } of spotless) {
      const subject = world.people.find((person) => text.includes(person.name))!.name
      for (const fact of world.facts.filter((one) => one.subject === subject))
        expect(text.includes(fact.value)).toBe(fact.taught)
    }
    for (const { text } of drafts.filter((draft) => draft.faults.join() === 'false')) {
      const subject = world.people.find((person) => text.includes(person.name))!.name
      const taught = world.facts.filter((fact) => fact.subject === subject && fact.taught)
      expect(taught.some((fact) => !text.includes(fact.value))).toBe(true)
    }
  })
})
