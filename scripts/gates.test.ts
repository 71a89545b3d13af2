import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { gatesTable } from './gates.ts'

const metrics = {
  'pretrain.bitsPerByte': 0.2,
  '5-gram.bitsPerByte': 0.3,
  'PPM.bitsPerByte': 0.4,
  'pretrain.bitsPerByteUnseen': 0.28, // less than a tenth below
  '5-gram.bitsPerByteUnseen': 0.3,
  'PPM.bitsPerByteUnseen': 0.4,
  'sft.world.untaught': 0.9,
  'no-reading.world.untaught': 0.25,
  'sft.arithmetic-2-digits.accuracy': 0.4,
  'rl.arithmetic-2-digits.accuracyGain': 0.19,
  'shuffled.arithmetic-2-digits.accuracyGain': 0.01,
}

test('a gate holds or not by its figures, and missing figures do not pass', () => {
  const root = mkdtempSync(join(tmpdir(), 'xueba-gates-'))
  const run = (name: string, metrics: object) => {
    mkdirSync(join(root, name, '01-eval'), { recursive: true })
    writeFileSync(
      join(root, name, '01-eval/manifest.json'),
      JSON.stringify({ kind: 'eval', name: 'eval', seconds: 1, metrics }),
    )
    return { language: 'zh', seed: 1, folder: join(root, name) }
  }
  const rows = gatesTable([run('a', metrics), run('b', {})]).split('\n')
  const marks = rows.filter((row) => /[✓✗]/.test(row)).map((row) => row.match(/[✓✗]/g)!.join(''))
  expect(marks).toEqual(['✓✗', '✗✗', '✓✗', '✗✗', '✓✗', '✗✗', '✗'])
  const shuffled = (...gains: number[]) =>
    gatesTable(gains.map((gain, i) => run(`c${i}`, { 'shuffled.arithmetic-2-digits.accuracyGain': gain }))).split('\n')
  expect(shuffled(-0.01, 0.05, 0.01).at(-1)).toMatch(/^✓ .* gain 1.7 \[-5.9, 9.3\]$/)
  expect(shuffled(0.04, 0.05, 0.06).at(-1)).toMatch(/^✗/)
})
