/** Tasks out of files: small problems of our own in each layout, and the real files where they are. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ape210kExercise } from './ape210k.ts'
import { gsm8kExercise } from './gsm8k.ts'
import { type Exercise, taskSchema } from './index.ts'
import { openTask } from './open.node.ts'
import { namesIn, storyOf } from './pool.ts'
import { talExercise } from './tal.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xueba-tasks-'))
})
afterAll(() => rm(folder, { recursive: true }))

const write = async (name: string, rows: readonly unknown[], more = '') => {
  const file = join(folder, name)
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join('') + more)
  return file
}
const open = (spec: object) => openTask(taskSchema.parse(spec), 'en')
/** A story of its own for every number. */
const letters = (i: number) => String.fromCharCode(98 + (i % 24), 97 + Math.floor(i / 24))

const gsm = (i: number) => ({
  question: `A ${letters(i)} mill grinds ${i + 2} bags an hour. How many bags in 3 hours?`,
  answer: `In 3 hours it grinds 3*${i + 2} = <<3*${i + 2}=${3 * (i + 2)}>>${3 * (i + 2)} bags.\n#### ${3 * (i + 2)}`,
})
const ape = (i: number) => ({
  original_text: `${'甲乙丙丁戊己庚辛'[i % 8]}${'天地玄黄宇宙洪荒'[Math.floor(i / 8)]}有${i + 2}只羊，卖掉(1/2)，卖了几只？`,
  equation: `x=${i + 2}*(1/2)`,
  ans: i % 2 === 0 ? String((i + 2) / 2) : `(${i + 2}/2)`,
})
const choice = (i: number) => ({
  problem: `The ${letters(i)} lock opens with $$${i}+1$$ turns. How many are~that? `,
  answer_option_list: ['A', 'B', 'C'].map((aoVal, k) => [{ aoVal, content: `$$${i + k}$$ ` }]),
  answer_analysis: [`$$${i}+1=${i + 1}$$ `],
  answer_value: 'B',
})

describe('gsm8k', () => {
  test('prose without annotations, or the annotated sums alone', () => {
    const row = {
      question: ' How much is left? ',
      answer: 'He pays 2*540=$<<2*540=1080>>1,080.\nSo 1,200-1080=<<1200-1080=120>>120 are left.\n#### 1,120',
    }
    expect(gsm8kExercise(row)).toMatchObject({
      prompt: 'How much is left?',
      answer: '1120',
      solution: 'He pays 2*540=$1,080.\nSo 1,200-1080=120 are left.\nAnswer: 1120',
    })
    expect(gsm8kExercise(row, 'sums').solution).toBe('2*540=1080\n1200-1080=120\nAnswer: 1120')
  })
  test.each([
    ['It is 5.', /no line "#### number"/],
    ['#### five', /"#### five" is no number/],
    ['#### 4 #### 5', /more than one/],
    ['<<2+2=5>>5\n#### 5', /<<2\+2=5>> is not true: 4/],
    ['<<two>>2\n#### 2', /<<two>> is no sum/],
  ])('%j is refused', (answer, reason) => {
    expect(() => gsm8kExercise({ question: 'q', answer })).toThrow(reason)
  })
  test('several files are one pool; what is no row is named with its file and line', async () => {
    const [a, b] = [
      await write(
        'a.jsonl',
        Array.from({ length: 40 }, (_, i) => gsm(i)),
        '{"question": 1, "answer": ""}\n{broken\n',
      ),
      await write('b.jsonl', [...Array.from({ length: 40 }, (_, i) => gsm(40 + i)), { ...gsm(99), answer: '#### ?' }]),
    ]
    const { task, rejected } = await open({ name: 'gsm8k', file: [a, b] })
    expect(rejected).toEqual([
      { source: a, line: 41, reason: expect.stringMatching(/^question: .*string/) as string },
      { source: a, line: 42, reason: expect.stringContaining('JSON') as string },
      { source: b, line: 41, reason: '"#### ?" is no number' },
    ])
    const [trained, tested] = [task.train(300, 1), task.test(2, 1)]
    const names = namesIn([])
    const stories = new Set(trained.map((e) => storyOf(e.prompt, names)))
    expect(stories.size).toBeLessThan(80)
    expect(tested.some((e) => stories.has(storyOf(e.prompt, names)))).toBe(false)
    for (const e of [...trained, ...tested]) {
      expect(task.reward(e, e.solution)).toBe(1)
      expect(task.parts!(e, e.solution)).toEqual({ format: 0.1, answer: 0.9 })
      expect(task.reward(e, 'Answer: -1')).toBe(0.1)
      expect(task.reward(e, `#### ${e.answer}`)).toBe(0)
    }
    expect(task.train(50, 2)).toEqual(task.train(50, 2))
    expect(() => task.test(81, 1)).toThrow(/only \d+ are held out/)
  })
  test('a file of another kind is refused by name, line and key', async () => {
    const file = await write('tal.jsonl', [choice(1)])
    await expect(open({ name: 'gsm8k', file })).rejects.toThrow(
      /tal\.jsonl, line 1 is no exercise of this task: question: /,
    )
    await expect(open({ name: 'gsm8k', file: await write('empty.jsonl', []) })).rejects.toThrow(
      /empty\.jsonl has no rows/,
    )
    const few = await write('few.jsonl', [gsm(1)])
    await expect(open({ name: 'gsm8k', file: few })).rejects.toThrow(/1 of 1 rows are usable, too few/)
    expect(() => taskSchema.parse({ name: 'gsm8k', file: few, solution: 'sums' })).toThrow(/solution/)
  })
})

