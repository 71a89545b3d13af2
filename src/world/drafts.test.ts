import { describe, expect, test } from 'vitest'
import { random } from '../tensor/random.ts'
import type { Language } from './data.ts'
import { makeRankedDrafts, makeRankedPairs } from './drafts.ts'
import { essays, judgeEssay, TASTE, writable, writeEssay } from './essays.ts'
import { makeWorld } from './world.ts'

const languages: Language[] = ['zh', 'en']

describe.each(languages)('essays (%s)', (language) => {
  const world = makeWorld({ language, seed: 4 })
  const people = writable(world, false)
  const join = (...sentences: string[]) => sentences.join(language === 'zh' ? '' : ' ')

  test('a good teacher states every taught fact, nothing else, and makes no fault', () => {
    const r = random(1, 'essays.test')
    for (const name of people) {
      const taught = world.facts.filter((fact) => fact.subject === name && fact.taught)
      const text = writeEssay(world, name, 'good', r)
      expect(judgeEssay(world, name, text)).toEqual({
        faults: [],
        statements: taught.length,
        quality: taught.length * TASTE.statement,
      })
      for (const fact of world.facts.filter((one) => one.subject === name && !one.taught))
        expect(text).not.toContain(fact.value)
    }
  })

  test('every fault is seen, alone and with others', () => {
    const r = random(2, 'essays.test')
    const [name, other] = people as [string, string]
    const good = writeEssay(world, name, 'good', r)
    const faults = (text: string) => judgeEssay(world, name, text).faults
    const sentences = good
      .split(/(?<=[。.])/)
      .map((one) => one.trim())
      .filter(Boolean)
    expect(faults(join(good, sentences[0]!))).toEqual(['repeated'])
    expect(faults(good.slice(0, -2))).toEqual(['cut'])
    expect(faults(join(good, writeEssay(world, other, 'good', r)))).toEqual(['astray'])
    const wrong = world.facts.find(
      ({ subject, attribute, value }) =>
        subject === other &&
        attribute === 'pet' &&
        value !== world.people.find((one) => one.name === name)!.attributes.pet,
    )!
    const lie = language === 'zh' ? `${name}养了一只${wrong.value}。` : `${name} keeps a ${wrong.value} at home.`
    expect(faults(join(good, lie))).toEqual(['false'])
    expect(faults(join(lie, lie).slice(0, -1))).toEqual(['false', 'cut'])
    expect(faults('')).toEqual(['cut', 'astray'])
    expect(judgeEssay(world, name, join(sentences[0]!, sentences[0]!))).toMatchObject({ statements: 1 })
  })

  test('a sloppy teacher makes each fault about once in four times', () => {
    const r = random(3, 'essays.test')
    const verdicts = Array.from({ length: 800 }, () => {
      const name = r.pick(people)
      return judgeEssay(world, name, writeEssay(world, name, 'sloppy', r)).faults
    })
    for (const fault of ['false', 'repeated', 'cut', 'astray'] as const) {
      const share = verdicts.filter((faults) => faults.includes(fault)).length / verdicts.length
      expect(share, fault).toBeGreaterThan(0.17)
      expect(share, fault).toBeLessThan(0.32)
    }
  })

  test('as a task: people held back are in no prompt to learn from', () => {
    const task = essays(world)
    const name = ({ id }: { id: string }) => id.split('/')[0]!
    const trained = new Set(task.train(2000, 1).map(name))
    const tested = task.test(100, 1)
    expect(new Set(tested.map(({ id }) => id)).size).toBe(100)
    for (const exercise of tested) expect(trained).not.toContain(name(exercise))
    for (const { chosen, rejected, prompt } of makeRankedPairs(world, { seed: 1, count: 500 }))
      for (const held of writable(world, true)) expect(prompt + chosen.text + rejected.text).not.toContain(held)
    for (const exercise of tested) {
      expect(task.correct(exercise, exercise.solution)).toBe(true)
      expect(task.reward(exercise, exercise.solution)).toBeGreaterThanOrEqual(1)
    }
  })
})

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

  test('a reader without noise never errs; of several drafts the best is chosen as often as Plackett and Luce say', () => {
    for (const { chosen, rejected } of makeRankedPairs(world, { seed: 1, count: 300, noise: 0 }))
      expect(chosen.quality).toBeGreaterThanOrEqual(rejected.quality)
    const exact = makeRankedDrafts(world, { seed: 1, count: 100, drafts: 4, noise: 0 })
    for (const { drafts } of exact)
      expect(drafts.map(({ quality }) => quality)).toEqual(
        drafts.map(({ quality }) => quality).toSorted((a, b) => b - a),
      )
    const rankings = makeRankedDrafts(world, { seed: 1, count: 600, drafts: 4 })
    let [first, expected] = [0, 0]
    for (const { drafts } of rankings) {
      const best = Math.max(...drafts.map(({ quality }) => quality))
      const chance = drafts.map(({ quality }) => Math.exp(quality))
      const total = chance.reduce((a, b) => a + b)
      expected += drafts.reduce((sum, { quality }, i) => sum + (quality === best ? chance[i]! / total : 0), 0)
      if (drafts[0]!.quality === best) first++
    }
    expect(Math.abs(first - expected) / rankings.length).toBeLessThan(0.05)
  })
})
