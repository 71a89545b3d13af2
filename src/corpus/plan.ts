/**
 * What a corpus will be made from: every file of every source in order, each with a number, and with a key that changes when it, or an
 * option, does. Ranks share files out by that number; a source with a limit is one rank's, as its files have to be read one after the other.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../run/errors.ts'
import { sha256OfJson } from '../run/files.ts'
import { version } from '../run/paths.ts'
import type { CorpusConfig, SourceConfig } from './config.ts'
import type { Rejection } from './document.ts'
import { findPart, partName } from './parts.ts'
import type { Part } from './parts.ts'
import { listSource, sourceName } from './sources.ts'
import type { SourceFile } from './sources.ts'

export interface PlannedFile {
  number: number
  /** Index of its source. */
  source: number
  file: SourceFile
  /** Whether the filters apply. */
  web: boolean
  key: string
}

export interface Plan {
  config: CorpusConfig
  /** In the order of reading: files, and what is no document. */
  entries: (PlannedFile | Rejection)[]
  files: PlannedFile[]
  /** Files that one rank reads, one after the other. */
  groups: PlannedFile[][]
  /** Whether some source has a weight. */
  weighted: boolean
}

export interface Rank {
  rank: number
  of: number
}

export async function makePlan(config: CorpusConfig): Promise<Plan> {
  const { sources, heldOut: _heldOut, ...rest } = config
  checkWeights(sources)
  const lists = listFiles(config)
  const weighted = sources.some(({ epochs, share }) => epochs !== undefined || share !== undefined)
  const common = { ...rest, lists: await Promise.all(lists.map(stampOf)), version: version(), weighted }
  const plan: Plan = { config, entries: [], files: [], groups: [], weighted }
  for (const [index, source] of sources.entries()) {
    const { epochs: _epochs, share: _share, ...options } = source
    const group: PlannedFile[] = []
    for (const item of await listSource(source)) {
      if (!('kind' in item)) {
        plan.entries.push(item)
        continue
      }
      const key = sha256OfJson({ ...common, index, options, file: { ...item, stamp: await stampOf(item.path) } })
      const planned = { number: plan.files.length, source: index, file: item, web: isWeb(source, item), key }
      plan.entries.push(planned)
      plan.files.push(planned)
      group.push(planned)
    }
    if (source.limit === undefined) plan.groups.push(...group.map((file) => [file]))
    else plan.groups.push(group)
  }
  return plan
}

/** The parts that a file has already, in order. */
export async function partsOf(folder: string, { number, key }: PlannedFile): Promise<Part[]> {
  const parts: Part[] = []
  while (parts.at(-1)?.last !== true) {
    const part = await findPart(folder, partName(number, parts.length), key)
    if (part === undefined) break
    parts.push(part)
  }
  return parts
}

/** All parts of a file. Throws a UserError when some have not been made. */
export async function allPartsOf(folder: string, file: PlannedFile): Promise<Part[]> {
  const parts = await partsOf(folder, file)
  if (parts.at(-1)?.last === true) return parts
  throw new UserError(
    `${file.file.name} has not been read to its end yet: other ranks are still at work, or their files have changed`,
    `${file.file.name} 还没有读完：别的 rank 仍在处理，或者它的文件变了`,
  )
}

function checkWeights(sources: readonly SourceConfig[]): void {
  const both = sources.find(({ epochs, share }) => epochs !== undefined && share !== undefined)
  if (both)
    throw new UserError(
      `${sourceName(both)}: give epochs or share, not both`,
      `${sourceName(both)}：epochs 和 share 只能写一个`,
    )
  const sum = sources.reduce((all, { share = 0 }) => all + share, 0)
  const room = sources.every(({ share }) => share !== undefined) ? sum <= 1.000001 : sum < 1
  if (!room)
    throw new UserError(
      `the shares of the sources add up to ${sum}; at most 1, and less where a source has none`,
      `各来源的 share 加起来是 ${sum}：最多为 1，有来源没写 share 时要小于 1`,
    )
}

const isWeb = ({ filters }: SourceConfig, { kind }: SourceFile): boolean =>
  (filters ?? (kind === 'archive' || kind === 'page' ? 'web' : 'none')) === 'web'

/** The files that `loadLists` reads. */
function listFiles({ filters, decontaminate }: CorpusConfig): string[] {
  const domains = filters.url === false ? [] : filters.url.domains
  return [
    ...domains.flatMap((path) => [path, join(path, 'domains'), join(path, 'urls')]),
    ...(filters.toxicWords === false ? [] : filters.toxicWords.lists),
    ...(decontaminate === false ? [] : decontaminate.files),
  ]
}

/** Size and time of change of a local file. */
async function stampOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found ? `${found.size} ${found.mtimeMs}` : ''
}

/** What a corpus is made from: each file with its key, which changes when the file, or an option that concerns it, does. */
export async function corpusInputs(config: CorpusConfig): Promise<Record<string, string>> {
  const { files } = await makePlan(config)
  return Object.fromEntries(files.map(({ number, file, key }) => [`${number} ${file.name}`, key]))
}
