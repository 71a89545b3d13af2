import { expect, test } from 'vitest'
import { bestThreads, speedTable } from './llama-speed.ts'
import { testStrings } from './llama-texts.ts'
import { agrees, type LlamaResult, type LlamaStudy, llamaTable } from './llama.ts'

const result: LlamaResult = {
  language: 'zh',
  release: 'v0',
  strings: 1000,
  mismatches: {},
  specialMismatches: {},
  examples: [],
  prompts: 50,
  same: { f32: 50, f16: 48, bf16: 40, q8_0: 30, q4_0: 3 },
  ties: 0,
  logits: 1e-4,
  probabilities: 1e-5,
}
const study = (changes: Partial<LlamaResult> = {}, more: Partial<LlamaStudy> = {}): LlamaStudy => ({
  results: [{ ...result, ...changes }],
  splits: { encodings: 3000, mismatches: {} },
  blocks: { blocks: 4000, different: { q8_0: 0 } },
  ...more,
})

test('the strings are a thousand, of ten kinds, the same every time, and can be said in UTF-8', () => {
  const strings = testStrings()
  expect(strings).toHaveLength(1000)
  expect(new Set(strings.map(({ kind }) => kind)).size).toBe(10)
  expect(testStrings()).toEqual(strings)
  for (const { text } of strings) expect(text !== '' && text.isWellFormed() && !text.includes('\0')).toBe(true)
  expect(new Set(strings.map(({ text }) => text)).size).toBeGreaterThan(850)
})

test('every difference that counts makes the study fail', () => {
  expect(agrees(study())).toBe(true)
  expect(agrees(study({ same: { ...result.same, f32: 49 }, ties: 1 }))).toBe(true) // as likely either way
  const failing: LlamaStudy[] = [
    study({ mismatches: { emoji: 1 } }),
    study({ specialMismatches: { emoji: 1 } }),
    study({ same: { ...result.same, f32: 49 } }),
    study({ probabilities: 2e-3 }),
    study({}, { splits: { encodings: 3000, mismatches: { digits: 1 } } }),
    study({}, { blocks: { blocks: 4000, different: { q8_0: 1 } } }),
  ]
  for (const one of failing) expect(agrees(one)).toBe(false)
})

test('the table says what differs', () => {
  const table = llamaTable(study({ mismatches: { emoji: 2, digits: 1 } }))
  expect(table).toContain('| the same ids, strings | 997 of 1000 (not: emoji 2, digits 1) |')
})

test('speeds are a row a program', () => {
  const speeds = {
    name: '12 M',
    parameters: 1.22e7,
    threads: 1,
    programs: { 'xueba f32': { decoding: 500, prompt: 900, 'batch 8': 2000, 'batch 64': 4000 } },
  }
  expect(speedTable([speeds])).toContain('| 12 M, 12.2 M | xueba f32 | 500 | 900 | 2000 | 4000 |')
})

test('a program is said at its best number of threads of each measure', () => {
  const rounds = {
    'ours f32': { decoding: [9, 11, 10] },
    'theirs, 1': { decoding: [5, 7, 6], prompt: [20, 20, 20] },
    'theirs, 2': { decoding: [1], prompt: [30, 40, 35] },
  }
  expect(bestThreads(rounds)).toEqual({ 'ours f32': { decoding: 10 }, theirs: { decoding: 6, prompt: 35 } })
})
