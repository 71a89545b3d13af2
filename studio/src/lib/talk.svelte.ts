/** A dialogue with one model. What the model said goes back to it as the ids it drew: token in, token out. */
import { failureOf, lines, runPath } from './api.ts'
import type { Sentence } from './language.svelte.ts'
import type { Token } from './types.ts'

export interface Sampling {
  temperature: number
  topK: number
  topP: number
  maxTokens: number
  seed: number
}

export interface Turn {
  /** What was asked. */
  text: string
  tokens: Token[]
  finished: boolean
  /** Tokens a second. */
  speed: number | null
  error: Sentence | null
}

type Line = Token | { type: 'start'; base: boolean } | { type: 'error'; error: Sentence }

export class Talk {
  readonly run: string
  readonly model: string
  turns = $state<Turn[]>([])
  /** It goes on writing instead of answering; known after the first answer. */
  base = $state(false)
  busy = $state(false)
  private stopping: AbortController | undefined
  private draws = 0

  constructor(run: string, model: string) {
    this.run = run
    this.model = model
  }

  say(text: string, sampling: Sampling): Promise<void> {
    this.turns.push({ text, tokens: [], finished: false, speed: null, error: null })
    return this.answer(this.turns.length - 1, [], sampling)
  }

  /** The same question again: another draw. */
  again(at: number, sampling: Sampling): Promise<void> {
    this.draws++
    return this.answer(at, [], sampling)
  }

  /** Another question in the place of this one; what came after is gone. */
  ask(at: number, text: string, sampling: Sampling): Promise<void> {
    this.turns[at]!.text = text
    return this.answer(at, [], sampling)
  }

  /** Goes on from another token in the place of one of the answer. */
  from(at: number, index: number, token: Token, sampling: Sampling): Promise<void> {
    const kept = this.turns[at]!.tokens.slice(0, index)
    return this.answer(at, [...kept, token], sampling)
  }

  stop(): void {
    this.stopping?.abort()
  }

  clear(): void {
    this.stop()
    this.turns = []
  }

  private async answer(at: number, prefix: Token[], sampling: Sampling): Promise<void> {
    this.stop()
    const stopping = new AbortController()
    this.stopping = stopping
    this.busy = true
    this.turns = this.turns.slice(0, at + 1)
    const turn = this.turns[at]!
    turn.tokens = [...prefix]
    turn.finished = false
    turn.error = null
    turn.speed = null
    const messages = this.turns.flatMap(({ text, tokens }, i) => [
      { role: 'user', content: text },
      ...(i < at ? [{ role: 'assistant', content: tokens.map(({ id }) => id) }] : []),
    ])
    const body = {
      model: this.model,
      messages,
      prefix: prefix.map(({ id }) => id),
      ...sampling,
      seed: sampling.seed + this.draws,
      alternatives: 8,
    }
    let [begin, drawn] = [0, 0]
    try {
      for await (const line of lines<Line>(runPath(this.run, '/chat'), body, stopping.signal)) {
        if (line.type === 'start') this.base = line.base
        else if (line.type === 'error') turn.error = line.error
        else {
          if (drawn++ === 0) begin = performance.now()
          turn.tokens.push(line)
          if (drawn > 1) turn.speed = (drawn - 1) / ((performance.now() - begin) / 1000)
        }
      }
    } catch (error) {
      if (!stopping.signal.aborted) turn.error = failureOf(error)
    }
    turn.finished = true
    if (this.stopping === stopping) this.busy = false
  }
}
