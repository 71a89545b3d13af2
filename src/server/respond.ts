/** From an accepted request to its response: JSON when all is there, or server-sent events as it comes. */
import { randomUUID } from 'node:crypto'
import type { Piece } from './answer.ts'
import type { Ticket } from './batcher.ts'
import { asApiError } from './errors.ts'
import { type Form, join, type Usage } from './forms.ts'

export interface Order {
  form: Form
  model: string
  fingerprint: string
  ticket: Ticket
  /** Answers, over all prompts. */
  choices: number
  /** Tokens are reported. */
  scored: boolean
  promptTokens: number
  includeUsage: boolean
  /** Called once, with the first text. */
  onFirst(): void
  /** Called once, at the end, whatever it was. */
  onEnd(): void
}

const heading = ({ form, model, fingerprint }: Order, object: string) => ({
  id: `${form.prefix}${randomUUID().replaceAll('-', '')}`,
  object,
  created: Math.floor(Date.now() / 1000),
  model,
  system_fingerprint: fingerprint,
})

const usageOf = ({ promptTokens, ticket }: Order): Usage => ({
  prompt_tokens: promptTokens,
  completion_tokens: ticket.drawn,
  total_tokens: promptTokens + ticket.drawn,
})

/** The body of a response that is not streamed. Throws what went wrong. */
export async function wholeAnswer(order: Order): Promise<object> {
  const { form, ticket, choices, scored } = order
  try {
    const pieces: Piece[][] = Array.from({ length: choices }, () => [])
    for (let some = await ticket.take(); some.length > 0; some = await ticket.take()) {
      order.onFirst()
      for (const piece of some) pieces[piece.task]!.push(piece)
    }
    return {
      ...heading(order, form.object),
      choices: pieces.map((all, index) => form.choice(index, join(all, scored))),
      usage: usageOf(order),
    }
  } finally {
    ticket.cancel()
    order.onEnd()
  }
}

/** Server-sent events; an error after the first byte is an event, too. Ending the iteration early frees the slots. */
export async function* eventsOf(order: Order): AsyncGenerator<Uint8Array, void, void> {
  const { form, ticket, choices, scored, includeUsage } = order
  const encoder = new TextEncoder()
  const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`
  const head = heading(order, form.chunkObject)
  const chunk = (choice: object) => event({ ...head, choices: [choice], ...(includeUsage ? { usage: null } : {}) })
  try {
    const opening = Array.from({ length: choices }, (_, index) => form.opening(index)).filter(
      (choice) => choice !== null,
    )
    yield encoder.encode(opening.map(chunk).join(''))
    for (let some = await ticket.take(); some.length > 0; some = await ticket.take()) {
      order.onFirst()
      const events = some.map(({ task, ...piece }) => {
        const hasMore = piece.text !== '' || piece.tokens.length > 0
        return [
          hasMore ? chunk(form.delta(task, join([piece], scored))) : '',
          piece.finish ? chunk(form.closing(task, piece.finish)) : '',
        ].join('')
      })
      yield encoder.encode(events.join(''))
    }
    const usage = includeUsage ? event({ ...head, choices: [], usage: usageOf(order) }) : ''
    yield encoder.encode(`${usage}data: [DONE]\n\n`)
  } catch (error) {
    yield encoder.encode(event(asApiError(error).body))
  } finally {
    ticket.cancel()
    order.onEnd()
  }
}

/** A stream that asks for the next part when there is room, and ends the iteration when its reader goes away. */
export function streamOf(parts: AsyncGenerator<Uint8Array, void, void>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await parts.return()
    },
  })
}
