/**
 * Parquet written row by row: flat columns, zstd, a row group for every 32 MiB, so that memory does not grow with the file. hyparquet-writer knows
 * the format. The file appears when it is closed.
 */
import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer'
import { zstdCompressSync } from 'node:zlib'
import { openAtomic } from './atomic.ts'

export interface ParquetColumn {
  name: string
  type: 'STRING' | 'INT64' | 'DOUBLE'
  /** Whether values repeat much, as those of a language do. */
  repeats?: boolean
}

const groupBytes = 32 << 20
const groupRows = 100_000

export async function openParquetWriter(path: string, columns: readonly ParquetColumn[]) {
  const file = await openAtomic(path)
  const bytes = new ByteWriter(1 << 20)
  const flush = async () => {
    await file.write(bytes.getBytes().slice())
    bytes.index = 0
  }
  const compressors = { ZSTD: (input: Uint8Array) => zstdCompressSync(input) }
  const source = (data: unknown[][]) =>
    columns.map(({ name, type, repeats }, i) => ({
      name,
      data: data[i]!,
      nullable: true,
      ...(repeats === true ? {} : { encoding: 'PLAIN' as const, statistics: false }),
      type,
    }))
  const empty = () => columns.map((): unknown[] => [])
  const schema = schemaFromColumnData({ columnData: source(empty()) })
  const writer = new ParquetWriter({ writer: bytes, schema, codec: 'ZSTD', compressors, createdBy: 'xueba' })
  let [group, size] = [empty(), 0]

  async function writeGroup() {
    if (group[0]!.length === 0) return
    // oxlint-disable-next-line no-unused-vars -- the schema knows both already
    const columnData = source(group).map(({ type, nullable, ...column }) => column)
    await writer.write({ columnData, rowGroupSize: group[0]!.length })
    await flush()
    ;[group, size] = [empty(), 0]
  }
  return {
    /** Missing values are null. */
    async write(row: Readonly<Record<string, unknown>>) {
      for (const [i, { name, type }] of columns.entries()) {
        const value = row[name] ?? null
        group[i]!.push(type === 'INT64' && typeof value === 'number' ? BigInt(value) : value)
        size += typeof value === 'string' ? value.length * 2 : 8
      }
      if (size >= groupBytes || group[0]!.length >= groupRows) await writeGroup()
    },
    async close() {
      await writeGroup()
      await writer.finish()
      await flush()
      await file.close()
    },
    discard: file.discard,
  }
}
