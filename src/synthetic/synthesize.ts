/**
 * Synthetic dialogues, from topics to a file that SFT reads: each is written message by message by a speaker, several dialogues at a time, then filtered in
 * order. A folder holds
 *   dialogues.jsonl   what was kept: `{messages, topic, provenance: {model, endpoint, template, language, seed, time}}`
 *   rejected.jsonl    the others, the same with `reason` and `detail` before it
 *   answers.jsonl     what an endpoint was paid for, by request (answers.ts)
 *   synthetic.json    the counts
 * Files other than the answers appear whole, and again after every attempt. The same options give the same dialogues, whatever was interrupted.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openJsonl } from '../formats/index.ts'
import { UserError, writeJson } from '../run/index.ts'
import type { Language } from '../tasks/task.ts'
import { random } from '../tensor/random.ts'
import type { Message } from '../world/index.ts'
import { OverBudget } from './budget.ts'
import {
  type FilterConfig,
  judgeDialogue,
  nearDuplicates,
  type Reason,
  type Rejection,
  type Written,
} from './filters.ts'
import { messageOf } from './prompts.ts'
import { Refused, type Speaker } from './speaker.ts'

export const FILES = {
  dialogues: 'dialogues.jsonl',
  rejected: 'rejected.jsonl',
  answers: 'answers.jsonl',
  summary: 'synthetic.json',
} as const

export interface SynthesisOptions {
  folder: string
  speaker: Speaker
  /** Version of the prompts that the speaker is given. */
  template: string
  topics: readonly string[]
  language: Language
  /** Dialogues to be written, before filtering. */
  count: number
  /** Exchanges of a dialogue: drawn from `minTurns` to `turns`. */
  minTurns: number
  turns: number
  seed: number
  /** Dialogues under way at the same time. */
  concurrency: number
  filters: FilterConfig
  progress?(now: Progress): void
}

export interface Progress {
  done: number
  count: number
}

export interface Summary {
  asked: number
  written: number
  kept: number
  rejected: Partial<Record<Reason, number>>
  /** Messages kept, and their characters. */
  messages: number
  characters: number
  /** Why not all were written: a limit. */
  stopped: 'requests' | 'tokens' | null
}

/** A dialogue that will be written: everything is decided before the first request. */
export interface Plan {
  topic: string
  /** Messages, an even number. */
  length: number
  seed: number
}

interface Dialogue extends Written {
  messages: Message[]
  cut: number[]
  /** When the last message came. */
  time: number
  refused?: string
}

/** Every topic in turn, in an order that the seed draws. */
export function plansOf({
  topics,
  count,
  minTurns,
  turns,
  seed,
}: Pick<SynthesisOptions, 'topics' | 'count' | 'minTurns' | 'turns' | 'seed'>): Plan[] {
  const order = random(seed, 'topics').shuffle(topics)
  return Array.from({ length: count }, (_, i) => {
    const r = random(seed, 'synthetic dialogue', i)
    const exchanges = minTurns + r.below(turns - minTurns + 1)
    return { topic: order[i % order.length]!, length: 2 * exchanges, seed: r.bits() >>> 1 }
  })
}

/** Answers that were refused before any came: then it is the request that is wrong, not a topic. */
const HOPELESS = 5

/** Throws a UserError when the endpoint gives up, after writing what there is. */
export async function synthesize(options: SynthesisOptions): Promise<Summary> {
  const { folder, count, concurrency, progress } = options
  await mkdir(folder, { recursive: true })
  const plans = plansOf(options)
  const dialogues: (Dialogue | undefined)[] = Array.from({ length: count })
  let [next, done, answered, refused] = [0, 0, 0, 0]
  let stopped: Summary['stopped'] = null
  let failure: unknown

  const one = async (index: number) => {
    const dialogue = await converse(plans[index]!, options)
    if (dialogue.refused === undefined) answered++
    else if (answered === 0 && ++refused >= HOPELESS)
      throw new UserError(
        `the endpoint refuses every request: ${dialogue.refused}`,
        `接口拒绝了所有请求：${dialogue.refused}`,
      )
    dialogues[index] = dialogue
    progress?.({ done: ++done, count })
  }
  const work = async () => {
    while (next < count && failure === undefined && stopped === null) {
      try {
        await one(next++)
      } catch (error) {
        if (error instanceof OverBudget) stopped = error.limit
        else failure ??= error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, work))
  const summary = { ...(await write(options, plans, dialogues)), stopped }
  await writeJson(join(folder, FILES.summary), summary)
  if (failure !== undefined) throw failure
  return summary
}

// --- internal ---

async function converse({ topic, length, seed }: Plan, { speaker, language }: SynthesisOptions): Promise<Dialogue> {
  const dialogue: Dialogue = { messages: [], cut: [], time: 0 }
  const { messages, cut } = dialogue
  while (messages.length < length) {
    let said
    try {
      said = await speaker.say({ topic, messages, length, language, seed })
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      dialogue.refused = error.message
      return dialogue
    }
    dialogue.time = Math.max(dialogue.time, said.time)
    if (said.finish === 'length') cut.push(messages.length)
    const content = messageOf(said.text)
    messages.push({ role: messages.length % 2 === 0 ? 'user' : 'assistant', content })
    // Nobody can answer nothing, and a broken dialogue is thrown away anyhow: no more is paid for it.
    if (content === '' || said.finish === 'length') return dialogue
  }
  return dialogue
}

async function write(
  { folder, speaker, template, language, filters, count }: SynthesisOptions,
  plans: readonly Plan[],
  dialogues: readonly (Dialogue | undefined)[],
): Promise<Omit<Summary, 'stopped'>> {
  const isNew = nearDuplicates(filters.maxSimilarity)
  const summary: Omit<Summary, 'stopped'> = {
    asked: count,
    written: 0,
    kept: 0,
    rejected: {},
    messages: 0,
    characters: 0,
  }
  const [kept, rejected] = await Promise.all([
    openJsonl(join(folder, FILES.dialogues)),
    openJsonl(join(folder, FILES.rejected)),
  ])
  try {
    for (const [i, dialogue] of dialogues.entries()) {
      if (!dialogue) continue
      summary.written++
      const { topic, seed } = plans[i]!
      const { messages, time } = dialogue
      const { model, endpoint } = speaker
      const provenance = { model, endpoint, template, language, seed, time: new Date(time).toISOString() }
      const row = { messages, topic, provenance }
      const verdict: Rejection | undefined =
        dialogue.refused === undefined
          ? (judgeDialogue(dialogue, language, filters) ?? isNew(messages))
          : { reason: 'refused', detail: dialogue.refused }
      if (verdict) {
        summary.rejected[verdict.reason] = (summary.rejected[verdict.reason] ?? 0) + 1
        await rejected.write({ ...verdict, ...row })
        continue
      }
      summary.kept++
      summary.messages += messages.length
      for (const { content } of messages) summary.characters += content.length
      await kept.write(row)
    }
  } catch (error) {
    await Promise.all([kept.discard(), rejected.discard()])
    throw error
  }
  await kept.close()
  await rejected.close()
  return summary
}
