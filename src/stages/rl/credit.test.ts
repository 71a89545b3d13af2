/** What answers are credited with, and what a curriculum and a critic make of it: small cases by hand, properties at random. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { random } from '../../tensor/index.ts'
import type { Exercise, Task } from '../../tasks/index.ts'
import { mean } from '../statistics.ts'
import { type Algorithm, type AlgorithmNumbers, ALGORITHMS, expandAlgorithm } from './algorithms.ts'
import { tokenWeights } from './answers.ts'
import { chargeDivergence, giveAdvantages, isTelling, shapeLength } from './credit.ts'
import { createCurriculum } from './curriculum.ts'
import { estimateAdvantages } from './gae.ts'
import { rlOptions } from './options.ts'
import { type Answer, drawStep, type Group } from './rollout.ts'
import { tokenRewards } from './values.ts'

const exercise = (id: string): Exercise => ({ id, prompt: id, answer: '', solution: '' })
const task = (name: string, ids: string[]): Task => ({
  name,
  languages: ['en'],
  train: (count, seed) => {
    const r = random(seed, 'train')
    return Array.from({ length: count }, () => exercise(r.pick(ids)))
  },
  test: () => [],
  reward: () => 0,
  correct: () => false,
})
const answer = (credit: number, length = 4, finish: 'stop' | 'length' = 'stop'): Answer => ({
  asked: {
    question: '',
    prompt: [1],
    text: '',
    ids: new Int32Array(length),
    logProbs: new Float32Array(length).fill(-1),
    finish,
  },
  reward: credit,
  credit,
  correct: credit === 1,
  advantage: 0,
})
const group = (answers: Answer[], of = task('t', ['x']), id = 'x'): Group => ({
  task: of,
  exercise: exercise(id),
  answers,
  kept: true,
})
const advantages = (groups: Group[]) => groups.map(({ answers }) => answers.map((a) => a.advantage))

describe('options', () => {
  const tasks = [{ task: { name: 'arithmetic' } }]
  it.each(Object.keys(ALGORITHMS) as Algorithm[])(
    '%s is written out as numbers, which read back as the same',
    (name) => {
      const options = rlOptions.parse({ tasks, algorithm: name })
      expect(options).toMatchObject(ALGORITHMS[name])
      expect(rlOptions.parse(JSON.parse(JSON.stringify(options)))).toEqual(options)
      expect(rlOptions.strict().parse(options)).toEqual(options)
    },
  )
  it('a number of one’s own wins, and without a name they are what they were', () => {
    expect(rlOptions.parse({ tasks, algorithm: 'dapo', clipHigh: 0.3, resample: 0 })).toMatchObject({
      clipHigh: 0.3,
      resample: 0,
      lengthNorm: 'token',
      advantage: 'mean-std',
    })
    expect(rlOptions.parse({ tasks })).toMatchObject({ advantage: 'mean', clipLow: 0.2, clipHigh: 0.28, beta: 0 })
    expect(() => rlOptions.parse({ tasks, algorithm: 'gppo' })).toThrow(/dr-grpo/)
    const given: Partial<AlgorithmNumbers> & { algorithm: Algorithm } = { algorithm: 'rloo', kl: undefined }
    expect(expandAlgorithm(given).kl).toBe('reward')
  })
})

describe('advantages', () => {
  it('by hand', () => {
    const of = (name: 'mean' | 'mean-std' | 'leave-one-out') =>
      advantages(giveAdvantages([group([answer(1), answer(0), answer(0), answer(1), answer(NaN)])], name))[0]
    expect(of('mean')).toEqual([0.5, -0.5, -0.5, 0.5, 0])
    expect(of('mean-std')).toEqual([1, -1, -1, 1, 0])
    const third = expect.closeTo(2 / 3, 12) as number // against the mean of the other three
    expect(of('leave-one-out')).toEqual([third, expect.closeTo(-2 / 3, 12), expect.closeTo(-2 / 3, 12), third, 0])
  })
  it('groups without a difference teach nothing', () => {
    const groups = giveAdvantages([group([answer(0.1), answer(0.1)]), group([answer(1), answer(NaN)])], 'leave-one-out')
    expect(groups.map(({ kept }) => kept)).toEqual([false, false])
    expect(advantages(groups).flat()).toEqual([0, 0, 0, 0])
    expect(groups.some(isTelling)).toBe(false)
  })
  it('what divergence costs is taken off', () => {
    const [charged] = chargeDivergence(
      [group([answer(1), answer(1)])],
      [
        [-1, -1, -1, -1],
        [-3, -1, -1, -1],
      ],
      0.5,
    )
    expect(charged!.answers.map((a) => a.charge)).toEqual([0, 1])
    expect(advantages(giveAdvantages([charged!], 'mean'))[0]).toEqual([0.5, -0.5])
    expect([...tokenRewards(charged!.answers[1]!, 0.5)]).toEqual([-1, 0, 0, 1])
  })
})

it('long answers lose by how near they are to the limit', () => {
  const lengths: [number, 'stop' | 'length'][] = [
    [10, 'stop'],
    [80, 'stop'],
    [90, 'stop'],
    [99, 'stop'],
    [100, 'stop'],
    [100, 'length'],
  ]
  const shaped = shapeLength([group(lengths.map(([n, finish]) => answer(1, n, finish)))], {
    overlongPenalty: 0.5,
    overlongShare: 0.2,
    maxTokens: 100,
  })
  const close = (x: number) => expect.closeTo(x, 9) as number
  expect(shaped[0]!.answers.map((a) => a.credit)).toEqual([1, 1, close(0.75), close(0.525), close(0.5), 0.5])
  expect(shaped[0]!.answers.map((a) => a.reward)).toEqual([1, 1, 1, 1, 1, 1])
})

it('weights of tokens: what each norm lets weigh the same', () => {
  expect(tokenWeights([1, 3], 'token', 10)).toEqual([0.25, 0.25])
  expect(tokenWeights([1, 3], 'sequence', 10)).toEqual([0.5, 1 / 6])
  expect(tokenWeights([1, 3], 'constant', 10)).toEqual([0.05, 0.05])
  expect(tokenWeights([1, 3], 'none', 10)).toEqual([0.5, 0.5])
})

it('GAE is the discounted sum of what surprised the critic', () => {
  const number = fc.double({ min: -3, max: 3, noNaN: true })
  const steps = fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 12 })
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(steps, share, share, (pairs, gamma, lambda) => {
      const [rewards, values] = [pairs.map(([r]) => r), pairs.map(([, v]) => v)]
      const { advantages, returns } = estimateAdvantages(rewards, values, { gamma, lambda })
      const delta = rewards.map((r, t) => r + gamma * (values[t + 1] ?? 0) - values[t]!)
      delta.forEach((_, t) => {
        const sum = delta.slice(t).reduce((total, d, l) => total + (gamma * lambda) ** l * d, 0)
        expect(advantages[t]).toBeCloseTo(sum, 4)
        expect(returns[t]).toBeCloseTo(sum + values[t]!, 4)
      })
    }),
  )
  // λ = 1: the return is what was really earned from there on.
  expect([...estimateAdvantages([0, 0, 2], [9, 9, 9], { gamma: 1, lambda: 1 }).returns]).toEqual([2, 2, 2])
})

describe('a curriculum', () => {
  const [easy, even, hard] = [task('easy', ['e']), task('even', ['m']), task('hard', ['h'])]
  const solved = (of: Task, id: string, share: number) =>
    group(
      Array.from({ length: 4 }, (_, i) => answer(i < share * 4 ? 1 : 0)),
      of,
      id,
    )
  it('prefers tasks that are solved half of the time, and forgets none', () => {
    const curriculum = createCurriculum()
    for (let i = 0; i < 40; i++) curriculum.learn([solved(easy, 'e', 1), solved(even, 'm', 0.5), solved(hard, 'h', 0)])
    const weighted = [easy, even, hard].map((one) => ({ task: one, weight: 1 }))
    const draws = drawStep(weighted, 600, { seed: 1, step: 1 }, () => true, curriculum)
    expect(draws).toHaveLength(600)
    const count = (of: Task) => draws.filter((draw) => draw.task === of).length
    expect(count(even)).toBeGreaterThan(450)
    expect(Math.min(count(easy), count(hard))).toBeGreaterThan(10)
  })
  it('prefers exercises of a task likewise, and goes on from what a checkpoint holds', () => {
    const pool = task(
      'pool',
      Array.from({ length: 30 }, (_, i) => `p${i}`),
    )
    const curriculum = createCurriculum()
    const share = (id: string) => [0, 0.5, 1][Number(id.slice(1)) % 3]!
    for (let i = 0; i < 6; i++) curriculum.learn(pool.train(60, i).map(({ id }) => solved(pool, id, share(id))))
    const draw = (by: typeof curriculum) =>
      drawStep([{ task: pool, weight: 1 }], 300, { seed: 1, step: 1 }, () => true, by).map((one) => one.exercise.id)
    const ids = draw(curriculum)
    expect(ids.filter((id) => share(id) === 0.5).length).toBeGreaterThan(200)
    const later = createCurriculum(
      JSON.parse(JSON.stringify(curriculum.state())) as ReturnType<typeof curriculum.state>,
    )
    expect(draw(later)).toEqual(ids)
    const plain = drawStep([{ task: pool, weight: 1 }], 300, { seed: 1, step: 1 }, () => true)
    expect(mean(plain.map(({ exercise: { id } }) => share(id)))).toBeCloseTo(0.5, 1)
  })
})
