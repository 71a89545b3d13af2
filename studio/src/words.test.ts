/**
 * No untranslated string: whatever a template shows comes from `t(en, zh)`, `say(…)` or data. Bare words in markup, and in attributes that people
 * read or hear, are named here with file and line. The two sides of every `t` are both there, and differ.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'svelte/compiler'
import { expect, it } from 'vitest'

const READ = new Set(['title', 'alt', 'placeholder', 'aria-label', 'aria-valuetext'])
/** Names and signs that are the same in both languages. */
const SAME = /^[^\p{L}]*(?:xueba 学霸|log p)?[^\p{L}]*$/u
const folder = import.meta.dirname
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
  (file) => /\.(?:svelte|ts)$/.test(file) && !file.includes('.test.'),
)

interface Node {
  type: string
  start: number
  data?: string
  name?: string
  value?: unknown
}

function nodesOf(value: unknown, found: Node[] = []): Node[] {
  if (Array.isArray(value)) for (const one of value) nodesOf(one, found)
  else if (value !== null && typeof value === 'object') {
    if ('type' in value) found.push(value as Node)
    for (const [key, part] of Object.entries(value)) if (key !== 'metadata') nodesOf(part, found)
  }
  return found
}

it.each(files.filter((file) => file.endsWith('.svelte')))('%s shows no bare words', (file) => {
  const source = readFileSync(join(folder, file), 'utf8')
  const { fragment } = parse(source, { modern: true })
  const lineOf = (at: number) => source.slice(0, at).split('\n').length
  const all = nodesOf(fragment.nodes)
  const attributes = all.filter(({ type }) => type === 'Attribute')
  const inside = new Set(nodesOf(all.filter(({ type }) => type === 'Attribute' || type === 'StyleDirective')))
  const shown = all.filter((node) => node.type === 'Text' && !inside.has(node))
  const read = nodesOf(attributes.filter(({ name }) => READ.has(name!))).filter(({ type }) => type === 'Text')
  const bare = [...shown, ...read].filter(({ data }) => !SAME.test(data!.trim()))
  expect(bare.map(({ start, data }) => `line ${lineOf(start)}: ${data!.trim()}`)).toEqual([])
})

it('both sides of every sentence are there, in their own language', () => {
  const problems: string[] = []
  for (const file of files) {
    const source = readFileSync(join(folder, file), 'utf8')
    for (const [whole, en, zh] of source.matchAll(
      /\bt\(\s*['`]((?:[^'`\\]|\\.)*)['`],\s*['`]((?:[^'`\\]|\\.)*)['`],?\s*\)/g,
    )) {
      if (/\p{Script=Han}/u.test(en!) && !['中文'].includes(en!)) problems.push(`${file}: ${whole}: Chinese in English`)
      if (/[a-z]{3}/.test(en!.replace(/\$\{[^}]*\}/g, '')) && zh === '') problems.push(`${file}: ${whole}: no Chinese`)
      if (en !== '' && en === zh && /[a-z]{3}/i.test(en!)) problems.push(`${file}: ${whole}: the same in both`)
    }
  }
  expect(problems).toEqual([])
})
