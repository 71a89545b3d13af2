/**
 * Which files of a dataset repository on the Hugging Face Hub a configuration and a split are made of.
 *
 * The card (README.md) says so in its `configs`; without it, names of folders and files do, as the `datasets` library reads them
 * (https://huggingface.co/docs/hub/datasets-manual-configuration, …/datasets-file-names-and-splits). What the repository held is kept in
 * the cache, so that a run without a network goes on with the commit that was seen last. Left out: loading scripts, `data_dir` of loaders.
 */
import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { readJson, UserError, writeJson } from '../run/index.ts'
import { cacheFolder, keepCopy } from './cache.ts'
import type { RemoteFile } from './download.ts'
import { hubManner, readRepository, type Repository } from './hub.ts'
import { GaveUp, type Patience } from './request.ts'

export interface DatasetQuery {
  /** `owner/name`. */
  name: string
  /** A branch, tag or commit. */
  revision: string
  config?: string
  /** `all` for every split. */
  split: string
}

/** Where copies of a repository's files are kept: a folder a commit. */
export const datasetFolder = (name: string, ...parts: string[]) => cacheFolder('datasets', ...name.split('/'), ...parts)

/** The repository, pinned to a commit, with the files that were asked for. Throws a UserError. */
export async function openDataset(query: DatasetQuery, patience: Patience): Promise<Repository> {
  const repository = await findRepository(query, patience)
  const card = repository.files.find(({ path }) => path === 'README.md')
  let text = ''
  if (card !== undefined) {
    const path = datasetFolder(query.name, repository.revision, card.path)
    await keepCopy(card, path, hubManner(patience))
    text = await readFile(path, 'utf8')
  }
  return { ...repository, files: chooseFiles(repository.files, text, query) }
}

async function findRepository({ name, revision }: DatasetQuery, patience: Patience): Promise<Repository> {
  const listing = datasetFolder(name, `${encodeURIComponent(revision)}.json`)
  const known = async () => (await readJson(listing).catch(() => undefined)) as Repository | undefined
  const pinned = /^[0-9a-f]{40}$/.test(revision) || process.env.HF_HUB_OFFLINE === '1' ? await known() : undefined
  if (pinned !== undefined) return pinned
  if (process.env.HF_HUB_OFFLINE === '1')
    throw new UserError(
      `${name}: HF_HUB_OFFLINE is set, and revision ${revision} is not in the cache (${listing})`,
      `${name}：设置了 HF_HUB_OFFLINE，而版本 ${revision} 不在缓存里（${listing}）`,
    )
  try {
    const repository = await readRepository('datasets', name, revision, patience)
    await writeJson(listing, repository)
    return repository
  } catch (error) {
    const seen = error instanceof GaveUp ? await known() : undefined
    if (seen === undefined) throw error
    return seen
  }
}

const paths = z.union([z.string(), z.array(z.string())])
const cardSchema = z.object({
  configs: z.array(
    z.object({
      config_name: z.string().default('default'),
      data_files: z.union([z.array(z.object({ split: z.string().default('train'), path: paths })), paths]).optional(),
      data_dir: z.string().optional(),
      default: z.boolean().optional(),
    }),
  ),
})
type CardConfig = z.infer<typeof cardSchema>['configs'][number]

const readable = /\.(parquet|(jsonl|ndjson|json|csv)(\.gz|\.zst)?|txt(\.gz|\.zst)?|warc(\.gz)?)$/i

/** The files, in the order of their names. `card` is the text of README.md. Throws a UserError that names what there is. */
export function chooseFiles(files: readonly RemoteFile[], card: string, query: DatasetQuery): RemoteFile[] {
  const { name, config, split } = query
  const data = files
    .filter(({ path }) => readable.test(path) && !path.split('/').some((part) => part.startsWith('.')))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  const configs = configsOf(card)
  const { found, splits } = configs.length > 0 ? fromCard(data, configs, query) : fromNames(data, query)
  if (found.length > 0) return found
  const what = `${split === 'all' ? '' : `split ${split}`}${config === undefined ? '' : ` of config ${config}`}`.trim()
  throw new UserError(
    `${name}: no Parquet, JSONL, CSV or text files${what === '' ? '' : ` for ${what}`}; splits: ${splits.join(', ') || 'none'}`,
    `${name}：${what === '' ? '' : `${what} `}没有 Parquet、JSONL、CSV 或文本文件；有的 split：${splits.join('、') || '无'}`,
  )
}

