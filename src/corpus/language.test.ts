import fc from 'fast-check'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { detectLanguage } from './language.ts'

test.each([
  ['The children went to the river because it was warm, and they did not come back before evening.', 'en'],
  ['孩子们到河边去了，因为天气很暖和，天黑以前都没有回来。', 'zh'],
  ['子どもたちは暖かかったので川へ行き、夕方まで帰らなかった。', 'ja'],
  ['아이들은 날씨가 따뜻해서 강가에 갔고 저녁까지 돌아오지 않았다.', 'ko'],
  ['Die Kinder sind an den Fluss gegangen, weil es warm war, und kamen nicht vor dem Abend zurück.', 'de'],
  ["Les enfants sont allés à la rivière parce qu'il faisait chaud, et ne sont pas rentrés avant le soir.", 'fr'],
  ['Дети пошли к реке, потому что было тепло.', 'ru'],
  ['12345 67890 --- !!!', 'und'],
  ['', 'und'],
])('%s', (text, language) => {
  expect(detectLanguage(text).language).toBe(language)
})

test('endings of words tell neighbours apart that share their little words', () => {
  // "e", "de", "a", "o" and "que" are no Portuguese alone: the endings are, and a second look finds the same.
  const bare = detectLanguage('a de que xaxaxo e xexexi o de que xixixu')
  const ended = detectLanguage('a de que xaxação e xexedade o de que xixinhas')
  expect(ended.language).toBe('pt')
  expect(ended.confidence).toBeGreaterThan(bare.confidence)
  expect(detectLanguage('a de que xaxação e xexedade o de que xixinhas')).toEqual(ended)
})

test('a Chinese text may quote English, an English text Chinese', () => {
  const zh = '我们用 TypeScript 写程序，从零开始训练一个语言模型，Transformer 的每一层都自己实现。'
  const en =
    'The word 学霸 means a student who is the best of the class, and it is used with a smile by all who know one.'
  expect(detectLanguage(zh).language).toBe('zh')
  expect(detectLanguage(en).language).toBe('en')
})

test('simplified and traditional', () => {
  expect(detectLanguage('这个国家的人们说的话').script).toBe('Hans')
  expect(detectLanguage('這個國家的人們說的話').script).toBe('Hant')
})

test('confidence lies between 0 and 1, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const { confidence } = detectLanguage(text)
      expect(confidence >= 0 && confidence <= 1).toBe(true)
    }),
  )
})

const folder = join(process.env['XUEBA_DATA'] ?? join(import.meta.dirname, '../../../shared/data'), 'langid')

test.skipIf(!existsSync(folder)).each([
  ['zh', 0.99],
  ['ja', 0.99],
  ['ko', 0.98],
  ['en', 0.97],
  ['de', 0.95],
  ['fr', 0.95],
  ['ru', 0.99],
])('single sentences of %s: at least %f right (needs the shared data folder)', (language, least) => {
  const sentences = readFileSync(join(folder, `lingua-${language}.txt`), 'utf8')
    .split('\n')
    .filter(Boolean)
  const right = sentences.filter((sentence) => detectLanguage(sentence).language === language).length
  expect(right / sentences.length).toBeGreaterThanOrEqual(least)
})

test.skipIf(!existsSync(folder)).each(['de', 'es', 'fr', 'it', 'pt', 'vi', 'ja', 'ru'])(
  '%s is taken for English or Chinese in under 1 %% of sentences',
  (language) => {
    const sentences = readFileSync(join(folder, `lingua-${language}.txt`), 'utf8')
      .split('\n')
      .filter(Boolean)
    const wrong = sentences.filter((sentence) => ['en', 'zh'].includes(detectLanguage(sentence).language)).length
    expect(wrong / sentences.length).toBeLessThan(0.01)
  },
)
