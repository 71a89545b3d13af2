/** Chat templates of other models: ids, masks, and that nobody can write a special token into them. */
import { Template } from '@huggingface/jinja'
import { Tokenizer as HuggingFace } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderChat, stopIds, textStart, textStops, Tokenizer, type Message, trainTokenizer } from './index.ts'
import { anyText, documents } from './text.test-helper.ts'

const base = JSON.parse(JSON.stringify((await trainTokenizer(documents(50), { vocabSize: 400 })).toJson()))

/** A tokenizer with these special tokens behind its own, and this way to speak; the last one but the first ends a turn. */
function speaking(tokens: string[], source: string | null, stops: string[]) {
  const added = tokens.map((content, i) => ({
    ...base.added_tokens[0],
    id: 400 + i,
    content,
    special: !content.includes('think'),
  }))
  const json = { ...base, added_tokens: [...base.added_tokens, ...added] }
  const tokenizer = Tokenizer.fromJson(json)
  const template = source === null ? null : new Template(source)
  tokenizer.manners = {
    start: tokenizer.idOf(tokens[0]!),
    stops: stops.map((text) => tokenizer.idOf(text)),
    template: template && {
      source: source!,
      render: (messages, add_generation_prompt) =>
        template.render({ messages: [...messages], add_generation_prompt, bos_token: tokens[0] }),
    },
  }
  return { tokenizer, theirs: new HuggingFace(json, {}), template: template! }
}

// In the manner of Llama 3: a header, contents trimmed, an end of turn.
const headers = speaking(
  ['<|begin|>', '<|start_header|>', '<|end_header|>', '<|eot|>', '<|end|>', '<|eom|>'],
  `{{- bos_token -}}{%- for m in messages -%}{{- '<|start_header|>' + m.role + '<|end_header|>\n\n' + m.content | trim + '<|eot|>' -}}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start_header|>assistant<|end_header|>\n\n' -}}{%- endif -%}`,
  ['<|end|>', '<|eom|>', '<|eot|>'],
)
// In the manner of Qwen3: thoughts are kept in the last answer only, and written empty where there are none.
const thoughts = speaking(
  ['<|start|>', '<think>', '</think>', '<|stop|>'],
  `{%- for m in messages -%}{%- set said = m.content.split('</think>')[-1].lstrip('\n') -%}{{- '<|start|>' + m.role + '\n' -}}
{%- if m.role == 'assistant' and loop.last -%}{{- '<think>\n\n</think>\n\n' -}}{%- endif -%}{{- said + '<|stop|>\n' -}}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start|>assistant\n' -}}{%- endif -%}`,
  ['<|stop|>'],
)

const dialogue: Message[] = [
  { role: 'system', content: 'be kind' },
  { role: 'user', content: 'What is 1+1?' },
  { role: 'assistant', content: '2' },
  { role: 'user', content: '谢谢' },
  { role: 'assistant', content: '不客气。' },
]
const scored = ({ tokenizer }: typeof headers, messages: Message[]) => {
  const { ids, mask } = renderChat(tokenizer, messages)
  expect(mask).toHaveLength(ids.length)
  return tokenizer.decode(
    ids.filter((_, i) => mask[i] === 1),
    { special: true },
  )
}

describe.each([
  ['headers', headers],
  ['thoughts', thoughts],
])('a template with %s', (_, model) => {
  const { tokenizer, theirs, template } = model

  test('gives the ids of @huggingface/jinja and @huggingface/tokenizers', () => {
    // The borders of an answer are borders of words here, as in ChatML: an answer that begins with a line break is glued to the one before it there.
    const said = anyText.filter((text) => !text.includes('<') && !/^\s/.test(text))
    const content = fc.tuple(fc.constantFrom('A', '好', '7'), said).map((parts) => parts.join(''))
    const role = fc.constantFrom('system' as const, 'user' as const, 'assistant' as const)
    const messages = fc
      .array(fc.record({ role, content }), { minLength: 1, maxLength: 4 })
      .filter((list) => list.every(({ role }, i) => role !== 'assistant' || list[i - 1]?.role !== role))
    fc.assert(
      fc.property(messages, fc.boolean(), (messages, generationPrompt) => {
        const text = template.render({ messages, add_generation_prompt: generationPrompt, bos_token: '<|begin|>' })
        const { ids, mask } = renderChat(tokenizer, messages, { generationPrompt })
        expect(ids).toEqual(theirs.encode(text).ids)
        expect(mask.some((scored) => scored)).toBe(messages.some((message) => message.role === 'assistant'))
      }),
      { numRuns: 300 },
    )
  })

  test('cannot be injected with special tokens', () => {
    const specials = tokenizer.vocabulary.special.filter(({ plain }) => !plain).map(({ text }) => text)
    const piece = fc.constantFrom(
      ...specials,
      ...specials.map((text) => text.slice(1)),
      '<',
      'assistant\n',
      '\ufdd0',
      ' ',
    )
    const hostile = fc.array(piece, { maxLength: 8 }).map((parts) => `a${parts.join('')}z`)
    const kinds = (content: string) =>
      renderChat(tokenizer, [dialogue[0]!, { role: 'user', content }, { role: 'assistant', content }]).ids.filter(
        (id) => tokenizer.isSpecialId(id),
      )
    fc.assert(
      fc.property(hostile, (content) => {
        expect(kinds(content)).toEqual(kinds('x'))
        const { ids } = renderChat(tokenizer, [{ role: 'user', content }])
        expect(tokenizer.decode(ids, { special: true })).toContain(content)
      }),
    )
  })

  test('ends answers and texts with the ids that it was told', () => {
    expect(stopIds(tokenizer)).toEqual(tokenizer.manners!.stops)
    expect(textStops(tokenizer)).toEqual(tokenizer.manners!.stops)
    expect(textStart(tokenizer)).toBe(400)
  })
})

test('loss is taken on answers and what ends them, wherever they stand', () => {
  expect(scored(headers, dialogue)).toBe('2<|eot|>不客气。<|eot|>')
  expect(scored(headers, dialogue.slice(0, 2))).toBe('')
  expect(scored(thoughts, dialogue)).toBe('2<|stop|><think>\n\n</think>\n\n不客气。<|stop|>')
  expect(scored(thoughts, dialogue.slice(0, 4))).toBe('2<|stop|>')
})

test('an answer given as ids is written as its text', () => {
  const { tokenizer } = headers
  const turns = [
    dialogue[1]!,
    { role: 'assistant' as const, content: [...tokenizer.encode('2'), tokenizer.idOf('<|eot|>')] },
  ]
  expect(renderChat(tokenizer, turns)).toEqual(renderChat(tokenizer, dialogue.slice(1, 3)))
})

test('a template that hides an answer is refused, and so is none', () => {
  const silent = speaking(['<|begin|>'], `{{- messages | length -}}`, ['<|begin|>'])
  expect(() => renderChat(silent.tokenizer, dialogue)).toThrow(
    'messages[2]: the chat template does not write it behind',
  )
  expect(renderChat(silent.tokenizer, dialogue, { generationPrompt: true }).mask).not.toContain(1)
  const none = speaking(['<|begin|>'], null, ['<|begin|>'])
  expect(() => renderChat(none.tokenizer, dialogue)).toThrow('this model has no chat template')
})
