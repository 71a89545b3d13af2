import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeHtml } from './charset.ts'

// Encoded by Python's codecs; the sentences are ours.
const samples: [charset: string, text: string, hex: string][] = [
  [
    'gb18030',
    '今天天气很好，我们的学校在山上，大家都来了。',
    'bdf1ccecccecc6f8badcbac3a3acced2c3c7b5c4d1a7d0a3d4dac9bdc9cfa3acb4f3bcd2b6bcc0b4c1cba1a3',
  ],
  [
    'big5',
    '今天天氣很好，我們的學校在山上，大家都來了。',
    'a4b5a4d1a4d1aef0abdca66ea141a7daadccaababec7aed5a662a473a457a141a46aae61b3a3a8d3a446a143',
  ],
  [
    'shift_jis',
    '今日はとても天気がいいので、みんなで山の学校へ行きました。',
    '8da193fa82cd82c682c482e093568b4382aa82a282a282cc82c5814182dd82f182c882c58e5282cc8a778d5a82d68d7382ab82dc82b582bd8142',
  ],
  [
    'euc-jp',
    '今日はとても天気がいいので、みんなで山の学校へ行きました。',
    'baa3c6fca4cfa4c8a4c6a4e2c5b7b5a4a4aca4a4a4a4a4cea4c7a1a2a4dfa4f3a4caa4c7bbb3a4ceb3d8b9bba4d8b9d4a4ada4dea4b7a4bfa1a3',
  ],
  [
    'euc-kr',
    '오늘은 날씨가 아주 좋아서 우리는 모두 산에 있는 학교로 갔다.',
    'bfc0b4c3c0ba20b3afbebeb0a120bec6c1d620c1c1bec6bcad20bfecb8aeb4c220b8f0b5ce20bbeabfa120c0d6b4c220c7d0b1b3b7ce20b0acb4d92e',
  ],
  [
    'windows-1252',
    'Le garçon a mangé une pêche à Noël, près de la forêt.',
    '4c6520676172e76f6e2061206d616e67e920756e652070ea63686520e0204e6feb6c2c207072e873206465206c6120666f72ea742e',
  ],
]

test.each(samples)('%s is guessed, and read when the header or the page says so', (charset, text, hex) => {
  const bytes = Buffer.from(hex, 'hex')
  expect(decodeHtml(bytes)).toEqual({ text, charset })
  expect(decodeHtml(bytes, `text/html; charset="${charset}"`)).toEqual({ text, charset })
  const meta = Buffer.from(`<html><meta http-equiv=content-type content="text/html; charset=${charset}">`)
  expect(decodeHtml(Buffer.concat([meta, bytes])).text.endsWith(text)).toBe(true)
})

test('gbk and gb2312 are read as the standard says', () => {
  const bytes = Buffer.from(samples[0]![2], 'hex')
  expect(decodeHtml(bytes, 'text/html; charset=gb2312').text).toBe(samples[0]![1])
})

test('UTF-8 wins over a wrong claim; a mark wins over all', () => {
  const text = '日本と中国 é'
  expect(decodeHtml(Buffer.from(text), 'text/html; charset=iso-8859-1')).toEqual({ text, charset: 'utf-8' })
  expect(decodeHtml(Buffer.from(`\ufeff${text}`, 'utf16le'), 'text/html; charset=gbk')).toEqual({
    text,
    charset: 'utf-16le',
  })
  expect(decodeHtml(Buffer.from('plain'), 'text/html; charset=utf-16')).toEqual({ text: 'plain', charset: 'utf-8' })
  expect(decodeHtml(Buffer.from('plain'), 'charset=no-such-thing')).toEqual({ text: 'plain', charset: 'utf-8' })
})

test('UTF-8 with one damaged byte stays UTF-8', () => {
  const bytes = Buffer.concat([Buffer.from('天气很好'.repeat(50)), Buffer.from([0xe5, 0xa4]), Buffer.from('。')])
  expect(decodeHtml(bytes)).toEqual({ text: `${'天气很好'.repeat(50)}\ufffd。`, charset: 'utf-8' })
})

test('any bytes, any label: text, never an error', () => {
  fc.assert(fc.property(fc.uint8Array(), fc.string(), (bytes, label) => void decodeHtml(bytes, `charset=${label}`)))
})
