import fc from 'fast-check'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeAs } from './charset.test-helper.ts'
import { decodeHtml } from './charset.ts'

// The sentences are ours. Encodings of one language are told apart by them as well.
const russian = 'Сегодня очень хорошая погода, и мы все пошли в школу, которая стоит на горе.'
const samples: [charset: string, text: string][] = [
  ['gb18030', '今天天气很好，我们的学校在山上，大家都来了。'],
  ['big5', '今天天氣很好，我們的學校在山上，大家都來了。'],
  ['shift_jis', '今日はとても天気がいいので、みんなで山の学校へ行きました。'],
  ['euc-jp', '今日はとても天気がいいので、みんなで山の学校へ行きました。'],
  ['euc-kr', '오늘은 날씨가 아주 좋아서 우리는 모두 산에 있는 학교로 갔다.'],
  ['windows-1252', 'Le garçon a mangé une pêche à Noël, près de la forêt.'],
  [
    'windows-1252',
    'Die Kinder spielten draußen, bis es für die Großmutter zu spät wurde; dann hörte man sie müde lachen.',
  ],
  ['windows-1251', russian],
  ['koi8-r', russian],
  ['iso-8859-5', russian],
  ['ibm866', russian],
  [
    'windows-1250',
    'Dziś jest bardzo ładna pogoda, więc wszyscy poszliśmy do szkoły, która leży na wzgórzu; było też trochę śniegu.',
  ],
  ['windows-1250', 'Dnes je velmi hezké počasí, a tak jsme všichni šli do školy, která stojí na kopci za řekou.'],
  ['windows-1253', 'Σήμερα ο καιρός είναι πολύ καλός και όλοι πήγαμε στο σχολείο που βρίσκεται πάνω στο βουνό.'],
  [
    'windows-1254',
    'Bugün hava çok güzel, bu yüzden hepimiz dağın üzerindeki okula gittik ve öğretmenimiz bize şarkı söyledi.',
  ],
  ['windows-1255', 'היום מזג האוויר יפה מאוד ולכן כולנו הלכנו לבית הספר שעל ההר'],
  ['windows-1256', 'الطقس اليوم جميل جدا ولذلك ذهبنا جميعا إلى المدرسة التي تقع فوق الجبل'],
  ['windows-874', 'วันนี้อากาศดีมาก พวกเราทุกคนจึงไปโรงเรียนที่อยู่บนภูเขา'],
]

test.each(samples)('%s is guessed, and read when the header or the page says so: %s', (charset, text) => {
  const bytes = encodeAs(text, charset)!
  expect(decodeHtml(bytes)).toEqual({ text, charset })
  expect(decodeHtml(bytes, `text/html; charset="${charset}"`)).toEqual({ text, charset })
  const meta = Buffer.from(`<html><meta http-equiv=content-type content="text/html; charset=${charset}">`)
  expect(decodeHtml(Buffer.concat([meta, bytes])).text.endsWith(text)).toBe(true)
})

test('the helper writes what Python writes', () => {
  expect(Buffer.from(encodeAs(samples[0]![1], 'gb18030')!).toString('hex')).toBe(
    'bdf1ccecccecc6f8badcbac3a3acced2c3c7b5c4d1a7d0a3d4dac9bdc9cfa3acb4f3bcd2b6bcc0b4c1cba1a3',
  )
  expect(Buffer.from(encodeAs('今日はとても', 'shift_jis')!).toString('hex')).toBe('8da193fa82cd82c682c482e0')
})

const declarable = [
  ...new Set(samples.map(([charset]) => charset)),
  'windows-1257',
  'windows-1258',
  'iso-8859-2',
  'koi8-u',
]

/** Characters that an encoding can write: of double-byte ones, the first rows. */
function alphabetOf(charset: string): string[] {
  const codes = /^(gb|big5|shift|euc)/.test(charset)
    ? Array.from({ length: 2000 }, (_, i) => [0xa4 + (i % 40), 0xa1 + Math.floor(i / 40)]).flat()
    : Array.from({ length: 128 }, (_, i) => 128 + i)
  const text = new TextDecoder(charset).decode(Uint8Array.from(codes))
  return [...new Set(text)].filter((char) => char > '\x9f' && encodeAs(char, charset) !== undefined)
}

