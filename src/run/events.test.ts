import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { EVENT_BYTES, type EventBody, type RunEvent } from './event.ts'
import { dropSuperseded, followEvents, openEvents, readEvents, seqBeforeStage } from './events.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-events-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const fresh = () => join(folder, `${files++}.jsonl`)

const metric = (step: number): EventBody => ({ type: 'metric', name: 'loss', value: 1 / (step + 1), step })
const sizes = (path: string) =>
  readFileSync(path)
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => Buffer.byteLength(line) + 1)

describe('the writer', () => {
  it('numbers events, attempts and stages', () => {
    const path = fresh()
    const first = openEvents(path)
    expect(first.seq).toBe(-1)
    first.emit(metric(0))
    first.stage = '03-pretrain'
    first.emit(metric(1))
    first.close()
    const second = openEvents(path)
    second.emit({ type: 'resumed', fromSeq: 0 })
    second.close()
    expect(second.attempt).toBe(2)
    expect(readEvents(path).events.map(({ seq, attempt, stage }) => [seq, attempt, stage])).toEqual([
      [0, 1, undefined],
      [1, 1, '03-pretrain'],
      [2, 2, undefined],
    ])
  })

  it('writes numbers that are not finite as null', () => {
    const path = fresh()
    const log = openEvents(path)
    expect(log.emit({ type: 'metric', name: 'loss', value: Number.NaN })).toMatchObject({ value: null })
    log.close()
    expect(readEvents(path).events).toMatchObject([{ value: null }])
  })

  it('refuses what the schema does not know, and writes nothing', () => {
    const path = fresh()
    const log = openEvents(path)
    expect(() => log.emit({ type: 'metric', name: 'loss' } as unknown as EventBody)).toThrow(/value/)
    log.close()
    expect(readFileSync(path, 'utf8')).toBe('')
  })

  it('fits any text into a line, and says how much is missing', () => {
    const text = fc.string({ unit: 'binary', maxLength: 9000 })
    fc.assert(
      fc.property(text, text, (prompt, answer) => {
        const path = fresh()
        const log = openEvents(path)
        log.emit({ type: 'sample', prompt, text: answer, step: 1 })
        log.close()
        expect(Math.max(...sizes(path))).toBeLessThanOrEqual(EVENT_BYTES)
        const [found] = readEvents(path).events as (RunEvent & { type: 'sample' })[]
        const cut = /^([^]*)…\[(\d+) more\]$/.exec(found!.text)
        if (found!.text !== answer)
          expect([answer.startsWith(cut![1]!), cut![1]!.length + Number(cut![2])]).toEqual([true, answer.length])
      }),
      { numRuns: 60 },
    )
  })

  it('drops the tail of a long list of metrics', () => {
    const path = fresh()
    const log = openEvents(path)
    const metrics = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`rejected/rule-${i}`, i]))
    log.emit({ type: 'stage-done', kind: 'corpus', name: 'corpus', seconds: 1, metrics })
    log.close()
    const [found] = readEvents(path).events
    expect(sizes(path)[0]).toBeLessThanOrEqual(EVENT_BYTES)
    expect(found).toMatchObject({ metrics: { 'rejected/rule-0': 0, 'rejected/rule-80': 80 } })
  })
})

describe('a torn log', () => {
  it('reads as its complete lines, at whatever byte it was cut, and goes on from there', () => {
    const path = fresh()
    const log = openEvents(path)
    for (let step = 0; step < 5; step++) log.emit({ type: 'sample', prompt: '学霸', text: `第 ${step} 步 🎓`, step })
    log.close()
    const whole = readFileSync(path)
    const ends = [...whole.entries()].filter(([, byte]) => byte === 10).map(([at]) => at + 1)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length }), (cut) => {
        const torn = fresh()
        writeFileSync(torn, whole.subarray(0, cut))
        const complete = ends.filter((end) => end <= cut).length
        expect(readEvents(torn)).toMatchObject({ events: { length: complete }, unknown: 0 })
        const again = openEvents(torn)
        const { seq } = again.emit({ type: 'resumed', fromSeq: complete - 1 })
        again.close()
        expect(seq).toBe(complete)
        expect(readEvents(torn)).toMatchObject({ events: { length: complete + 1 }, unknown: 0 })
      }),
    )
  })

  it('counts lines that are no events and keeps the others', () => {
    const path = fresh()
    const log = openEvents(path)
    log.emit(metric(0))
    appendFileSync(path, 'not json\n{"type":"from-the-future","seq":1}\n')
    log.emit(metric(1))
    log.close()
    expect(readEvents(path)).toMatchObject({ events: [{ seq: 0 }, { seq: 1 }], unknown: 2 })
  })
})

