/** JSON files that are one array of rows, as many data sets are published; JSON Lines are read by `jsonl.ts`. */
import { readFile } from 'node:fs/promises'
import { utf8 } from './lines.ts'

/** The rows of a file. Throws an Error that says what is wrong: no UTF-8, no JSON, no array. */
export async function readJsonArray(path: string): Promise<unknown[]> {
  const bytes = await readFile(path)
  let text
  try {
    text = utf8.decode(bytes)
  } catch {
    throw new Error('invalid UTF-8')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`malformed JSON: ${(error as Error).message}`, { cause: error })
  }
  if (!Array.isArray(value)) throw new Error('expected an array of rows, [{…}, {…}]')
  return value
}
