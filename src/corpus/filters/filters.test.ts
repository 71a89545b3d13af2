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
  minLength,
  parseDomains,
  urlFilter,
  viewOf,
} from './index.ts'

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

const judge = (text: string) => {
  const view = viewOf(text)
  return [
    minLength(view, on.minLength),
    gopherRepetition(view, on.gopherRepetition),
    gopherQuality(view, on.gopherQuality),
    c4Quality(view, on.c4),
    finewebQuality(view, on.fineweb),
    blockedWords(view, on.blockedWords),
  ].filter((verdict) => verdict !== null)
}

test('prose passes all filters, in both languages', () => {
  expect([judge(en), judge(zh)]).toEqual([[], []])
  expect([viewOf(en).byCharacter, viewOf(zh).byCharacter]).toEqual([false, true])
})

// Each text breaks one rule and names it, with its value and its threshold.
const line = 'The old man and the sea were friends for many years, and that is all. '
test.each([
  ['few words', 'Too short to be of use.', minLength, on.minLength, 'min-length', '6 words < 20'],
  ['few characters', '太短了。', minLength, on.minLength, 'min-length', '3 characters < 40'],
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
    'gopher-quality/symbols',
    /^0\.25 .*> 0\.1$/,
  ],
  [
    'bullets',
    `- ${line}\n`.repeat(5),
    gopherQuality,
    on.gopherQuality,
    'gopher-quality/bullets',
    '1 of the lines > 0.9',
  ],
  ['ellipses', `${line}...\n${line}\n`.repeat(3), gopherQuality, on.gopherQuality, 'gopher-quality/ellipses', /^0\.5 /],
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
    'gopher-quality/alpha-words',
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
  ['few sentences', 'One is. Two is. Three', c4Quality, on.c4, 'c4/sentences', '2 sentences < 5'],
  ['zh few sentences', '第一句。第二句！第三句', c4Quality, on.c4, 'c4/sentences', '2 sentences < 3'],
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
    `${'Lines of some forty letters and a period.\n'.replace(/ /g, '')}${en.replace(/ /g, '-')}`,
    finewebQuality,
    on.fineweb,
    'fineweb/line-breaks',
    /> 0\.3$/,
  ],
] as const)('%s', (_, text, filter, config, rule, detail) => {
  const verdict = (filter as (view: unknown, config: unknown) => unknown)(viewOf(text), config)
  expect(verdict).toEqual({
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
  expect({ text, dropped }).toEqual({ text: 'It rained all day.', dropped: 3 })
  expect(
    c4Lines(viewOf('首页\n请启用 JavaScript 后再浏览。\n今天下了一整天的雨。\n请先阅读隐私政策和用户协议。'), on.c4),
  ).toEqual({ text: '今天下了一整天的雨。', dropped: 3 })
  const lesson = 'She teaches JavaScript to children, and they write small games with it.'
  expect(c4Lines(viewOf(lesson), on.c4)).toEqual({ text: lesson, dropped: 0 })
})

// Planted pages and their hard negatives: the same subjects in news, law, medicine and biology.
const bad: [string, string][] = [
  [
    'gambling',
    'Join the best online casino today! Get a deposit bonus and free spins on all slot machines, with live dealers day and night. Bet now and win the jackpot.',
  ],
  ['gambling', '注册就送彩金，首存再送一倍。真人荷官在线发牌，百家乐、轮盘、老虎机应有尽有，提款秒到账。'],
  [
    'adult',
    'Hot girls are waiting in our adult cams. Free porn and xxx videos every night, enter the private room now.',
  ],
  ['adult', '成人直播不停歇，美女主播在线，高清无码成人电影免费看，未满十八岁请离开。'],
  [
    'drugs',
    'Buy Viagra and Xanax pills online, no prescription needed. Discreet shipping, anonymous payment, pay on delivery.',
  ],
  ['drugs', '无需处方，代购药品低价直邮，安眠药、壮阳药货到付款，隐私包装，量大优惠。'],
]
const good = [
  'Police arrested four men on Tuesday who are charged with running an illegal online casino. According to the court, the betting site took in two million, and the victims were promised a deposit bonus.',
  '警方通报，民警近日查处一起网络赌博案，抓获犯罪嫌疑人十二名。该团伙利用百家乐、老虎机等程序吸引他人下注，法院判处主犯有期徒刑五年。',
  'Researchers at the university report in a study that cannabis use changes sleep. Patients who took sleeping pills together with opioids had a higher risk of overdose, doctors say, and treatment should begin early.',
  '研究人员发现，长期服用安眠药的患者更容易出现不良反应。医生提醒，处方药必须在医院由医生开具，切勿无处方购买。',
  'The law on gambling was changed in May. Lawmakers want betting odds to be shown on every slot machine, and the minister spoke of prevention.',
  '《治安管理处罚法》规定，制作、传播色情信息的，依法予以处罚。专家表示，未成年人的性教育应当从家庭开始。',
  'The male bird shows its naked neck, and the female chooses; in this species sex is decided by the temperature of the nest, a history of research has shown.',
  '战士们冲到江边，可那里没有码头，步兵只好从上游渡江。妇女优先上船，孩子们跟在后面。',
  '研究人员在样本里找到一个DNA片段。他们说，这个片段来自一种海藻。',
  '我们住在澳门新葡京酒店，房间很大，早餐也不错，出门走几步就是老街。',
  '乳腺癌是女性常见的疾病，临床诊断以影像检查为主，治疗方法包括手术和化疗，患者应当定期检查。',
]
test('unhealthy pages go, texts about the same subjects stay', () => {
  for (const [kind, text] of bad)
    expect([text, blockedWords(viewOf(text), on.blockedWords)?.rule]).toEqual([text, `blocked-words/${kind}`])
  for (const text of [...good, en, zh])
    expect([text, blockedWords(viewOf(text), on.blockedWords)]).toEqual([text, null])
})

test('addresses', () => {
  const domains = new Set(parseDomains('# a list\nbad.example\n\nWorse.Example # very\n'))
  expect(urlFilter('http://www.bad.example/x', domains, false)).toEqual({
    rule: 'url/domain',
    detail: expect.stringContaining('bad.example'),
  })
  expect(urlFilter('http://notbad.example/', domains, true)).toBeNull()
  expect(urlFilter('https://lucky-casino.example/', new Set(), true)?.rule).toBe('url/word')
  expect(urlFilter('https://news.example/casino-raid', new Set(), true)).toBeNull()
  for (const host of ['sussex.example', 'heart-specialist.example', 'socialism.example', 'chengren-gaokao.example'])
    expect([host, urlFilter(`https://${host}/`, new Set(), true)]).toEqual([host, null])
  expect(urlFilter('https://cheap-cialis.example/', new Set(), true)?.rule).toBe('url/word')
  expect(urlFilter('not a url', domains, true)).toBeNull()
})

test('any text at all: a verdict, never an error, always with numbers or words', () => {
  const unit = fc.constantFrom('a', 'the ', '中', '。', '.', '\n', '#', '…', '- ', ' ', '{', '1', '😀', 'casino ')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 200 }), (text) => {
      for (const verdict of judge(text)) expect(verdict.rule !== '' && verdict.detail !== '').toBe(true)
      expect(c4Lines(viewOf(text), on.c4).dropped).toBeGreaterThanOrEqual(0)
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
