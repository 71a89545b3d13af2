/** Templates of strangers: what they may take, and what long dialogues need. */
import { expect, test } from 'vitest'
import { templateOf } from './template.ts'

const render = (source: string, turns = 1) =>
  templateOf(source, { bos_token: '<s>' }).render(
    Array.from({ length: turns }, (_, i) => ({ role: i % 2 ? 'assistant' : 'user', content: `turn ${i}` })),
    true,
  )

test.each([
  ['a long range', '{% for i in range(1000000000) %}x{% endfor %}', /range\(0, 1000000000, 1\) is too long/],
  [
    'loops in loops',
    '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
    /does not end/,
  ],
  [
    'one list, walked again and again',
    '{% set a = range(100000) %}{% for i in a %}{% for j in a %}{% endfor %}{% endfor %}',
    /does not end/,
  ],
  [
    'walked by a condition',
    '{% set a = range(100000) %}{% for i in a %}{% for j in a if j < 0 %}{% endfor %}{% endfor %}',
    /does not end/,
  ],
  [
    'a text that doubles',
    '{% set n = namespace(s="x") %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s }}',
    /more than 16777216 characters/,
  ],
  [
    'a list that doubles',
    '{% set n = namespace(s=[1]) %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}',
    /more than 131072|does not end/,
  ],
  [
    'a text written often',
    '{% set n = namespace(s="x") %}{% for i in range(24) %}{% set n.s = n.s + n.s %}{% endfor %}{% for i in range(90) %}{{ n.s }}{% endfor %}',
    /does not end/,
  ],
  [
    'filters of long lists',
    '{% set a = range(100000) %}{% for i in range(9999) %}{{ a|list|length }}{% endfor %}',
    /does not end/,
  ],
])('refused: %s', (_, source, message) => {
  expect(() => render(source)).toThrow(message)
})

test('a dialogue of thousands of turns is rendered', () => {
  const source = `{{ bos_token }}{% for m in messages %}{% if loop.index0 > 0 and messages[loop.index0 - 1].role == m.role %}{{ raise_exception('twice') }}{% endif %}<{{ m.role }}>{{ m.content | trim }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`
  const text = render(source, 5000)
  expect(text.startsWith('<s><user>turn 0<assistant>turn 1')).toBe(true)
  expect(text.endsWith('turn 4999<assistant>')).toBe(true)
})
