import { expect, it } from 'vitest'
import { makePair } from '../../corpus/pairs.ts'
import { dedupConfig } from '../../corpus/index.ts'
import { widthOf } from '../columns.ts'
import { setLanguage } from '../language.ts'
import { sideBySide } from './funnel.ts'
import { bytesOf } from './funnel-table.ts'

const document = (id: string, text: string) => ({ id, text, source: 'x' })

it.each([
  [
    'en',
    'The boat went down the river with nine people on board, and came back before the evening bell. ',
    'A new end.',
  ],
  ['zh', '清晨，小船载着九个人顺流而下，傍晚钟声响起之前又回到了码头，大家都很高兴。', '新的结尾。'],
] as const)('pairs stand side by side, with marks around what they share (%s)', (language, shared, end) => {
  setLanguage(language)
  const pair = makePair(
    document('one', shared.repeat(4)),
    document('two', shared.repeat(4) + end),
    9,
    dedupConfig.parse({}),
  )
  const rows = sideBySide(pair, 81, false).split('\n')
  for (const row of rows.slice(2)) {
    expect(widthOf(row)).toBeLessThanOrEqual(81)
    if (!row.startsWith('─')) expect(widthOf(row.split(' │ ')[0]!)).toBe(39)
  }
  const right = rows.slice(3).map((row) => row.split(' │ ')[1])
  expect(right.join('').replaceAll(/[⟦⟧]/g, '').replaceAll(' ', '')).toContain(end.replaceAll(' ', ''))
  const marked = right.join('').split('⟧').at(-1)!
  expect(marked).not.toContain(shared.slice(0, 8))
  const plain = rows.slice(3).join('\n').replaceAll(/[⟦⟧]/g, '')
  expect(sideBySide(pair, 83, true).split('\n').slice(3).join('\n')).toContain('\x1b[32m')
  expect(plain).not.toContain('⟦')
  setLanguage('en')
})

it('bytes in their unit', () => {
  expect([0, 999, 1000, 1_250_000, 3e9].map(bytesOf)).toEqual(['0 B', '999 B', '1.0 kB', '1.3 MB', '3.0 GB'])
})
