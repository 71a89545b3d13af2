/** Dialogues from topics to files: the same again after an interruption, limits, and what is thrown away. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { readDialogues } from '../stages/dialogues.ts'
import { makeWorld, talkedAbout } from '../world/index.ts'
import { countAnswers, openAnswers } from './answers.ts'
import { OverBudget } from './budget.ts'
import { filterConfig } from './filters.ts'
import { Refused, type Speaker } from './speaker.ts'
import { FILES, plansOf, type SynthesisOptions, synthesize } from './synthesize.ts'
import { embeddedTeacher } from './teacher.ts'
import { readTopics, TOPICS } from './topics.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xueba-synthesize-'))
  return () => rmSync(folder, { recursive: true })
})

const rows = (file: string) =>
  readFileSync(join(folder, file), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, any>)

function options(speaker: Speaker, more: Partial<SynthesisOptions> = {}): SynthesisOptions {
  return {
    folder,
    speaker,
    template: 't',
    topics: ['rivers', 'bread', 'chess'],
    language: 'en',
    count: 12,
    minTurns: 1,
    turns: 3,
    seed: 1,
    concurrency: 3,
    filters: filterConfig.parse({}),
    ...more,
  }
}

/** Writes something else for each dialogue and turn. */
function writer(more: (text: string, seed: number, turn: number) => string = (text) => text): Speaker {
  return {
    model: 'm',
    endpoint: 'somewhere',
    async say({ messages, seed }) {
      await new Promise((done) => setTimeout(done, seed % 3))
      const words = Array.from({ length: 12 }, (_, i) => `w${(seed * (i + 3) * (messages.length + 1)) % 9973}`)
      return {
        text: more(`It is what they have: ${words.join(' and ')}.`, seed, messages.length),
        finish: 'stop',
        time: 1e12,
      }
    },
  }
}

describe('synthesize', () => {
  it.each(['en', 'zh'] as const)('the embedded teacher writes dialogues that SFT reads (%s)', async (language) => {
    const world = makeWorld({ language, seed: 1 })
    const topics = talkedAbout(world)
    const speaker = embeddedTeacher(world, 'good', { now: () => 1e12, sleep: () => Promise.resolve() })
    const summary = await synthesize(options(speaker, { topics, language, count: 60 }))
    expect(summary).toMatchObject({ asked: 60, written: 60, stopped: null })
    expect(summary.kept).toBeGreaterThan(50)
    const kept = rows(FILES.dialogues)
    for (const { messages, topic, provenance } of kept) {
      expect(messages.length % 2).toBe(0)
      expect(messages[0].role).toBe('user')
      for (const fact of world.facts.filter(({ subject, taught }) => subject === topic && !taught))
        expect(JSON.stringify(messages)).not.toContain(fact.value) // what is scored is never taught
      expect(provenance).toMatchObject({
        model: 'teacher-good',
        endpoint: 'embedded',
        time: '2001-09-09T01:46:40.000Z',
      })
    }
    const file = join(folder, FILES.dialogues)
    const read = await readDialogues({ file }, { language, seed: 1 }, () => expect.unreachable())
    expect(read).toEqual(kept.map(({ messages }) => messages))
    const before = readFileSync(file)
    await synthesize(options(speaker, { topics, language, count: 60, concurrency: 1 }))
    expect(readFileSync(file)).toEqual(before) // whatever the order of work
  })

  it('counts every reject with its reason, and keeps it', async () => {
    const odd = writer((text, seed, turn) => {
      if (turn % 2 === 0) return `Question number ${seed}: ${text}?`
      if (seed % 4 === 0) return "I'm sorry, but I can't help with that."
      if (seed % 4 === 1) return ''
      return text
    })
    const summary = await synthesize(options(odd, { count: 40 }))
    const rejected = rows(FILES.rejected)
    expect(summary.kept + rejected.length).toBe(40)
    expect(summary.rejected.refusal).toBe(rejected.filter(({ reason }) => reason === 'refusal').length)
    expect(summary.rejected.empty).toBeGreaterThan(0)
    expect(rejected[0]).toMatchObject({ detail: expect.any(String), topic: expect.any(String) })
    expect(rows(FILES.dialogues)).toHaveLength(summary.kept)
  })

  it('a message that the endpoint refuses costs one dialogue; when all are refused, it says so', async () => {
    const refuses = (when: (seed: number) => boolean): Speaker => ({
      ...writer(),
      say: (turn) => (when(turn.seed) ? Promise.reject(new Refused('400: no')) : writer().say(turn)),
    })
    const some = await synthesize(options(refuses((seed) => seed % 3 === 0)))
    expect(some.rejected.refused).toBeGreaterThan(0)
    expect(some.kept).toBeGreaterThan(0)
    await expect(synthesize(options(refuses(() => true)))).rejects.toThrow(/refuses every request: 400: no/)
  })

  it('a limit ends it in order; an error writes what there is first', async () => {
    let said = 0
    const ending = (error: () => Error): Speaker => ({
      ...writer(),
      say: (turn) => (++said > 20 ? Promise.reject(error()) : writer().say(turn)),
    })
    const summary = await synthesize(options(ending(() => new OverBudget('tokens'))))
    expect(summary.stopped).toBe('tokens')
    expect(summary.written).toBeGreaterThan(0)
    expect(summary.written).toBeLessThan(12)
    said = 0
    await expect(synthesize(options(ending(() => new Error('down'))))).rejects.toThrow('down')
    expect(rows(FILES.dialogues).length).toBeGreaterThan(0)
  })

  it('plans are drawn before anything is asked: topics in turn, turns within bounds', () => {
    const plans = plansOf({ topics: ['a', 'b', 'c'], count: 9, minTurns: 2, turns: 4, seed: 1 })
    for (const topic of ['a', 'b', 'c']) expect(plans.filter((plan) => plan.topic === topic)).toHaveLength(3)
    for (const { length } of plans) expect([4, 6, 8]).toContain(length)
    expect(plansOf({ topics: ['a', 'b', 'c'], count: 4, minTurns: 2, turns: 4, seed: 1 })).toEqual(plans.slice(0, 4))
    expect(new Set(plans.map(({ seed }) => seed)).size).toBe(9)
  })
})

describe('answers', () => {
  const one = { key: 'k', text: 'x', finish: 'stop', time: 1, promptTokens: 3, completionTokens: 4 }

  it('survive a torn last line, and nothing else is cut', () => {
    const path = join(folder, 'answers.jsonl')
    const first = openAnswers(path)
    first.add(one)
    first.close()
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"key": "half`)
    const again = openAnswers(path)
    expect([again.size, again.tokens, again.get('k')]).toEqual([1, 7, one])
    again.add({ ...one, key: 'l' })
    again.close()
    expect(countAnswers(path)).toEqual({ requests: 2, tokens: 14 })
    writeFileSync(path, '{"key": 1}\n')
    expect(() => openAnswers(path)).toThrow(/line 1 is no answer/)
  })
})

describe('topics', () => {
  it('are a hundred in each language, or those of a file', async () => {
    for (const topics of Object.values(TOPICS)) expect(new Set(topics).size).toBe(100)
    const path = join(folder, 'topics.txt')
    writeFileSync(path, '# mine\nrivers\r\n\n  bread \nrivers\n')
    expect(await readTopics(path)).toEqual(['rivers', 'bread'])
    writeFileSync(path, '\n# none\n')
    await expect(readTopics(path)).rejects.toThrow(/holds no topic/)
    await expect(readTopics(join(folder, 'none'))).rejects.toThrow(/does not exist/)
  })
})