describe('dropSuperseded', () => {
  it('agrees with the plain definition on any history of crashes', () => {
    // Each attempt writes a few events, then the next goes on from some seq that was current at that moment.
    const attempts = fc.array(fc.tuple(fc.nat(6), fc.nat(100)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(attempts, (plan) => {
        const all: RunEvent[] = []
        let current: RunEvent[] = []
        plan.forEach(([count, pick], index) => {
          const attempt = index + 1
          const add = (body: EventBody) => {
            const added = { ...body, seq: all.length, attempt, time: 0 } as RunEvent
            all.push(added)
            current.push(added)
          }
          if (attempt > 1) {
            const fromSeq = current.length > 0 ? current[pick % current.length]!.seq : -1
            current = current.filter(({ seq }) => seq <= fromSeq)
            add({ type: 'resumed', fromSeq })
          }
          for (let i = 0; i < count; i++) add(metric(i))
        })
        expect(dropSuperseded(all)).toEqual(current)
      }),
    )
  })
})

describe('seqBeforeStage', () => {
  it('goes back to before the first event of the stage', () => {
    const path = fresh()
    const log = openEvents(path)
    for (const stage of [undefined, '01-corpus', '02-tokenizer', '02-tokenizer', '03-pretrain']) {
      log.stage = stage
      log.emit(metric(0))
    }
    log.close()
    const { events } = readEvents(path)
    expect(
      ['01-corpus', '02-tokenizer', '03-pretrain', '04-sft'].map((stage) => seqBeforeStage(events, stage)),
    ).toEqual([0, 1, 3, 4])
    expect(seqBeforeStage([], '01-corpus')).toBe(-1)
    const again = openEvents(path)
    again.emit({ type: 'resumed', fromSeq: seqBeforeStage(events, '02-tokenizer') })
    again.close()
    expect(dropSuperseded(readEvents(path).events).map(({ seq }) => seq)).toEqual([0, 1, 5])
  })
})

describe('followEvents', () => {
  it('waits for the file, yields whole lines only, and ends when told', async () => {
    const path = fresh()
    const stop = new AbortController()
    const seen: number[] = []
    const reading = (async () => {
      for await (const { seq } of followEvents(path, stop.signal, 1)) {
        seen.push(seq)
        if (seen.length === 3) stop.abort()
      }
    })()
    const log = openEvents(path)
    log.emit(metric(0))
    log.emit(metric(1))
    const line = `${JSON.stringify({ ...metric(2), seq: 2, attempt: 1, time: 0 })}\n`
    appendFileSync(path, line.slice(0, 20))
    await expect.poll(() => seen).toEqual([0, 1])
    appendFileSync(path, line.slice(20))
    await reading
    log.close()
    expect(seen).toEqual([0, 1, 2])
  })

  it('is not confused when a torn line is cut', async () => {
    const path = fresh()
    const log = openEvents(path)
    log.emit(metric(0))
    log.close()
    appendFileSync(path, '{"type":"met')
    const stop = new AbortController()
    const events = followEvents(path, stop.signal, 1)
    expect((await events.next()).value).toMatchObject({ seq: 0 })
    const next = events.next()
    const again = openEvents(path)
    again.emit({ type: 'resumed', fromSeq: 0 })
    again.close()
    expect((await next).value).toMatchObject({ type: 'resumed', seq: 1 })
    stop.abort()
  })
})
