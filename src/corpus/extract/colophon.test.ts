import { expect, test } from 'vitest'
import { extract } from './index.ts'

const prose = 'This is a sentence of the article, which is long enough to be taken for a paragraph of prose.'
const paragraphs = (count: number) => Array.from({ length: count }, (_, i) => `<p>${i}. ${prose}</p>`).join('')
const last = (html: string) => extract(html).text.split('\n').at(-1)

test.each([
  'Updated yesterday.',
  'Last modified on 3 May 2024.',
  '(Reprinted)',
  'Reposted from another blog',
  'This story was first published in the evening paper.',
  'Edited by L. Smith.',
  'Follow the link to read the original.',
  '本文转自网络。',
  '（转载）',
  '更新于昨天。',
  '编辑：小李。',
  '责任编辑：王小明',
  '阅读原文请点击链接。',
  '文章来源于某某日报，略有删节。',
])('the last line is no part of the text: %s', (line) => {
  expect(last(`<article>${paragraphs(2)}<p>${line}</p></article>`)).toBe(`1. ${prose}`)
  expect(last(`<article><p>${line}</p>${paragraphs(2)}</article>`)).toBe(`1. ${prose}`)
})

test.each([
  'The council updated its plans yesterday.',
  'He edited the letter by hand and sent it home.',
  'Follow the river to the old bridge.',
  'This text was the first that she ever learned to read by herself.',
  '更新换代的速度一年比一年快。',
  '他编辑了一整夜，终于把稿子交了上去。',
  '本文讨论三个问题。',
])('the last line is a sentence of the text: %s', (line) => {
  expect(last(`<article>${paragraphs(2)}<p>${line}</p></article>`)).toBe(line)
})

test('in the middle of a text such lines stay', () => {
  expect(extract(`<article>${paragraphs(2)}<p>本文转自网络。</p>${paragraphs(1)}</article>`).text).toContain(
    '本文转自网络',
  )
})

const site = (
  main: string,
) => `<body><div id="nav"><a href=/>Home</a> <a href=/n>News</a></div><div id="content">${main}</div>
  <div id="footer">All rights reserved. No part of this site may be copied without permission.</div>
  <div class="cookie-banner">This site uses cookies to improve your experience. By continuing you agree.</div></body>`

test.each([
  'The page you asked for does not exist.',
  'Loading, please wait.',
  'Please enable JavaScript to continue.',
  'Log in to see the whole text.',
  '您访问的页面不存在，请返回首页。',
  '正在加载，请稍候。',
  '请登录后查看全部内容。',
  '',
])('a page that is nothing but a message of its site has no text: %s', (message) => {
  expect(extract(site(`<p>${message}</p>`)).text).toBe('')
})

test('a page of one sentence is that sentence, not its footer', () => {
  expect(extract(site('<p>The bakery is closed on Monday.</p>')).text).toBe('The bakery is closed on Monday.')
})

test('notes and tables of an article stay whole, however much in them is links', () => {
  const { text } = extract(`<div class="mw-parser-output">${paragraphs(4)}
    <table><tr><th>Film</th><th>Year</th></tr><tr><td>One that everybody in the town has seen at least once</td><td>1990</td></tr><tr><td><a href=/a>A film with a long name</a></td><td><a href=/y>1993</a></td></tr></table>
    ${paragraphs(2)}<h2>References</h2><ol class="references"><li>^ <a href=/r>A book that says so</a>. 2001.</li><li>^ <a href=/s>Another book</a></li></ol></div>`)
  expect(text).toContain('A film with a long name | 1993')
  expect(text.split('\n').slice(-3)).toEqual(['References', '- ^ A book that says so. 2001.', '- ^ Another book'])
})

test('an article of a few sentences does not fall back on its comments; a forum is read', () => {
  const comments = (count: number) =>
    Array.from({ length: count }, (_, i) => `<div class="comment"><p>${i}. ${prose}</p></div>`).join('')
  const article = `<article><h1>A title</h1><p>The news in one sentence, with all that there is to be said about it today.</p>
    <p>A second sentence says what is going to happen next, and when it will be known.</p><p>The third one says who said so, and where he said it to whom.</p></article>`
  expect(extract(`<title>A title</title>${article}<div id="comments">${comments(30)}</div>`).text).not.toContain(prose)
  expect(extract(`<div class="thread">${comments(30)}</div>`).text.split('\n')).toHaveLength(30)
})
