/**
 * The shapes in which data sets write what somebody thought of answers, turned into opinions:
 * - `{prompt?, chosen, rejected}`, texts or messages (Hugging Face, TRL); with `instruction` and `input`, or with `conversations` before and
 *   `{from, value}` as answers (LLaMA-Factory);
 * - `{instruction, output: [better, worse, …]}` (ChatGLM-Efficient-Tuning): only that the first is preferred to the second is stated;
 * - `{message_tree_id, prompt: {text, replies}}`: a ranked tree of Open Assistant, an opinion wherever replies have ranks;
 * - `{prompt, drafts, ranks}`: what `xueba rank` writes, ties and all-bad included;
 * - `{messages, label}` or `{prompt, completion, label}`: thumbs (LLaMA-Factory's and TRL's KTO);
 * - `{context, generation, reward}`: a label of 0 or 1 on the last turn (Taskmaster; calls of an API are the assistant's, its answers the user's).
 * A row in none of them is named; fields that say nothing here are passed over and counted by who reads.
 */
import { z } from 'zod'
import type { Message } from '../tokenizer/index.ts'
import { dialogueOf } from './dialogue-shapes.ts'

/** Several answers in an order, or one with a thumb. */
export type Opinion =
  | {
      kind: 'order'
      /** Whole dialogues that differ in what comes after the prompt. */
      answers: Message[][]
      /** Answers by number, best rank first; those on one rank are tied. Empty: all bad. */
      ranks: number[][]
    }
  | { kind: 'thumb'; answer: Message[]; up: boolean }

export type Read = { opinions: Opinion[]; ignored: string[] } | { defect: string }

const message = z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })
const spoken = z
  .object({ from: z.enum(['system', 'human', 'user', 'gpt', 'assistant']), value: z.string() })
  .transform(({ from, value }): Message => ({
    role: from === 'human' ? 'user' : from === 'gpt' ? 'assistant' : from,
    content: value,
  }))
const messages = z.array(message).min(1)
const side = z.union([z.string(), messages, spoken.transform((one) => [one])])

const pair = z.object({
  prompt: z.union([z.string(), messages]).nullish(),
  system: z.string().nullish(),
  instruction: z.string().nullish(),
  input: z.string().nullish(),
  history: z.array(z.tuple([z.string(), z.string()])).nullish(),
  conversations: z.array(spoken).nullish(),
  chosen: side,
  rejected: side,
})
const list = z.object({
  instruction: z.string(),
  input: z.string().nullish(),
  history: z.array(z.tuple([z.string(), z.string()])).nullish(),
  output: z.array(z.string()).min(2),
})
const ranking = z.object({
  prompt: z.string(),
  drafts: z.array(z.string()).min(1),
  ranks: z.array(z.array(z.number().int().nonnegative())),
})
const turns = z.array(
  z.object({
    role: z.enum(['user', 'agent', 'api']),
    text: z.string().optional(),
    api: z.unknown().optional(),
    response: z.unknown().optional(),
  }),
)
const labelled = z.object({
  context: z.string(),
  generation: z.string(),
  reward: z.union([z.literal(0), z.literal(1)]),
})

interface Reply {
  text: string
  role: 'prompter' | 'assistant'
  rank?: number | null
  deleted?: boolean
  replies?: Reply[]
}
const reply: z.ZodType<Reply> = z.lazy(() =>
  z.object({
    text: z.string(),
    role: z.enum(['prompter', 'assistant']),
    rank: z.number().nullish(),
    deleted: z.boolean().optional(),
    replies: z.array(reply).optional(),
  }),
) as z.ZodType<Reply>

const EXPECTED =
  'chosen and rejected; output (a list, the best first); message_tree_id and prompt; drafts and ranks; label; context, generation and reward'

/** One row; what is wrong with it when it holds no opinion. */
export function opinionsOf(value: unknown): Read {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { defect: 'row: expected an object' }
  const has = (...keys: string[]) => keys.every((key) => Object.hasOwn(value, key))
  if (has('chosen') || has('rejected')) return read(pair, value, fromPair)
  if (has('message_tree_id', 'prompt'))
    return read(z.object({ prompt: reply }), value, ({ prompt }) => fromTree(prompt), false)
  if (has('drafts', 'ranks')) return read(ranking, value, fromRanking)
  if (has('context', 'generation')) return read(labelled, value, fromTurns, false)
  if (has('label')) return fromLabel(value as { label: unknown })
  if (has('output') && Array.isArray((value as { output: unknown }).output)) return read(list, value, fromList)
  return { defect: `expected ${EXPECTED}; has: ${Object.keys(value).slice(0, 8).join(', ') || 'nothing'}` }
}

// --- internal ---

/** Parses, then turns into opinions; `strict` shapes count the fields that they do not know. */
function read<T>(schema: z.ZodType<T>, value: object, make: (row: T) => Opinion[] | string, counts = true): Read {
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    return { defect: `${path.join('.') || 'row'}: ${message}` }
  }
  const made = make(parsed.data)
  if (typeof made === 'string') return { defect: made }
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  return { opinions: made, ignored: counts ? Object.keys(value).filter((key) => !known.includes(key)) : [] }
}

