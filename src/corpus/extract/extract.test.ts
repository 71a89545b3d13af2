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

const prose = 'This is a sentence of the article, which is long enough to be taken for a paragraph of prose.'
const paragraphs = (count: number) => Array.from({ length: count }, (_, i) => `<p>${i}. ${prose}</p>`).join('')

test('the body by its name: what stands beside it in the article is left out, its lead is not', () => {
  const { text, headline } =
    extract(`<title>A headline of a few words | The Paper</title><main><h1>A headline of a few words</h1>
    <div class="standfirst"><p>The lead says in one sentence what the article is about.</p></div><p class="byline">By Anna Smith</p><time>12 March 2024, 10:30</time>
    <div class="articleBody">${paragraphs(6)}<figure><img src=x><figcaption>A caption of a picture, which is long enough.</figcaption></figure></div>
    <div class="x1"><p>${prose} It is about the author of the article.</p></div></main>`)
  expect(headline).toBe('A headline of a few words')
  expect(text.split('\n')).toEqual([
    'The lead says in one sentence what the article is about.',
    ...Array.from({ length: 6 }, (_, i) => `${i}. ${prose}`),
  ])
})

test('comments longer than the article, teasers, notices and credits are left out', () => {
  const { text } =
    extract(`<article>${paragraphs(5)}<p>Photo: Anna Smith</p><p>Read more: <a href=/a>Another article of ours</a></p>
    <p>Sign up for our newsletter and get the news to your inbox.</p></article>
    <div class="related">${'<div><h3><a href=/b>The title of another article</a></h3><p>What it is about, in a sentence that is long enough.</p></div>'.repeat(3)}</div>
    <div id="comments">${paragraphs(30)}</div>`)
  expect(text.split('\n')).toEqual(Array.from({ length: 5 }, (_, i) => `${i}. ${prose}`))
})

test('a thread of posts is its posts', () => {
  const post = (i: number) =>
    `<div class="post"><div class="author">user${i}</div><div class="post-content"><p>${i}. ${prose}</p></div></div>`
  const { text } = extract(`<div class="thread">${[1, 2, 3, 4].map(post).join('')}</div>`)
  expect(text.split('\n')).toEqual([1, 2, 3, 4].map((i) => `${i}. ${prose}`))
})

test('documentation keeps its headings, lists with links, code and tables', () => {
  const { text } =
    extract(`<main><h1>Install</h1><p>${prose}</p><h2><a href="#linux">Linux</a></h2><p>Run this command in a terminal, and wait for it to end:</p>
    <pre><span>npm</span> install\n  --save x</pre><ul><li><a href=/a>Node</a> 24 or later, as it comes from its makers</li><li><a href=/b>npm</a></li></ul>
    <table><tr><th>Flag</th><th>Meaning</th></tr><tr><td>--save</td><td>keep it</td></tr></table></main>`)
  expect(text).toBe(`${prose}
Linux
Run this command in a terminal, and wait for it to end:
npm install
  --save x
- Node 24 or later, as it comes from its makers
- npm
Flag | Meaning
--save | keep it`)
})

test('a page without text of its own gives the body of its JSON-LD; where both are there, the page decides', () => {
  const body = Array.from({ length: 8 }, (_, i) => `${i}. ${prose}`).join('\\n')
  const data = `<script type="application/ld+json">{"@graph": [{"@type": "NewsArticle", "articleBody": "${body}"}]}</script>`
  expect(extract(`${data}<div id=app>Loading</div>`).text).toBe(body.replaceAll('\\n', '\n'))
  const cut = data.replace(body, body.slice(0, 320))
  expect(extract(`${cut}<article>${paragraphs(8)}</article>`).text.split('\n')).toHaveLength(8)
})

test('tags that may be left out, links that are never closed, attributes that hold tags', () => {
  expect(extract(`<ul><li>One item of the list, a sentence.<li>Another item of the list, a sentence.</ul>`).text).toBe(
    '- One item of the list, a sentence.\n- Another item of the list, a sentence.',
  )
  expect(extract(`<p>${prose} <a name=x>Anchor<p>${prose} Again.`).text).toBe(`${prose} Anchor\n${prose} Again.`)
  expect(extract(`<p title="a > b <p hidden>">${prose}</p>`).text).toBe(prose)
  expect(extract(`<p title="the hidden part">${prose}</p>`).text).toBe(prose)
  expect(extract(`<b><p>${prose}</b> It goes on.</p>`).text).toBe(`${prose} It goes on.`)
})

test('time grows with the length of a page, whatever it is made of', () => {
  const parts = [
    '<!--a>',
    '</b>',
    '<b></p>',
    '<h2>a</h2><h3>b</h3>',
    '<a href="x>',
    '<script>',
    '<li><ul>',
    '&amp',
    '<td>',
    '<p>a<br><br>',
  ]
  for (const part of parts) {
    const time = (count: number) => {
      const page = part.repeat(count)
      // Of the processor: the clock also counts what other programs take.
      const start = process.cpuUsage()
      try {
        extract(page)
      } catch (error) {
        expect((error as Error).message).toMatch(/refused/)
      }
      return process.cpuUsage(start).user / 1000
    }
    time(1000)
    const [short, long] = [time(20_000), time(160_000)]
    // 8 times as long; the square would be 64.
    expect(long, part).toBeLessThan(40 * short + 500)
  }
})
