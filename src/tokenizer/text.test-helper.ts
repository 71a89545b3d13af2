/** Texts for the tokenizer's tests: a small Chinese and English corpus made from word lists, and strings made to break things. */
import fc from 'fast-check'
import { random } from '../tensor/random.ts'

const english =
  'the a little old red bird cat river house market teacher sees sells wants finds likes bread apples seven stories quickly home because and'.split(
    ' ',
  )
const chinese =
  '小猫 老师 今天 市场 苹果 河边 学习 喜欢 一起 因为 所以 看见 高兴 地 的 了 在 我们 和 回家 七个 故事'.split(' ')

/** Deterministic documents with sentences in both languages, numbers, marks, line breaks and code. */
export function documents(count: number, seed = 1): string[] {
  const draw = random(seed, 'tokenizer-test')
  const words = (list: readonly string[], n: number) => Array.from({ length: n }, () => draw.pick(list))
  return Array.from({ length: count }, () => {
    const lines = [
      `${words(english, 9).join(' ')}, ${words(english, 4).join(' ')}.`,
      `${words(chinese, 6).join('')}，${words(chinese, 5).join('')}。`,
      `It's ${draw.below(1000)}; they'll say “${words(english, 3).join(' ')}” 🙂!`,
      `价格：${draw.below(1000)}元（约 $${draw.below(100)}.50）\n\n  if (x < ${draw.below(10)}) { return 'é' }\n`,
    ]
    return lines.join('\n')
  })
}

/** Pieces on the borders of the pre-split's classes, of UTF-8 and of merges. */
const pieces = [
  [' ', '  ', '\t', '\n', '\r\n', '\n\n ', '\u0085', '\u00a0', '\u3000', '\ufeff', '\u2028', '\u200d'],
  [
    "'s",
    "'LL",
    "'Ve",
    "'d",
    "'",
    "'ſ",
    "'re",
    '’t',
    '123',
    '٣',
    '½',
    'Ⅷ',
    '𝟘',
    'a',
    'Word',
    'ß',
    'é',
    'e\u0301',
    'İ',
    'ﬁ',
  ],
  ['我', '今天', '，', '。', '“', '𠮷', '々', '〇', 'かな', '한글', '한', 'ไทย', 'नि', '\u0300', '\u{e0100}'],
  [
    '🙂',
    '👩‍👩‍👧',
    '🇨🇳',
    '❤️',
    '\ud800',
    '\udc00',
    '\udfff\ud83d',
    '<|im_end|>',
    '<|',
    '__proto__',
    '\0',
    '�',
    '\u{10ffff}',
  ],
  ['the', ' the', '.', '...', '!!', '\\', '/', '$', '-', '_', '```'],
].flat()

/** Strings of such pieces, of any code points, and of any UTF-16 code units (lone surrogates among them). */
export const anyText = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 24 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '我', '们'), maxLength: 60 }),
)