describe('ape210k', () => {
  test('the equation worked out, in exact fractions', () => {
    const make = (equation: string, ans: string) => ape210kExercise({ original_text: '几？', equation, ans })
    expect(make('x=1-(1/5)-(1/4)', '(11/20)')).toMatchObject({
      answer: '11/20',
      solution: '1-(1/5)=0.8\n0.8-(1/4)=0.55\n答案：11/20',
    })
    expect(make('x=(15/(15+1))*100%', '93.75%').solution).toBe(
      '15+1=16\n15/16=0.9375\n0.9375*100%=0.9375\n答案：93.75%',
    )
    expect(make('x=10/3', '3.33').answer).toBe('3.33')
    expect(make('x=126(8/9)+1(1/9)', '128').answer).toBe('128')
    expect(() => make('x=1+1', '3')).toThrow(/gives 2, the answer is 3/)
    expect(() => make('x=1+1', '5-3')).toThrow(/"5-3" is no number/)
    expect(() => make('1+1', '2')).toThrow(/does not begin with x=/)
    expect(() => make('x=2*x', '2')).toThrow(/holds x/)
  })
  test('a fraction, a decimal and per cent are one number; a unit is none', async () => {
    const file = join(folder, 'ape.json') // one array
    await writeFile(file, JSON.stringify(Array.from({ length: 64 }, (_, i) => ape(i))))
    const { task, rejected } = await open({ name: 'ape210k', file })
    expect(rejected).toEqual([])
    expect(task.languages).toEqual(['zh'])
    for (const e of task.train(64, 3)) expect(task.correct(e, e.solution)).toBe(true)
    const half = { id: '', prompt: '', answer: '1/2', solution: '' }
    const rewards = ['1/2', '0.5', '50%', '(1/2)', '2/4', '0.50。', '0.51', '1/2只', '一半'].map((a) =>
      task.reward(half, `答案：${a}`),
    )
    expect(rewards).toEqual([1, 1, 1, 1, 1, 1, 0.1, 0, 0])
  })
})

describe('tal', () => {
  test('problem and options without their marks, the letter as the answer', () => {
    expect(talExercise(choice(3), 'en')).toMatchObject({
      prompt: 'The eb lock opens with 3+1 turns. How many are that?\nA. 3\nB. 4\nC. 5'.replace('eb', letters(3)),
      answer: 'B',
      solution: '3+1=4\nAnswer: B',
    })
    expect(() => talExercise({ ...choice(1), answer_value: 'D' }, 'en')).toThrow(/"D" is none of A, B, C/)
    expect(() => talExercise({ ...choice(1), answer_option_list: [] }, 'en')).toThrow(/0 options/)
    expect(() => talExercise({ ...choice(1), problem: ' $$ ' }, 'en')).toThrow(/empty/)
    const shuffled = { ...choice(1), answer_option_list: choice(1).answer_option_list.toReversed() }
    expect(() => talExercise(shuffled, 'en')).toThrow(/called C, B, A/)
  })
  test('a letter counts however it is written, and one that is no option earns nothing', async () => {
    const file = await write(
      'choices.jsonl',
      Array.from({ length: 80 }, (_, i) => choice(i)),
    )
    const { task } = await open({ name: 'tal', file })
    expect(task.name).toBe('tal-en')
    const [e] = task.test(1, 1)
    const rewards = ['B', '(B)', 'B. 4', 'B.', '（B）', 'A', 'D', 'Because', 'BC', '4'].map((a) =>
      task.reward(e!, `Answer: ${a}`),
    )
    expect(rewards).toEqual([1, 1, 1, 1, 1, 0.1, 0, 0, 0, 0])
    const zh = await write(
      'zh.jsonl',
      Array.from({ length: 80 }, (_, i) => ({ ...choice(i), problem: `${letters(i)}锁转几圈？` })),
    )
    expect((await open({ name: 'tal', file: zh })).task).toMatchObject({ name: 'tal-zh', languages: ['zh'] })
  })
})

describe('the real files (XUEBA_DATA; skipped where they are absent)', () => {
  const data = process.env.XUEBA_DATA ?? '../shared/data'
  const files: [string, object, string, number][] = [
    ['gsm8k', { name: 'gsm8k', file: `${data}/math-gsm8k/gsm8k-train.jsonl` }, 'en', 0.02],
    ['ape210k', { name: 'ape210k', file: `${data}/math-ape210k/valid.ape.json` }, 'zh', 0.02],
    ['tal zh', { name: 'tal', file: `${data}/math-tal/ch_single_choice_train_3K.jsonl` }, 'zh', 0.01],
    ['tal en', { name: 'tal', file: `${data}/math-tal/en_single_choice_train_3K.jsonl` }, 'en', 0.01],
  ]
  for (const [name, spec, language, refused] of files)
    test.skipIf(!existsSync((spec as { file: string }).file))(name, async () => {
      const { task, rejected } = await open(spec)
      const trained = task.train(8_000, 1)
      const size = new Set(trained.map((e) => e.id)).size
      expect(rejected.length / (size * 1.1)).toBeLessThan(refused)
      const tested = task.test(200, 1)
      expect(task.languages).toEqual([language])
      for (const e of [...tested, ...trained.slice(0, 500)])
        expect([e.prompt, task.reward(e, e.solution)]).toEqual([e.prompt, 1])
      // Without the options of multiple choice.
      const story = (e: Exercise) => e.prompt.split('\nA. ')[0]!
      const names = namesIn([...tested, ...trained].map(story))
      const stories = new Set(trained.map((e) => storyOf(story(e), names)))
      const again = tested.filter(
        (e) => /[a-z\p{Script=Han}]/iu.test(story(e)) && stories.has(storyOf(story(e), names)),
      )
      expect(again).toEqual([])
    })
})
