/**
 * Documents as token streams, and rows of a batch cut from them. A document is `<|endoftext|>` followed by its tokens: the
 * model learns what a beginning looks like, and to end (the next beginning is a target). Each epoch has its own order of
 * documents; which tokens row g holds is a pure function of (seed, g), so a resumed run reads on where it stopped.
 */
import type { Batch } from '../nn/index.ts'
import { random } from '../tensor/index.ts'
import { sourceOf, type TokenSource } from './token-source.ts'

export interface TokenStream {
  /** All documents one after the other, each beginning with the end-of-text token. */
  tokens: Int32Array
  /** Where each document begins, and the total length at the end. */
  borders: Int32Array
}

/** Joins encoded documents. */
export function streamOfDocuments(documents: Iterable<readonly number[] | Int32Array>, endOfText: number): TokenStream {
  let tokens = new Int32Array(1 << 16)
  const borders: number[] = [0]
  let length = 0
  for (const ids of documents) {
    if (length + ids.length + 1 > tokens.length) {
      const larger = new Int32Array(Math.max(tokens.length * 2, length + ids.length + 1))
      larger.set(tokens)
      tokens = larger
    }
    tokens[length] = endOfText
    tokens.set(ids, length + 1)
    length += ids.length + 1
    borders.push(length)
  }
  return { tokens: tokens.slice(0, length), borders: Int32Array.from(borders) }
}

/** Documents of a source in the order of one epoch. */
interface Epoch {
  order: ArrayLike<number>
  /** Where each document of `order` begins in the epoch's stream. */
  begins: Float64Array
  tokens: number
}

export interface RowReader {
  /** Rows of one epoch. */
  rowsPerEpoch: number
  /** Rows `first` … `first + rows − 1` of the endless sequence of epochs. */
  batch(first: number, rows: number): Batch
}

/** Cuts rows of `time` tokens. `shuffle: false` keeps the documents' order (for held-out text). */
export function readRows(
  tokens: TokenStream | TokenSource,
  time: number,
  seed: number,
  { shuffle = true } = {},
): RowReader {
  const source = 'tokens' in tokens ? sourceOf(tokens) : tokens
  const { borders } = source
  const rowsPerEpoch = Math.floor((epochTokens(source) - 1) / time)
  const row = new Int32Array(time + 1)
  const epochs = new Map<number, Epoch>()

  const epochAt = (number: number): Epoch => {
    const known = epochs.get(number)
    if (known) return known
    const natural = documentsOf(source, number, seed)
    const order = shuffle ? random(seed, 'documents', number).shuffle(natural) : natural
    const begins = new Float64Array(order.length)
    let at = 0
    order.forEach((d, i) => {
      begins[i] = at
      at += borders[d + 1]! - borders[d]!
    })
    if (epochs.size > 1) epochs.clear()
    const epoch = { order, begins, tokens: at }
    epochs.set(number, epoch)
    return epoch
  }

  /** The tokens of a row and one more; those of an epoch are followed by its first ones. */
  const fill = (number: number, base: number, { ids, targets, starts }: Batch) => {
    const { order, begins, tokens } = epochAt(Math.floor(number / rowsPerEpoch))
    const from = ((number % rowsPerEpoch) * time) % tokens // a mixture's epochs are not all of one length
    let at = lastAtMost(begins, from)
    let token = borders[order[at]!]! + from - begins[at]!
    for (let t = 0; t <= time;) {
      const some = Math.min(borders[order[at]! + 1]! - token, time + 1 - t)
      source.copy(token, some, row, t)
      starts.fill(t, base + t, base + Math.min(t + some, time))
      t += some
      at = (at + 1) % order.length
      token = borders[order[at]!]!
    }
    ids.set(row.subarray(0, time), base)
    targets.set(row.subarray(1), base)
  }

  return {
    rowsPerEpoch,
    batch(first, rows) {
      const n = rows * time
      const batch = { ids: new Int32Array(n), targets: new Int32Array(n), starts: new Int32Array(n) }
      for (let r = 0; r < rows; r++) fill(first + r, r * time, batch)
      return batch
    },
  }
}

/** How many tokens an epoch reads. */
export function epochTokens({ borders, epochs }: Pick<TokenSource, 'borders' | 'epochs'>): number {
  const count = borders.length - 1
  if (!epochs) return borders[count]!
  let sum = 0
  for (let i = 0; i < count; i++) sum += epochs[i]! * (borders[i + 1]! - borders[i]!)
  return Math.floor(sum)
}

/**
 * The documents of an epoch in their order, each as often as it is read. One that is read e times an epoch is read ⌊u + (n + 1)e⌋ − ⌊u + ne⌋ times in
 * epoch n, where u is a random number of its own: e times on average, and never left out for longer than need be.
 */
function documentsOf({ borders, epochs }: TokenSource, epoch: number, seed: number): number[] {
  const count = borders.length - 1
  if (!epochs) return Array.from({ length: count }, (_, i) => i)
  const draw = random(seed, 'mixture')
  const found: number[] = []
  for (let i = 0; i < count; i++) {
    const u = draw.uniform()
    const times = Math.floor(u + (epoch + 1) * epochs[i]!) - Math.floor(u + epoch * epochs[i]!)
    for (let k = 0; k < times; k++) found.push(i)
  }
  return found.length > 0 ? found : Array.from({ length: count }, (_, i) => i)
}

/** Index of the last element ≤ x of a sorted array. */
function lastAtMost(sorted: Float64Array, x: number): number {
  let low = 0
  let high = sorted.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (sorted[middle]! <= x) low = middle
    else high = middle - 1
  }
  return low
}

/** A tokenised dialogue: what the loss is on is marked 1. */
export interface Masked {
  ids: number[]
  mask: number[]
}

/**
 * Packs dialogues into rows of `time` tokens, first fit in a shuffled order, each with attention of its own; the rest of a row
 * is padding that is not scored. Dialogues longer than a row are cut at its end.
 */
export function packDialogues(
  dialogues: readonly Masked[],
  time: number,
  padding: number,
  seed: number,
  epoch: number,
): Batch[] {
  const rows: { batch: Batch; used: number }[] = []
  let open: { batch: Batch; used: number }[] = []
  for (const { ids, mask } of random(seed, 'dialogues', epoch).shuffle(dialogues)) {
    const length = Math.min(ids.length - 1, time)
    if (length < 1) continue
    let row = open.find((r) => r.used + length <= time)
    if (!row) {
      row = {
        batch: {
          ids: new Int32Array(time).fill(padding),
          targets: new Int32Array(time).fill(-1),
          starts: new Int32Array(time),
        },
        used: 0,
      }
      rows.push(row)
      open = [...open.slice(-31), row] // a bounded search keeps packing linear
    }
    for (let t = 0; t < length; t++) {
      row.batch.ids[row.used + t] = ids[t]!
      row.batch.starts[row.used + t] = row.used
      if (mask[t + 1]) row.batch.targets[row.used + t] = ids[t + 1]!
    }
    row.used += length
    row.batch.starts.fill(row.used, row.used) // padding looks at padding
    if (row.used === time) open = open.filter((r) => r !== row)
  }
  return random(seed, 'rows', epoch).shuffle(rows.map((r) => r.batch))
}

/** Several rows as one batch. */
export function joinRows(rows: readonly Batch[]): Batch {
  const join = (key: keyof Batch) => {
    const time = rows[0]!.ids.length
    const out = new Int32Array(rows.length * time)
    rows.forEach((r, i) => out.set(r[key], i * time))
    return out
  }
  return { ids: join('ids'), targets: join('targets'), starts: join('starts') }
}
