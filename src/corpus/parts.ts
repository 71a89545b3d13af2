/**
 * Parts: cleaned documents that wait on the disk for those of all other files, `FILE-PART` each, three files:
 *
 *   .jsonl  a line for each item as it was read: a document, or a rejection
 *   .bin    columns of numbers about them, one after the other (see `ColumnName`), little-endian
 *   .json   `Part`: counts, and where each column lies; written last, so that a part is whole or it is not there
 *
 * A part whose `key` is another one comes from other options or another file, and is made anew.
 */
import { open } from 'node:fs/promises'
import { endianness } from 'node:os'
import { join } from 'node:path'
import { openAtomic, writeFileAtomic } from '../formats/index.ts'
import { readJson, writeJson } from '../run/files.ts'
import type { CleanedBatch, Count } from './clean-batch.ts'

export interface Part {
  name: string
  key: string
  /** Whether it ends its file. */
  last: boolean
  items: number
  documents: number
  /** Items that are no defects of the source: what a source's `limit` counts. */
  read: number
  bytes: number
  languages: string[]
  masked: CleanedBatch['masked']
  steps: Record<string, Count>
  rules: Record<string, Count>
  /** First byte and length of each column. */
  columns: Record<string, [from: number, bytes: number]>
}

/** `band0` … are the keys of the bands. */
export type ColumnName =
  | 'isDocument'
  | 'lengths'
  | 'textBytes'
  | 'hashes'
  | 'places'
  | 'languages'
  | 'lineCounts'
  | 'lineHashes'
  | `band${number}`

type Column = Uint8Array | Uint32Array | Float64Array

export const partName = (file: number, part: number): string =>
  `${String(file).padStart(6, '0')}-${String(part).padStart(5, '0')}`

/** The part, if it is there and was made from what `key` stands for. */
export async function findPart(folder: string, name: string, key: string): Promise<Part | undefined> {
  const part = (await readJson(join(folder, `${name}.json`)).catch(() => undefined)) as Part | undefined
  return part?.key === key ? part : undefined
}

/** Takes batches; `close` makes the part. */
export async function openPart(folder: string, name: string, key: string, bands: number) {
  const file = await openAtomic(join(folder, `${name}.jsonl`))
  const batches: Omit<CleanedBatch, 'lines'>[] = []
  const part: Part = {
    name,
    key,
    last: false,
    items: 0,
    documents: 0,
    read: 0,
    bytes: 0,
    languages: [],
    masked: [],
    steps: {},
    rules: {},
    columns: {},
  }
  const numbers = new Map<string, number>()
  const languages: number[] = []

  return {
    get items() {
      return part.items
    },
    get bytes() {
      return part.bytes
    },
    async add({ lines, ...batch }: CleanedBatch) {
      await file.write(lines)
      batches.push(batch)
      for (const [document, counts] of batch.masked) part.masked.push([part.documents + document, counts])
      part.items += batch.isDocument.length
      part.documents += batch.languages.length
      part.read += batch.read
      part.bytes += lines.length
      for (const name of ['steps', 'rules'] as const) {
        for (const [key, [documents, bytes]] of Object.entries(batch[name])) {
          const entry = (part[name][key] ??= [0, 0])
          entry[0] += documents
          entry[1] += bytes
        }
      }
      for (const language of batch.languages) {
        if (!numbers.has(language)) numbers.set(language, part.languages.push(language) - 1)
        languages.push(numbers.get(language)!)
      }
    },
    async close(last: boolean): Promise<Part> {
      await file.close()
      const columns: [ColumnName, Column[]][] = [
        ['places', batches.map(({ places }) => places)], // 8 bytes an entry come first, so that all are aligned
        ...(['hashes', 'textBytes', 'lengths', 'lineCounts', 'lineHashes'] as const).map(
          (name): [ColumnName, Column[]] => [name, batches.map((batch) => batch[name])],
        ),
        ...Array.from({ length: bands }, (_, band): [ColumnName, Column[]] => [
          `band${band}`,
          batches.map(({ keys }) => bandOf(keys, band, bands)),
        ]),
        ['isDocument', batches.map(({ isDocument }) => isDocument)],
        ['languages', [Uint8Array.from(languages)]],
      ]
      const pieces: Uint8Array[] = []
      let at = 0
      for (const [name, arrays] of columns) {
        const bytes = Buffer.concat(arrays.map((a) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength)))
        part.columns[name] = [at, bytes.length]
        at += bytes.length
        pieces.push(bytes)
      }
      await writeFileAtomic(join(folder, `${name}.bin`), Buffer.concat(pieces))
      part.last = last
      await writeJson(join(folder, `${name}.json`), part)
      return part
    },
    discard: () => file.discard(),
  }
}

/** A column of a part as bytes in memory of its own. */
export async function readColumn(folder: string, { name, columns }: Part, column: ColumnName): Promise<Uint8Array> {
  const [from, bytes] = columns[column]!
  return readBytes(join(folder, `${name}.bin`), from, bytes)
}

/** The same as words of 32 bits. */
export async function readWords(folder: string, part: Part, column: ColumnName): Promise<Uint32Array> {
  const bytes = await readColumn(folder, part, column)
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}

/** Throws when the file ends before. */
export async function readBytes(path: string, from: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  const file = await open(path)
  try {
    for (let done = 0; done < length;) {
      const { bytesRead } = await file.read(bytes, done, Math.min(length - done, 1 << 30), from + done)
      if (bytesRead === 0) throw new Error(`${path} ends at byte ${from + done}, not at ${from + length}`)
      done += bytesRead
    }
  } finally {
    await file.close()
  }
  return bytes
}

function bandOf(keys: Uint32Array, band: number, bands: number): Uint32Array {
  const column = new Uint32Array(keys.length / bands)
  for (let document = 0; 2 * document < column.length; document++) {
    const from = 2 * (document * bands + band)
    column[2 * document] = keys[from]!
    column[2 * document + 1] = keys[from + 1]!
  }
  return column
}

if (endianness() !== 'LE') throw new Error('corpus parts are little-endian, and this machine is not')
