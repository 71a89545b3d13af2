/**
 * Asking models: answers token by token, the distribution of the next token, the loss of every token of a text. One engine of one thread, so
 * that a trainer beside it keeps its cores; models that were asked lately stay loaded. The engine does one thing at a time: streams that run
 * side by side take turns, a token each.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createSession, distribution, type Session, streamText, usualContext } from '../../generate/index.ts'
import { freeModel, type Model } from '../../nn/index.ts'
import { tire, type TiredModel } from '../../lessons/index.ts'
import { UserError } from '../../run/index.ts'
import type { Task } from '../../tasks/index.ts'
import { ask, asText, inChat } from '../../stages/ask.ts'
import { goesOn, loadModel, loadTokenizer } from '../../stages/model-folder.ts'
import { scoreText } from '../../stages/score-text.ts'
import type { Engine } from '../../tensor/index.ts'
import { openEngine } from '../../tensor/open.node.ts'
import { renderChat, stopIds, textStart, type Tokenizer } from '../../tokenizer/index.ts'
import type { ChatRequest } from './requests.ts'

interface Loaded {
  model: Model
  tokenizer: Tokenizer
  /** It goes on writing instead of answering. */
  base: boolean
  context: number
  sessions: Session[]
  users: number
}

export interface Where {
  folder: string
  kind: string
}

export interface Talker {
  /** One object a token; breaking out of the loop frees everything. */
  chat(where: Where, request: ChatRequest, signal: AbortSignal): AsyncGenerator<object, void, void>
  next(where: Where, text: string, asChat: boolean): Promise<object>
  score(where: Where, text: string): Promise<object>
  drafts(where: Where, prompt: string, count: number, seed: number): Promise<string[]>
  /** One exercise of a task many times, at temperature 1. */
  tired(where: Where, task: Task, options: { times: number; seed: number }): Promise<TiredModel>
  close(): Promise<void>
}

const MOST_LOADED = 6
const MOST_NEXT = 512
/** Tokens of a worked answer, as in the terminal's lesson. */
const MOST_WORKED = 64

