/**
 * Rank files of tiktoken (`cl100k_base.tiktoken`): a line for each token, its bytes in base64 and its rank, which is its id.
 *
 * The file knows no merges: any two neighbours whose bytes together are a token may merge, the token of lowest rank first. So each way to
 * cut a token in two that are tokens is a merge here, and all of them have the token's rank. The pre-split is cl100k's, the
 * regular expression Llama 3 took over; r50k, p50k and o200k have others and are not for this reader. Special tokens are not in the file.
 */
import type { Merge, Vocabulary } from './vocabulary.ts'

/** Throws an Error that names the line and what was expected there. `name` is what to call the file. */
export function readTiktoken(text: string, name = 'the rank file'): Vocabulary {
  const tokens: Uint8Array[] = []
  const ids = new Map<string, number>() // by the bytes as Latin-1
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return
    const fail = (expected: string) => {
      throw new Error(`${name}, line ${i + 1}: ${JSON.stringify(line.slice(0, 60))}: expected ${expected}`)
    }
    const [, base64, digits] =
      /^([\w+/]+={0,2}) (\d+)\s*$/.exec(line) ?? fail('a token in base64, a space and its rank')
    const bytes = bytesOf(base64!) ?? fail('a token in base64')
    if (Number(digits) !== tokens.length) fail(`the rank ${tokens.length}: ranks count from 0 on`)
    if (ids.has(bytes)) fail('a token that no earlier line has')
    ids.set(bytes, tokens.length)
    tokens.push(Uint8Array.from(bytes, (c) => c.charCodeAt(0)))
  })
  for (let byte = 0; byte < 256; byte++)
    if (!ids.has(String.fromCharCode(byte))) throw new Error(`${name}: the byte ${byte} has no token`)
  const merges: Merge[] = []
  for (const [bytes, id] of ids)
    for (let i = 1; i < bytes.length; i++) {
      const left = ids.get(bytes.slice(0, i))
      const right = left === undefined ? undefined : ids.get(bytes.slice(i))
      if (right !== undefined) merges.push([left!, right, id])
    }
  return { tokens, merges, special: [], split: 'llama3', byToken: true }
}

function bytesOf(base64: string): string | undefined {
  try {
    return atob(base64)
  } catch {
    return undefined
  }
}
