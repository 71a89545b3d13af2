/**
 * A batch of raw documents, cleaned and signed: all that can be done without knowing the others, in one call, so that a thread can do it.
 * The result is what a part on the disk is made of (parts.ts): lines of JSON and columns of numbers.
 */
import { bandKeys } from './minhash.ts'
import { cleanDocument } from './clean.ts'
import type { CorpusConfig } from './config.ts'
import { lineHashes, textHash } from './dedup.ts'
import { isRejection } from './document.ts'
import type { RawDocument, Rejection } from './document.ts'
import type { Lists } from './lists.ts'

export interface Batch {
  items: (RawDocument | Rejection)[]
  /** Whether the filters apply. */
  web: boolean
  /** Number of the source, where the sources have weights. */
  mixture?: number
}

/** Documents and bytes. */
export type Count = [documents: number, bytes: number]

/** Columns of documents are in their order; a refused item has only a line. */
export interface CleanedBatch {
  /** A line for each item: a document, or a rejection. */
  lines: Uint8Array
  /** Bytes of each line. */
  lengths: Uint32Array
  /** 1 for each item that is a document. */
  isDocument: Uint8Array
  /** Bytes of each document's text. */
  textBytes: Uint32Array
  /** Four words a document. */
  hashes: Uint32Array
  /** Two words for each band, document by document; zeros where near-duplicates do not matter. */
  keys: Uint32Array
  /** Line and offset of each document in its source; NaN where there is none. */
  places: Float64Array
  /** With `dedup.lines`: how many lines each document has, and two words for each. */
  lineCounts: Uint32Array
  lineHashes: Uint32Array
  languages: string[]
  /** Number of a document in the batch, and how much of what was masked in it. */
  masked: [document: number, counts: Record<string, number>][]
  /** What reached each step. */
  steps: Record<string, Count>
  /** What each rule refused. */
  rules: Record<string, Count>
  /** Items that are no defects of the source. */
  read: number
}

export function cleanBatch({ items, web, mixture }: Batch, config: CorpusConfig, lists: Lists): CleanedBatch {
  const { dedup } = config
  const lines: string[] = []
  const isDocument = new Uint8Array(items.length)
  const textBytes: number[] = []
  const hashes: number[] = []
  const places: number[] = []
  const keys: Uint32Array[] = []
  const lineCounts: number[] = []
  const lineWords: number[] = []
  const languages: string[] = []
  const masked: CleanedBatch['masked'] = []
  const steps: Record<string, Count> = {}
  const rules: Record<string, Count> = {}
  let read = 0
  let reached = 0 // bytes of the current document where it got to

  const add = (counts: Record<string, Count>, name: string, bytes: number) => {
    const entry = (counts[name] ??= [0, 0])
    entry[0]++
    entry[1] += bytes
  }
  const tally = (step: string, bytes: number) => {
    reached = bytes
    add(steps, step, bytes)
  }
  const refuse = (rejection: Rejection) => {
    add(rules, rejection.rule, reached)
    lines.push(`${JSON.stringify(rejection)}\n`)
  }
  for (const [i, raw] of items.entries()) {
    reached = 0
    if (isRejection(raw)) {
      refuse(raw)
      continue
    }
    read++
    const cleaned = cleanDocument(raw, config, web, lists, tally)
    if (isRejection(cleaned)) {
      refuse(cleaned)
      continue
    }
    const { document } = cleaned
    const number = languages.length
    const bytes = Buffer.byteLength(document.text)
    isDocument[i] = 1
    lines.push(`${JSON.stringify(mixture === undefined ? document : { ...document, mixture })}\n`)
    textBytes.push(bytes)
    const hash = Buffer.from(textHash(document.text), 'hex')
    for (let word = 0; word < 16; word += 4) hashes.push(hash.readUInt32LE(word))
    keys.push(web && dedup.near ? bandKeys(document.text, dedup) : new Uint32Array(2 * dedup.bands))
    places.push(raw.line ?? NaN, raw.offset ?? NaN)
    languages.push(document.language ?? 'und')
    if (dedup.lines !== false) {
      const words = web ? lineHashes(document.text, dedup.lines) : []
      lineCounts.push(words.length / 2)
      lineWords.push(...words)
    }
    const counts = Object.entries(cleaned.masked ?? {}).filter(([, count]) => count > 0)
    if (counts.length > 0) masked.push([number, Object.fromEntries(counts)])
  }
  const encoded = lines.map((line) => Buffer.from(line))
  const signatures = new Uint32Array(keys.length * 2 * dedup.bands)
  keys.forEach((key, i) => signatures.set(key, i * 2 * dedup.bands))
  return {
    lines: new Uint8Array(Buffer.concat(encoded)),
    lengths: Uint32Array.from(encoded, ({ length }) => length),
    isDocument,
    textBytes: Uint32Array.from(textBytes),
    hashes: Uint32Array.from(hashes),
    keys: signatures,
    places: Float64Array.from(places),
    lineCounts: Uint32Array.from(lineCounts),
    lineHashes: Uint32Array.from(lineWords),
    languages,
    masked,
    steps,
    rules,
    read,
  }
}
