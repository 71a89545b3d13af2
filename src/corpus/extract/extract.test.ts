import fc from 'fast-check'
import { expect, test } from 'vitest'
import { extract } from './index.ts'

const page = (
  main: string,
  lang: string,
  links: string[],
  footer: string,
) => `<!doctype html><html lang="${lang}"><head>
<title>The title</title><style>p{}</style><script>var a = "<p>no</p>"</script></head><body>
<div class="top-menu"><ul>${links.map((text) => `<li><a href="/x">${text}</a></li>`).join('')}</ul></div>
<div class="wrap"><div class="left"><h1>The title</h1>${main}
<div class="ad-box">Buy now, the best offer of the whole year is waiting for you!</div>
<div class="comments"><p>A reader says that this was a very good article, and long too.</p></div></div>
<div class="sidebar"><h3>More</h3>${links.map((text) => `<a href="/y">${text}</a><br>`).join('')}</div></div>
<div id="footer">${footer}</div></body></html>`

test('an English page: prose, headings, lists and tables stay, furniture goes', () => {
  const main = `<p>Anna went to the <a href="/m">market</a> early in the morning, before the shops opened, and bought bread.</p>
    <h2>What she bought</h2><ul><li>Two loaves of bread.</li><li>Six eggs</li></ul>
    <table><tr><th>Item</th><th>Price</th></tr><tr><td>Bread</td><td>4</td></tr></table>
    <p>On her way back she met Tom,<br>who carried the basket for her all the way up the hill to the old house.</p>`
  const { text, headline, title, language } = extract(
    page(main, 'en', ['Home', 'News', 'Contact us'], 'Copyright 2024 All rights reserved'),
  )
  expect({ headline, title, language }).toEqual({ headline: 'The title', title: 'The title', language: 'en' })
  expect(text).toBe(
    `Anna went to the market early in the morning, before the shops opened, and bought bread.
What she bought
- Two loaves of bread.
- Six eggs
Item | Price
Bread | 4
On her way back she met Tom,
who carried the basket for her all the way up the hill to the old house.`,
  )
})

test('a Chinese page is no worse off', () => {
  const main = `<p>安娜一大早就去了集市，那时店铺还没有开门，她买了两个面包。</p><p>回家的路上她遇见了汤姆，汤姆帮她把篮子一直提到山上的老房子。</p><h3>价钱</h3><p>面包四元一个，鸡蛋一元一个，一共花了十四元。</p>`
  const { text } = extract(page(main, 'zh-CN', ['首页', '新闻', '联系我们'], '版权所有 2024'))
  expect(text).toBe(
    `安娜一大早就去了集市，那时店铺还没有开门，她买了两个面包。
回家的路上她遇见了汤姆，汤姆帮她把篮子一直提到山上的老房子。
价钱
面包四元一个，鸡蛋一元一个，一共花了十四元。`,
  )
})

test('hidden text, scripts, forms and zero-width characters never get in', () => {
  const { text } = extract(`<p>Vi\u00adsi\u200bble text that is long enough to be taken for a paragraph of prose.</p>
    <p hidden>Hidden text that is long enough to be taken for a paragraph of prose as well.</p>
    <div style="display: none"><p>Hidden text that is long enough to be taken for a paragraph too.</p></div>
    <noscript><p>Please enable the scripts of this page, or else nothing here will work at all.</p></noscript>`)
  expect(text).toBe('Visible text that is long enough to be taken for a paragraph of prose.')
})

test('code keeps its lines; two breaks part paragraphs', () => {
  const { text } = extract(`<article><p>Here is how to print a line, and it is the shortest program there is:</p>
    <pre>if x:\n    print(x)\n</pre>First line of a text<br>and its second line, long enough to count.<br><br>Another paragraph, also long enough to count.</article>`)
  expect(text).toContain('\nif x:\n    print(x)\n')
  expect(text).toContain('First line of a text\nand its second line, long enough to count.\nAnother paragraph')
})

test('a page whose names are all wrong still gives its prose', () => {
  const prose = `<p>${'This sentence is part of a long article that sits in the wrong box. '.repeat(20)}</p>`
  expect(extract(`<body><div class="sidebar">${prose}</div></body>`).text.length).toBeGreaterThan(1000)
})

test('pages too deep or too long are refused in a sentence', () => {
  expect(() => extract('<div>'.repeat(100_000))).toThrow(/nested more than 5000 deep/)
  expect(() => extract('x'.repeat((16 << 20) + 1))).toThrow(/characters; more than/)
})

test('deep, wide and broken pages end soon and do not crash', () => {
  const start = performance.now()
  const wide = ['<p>', '<tr><td>', '<br>', 'a <i>b</i> ', '<td>x', '<!--', '<li><a href=x>y</a>'].map((part) =>
    part.repeat(30_000),
  )
  for (const html of [...wide, '<div>'.repeat(4000), '<b>'.repeat(4000), `<pre>${' '.repeat(1e6)}x</pre>`, '<', ''])
    extract(html)
  extract('<li><td>'.repeat(100_000))
  extract(`<p>${'Some words in a paragraph, enough of them. '.repeat(9)}</p>${'<h2>a</h2>'.repeat(100_000)}`)
  expect(performance.now() - start).toBeLessThan(20_000)
  const piece = fc.constantFrom(
    '<div>',
    '</div>',
    '<p>',
    '<table>',
    '<tr>',
    '<td>',
    '<li>',
    '<a href=x>',
    '</a>',
    '<br>',
    '<!--',
    '-->',
    'text ',
    '汉字。',
    '<pre>',
    '&amp',
    '<script>',
    '"',
    '<h1>',
    '\0',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      expect(extract(pieces.join('')).text).toBeTypeOf('string')
    }),
  )
})
