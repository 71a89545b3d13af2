/** The sampler on every backend: distributions, supports of the filters, penalty, endings, and the generator itself. */
import { afterAll, describe, expect, it } from 'vitest'
import { openReference } from '../backends/reference.ts'
import { Engine } from '../engine.ts'
import { fastEngines } from '../fast.test-helper.ts'
import { philox, random } from '../random.ts'
import { sample, sampleFinish } from './index.ts'

interface Row {
  logits: ArrayLike<number>
  temperature?: number
  topK?: number
  topP?: number
  minP?: number
  penalty?: number
  seed?: number
  stream?: number
  generated?: number
  active?: number
  limit?: number
  stop?: [number, number]
  /** The sequence so far; the last one is the current token. */
  past?: number[]
}

const P = 6

/** One step for rows of one vocabulary; row i is in slot B − 1 − i. */
async function step(engine: Engine, rows: Row[]) {
  const [b, v] = [rows.length, rows[0]!.logits.length]
  const pasts = rows.map((r) => r.past ?? [0])
  const integers = (values: number[], shape = [values.length]) => engine.tensor(values, shape, 'i32')
  const inputs = {
    logits: engine.tensor(
      rows.flatMap((r) => Array.from(r.logits)),
      [b, v],
    ),
    settings: engine.tensor(
      rows.flatMap((r) => [r.temperature ?? 1, r.topK ?? 0, r.topP ?? 1, r.minP ?? 0, r.penalty ?? 1, 0, 0, 0]),
      [b, 8],
    ),
    state: integers(
      rows.flatMap((r) => [
        r.seed ?? 0,
        r.stream ?? 0,
        r.generated ?? 0,
        r.active ?? 1,
        r.limit ?? 99,
        ...(r.stop ?? [-1, -1]),
        0,
      ]),
      [b, 8],
    ),
    ids: integers(pasts.map((p) => p.at(-1)!)),
    positions: integers(pasts.map((p) => p.length - 1)),
    slots: integers(rows.map((_, i) => b - 1 - i)),
    tokens: integers(
      pasts.toReversed().flatMap((p) => [...p, ...Array.from({ length: P - p.length }, () => -7)]),
      [b, P],
    ),
    logProbs: engine.full([b, P], 9),
  }
  sample(inputs)
  const [state, ids, positions, slots, tokens] = await Promise.all(
    [inputs.state, inputs.ids, inputs.positions, inputs.slots, inputs.tokens].map((t) => t.readInts()),
  )
  const logProbs = await inputs.logProbs.read()
  for (const t of Object.values(inputs)) t.free()
  return rows.map((_, i) => ({
    id: ids![i]!,
    position: positions![i]!,
    slot: slots![i]!,
    tokens: [...tokens!.subarray((b - 1 - i) * P, (b - i) * P)],
    logProb: logProbs[(b - 1 - i) * P + pasts[i]!.length]!,
    generated: state![i * 8 + 2]!,
    active: state![i * 8 + 3]!,
    finish: sampleFinish[state![i * 8 + 7]!],
  }))
}

const softmax = (z: number[]) => {
  const e = z.map((x) => Math.exp(x - Math.max(...z)))
  const total = e.reduce((a, b) => a + b)
  return e.map((x) => x / total)
}

const chiSquare = (counts: number[], p: number[]) =>
  counts.reduce((a, n, i) => {
    const expected = 4000 * (p[i] ?? 0)
    return a + (expected > 0 ? (n - expected) ** 2 / expected : n > 0 ? Infinity : 0)
  }, 0)

const reference = new Engine(openReference())
const only = (kept: number[], z = logits) => softmax(z.map((x, i) => (kept.includes(i) ? x : -Infinity)))
const engines: [string, Engine][] = [['reference', reference], ...(await fastEngines())]
const logits = [0.3, -1, 2, 0.9, -0.2, 1.4, -3, 0]

