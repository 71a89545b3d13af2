import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  blockedWords,
  c4Lines,
  c4Quality,
  filtersConfig,
  finewebQuality,
  gopherQuality,
  gopherRepetition,
  judge,
  minLength,
  toxicIndex,
  toxicWords,
  urlFilter,
  urlLists,
  viewOf,
} from './index.ts'
import type { Check } from './index.ts'
import { hashSet } from './hash-set.ts'

type Settings = { [K in keyof typeof all]: Exclude<(typeof all)[K], false> }
const all = filtersConfig.parse({})
const on = all as Settings

const en = `Anna lives in a small house near the river, and every morning she walks to the market with her dog.
On Monday she bought six eggs and a loaf of bread, which cost her four coins. The baker told her that the bridge was closed.
Why had nobody said a word about it? She had to take the long way home, through the forest and over the hill.
When she came back, Tom was waiting at the door, and he had already made some tea. They sat down and talked about the day.`
const zh = `安娜住在河边的一座小房子里，每天早上她都带着狗去集市。
星期一她买了六个鸡蛋和一个面包，一共花了四块钱。面包师告诉她，桥已经关了。
为什么没有人说过这件事呢？她只好绕远路回家，穿过森林，再翻过山。
她回来的时候，汤姆正在门口等她，茶也已经泡好了。他们坐下来，聊了聊这一天。`

const verdicts = (text: string) => {
  const view = viewOf(text)
  return [
    minLength(view, on.minLength),
    gopherRepetition(view, on.gopherRepetition),
    gopherQuality(view, on.gopherQuality),
    c4Quality(view, on.c4),
    finewebQuality(view, on.fineweb),
    blockedWords(view, on.blockedWords),
    toxicWords(view, on.toxicWords, toxicIndex()),
  ]
    .map(judge)
    .filter((verdict) => verdict !== null)
}

test('prose passes all filters, in both languages', () => {
  expect([verdicts(en), verdicts(zh)]).toEqual([[], []])
  expect([viewOf(en).unit, viewOf(zh).unit, viewOf(zh, 'zh', { chinese: 'words' }).unit]).toEqual([
    'tokens',
    'characters',
    'segments',
  ])
})

