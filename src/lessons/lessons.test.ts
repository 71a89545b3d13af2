import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { freeModel } from '../nn/index.ts'
import { anyEngine, byteTokenizer, tinyModel } from '../stages/tiny.test-helper.ts'
import { arithmetic } from '../tasks/index.ts'
import { makePages, makeWorld, pageText } from '../world/index.ts'
import { fitHouses, HOUSES, type Look } from './house-price.ts'
import { readHouses } from './houses.node.ts'
import { costsOf, familiarity, recite } from './memory.ts'
import { answerOften, tire } from './randomness.ts'
import { scaleOf } from './scale.ts'

const engine = await anyEngine()
const folder = mkdtempSync(join(tmpdir(), 'xueba-lessons-'))
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await engine.close()
})

describe('house prices', () => {
  const fitted = async (houses: Parameters<typeof fitHouses>[1], steps: number) => {
    const { looks, ...fit } = fitHouses(engine, houses, steps)
    const all: Look[] = []
    for await (const look of looks) all.push(look)
    return { ...fit, all, last: all.at(-1)! }
  }

  test('begin at nothing, get better at every step, and arrive at the best line', async () => {
    const { all, last, best } = await fitted(HOUSES, 2000)
    expect(all[0]).toMatchObject({ step: 0, w: 0, b: 0, guess: 0 })
    for (let i = 1; i < 300; i++) expect(all[i]!.loss).toBeLessThanOrEqual(all[i - 1]!.loss * (1 + 1e-6))
    expect(last.w).toBeCloseTo(best.w, 2)
    expect(last.b).toBeCloseTo(best.b, 0)
    expect(last.error).toBeCloseTo(best.error, 2)
  })

  test('from any line: what one step makes of it is where a longer way came through', async () => {
    const { looks } = fitHouses(engine, HOUSES, 3)
    const way: Look[] = []
    for await (const look of looks) way.push(look)
    const { w, b } = way[1]!
    const again: Look[] = []
    for await (const look of fitHouses(engine, HOUSES, 1, { w, b }).looks) again.push(look)
    expect(again[0]!.error).toBeCloseTo(way[1]!.error, 3)
    expect(again[1]!.w).toBeCloseTo(way[2]!.w, 4)
    expect(again[1]!.b).toBeCloseTo(way[2]!.b, 2)
  })

  test('the gradients are the slopes of the loss, in the units of the data', async () => {
    const { all } = await fitted(HOUSES, 3)
    const loss = (w: number, b: number) =>
      HOUSES.reduce((sum, { area, price }) => sum + (w * area + b - price) ** 2, 0) / HOUSES.length
    for (const { w, b, gradW, gradB, loss: said } of all) {
      expect(said / loss(w, b)).toBeCloseTo(1, 3)
      expect(gradW / ((loss(w + 1e-4, b) - loss(w - 1e-4, b)) / 2e-4)).toBeCloseTo(1, 2)
      expect(gradB / ((loss(w, b + 1e-2) - loss(w, b - 1e-2)) / 2e-2)).toBeCloseTo(1, 1)
    }
  })

  test('units of any size', async () => {
    const large = HOUSES.map(({ area, price }) => ({ area: area * 10.76, price: price * 1e6 }))
    const { last, best } = await fitted(large, 3000)
    expect(last.w / best.w).toBeCloseTo(1, 3)
    expect(() => fitHouses(engine, [HOUSES[0]!, HOUSES[0]!], 1)).toThrow(/different area/)
  })

  test('from a CSV, with names or without; mistakes name the line and the column', async () => {
    const file = (text: string) => {
      const path = join(folder, 'houses.csv')
      writeFileSync(path, text)
      return path
    }
    expect(await readHouses(file('2104,3,399900\n1600,3,329900\n'))).toEqual([
      { area: 2104, price: 399900 },
      { area: 1600, price: 329900 },
    ])
    const named = '"city",area,"price, total"\r\n'.replace('"price, total"', 'price') + 'A,50,"100"\r\nB,60,120\r\n'
    expect(await readHouses(file(named), { area: 'area', price: 'price' })).toEqual([
      { area: 50, price: 100 },
      { area: 60, price: 120 },
    ])
    await expect(readHouses(file(named))).rejects.toThrow(/line 2, column city: "A", expected a number/)
    await expect(readHouses(file(named), { area: 'rooms' })).rejects.toThrow(
      /no column "rooms"; there are: city, area, price/,
    )
    await expect(readHouses(file('1,2\n'))).rejects.toThrow(/1 houses/)
    await expect(readHouses(join(folder, 'none.csv'))).rejects.toThrow(/none.csv cannot be read/)
  })
})

describe('about a model', () => {
  const model = tinyModel(engine, { maxPositions: 512 })
  const tokenizer = byteTokenizer()
  afterAll(() => freeModel(model))

  test('many answers: one at temperature 0, and the likeliest tokens add up to at most one', async () => {
    const options = { count: 20, temperatures: [0, 2], maxTokens: 6, seed: 1 }
    const { next, spreads } = await answerOften(model, tokenizer, 'Who?', options)
    expect(next.length).toBe(6)
    expect(next.reduce((sum, { probability }) => sum + probability, 0)).toBeLessThanOrEqual(1)
    expect(spreads[0]!.answers).toHaveLength(1)
    expect(spreads[1]!.answers.length).toBeGreaterThan(5)
    for (const { answers } of spreads) expect(answers.reduce((sum, { times }) => sum + times, 0)).toBe(20)
  })

  test('the tired model: right and wrong answers are all there are', async () => {
    const tired = await tire(model, tokenizer, arithmetic({ language: 'en' }), { times: 30, maxTokens: 5, seed: 1 })
    expect(tired).toMatchObject({ times: 30, right: 0, rightAnswer: undefined })
    expect(tired.wrongTimes).toBeGreaterThan(0)
    expect(tired.outcomes).toEqual(Array(30).fill(false))
  })

  test('memory: costs, recitals and facts of a model that knows nothing', async () => {
    const world = makeWorld({ language: 'en', seed: 1, size: 12 })
    const texts = makePages(world, { rounds: 1 }).map(pageText)
    const costs = await costsOf(model, tokenizer, texts)
    expect(costs.model).toBeGreaterThan(6)
    for (const packed of [costs.gzip, costs.brotli, costs.ppm]) {
      expect(packed).toBeGreaterThan(0.3)
      expect(packed).toBeLessThan(4)
    }
    const recitals = await recite(model, tokenizer, texts, { count: 5, seed: 1 })
    expect(recitals).toHaveLength(5)
    for (const { given, original, same, length } of recitals) {
      expect(texts.some((text) => text.startsWith(given + original))).toBe(true)
      expect(same).toBeLessThan(length)
    }
    const { rare, frequent } = await familiarity(model, tokenizer, world, texts)
    expect(rare.mentions).toBeLessThan(frequent.mentions)
    expect(rare.mentions).toBeGreaterThan(1)
    expect([rare.known, frequent.known]).toEqual([0, 0])
  })
})

test('scale: figures that can be worked out in the head', () => {
  const scale = scaleOf({ characters: 5e8, tokens: 2.5e8, parameters: 1e6, tokensPerSecond: 1e6 })
  expect(scale.lifetimes.corpus).toBe(1)
  expect(scale.lifetimes.fineweb).toBe(60_000) // 15e12 tokens × 2 characters / 5e8
  expect(scale.yearsHere).toBeCloseTo(15e6 / (365.25 * 86_400), 6)
  expect(scale.flopsHere).toBe(6e12)
  expect(scale.large.flops).toBe(6 * 7e9 * 15e12)
})
