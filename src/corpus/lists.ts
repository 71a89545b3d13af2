/**
 * What cleaning needs from files of the recipe, read once: blocked domains and addresses, toxic words, evaluation questions. Data in memory
 * only: a worker loads its own.
 */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, UserError } from '../run/errors.ts'
import type { CorpusConfig } from './config.ts'
import { loadQuestions, questionIndex } from './decontaminate.ts'
import type { QuestionIndex } from './decontaminate.ts'
import type { PhraseIndex } from './filters/phrases.ts'
import { toxicIndex, type Weight } from './filters/toxic-words.ts'
import { urlLists } from './filters/url.ts'
import type { UrlLists } from './filters/url.ts'

export interface Lists {
  urls: UrlLists
  toxic: PhraseIndex<Weight>
  questions: QuestionIndex
}

/** Throws a UserError that names the file which cannot be read. */
export async function loadLists({ filters, decontaminate }: CorpusConfig): Promise<Lists> {
  const domains: string[] = []
  const addresses: string[] = []
  for (const path of filters.url === false ? [] : filters.url.domains) {
    if (!(await isFolder(path))) {
      domains.push(await readList(path))
      continue
    }
    const [hosts, urls] = await Promise.all(['domains', 'urls'].map((name) => readIfThere(join(path, name))))
    if (hosts === undefined && urls === undefined)
      throw new UserError(
        `${path} is no category of a URL blocklist: it holds neither a file "domains" nor a file "urls"`,
        `${path} 不是网址屏蔽名单的分类文件夹：里面既没有 domains 文件，也没有 urls 文件`,
      )
    if (hosts !== undefined) domains.push(hosts)
    if (urls !== undefined) addresses.push(urls)
  }
  const toxic = filters.toxicWords === false ? [] : filters.toxicWords.lists
  return {
    urls: urlLists(domains, addresses),
    toxic: toxicIndex(await Promise.all(toxic.map(readList))),
    questions: decontaminate === false ? questionIndex([]) : await loadQuestions(decontaminate),
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

async function readList(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new UserError(`the list ${path} cannot be read: ${String(error)}`, `读不了名单 ${path}：${String(error)}`)
  })
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
}
