/**
 * Clusters of duplicates among any number of documents, from signatures that lie on the disk.
 *
 * One column of them is read at a time (the hashes of the texts, then band after band) into a table of the keys seen. A document that finds its key
 * there is a duplicate and belongs to the cluster of the earliest that it met, whose first document stays. What is held is that table, which is
 * bounded (more documents are done in several passes, each for a share of the keys), and 10 bytes a document.
 *
 * Unlike FineWeb's connected components, two documents that stay apart are not made one by a later document that is like both: only the later one goes.
 */
import { textHash } from './dedup.ts'
import type { DedupConfig } from './dedup.ts'
import { keyTable } from './key-table.ts'
import { bandKeys } from './minhash.ts'

/** Signatures of documents 0, 1, 2, …, column by column, each in pieces of whole documents. */
export interface Signatures {
  documents: number
  bands: number
  /** Four words a document. */
  hashes(): AsyncIterable<Uint32Array> | Iterable<Uint32Array>
  /** Two words a document; zeros meet nobody. */
  band(number: number): AsyncIterable<Uint32Array> | Iterable<Uint32Array>
}

export const KEPT = 0
export const EXACT = 1
export const NEAR = 2

export interface Clusters {
  /** Of each document the first of its cluster: itself when it stays. */
  first: Uint32Array
  /** Of each document: KEPT, EXACT or NEAR. */
  kind: Uint8Array
  /** The earliest document that it met; itself when it met none. */
  met: Uint32Array
  /** In how many bands it met an earlier one. */
  bands: Uint8Array
}

/** `perPass`: documents whose keys lie in memory at a time. */
export async function findClusters(
  signatures: Signatures,
  { exact = true, near = true, perPass = 1 << 23 } = {},
): Promise<Clusters> {
  const { documents } = signatures
  const met = new Uint32Array(documents)
  for (let document = 0; document < documents; document++) met[document] = document
  const kind = new Uint8Array(documents)
  const bands = new Uint8Array(documents)
  if (exact) {
    await repeats(
      () => signatures.hashes(),
      { documents, words: 4, perPass },
      (document, earlier) => {
        kind[document] = EXACT
        met[document] = earlier
      },
    )
  }
  const shape = { documents, words: 2, perPass, skip: (document: number) => kind[document] === EXACT }
  for (let band = 0; band < (near ? signatures.bands : 0); band++) {
    await repeats(
      () => signatures.band(band),
      shape,
      (document, earlier) => {
        kind[document] = NEAR
        bands[document]!++
        met[document] = Math.min(met[document]!, earlier)
      },
    )
  }
  const first = met.slice()
  for (let document = 0; document < documents; document++) first[document] = first[met[document]!]!
  return { first, kind, met, bands }
}

interface Column {
  documents: number
  /** Of a key. */
  words: number
  perPass: number
  skip?: (document: number) => boolean
}

/** Calls `found` with each document whose key an earlier one has, and with the first of these. */
async function repeats(
  column: () => AsyncIterable<Uint32Array> | Iterable<Uint32Array>,
  { documents, words, perPass, skip }: Column,
  found: (document: number, earlier: number) => void,
): Promise<void> {
  const passes = Math.max(1, Math.ceil(documents / perPass))
  const table = keyTable(Math.min(documents, perPass), words)
  for (let pass = 0; pass < passes; pass++) {
    let document = 0
    table.clear()
    for await (const keys of column()) {
      for (let at = 0; at < keys.length; at += words, document++) {
        if (keys[at + 1] === 0 && keys[at] === 0) continue
        if ((passes > 1 && keys[at]! % passes !== pass) || skip?.(document)) continue
        const earlier = table.add(keys, at, document)
        if (earlier !== document) found(document, earlier)
      }
    }
  }
}

/** The signatures of texts that fit into memory. */
export function signTexts(texts: readonly string[], config: DedupConfig): Signatures {
  const { bands } = config
  const hashes = new Uint32Array(4 * texts.length)
  const keys = Array.from({ length: bands }, () => new Uint32Array(2 * texts.length))
  for (const [i, text] of texts.entries()) {
    const hash = Buffer.from(textHash(text), 'hex')
    for (let word = 0; word < 4; word++) hashes[4 * i + word] = hash.readUInt32LE(4 * word)
    const own = bandKeys(text, config)
    for (const [band, column] of keys.entries()) column.set(own.subarray(2 * band, 2 * band + 2), 2 * i)
  }
  return { documents: texts.length, bands, hashes: () => [hashes], band: (number) => [keys[number]!] }
}
