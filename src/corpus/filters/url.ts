/**
 * Pages that their address gives away, as FineWeb's URL filter: domains and addresses on lists (such as the UT1 categories), and words. A
 * strict word is looked for anywhere in the host, a hard one as a part of it between dots and hyphens, and of the soft ones two different must
 * stand anywhere in the address. Unlike there, strict and hard words are not looked for in the path: news about a casino has the word in its
 * path, too. The words are ours (`blocked.url.json`).
 */
import { z } from 'zod'
import { dataFile } from '../../run/schema.ts'
import blocked from './blocked.url.json' with { type: 'json' }
import { atMost } from './check.ts'
import type { Check } from './check.ts'
import { hashSet } from './hash-set.ts'
import type { HashSet } from './hash-set.ts'

export const urlConfig = z.strictObject({
  domains: z
    .array(dataFile())
    .default([])
    .describe('files with a blocked domain a line, or folders of UT1 categories (with the files domains and urls)'),
  words: z.boolean().default(true).describe('refuse addresses that hold words of gambling, pornography and drug sales'),
  maxSoftWords: z.number().int().default(1).describe('different suspicious words in an address'),
})

export interface UrlLists {
  /** Hosts, blocked with all of their subdomains. */
  domains: HashSet
  /** `host/path`, blocked with everything below it. */
  addresses: HashSet
}

const hard = new Set(blocked.hard)
const soft = new Set(blocked.soft)

export function* urlFilter(url: string, lists: UrlLists, config: z.infer<typeof urlConfig>): Generator<Check, void> {
  const parsed = URL.parse(url)
  if (parsed === null) return
  const host = parsed.hostname.toLowerCase().replace(/\.$/, '')
  const labels = host.split('.')
  if (lists.domains.size > 0) {
    const domain = labels.map((_, i) => labels.slice(i).join('.')).find((name) => lists.domains.has(name))
    yield atMost('url/domain', domain === undefined ? 0 : 1, 0, domain)
  }
  if (lists.addresses.size > 0) {
    const address = prefixes(host, parsed.pathname).find((prefix) => lists.addresses.has(prefix))
    yield atMost('url/address', address === undefined ? 0 : 1, 0, address)
  }
  if (!config.words) return
  const parts = host.split(/[.-]/).map((part) => part.replace(/\d+$/, ''))
  const word = blocked.strict.find((strict) => host.includes(strict)) ?? parts.find((part) => hard.has(part))
  yield atMost('url/word', word === undefined ? 0 : 1, 0, word === undefined ? undefined : `${word} in ${host}`)
  const found = new Set([...parts, ...decoded(parsed.pathname).split(/[^a-z]+/)].filter((part) => soft.has(part)))
  yield atMost('url/soft-words', found.size, config.maxSoftWords, found.size === 0 ? undefined : [...found].join(', '))
}

/** `host/a/b` and what stands above it, without `www.`, as UT1 writes addresses. */
function prefixes(host: string, path: string): string[] {
  const bare = host.replace(/^www\./, '')
  const segments = decoded(path).split('/').filter(Boolean)
  return segments.map((_, i) => `${bare}/${segments.slice(0, i + 1).join('/')}`).toReversed()
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path).toLowerCase()
  } catch {
    return path.toLowerCase()
  }
}

/** Lists from the text of files: `domains` holds hosts, `urls` addresses; `#` opens a comment, a scheme and `www.` are left out. */
export function urlLists(domains: readonly string[] = [], urls: readonly string[] = []): UrlLists {
  const lists = { domains: hashSet(), addresses: hashSet() }
  for (const text of domains) for (const line of linesOf(text)) lists.domains.add(line.replace(/\/.*$/, ''))
  for (const text of urls) {
    for (const line of linesOf(text)) {
      const address = line.replace(/\/+$/, '')
      if (address.includes('/')) lists.addresses.add(address)
      else lists.domains.add(address)
    }
  }
  return lists
}

function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const at = text.indexOf('\n', from)
    const to = at < 0 ? text.length : at
    let line = text.slice(from, to)
    if (line.includes('#')) line = line.replace(/#.*/, '')
    line = line.trim().toLowerCase()
    if (line.startsWith('http')) line = line.replace(/^https?:\/\//, '')
    if (line.startsWith('www.')) line = line.slice(4)
    if (line !== '') yield line
    from = to + 1
  }
}