// Each text breaks one rule and names it, with its value and its threshold.
const line = 'The old man and the sea were friends for many years, and that is all. '
test.each([
  ['few words', 'Too short to be of use.', minLength, on.minLength, 'min-length/words', '6 words < 20'],
  ['few characters', '太短了。', minLength, on.minLength, 'min-length/characters', '3 characters < 40'],
  [
    'gopher: few words',
    'the and '.repeat(20),
    gopherQuality,
    on.gopherQuality,
    'gopher-quality/words',
    '40 words < 50',
  ],
  [
    'symbols',
    `${line}# # # # # `.repeat(5),
    gopherQuality,
    on.gopherQuality,
    'gopher-quality/hashes',
    /^0\.227 .*> 0\.1$/,
  ],
  [
    'bullets',
    `- ${line}\n`.repeat(5),
    gopherQuality,
    on.gopherQuality,
    'gopher-quality/bullet-lines',
    '1 of the lines open with a bullet > 0.9',
  ],
  [
    'ellipses',
    `${line}...\n${line}\n`.repeat(3),
    gopherQuality,
    on.gopherQuality,
    'gopher-quality/ellipsis-lines',
    /^0\.5 /,
  ],
  ['short words', 'a b c the of '.repeat(20), gopherQuality, on.gopherQuality, 'gopher-quality/mean-word', /< 3$/],
  [
    'numbers',
    '1234 5678 the of wonder '.repeat(20),
    gopherQuality,
    on.gopherQuality,
    'gopher-quality/alpha-words',
    /^0\.6 .*< 0\.8$/,
  ],
  [
    'no stop words',
    'walking houses rivers bridges '.repeat(20),
    gopherQuality,
    on.gopherQuality,
    'gopher-quality/stop-words',
    /^0 /,
  ],
  [
    'zh numbers',
    '第12345678号9012345的在'.repeat(20),
    gopherQuality,
    on.gopherQuality,
    'gopher-quality/letters',
    /< 0\.735$/,
  ],
  [
    'zh no stop words',
    '苹果香蕉橘子葡萄西瓜'.repeat(20),
    gopherQuality,
    on.gopherQuality,
    'gopher-quality/stop-words',
    /^0 /,
  ],
  [
    'lines again',
    `${line}\n`.repeat(3),
    gopherRepetition,
    on.gopherRepetition,
    'gopher-repetition/lines',
    /^0\.667 .*> 0\.3$/,
  ],
  [
    'a phrase again',
    'buy it now '.repeat(10) + en,
    gopherRepetition,
    on.gopherRepetition,
    /^gopher-repetition\/(top|duplicate)-/,
    />/,
  ],
  [
    'zh a phrase again',
    `${'点击这里了解更多。'.repeat(8)}${zh}`,
    gopherRepetition,
    on.gopherRepetition,
    /^gopher-repetition\//,
    />/,
  ],
  ['lorem ipsum', `${en} Lorem ipsum dolor.`, c4Quality, on.c4, 'c4/lorem-ipsum', /lorem/],
  ['curly bracket', `${en} {`, c4Quality, on.c4, 'c4/curly-bracket', /\{/],
  ['few sentences', 'One is. Two is. Three', c4Quality, on.c4, 'c4/sentences', '3 sentences < 5'],
  ['zh few sentences', '第一句。第二句！', c4Quality, on.c4, 'c4/sentences', '2 sentences < 3'],
  [
    'no punctuation',
    'Some words without any end to them at all\n'.repeat(9),
    finewebQuality,
    on.fineweb,
    'fineweb/punctuation',
    /^0 .*< 0\.12$/,
  ],
  ['short lines', `${'Short.\n'.repeat(3)}${line}`, finewebQuality, on.fineweb, 'fineweb/short-lines', /^0\.75 /],
  [
    'a line again',
    `${en}\n${en.split('\n')[0]}`,
    finewebQuality,
    on.fineweb,
    'fineweb/duplicate-characters',
    /> 0\.01$/,
  ],
  [
    'many breaks',
    Array.from({ length: 12 }, (_, i) => `${'unending'.repeat(5)}${i}.`).join('\n'),
    finewebQuality,
    on.fineweb,
    'fineweb/line-breaks',
    /> 0\.3$/,
  ],
] as const)('%s', (_, text, filter, config, rule, detail) => {
  const verdict = judge((filter as (view: unknown, config: unknown) => Iterable<Check>)(viewOf(text), config))
  expect(verdict).toMatchObject({
    value: expect.any(Number),
    threshold: expect.any(Number),
    rule: typeof rule === 'string' ? rule : expect.stringMatching(rule),
    detail: typeof detail === 'string' ? detail : expect.stringMatching(detail),
  })
})

test('C4 drops lines of notices and fragments, and marks of citation', () => {
  const { text, dropped } = c4Lines(
    viewOf(
      `Home page\nPlease enable JavaScript in your browser.\nIt rained all day.[12]\nSee our privacy policy for this.`,
    ),
    on.c4,
  )
  expect({ text, dropped: dropped.map(({ rule }) => rule) }).toEqual({
    text: 'It rained all day.',
    dropped: ['c4/fragment', 'c4/notice', 'c4/notice'],
  })
  expect(
    c4Lines(viewOf('首页\n请启用 JavaScript 后再浏览。\n今天下了一整天的雨。\n请先阅读隐私政策和用户协议。'), on.c4),
  ).toMatchObject({ text: '今天下了一整天的雨。', dropped: { length: 3 } })
  const lesson = 'She teaches JavaScript to children, and they write small games with it.'
  expect(c4Lines(viewOf(lesson), on.c4)).toEqual({ text: lesson, dropped: [] })
})

const address = (url: string, lists = urlLists(), config = on.url) => judge(urlFilter(url, lists, config))

test('addresses on lists', () => {
  const lists = urlLists(
    ['# a list\nbad.example\n\nWorse.Example # very\n10.9.8.7\n'],
    ['www.mixed.example/~rude\nhttp://mixed.example/a/b/\n'],
  )
  expect(address('http://www.bad.example/x', lists)).toMatchObject({ rule: 'url/domain', quote: 'bad.example' })
  expect(address('http://WORSE.example./', lists)).toMatchObject({ rule: 'url/domain' })
  expect(address('http://10.9.8.7/', lists)).toMatchObject({ rule: 'url/domain' })
  expect(address('http://notbad.example/', lists)).toBeNull()
  expect(address('https://mixed.example/%7Erude/page.html', lists)).toMatchObject({
    rule: 'url/address',
    quote: 'mixed.example/~rude',
  })
  expect(address('https://www.mixed.example/a/b/c', lists)).toMatchObject({ rule: 'url/address' })
  expect(address('https://mixed.example/a/bc', lists)).toBeNull()
  expect(address('not a url', lists)).toBeNull()
})

test('addresses by their words', () => {
  for (const host of ['lucky-casino', 'slots888', 'cheap-cialis', 'free-porn', 'xingyun-bocai', 'bbs-av'])
    expect([host, address(`https://${host}.example/`)?.rule]).toEqual([host, 'url/word'])
  for (const host of ['sussex', 'heart-specialist', 'socialism', 'chengren-gaokao', 'essex-poverty', 'cameras'])
    expect([host, address(`https://${host}.example/`)]).toEqual([host, null])
  expect(address('https://news.example/casino-raid')).toBeNull()
  expect(address('https://clips.example/nude-webcam-girls')).toMatchObject({
    rule: 'url/soft-words',
    value: 2,
    threshold: 1,
    quote: 'nude, webcam',
  })
  expect(address('https://lucky-casino.example/', urlLists(), { ...on.url, words: false })).toBeNull()
})

test('a set of hashes is a set', () => {
  fc.assert(
    fc.property(fc.array(fc.webUrl(), { maxLength: 60 }), fc.array(fc.webUrl(), { maxLength: 20 }), (added, asked) => {
      const set = hashSet()
      for (const text of added) set.add(text)
      expect(set.size).toBe(new Set(added).size)
      for (const text of [...added, ...asked]) expect(set.has(text)).toBe(added.includes(text))
    }),
  )
  const many = hashSet()
  for (let i = 0; i < 100_000; i++) many.add(`${i}.example`)
  expect(many.size).toBe(100_000)
  let found = 0
  for (let i = 0; i < 200_000; i++) if (many.has(`${i}.example`)) found++
  expect(found).toBe(100_000)
})

test('abuse goes, an outburst in a story stays', () => {
  const toxic = (text: string, lists?: string[]) => judge(toxicWords(viewOf(text), on.toxicWords, toxicIndex(lists)))
  expect(toxic('You stupid bitch, shut up you piece of shit, nobody wants you here.')).toMatchObject({
    rule: 'toxic-words',
    quote: 'stupid, bitch, shut up, piece of shit, nobody wants you',
  })
  expect(toxic('你这个傻逼，滚蛋，全家死光，真是人渣。')?.rule).toBe('toxic-words')
  expect(toxic(`${en}\n${en}\n${en}\n"Bullshit!" said Tom. "Shit happens," she said.`)).toBeNull()
  expect(toxic('Shitake mushrooms and Scunthorpe, asshole-free.')).toBeNull()
  // A list is joined to ours, without what everyday texts say, and without comments.
  expect(toxic('What a blorp! A real grumf, this sex education.', ['# list\nblorp\nGrumf\nsex\n性\n'])).toMatchObject({
    quote: 'blorp, grumf',
  })
})

test('any text at all: a verdict, never an error, always with numbers or words', () => {
  const unit = fc.constantFrom('a', 'the ', '中', '。', '.', '\n', '#', '…', '- ', ' ', '{', '1', '😀', 'casino ')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 200 }), (text) => {
      for (const verdict of verdicts(text)) expect(verdict.rule !== '' && verdict.detail !== '').toBe(true)
      expect(c4Lines(viewOf(text), on.c4).text.length).toBeLessThanOrEqual(text.length)
    }),
    { numRuns: 1000 },
  )
})

test('thresholds come from the recipe, and a misspelt one is refused', () => {
  expect(filtersConfig.parse({ c4: false, minLength: { words: 3 } })).toMatchObject({
    c4: false,
    minLength: { words: 3, characters: 40 },
  })
  expect(() => filtersConfig.parse({ gopherQuality: { minWrds: 3 } })).toThrow()
})
