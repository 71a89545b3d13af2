/** Asking the server. Whatever goes wrong comes as a sentence in both languages. */
import type { Sentence } from './language.svelte.ts'

export class Failure extends Error {
  readonly sentence: Sentence
  readonly status: number

  constructor(sentence: Sentence, status: number) {
    super(sentence.en)
    this.sentence = sentence
    this.status = status
  }
}

const unreachable = { en: 'The studio does not answer. Is it still running?', zh: '工作室没有回应，它还在运行吗？' }

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, options)
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw new Failure(unreachable, 0)
  }
  if (response.ok) return response
  const body = (await response.json().catch(() => null)) as { error?: Sentence } | null
  throw new Failure(body?.error ?? { en: `${response.status}`, zh: `${response.status}` }, response.status)
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await ask(path, { signal })).json() as Promise<T>

const sending = (method: string, body: unknown, signal?: AbortSignal): RequestInit => ({
  method,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
  signal,
})

export const post = async <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> =>
  (await ask(path, sending('POST', body, signal))).json() as Promise<T>

export const remove = async <T>(path: string, body: unknown): Promise<T> =>
  (await ask(path, sending('DELETE', body))).json() as Promise<T>

/** The lines of a streamed answer, as they come. */
export async function* lines<T>(path: string, body: unknown, signal: AbortSignal): AsyncGenerator<T, void, void> {
  const response = await ask(path, sending('POST', body, signal))
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      const parts = (rest + value).split('\n')
      rest = parts.pop()!
      for (const part of parts) if (part) yield JSON.parse(part) as T
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

export const runPath = (run: string, rest = ''): string => `/api/runs/${encodeURIComponent(run)}${rest}`

export const failureOf = (error: unknown): Sentence =>
  error instanceof Failure ? error.sentence : { en: String(error), zh: String(error) }
