import fc from 'fast-check'
import { parseHTML } from 'linkedom'
import { expect, test } from 'vitest'
import { codeBlock, codeSpan, escapeMarkdown, markup, printable } from './escape.ts'

const anything = fc.string({
  unit: fc.constantFrom(
    '<',
    '>',
    '&',
    '"',
    "'",
    '`',
    '|',
    '\\',
    '\n',
    '!',
    '[',
    ']',
    '(',
    'a',
    '\0',
    '\ud800',
    '猫',
    '&lt;',
    '</p>',
  ),
})

test('text in markup stays text, in elements and in attributes', () => {
  fc.assert(
    fc.property(anything, (text) => {
      const { document } = parseHTML(
        `<!doctype html><html><body>${markup`<p title="${text}">${text}</p>`.source}</body></html>`,
      )
      const p = document.querySelector('p')!
      expect(p.textContent).toBe(printable(text))
      expect(p.getAttribute('title')).toBe(printable(text))
      expect(document.querySelectorAll('*')).toHaveLength(document.querySelector('head') ? 4 : 3)
    }),
  )
})

test('markup, lists and nothing at all nest', () => {
  const items = ['a', '<b>'].map((text) => markup`<li>${text}</li>`)
  expect(markup`<ul>${items}${null}${undefined}${false}${0}</ul>`.source).toBe('<ul><li>a</li><li>&lt;b&gt;</li>0</ul>')
})

test('control characters, broken surrogates and bidirectional switches become visible; line breaks stay', () => {
  expect(printable('a\0\x1b\u202e\ud800b\r\nc\rd\te')).toBe('a\ufffd\ufffd\ufffd\ufffdb\nc\nd\te')
})

test('a code span holds any text on one line and cannot be left', () => {
  expect(codeSpan('x')).toBe('`x`')
  expect(codeSpan('`')).toBe('`` ` ``')
  expect(codeSpan('a\n\nb')).toBe('`a ⏎ b`')
  expect(codeSpan(' \n ')).toBe('')
  fc.assert(
    fc.property(anything, (text) => {
      const span = codeSpan(text)
      const fence = /^`*/.exec(span)![0]
      expect(span).not.toMatch(/[\n|]/)
      if (fence) expect(span.slice(fence.length, -fence.length).split(/[^`]+/)).not.toContain(fence)
    }),
  )
})

test('a code block has a longer fence than anything in it', () => {
  expect(codeBlock('a\n````\nb\n', 'sh')).toBe('`````sh\na\n````\nb\n`````')
})

test('Markdown outside of code is disarmed', () => {
  expect(escapeMarkdown('[x](y) <img> *b* `c` | d &amp;\n# e')).toBe(
    '\\[x\\](y) &lt;img&gt; \\*b\\* \\`c\\` \\| d &amp;amp; \\# e',
  )
})