test.each(declarable)('any text that %s can write comes back when it is declared', (charset) => {
  const char = fc.oneof(fc.constantFrom(...alphabetOf(charset)), fc.constantFrom(...'abc ,.<>'))
  fc.assert(
    fc.property(fc.array(char, { maxLength: 18 }), (chars) => {
      const text = chars.join('')
      const bytes = encodeAs(text, charset)!
      // Bytes that happen to be UTF-8, or a mark, are read as such, whatever is declared.
      fc.pre(new TextDecoder('utf-8').decode(bytes).includes('\ufffd') && bytes[0]! < 0xfe)
      expect(decodeHtml(bytes, `text/html; charset=${charset}`)).toEqual({ text, charset })
    }),
    { numRuns: 60 },
  )
})

test('any text comes back from UTF-8, and from UTF-16 with a mark, or without one when it is a page', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (chars) => {
      const text = `<p>é${chars.replaceAll('\ufeff', '').replaceAll('\u001b', '')}`
      expect(decodeHtml(Buffer.from(text), 'charset=gbk').text).toBe(text)
      expect(decodeHtml(Buffer.from(`\ufeff${text}`, 'utf16le')).text).toBe(text)
      const page = `<!doctype html><html><head><title>A page</title></head>${text}`
      expect(decodeHtml(Buffer.from(page, 'utf16le')).text).toBe(page)
    }),
  )
})

test('gbk and gb2312 are read as the standard says', () => {
  const bytes = encodeAs(samples[0]![1], 'gb18030')!
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

test('a server that says latin-1 of everything does not spoil a page that knows better, nor one that says nothing', () => {
  const text = '今天天气很好，我们的学校在山上，大家都来了。'.repeat(4)
  const bytes = encodeAs(text, 'gb18030')!
  expect(decodeHtml(bytes, 'text/html; charset=iso-8859-1')).toEqual({ text, charset: 'gb18030' })
  const page = Buffer.concat([Buffer.from('<meta charset=gbk>'), bytes])
  expect(decodeHtml(page, 'text/html; charset=iso-8859-1').text).toBe(`<meta charset=gbk>${text}`)
})

test('Japanese in seven bits', () => {
  const bytes = Buffer.from('1b24423a23467c1b284220626c6168', 'hex')
  expect(decodeHtml(bytes)).toEqual({ text: '今日 blah', charset: 'iso-2022-jp' })
})

test('UTF-8 with one damaged byte stays UTF-8', () => {
  const bytes = Buffer.concat([Buffer.from('天气很好'.repeat(50)), Buffer.from([0xe5, 0xa4]), Buffer.from('。')])
  expect(decodeHtml(bytes)).toEqual({ text: `${'天气很好'.repeat(50)}\ufffd。`, charset: 'utf-8' })
})

test('any bytes, any label: text, never an error', () => {
  fc.assert(fc.property(fc.uint8Array(), fc.string(), (bytes, label) => void decodeHtml(bytes, `charset=${label}`)))
})

const langid = join(process.env['XUEBA_DATA'] ?? join(import.meta.dirname, '../../../shared/data'), 'langid')
const undeclared: [language: string, charset: string][] = [
  ['zh', 'gb18030'],
  ['zh', 'big5'],
  ['ja', 'shift_jis'],
  ['ja', 'euc-jp'],
  ['ko', 'euc-kr'],
  ['ru', 'windows-1251'],
  ['ru', 'koi8-r'],
  ['ar', 'windows-1256'],
  ['th', 'windows-874'],
  ['de', 'windows-1252'],
  ['fr', 'windows-1252'],
]

test.skipIf(!existsSync(langid)).each(undeclared)(
  'sentences in %s, in undeclared %s: 97 of 100 are read right (needs the shared data folder)',
  (language, charset) => {
    const lines = readFileSync(join(langid, `lingua-${language}.txt`), 'utf8')
      .split('\n')
      .slice(0, 80)
    const writable = lines.map((line) => [...line].filter((char) => encodeAs(char, charset) !== undefined).join(''))
    const texts = writable.filter((line) => /[^\0-\x7f]/.test(line))
    const right = texts.filter((text) => decodeHtml(encodeAs(text, charset)!).text === text)
    expect(texts.length).toBeGreaterThan(20)
    expect(right.length).toBeGreaterThanOrEqual(0.97 * texts.length)
  },
)

test('a few words in GBK that happen to be UTF-8 are what the page says; UTF-8 that is wrongly declared is UTF-8', () => {
  const gbk = Buffer.from('<meta charset="gbk"><p>\xd1\xa7\xcf\xb0</p>', 'latin1')
  expect(decodeHtml(gbk)).toEqual({ text: '<meta charset="gbk"><p>学习</p>', charset: 'gbk' })
  const wrong = Buffer.from('<meta charset="gbk"><p>学习</p>')
  expect(decodeHtml(wrong).charset).toBe('utf-8')
})
