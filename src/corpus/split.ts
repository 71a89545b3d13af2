/**
 * The files of a corpus as they are written: documents on two sides of the split, rejections, and the index of all three.
 *
 * The split goes by a hash of the text: it does not change when documents are added. On each side the document nearest to the border waits
 * until the end: if the other side would stay empty, it goes there, so that a corpus of two documents can be trained on and evaluated.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { openAtomic } from '../formats/index.ts'
import { KEPT_SAMPLE, traceIndexer } from './traces.ts'
import type { TraceFile } from './traces.ts'

export interface Kept {
  line: Uint8Array
  /** Bytes of its text. */
  bytes: number
  /** Hexadecimal: see textHash. */
  hash: string
  /** In the order of reading. */
  number: number
  /** Index of its source. */
  source: number
}

export async function openSplit(folder: string, share: number, seed: number) {
  const open = (file: TraceFile) => openAtomic(join(folder, file))
  const [documents, heldOut, rejected] = [
    await open('documents.jsonl'),
    await open('heldout.jsonl'),
    await open('rejected.jsonl'),
  ]
  const all = [documents, heldOut, rejected]
  const index = traceIndexer(seed)
  const counts = { documents: 0, bytes: 0, heldOut: 0, heldOutBytes: 0, rejected: 0 }
  /** By source. */
  const kept: { trained: Amount; heldOut: Amount }[] = []
  const waiting: { trained?: Placed; heldOut?: Placed } = {}

  async function write({ line, bytes, number, source }: Kept, side: 'trained' | 'heldOut') {
    counts[side === 'heldOut' ? 'heldOut' : 'documents']++
    counts[side === 'heldOut' ? 'heldOutBytes' : 'bytes'] += bytes
    const entry = (kept[source] ??= { trained: { documents: 0, bytes: 0 }, heldOut: { documents: 0, bytes: 0 } })[side]
    entry.documents++
    entry.bytes += bytes
    if (side === 'heldOut') index.add('heldout.jsonl', line.length, undefined, number)
    else index.add('documents.jsonl', line.length, KEPT_SAMPLE, number)
    await (side === 'heldOut' ? heldOut : documents).write(line)
  }
  return {
    async keep(document: Kept) {
      const placed = { document, place: placeOf(document.hash, seed) }
      const side = placed.place < share ? 'heldOut' : 'trained'
      const other = waiting[side]
      const nearer = other === undefined || Math.abs(placed.place - share) < Math.abs(other.place - share)
      if (nearer) waiting[side] = placed
      const settled = nearer ? other : placed
      if (settled !== undefined) await write(settled.document, side)
    },
    async reject(line: Uint8Array, rule: string, number: number) {
      counts.rejected++
      index.add('rejected.jsonl', line.length, rule, number)
      await rejected.write(line)
    },
    /** Writes those that wait; afterwards the counts are final. */
    async settle() {
      const alone = share > 0 && waiting.heldOut === undefined && counts.documents > 0
      if (waiting.trained !== undefined) await write(waiting.trained.document, alone ? 'heldOut' : 'trained')
      if (waiting.heldOut !== undefined)
        await write(waiting.heldOut.document, counts.documents === 0 ? 'trained' : 'heldOut')
      return { counts, kept, index: index.index() }
    },
    async close() {
      for (const file of all) await file.close()
    },
    async discard() {
      for (const file of all) await file.discard()
    },
  }
}

interface Amount {
  documents: number
  bytes: number
}

interface Placed {
  document: Kept
  place: number
}

/** A number in [0, 1) from the text and the seed. */
export function placeOf(hash: string, seed: number): number {
  const digest = createHash('sha256').update(`${seed} ${hash}`).digest()
  return digest.readUIntBE(0, 6) / 2 ** 48
}
