import { expect, test } from 'vitest'
import type { EventBody, RunEvent } from '../run/index.ts'
import { diagnose, loopOf, starvedVocabulary } from './diagnosis.ts'

/** Events of one stage, in order. */
const log = (stage: string, bodies: EventBody[]): RunEvent[] =>
  bodies.map((body, seq) => ({ ...body, seq, attempt: 1, time: seq, stage }))

const series = (name: string, values: number[], split = 'train'): EventBody[] =>
  values.map((value, i) => ({ type: 'metric', name, value, step: i + 1, split }))
const codes = (events: RunEvent[]) => diagnose(events).map(({ code }) => code)

test('a healthy run has no findings', () => {
  const reading = log('03-pretrain', [
    { type: 'stage-started', kind: 'pretrain', name: 'pretrain' },
    ...series('bitsPerByte', [2, 1.5, 1.2], 'heldout'),
    ...series('loss', [3, 2.5, 2.1], 'heldout'),
    { type: 'sample', prompt: 'Once', text: ' upon a time there was a cat, and the cat had a hat.', step: 3 },
    { type: 'stage-done', kind: 'pretrain', name: 'pretrain', seconds: 1, metrics: { loss: 2 } },
  ])
  const practice = log('05-rl', [
    { type: 'stage-started', kind: 'rl', name: 'rl' },
    ...series('skippedGroups', Array<number>(30).fill(0.4)),
    ...series('entropy', Array<number>(30).fill(0.5)),
    ...series('truncated', Array<number>(30).fill(0.1)),
  ])
  expect(diagnose([...reading, ...practice])).toEqual([])
})

test('each ailment is found, with the event that shows it', () => {
  const overfit = log('03-pretrain', series('bitsPerByte', [1, 0.5, 0.6], 'heldout'))
  expect(diagnose(overfit)).toMatchObject([{ code: 'overfitting', stage: '03-pretrain', seq: 2, step: 3 }])
  expect(diagnose(overfit)[0]!.what.en).toContain('best at step 2 (0.500 bits a byte)')
  expect(
    codes(
      log('04-sft', [
        ...series('loss', [1.5], 'heldout'),
        { type: 'stage-done', kind: 'sft', name: 'sft', seconds: 1, metrics: { loss: 1 } },
      ]),
    ),
  ).toEqual(['gap'])
  expect(codes(log('05-rl', series('skippedGroups', Array<number>(25).fill(0.9))))).toEqual(['no-signal'])
  expect(codes(log('05-rl', series('skippedGroups', Array<number>(10).fill(0.9))))).toEqual([]) // too early to say
  expect(
    codes(log('05-rl', series('entropy', [...Array<number>(8).fill(0.6), ...Array<number>(8).fill(0.01)]))),
  ).toEqual(['entropy-collapse'])
  expect(codes(log('05-rl', series('truncated', Array<number>(6).fill(0.8))))).toEqual(['endless-answers'])
  const rising = Array.from({ length: 60 }, (_, i) => i / 10)
  const worth = (falls: number) =>
    Array.from({ length: 60 }, (_, i) => 1 + Math.min(i, 60 - i) * falls + (i % 2) * 0.05)
  const judged = (falls: number, believed: number[]) =>
    codes(log('06-rl', [...series('rewardModel', believed), ...series('reward', worth(falls))]))
  expect(judged(0.1, rising)).toEqual(['reward-hacking'])
  expect(judged(0.1, rising.toReversed())).toEqual([]) // the judge does not like it either
  expect(judged(0, rising)).toEqual([])
  const sample = (text: string): EventBody => ({ type: 'sample', prompt: 'Who are you, friend?', text, step: 9 })
  expect(codes(log('04-sft', [sample('the cat, the cat, the cat, the cat, the cat,')]))).toEqual(['looping'])
  const study: EventBody = { type: 'stage-started', kind: 'sft', name: 'sft' }
  expect(codes(log('04-sft', [study, sample('Who are you, friend? I am.')]))).toEqual(['echo'])
})

test('loops: three times the same at the end, and long enough', () => {
  expect(loopOf('a cat sat. the dog ran. the dog ran. the dog ran.')).toBe('the dog ran.')
  expect(loopOf('哈'.repeat(24))).toBe('哈')
  expect(loopOf('ha ha ha')).toBeUndefined()
  expect(loopOf('他说好，她也说好，大家都说好。')).toBeUndefined()
  expect(loopOf(' '.repeat(100))).toBeUndefined()
  expect(loopOf('')).toBeUndefined()
})

test('a vocabulary that the corpus does not feed', () => {
  expect(starvedVocabulary([100, 50, 20, 11])).toBeUndefined()
  expect(starvedVocabulary([...Array<number>(90).fill(100), ...Array<number>(10).fill(3)])!.what.en).toContain(
    '10 of 100',
  )
})