const user = (content: string): Message => ({ role: 'user', content })
const assistant = (content: string): Message => ({ role: 'assistant', content })

function fromPair({
  prompt,
  system,
  instruction,
  input,
  history,
  conversations,
  chosen,
  rejected,
}: z.infer<typeof pair>) {
  const asked: Message[] = [
    ...(system ? [{ role: 'system' as const, content: system }] : []),
    ...(history ?? []).flatMap(([question, answer]) => [user(question), assistant(answer)]),
    ...(conversations ?? []),
    ...(instruction ? [user(input ? `${instruction}\n${input}` : instruction)] : []),
    ...(typeof prompt === 'string' ? [user(prompt)] : (prompt ?? [])),
  ]
  const answers = [chosen, rejected].map((answer) => [
    ...asked,
    ...(typeof answer === 'string' ? [assistant(answer)] : answer),
  ])
  for (const [i, key] of ['chosen', 'rejected'].entries())
    if (answers[i]!.at(-1)!.role !== 'assistant') return `${key}: does not end with an assistant's message`
  if (JSON.stringify(answers[0]) === JSON.stringify(answers[1])) return 'chosen and rejected are the same'
  return [order(answers, [[0], [1]])]
}

function fromList({ instruction, input, history, output: [better, worse] }: z.infer<typeof list>) {
  if (better === worse) return 'output: the first two answers are the same'
  const asked = [
    ...(history ?? []).flatMap(([question, answer]) => [user(question), assistant(answer)]),
    user(input ? `${instruction}\n${input}` : instruction),
  ]
  return [
    order(
      [
        [...asked, assistant(better!)],
        [...asked, assistant(worse!)],
      ],
      [[0], [1]],
    ),
  ]
}

function fromRanking({ prompt, drafts, ranks }: z.infer<typeof ranking>) {
  const named = ranks.flat()
  if (named.some((draft) => draft >= drafts.length) || new Set(named).size < named.length)
    return 'ranks: a draft that is not there, or twice'
  return [
    order(
      drafts.map((draft) => [user(prompt), assistant(draft)]),
      ranks,
    ),
  ]
}

/** Ranks count among the replies that have one; equal ones are tied. */
function fromTree(root: Reply): Opinion[] {
  const opinions: Opinion[] = []
  const visit = (node: Reply, before: Message[]) => {
    const asked = [...before, node.role === 'prompter' ? user(node.text) : assistant(node.text)]
    const replies = (node.replies ?? []).filter(({ deleted }) => !deleted)
    const ranked = replies.filter(({ rank }) => typeof rank === 'number')
    if (node.role === 'prompter' && ranked.length > 0) {
      const levels = [...new Set(ranked.map(({ rank }) => rank!))].sort((a, b) => a - b)
      const ranks = levels.map((level) => ranked.flatMap(({ rank }, i) => (rank === level ? [i] : [])))
      opinions.push(
        order(
          ranked.map(({ text }) => [...asked, assistant(text)]),
          ranks,
        ),
      )
    }
    for (const one of replies) visit(one, asked)
  }
  visit(root, [])
  return opinions
}

function fromLabel(value: { label: unknown }): Read {
  const { label, ...rest } = value
  if (typeof label !== 'boolean') return { defect: 'label: expected true or false' }
  const answer = dialogueOf(rest)
  if ('defect' in answer) return answer
  if (answer.at(-1)!.role !== 'assistant') return { defect: "messages: does not end with an assistant's message" }
  return { opinions: [{ kind: 'thumb', answer, up: label }], ignored: [] }
}

function fromTurns({ context, generation, reward }: z.infer<typeof labelled>) {
  let parsed
  try {
    parsed = turns.safeParse([...(JSON.parse(context) as unknown[]), JSON.parse(generation)])
  } catch (error) {
    return `context or generation: ${(error as Error).message}`
  }
  if (!parsed.success)
    return `context or generation: ${parsed.error.issues[0]!.path.join('.')}: ${parsed.error.issues[0]!.message}`
  const said = parsed.data.map(({ role, text, api, response }): Message => ({
    role: role === 'agent' ? 'assistant' : 'user',
    content: text ?? JSON.stringify(api ?? response ?? null),
  }))
  const [before, last] = [said.slice(0, -1), said.at(-1)!]
  if (last.role !== 'assistant') return "generation: is not the agent's"
  // Turns of one side are one message; the turn that is judged stays by itself.
  const answer: Message[] = []
  for (const one of before)
    if (answer.at(-1)?.role === one.role) answer.at(-1)!.content += `\n${one.content}`
    else answer.push({ ...one })
  return [{ kind: 'thumb' as const, answer: [...answer, last], up: reward === 1 }]
}

const order = (answers: Message[][], ranks: number[][]): Opinion => ({ kind: 'order', answers, ranks })