interface Choice {
  found: RemoteFile[]
  /** What splits there are, to name them in an error. */
  splits: string[]
}

function configsOf(card: string): CardConfig[] {
  const front = /^\s*---\r?\n([\s\S]*?)\r?\n---\s*(\r?\n|$)/.exec(card)?.[1]
  if (front === undefined) return []
  try {
    return cardSchema.safeParse(parse(front)).data?.configs ?? []
  } catch {
    return [] // a card that is no YAML says nothing
  }
}

function fromCard(files: RemoteFile[], configs: CardConfig[], { name, config, split }: DatasetQuery): Choice {
  const chosen =
    config === undefined
      ? (configs.find((one) => one.default === true) ??
        configs.find((one) => one.config_name === 'default') ??
        (configs.length === 1 ? configs[0] : undefined))
      : configs.find((one) => one.config_name === config)
  if (chosen === undefined)
    throw unknownConfig(
      name,
      config,
      configs.map((one) => one.config_name),
    )
  const folder = chosen.data_dir?.replace(/\/*$/, '/') ?? ''
  const inside = files.filter(({ path }) => path.startsWith(folder))
  const { data_files } = chosen
  if (data_files === undefined) return bySplit(inside, split)
  const parts =
    typeof data_files === 'string' || typeof data_files[0] === 'string'
      ? [{ split: 'train', path: data_files as string | string[] }]
      : (data_files as { split: string; path: string | string[] }[])
  const patterns = parts.filter((part) => split === 'all' || part.split === split).flatMap((part) => part.path)
  const matches = (path: string) =>
    patterns.some((pattern) => {
      const full = posix.join(folder, pattern)
      return path === full || posix.matchesGlob(path, full)
    })
  return { found: inside.filter(({ path }) => matches(path)), splits: parts.map((part) => part.split) }
}

/** A configuration without a card is a folder, at the top or in `data/`. */
function fromNames(files: RemoteFile[], { name, config, split }: DatasetQuery): Choice {
  if (config === undefined || config === 'default') return bySplit(files, split)
  const inside = files.filter(({ path }) => path.startsWith(`${config}/`) || path.startsWith(`data/${config}/`))
  if (inside.length > 0) return bySplit(inside, split)
  const folders = files.map(({ path }) => /^(?:data\/)?([^/]+)\/./.exec(path)?.[1]).filter((one) => one !== undefined)
  throw unknownConfig(name, config, [...new Set(folders)])
}

const keywords: Record<string, string[]> = {
  train: ['train', 'training'],
  validation: ['validation', 'valid', 'val', 'dev'],
  test: ['test', 'testing', 'eval', 'evaluation'],
}

function bySplit(files: RemoteFile[], split: string): Choice {
  const of = (words: string[]) => {
    const pattern = new RegExp(
      `(^|[ ./_0-9-])(${words.map((word) => word.replace(/\W/g, '\\$&')).join('|')})([ ./_0-9-]|$)`,
    )
    return files.filter(({ path }) => pattern.test(path))
  }
  const splits = Object.keys(keywords).filter((name) => of(keywords[name]!).length > 0)
  if (split === 'all' || (splits.length === 0 && split === 'train')) return { found: files, splits }
  return { found: of(keywords[split] ?? [split]), splits }
}

function unknownConfig(name: string, config: string | undefined, known: string[]): UserError {
  const shown = known.length > 30 ? `${known.slice(0, 30).join(', ')} … (${known.length})` : known.join(', ')
  return config === undefined
    ? new UserError(
        `${name} has several configs; name one: ${shown}`,
        `${name} 有多个 config，请写明用哪一个：${shown}`,
      )
    : new UserError(
        `${name} has no config ${config}; there are ${shown || 'none'}`,
        `${name} 没有 ${config} 这个 config；有的是：${shown || '无'}`,
      )
}
