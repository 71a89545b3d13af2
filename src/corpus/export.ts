/**
 * A finished corpus for other programs: Parquet or JSON Lines with the columns of FineWeb (text, id, dump, url, date, file_path, language,
 * language_score, token_count; https://huggingface.co/datasets/HuggingFaceFW/fineweb), those of them that the corpus knows.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readJsonl } from '../formats/index.ts'
import { openPackedJsonl } from '../formats/jsonl-packed.ts'
import { openParquetWriter } from '../formats/parquet-write.ts'
import type { ParquetColumn } from '../formats/parquet-write.ts'
import { UserError } from '../run/errors.ts'

const columns: readonly ParquetColumn[] = [
  { name: 'text', type: 'STRING' },
  { name: 'id', type: 'STRING' },
  { name: 'dump', type: 'STRING', repeats: true },
  { name: 'url', type: 'STRING' },
  { name: 'date', type: 'STRING' },
  { name: 'file_path', type: 'STRING', repeats: true },
  { name: 'language', type: 'STRING', repeats: true },
  { name: 'language_score', type: 'DOUBLE' },
  { name: 'token_count', type: 'INT64' },
]

export interface CorpusExport {
  documents: number
  /** Of UTF-8 text. */
  bytes: number
  columns: string[]
}

export const exportEndings = /\.(parquet|jsonl(\.gz|\.zst)?)$/i

/** The folder of the corpus: the one that is named, or the corpus stage of a run. Throws a UserError. */
export function findCorpus(folder: string): string {
  const holds = (path: string) => existsSync(join(path, 'documents.jsonl'))
  if (holds(folder)) return folder
  const stages = existsSync(folder) ? readdirSync(folder).filter((name) => /^\d+-/.test(name)) : []
  const found = stages.sort().findLast((name) => holds(join(folder, name)))
  if (found !== undefined) return join(folder, found)
  throw new UserError(
    `${folder}: there is no finished corpus here (documents.jsonl), nor a run with one`,
    `${folder}：这里没有做好的语料（documents.jsonl），也不是含有语料的运行目录`,
  )
}

export interface ExportOptions {
  /** The documents that are kept for evaluation instead of those to train on. */
  heldOut?: boolean | undefined
  /** Tokens of each document in their order, where the corpus has been tokenised. */
  tokens?: ArrayLike<number> | undefined
}

/** `to` ends as `exportEndings` says. */
export async function exportCorpus(
  folder: string,
  to: string,
  { heldOut = false, tokens }: ExportOptions = {},
): Promise<CorpusExport> {
  const path = join(folder, heldOut ? 'heldout.jsonl' : 'documents.jsonl')
  const known = new Set<string>()
  let rows = 0
  for await (const row of rowsOf(path, tokens)) {
    rows++
    for (const [name, value] of Object.entries(row)) if (value !== undefined) known.add(name)
  }
  // Counts of another corpus, which once stood here, are none of this one.
  if (tokens?.length !== rows) known.delete('token_count')
  const used = columns.filter(({ name }) => name === 'text' || name === 'id' || known.has(name))
  const writer = /\.parquet$/i.test(to) ? await openParquetWriter(to, used) : await openPackedJsonl(to)
  const count = { documents: 0, bytes: 0 }
  try {
    for await (const row of rowsOf(path, tokens)) {
      await writer.write(row)
      count.documents++
      count.bytes += Buffer.byteLength(row.text as string)
    }
  } catch (error) {
    await writer.discard()
    throw error
  }
  await writer.close()
  return { ...count, columns: used.map(({ name }) => name) }
}

/** Documents in the order of their file, with FineWeb's names. Throws a UserError at a line that is no document. */
async function* rowsOf(path: string, counts?: ArrayLike<number>): AsyncGenerator<Record<string, unknown>> {
  let row = 0
  for await (const item of readJsonl(path)) {
    const document = 'defect' in item ? undefined : (item.value as Record<string, unknown> | null)
    if (typeof document?.text !== 'string') {
      const why = 'defect' in item ? item.defect : 'no "text"'
      throw new UserError(`${path}, line ${item.line}: ${why}`, `${path} 第 ${item.line} 行：${why}`)
    }
    const { text, id, url, date, source, language } = document
    const dump = typeof source === 'string' ? /^crawl-data\/(CC-[^/]+)\//.exec(source)?.[1] : undefined
    const { languageScore } = document
    const tokens = counts?.[row++]
    yield { text, id, dump, url, date, file_path: source, language, language_score: languageScore, token_count: tokens }
  }
}