describe.each(engines)('sample on %s', (name, engine) => {
  if (engine !== reference) afterAll(() => engine.close())

  /** Counts of 4000 draws that differ in their stream only. */
  async function counts(settings: Partial<Row>): Promise<number[]> {
    const drawn = await step(
      engine,
      Array.from({ length: 4000 }, (_, stream) => ({ logits, seed: 5, stream, ...settings })),
    )
    const counts = logits.map(() => 0)
    for (const { id } of drawn) counts[id]!++
    return counts
  }
  // 99.9 % quantile of chi-square with 7 degrees of freedom (fewer where less is kept): 24.3
  it.each<[string, Partial<Row>, number[]]>([
    ['softmax', {}, softmax(logits)],
    ['temperature 0.5', { temperature: 0.5 }, softmax(logits.map((z) => z / 0.5))],
    ['top-k 3', { topK: 3 }, only([2, 5, 3])],
    ['top-k beyond the vocabulary', { topK: 100 }, softmax(logits)],
    // sorted: 0.423, 0.232, 0.141, …: two make 0.654, three 0.795
    ['top-p 0.64', { topP: 0.64 }, only([2, 5])],
    ['top-p 0.67', { topP: 0.67 }, only([2, 5, 3])],
    ['top-p so small that one is left', { topP: 1e-6 }, only([2])],
    ['min-p 0.3', { minP: 0.3 }, only([2, 5, 3])], // e^(0.9 − 2) = 0.333, e^(0.3 − 2) = 0.183
    [
      'top-p of what top-k left, at a temperature',
      { temperature: 2, topK: 3, topP: 0.7 },
      only(
        [2, 5],
        logits.map((z) => z / 2),
      ),
    ],
    [
      'penalty',
      { penalty: 1.5, past: [2, 6, 2] },
      softmax(logits.map((z, i) => (i === 2 ? z / 1.5 : i === 6 ? z * 1.5 : z))),
    ],
  ])('draws from %s', async (_, settings, p) => {
    expect(chiSquare(await counts(settings), p)).toBeLessThan(24.3)
  })

  it('greedy: the best, the lowest id of equals', async () => {
    const rows = [logits, [0, 3, 3, 1, 3, 0, 0, 0], [-5, -5, -5, -5, -5, -5, -5, -5]].map((logits) => ({
      logits,
      temperature: 0,
    }))
    expect((await step(engine, rows)).map((r) => r.id)).toEqual([2, 1, 0])
    expect((await step(engine, [{ logits, temperature: 0, penalty: 3, past: [1, 2, 2] }]))[0]!.id).toBe(5)
  })

  it('keeps equal logits together', async () => {
    const drawn = await step(
      engine,
      Array.from({ length: 300 }, (_, stream) => ({ logits: [1, 2, 2, 2, 0], topK: 2, stream })),
    )
    expect(new Set(drawn.map((r) => r.id))).toEqual(new Set([1, 2, 3]))
  })

  it('writes the log-probability at temperature 1 whatever the settings', async () => {
    const p = softmax(logits)
    for (const settings of [{}, { temperature: 0.2 }, { topK: 1 }, { penalty: 2, past: [2, 5] }, { temperature: 0 }])
      for (const r of await step(
        engine,
        [1, 2, 3].map((stream) => ({ logits, stream, ...settings })),
      ))
        expect(r.logProb).toBeCloseTo(Math.log(p[r.id]!), 5)
  })

  it('draws with the Philox of random.ts: floor(u · V) when all logits are equal', async () => {
    const logits = new Float32Array(4096)
    const rows = [
      [0, 0, 0],
      [1, 2, 3],
      [-1, 7, 100],
      [123456789, -987654321, 4095],
      [2 ** 31 - 1, -(2 ** 31), 1],
    ]
    const drawn = await step(
      engine,
      rows.map(([seed, stream, generated]) => ({ logits, seed, stream, generated, limit: 1e6 })),
    )
    const expected = rows.map(([seed, stream, generated]) => philox([generated!, 0, 0, 0], [seed!, stream!])[0]! >>> 20)
    expect(drawn.map((r) => r.id)).toEqual(expected)
  })

  it('depends on seed, stream and number only, not on the row', async () => {
    const row = { logits, seed: 3, stream: 8, generated: 2 }
    const [alone] = await step(engine, [row])
    const many = await step(engine, [{ logits }, { logits, temperature: 0 }, row, { logits, stream: 9 }])
    expect(many[2]!.id).toBe(alone!.id)
  })

  it('moves on, ends at stop ids, at the limit and at the end of the cache, and leaves inactive rows', async () => {
    const row = { logits, temperature: 0, past: [4, 1] }
    const drawn = await step(engine, [
      row,
      { ...row, stop: [7, 2] },
      { ...row, generated: 3, limit: 4 },
      { ...row, past: [4, 1, 1, 1, 1] },
      { ...row, active: 0 },
    ])
    const moved = {
      id: 2,
      position: 2,
      slot: 4,
      tokens: [4, 1, 2, -7, -7, -7],
      generated: 1,
      active: 1,
      finish: 'running',
    }
    expect(drawn[0]).toMatchObject(moved)
    expect(drawn[1]).toMatchObject({ ...moved, position: 1, slot: -1, active: 0, finish: 'stop' })
    expect(drawn[2]).toMatchObject({ ...moved, position: 1, slot: -1, generated: 4, active: 0, finish: 'length' })
    expect(drawn[3]).toMatchObject({ tokens: [4, 1, 1, 1, 1, 2], position: 4, slot: -1, active: 0, finish: 'length' })
    expect(drawn[4]).toMatchObject({
      id: 1,
      position: 1,
      slot: 0,
      tokens: [4, 1, -7, -7, -7, -7],
      generated: 0,
      finish: 'running',
    })
  })

  it.each([
    ['NaN', [0, NaN, 1]],
    ['infinity', [0, Infinity, 1]],
    ['nothing possible', [-Infinity, -Infinity, -Infinity]],
  ])('ends a row of logits with %s and says so', async (_, bad) => {
    const [r, fine] = await step(engine, [{ logits: bad }, { logits: [0, -Infinity, -Infinity], topK: 2, topP: 0.9 }])
    expect(r).toMatchObject({
      finish: 'not finite',
      active: 0,
      slot: -1,
      generated: 0,
      tokens: [0, -7, -7, -7, -7, -7],
    })
    expect(fine).toMatchObject({ id: 0, logProb: 0, finish: 'running' })
  })

  it('takes a large vocabulary', async () => {
    const draw = random(1, 'sample.test')
    const large = Float32Array.from({ length: 151_669 }, () => draw.normal())
    large[151_668] = 12
    const drawn = await step(engine, [
      { logits: large, topK: 40, topP: 0.999 },
      { logits: large, temperature: 0 },
    ])
    expect(drawn[1]!.id).toBe(151_668)
    expect(large[drawn[0]!.id]).toBeGreaterThan(3)
  })

  it.skipIf(name === 'reference')('draws the tokens that the reference draws', async () => {
    const draw = random(2, 'sample.test')
    for (const v of [1, 2, 63, 128, 129, 1000]) {
      const rows: Row[] = Array.from({ length: 40 }, (_, stream) => ({
        logits: Float32Array.from({ length: v }, () => 2 * draw.normal()),
        temperature: draw.pick([0, 0.3, 1, 1.5]),
        topK: draw.pick([0, 1, 5, 50]),
        topP: draw.pick([1, 0.9, 0.5]),
        minP: draw.pick([0, 0.05]),
        penalty: draw.pick([1, 1.25]),
        past: Array.from({ length: 4 }, () => draw.below(v)),
        stream,
      }))
      const [expected, actual] = [await step(reference, rows), await step(engine, rows)]
      expect(actual.map((r) => r.tokens)).toEqual(expected.map((r) => r.tokens))
      actual.forEach((r, i) => expect(r.logProb).toBeCloseTo(expected[i]!.logProb, 4))
    }
  })

  it('names shapes that do not fit', () => {
    const [t, i] = [engine.zeros([2, 8]), engine.tensor(new Int32Array(16), [2, 8], 'i32')]
    const fitting = { logits: t, settings: t, state: i, ids: i, positions: i, slots: i, tokens: i, logProbs: t }
    expect(() => sample(fitting)).toThrow(/sample: .*ids i32 \(2, 8\)/)
    expect(() => sample({ ...fitting, state: t })).toThrow(/sample: tensor \(2, 8\) is f32, expected i32/)
  })
})
