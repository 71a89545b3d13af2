/**
 * What a run tells: one schema for the terminal, the studio and the report. The log itself is `events.ts`.
 *
 * An event is small (4 kB as a line); long things (rollouts, document traces) lie in files of their own, and events point to them. Numbers that are
 * not finite are written as null, as JSON has no others.
 */
import { z } from 'zod'

/** The most bytes of an event's line, newline included. */
export const EVENT_BYTES = 4096

const count = z.number().int().nonnegative()
const measured = z.number().nullable()
const metrics = z.record(z.string(), measured)
/** A sentence in both languages. */
const sentence = z.object({ en: z.string(), zh: z.string() })

/** What a writer hands in; the log adds seq, attempt, time and the current stage. */
export const eventBody = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('started'),
    recipe: z.string(),
    language: z.enum(['zh', 'en']),
    version: z.string(),
    stages: z.array(z.object({ kind: z.string(), name: z.string(), folder: z.string() })),
    machine: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  }),
  z.object({
    type: z.literal('stage-started'),
    kind: z.string(),
    name: z.string(),
    steps: count.optional(),
    /** The run that made it already: what follows is what that one said of it. */
    takenFrom: z.string().optional(),
  }),
  z.object({
    type: z.literal('stage-done'),
    kind: z.string(),
    name: z.string(),
    seconds: z.number(),
    metrics,
    /** Its manifest was current: nothing ran. */
    skipped: z.boolean().optional(),
    /** Nothing ran either: it lay finished in this run. */
    takenFrom: z.string().optional(),
  }),
  z.object({
    type: z.literal('progress'),
    step: count,
    steps: count,
    loss: measured.optional(),
    tokensPerSecond: measured.optional(),
    etaSeconds: measured.optional(),
    /** Of the measured FMA peak, 0–1. */
    peakShare: measured.optional(),
  }),
  z.object({
    type: z.literal('metric'),
    name: z.string(),
    value: measured,
    step: count.optional(),
    split: z.string().optional(),
    /** Bounds of the 95 % interval. */
    low: measured.optional(),
    high: measured.optional(),
  }),
  z.object({ type: z.literal('sample'), prompt: z.string(), text: z.string(), step: count.optional() }),
  z.object({ type: z.literal('warning'), code: z.string(), message: sentence, step: count.optional() }),
  /** What a test with rules of its own says of the stage: `aha`. `holds` is null where something to compare with is missing. */
  z.object({
    type: z.literal('verdict'),
    about: z.string(),
    holds: z.boolean().nullable(),
    step: count.optional(),
    message: sentence,
  }),
  z.object({ type: z.literal('checkpoint'), step: count, folder: z.string() }),
  /** Whole groups of answers in a file: `offset` is where the step's first line begins. */
  z.object({ type: z.literal('rollout'), step: count, file: z.string(), offset: count, groups: count }),
  /** A new attempt goes on from here: events of earlier attempts with seq > fromSeq did not happen. */
  z.object({ type: z.literal('resumed'), fromSeq: z.number().int().min(-1), step: count.optional() }),
  z.object({ type: z.literal('paused'), step: count.optional() }),
  z.object({ type: z.literal('continued'), step: count.optional() }),
  z.object({ type: z.literal('stopped'), step: count.optional() }),
  z.object({ type: z.literal('failed'), message: z.string(), zh: z.string().optional(), step: count.optional() }),
  z.object({ type: z.literal('done'), seconds: z.number() }),
])
export type EventBody = z.infer<typeof eventBody>

export const event = z.intersection(
  eventBody,
  z.object({
    /** Rises by one with each line of the log, over all attempts. */
    seq: count,
    /** 1, and one more with each process that goes on with the run. */
    attempt: z.number().int().positive(),
    /** Milliseconds since 1970. */
    time: z.number(),
    /** The folder of the stage that was running: `03-pretrain`. */
    stage: z.string().optional(),
  }),
)
export type RunEvent = z.infer<typeof event>

/** One line, newline included, of at most `EVENT_BYTES`: long texts are cut and say by how much, then `metrics` loses its tail. */
export function toLine(value: RunEvent): string {
  for (let longest = EVENT_BYTES; longest >= 32; longest = Math.floor(longest * 0.9)) {
    const line = `${JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? shorten(part, longest) : part))}\n`
    if (Buffer.byteLength(line) <= EVENT_BYTES) return line
  }
  if ('metrics' in value && Object.keys(value.metrics).length > 0) {
    const kept = Object.entries(value.metrics).slice(0, -1)
    return toLine({ ...value, metrics: Object.fromEntries(kept) })
  }
  throw new Error(`an event "${value.type}" has over ${EVENT_BYTES} bytes: write a file and let the event point to it`)
}

/** At most so many UTF-16 units, then how many are missing. */
function shorten(text: string, longest: number): string {
  if (text.length <= longest) return text
  const kept = text.slice(0, longest).replace(/[\ud800-\udbff]$/, '')
  return `${kept}…[${text.length - kept.length} more]`
}
