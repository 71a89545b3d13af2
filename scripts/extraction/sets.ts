/**
 * Pages with gold: folders `web-*` of the data folder, in the three layouts in which such sets are published.
 *
 * `NAME/source.html` beside `NAME/expected.html` (Readability's tests); `gold.json` with strings that must and must not be there,
 * and `html/` (trafilatura's); `ground-truth.json` with `articleBody`, and `html/*.html.gz` (Zyte's).
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { linesOf } from '../../src/corpus/extract/page.ts'

export type Gold = { text: string } | { present: string[]; absent: string[] }

export interface GoldPage {
  set: string
  id: string
  bytes: Uint8Array
  gold: Gold
  /** By a hash of its name: rules are made on `develop` only. */
  half: 'develop' | 'validate'
}

/** The sets that are there, in order of their names. */
export function goldSets(data: string): string[] {
  if (!existsSync(data)) return []
  return readdirSync(data)
    .filter((name) => name.startsWith('web-') && readSet(data, name, 1).length > 0)
    .sort()
}

export function readSet(data: string, set: string, limit = Infinity): GoldPage[] {
  const folder = join(data, set)
  const page = (id: string, file: string, gold: Gold): GoldPage => {
    const raw = readFileSync(join(folder, file))
    return { set, id, bytes: file.endsWith('.gz') ? gunzipSync(raw) : raw, gold, half: halfOf(id) }
  }
  if (existsSync(join(folder, 'gold.json'))) {
    const gold = readJson(join(folder, 'gold.json')) as Record<
      string,
      { file: string; with: string[]; without: string[] }
    >
    return Object.values(gold)
      .slice(0, limit)
      .map((item) => page(item.file, `html/${item.file}`, { present: item.with, absent: item.without }))
  }
  if (existsSync(join(folder, 'ground-truth.json'))) {
    const gold = readJson(join(folder, 'ground-truth.json')) as Record<string, { articleBody: string }>
    return Object.entries(gold)
      .slice(0, limit)
      .map(([id, { articleBody }]) => page(id, `html/${id}.html.gz`, { text: articleBody }))
  }
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'expected.html')))
    .slice(0, limit)
    .map((name) => {
      const text = linesOf(readFileSync(join(folder, name, 'expected.html'), 'utf8')).join('\n')
      return page(name, `${name}/source.html`, { text })
    })
}

const halfOf = (id: string) => ((createHash('sha256').update(id).digest()[0]! & 1) === 0 ? 'develop' : 'validate')

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))
