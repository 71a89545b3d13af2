/**
 * The tokenizer on several threads: encoding a corpus, and counting the words of one to train on.
 *
 * Documents go to workers in batches and results come back in the order of the documents; what a tokenizer learns depends on the counts of
 * words alone. So neither depends on the number of threads. A corpus of less than `SMALL` code units is done on the spot: starting a
 * thread costs more. This file is the workers' program, too.
 */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Tokenizer } from './tokenizer.ts'
import { checkOptions, trainOnCounts, type TrainOptions } from './train.ts'
import type { Vocabulary } from './vocabulary.ts'
import { WordCounts, type CountedWords } from './word-counts.ts'

const SMALL = 1 << 21 // UTF-16 code units
const BATCH = 1 << 18

type Documents = Iterable<string> | AsyncIterable<string>

export interface EncodeOptions {
  /** Default: as many as the machine has cores. */
  threads?: number
  /** The texts of special tokens become their ids. */
  special?: boolean
}

/** The ids of each document, in order. Ends its workers also when the caller stops early or a document cannot be read. */
export async function* encodeAll(
  tokenizer: Tokenizer,
  documents: Documents,
  { threads = availableParallelism(), special = false }: EncodeOptions = {},
): AsyncGenerator<Int32Array> {
  const reader = batches(documents)
  const first: string[][] = []
  if (await readSmall(reader, first, threads)) {
    for await (const batch of joined(first, reader))
      for (const text of batch) yield Int32Array.from(tokenizer.encode(text, { special }))
    return
  }
  const workers = start(threads, { task: 'encode', vocabulary: tokenizer.vocabulary, special })
  const pending: Promise<Encoded>[] = []
  try {
    let next = 0
    for await (const batch of joined(first, reader)) {
      pending.push(workers[next++ % threads]!.ask(batch) as Promise<Encoded>)
      if (pending.length > 2 * threads) yield* documentsOf(await pending.shift()!)
    }
    for (const encoded of pending) yield* documentsOf(await encoded)
  } finally {
    await stop(workers)
  }
}

/** As `trainTokenizer`, its words counted on several threads; the result is the same. */
export async function trainTokenizerOnThreads(
  documents: Documents,
  options: TrainOptions & { threads?: number },
): Promise<Tokenizer> {
  checkOptions(options)
  const { threads = availableParallelism(), hanCap = 4 } = options
  const cap = hanCap === 'none' ? Infinity : hanCap
  const words = new WordCounts()
  const reader = batches(documents)
  const first: string[][] = []
  if (await readSmall(reader, first, threads)) {
    for await (const batch of joined(first, reader)) for (const text of batch) words.addText(text, cap)
    return trainOnCounts(words, options)
  }
  const workers = start(threads, { task: 'count', cap })
  try {
    let next = 0
    const pending: Promise<unknown>[] = []
    for await (const batch of joined(first, reader)) {
      pending.push(workers[next++ % threads]!.ask(batch))
      if (pending.length > 2 * threads) await pending.shift()
    }
    await Promise.all(pending)
    for (const worker of workers) words.addCounted((await worker.ask('counted')) as CountedWords)
  } finally {
    await stop(workers)
  }
  return trainOnCounts(words, options)
}

/** Documents in groups of about `BATCH` code units. */
async function* batches(documents: Documents): AsyncGenerator<string[]> {
  let batch: string[] = []
  let size = 0
  for await (const text of documents) {
    batch.push(text)
    size += text.length
    if (size < BATCH) continue
    yield batch
    batch = []
    size = 0
  }
  if (batch.length > 0) yield batch
}

/** Reads up to `SMALL` code units into `first`; says whether workers are not worth starting. */
async function readSmall(reader: AsyncGenerator<string[]>, first: string[][], threads: number): Promise<boolean> {
  if (threads === 1) return true
  for (let size = 0; size < SMALL;) {
    const { value, done } = await reader.next()
    if (done) return true
    first.push(value)
    for (const text of value) size += text.length
  }
  return false
}

async function* joined(first: string[][], reader: AsyncGenerator<string[]>): AsyncGenerator<string[]> {
  yield* first
  yield* reader
}

/** The ids of a batch, and where each document's end. */
interface Encoded {
  ids: Int32Array
  ends: Int32Array
}

function* documentsOf({ ids, ends }: Encoded): Generator<Int32Array> {
  let start = 0
  for (const end of ends) {
    yield ids.slice(start, end)
    start = end
  }
}

type Task = { task: 'encode'; vocabulary: Vocabulary; special: boolean } | { task: 'count'; cap: number }
/** Says that a thread is one of these. */
type Mine = Task & { xueba: 'tokenizer' }

interface Thread {
  /** Answers come in the order of the questions. */
  ask(message: unknown): Promise<unknown>
  stop(): Promise<unknown>
}

function start(threads: number, task: Task): Thread[] {
  return Array.from({ length: threads }, () => startThread({ xueba: 'tokenizer', ...task }))
}

function startThread(task: Mine): Thread {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: task, execArgv: [] })
  const waiting: PromiseWithResolvers<unknown>[] = []
  let failure: unknown
  worker.on('message', (answer) => waiting.shift()!.resolve(answer))
  worker.on('error', (error) => {
    failure = error
    for (const one of waiting.splice(0)) one.reject(error)
  })
  return {
    ask(message) {
      if (failure) return Promise.reject(failure)
      const answer = Promise.withResolvers<unknown>()
      answer.promise.catch(() => {}) // awaited later: until then a failure is not unhandled
      waiting.push(answer)
      worker.postMessage(message, [])
      return answer.promise
    },
    stop: () => worker.terminate(),
  }
}

const stop = (workers: readonly Thread[]) => Promise.all(workers.map((worker) => worker.stop()))

/** A worker's life: answers each batch. */
function serve(task: Task) {
  const port = parentPort!
  if (task.task === 'encode') {
    const tokenizer = new Tokenizer(task.vocabulary)
    port.on('message', (texts: string[]) => {
      const found = texts.map((text) => tokenizer.encode(text, { special: task.special }))
      const ends = new Int32Array(found.length)
      let length = 0
      found.forEach((ids, i) => (ends[i] = length += ids.length))
      const ids = new Int32Array(length)
      found.forEach((document, i) => ids.set(document, i > 0 ? ends[i - 1] : 0))
      port.postMessage({ ids, ends } satisfies Encoded, [ids.buffer, ends.buffer])
    })
    return
  }
  const words = new WordCounts()
  port.on('message', (message: string[] | 'counted') => {
    if (message === 'counted') return port.postMessage(words.counted())
    for (const text of message) words.addText(text, task.cap)
    port.postMessage(null)
  })
}

if (!isMainThread && (workerData as Partial<Mine> | null)?.xueba === 'tokenizer') serve(workerData as Mine)
