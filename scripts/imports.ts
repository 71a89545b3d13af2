/**
 * The rules of imports, checked on the text of src/ (docs/architecture.md, "Rooms and the direction of imports"):
 *
 *   - no cycles among modules (`import type` is erased, so it does not count; neither does `import()`);
 *   - a room imports only the rooms it may know;
 *   - what runs in a browser (tensor, nn, tokenizer, generate, except `*.node.ts`) reaches no `node:` module and no package.
 *
 * oxlint finds cycles too, but not the other two. Imports are found by their shape at the start of a line: oxfmt guarantees it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'

export interface Import {
  target: string
  /** `type`: erased by the compiler. `dynamic`: `import()` or `new URL()`, loaded when asked for. */
  use: 'value' | 'type' | 'dynamic'
}

/** Module (path from src/, with forward slashes) → what it imports: such a path, `node:…`, or a package's name. */
export type Modules = ReadonlyMap<string, readonly Import[]>

const BROWSER = new Set(['tensor', 'nn', 'tokenizer', 'generate'])
const PLAIN = ['tokenizer', 'formats', 'world', 'tasks', 'corpus', 'baselines', 'run', 'remote', 'synthetic']
const ENGINE = ['tensor', 'nn', 'generate', ...PLAIN]
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  tensor: [],
  nn: ['tensor', 'formats'],
  generate: ['tensor', 'nn', 'tokenizer'],
  ...Object.fromEntries(PLAIN.map((room) => [room, PLAIN])),
  stages: ENGINE,
  lessons: [...ENGINE, 'stages'],
  export: [...ENGINE, 'stages'],
  import: [...ENGINE, 'stages', 'export'],
  server: [...ENGINE, 'stages', 'lessons', 'export'],
  library: [...ENGINE, 'stages', 'export'],
  cli: ['library', ...ENGINE, 'stages', 'lessons', 'export', 'import', 'server'],
}
/** Random numbers come from one file, for every room. */
const SHARED = new Set(['tensor/random.ts'])

const STATIC = /^(?:import|export)(\s[\w\s{},*$]*?)from\s*'([^']+)'/gm
const BARE = /^import\s*'([^']+)'/gm
const DYNAMIC = /\b(?:import|new URL)\(\s*'([^']+)'\s*[,)]/g

/** The imports in a source text, as written. */
export function importsOf(source: string): Import[] {
  const found: Import[] = []
  for (const [, clause, target] of source.matchAll(STATIC)) {
    found.push({ target: target!, use: /^\s+type\s/.test(clause!) ? 'type' : 'value' })
  }
  for (const [, target] of source.matchAll(BARE)) found.push({ target: target!, use: 'value' })
  for (const [, target] of source.matchAll(DYNAMIC)) found.push({ target: target!, use: 'dynamic' })
  return found
}

/** Reads every module under src/ that is not a test. */
export function readModules(src: string): Modules {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  const sources = files.filter((file) => file.endsWith('.ts') && !/\.test[.-]|\.d\.ts$/.test(file))
  const name = (file: string) => relative(src, file).split(sep).join('/')
  return new Map(
    sources.sort().map((file) => {
      const path = join(src, file)
      const imports = importsOf(readFileSync(path, 'utf8')).map(({ target, use }) =>
        target.startsWith('.') ? { target: name(resolve(dirname(path), target)), use } : { target, use },
      )
      return [name(path), imports] as const
    }),
  )
}

const values = (modules: Modules, name: string) =>
  (modules.get(name) ?? []).filter(({ use }) => use === 'value').map(({ target }) => target)

/** Every cycle that a depth-first walk closes, each as the modules along it. */
export function cycles(modules: Modules): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (name: string) => {
    const at = path.indexOf(name)
    if (at >= 0) return void found.push([...path.slice(at), name])
    if (done.has(name)) return
    path.push(name)
    for (const target of values(modules, name)) visit(target)
    path.pop()
    done.add(name)
  }
  for (const name of modules.keys()) visit(name)
  return found
}

/** Imports that go to a room the importer may not know. */
export function trespasses(modules: Modules): string[] {
  const found: string[] = []
  for (const [name, imports] of modules) {
    const room = name.split('/')[0]!
    for (const { target } of imports) {
      const other = target.split('/')[0]!
      if (other === room || SHARED.has(target) || !(other in ROOMS) || !modules.has(target)) continue
      if (ROOMS[room] && !ROOMS[room].includes(other))
        found.push(`${name} imports ${target}: ${room} may not know ${other}`)
    }
  }
  return found
}

/** Browser modules that reach Node or a package, with the way there. */
export function nodeInBrowser(modules: Modules): string[] {
  const found: string[] = []
  for (const start of modules.keys()) {
    if (!BROWSER.has(start.split('/')[0]!) || start.endsWith('.node.ts')) continue
    const seen = new Set([start])
    const queue: string[][] = [[start]]
    for (let path = queue.shift(); path; path = queue.shift()) {
      for (const target of values(modules, path.at(-1)!)) {
        const foreign = !modules.has(target) && !/\.\w+$/.test(target)
        if (foreign || target.endsWith('.node.ts')) found.push([...path, target].join(' → '))
        else if (!seen.has(target)) queue.push([...path, target])
        seen.add(target)
      }
    }
  }
  return found.map((way) => `${way}: a browser has none of this; move it to a *.node.ts file`)
}

/** Everything that is wrong, a sentence each. */
export function importProblems(src: string): string[] {
  const modules = readModules(src)
  return [
    ...cycles(modules).map((cycle) => `import cycle: ${cycle.join(' → ')}`),
    ...trespasses(modules),
    ...nodeInBrowser(modules),
  ]
}
