/**
 * Work on all cores: a pool of worker threads of one module, and results in the order of their inputs, so that what is made does not depend on
 * how many there are. The module calls `serve` with what it does to one input.
 */
import { availableParallelism } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, Worker } from 'node:worker_threads'

export interface Pool<Input, Output> {
  /** Rejects when the work throws, or its thread dies. */
  run(input: Input): Promise<Output>
  close(): Promise<void>
}

/** As many threads as the engine may use, or the machine has. */
export const defaultWorkers = (): number => Number(process.env.XUEBA_THREADS) || availableParallelism()

/** The address of a module beside another: `.ts` in a clone, `.js` in the package. */
export const beside = (file: string, name: string): URL => pathToFileURL(join(dirname(file), name + extname(file)))

/** Starts threads of a module, each with the same `workerData`. */
export function openPool<Input, Output>(module: URL, workers: number, workerData: unknown): Pool<Input, Output> {
  interface Job {
    input: Input
    resolve(output: Output): void
    reject(error: unknown): void
  }
  const waiting: Job[] = []
  const idle: Worker[] = []
  const busy = new Map<Worker, Job>()
  let failure: unknown
  let closing = false
  const fail = (error: unknown) => {
    failure ??= error
    for (const job of [...waiting.splice(0), ...busy.values()]) job.reject(failure)
  }
  const next = (worker: Worker) => {
    const job = waiting.shift()
    if (job === undefined) idle.push(worker)
    else {
      busy.set(worker, job)
      worker.postMessage(job.input, [])
    }
  }
  const threads = Array.from({ length: workers }, () => {
    const worker = new Worker(module, { workerData, execArgv: [] })
    worker.on('message', (reply: { output: Output } | { error: unknown }) => {
      const job = busy.get(worker)!
      busy.delete(worker)
      if ('error' in reply) job.reject(reply.error)
      else job.resolve(reply.output)
      next(worker)
    })
    worker.on('error', fail)
    worker.on('exit', (code) => {
      if (!closing) fail(new Error(`a worker thread ended with code ${code}`))
    })
    next(worker)
    return worker
  })
  return {
    run(input) {
      if (failure !== undefined) return Promise.reject(failure as Error)
      return new Promise((resolve, reject) => {
        waiting.push({ input, resolve, reject })
        const worker = idle.pop()
        if (worker) next(worker)
      })
    },
    async close() {
      closing = true
      await Promise.all(threads.map((worker) => worker.terminate()))
    },
  }
}

/** In a worker's module: answers each input; `transfer` names buffers that need not be copied. */
export function serve<Input, Output>(
  work: (input: Input) => Output,
  transfer: (output: Output) => ArrayBuffer[] = () => [],
): void {
  parentPort!.on('message', (input: Input) => {
    try {
      const output = work(input)
      parentPort!.postMessage({ output }, transfer(output))
    } catch (error) {
      parentPort!.postMessage({ error }, [])
    }
  })
}

/** The results of `work` in the order of the inputs, while up to `ahead` later ones are being worked on. */
export async function* inOrder<Input, Output>(
  inputs: AsyncIterable<Input>,
  work: (input: Input) => Promise<Output>,
  ahead: number,
): AsyncGenerator<Output> {
  const pending: Promise<Output>[] = []
  for await (const input of inputs) {
    const result = work(input)
    result.catch(() => {}) // it is thrown where it is awaited
    pending.push(result)
    if (pending.length > ahead) yield await pending.shift()!
  }
  for (const result of pending) yield await result
}
