import { describe, expect, it } from 'vitest'
import { cycles, importsOf, nodeInBrowser, trespasses, type Modules } from './imports.ts'

const modules = (graph: Record<string, string[]>): Modules =>
  new Map(
    Object.entries(graph).map(([name, targets]) => [
      name,
      targets.map((target) => ({ target, use: 'value' as const })),
    ]),
  )

describe('importsOf', () => {
  it('finds every shape of import, and nothing in comments or strings', () => {
    const source = `/**
 * import { no } from './comment.ts'
 */
import a from './a.ts'
import {
  b,
  type B,
} from './b.ts'
import type { C } from './c.ts'
import './d.ts'
export * from './e.ts'
export type { F } from './f.ts'
// import g from './no.ts'
const text = "import h from './no.ts'"
const later = () => import('./i.ts')
const url = new URL('./j.ts', import.meta.url)
`
    expect(importsOf(source)).toEqual([
      { target: './a.ts', use: 'value' },
      { target: './b.ts', use: 'value' },
      { target: './c.ts', use: 'type' },
      { target: './e.ts', use: 'value' },
      { target: './f.ts', use: 'type' },
      { target: './d.ts', use: 'value' },
      { target: './i.ts', use: 'dynamic' },
      { target: './j.ts', use: 'dynamic' },
    ])
  })
})

describe('rules', () => {
  it('names a cycle by its modules', () => {
    const graph = { 'run/a.ts': ['run/b.ts'], 'run/b.ts': ['run/c.ts'], 'run/c.ts': ['run/b.ts'] }
    expect(cycles(modules(graph))).toEqual([['run/b.ts', 'run/c.ts', 'run/b.ts']])
    expect(cycles(modules({ 'run/a.ts': ['run/b.ts', 'run/c.ts'], 'run/b.ts': ['run/c.ts'], 'run/c.ts': [] }))).toEqual(
      [],
    )
  })

  it('keeps rooms apart, and lets everyone draw random numbers', () => {
    const graph = {
      'world/a.ts': ['tensor/random.ts'],
      'tensor/random.ts': [],
      'corpus/b.ts': ['nn/c.ts'],
      'nn/c.ts': [],
    }
    expect(trespasses(modules(graph))).toEqual(['corpus/b.ts imports nn/c.ts: corpus may not know nn'])
  })

  it('finds Node behind a browser module', () => {
    const graph = {
      'nn/a.ts': ['formats/b.ts'],
      'formats/b.ts': ['node:fs'],
      'nn/c.node.ts': ['node:fs'],
      'nn/d.ts': ['./x.json'],
    }
    expect(nodeInBrowser(modules(graph))).toEqual([
      'nn/a.ts → formats/b.ts → node:fs: a browser has none of this; move it to a *.node.ts file',
    ])
  })
})
