/** The examination: what it counts, whom it asks how, and that everybody sits the same one. */
import { afterAll, describe, expect, it } from 'vitest'
import { finalLine, type Task } from '../tasks/index.ts'
import { ask, asText, fewShot, inChat } from './ask.ts'
import { evaluateExercises, heldOutExercises } from './exercises.ts'
import { wilson } from './statistics.ts'
import { anyEngine, byteTokenizer, tinyModel } from './tiny.test-helper.ts'

const tokenizer = byteTokenizer()

/** `size` problems; two in ten answers of random weights are right: those that begin with an ASCII character whose code ends in 0 to 3. */
const toy = (size: number): Task => ({
  name: 'toy',
  languages: ['en'],
  train: () => [],
  test(count) {
    if (count > size) throw new RangeError(`only ${size}`)
    return Array.from({ length: count }, (_, i) => ({ id: `${i}`, prompt: `p${i}`, answer: 'a', solution: 'a' }))
  },
  reward: (_, text) => Number(isRight(text)),
  correct: (_, text) => isRight(text),
})
const isRight = (text: string) => text !== '' && text.charCodeAt(0) < 128 && text.charCodeAt(0) % 10 < 4

describe('exercises', async () => {
  const engine = await anyEngine()
  const model = tinyModel(engine)
  afterAll(() => engine.close())

  it('finds as many problems as the task has', () => {
    for (const size of [1, 2, 7, 30]) {
      expect(heldOutExercises(toy(size), 20, 1).length).toBe(Math.min(20, size))
      expect(heldOutExercises(toy(size), 1, 1).length).toBe(1)
    }
    expect(() => heldOutExercises(toy(0), 20, 1)).toThrow('only 0')
  })

  it('counts right answers, sampled and not, with intervals', async () => {
    const options = { count: 20, seed: 1, maxTokens: 3, k: [1, 2, 8] }
    const score = await evaluateExercises(model, tokenizer, toy(20), options)
    const right = score.answers.filter(({ correct }) => correct).length
    expect(score).toMatchObject({ problems: 20, accuracy: right / 20, ...wilson(right, 20) })
    const at = (k: number) => score.passAt[k]!.value
    expect(at(1)).toBeGreaterThan(0.1)
    expect(at(1)).toBeLessThan(0.35)
    expect(at(2)).toBeGreaterThan(at(1))
    expect(at(8)).toBeGreaterThan(0.6)
    expect(score.truncated).toBeGreaterThan(0.9) // random weights hardly ever stop
    expect(await evaluateExercises(model, tokenizer, toy(20), options)).toEqual(score)
    const other = await evaluateExercises(model, tokenizer, toy(20), { ...options, seed: 2 })
    expect(other.passAt[1]).not.toEqual(score.passAt[1])
    expect(other.accuracy).toBe(score.accuracy)
  })

  it('asks a base model with worked examples', () => {
    const examples = [
      { prompt: '1+1=?', solution: '1 and 1\nAnswer: 2' },
      { prompt: '2+2=?', solution: 'Answer: 4' },
    ]
    const manner = fewShot(tokenizer, examples, finalLine('', 'en'))
    const ids = manner.prompt('3+3=?')
    expect(ids[0]).toBe(tokenizer.idOf('<|endoftext|>'))
    expect(tokenizer.decode(ids)).toBe('1+1=?\n1 and 1\nAnswer: 2\n2+2=?\nAnswer: 4\n3+3=?\n')
    expect(manner.read(tokenizer.encode('3 and 3\nAnswer: 6\n4+4=?\nAnswer: 8'))).toBe('3 and 3\nAnswer: 6')
    expect(manner.read(tokenizer.encode('3 and 3\n\nAnswer: 6'))).toBe('3 and 3')
    const line = asText(tokenizer, (q) => `${q} `, '\n')
    expect(line.stopIds).toEqual([256, 10])
    expect(line.read(tokenizer.encode('yes\nno'))).toBe('yes')
  })

  it('gives an empty answer to a question that leaves no room', async () => {
    const [long, short] = await ask(model, inChat(tokenizer), ['x'.repeat(100), 'x'], { maxTokens: 2, temperature: 0 })
    expect(long).toMatchObject({ text: '', finish: 'length', question: 'x'.repeat(100) })
    expect(long!.ids.length).toBe(0)
    expect(short!.ids.length).toBe(2)
  })
})
