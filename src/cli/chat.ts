/** xueba chat: talk with a model of any stage. A base model goes on writing; a chat model answers. */
import { createInterface } from 'node:readline/promises'
import { z } from 'zod'
import { createSession, type Session, streamText, usualContext } from '../generate/index.ts'
import type { Model } from '../nn/index.ts'
import { goesOn, loadModel, loadTokenizer } from '../stages/model-folder.ts'
import { openEngine } from '../tensor/open.node.ts'
import { renderChat, stopIds, textStart, type Tokenizer, type Turn } from '../tokenizer/index.ts'
import { help, UsageError, weightsFlag } from './flags.ts'
import { say } from './language.ts'
import { findModel, STAGES } from '../library/find-model.ts'
import { verb } from './verb.ts'

const flags = z.object({
  stage: help(
    z.enum(STAGES).optional(),
    'model of which stage (default: the latest)',
    '用哪个阶段的模型（默认最新的）',
  ),
  temperature: help(z.number().min(0).default(0.7), '0 = always the likeliest token', '0 表示总选最可能的词元'),
  topK: help(
    z.number().int().nonnegative().default(0),
    'draw from the k likeliest; 0 = all',
    '只在最可能的 k 个里抽；0 表示不限',
  ),
  topP: help(z.number().gt(0).max(1).default(1), 'draw from the likeliest that make up p', '只在累计概率 p 以内抽'),
  minP: help(
    z.number().min(0).max(1).default(0),
    'leave out what is less likely than p times the best',
    '低于最高概率 p 倍的不抽',
  ),
  repetitionPenalty: help(
    z.number().positive().default(1),
    'above 1: discourages what was said',
    '大于 1 时少说重复的话',
  ),
  maxTokens: help(z.number().int().positive().default(200), 'longest answer', '回答最长多少词元'),
  weights: weightsFlag,
  seed: help(z.number().int().nonnegative().default(1), 'seed of the draws', '随机种子'),
  alternatives: help(
    z.number().int().min(0).max(20).default(0),
    'print so many alternatives of each token',
    '每个词元列出几个备选',
  ),
  json: help(z.boolean().default(false), 'one JSON object a token', '每个词元输出一个 JSON 对象'),
})
export type ChatFlags = z.input<typeof flags>

export const chat = verb({
  name: 'chat',
  operands: '<run|model> [prompt]',
  summary: { en: 'talk with a model', zh: '和模型聊天' },
  flags,
  run([target, ...words], given) {
    if (!target)
      throw new UsageError(
        say({ en: 'which run or model? (xueba chat runs/tiny)', zh: '和哪个运行或模型聊？（xueba chat runs/tiny）' }),
      )
    return talk(target, given, words.length > 0 ? words.join(' ') : undefined)
  },
})

/** Answers one prompt, or talks until the end of input. */
export async function talk(target: string, given: ChatFlags, prompt?: string): Promise<number> {
  const options = flags.parse(given)
  const { folder, kind } = await findModel(target, options.stage)
  const engine = await openEngine()
  const tokenizer = await loadTokenizer(folder)
  const model = await loadModel(engine, folder, { trainable: false, weights: options.weights })
  const isBase = goesOn(kind, tokenizer)
  const context = usualContext(model.config)
  const session = createSession(model, 1, context)
  try {
    const fits = (ids: readonly number[]) => ids.length < context
    const tooLong = () =>
      say({
        en: `too long: the model holds ${context} tokens`,
        zh: `太长了：模型最多容纳 ${context} 个词元`,
      })
    if (prompt !== undefined) {
      const ids = isBase ? continuation(tokenizer, prompt) : dialogue(tokenizer, [{ role: 'user', content: prompt }])
      if (!fits(ids)) throw new UsageError(tooLong())
      await answer(session, model, tokenizer, ids, options, isBase ? prompt : '')
      return 0
    }
    console.log(
      isBase
        ? say({
            en: 'A base model: it goes on with whatever you write. Empty line or Ctrl-D ends.',
            zh: '这是基座模型：你写个开头，它往下续。空行或 Ctrl-D 结束。',
          })
        : say({ en: 'Talk with the model. Empty line or Ctrl-D ends.', zh: '开始聊天吧。空行或 Ctrl-D 结束。' }),
    )
    const terminal = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: say({ en: 'you> ', zh: '你> ' }),
    })
    let open = true // a pipe may end while an answer is being written
    terminal.on('close', () => (open = false))
    let messages: Turn[] = []
    terminal.prompt()
    for await (const line of terminal) {
      if (line.trim() === '') break
      if (!fits(isBase ? continuation(tokenizer, line) : dialogue(tokenizer, [{ role: 'user', content: line.trim() }])))
        console.log(tooLong())
      else if (isBase) await answer(session, model, tokenizer, continuation(tokenizer, line), options, line)
      else {
        messages.push({ role: 'user', content: line.trim() })
        let ids = dialogue(tokenizer, messages)
        if (ids.length + options.maxTokens > context) {
          messages = messages.slice(-1) // the context is full: begin again with this question
          ids = dialogue(tokenizer, messages)
        }
        // Token in, token out: what the model said goes back as the ids it drew.
        messages.push({
          role: 'assistant',
          content: await answer(session, model, tokenizer, ids, options, say({ en: 'xueba> ', zh: '学霸> ' })),
        })
      }
      if (open) terminal.prompt()
    }
    terminal.close()
    return 0
  } finally {
    await engine.close()
  }
}

const dialogue = (tokenizer: Tokenizer, messages: Turn[]) =>
  renderChat(tokenizer, messages, { generationPrompt: true }).ids

const continuation = (tokenizer: Tokenizer, text: string) => [textStart(tokenizer), ...tokenizer.encode(text)]

/** Streams an answer to the terminal; returns its ids. */
async function answer(
  session: Session,
  model: Model,
  tokenizer: Tokenizer,
  prompt: number[],
  options: z.output<typeof flags>,
  lead: string,
): Promise<number[]> {
  const ids: number[] = []
  if (!options.json) process.stdout.write(lead)
  for await (const token of streamText(model, tokenizer, prompt, {
    ...options,
    session,
    stopIds: stopIds(tokenizer),
  })) {
    ids.push(token.id)
    if (options.json) console.log(JSON.stringify(token))
    else {
      process.stdout.write(token.text)
      if (options.alternatives > 0)
        process.stdout.write(
          ` ⟨${token.alternatives.map((a) => `${JSON.stringify(a.text)} ${(a.probability * 100).toFixed(0)}%`).join(', ')}⟩\n`,
        )
    }
  }
  if (!options.json) process.stdout.write('\n')
  return ids
}
