import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReportCard } from '../stages/report/card.ts'
import { formatInterval, formatValue } from '../stages/report/format.ts'
import { gather } from '../stages/report/gather.ts'
import { madeAnswers } from '../stages/report/made-answers.test-helper.ts'
import { makeRun } from '../stages/report/made-run.test-helper.ts'
import { tinyConfig } from '../stages/tiny.test-helper.ts'
import { lineageOf } from './lineage.ts'
import { type CardFacts, modelCard } from './model-card.ts'

let folder: string
let card: ReportCard
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xueba-card-'))
  await makeRun(folder)
  card = await gather(folder, { comparisons: madeAnswers() })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const facts = (changes: Partial<CardFacts> = {}): CardFacts => ({
  name: 'town-rl',
  config: tinyConfig,
  type: 'f32',
  base: false,
  language: 'en',
  run: { card, stage: 'rl' },
  ...changes,
})

describe('the model card', () => {
  it.each(['zh', 'en'] as const)('in %s gives what the run measured, with its intervals', (language) => {
    const text = modelCard(facts({ language }))
    const own = card.exams.at(-1)!.models.find(({ stage }) => stage === 'rl')!
    const withIntervals = Object.entries(own.intervals).filter(([key]) => !key.endsWith('Gain'))
    expect(withIntervals.length).toBeGreaterThan(0)
    for (const [key, interval] of withIntervals) {
      const figure = `${formatValue(own.metrics[key]!, 'share', language)} ${formatInterval(interval, 'share')}`
      expect(text.replaceAll('\\', '')).toContain(figure)
    }
    expect(text).toMatch(language === 'zh' ? /## 它做不到的/ : /## What it cannot do/)
    expect(text).not.toMatch(/undefined|NaN|null/)
  })

  it('begins with front matter in the language of the model, not of the reader', () => {
    expect(modelCard(facts())).toMatch(/^---\nlanguage: zh\nlibrary_name: transformers\n[^#]*\n---\n\n# town-rl\n/)
  })

  it('shows what this model answers, and no other', () => {
    const said = card.comparisons.flatMap(({ answers }) => answers.filter(({ stage }) => stage === 'rl'))
    expect(said.length).toBeGreaterThan(0)
    expect(modelCard(facts())).toContain('### What it says')
    const without = { ...card, comparisons: [] }
    expect(modelCard(facts({ run: { card: without, stage: 'rl' } }))).not.toContain('### What it says')
  })

  it('says so when there is nothing to say', () => {
    expect(modelCard(facts({ run: undefined }))).toMatch(/Not known: .* without the run/)
    expect(modelCard(facts({ run: { card: { ...card, exams: [] }, stage: 'rl' } }))).toContain('It sat no exam')
  })

  it('tells a base model’s prompt from a chat model’s', () => {
    const base = modelCard(facts({ base: true, run: { card, stage: 'pretrain' } }))
    expect(base).toContain('<|endoftext|>')
    expect(base).not.toContain('apply_chat_template')
    expect(modelCard(facts())).toContain('apply_chat_template')
  })

  it('disarms names', () => {
    const text = modelCard(facts({ name: '<script>|x|[a](b)' }))
    expect(text).not.toContain('<script>')
    expect(text).toContain('\\|x\\|\\[a\\]')
  })
})

describe('the lineage of a model', () => {
  const names = (stage: string, recipe: Partial<ReportCard> = {}) =>
    lineageOf({ ...card, ...recipe }, stage).map(({ name }) => name)

  it('passes over controls and leaves out what came later', () => {
    expect(names('rl')).toEqual(['corpus', 'tokenizer', 'pretrain', 'sft', 'rl'])
    expect(names('sft')).toEqual(['corpus', 'tokenizer', 'pretrain', 'sft'])
    expect(names('pretrain')).toEqual(['corpus', 'tokenizer', 'pretrain'])
  })

  it('of a control from random weights has no pre-training', () => {
    expect(names('sft-control')).toEqual(['corpus', 'tokenizer', 'sft-control'])
  })

  it('follows a stage that is named, and ends on a recipe that bites its tail', () => {
    const from = (rl: string) => ({ recipe: { stages: [{ kind: 'rl', name: 'rl', from: rl }] } })
    expect(names('rl', from('pretrain'))).toEqual(['corpus', 'tokenizer', 'pretrain', 'rl'])
    expect(names('rl', from('rl'))).toEqual(['corpus', 'tokenizer', 'rl'])
    expect(names('nobody')).toEqual([])
  })
})
