/**
 * How a model of somebody else's is spoken to: what its folder says beside tokenizer.json (`loadTokenizer` in xueba/stages reads it). Ours have
 * none of it: they speak ChatML (chat.ts).
 *
 * A template writes a dialogue as one text. In what people say, the texts of special tokens get a mark inside first, so that they stay text
 * whatever the template does; the mark is taken out of what lies between the special tokens that the template itself wrote.
 */
import type { ChatIds, Message, Turn } from './chat.ts'
import type { Tokenizer } from './tokenizer.ts'

export interface Manners {
  /** Stands before a text, and fills what is left of a row. */
  start: number
  /** What ends an answer or a text: `eos_token_id` of its generation_config.json. */
  stops: readonly number[]
  /** Its chat template; null: it knows no dialogue and goes on with a text. */
  template: ChatTemplate | null
}

export interface ChatTemplate {
  /** In Jinja, as its file has it. */
  source: string
  render(messages: readonly Message[], generationPrompt: boolean): string
}

/** The code points that Unicode gives to nobody: one that no content has is the mark. */
const MARKS = Array.from({ length: 32 }, (_, i) => String.fromCodePoint(0xfdd0 + i))

/**
 * A dialogue as ids through a template. Loss is taken on what stands between the text with a generation prompt before an answer and the first
 * stop id after it. Throws an Error where a template does not write an answer behind that prompt, unless nothing is to be learnt from it.
 */
export function renderWith(
  tokenizer: Tokenizer,
  { template, stops }: Manners,
  turns: readonly Turn[],
  generationPrompt: boolean,
): ChatIds {
  if (!template) throw new Error('this model has no chat template: it knows no dialogue, only how to go on with a text')
  const messages = turns.map(({ role, content }) => ({
    role,
    content: typeof content === 'string' ? content : tokenizer.decode(content),
  }))
  const mark = MARKS.find((mark) => !messages.some(({ content }) => content.includes(mark)))
  if (!mark) throw new Error('messages: they contain every noncharacter from U+FDD0 to U+FDEF')
  const marked = messages.map(({ role, content }) => ({ role, content: marking(tokenizer, content, mark) }))
  const text = template.render(marked, generationPrompt)
  const chat: ChatIds = { ids: [], mask: [] }
  let from = 0
  const append = (to: number, scored: boolean) => {
    const ids = idsOf(tokenizer, text.slice(from, to), mark)
    const end = scored ? ids.findIndex((id) => stops.includes(id)) : -1
    const count = end < 0 ? ids.length : end + 1
    ids.forEach((id, i) => {
      chat.ids.push(id)
      chat.mask.push(scored && i < count ? 1 : 0)
    })
    from = to
  }
  const answers = turns.flatMap(({ role }, i) => (role === 'assistant' ? [i] : []))
  for (const i of answers) {
    const before = template.render(marked.slice(0, i), true)
    if (!text.startsWith(before) || before.length < from) {
      if (generationPrompt) continue // nothing is learnt from a prompt
      throw new Error(`messages[${i}]: the chat template does not write it behind its own generation prompt`)
    }
    append(before.length, false)
    append(stopAfter(tokenizer, text, from, stops), true)
  }
  append(text.length, false)
  return chat
}

const marking = (tokenizer: Tokenizer, content: string, mark: string) =>
  tokenizer
    .split(content, true)
    .map((part) => {
      if (typeof part === 'string') return part
      const text = new TextDecoder().decode(tokenizer.bytesOf(part))
      return tokenizer.isSpecialId(part) ? `${text[0]}${mark}${text.slice(1)}` : text
    })
    .join('')

function idsOf(tokenizer: Tokenizer, text: string, mark: string): number[] {
  return tokenizer
    .split(text, true)
    .flatMap((part) => (typeof part === 'number' ? [part] : tokenizer.encode(part.replaceAll(mark, ''))))
}

/** Where the first stop id from `from` on ends in the text; its end without one. */
function stopAfter(tokenizer: Tokenizer, text: string, from: number, stops: readonly number[]): number {
  const ends = stops.flatMap((id) => {
    const stop = new TextDecoder().decode(tokenizer.bytesOf(id))
    const at = text.indexOf(stop, from)
    return at < 0 ? [] : [at + stop.length]
  })
  return Math.min(text.length, ...ends)
}
