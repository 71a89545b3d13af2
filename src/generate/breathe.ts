/**
 * Lets the event loop have a turn when it has had none for a while: a native step runs on the calling thread, and `await`
 * alone would keep sockets, timers and the page waiting until the last token. Does not change what is computed.
 */

const PATIENCE_MS = 10

let last = 0

export async function breathe(): Promise<void> {
  if (performance.now() - last < PATIENCE_MS) return
  await new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel() // setTimeout would sleep for a millisecond or more
    const turn = () => {
      port1.close()
      resolve()
    }
    port1.addEventListener('message', turn, { once: true })
    port1.start()
    port2.postMessage(0)
  })
  last = performance.now()
}