export function createTalker(): Talker {
  let opening: Promise<Engine> | undefined
  const loaded = new Map<string, Promise<Loaded>>()
  let turn: Promise<unknown> = Promise.resolve()
  /** One after the other, whoever asks. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => {})
    return mine
  }

  async function load(folder: string, kind: string): Promise<Loaded> {
    const engine = await (opening ??= openEngine({ threads: 1 }))
    const tokenizer = await loadTokenizer(folder)
    const model = await loadModel(engine, folder, { trainable: false })
    return {
      model,
      tokenizer,
      base: goesOn(kind, tokenizer),
      context: usualContext(model.config),
      sessions: [],
      users: 0,
    }
  }

  /** Runs with a model loaded; those nobody uses are dropped, the longest unused first. */
  async function use<T>({ folder, kind }: Where, work: (loaded: Loaded) => Promise<T>): Promise<T> {
    const { mtimeMs } = await stat(join(folder, 'config.json'))
    const key = `${folder} ${mtimeMs}`
    const known = loaded.get(key) ?? inTurn(() => load(folder, kind))
    loaded.delete(key)
    loaded.set(key, known) // the latest last
    known.catch(() => loaded.delete(key))
    const it = await known
    it.users++
    try {
      return await work(it)
    } finally {
      it.users--
      await inTurn(async () => {
        for (const [name, waiting] of loaded) {
          if (loaded.size <= MOST_LOADED) break
          const old = await waiting
          if (old.users > 0) continue
          loaded.delete(name)
          free(old)
        }
      })
    }
  }

  function promptOf({ tokenizer, base, context }: Loaded, request: ChatRequest): number[] {
    const { messages, prefix } = request
    const last = messages.at(-1)!
    const text = typeof last.content === 'string' ? last.content : tokenizer.decode(last.content)
    const ids = base
      ? [textStart(tokenizer), ...tokenizer.encode(text)]
      : renderChat(tokenizer, messages, { generationPrompt: true }).ids
    const whole = [...ids, ...prefix]
    if (whole.some((id) => id >= tokenizer.vocabSize)) throw new UserError('unknown token ids', '有不认识的词元编号')
    if (whole.length < context) return whole
    throw new UserError(
      `too long: the model holds ${context} tokens, this is ${whole.length}`,
      `太长了：模型最多容纳 ${context} 个词元，这里有 ${whole.length} 个`,
    )
  }

  return {
    async *chat(where, request, signal) {
      const lines: object[] = []
      let wake = () => {}
      let over: { error?: unknown } | undefined
      const say = (line: object) => {
        lines.push(line)
        wake()
      }
      const stopped = new AbortController()
      const both = AbortSignal.any([signal, stopped.signal])
      void use(where, async (it) => {
        const prompt = promptOf(it, request)
        say({ type: 'start', base: it.base, context: it.context, promptTokens: prompt.length })
        const session = it.sessions.pop() ?? createSession(it.model, 1, it.context)
        const { temperature, topK, topP, seed, alternatives } = request
        const maxTokens = Math.min(request.maxTokens, it.context - prompt.length)
        const options = {
          temperature,
          topK,
          topP,
          seed,
          alternatives,
          maxTokens,
          session,
          stopIds: stopIds(it.tokenizer),
        }
        const tokens = streamText(it.model, it.tokenizer, prompt, options)
        try {
          while (!both.aborted) {
            const { done, value } = await inTurn(() => tokens.next())
            if (done) break
            const { logProb, alternatives, ...token } = value
            const others = alternatives.map((one) => ({ ...one, bytes: bytesOf(it.tokenizer, one.id) }))
            const bytes = bytesOf(it.tokenizer, token.id)
            say({ type: 'token', probability: Math.exp(logProb), bytes, alternatives: others, ...token })
          }
        } finally {
          await inTurn(() => tokens.return())
          it.sessions.push(session)
        }
      }).then(
        () => ((over = {}), wake()),
        (error: unknown) => ((over = { error }), wake()),
      )
      try {
        for (;;) {
          while (lines.length > 0) yield lines.shift()!
          if (over) break
          await new Promise<void>((resume) => {
            wake = resume
            if (lines.length > 0 || over) resume()
          })
        }
        if (over.error) throw over.error
      } finally {
        stopped.abort()
      }
    },
    next: (where, text, asChat) =>
      use(where, ({ model, tokenizer, base, context }) =>
        inTurn(async () => {
          const chat = asChat && !base
          const ids = chat
            ? renderChat(tokenizer, [{ role: 'user', content: text }], { generationPrompt: true }).ids
            : [textStart(tokenizer), ...tokenizer.encode(text)]
          const all = await distribution(model, tokenizer, ids.slice(-context), tokenizer.vocabSize)
          const shown = all.slice(0, MOST_NEXT).map((one) => ({ ...one, bytes: bytesOf(tokenizer, one.id) }))
          const rest = all.slice(MOST_NEXT)
          return {
            tokens: shown,
            rest: rest.reduce((sum, { probability }) => sum + probability, 0),
            vocabulary: all.length,
          }
        }),
      ),
    score: (where, text) =>
      use(where, ({ model, tokenizer }) =>
        inTurn(async () => {
          const { ids, losses, bitsPerByte } = await scoreText(model, tokenizer, text)
          const tokens = ids.map((id, i) => ({ id, bytes: bytesOf(tokenizer, id), loss: losses[i]! }))
          return { tokens, bitsPerByte }
        }),
      ),
    drafts: (where, prompt, count, seed) =>
      use(where, ({ model, tokenizer, base }) =>
        inTurn(async () => {
          const manner = base ? asText(tokenizer, (question) => question, '\n\n') : inChat(tokenizer)
          const options = { maxTokens: 110, temperature: 1, seed }
          const written = await ask(model, manner, Array<string>(count * 3).fill(prompt), options)
          return [...new Set(written.map(({ text }) => text.trim()))].filter(Boolean).slice(0, count)
        }),
      ),
    tired: (where, task, options) =>
      use(where, ({ model, tokenizer }) =>
        inTurn(() => tire(model, tokenizer, task, { ...options, maxTokens: MOST_WORKED })),
      ),
    async close() {
      await turn
      for (const waiting of loaded.values()) await waiting.then(free, () => {})
      loaded.clear()
      if (opening) await (await opening).close()
    },
  }
}

function free({ model, sessions }: Loaded): void {
  for (const session of sessions) session.free()
  freeModel(model)
}

/** A token may be part of a character: its bytes say which. A model's vocabulary may be padded beyond the tokenizer's. */
const bytesOf = (tokenizer: Tokenizer, id: number): number[] =>
  id < tokenizer.vocabSize ? [...tokenizer.bytesOf(id)] : []
