import { expect, test } from 'vitest'
import { openingOf, openingsOf } from './openings.ts'

test('an opening is the first words of a line that goes on after them', () => {
  expect(openingOf('On market day Edith Hill went to Merry Toys.\nIt rained.')).toBe('On market day')
  expect(openingOf('Prices\n\n  "Good morning!" said Ruth Field.')).toBe('"Good morning!" said')
  expect(openingOf('赶集的路上，何青松遇见了李泽宇。')).toMatch(/^赶集的?/)
  expect('赶集的路上，何青松遇见了李泽宇。'.startsWith(openingOf('赶集的路上，何青松遇见了李泽宇。')!)).toBe(true)
  for (const nothing of ['', '\n\n', 'one two', '3 + 4', '……']) expect(openingOf(nothing)).toBe(undefined)
})

test.each([
  ['学校请周鹏程来给孩子们讲课。', '学校请'],
  ['问：吴沐晴靠什么谋生？', '问：'],
  ['赶集那天，高兴旺和王梦瑶约好一起去糕点铺。', '赶集那天，'],
  ['我的妈妈说今天下雨。', '我的妈妈'],
])('a Chinese opening cuts no name: %s', (text, opening) => {
  expect(openingOf(text)).toBe(opening)
})

test('no two openings begin alike, and a small corpus has few', async () => {
  async function* texts(...all: string[]) {
    yield* all
  }
  const many = texts(
    'Meet Ann Lee today, all.',
    'Meet Bob Day tomorrow.',
    '',
    'On the way home it rained.',
    'A list of people here.',
  )
  expect(await openingsOf(many, 3)).toEqual(['Meet Ann Lee', 'On the way', 'A list of'])
  expect(await openingsOf(texts('Meet Ann Lee today.'), 3)).toEqual(['Meet Ann Lee'])
})
