/**
 * The shapes in which data sets write dialogues, turned into lists of messages:
 * - `{messages: [{role, content}]}` (OpenAI, Hugging Face's conversational format);
 * - `{messages: [{message}]}`: turns in turn, the user's first (KdConv);
 * - `{conversations: [{from, value}]}` (ShareGPT);
 * - `{instruction, input, output, history: [[question, answer]]}` (Stanford Alpaca, LLaMA-Factory);
 * - `{prompt, response}`, also with lists as `prompt` or `completion` (TRL's prompt-completion format).
 */
import { z } from 'zod'
import type { Message } from '../tokenizer/index.ts'

const ROLES = { system: 'system', user: 'user', human: 'user', assistant: 'assistant', gpt: 'assistant' } as const
const role = z.enum(['system', 'user', 'assistant'])
const chat = z.array(z.object({ role, content: z.string() }))

const SHAPES = {
  messages: z
    .object({ messages: z.union([chat, z.array(z.object({ message: z.string() })).min(1)]) })
    .transform(({ messages }) => messages.map(takeTurns)),
  conversations: z
    .object({
      conversations: z.array(
        z.object({ from: z.enum(['system', 'user', 'human', 'assistant', 'gpt']), value: z.string() }),
      ),
    })
    .transform(({ conversations }) => conversations.map(({ from, value }) => ({ role: ROLES[from], content: value }))),
  output: z
    .object({
      instruction: z.string(),
      input: z.string().nullish(),
      output: z.string(),
      history: z.array(z.tuple([z.string(), z.string()])).nullish(),
      system: z.string().nullish(),
    })
    .transform(({ instruction, input, output, history, system }) => [
      ...(system ? [{ role: 'system' as const, content: system }] : []),
      ...[...(history ?? []), [input ? `${instruction}\n${input}` : instruction, output] as const].flatMap(
        ([question, answer]) => asked(question, answer),
      ),
    ]),
  response: z
    .object({ prompt: z.string(), response: z.string() })
    .transform(({ prompt, response }) => asked(prompt, response)),
  completion: z
    .object({ prompt: z.union([z.string(), chat]), completion: z.union([z.string(), chat]) })
    .transform(({ prompt, completion }) => [
      ...(typeof prompt === 'string' ? [{ role: 'user' as const, content: prompt }] : prompt),
      ...(typeof completion === 'string' ? [{ role: 'assistant' as const, content: completion }] : completion),
    ]),
} satisfies Record<string, z.ZodType<Message[]>>

/** One row of a data set; what is wrong with it when it is in none of the shapes. */
export function dialogueOf(row: unknown): Message[] | { defect: string } {
  const keys = typeof row === 'object' && row !== null ? Object.keys(row) : []
  const known = Object.keys(SHAPES) as (keyof typeof SHAPES)[]
  const shape = known.find((key) => keys.includes(key))
  if (shape === undefined)
    return { defect: `expected one of the keys ${known.join(', ')}; has: ${keys.slice(0, 8).join(', ') || 'none'}` }
  const parsed = SHAPES[shape].safeParse(row)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    return { defect: `${path.join('.') || shape}: ${message}` }
  }
  if (!parsed.data.some(({ role }) => role === 'assistant')) return { defect: `${shape}: has no assistant message` }
  return parsed.data
}

/** `A: hello\nB: hi` → user and assistant: whoever speaks first is the user; lines without a speaker belong to the last one. */
export function fromSpeakers(text: string): Message[] {
  const messages: Message[] = []
  let first: string | undefined
  let last: string | undefined
  for (const line of text.split(/\r?\n/)) {
    const match = /^([\p{L}\p{N} ]{1,24})[:：]\s*(.*)$/u.exec(line)
    const speaker = match ? match[1]! : last
    const words = (match ? match[2]! : line).trim()
    if (speaker === undefined || words === '') continue
    first ??= speaker
    if (speaker === last) messages.at(-1)!.content += `\n${words}`
    else messages.push({ role: speaker === first ? 'user' : 'assistant', content: words })
    last = speaker
  }
  return messages
}

// --- internal ---

function asked(question: string, answer: string): Message[] {
  return [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ]
}

function takeTurns(message: Message | { message: string }, i: number): Message {
  if (!('message' in message)) return message
  return { role: i % 2 === 0 ? 'user' : 'assistant', content: message.message }
}
