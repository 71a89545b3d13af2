/** The domain lists that a corpus refuses, read once for each thread. */
import { readFile } from 'node:fs/promises'
import type { CorpusConfig } from './config.ts'
import { parseDomains } from './filters/index.ts'

export async function loadDomains({ filters }: Pick<CorpusConfig, 'filters'>): Promise<Set<string>> {
  const domains = new Set<string>()
  for (const path of filters.url === false ? [] : filters.url.domains) {
    for (const domain of parseDomains(await readFile(path, 'utf8'))) domains.add(domain)
  }
  return domains
}
