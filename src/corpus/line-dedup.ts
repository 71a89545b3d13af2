/**
 * Lines that many pages share: menus, notices, signatures. The first document that has such a line keeps it, later ones lose it, as in CCNet
 * (Wenzek et al. 2020), whose unit is the paragraph. Lines are known by 64 bits of their normalised form; short ones may repeat.
 */
import { KEPT } from './clusters.ts'
import type { Clusters } from './clusters.ts'
import { keyTable } from './key-table.ts'
import { readWords } from './parts.ts'
import type { Part } from './parts.ts'

/** A text without the lines that `isRepeated` names by their number. */
export const withoutLines = (text: string, isRepeated: (line: number) => boolean): string =>
  text
    .split('\n')
    .filter((_, i) => !isRepeated(i))
    .join('\n')
    .trim()

export interface RepeatedLines {
  /** Whether a document has any. */
  has(document: number): boolean
  count(document: number): number
  isRepeated(document: number, line: number): boolean
}

/**
 * Which lines of the documents that stay an earlier one has, too. What is held is a bit a line, four bytes a document, and a table of
 * `perPass` lines; more lines are done in several passes.
 */
export async function findRepeatedLines(
  folder: string,
  parts: readonly Part[],
  { kind }: Pick<Clusters, 'kind'>,
  perPass = 1 << 23,
): Promise<RepeatedLines> {
  const starts = new Uint32Array(kind.length + 1) // the number of each document's first line
  let document = 0
  for (const part of parts)
    for (const count of await readWords(folder, part, 'lineCounts')) starts[++document] = starts[document - 1]! + count
  const lines = starts[document]!
  const bits = new Uint8Array(Math.ceil(lines / 8))
  const passes = Math.max(1, Math.ceil(lines / perPass))
  const table = keyTable(Math.min(lines, perPass), 2)
  for (let pass = 0; pass < passes; pass++) {
    table.clear()
    let [line, owner] = [0, 0]
    for (const part of parts) {
      const keys = await readWords(folder, part, 'lineHashes')
      for (let at = 0; at < keys.length; at += 2, line++) {
        while (line >= starts[owner + 1]!) owner++
        if ((keys[at] === 0 && keys[at + 1] === 0) || kind[owner] !== KEPT || keys[at]! % passes !== pass) continue
        if (table.add(keys, at, owner) !== owner) bits[Math.floor(line / 8)]! |= 1 << (line & 7)
      }
    }
  }
  const isRepeated = (document: number, line: number) => {
    const at = starts[document]! + line
    return (bits[Math.floor(at / 8)]! & (1 << (at & 7))) !== 0
  }
  const count = (document: number) => {
    let sum = 0
    for (let line = 0; line < starts[document + 1]! - starts[document]!; line++) if (isRepeated(document, line)) sum++
    return sum
  }
  return { isRepeated, count, has: (document) => count(document) > 0 }
}
