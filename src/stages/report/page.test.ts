import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseHTML } from 'linkedom'
import { afterAll, expect, test } from 'vitest'
import type { ReportCard } from './card.ts'
import { REPORT_FILES, writeReport } from './files.ts'
import { gather } from './gather.ts'
import { madeAnswers } from './made-answers.test-helper.ts'
import { makeRun, type MadeRun } from './made-run.test-helper.ts'

const HOSTILE =
  '</p></script><script>alert(1)</script><img src=x onerror=alert(1)>"\'&lt;![x](https://evil.example/a.png)`` \\| <https://evil.example>\u202e\0\ud800\n# h'

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function made(options: MadeRun = {}) {
  const run = await mkdtemp(join(tmpdir(), 'xueba-page-'))
  folders.push(run)
  await makeRun(run, options)
  await writeReport(run, await gather(run, { comparisons: madeAnswers(options) }))
  const [json, markdown, page] = await Promise.all(REPORT_FILES.map((name) => readFile(join(run, name), 'utf8')))
  return { run, card: JSON.parse(json!) as ReportCard, markdown: markdown!, page: page! }
}

/** The tags of a page whose only `<` are tags, opened and closed. */
function expectBalanced(page: string): void {
  const open: string[] = []
  for (const [tag, close, name, empty] of page
    .replace(/<style>[^]*?<\/style>/, '')
    .matchAll(/<(\/?)([a-z][a-z0-9]*)[^<>]*?(\/?)>/g)) {
    if (empty || ['meta'].includes(name!)) continue
    if (close) expect(open.pop(), tag).toBe(name)
    else open.push(name!)
  }
  expect(open).toEqual([])
}

/** What is left of Markdown without its code blocks and code spans (CommonMark: a span ends at a run of as many backticks). */
const outsideCode = (markdown: string) =>
  markdown.replace(/^(`{3,}).*\n[^]*?\n\1$/gm, '').replace(/(?<![`\\])(`+)(?!`)[^]*?[^`]\1(?!`)/g, '')

test.each(['zh', 'en'] as const)('three files, whole, in %s', async (language) => {
  const { run, card, markdown, page } = await made({ language })
  expect((await readdir(run)).filter((name) => name.startsWith('report') || name.startsWith('.'))).toEqual([
    'report.html',
    'report.json',
    'report.md',
  ])
  expect(card.comparisons).toHaveLength(3)
  expectBalanced(page)
  const { document } = parseHTML(page)
  expect(document.documentElement.getAttribute('lang')).toBe(language === 'zh' ? 'zh-CN' : 'en')
  const ids = [
    'timeline',
    'questions',
    'exam',
    'metrics',
    'controls',
    'curves',
    'samples',
    'funnel',
    'machine',
    'recipe',
    'commands',
  ]
  expect([...document.querySelectorAll('section')].map((section) => section.id)).toEqual(ids)
  expect(document.querySelectorAll('#metrics tbody > tr')).toHaveLength(7)
  expect(document.querySelectorAll('#exam tbody > tr')).toHaveLength(4)
  expect([...document.querySelectorAll('#exam .gain')].map(({ className }) => className)).toEqual([
    'gain',
    'gain yes',
    'gain yes',
  ])
  expect(document.querySelectorAll('#questions .answer')).toHaveLength(15)
  const drawn = [...document.querySelectorAll('#curves figcaption span:first-child')].map((span) => span.textContent)
  for (const label of language === 'zh'
    ? ['每字节比特', '损失', '正确率', '奖励', '熵（奈特）']
    : ['bits per byte', 'loss', 'accuracy', 'reward', 'entropy (nats)'])
    expect(drawn).toContain(label)
  expect(document.querySelector('#commands')!.textContent).toContain(`node xueba.mjs chat ${run}`)
  expect(markdown).toContain(language === 'zh' ? '标准答案：`82`' : 'right answer: `82`')
  expect(markdown).not.toMatch(/undefined|NaN|\[object/)
  expect(document.body.textContent).not.toMatch(/undefined|NaN|\[object/)
})

test('the page asks for nothing from outside and runs nothing', async () => {
  const { page } = await made({ hostile: HOSTILE })
  const { document } = parseHTML(page)
  expect(
    document.querySelectorAll(
      'script, link, img, iframe, object, embed, form, base, a, video, audio, use, image, foreignObject',
    ),
  ).toHaveLength(0)
  for (const element of document.querySelectorAll('*'))
    for (const { name, value } of element.attributes) {
      expect(name).not.toMatch(/^(on|src|href|xlink)/)
      if (name === 'style') expect(value).toMatch(/^(left:[\d.]+%;)?width:[\d.]+%$/)
    }
  expect(document.querySelector('style')!.textContent).not.toMatch(/url\(|@import|https?:/)
  expect(page).toContain(
    `http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"`,
  )
})

test('hostile text from a model is shown and does nothing', async () => {
  const { card, page, markdown } = await made({ hostile: HOSTILE, language: 'en' })
  expectBalanced(page)
  const { document } = parseHTML(page)
  const shown = HOSTILE.replace(/[\u202e\0\ud800]/g, '\ufffd')
  expect(document.querySelector('#questions h3')!.textContent).toContain(shown)
  expect(document.querySelector('#questions .said')!.textContent).toContain(shown)
  expect(document.querySelector('#samples')!.textContent).toContain(shown)
  expect(document.querySelector('#funnel .rules')!.textContent).toContain(shown)
  expect(document.querySelector('#warnings')!.textContent).toContain(shown)
  const outside = outsideCode(markdown)
  expect(outside).not.toMatch(/<(script|img|https)/)
  expect(outside).not.toMatch(/(?<!\\)!?\[x(?<!\\)\]/)
  expect(outside).not.toMatch(/^# h/m)
  expect(card.comparisons[0]!.question).toBe(
    HOSTILE.toWellFormed() === HOSTILE ? HOSTILE : card.comparisons[0]!.question,
  )
})

test('an unfinished run has a page too', async () => {
  const { page, card, markdown } = await made({ done: 2 })
  expectBalanced(page)
  expect(card.finished).toBe(false)
  expect(page).toContain('还没跑完')
  expect(parseHTML(page).document.querySelector('#commands')!.textContent).toContain(
    'node xueba.mjs run --resume --out',
  )
  expect(markdown).toContain('还没开始')
})
