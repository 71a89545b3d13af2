/**
 * Dialogues as ids, in ChatML as Qwen writes it: `<|im_start|>role\ncontent<|im_end|>\n`. A model of somebody else's has its own way
 * (manners.ts).
 *
 * Head, content and end are encoded apart, content never with special tokens: whatever a user writes stays text. A turn that a model
 * generated is given as its ids and never decoded on the way (token in, token out). No system prompt is made up. The Jinja
 * template says the same for other programs; the ids agree unless a content begins with line breaks, which Jinja's one string
 * glues to the line break after the role.
 */
import { renderWith } from './manners.ts'
import type { Tokenizer } from './tokenizer.ts'
import { END_OF_TEXT, IM_END, IM_START } from './vocabulary.ts'

export type Role = 'system' | 'user' | 'assistant'

/** One message of a dialogue, as chat data has it. */
export interface Message {
  role: Role
  content: string
}

/** A message whose content may also be ids as a model generated them, with or without the closing <|im_end|>. */
export interface Turn {
  role: Role
  content: string | readonly number[]
}

export interface ChatIds {
  ids: number[]
  /** 1 where loss is taken: an assistant's content and its <|im_end|>. As long as `ids`. */
  mask: number[]
}

export interface ChatOptions {
  /** Ends with the opening of an assistant's turn, for a model to go on. */
  generationPrompt?: boolean
}

const roles: readonly string[] = ['system', 'user', 'assistant'] satisfies Role[]

/** The template of tokenizer_config.json (Jinja). */
export const CHAT_TEMPLATE = [
  `{%- for message in messages -%}`,
  `{{- '${IM_START}' + message['role'] + '\\n' + message['content'] + '${IM_END}' + '\\n' -}}`,
  `{%- endfor -%}`,
  `{%- if add_generation_prompt -%}{{- '${IM_START}assistant\\n' -}}{%- endif -%}`,
].join('')

/** In the model's own way (`Manners`), else in ChatML. Throws an Error that names the message when a role is not system, user or assistant. */
export function renderChat(
  tokenizer: Tokenizer,
  messages: readonly Turn[],
  { generationPrompt = false }: ChatOptions = {},
): ChatIds {
  const chat: ChatIds = { ids: [], mask: [] }
  messages.forEach(({ role }, i) => {
    if (!roles.includes(role))
      throw new Error(`messages[${i}].role is ${JSON.stringify(role)}: expected system, user or assistant`)
  })
  if (tokenizer.manners) return renderWith(tokenizer, tokenizer.manners, messages, generationPrompt)
  messages.forEach((message) => {
    const turn = renderTurn(tokenizer, message)
    append(chat, turn.ids, turn.mask)
  })
  if (generationPrompt) append(chat, openTurn(tokenizer, 'assistant'))
  return chat
}

/** One whole turn, to append to a dialogue kept as ids. */
export function renderTurn(tokenizer: Tokenizer, { role, content }: Turn): ChatIds {
  const turn: ChatIds = { ids: [], mask: [] }
  append(turn, openTurn(tokenizer, role))
  const scored = role === 'assistant' ? 1 : 0
  append(turn, typeof content === 'string' ? tokenizer.encode(content) : content, scored)
  const end = tokenizer.idOf(IM_END)
  const closed = typeof content !== 'string' && content.at(-1) === end
  if (!closed) append(turn, [end], scored)
  append(turn, tokenizer.encode('\n'))
  return turn
}

/** What stands before a content: `<|im_start|>role\n`. */
export function openTurn(tokenizer: Tokenizer, role: Role): number[] {
  return [tokenizer.idOf(IM_START), ...tokenizer.encode(`${role}\n`)]
}

/** What ends an answer: after one of these ids, generation stops. */
export function stopIds(tokenizer: Tokenizer): number[] {
  const { manners } = tokenizer
  return manners ? [...manners.stops] : [tokenizer.idOf(IM_END), tokenizer.idOf(END_OF_TEXT)]
}

/** What stands before every text, and pads rows. */
export function textStart(tokenizer: Tokenizer): number {
  return tokenizer.manners?.start ?? tokenizer.idOf(END_OF_TEXT)
}

/** What ends a text that a model goes on with. */
export function textStops(tokenizer: Tokenizer): number[] {
  return tokenizer.manners ? stopIds(tokenizer) : [textStart(tokenizer)]
}

/** The content of tokenizer_config.json, to be stringified. */
export function tokenizerConfig(tokenizer: Tokenizer) {
  const { special } = tokenizer.vocabulary
  const flags = { lstrip: false, normalized: false, rstrip: false, single_word: false, special: true }
  return {
    // The class that loads tokenizer.json as it is; transformers' Qwen2Tokenizer would put an NFC normaliser in front of it.
    tokenizer_class: 'PreTrainedTokenizerFast',
    add_bos_token: false,
    add_prefix_space: false,
    clean_up_tokenization_spaces: false,
    split_special_tokens: false,
    bos_token: END_OF_TEXT,
    eos_token: IM_END,
    pad_token: END_OF_TEXT,
    unk_token: null,
    additional_special_tokens: special.map(({ text }) => text),
    added_tokens_decoder: Object.fromEntries(special.map(({ id, text }) => [id, { content: text, ...flags }])),
    chat_template: CHAT_TEMPLATE,
  }
}

function append({ ids, mask }: ChatIds, more: readonly number[], scored: 0 | 1 | readonly number[] = 0) {
  more.forEach((id, i) => {
    ids.push(id)
    mask.push(typeof scored === 'number' ? scored : scored[i]!)
  })
}
