/** What dialogues are about: built-in topics in Chinese and in English, or a file with one a line (`#` begins a comment). */
import { readFile } from 'node:fs/promises'
import { codeOf, UserError } from '../run/index.ts'
import type { Language } from '../tasks/task.ts'
import english from './topics.en.json' with { type: 'json' }
import chinese from './topics.zh.json' with { type: 'json' }

export const TOPICS: Record<Language, readonly string[]> = { en: english, zh: chinese }

/** The topics of a file, each once. Throws a UserError when it cannot be read or holds none. */
export async function readTopics(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') throw new UserError(`${path} does not exist`, `没有 ${path} 这个文件`)
    throw error
  })
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const topics = [...new Set(lines.filter((line) => line !== '' && !line.startsWith('#')))]
  if (topics.length === 0) throw new UserError(`${path} holds no topic`, `${path} 里没有话题`)
  return topics
}
