import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ownTask } from './own.node.ts'

const root = mkdtempSync(join(tmpdir(), 'xueba-own-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let written = 0
function file(code: string): string {
  const path = join(root, `task-${written++}.ts`)
  writeFileSync(path, code)
  return path
}

const words = `export const prompts: string[] = Array.from({ length: 50 }, (_, i) => 'Say the word number ' + i)\n`

describe("a task of the user's own", () => {
  it('practises four fifths of its prompts and is examined on the others', async () => {
    const task = await ownTask(
      file(`${words}export const reward = (_: unknown, text: string): number => (text.includes('e') ? 1 : 0.2)`),
      'en',
    )
    expect(task.name).toBe('task-0')
    const training = new Set(task.train(500, 1).map(({ id }) => id))
    const count = 50 - training.size
    const test = task.test(count, 1).map(({ id }) => id)
    expect(count).toBeGreaterThan(3)
    expect(test.filter((id) => training.has(id))).toEqual([])
    expect(() => task.test(count + 1, 1)).toThrow(RangeError)
    expect(task.train(500, 1)).toEqual(task.train(500, 1))
    const [exercise] = task.train(1, 1)
    expect([task.reward(exercise!, 'yes'), task.correct(exercise!, 'yes')]).toEqual([1, true])
    expect([task.reward(exercise!, 'no'), task.correct(exercise!, 'no')]).toEqual([0.2, false])
  })

  it('knows answers, a name and what is correct, where the file says so', async () => {
    const task = await ownTask(
      file(`
        export const name = 'doubling'
        export const prompts = Array.from({ length: 40 }, (_, i) => ({ prompt: \`double \${i}\`, answer: String(2 * i) }))
        export const reward = (e: { answer: string }, text: string) => (text === e.answer ? 5 : -1)
        export const correct = (e: { answer: string }, text: string) => text === e.answer`),
      'en',
    )
    expect(task.name).toBe('doubling')
    const [exercise] = task.train(1, 1)
    expect(exercise!.answer).toBe(exercise!.solution)
    expect(task.reward(exercise!, exercise!.answer)).toBe(5)
    expect(task.correct(exercise!, 'x')).toBe(false)
  })

  it.each([
    ['throws', `() => { throw new Error('no') }`],
    ['returns NaN', '() => NaN'],
    ['returns a promise', 'async () => 1'],
    ['returns nothing', '() => {}'],
  ])('a reward that %s is none', async (_, reward) => {
    const task = await ownTask(file(`${words}export const reward = ${reward}`), 'en')
    const [exercise] = task.train(1, 1)
    expect(task.reward(exercise!, 'x')).toBeNaN()
    expect(task.correct(exercise!, 'x')).toBe(false)
  })

  it.each([
    ['a syntax error', 'export const prompts = [', /task-\d+\.ts: cannot be run: /],
    ['no prompts', 'export const reward = () => 1', /export "prompts": /],
    ['no reward', words, /export "reward": expected a function/],
    ['a wrong prompt', `export const prompts = ['a', 7]; export const reward = () => 1`, /export "prompts\.1": /],
    [
      'too few prompts',
      `export const prompts = ['a', 'a']; export const reward = () => 1`,
      /1 different prompts are too few/,
    ],
  ])('refuses a file with %s', async (_, code, message) => {
    await expect(ownTask(file(code), 'en')).rejects.toThrow(message)
  })

  it('refuses a file that is not there', async () => {
    await expect(ownTask(join(root, 'nowhere.ts'), 'en')).rejects.toThrow(/nowhere\.ts: cannot be run/)
  })
})
