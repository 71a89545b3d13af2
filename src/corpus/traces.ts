/**
 * What became of each document: it is a line of `documents.jsonl` or `heldout.jsonl`, or of `rejected.jsonl` with the rule, the value and the
 * threshold. `traces.index.json` makes these files cheap to look into: where every thousandth line begins, and a sample of the lines of each
 * rule, drawn by the seed and the number of the document, so that it does not depend on how the corpus was built.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../run/errors.ts'
import { readJson } from '../run/files.ts'
import { readBytes } from './parts.ts'

export const TRACE_FILES = ['documents.jsonl', 'heldout.jsonl', 'rejected.jsonl'] as const
export type TraceFile = (typeof TRACE_FILES)[number]
export const TRACE_INDEX = 'traces.index.json'

/** First byte and length of a line. */
const place = z.tuple([z.number(), z.number()])
const schema = z.object({
  every: z.number(),
  /** Of each file: how many lines, and the first byte of lines 0, `every`, 2 · `every`, … */
  files: z.record(z.string(), z.object({ lines: z.number(), offsets: z.array(z.number()) })),
  /** Lines of `rejected.jsonl` by rule; those named `kept` are of `documents.jsonl`. */
  samples: z.record(z.string(), z.array(place)),
})
export type TraceIndex = z.infer<typeof schema>
export const KEPT_SAMPLE = 'kept'

const EVERY = 1000
const SAMPLES = 20

/** Told of each line that is written, in the order of its file. */
export function traceIndexer(seed: number) {
  const files = Object.fromEntries(TRACE_FILES.map((file) => [file, { lines: 0, offsets: [] as number[], bytes: 0 }]))
  const samples = new Map<string, { rank: number; at: [number, number] }[]>()
  return {
    /** `number` is that of the document in the order of reading. */
    add(file: TraceFile, bytes: number, rule: string | undefined, number: number) {
      const entry = files[file]!
      if (entry.lines % EVERY === 0) entry.offsets.push(entry.bytes)
      entry.lines++
      if (rule !== undefined) {
        if (!samples.has(rule)) samples.set(rule, [])
        keepLowest(
          samples.get(rule)!,
          { rank: lot(seed, number), at: [entry.bytes, bytes] as [number, number] },
          SAMPLES,
        )
      }
      entry.bytes += bytes
    },
    index: (): TraceIndex => ({
      every: EVERY,
      files: Object.fromEntries(
        Object.entries(files).map(([file, { lines, offsets }]) => [file, { lines, offsets }] as const),
      ),
      samples: Object.fromEntries(
        [...samples].sort(([a], [b]) => (a < b ? -1 : 1)).map(([rule, drawn]) => [rule, drawn.map(({ at }) => at)]),
      ),
    }),
  }
}

/** Puts an entry in its place among the lowest few. */
export function keepLowest<T extends { rank: number }>(list: T[], entry: T, most: number): void {
  if (list.length === most && entry.rank >= list.at(-1)!.rank) return
  const at = list.findIndex(({ rank }) => rank > entry.rank)
  list.splice(at < 0 ? list.length : at, 0, entry)
  if (list.length > most) list.pop()
}

/** A number of 32 bits for the n-th document: the lowest are a random sample (murmur3's finaliser). */
export function lot(seed: number, number: number): number {
  let h = Math.imul(number ^ Math.imul(seed + 1, 0x9e3779b1), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

export async function readTraceIndex(folder: string): Promise<TraceIndex> {
  const path = join(folder, TRACE_INDEX)
  const { data } = schema.safeParse(await readJson(path))
  if (data) return data
  throw new UserError(
    `${folder} holds no corpus: there is no readable ${TRACE_INDEX}`,
    `${folder} 里没有语料：读不到 ${TRACE_INDEX}`,
  )
}

/** One line of a file, parsed. */
export async function readTrace(folder: string, file: TraceFile, [from, bytes]: [number, number]): Promise<unknown> {
  return JSON.parse(Buffer.from(await readBytes(join(folder, file), from, bytes)).toString())
}
