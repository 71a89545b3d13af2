/** What one side puts in and the other takes out, all that is there at a time. */
export interface Mailbox<T> {
  put(item: T): void
  /** No more will come: what is there can still be taken; with an error, it is thrown after that. */
  end(error?: Error): void
  /** Waits for items; an empty list says that none will come. For one taker. */
  take(): Promise<T[]>
}

export function createMailbox<T>(): Mailbox<T> {
  let items: T[] = []
  let ended = false
  let failure: Error | undefined
  let wake = () => {}
  return {
    put(item) {
      if (!ended) items.push(item)
      wake()
    },
    end(error) {
      if (!ended) failure = error
      ended = true
      wake()
    },
    async take() {
      if (items.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve))
      const taken = items
      items = []
      if (taken.length === 0 && failure) throw failure
      return taken
    },
  }
}
