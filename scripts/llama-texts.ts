/**
 * What both tokenizers are asked: 1,000 strings of ten kinds, from a seed. Two kinds are cut out of this repository's own
 * documents, the others put together from the pieces in llama-texts.json.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { random } from '../src/tensor/random.ts'
import pieces from './llama-texts.json' with { type: 'json' }

export interface TestString {
  kind: string
  text: string
}

const root = join(import.meta.dirname, '..')
const read = (files: string[]) => files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n')
const PER_KIND = 100

/** The same strings every time. */
export function testStrings(seed = 1): TestString[] {
  const draw = random(seed, 'llama strings')
  const sources = {
    Chinese: read(['README.zh-CN.md', 'docs/tour.zh-CN.md']),
    English: read(['README.md', 'docs/tour.md', 'docs/architecture.md']),
  }
  const many = <T>(make: () => T) => Array.from({ length: PER_KIND }, make)
  const cut = (text: string) => {
    const at = draw.below(text.length - 200)
    return text.slice(at, at + 1 + draw.below(200)).toWellFormed()
  }
  return [
    ...Object.entries(sources).flatMap(([kind, text]) => many(() => ({ kind, text: cut(text) }))),
    ...Object.entries(pieces).flatMap(([kind, list]) =>
      many(() => ({ kind, text: Array.from({ length: 1 + draw.below(12) }, () => draw.pick(list)).join('') })),
    ),
  ]
}
