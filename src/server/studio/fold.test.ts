import fc from 'fast-check'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dropSuperseded } from '../../run/events.ts'
import type { RunEvent } from '../../run/index.ts'
import { emptyFold, fold, type Fold } from './fold.ts'
import { openLog } from './log.ts'
import { keptPoints, MOST_POINTS, thinned } from './thin.ts'

const foldAll = (events: readonly RunEvent[]): Fold => {
  const state = emptyFold()
  for (const event of events) fold(state, event)
  return state
}
/** What a fold holds as plain facts. `total` counts lines, which a resume does not take back. */
const facts = ({ series, plain }: Fold) => ({
  series: series
    .map(({ stage, name, split, steps, values, lows }) => ({ stage, name, split, steps, values, lows: lows ?? null }))
    .sort((a, b) => (`${a.stage}${a.name}${a.split}` < `${b.stage}${b.name}${b.split}` ? -1 : 1)),
  plain: plain.map(({ seq }) => seq),
})

/** A log as trainers write it: attempts, each going on from some event of those that stand. */
const logs = fc
  .array(
    fc.record({
      kind: fc.constantFrom('metric', 'progress', 'sample', 'resumed'),
      value: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
      name: fc.constantFrom('loss', 'reward'),
      stage: fc.constantFrom('03-pretrain', '05-rl'),
      back: fc.nat(12),
    }),
    { maxLength: 60 },
  )
  .map((rows) => {
    const events: RunEvent[] = []
    let attempt = 1
    rows.forEach(({ kind, value, name, stage, back }, seq) => {
      const common = { seq, time: seq, stage }
      if (kind === 'resumed') {
        const standing = dropSuperseded(events)
        const fromSeq = standing.at(-1 - (back % (standing.length + 1)))?.seq ?? -1
        events.push({ type: 'resumed', fromSeq, attempt: ++attempt, ...common })
      } else if (kind === 'metric') events.push({ type: 'metric', name, value, step: seq, attempt, ...common })
      else if (kind === 'progress')
        events.push({ type: 'progress', step: seq, steps: 99, loss: value, attempt, ...common })
      else events.push({ type: 'sample', prompt: name, text: '', attempt, ...common })
    })
    return events
  })

describe('a fold', () => {
  it('holds what happened, whatever was resumed', () => {
    fc.assert(
      fc.property(logs, (events) => {
        const [followed, standing] = [foldAll(events), foldAll(dropSuperseded(events))]
        expect(facts(followed)).toEqual(facts(standing))
        for (const [stage, { seq }] of Object.entries(followed.progress))
          expect(seq).toBe(standing.progress[stage]?.seq)
      }),
    )
  })

  it('is the same when a page goes on from a part of it, with overlap', () => {
    fc.assert(
      fc.property(logs, fc.nat(60), (events, cut) => {
        const page = JSON.parse(JSON.stringify(foldAll(events.slice(0, cut)))) as Fold
        for (const event of events.slice(Math.max(0, cut - 3))) fold(page, event)
        const plain = (state: Fold) => JSON.parse(JSON.stringify(state)) as Fold // JSON, as on the way to a page, knows no -0
        expect(plain(page)).toEqual(plain(foldAll(events)))
      }),
    )
  })

  it('keeps the bounds of intervals beside their values', () => {
    const common = { attempt: 1, time: 0, stage: '05-rl', split: 'sums', name: 'accuracy' } as const
    const state = foldAll([
      { type: 'metric', value: 0.1, seq: 0, ...common },
      { type: 'metric', value: 0.2, low: 0.15, high: 0.3, seq: 1, ...common },
      { type: 'metric', value: 0.3, seq: 2, ...common },
    ])
    expect(state.series[0]).toMatchObject({
      values: [0.1, 0.2, 0.3],
      lows: [null, 0.15, null],
      highs: [null, 0.3, null],
    })
  })
})

describe('thinning', () => {
  const values = fc.array(fc.oneof(fc.double({ noNaN: true }), fc.constant(null)), { minLength: 1, maxLength: 3000 })

  it('keeps the extremes, the ends, and at most about as many points as asked for', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 4, max: 300 }), (all, most) => {
        const kept = keptPoints(all, most)
        const numbers = all.filter((v) => v !== null)
        const found = kept.map((i) => all[i]!).filter((v) => v !== null)
        expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b))
        expect(kept[0]).toBe(0)
        expect(kept.at(-1)).toBe(all.length - 1)
        if (numbers.length > 0) {
          expect(Math.min(...found)).toBe(Math.min(...numbers))
          expect(Math.max(...found)).toBe(Math.max(...numbers))
        }
        expect(kept.length).toBeLessThanOrEqual(Math.max(all.length <= most ? all.length : 0, 1.5 * most + 2))
        if (all.includes(null)) expect(kept.some((i) => all[i] === null)).toBe(true)
      }),
    )
  })

  it('says how much is left out, and leaves out nothing of a small log', () => {
    const events = Array.from({ length: 5000 }, (_, seq): RunEvent => ({
      type: 'metric',
      name: 'loss',
      value: seq === 3333 ? 1e6 : Math.sin(seq),
      step: seq,
      seq,
      attempt: 1,
      time: 0,
    }))
    const whole = foldAll(events)
    const small = thinned(whole)
    expect(small.series[0]!.values.length).toBeLessThanOrEqual(1.5 * MOST_POINTS)
    expect(small.series[0]!.values).toContain(1e6)
    expect(small.leftOut).toBe(5000 - small.series[0]!.values.length)
    expect(whole.series[0]!.values).toHaveLength(5000)
    expect(thinned(foldAll(events.slice(0, 100))).leftOut).toBe(0)
  })
})

it('a log longer than a piece is read whole at once, and what is added later is taken in', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'xueba-log-')), 'events.jsonl')
  const line = (seq: number) =>
    `${JSON.stringify({ type: 'sample', prompt: 'x', text: 'y'.repeat(900), step: seq, seq, attempt: 1, time: seq, stage: '01-pretrain' })}\n`
  writeFileSync(path, Array.from({ length: 9000 }, (_, seq) => line(seq)).join('')) // 9 MB
  const log = openLog(path)
  await log.refresh()
  expect([log.fold.total, log.fold.lastSeq]).toEqual([9000, 8999])
  appendFileSync(path, line(9000) + line(9001).slice(0, 100))
  await log.refresh()
  expect(log.fold.lastSeq).toBe(9000)
  appendFileSync(path, line(9001).slice(100))
  await log.refresh()
  expect(log.after(8999)!.map(({ seq }) => seq)).toEqual([9000, 9001])
  rmSync(dirname(path), { recursive: true })
})
